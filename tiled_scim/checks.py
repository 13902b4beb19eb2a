"""System checks for the host's settings. Each says what is wrong and how to correct it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.urls import URLResolver, get_resolver
from django.utils.functional import Promise
from rest_framework.throttling import SimpleRateThrottle

from tiled_scim.account_checks import check_accounts
from tiled_scim.conf import LONGEST_PERIOD, PREFIX, settings
from tiled_scim.database.host_columns import State
from tiled_scim.host import (
    HostAdapter,
    has_field,
    library_model,
    membership_accessors,
    searched_columns,
)
from tiled_scim.sign_in_checks import check_backends, check_json_web_tokens

Messages = Iterator[checks.CheckMessage]

# The app_name of `configuration/urls.py`.
CONFIGURATION = "tiled_scim_configuration"

CHOICES = {
    "ADOPT_USERS": ("username", "email", None),
    "UNKNOWN_MEMBERS": ("skip", "reject"),
    "USER_DELETE": ("deactivate", "delete"),
}
# Rows of the host's user table from which on a lookup without an index is slow.
LARGE_TABLE = 50_000
LACKING = {State.MISSING, State.INVALID, State.UNSUITABLE}


def check_host(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Run all checks."""
    return [message for check in CHECKS for message in check()]


def check_indexes(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Collection[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """Warn of lookups that read all of a large table of the host's.

    Args:
        databases: the aliases of those that may be asked; none, unless `--database` names them.
    """
    if not databases or list(check_adapter()):
        return []
    columns = (column for column in searched_columns() if column.using in databases)
    return [
        checks.Warning(
            f"{column} has no index for lookups in any letter case, and the table is large: each "
            "new person, and each search by email, reads all of it.",
            hint="Run manage.py scim_index. It creates the index, or says what is in the way.",
            id="tiled_scim.W006",
        )
        for column in columns
        if column.rows() > LARGE_TABLE and column.state() in LACKING
    ]


def check_library_model() -> Messages:
    try:
        library_model()
    except (LookupError, ValueError):
        yield checks.Error(
            f"{PREFIX}LIBRARY_MODEL is “{settings.LIBRARY_MODEL}”, but no installed app has that "
            "model.",
            hint='Write it as "app_label.Model", such as "libraries.Library", and add its app to '
            "INSTALLED_APPS.",
            id="tiled_scim.E001",
        )


def check_library_fields() -> Messages:
    model = _library_model()
    if model is None:
        return
    if not has_field(model, settings.LIBRARY_NAME_FIELD):
        yield checks.Error(
            f"{model.__name__} has no field “{settings.LIBRARY_NAME_FIELD}” for its name.",
            hint=f"Set {PREFIX}LIBRARY_NAME_FIELD to the name of the field.",
            id="tiled_scim.E002",
        )
    if not _uses_default("grant"):
        return
    accessors = membership_accessors(model)
    if settings.LIBRARY_MEMBERS_FIELD is None and len(accessors) != 1:
        found = ", ".join(accessors) or "none"
        yield checks.Error(
            f"{model.__name__} must have exactly one many-to-many field to the user model for its "
            f"members, but has {len(accessors)}: {found}.",
            hint=f"Set {PREFIX}LIBRARY_MEMBERS_FIELD to the name of the field, or manage members "
            f"in a {PREFIX}HOST_ADAPTER.",
            id="tiled_scim.E003",
        )
    named = settings.LIBRARY_MEMBERS_FIELD
    if named is not None and named not in accessors:
        yield checks.Error(
            f"{PREFIX}LIBRARY_MEMBERS_FIELD is “{named}”, which is not a many-to-many field from "
            f"{model.__name__} to the user model.",
            hint=f"Possible values: {', '.join(accessors) or 'none'}.",
            id="tiled_scim.E004",
        )


def check_memberships() -> Messages:
    """Check for required fields of a membership model that SCIM cannot fill."""
    model = _library_model()
    if model is None or not _uses_default("grant"):
        return
    accessors = membership_accessors(model)
    named = settings.LIBRARY_MEMBERS_FIELD
    accessor = accessors[0] if len(accessors) == 1 and named is None else named
    if accessor is None or accessor not in accessors:
        return
    required = _required_fields(getattr(model, accessor))
    if required:
        defaults = ", ".join(f'"{name}": …' for name in required)
        yield checks.Error(
            f"Members of {model.__name__} require {', '.join(required)} in addition to the user, "
            "but SCIM has no values for them.",
            hint=f"Set them in the grant() of a {PREFIX}HOST_ADAPTER: for chunk in chunks(users): "
            f"library.{accessor}.add(*chunk, through_defaults={{{defaults}}})",
            id="tiled_scim.E014",
        )


def check_adapter() -> Messages:
    try:
        adapter: object = settings.HOST_ADAPTER
    except (ImportError, ValueError) as error:
        yield checks.Error(
            f"{PREFIX}HOST_ADAPTER cannot be imported: {error}.",
            hint='Set it to the dotted path of a class, such as "myapp.scim.MyHostAdapter".',
            id="tiled_scim.E005",
        )
        return
    if not (isinstance(adapter, type) and issubclass(adapter, HostAdapter)):
        yield checks.Error(
            f"{PREFIX}HOST_ADAPTER is {adapter!r}, which is not a subclass of HostAdapter.",
            hint="Inherit from tiled_scim.host.HostAdapter.",
            id="tiled_scim.E006",
        )
        return
    missing = [name for name in ("roles_of", "set_roles") if not _overrides(adapter, name)]
    if _overrides(adapter, "roles") and missing:
        yield checks.Error(
            f"{adapter.__name__} has roles, but SCIM cannot give them.",
            hint=f"Override {' and '.join(missing)} of HostAdapter, too.",
            id="tiled_scim.E028",
        )


def _overrides(adapter: type[HostAdapter], name: str) -> bool:
    return getattr(adapter, name) is not getattr(HostAdapter, name)


def check_enabled() -> Messages:
    try:
        _ = settings.ENABLED
    except (ImportError, ValueError) as error:
        yield checks.Error(
            f"{PREFIX}ENABLED cannot be imported: {error}.",
            hint="Set it to True, False, or a callable that takes the account's key, or its path.",
            id="tiled_scim.E007",
        )


def check_configurable_account() -> Messages:
    hint = (
        "Set it to a function, or its dotted path, that takes a request and returns the key of the "
        "account that it is about if this person may configure it, else None."
    )
    try:
        function: object = settings.CONFIGURABLE_ACCOUNT
    except (ImportError, ValueError) as error:
        yield checks.Error(
            f"{PREFIX}CONFIGURABLE_ACCOUNT cannot be imported: {error}.",
            hint=hint,
            id="tiled_scim.E015",
        )
        return
    if function is None:
        urls = getattr(django_settings, "ROOT_URLCONF", None)
        if urls and _includes(get_resolver(urls), CONFIGURATION):
            yield checks.Error(
                "The URLs include tiled_scim.configuration.urls, but "
                f"{PREFIX}CONFIGURABLE_ACCOUNT is not set, so nobody can use the pages.",
                hint=hint,
                id="tiled_scim.E016",
            )
    elif not callable(function):
        yield checks.Error(
            f"{PREFIX}CONFIGURABLE_ACCOUNT is {function!r}, which cannot be called.",
            hint=hint,
            id="tiled_scim.E015",
        )


def check_choices() -> Messages:
    for name, choices in CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint=f"Set it to one of {', '.join(map(repr, choices))}.",
                id="tiled_scim.E008",
            )


def check_names() -> Messages:
    for name in ("ADMIN_NAME", "PRODUCT_NAME"):
        value: object = getattr(settings, name)
        if not isinstance(value, str | Promise) or not str(value).strip():
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint="Set it to the name that people know, as text, which may be translated.",
                id="tiled_scim.E018",
            )


def check_page_sizes() -> Messages:
    for name in ("PAGE_SIZE", "MAX_PAGE_SIZE"):
        value = getattr(settings, name)
        if not isinstance(value, int) or value < 1:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint="Set it to a positive integer.",
                id="tiled_scim.E009",
            )


def check_periods() -> Messages:
    for name in ("TOKEN_LIFETIME", "EVENT_RETENTION"):
        value: object = getattr(settings, name)
        if value is None:
            continue
        if not isinstance(value, timedelta) or not timedelta(0) < value <= LONGEST_PERIOD:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint="Set it to None or to a positive timedelta of at most "
                f"{LONGEST_PERIOD.days} days.",
                id="tiled_scim.E013",
            )


def check_throttle() -> Messages:
    try:
        # parse_rate() does not use the instance, and creating one would already read the rate.
        SimpleRateThrottle.parse_rate(object(), settings.THROTTLE)  # type: ignore[arg-type]
    except (ValueError, KeyError, AttributeError, IndexError):
        yield checks.Error(
            f"{PREFIX}THROTTLE is {settings.THROTTLE!r}.",
            hint='Set it to None or to a number of requests and a period, such as "600/min".',
            id="tiled_scim.E010",
        )


def check_admin_field() -> Messages:
    if settings.ADMIN_FIELD == "is_superuser":
        yield checks.Error(
            f"{PREFIX}ADMIN_FIELD is “is_superuser”, but SCIM never creates superusers.",
            hint="Set it to another boolean field of the user model.",
            id="tiled_scim.E011",
        )
    elif not has_field(get_user_model(), settings.ADMIN_FIELD):
        yield checks.Warning(
            f"The user model has no field “{settings.ADMIN_FIELD}”. {settings.ADMIN_NAME} is "
            "stored and returned, but has no effect.",
            hint=f"Set {PREFIX}ADMIN_FIELD to a boolean field of the user model.",
            id="tiled_scim.W001",
        )


def check_active_field() -> Messages:
    if not has_field(get_user_model(), "is_active") and _uses_default("user_fields"):
        yield checks.Error(
            "The user model has no field “is_active”. Deactivating users would have no effect.",
            hint=f"Name the host's field in the user_fields of a {PREFIX}HOST_ADAPTER.",
            id="tiled_scim.E012",
        )


def _includes(resolver: URLResolver, app_name: str) -> bool:
    """Return whether URLs include those of an app, at any depth."""
    inner = (pattern for pattern in resolver.url_patterns if isinstance(pattern, URLResolver))
    return any(each.app_name == app_name or _includes(each, app_name) for each in inner)


def _library_model() -> type[models.Model] | None:
    try:
        return library_model()
    except (LookupError, ValueError):
        return None


def _required_fields(membership: Any) -> list[str]:
    """Return the required fields of a `through` model, except its two foreign keys."""
    if membership.through._meta.auto_created:
        return []
    field = membership.rel.field
    ends = {field.m2m_field_name(), field.m2m_reverse_field_name()}
    return [
        field.name
        for field in membership.through._meta.concrete_fields
        if field.name not in ends
        and not (field.null or field.blank or field.has_default())
        and field.db_default is NOT_PROVIDED
    ]


def _uses_default(name: str) -> bool:
    """Return whether the host's adapter inherits this attribute from HostAdapter unchanged."""
    try:
        return getattr(settings.HOST_ADAPTER, name, None) is getattr(HostAdapter, name)
    except (ImportError, ValueError):
        return False


CHECKS: tuple[Callable[[], Messages], ...] = (
    check_accounts,
    check_library_model,
    check_library_fields,
    check_memberships,
    check_adapter,
    check_enabled,
    check_configurable_account,
    check_choices,
    check_names,
    check_page_sizes,
    check_periods,
    check_throttle,
    check_admin_field,
    check_active_field,
    check_backends,
    check_json_web_tokens,
)
