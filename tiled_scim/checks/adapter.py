"""System checks of the host adapter: what it maps, and how adopted users stay out of reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetView
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import DatabaseError, models
from django.db.models.constants import LOOKUP_SEP
from django.urls import URLPattern, URLResolver

from tiled_scim.checks.installation import root_resolver
from tiled_scim.checks.settings import Messages
from tiled_scim.conf import PREFIX, settings
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import TILED_ADMIN, USER

# Fields that no attribute may be mapped to, on whatever row.
FORBIDDEN = {
    "is_superuser": "SCIM never creates superusers",
    "password": "SCIM neither reads nor sets passwords",
}
# The names of URLs for a new password: of Django, its admin, django-allauth and dj-rest-auth.
RESET_NAMES = {
    "password_reset",
    "admin_password_reset",
    "account_reset_password",
    "rest_password_reset",
}


def mapping() -> Mapping[str, str] | None:
    """Return the paths of attributes from the host user, or None if they are not known yet.

    The adapter may need an account of the database for them. `UserService` then refuses at run time
    what the checks would find.
    """
    try:
        return dict(settings.HOST_ADAPTER("").user_fields)
    except (
        AttributeError,
        DatabaseError,
        LookupError,
        ObjectDoesNotExist,
        TypeError,
        ValueError,
    ):
        return None


def uses_default(name: str) -> bool:
    """Return whether the host's adapter inherits this attribute from HostAdapter unchanged."""
    return getattr(settings.HOST_ADAPTER, name, None) is getattr(HostAdapter, name)


def check_mapping() -> Messages:
    for name, path in (mapping() or {}).items():
        if (name, path) == (TILED_ADMIN, settings.ADMIN_FIELD):
            continue  # see check_admin_field
        if problem := _problem_of_name(name) or problem_of_path(get_user_model(), path):
            yield checks.Error(
                f"user_fields of the {PREFIX}HOST_ADAPTER maps “{name}” to “{path}”: {problem}.",
                hint="Map SCIM attributes to fields of the user, or of a row that a user has only "
                'one of, such as {"title": "profile__title"}.',
                id="tiled_scim.E040",
            )


def _problem_of_name(name: str) -> str:
    path = USER.resolve(name)
    is_known = path is not None and path.attribute is not None
    return "" if is_known else "this is not an attribute of a SCIM user"


def problem_of_path(model: type[models.Model], path: str) -> str:
    """Return what is wrong with an ORM path that an attribute is mapped to, or an empty text."""
    *relations, column = path.split(LOOKUP_SEP)
    for name in (*relations, column):
        if name in FORBIDDEN:
            return FORBIDDEN[name]
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            return f"{model.__name__} has no field “{name}”"
        if field.many_to_many or field.one_to_many:
            return f"“{name}” of {model.__name__} leads to several rows"
        if name == column and not field.concrete:
            return f"“{name}” of {model.__name__} is not a column"
        model = field.related_model or model
    return ""


def check_roles() -> Messages:
    adapter = settings.HOST_ADAPTER
    missing = [name for name in ("roles_of", "set_roles") if uses_default(name)]
    if missing and not uses_default("roles"):
        yield checks.Error(
            f"{adapter.__name__} has roles, but SCIM cannot give them.",
            hint=f"Override {' and '.join(missing)} of HostAdapter, too.",
            id="tiled_scim.E028",
        )


def check_password_reset() -> Messages:
    """Warn if an identity provider can adopt somebody, and get a new password for them."""
    resolver = root_resolver()
    if settings.ADOPT_USERS is None or not uses_default("domains") or resolver is None:
        return
    for pattern in _patterns(resolver):
        if _resets_passwords(pattern) and (
            _keeps_password() or not _needs_usable_password(pattern)
        ):
            yield checks.Warning(
                f"“{pattern.name or pattern.pattern}” sends a new password to the email address "
                "of a user, and an identity provider can take over an existing user and then set "
                "that address.",
                hint="Return the verified domains of each account in domains() of a "
                f"{PREFIX}HOST_ADAPTER. Or set {PREFIX}ADOPT_USERS to None. Where sign-up is "
                "closed, and you trust every identity provider, silence this warning.",
                id="tiled_scim.W040",
            )
            return


def _keeps_password() -> bool:
    """Return whether adopted users may still have a usable password, or get another address."""
    are_defaults = uses_default("user_adopted") and uses_default("may_replace_email")
    return settings.ADOPT_PASSWORDS or not are_defaults


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern


def _resets_passwords(pattern: URLPattern) -> bool:
    return pattern.name in RESET_NAMES or _reset_form(pattern) is not None


def _reset_form(pattern: URLPattern) -> type[PasswordResetForm] | None:
    """Return the form of Django's view for a new password, or None for another view."""
    view: Any = getattr(pattern.callback, "view_class", None)
    if view is None or not issubclass(view, PasswordResetView):
        return None
    options: Mapping[str, Any] = getattr(pattern.callback, "view_initkwargs", {})
    form: type[PasswordResetForm] = options.get("form_class", view.form_class)
    return form


def _needs_usable_password(pattern: URLPattern) -> bool:
    """Return whether a view does nothing for users whose password is unusable, as Django's does."""
    form = _reset_form(pattern)
    return form is not None and getattr(form, "get_users", None) is PasswordResetForm.get_users
