"""A host with two accounts and a code of its own for roles: a person may have several of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import QuerySet

from tests.accounts import WithAdmins
from tiled_scim.host import library_model, objects


class WithRoles(WithAdmins):
    """The roles of an account are Django's groups. Tiled Admin is no role, but can be given."""

    def target_libraries(self) -> QuerySet[Any]:
        """Offer those of the account, and those that no group feeds."""
        others = objects(library_model()).filter(scim_links__isnull=False)
        others = others.exclude(scim_links__account=self.account)
        return objects(library_model()).exclude(pk__in=others.values("pk"))

    def roles(self) -> Mapping[str, str]:
        return {"editor": "Editor", "auditor": "Auditor"}

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        found: dict[Any, set[str]] = {}
        prefix = f"{self.account}:"
        rows = User.groups.through.objects.filter(user__in=users, group__name__startswith=prefix)
        for user, name in rows.values_list("user", "group__name"):
            found.setdefault(user, set()).add(name.removeprefix(prefix))
        return found

    def set_roles(self, roles: Mapping[Any, Collection[str]]) -> None:
        for user in User.objects.filter(pk__in=roles):
            others = user.groups.exclude(name__startswith=f"{self.account}:")
            names = [f"{self.account}:{role}" for role in roles[user.pk]]
            own = [Group.objects.get_or_create(name=name)[0] for name in names]
            user.groups.set([*others, *own])


def give_by_hand(user_name: str, role: str, account: str = "acme") -> None:
    """People give a role."""
    group, _created = Group.objects.get_or_create(name=f"{account}:{role}")
    User.objects.get(username=user_name).groups.add(group)


def roles_of(user_name: str) -> tuple[list[str], bool]:
    """The roles of a person, and whether they are Tiled Admin."""
    user = User.objects.get(username=user_name)
    return sorted(user.groups.values_list("name", flat=True)), user.is_staff
