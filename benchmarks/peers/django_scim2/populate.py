"""Create the rows of django-scim2."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.comparison.dataset import Group as Made
from benchmarks.comparison.populating import prototypes, run
from benchmarks.peers.tokens import make_token


def populate(token: str, people: range, groups: Iterable[Made]) -> None:
    """Create users, and groups with their members."""
    from benchmarks.comparison.rows import (
        key_sql,
        multiply,
        multiply_groups,
        multiply_members,
    )

    from .models import Group, User

    user_key, group_key = prototypes(token)
    user, group = User.objects.get(scim_id=user_key), Group.objects.get(scim_id=group_key)
    group.user_set.set([user])
    member = User.scim_groups.through.objects.get(group=group)

    multiply(user, people, id=key_sql(), scim_id=f"({key_sql()})::text")
    multiply_groups(group, groups, id=key_sql(), scim_id=f"({key_sql()})::text")
    for made in groups:
        multiply_members(member, made, group_id=key_sql(str(made.number)), user_id=key_sql())
    group.delete()
    user.delete()


if __name__ == "__main__":
    run(populate, make_token)
