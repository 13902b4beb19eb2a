"""System checks of the values of settings: each setting has one kind of value.

A wrong value often has an effect that nobody expects: `"False"` is true, and a number as a text
fails in the middle of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core import checks
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from rest_framework.throttling import SimpleRateThrottle

from tiled_scim.conf import (
    ACCESS_TOKEN_LIFETIMES,
    LONGEST_PERIOD,
    PREFIX,
    SECRET_LIFETIMES,
    settings,
)
from tiled_scim.host import HostAdapter

Messages = Iterator[checks.CheckMessage]

MISSPELLED = 0.8


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Args:
        is_valid: Takes the value. It may raise an error, which says what is wrong.
        right: What the value should be, after “Set it to”.
        is_optional: Whether None is valid, too.
    """

    is_valid: Callable[[Any], bool]
    right: str
    is_optional: bool = False

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, or None if it is valid. It may be an empty text."""
        if value is None and self.is_optional:
            return None
        try:
            return None if self.is_valid(value) else ""
        except (ImportError, ValueError) as error:
            return str(error)

    @property
    def hint(self) -> str:
        return f"Set it to {'None or to ' if self.is_optional else ''}{self.right}."


def one_of(*choices: object) -> Kind:
    """Return the kind of a setting that has a few possible values."""
    return Kind(lambda value: value in choices, f"one of {', '.join(map(repr, choices))}")


def between(shortest: timedelta, longest: timedelta, right: str) -> Kind:
    """Return the kind of a setting that is a period within bounds.

    Args:
        shortest: The shortest period.
        longest: The longest one.
        right: What the value should be, after “Set it to”.
    """
    return Kind(lambda value: isinstance(value, timedelta) and shortest <= value <= longest, right)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_shown_text(value: object) -> bool:
    return isinstance(value, str | Promise) and bool(str(value).strip())


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_period(value: object) -> bool:
    return isinstance(value, timedelta) and timedelta(0) < value <= LONGEST_PERIOD


def _is_rate(value: object) -> bool:
    try:
        # parse_rate() does not use the instance, and creating one would already read the rate.
        number, seconds = SimpleRateThrottle.parse_rate(object(), value)  # type: ignore[arg-type]
    except (ValueError, KeyError, AttributeError, IndexError):
        return False
    return number is not None and number > 0 and seconds is not None


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or value.split() != [value]:
        return False
    parts = urlsplit(value)
    _ = parts.port  # a ValueError if it is no number
    is_plain = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_plain


def _is_fields(value: object) -> bool:
    return _is_values(value) and all(map(_is_text, value.values()))  # type: ignore[attr-defined]


def _is_values(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value))


def _is_adapter(value: object) -> bool:
    adapter = _imported(value)
    return isinstance(adapter, type) and issubclass(adapter, HostAdapter)


def _is_function(value: object) -> bool:
    return callable(_imported(value))


def _is_switch(value: object) -> bool:
    enabled = _imported(value)
    return isinstance(enabled, bool) or callable(enabled)


def _imported(value: object) -> object:
    return import_string(value) if isinstance(value, str) else value


BOOLEAN = Kind(lambda value: isinstance(value, bool), "True or False, without quotation marks")
MODEL = 'a model, as "app_label.Model"'
FIELD = "the name of a field"
NAME = Kind(_is_shown_text, "the name that people know, as text, which may be translated")
NUMBER = Kind(_is_positive, "a positive integer")
PERIOD = f"a positive timedelta of at most {LONGEST_PERIOD.days} days"
YEARS = "a timedelta from 365 to 1096 days"
HOURS = "a timedelta from 60 minutes to 6 hours"
FIELDS = 'a dictionary of names, such as {"active": "is_active"}'
ADAPTER = (
    'a subclass of tiled_scim.host.HostAdapter, or its path, such as "myapp.scim.MyHostAdapter"'
)
SWITCH = "True, False, or a callable that takes the account's key, or its path"
FUNCTION = (
    "a function, or its dotted path, that takes a request and returns the key of the account that "
    "it is about if this person may configure it, else None"
)
RATE = 'a number of requests and a period, such as "600/min"'
URL = 'the complete URL, such as "https://your.host/scim/v2"'

SETTINGS: Mapping[str, Kind] = {
    "LIBRARY_MODEL": Kind(_is_text, MODEL),
    "LIBRARY_NAME_FIELD": Kind(_is_text, FIELD),
    "LIBRARY_MEMBERS_FIELD": Kind(_is_text, FIELD, is_optional=True),
    "ADMIN_FIELD": Kind(_is_text, FIELD),
    "ADMIN_NAME": NAME,
    "PRODUCT_NAME": NAME,
    "MEMBERSHIP_MODEL": Kind(_is_text, MODEL, is_optional=True),
    "MEMBERSHIP_FIELDS": Kind(_is_fields, FIELDS),
    "MEMBERSHIP_DEFAULTS": Kind(_is_values, 'a dictionary, such as {"role": "member"}'),
    "LIBRARY_ACCOUNT_FIELD": Kind(_is_text, FIELD, is_optional=True),
    "DEACTIVATE_HOST_USERS": BOOLEAN,
    "HOST_ADAPTER": Kind(_is_adapter, ADAPTER, is_optional=True),
    "ENABLED": Kind(_is_switch, SWITCH),
    "CONFIGURABLE_ACCOUNT": Kind(_is_function, FUNCTION, is_optional=True),
    "ADOPT_USERS": one_of("username", "email", None),
    "ADOPT_PASSWORDS": BOOLEAN,
    "ADOPT_LIBRARIES": BOOLEAN,
    "UNKNOWN_MEMBERS": one_of("skip", "reject"),
    "USER_DELETE": one_of("deactivate", "delete"),
    "END_SESSIONS": BOOLEAN,
    "REMOVE_LAST_ADMIN": BOOLEAN,
    "TOKEN_LIFETIME": Kind(_is_period, PERIOD, is_optional=True),
    "CLIENT_SECRET_LIFETIME": between(*SECRET_LIFETIMES, YEARS),
    "ACCESS_TOKEN_LIFETIME": between(*ACCESS_TOKEN_LIFETIMES, HOURS),
    "JWKS_PRIVATE_ADDRESSES": BOOLEAN,
    "LOGOUT_WITH_TOKEN": BOOLEAN,
    "PAGE_SIZE": NUMBER,
    "MAX_PAGE_SIZE": NUMBER,
    "PASSWORD_IN_SCHEMAS": BOOLEAN,
    "THROTTLE": Kind(_is_rate, RATE, is_optional=True),
    "EVENT_RETENTION": Kind(_is_period, PERIOD, is_optional=True),
    "BASE_URL": Kind(_is_url, URL, is_optional=True),
}


def check_values() -> Messages:
    """Check the value of each setting. Other checks rely on the values."""
    for name, kind in SETTINGS.items():
        if not hasattr(django_settings, PREFIX + name):
            continue
        value: object = getattr(django_settings, PREFIX + name)
        problem = kind.problem(value)
        if problem is not None:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}{problem and f': {problem}'}.",
                hint=kind.hint,
                id="tiled_scim.E008",
            )


def check_names() -> Messages:
    """Warn about settings that do not exist. A misspelled one has no effect."""
    for name in dir(django_settings):
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in SETTINGS:
            continue
        known = [PREFIX + each for each in SETTINGS]
        nearest = get_close_matches(name, known, 1, MISSPELLED)
        yield checks.Warning(
            f"{name} is not a setting of tiled_scim, so it has no effect.",
            hint=f"Did you mean {nearest[0]}?" if nearest else f"Remove it. {_all_names()}",
            id="tiled_scim.W031",
        )


def check_page_sizes() -> Messages:
    size = getattr(django_settings, f"{PREFIX}PAGE_SIZE", 1)
    if size > settings.MAX_PAGE_SIZE:
        yield checks.Error(
            f"{PREFIX}PAGE_SIZE is {size}, but {PREFIX}MAX_PAGE_SIZE allows only "
            f"{settings.MAX_PAGE_SIZE} resources on a page.",
            hint=f"Set {PREFIX}PAGE_SIZE to {settings.MAX_PAGE_SIZE} or less, or raise "
            f"{PREFIX}MAX_PAGE_SIZE.",
            id="tiled_scim.E009",
        )


def _all_names() -> str:
    return f"The settings are {', '.join(PREFIX + name for name in SETTINGS)}."
