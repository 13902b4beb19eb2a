"""System checks of the settings for a host with accounts (`TILED_SCIM_MEMBERSHIP_MODEL`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from tiled_scim.accounts import AccountAdapter
from tiled_scim.checks.adapter import problem_of_path
from tiled_scim.checks.settings import Messages
from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.host_columns import HostColumn
from tiled_scim.database.library_account import library_account
from tiled_scim.database.membership_fields import ROLES, attribute_columns, split_choices
from tiled_scim.database.membership_model import MembershipModel, membership_model
from tiled_scim.models import ROLE_LENGTH
from tiled_scim.schemas import TILED_ADMIN, USER


def check_accounts() -> Messages:
    """Check the membership model and everything that depends on it."""
    try:
        memberships = membership_model()
    except LookupError as error:
        yield checks.Error(
            f"{PREFIX}MEMBERSHIP_MODEL cannot be used: {error}",
            hint="Set it to the model with one row for each user of an account, such as "
            '"customers.Membership".',
            id="tiled_scim.E020",
        )
        return
    if memberships is None:
        return
    yield from _check_uniqueness(memberships)
    yield from _check_fields(memberships)
    yield from _check_roles(memberships)
    yield from _check_defaults(memberships)
    yield from _check_adapter()


def _check_uniqueness(memberships: MembershipModel) -> Messages:
    opts = memberships.model._meta
    keys = {memberships.user.name, memberships.account.name}
    unique = [set(names) for names in opts.unique_together]
    unique += [
        set(constraint.fields)
        for constraint in opts.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None
    ]
    if keys not in unique:
        names = ", ".join(f'"{name}"' for name in sorted(keys))
        yield checks.Error(
            "A user may have several memberships of the same account: "
            f"{memberships.model.__name__} has no unique constraint for them.",
            hint=f"Add models.UniqueConstraint(fields=[{names}], name=…) to its Meta.constraints.",
            id="tiled_scim.E021",
        )


def _check_fields(memberships: MembershipModel) -> Messages:
    columns = attribute_columns()
    for name, column in columns.items():
        problem = _problem_of_field(memberships.model, name, column)
        if problem:
            yield checks.Error(
                f"{PREFIX}MEMBERSHIP_FIELDS: {problem}",
                hint='Map SCIM attributes to fields, such as {"active": "is_active", "title": '
                '"job_title", "tiledAdmin": "role=admin"}.',
                id="tiled_scim.E022",
            )
    if "active" not in columns:
        yield checks.Warning(
            f"{PREFIX}MEMBERSHIP_FIELDS names no field for “active”. Users who are deactivated in "
            "one account, and active in another, keep their membership.",
            hint="Add a boolean field to the membership model, respect it wherever you check "
            'access, and name it: {"active": "is_active"}.',
            id="tiled_scim.W010",
        )
    if TILED_ADMIN not in columns:
        yield checks.Warning(
            f"{PREFIX}MEMBERSHIP_FIELDS names no field for “tiledAdmin”. It is stored and "
            "returned, but has no effect.",
            hint="Name a boolean field, or the role that means admin: "
            '{"tiledAdmin": "role=admin"}.',
            id="tiled_scim.W011",
        )


def _problem_of_field(model: type[models.Model], name: str, column: str) -> str:
    """Return what is wrong with an entry of MEMBERSHIP_FIELDS, or an empty text."""
    path = USER.resolve(name)
    if path is None or path.attribute is None:
        return f"“{name}” is not an attribute of a SCIM user."
    column, choices = split_choices(column)
    repeated = Counter(split_choices(each)[0] for each in attribute_columns().values())
    if repeated[column] > 1:
        return f"The field “{column}” is named more than once."
    if problem := problem_of_path(model, column):
        return f"{problem}."
    field = HostColumn.at(model, column).field
    is_boolean = cast(Any, path.leaf).type == "boolean"
    if choices and not is_boolean:
        return f"“{name}” is not a boolean: “{column}={','.join(choices)}” is for booleans only."
    if is_boolean and not choices and not isinstance(field, models.BooleanField):
        return (
            f"“{name}” is a boolean, but the field “{column}” is not. Name the values that mean "
            f"true, such as “{column}=admin”."
        )
    return ""


def _check_roles(memberships: MembershipModel) -> Messages:
    entry = settings.MEMBERSHIP_FIELDS.get(ROLES)
    if entry is None:
        return
    problem = _problem_of_roles(memberships.model, *split_choices(entry))
    if problem:
        yield checks.Error(
            f"{PREFIX}MEMBERSHIP_FIELDS: {problem}",
            hint="Name the field with a person's role, and the roles that SCIM may give, the "
            'highest last: {"roles": "role=member,admin"}.',
            id="tiled_scim.E027",
        )


def _problem_of_roles(model: type[models.Model], column: str, keys: tuple[str, ...]) -> str:
    """Return what is wrong with the entry for roles, or an empty text."""
    try:
        field: Any = model._meta.get_field(column)
    except FieldDoesNotExist:
        return f"{model.__name__} has no field “{column}”."
    choices = [str(key) for key, _label in getattr(field, "flatchoices", ())]
    if not isinstance(field, models.CharField) or not choices:
        return f"“{column}” is not a text field with choices. Override HostAdapter.roles instead."
    if unknown := [key for key in keys if key not in choices]:
        return f"“{unknown[0]}” is no choice of the field “{column}”."
    if too_long := [key for key in keys or choices if len(key) > ROLE_LENGTH]:
        return f"The role “{too_long[0]}” is longer than {ROLE_LENGTH} characters."
    return _disagreement(column, keys or tuple(choices))


def _disagreement(column: str, roles: tuple[str, ...]) -> str:
    """Return where roles and Tiled Admin disagree in the same column, or an empty text.

    The higher of two roles counts, so a higher one must not mean less.
    """
    admin_column, admins = split_choices(attribute_columns().get(TILED_ADMIN, ""))
    if admin_column != column:
        return ""
    ranks = [key in admins for key in roles]
    if ranks != sorted(ranks):
        lower = roles[ranks.index(True)]
        return (
            f"The role “{lower}” means Tiled Admin, and a higher one does not. The highest role "
            "comes last."
        )
    return ""


def _check_defaults(memberships: MembershipModel) -> Messages:
    defaults = settings.MEMBERSHIP_DEFAULTS
    fields = {field.name: field for field in memberships.model._meta.concrete_fields}
    if unknown := sorted(set(defaults) - set(fields)):
        yield checks.Error(
            f"{PREFIX}MEMBERSHIP_DEFAULTS: {memberships.model.__name__} has no field "
            f"“{', '.join(unknown)}”.",
            hint=f"Its fields are {', '.join(fields)}.",
            id="tiled_scim.E023",
        )
    if missing := _required(memberships, defaults):
        entries = ", ".join(f'"{name}": …' for name in missing)
        yield checks.Error(
            f"A membership requires {', '.join(missing)}, but SCIM has no values for a new one.",
            hint=f"Set {PREFIX}MEMBERSHIP_DEFAULTS = {{{entries}}}.",
            id="tiled_scim.E024",
        )


def _required(memberships: MembershipModel, defaults: Mapping[str, object]) -> list[str]:
    """Return the fields of a new membership that nothing has a value for."""
    keys = {memberships.user.name, memberships.account.name}
    written = {column for column in attribute_columns().values() if "=" not in column}
    return [
        field.name
        for field in memberships.model._meta.concrete_fields
        if field.name not in keys | set(defaults) | written
        and not (field.null or field.blank or field.has_default() or field.primary_key)
        and field.db_default is NOT_PROVIDED
    ]


def _check_adapter() -> Messages:
    adapter: Any = settings.HOST_ADAPTER
    if not issubclass(adapter, AccountAdapter):
        yield checks.Error(
            f"{PREFIX}HOST_ADAPTER is {adapter.__name__}, which does not use "
            f"{PREFIX}MEMBERSHIP_MODEL.",
            hint="Inherit from tiled_scim.accounts.AccountAdapter, or remove one of the settings.",
            id="tiled_scim.E025",
        )
        return
    try:
        library_account()
    except LookupError as error:
        yield checks.Error(
            str(error),
            hint="A Library must belong to an account, by a foreign key of its model.",
            id="tiled_scim.E026",
        )
