"""The host's user and Library models: their rows, columns and values."""

from __future__ import annotations

from typing import Any, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from tiled_scim.conf import settings
from tiled_scim.database.for_write import objects
from tiled_scim.scim.cleaning import check_length
from tiled_scim.scim.text import canonical


def library_model() -> type[models.Model]:
    """Return the model that pushed groups become."""
    return apps.get_model(settings.LIBRARY_MODEL)


def host_users() -> models.QuerySet[Any]:
    """Return all users of the host, from the database for writes."""
    return objects(get_user_model())


def username_column() -> str:
    """Return the user model's USERNAME_FIELD."""
    return get_user_model().USERNAME_FIELD


def lookup_columns() -> tuple[str, str]:
    """Return the user model's columns of usernames and of email addresses."""
    return username_column(), get_user_model().get_email_field_name()


def unique_columns() -> set[str]:
    """Return which of the columns of usernames and email addresses are unique in the host."""
    meta = get_user_model()._meta
    unique = {field.name for field in meta.concrete_fields if field.unique}
    unique |= {each.fields[0] for each in meta.total_unique_constraints if len(each.fields) == 1}
    return unique.intersection(lookup_columns())


def normalized_username(username: str) -> str:
    """Return a username as the host's user model normalizes it (NFKC by default)."""
    return str(get_user_model().normalize_username(username))


def canonical_username(username: str) -> str:
    """Return the form in which usernames of the host are compared.

    It is the canonical form of the username that the host's user model normalizes.
    """
    return canonical(normalized_username(username))


def canonical_value(field: str, value: str) -> str:
    """Return the form in which usernames or email addresses of the host are compared."""
    return canonical_username(value) if field == username_column() else canonical(value)


def membership_accessors(model: type[models.Model]) -> list[str]:
    """Return the names of a model's many-to-many accessors to users, from either side."""
    user_model = get_user_model()
    forward = [
        field.name for field in model._meta.many_to_many if field.related_model is user_model
    ]
    reverse = [
        relation.get_accessor_name()
        for relation in model._meta.related_objects
        if relation.many_to_many and relation.related_model is user_model
    ]
    return forward + [name for name in reverse if name]


def follow_path(instance: Any, path: str) -> Any:
    """Return the value at an ORM path such as `user__profile__title`."""
    for name in path.split(LOOKUP_SEP):
        instance = getattr(instance, name)
        if instance is None:
            return None
    return instance


def has_field(model: type[models.Model], name: str) -> bool:
    """Return whether a model has a column with this name."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return field.concrete and not field.many_to_many


def set_field(instance: models.Model, column: str, name: str, value: Any) -> bool:
    """Set a field to the value of an attribute. Return whether it changed.

    Raises:
        ScimError: 400 if the value is too long for the field.
    """
    field = cast("models.Field[Any, Any]", instance._meta.get_field(column))
    if value is None or value == "":
        value = None if field.null else field.get_default()
    check_length(name, value, field.max_length)
    if getattr(instance, column) == value:
        return False
    setattr(instance, column, value)
    return True
