"""System checks of the Library model and of the user model."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core import checks
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from tiled_scim.checks.adapter import mapping, uses_default
from tiled_scim.checks.settings import Messages
from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.host_models import has_field, library_model, membership_accessors
from tiled_scim.database.membership_fields import attribute_columns


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
    if not uses_default("grant"):
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


def check_library_members() -> Messages:
    """Check for required fields of the Library's `through` model that SCIM cannot fill."""
    model = _library_model()
    if model is None or not uses_default("grant"):
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
    is_default = uses_default("user_fields")
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
