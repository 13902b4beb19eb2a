"""System checks: what is wrong with a host's settings, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.backends import BaseBackend
from django.core import checks
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from tiled_scim.conf import LONGEST_PERIOD, PREFIX, settings
from tiled_scim.host import HostAdapter, has_field, library_model, membership_accessors

Found = Iterator[checks.CheckMessage]

CHOICES = {
    "ADOPT_USERS": ("username", "email", None),
    "UNKNOWN_MEMBERS": ("skip", "reject"),
    "USER_DELETE": ("deactivate", "delete"),
}
# simplejwt's class that never asks the database.
STATELESS = "JWTStatelessUserAuthentication"


def check_host(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """All checks of the host's settings."""
    return [message for check in CHECKS for message in check()]


def check_library_model() -> Found:
    try:
        library_model()
    except (LookupError, ValueError):
        yield checks.Error(
            f"{PREFIX}LIBRARY_MODEL is “{settings.LIBRARY_MODEL}”, and no installed app has that "
            "model.",
            hint='Write it as "app_label.Model", such as "libraries.Library", and have its app in '
            "INSTALLED_APPS.",
            id="tiled_scim.E001",
        )


def check_library_fields() -> Found:
    model = _library_model()
    if model is None:
        return
    if not has_field(model, settings.LIBRARY_NAME_FIELD):
        yield checks.Error(
            f"{model.__name__} has no field “{settings.LIBRARY_NAME_FIELD}” for a Library's name.",
            hint=f"Name the field in {PREFIX}LIBRARY_NAME_FIELD.",
            id="tiled_scim.E002",
        )
    if not _uses_default("grant"):
        return
    accessors = membership_accessors(model)
    if settings.LIBRARY_MEMBERS_FIELD is None and len(accessors) != 1:
        found = ", ".join(accessors) or "none"
        yield checks.Error(
            f"{model.__name__} must have one many-to-many to the user model, for its members; it "
            f"has {len(accessors)}: {found}.",
            hint=f"Name the field in {PREFIX}LIBRARY_MEMBERS_FIELD, or give members in another way "
            f"with {PREFIX}HOST_ADAPTER.",
            id="tiled_scim.E003",
        )
    named = settings.LIBRARY_MEMBERS_FIELD
    if named is not None and named not in accessors:
        yield checks.Error(
            f"{PREFIX}LIBRARY_MEMBERS_FIELD is “{named}”, which is no many-to-many of "
            f"{model.__name__} to the user model.",
            hint=f"It can be: {', '.join(accessors) or 'none'}.",
            id="tiled_scim.E004",
        )


def check_memberships() -> Found:
    """A membership model may want to know more than who and where."""
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
            f"Members of {model.__name__} need {', '.join(required)} besides the user, and nothing "
            "says what that is for those who are pushed.",
            hint=f"Say it in a {PREFIX}HOST_ADAPTER, whose grant() is: for chunk in chunks(users): "
            f"library.{accessor}.add(*chunk, through_defaults={{{defaults}}})",
            id="tiled_scim.E014",
        )


def check_adapter() -> Found:
    try:
        adapter: object = settings.HOST_ADAPTER
    except (ImportError, ValueError) as error:
        yield checks.Error(
            f"{PREFIX}HOST_ADAPTER cannot be imported: {error}.",
            hint='Write the dotted path of a class, such as "myapp.scim.MyHostAdapter".',
            id="tiled_scim.E005",
        )
        return
    if not (isinstance(adapter, type) and issubclass(adapter, HostAdapter)):
        yield checks.Error(
            f"{PREFIX}HOST_ADAPTER is {adapter!r}, which is no subclass of HostAdapter.",
            hint="Derive it from tiled_scim.host.HostAdapter.",
            id="tiled_scim.E006",
        )


def check_enabled() -> Found:
    try:
        _ = settings.ENABLED
    except (ImportError, ValueError) as error:
        yield checks.Error(
            f"{PREFIX}ENABLED cannot be imported: {error}.",
            hint="Write True, False, a callable that takes the account's key, or its dotted path.",
            id="tiled_scim.E007",
        )


def check_choices() -> Found:
    for name, choices in CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint=f"Write one of {', '.join(map(repr, choices))}.",
                id="tiled_scim.E008",
            )


def check_page_sizes() -> Found:
    for name in ("PAGE_SIZE", "MAX_PAGE_SIZE"):
        value = getattr(settings, name)
        if not isinstance(value, int) or value < 1:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint="Write a whole number above zero.",
                id="tiled_scim.E009",
            )


def check_periods() -> Found:
    for name in ("TOKEN_LIFETIME", "EVENT_RETENTION"):
        value: object = getattr(settings, name)
        if value is None:
            continue
        if not isinstance(value, timedelta) or not timedelta(0) < value <= LONGEST_PERIOD:
            yield checks.Error(
                f"{PREFIX}{name} is {value!r}.",
                hint="Write None, or a timedelta above zero and of at most "
                f"{LONGEST_PERIOD.days} days.",
                id="tiled_scim.E013",
            )


def check_throttle() -> Found:
    try:
        # It looks at nothing of the throttle, and making one would read the rate already.
        SimpleRateThrottle.parse_rate(object(), settings.THROTTLE)  # type: ignore[arg-type]
    except (ValueError, KeyError, AttributeError, IndexError):
        yield checks.Error(
            f"{PREFIX}THROTTLE is {settings.THROTTLE!r}.",
            hint='Write None, or a number of requests and a period, such as "600/min".',
            id="tiled_scim.E010",
        )


def check_admin_field() -> Found:
    if settings.ADMIN_FIELD == "is_superuser":
        yield checks.Error(
            f"{PREFIX}ADMIN_FIELD is “is_superuser”: SCIM never makes superusers.",
            hint="Name another boolean of the user model.",
            id="tiled_scim.E011",
        )
    elif not has_field(get_user_model(), settings.ADMIN_FIELD):
        yield checks.Warning(
            f"The user model has no field “{settings.ADMIN_FIELD}”, so that Tiled Admin is kept "
            "and given back, but has no effect.",
            hint=f"Name a boolean of the user model in {PREFIX}ADMIN_FIELD.",
            id="tiled_scim.W001",
        )


def check_active_field() -> Found:
    if not has_field(get_user_model(), "is_active") and _uses_default("user_fields"):
        yield checks.Error(
            "The user model has no field “is_active”, so that deactivation would have no effect.",
            hint=f"Say where the host keeps it, in user_fields of a {PREFIX}HOST_ADAPTER.",
            id="tiled_scim.E012",
        )


def check_backends() -> Found:
    for path in django_settings.AUTHENTICATION_BACKENDS:
        if _lets_inactive_in(path):
            yield checks.Warning(
                f"The authentication backend {path} lets inactive users in, so that people who "
                "were deactivated by SCIM keep their access.",
                hint="Use one whose user_can_authenticate() refuses them: of Django's own, that of "
                "the same name without “AllowAllUsers”.",
                id="tiled_scim.W002",
            )
        if _does_not_say(path):
            yield checks.Warning(
                f"The authentication backend {path} finds users, and does not say whether it lets "
                "inactive ones in, such as people who were deactivated by SCIM.",
                hint="Derive it from django.contrib.auth.backends.ModelBackend, or give it a "
                "user_can_authenticate() that refuses them, and ask that in its get_user().",
                id="tiled_scim.W003",
            )


def _lets_inactive_in(path: str) -> bool:
    """Whether a backend says that an inactive user may sign in."""
    user = get_user_model()()
    user.is_active = False
    backend: Any = load_backend(path)
    return hasattr(backend, "user_can_authenticate") and backend.user_can_authenticate(user)


def _does_not_say(path: str) -> bool:
    """Whether a backend finds users in its own way, and nobody can ask whom it lets in."""
    backend: Any = load_backend(path)
    finds_users = getattr(type(backend), "get_user", None) not in {None, BaseBackend.get_user}
    return finds_users and not hasattr(backend, "user_can_authenticate")


def check_json_web_tokens() -> Found:
    """simplejwt can be told not to ask whether a token's user is active."""
    classes = cast("list[type]", api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    for authentication in classes:
        if any(base.__name__ == STATELESS for base in authentication.__mro__):
            yield checks.Warning(
                f"The authentication class {authentication.__name__} of REST_FRAMEWORK believes a "
                "token without a look at its user, so that people who were deactivated by SCIM "
                "keep their access until the token expires.",
                hint="Use rest_framework_simplejwt.authentication.JWTAuthentication, or let access "
                "tokens live for minutes only.",
                id="tiled_scim.W004",
            )
    if not getattr(django_settings, "SIMPLE_JWT", {}).get("CHECK_USER_IS_ACTIVE", True):
        yield checks.Warning(
            "CHECK_USER_IS_ACTIVE of SIMPLE_JWT is off, so that people who were deactivated by "
            "SCIM keep their access.",
            hint="Leave it out: it is on by default.",
            id="tiled_scim.W005",
        )


def _library_model() -> type[models.Model] | None:
    try:
        return library_model()
    except (LookupError, ValueError):
        return None


def _required_fields(membership: Any) -> list[str]:
    """What a row of the `through` model of a many-to-many needs besides its two ends."""
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
    """Whether the host's adapter has left this member of HostAdapter as it is."""
    try:
        return getattr(settings.HOST_ADAPTER, name, None) is getattr(HostAdapter, name)
    except (ImportError, ValueError):
        return False


CHECKS: tuple[Callable[[], Found], ...] = (
    check_library_model,
    check_library_fields,
    check_memberships,
    check_adapter,
    check_enabled,
    check_choices,
    check_page_sizes,
    check_periods,
    check_throttle,
    check_admin_field,
    check_active_field,
    check_backends,
    check_json_web_tokens,
)
