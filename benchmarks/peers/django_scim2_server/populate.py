"""Create the rows of django-scim2-server."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.comparison.dataset import Group
from benchmarks.comparison.populating import prototypes, run
from benchmarks.peers.tokens import make_token


def populate(token: str, people: range, groups: Iterable[Group]) -> None:
    """Create users, and groups with their members."""
    from django.contrib.auth.models import User
    from django_scim2_server.models import SCIMGroup, SCIMUser

    from benchmarks.comparison.rows import (
        key_sql,
        multiply,
        multiply_groups,
        multiply_members,
        uuid_sql,
    )

    user_key, group_key = prototypes(token)
    link = SCIMUser.objects.select_related("user").get(pk=user_key)
    group_link = SCIMGroup.objects.select_related("group").get(pk=group_key)
    member = User.groups.through.objects.get(group=group_link.group)

    multiply(link.user, people, id=key_sql())
    multiply(link, people, id=uuid_sql("user"), user_id=key_sql())
    multiply_groups(group_link.group, groups, id=key_sql())
    multiply_groups(group_link, groups, id=uuid_sql("group"), group_id=key_sql())
    for made in groups:
        multiply_members(member, made, group_id=key_sql(str(made.number)), user_id=key_sql())
    group_link.group.delete()
    link.user.delete()


if __name__ == "__main__":
    run(populate, make_token)
