"""Explain conflicts: what is in conflict, and what a person can change.

Most are found by checks, and some only by a unique constraint of the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.db import IntegrityError, models

from tiled_scim.conf import settings
from tiled_scim.database.errors import violated
from tiled_scim.database.host_models import library_model, username_column
from tiled_scim.database.membership_fields import split_choices
from tiled_scim.database.membership_model import membership_model
from tiled_scim.errors import Cause, ScimError, forbidden, uniqueness
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.words import english_words


def protected(link: UserLink) -> str:
    """Return the detail of an error about a protected user."""
    product = english_words()["product"]
    return (
        f"userName “{link.user_name}” is that of a user who is protected in {product}, as "
        "superusers and users with permissions are, and cannot be managed by an identity provider. "
        f"Unassign the person, or ask an administrator of {product}."
    )


def becomes_protected(user_name: str) -> str:
    """Return the detail of an error about a change that would make a user a protected one."""
    product = english_words()["product"]
    return (
        f"The change would make “{user_name}” a protected user of {product}, as superusers "
        "and users with permissions are, which an identity provider cannot do. Ask an "
        f"administrator of {product} to correct its configuration of SCIM."
    )


def last_admin(user_name: str) -> ScimError:
    """Return the error for a change that would take the role of an account's last active admin."""
    admin = english_words()["admin"]
    return forbidden(
        f"userName “{user_name}” is the last active {admin}, and must stay one. Make another "
        f"person {admin} first.",
        Cause.LAST_ADMIN,
    )


def linked(link: UserLink, name: str) -> ScimError:
    """Return the error for a person who is pushed a second time, under another userName."""
    attribute = "emails" if settings.ADOPT_USERS == "email" else "userName"
    return uniqueness(
        f"userName “{name}” has the same {attribute} as the user “{link.name}”, who is assigned "
        f"already; the id is {link.pk}. Change {attribute} of one of the two in your identity "
        "provider, or unassign one.",
        Cause.USER_LINKED,
    )


def conflict(error: IntegrityError, adapter: HostAdapter) -> ScimError:
    """Return the 409 error for a unique value that something has already.

    It names the attribute if the value is one that a client sends.
    """
    product = english_words()["product"]
    names = list(dict.fromkeys(_attributes(violated(error), adapter)))
    if not names:
        return uniqueness(
            f"A value that must be unique in {product} is already used there, by something that "
            f"this connection does not manage. Ask an administrator of {product} to change it.",
            Cause.VALUE_IN_USE,
        )
    attributes = " and ".join(names)
    return uniqueness(
        f"The value of {attributes} is already used in {product}, by something that this "
        f"connection does not manage. Change {attributes} in your identity provider, or ask an "
        f"administrator of {product} to change the other one.",
        Cause.VALUE_IN_USE,
    )


def _attributes(violated_names: set[str], adapter: HostAdapter) -> Iterator[str]:
    """Yield the SCIM attributes of the fields whose column or constraint was violated."""
    user = {path: name.partition(".value")[0] for name, path in adapter.user_fields.items()}
    user.setdefault(username_column(), "userName")
    yield from _of_model(get_user_model(), user, violated_names)
    if memberships := membership_model():
        own = {split_choices(path)[0]: name for name, path in adapter.membership_fields.items()}
        yield from _of_model(memberships.model, own, violated_names)
    library = {settings.LIBRARY_NAME_FIELD: "displayName"}
    yield from _of_model(library_model(), library, violated_names)


def _of_model(
    model: type[models.Model], attributes: dict[str, str], violated_names: set[str]
) -> Iterator[str]:
    table = model._meta.db_table
    columns_of = {each.name: f"{table}.{each.column}" for each in model._meta.concrete_fields}
    # SQLite names only the columns of a constraint.
    constraints = {
        name
        for constraint in model._meta.total_unique_constraints
        if constraint.name in violated_names
        or violated_names.issuperset(columns_of[name] for name in constraint.fields)
        for name in constraint.fields
    }
    for field in model._meta.concrete_fields:
        columns = {field.column, columns_of[field.name]}
        is_violated = field.unique and not columns.isdisjoint(violated_names)
        if field.name in attributes and (is_violated or field.name in constraints):
            yield attributes[field.name]
