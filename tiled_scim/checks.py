"""System checks for the host's settings. Each says what is wrong and how to correct it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.urls import get_resolver

from tiled_scim.account_checks import check_accounts
from tiled_scim.accounts import attribute_columns
from tiled_scim.adapter_checks import check_mapping, check_password_reset, mapping
from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.host_columns import State
from tiled_scim.deployment_checks import check_https, check_proxy, check_throttle_cache
from tiled_scim.host import (
    HostAdapter,
    has_field,
    library_model,
    membership_accessors,
    searched_columns,
)
from tiled_scim.installation_checks import (
    check_databases,
    check_library_table,
    check_mount,
    mounts,
)
from tiled_scim.setting_checks import FUNCTION, check_names, check_page_sizes, check_values
from tiled_scim.sign_in_checks import check_backends, check_json_web_tokens

Messages = Iterator[checks.CheckMessage]

# The app_name of `configuration/urls.py`.
CONFIGURATION = "tiled_scim_configuration"

# Rows of the host's user table from which on a lookup without an index is slow.
LARGE_TABLE = 50_000
LACKING = {State.MISSING, State.INVALID, State.UNSUITABLE}


def check_host(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Run the checks of values and, if these are valid, all others, which rely on them."""
    wrong = list(check_values())
    return [*wrong, *(message for check in ([] if wrong else CHECKS) for message in check())]


def check_deployment(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Run the checks for production."""
    if list(check_values()):
        return []
    return [message for check in DEPLOYMENT_CHECKS for message in check()]


def check_tables(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Collection[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """Compare the settings with the tables in the databases.

    Args:
        databases: The aliases of the databases that may be asked. None, unless `migrate` or
            `--database` names them.
    """
    if not databases or list(check_values()) or list(check_library_model()):
        return []
    return list(check_library_table(databases))


def check_indexes(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Collection[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """Warn of lookups that read all of a large table of the host's.

    Args:
        databases: the aliases of those that may be asked; none, unless `--database` names them.
    """
    if not databases or list(check_values()):
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


def check_roles() -> Messages:
    adapter = settings.HOST_ADAPTER
    missing = [name for name in ("roles_of", "set_roles") if not _overrides(adapter, name)]
    if _overrides(adapter, "roles") and missing:
        yield checks.Error(
            f"{adapter.__name__} has roles, but SCIM cannot give them.",
            hint=f"Override {' and '.join(missing)} of HostAdapter, too.",
            id="tiled_scim.E028",
        )


def _overrides(adapter: type[HostAdapter], name: str) -> bool:
    return getattr(adapter, name) is not getattr(HostAdapter, name)


def check_configurable_account() -> Messages:
    urls = getattr(django_settings, "ROOT_URLCONF", None)
    if settings.CONFIGURABLE_ACCOUNT is not None or not urls:
        return
    if any(mounts(get_resolver(urls), CONFIGURATION)):
        yield checks.Error(
            "The URLs include tiled_scim.configuration.urls, but "
            f"{PREFIX}CONFIGURABLE_ACCOUNT is not set, so nobody can use the pages.",
            hint=f"Set it to {FUNCTION}.",
            id="tiled_scim.E016",
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
    is_default = _uses_default("user_fields")
    mapped = mapping() or {"active": ""}
    is_missing = not has_field(get_user_model(), "is_active") and is_default
    if is_missing or "active" not in {**mapped, **attribute_columns()}:
        what = "The user model has no field “is_active”"
        if not is_default:
            what = f"user_fields of the {PREFIX}HOST_ADAPTER has no “active”"
        yield checks.Error(
            f"{what}. Deactivating users would have no effect.",
            hint=f"Name the host's field in the user_fields of a {PREFIX}HOST_ADAPTER.",
            id="tiled_scim.E012",
        )


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
    return getattr(settings.HOST_ADAPTER, name, None) is getattr(HostAdapter, name)


CHECKS: tuple[Callable[[], Messages], ...] = (
    check_names,
    check_page_sizes,
    check_accounts,
    check_library_model,
    check_library_fields,
    check_memberships,
    check_roles,
    check_configurable_account,
    check_admin_field,
    check_active_field,
    check_mount,
    check_databases,
    check_mapping,
    check_password_reset,
    check_backends,
    check_json_web_tokens,
)
DEPLOYMENT_CHECKS: tuple[Callable[[], Messages], ...] = (
    check_https,
    check_proxy,
    check_throttle_cache,
)
