"""Find the powers of host users that people gave, and not SCIM.

Powers are permissions, and `is_staff`. SCIM gives them in two ways: Libraries may be Django's
groups, and Tiled Admin may be `is_staff`. Whoever has others was trusted by people, and is
protected (`HostAdapter.is_protected`).
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, Permission
from django.db import router
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorAccess, UserLink

STAFF_FIELD = "is_staff"
# The attribute of a host user that says whether people gave them powers, where it was read.
ATTRIBUTE = "scim_has_powers"


def has_powers(user: str) -> Combinable:
    """Return the expression for whether people gave a user permissions, or `is_staff`.

    `is_staff` of a user whom SCIM manages may be Tiled Admin, and does not count.

    Args:
        user: The ORM path of the user, from the row that the expression is for.
    """
    held = _staff(user)
    for field in get_user_model()._meta.many_to_many:
        if field.related_model is Permission:
            held |= Q(Exists(_rows(field, user)))
        elif field.related_model is Group:
            held |= Q(Exists(_groups_with_permissions(field, user)))
    return ExpressionWrapper(held, output_field=BooleanField())


def remember_powers(user: AbstractBaseUser, value: bool | None) -> None:
    """Remember whether people gave a user powers. None asks the database the next time."""
    setattr(user, ATTRIBUTE, value)


def user_has_powers(user: AbstractBaseUser) -> bool:
    """Return whether people gave a host user powers, see `has_powers`."""
    known: bool | None = getattr(user, ATTRIBUTE, None)
    if known is None:
        model = get_user_model()
        rows = model._base_manager.using(router.db_for_write(model)).filter(pk=user.pk)
        known = rows.filter(has_powers("pk")).exists()
        remember_powers(user, known)
    return known


def _staff(user: str) -> Q:
    """Return the condition that a user is staff, and not managed by SCIM."""
    if not any(field.name == STAFF_FIELD for field in get_user_model()._meta.concrete_fields):
        return Q(pk__in=[])
    path = STAFF_FIELD if user == "pk" else f"{user}__{STAFF_FIELD}"
    links = UserLink.objects.filter(UserLink.live, user=OuterRef(user))
    return Q(~Exists(links), **{path: True})


def _rows(field: Any, user: str) -> QuerySet[Any]:
    """Return the rows of a many-to-many relation of users that are a user's."""
    through = field.remote_field.through
    rows: QuerySet[Any] = through._base_manager.filter(**{field.m2m_field_name(): OuterRef(user)})
    return rows


def _groups_with_permissions(field: Any, user: str) -> QuerySet[Any]:
    """Return the rows for groups that have permissions, and that SCIM did not put the user into."""
    owner, group = f"{field.m2m_field_name()}_id", f"{field.m2m_reverse_field_name()}_id"
    permissions = Group.permissions.through._base_manager.filter(group_id=OuterRef(group))
    rows = _rows(field, user).filter(Exists(permissions))
    if LibraryGroupLink._meta.get_field("library").related_model is not Group:
        return rows
    prior = PriorAccess.objects.filter(
        library_id=OuterRef("group__library_id"), user_id=OuterRef("user__user_id")
    )
    given = LibraryGroupMember.objects.filter(
        LibraryGroupMember.live,
        ~Exists(prior),
        group__library_id=OuterRef(group),
        user__user_id=OuterRef(owner),
    )
    return rows.exclude(Exists(given))
