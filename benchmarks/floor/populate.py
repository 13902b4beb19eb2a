"""Create the rows of the floor and of `tiled_scim`."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from benchmarks.comparison.dataset import Group
from benchmarks.comparison.populating import prototypes, run


def populate(token: str, people: range, groups: Iterable[Group]) -> None:
    """Create users, and groups with their members."""
    from benchmarks.comparison.rows import (
        key_sql,
        multiply,
        multiply_groups,
        multiply_members,
        uuid_sql,
    )
    from tests.simple_project.libraries.models import Library
    from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

    user_key, group_key = prototypes(token)
    link = UserLink.objects.select_related("user").get(pk=user_key)
    group_link = LibraryGroupLink.objects.get(pk=group_key)
    library = Library.objects.get(scim_links=group_link)
    member = LibraryGroupMember.objects.get(group=group_link)
    access = Library.members.through.objects.get(library=library)

    # Lists are sorted by creation.
    later = "prototype.created_at + n * interval '1 millisecond'"
    multiply(link.user, people, id=key_sql())
    multiply(link, people, id=uuid_sql("user"), user_id=key_sql(), created_at=later)
    multiply_groups(library, groups, id=key_sql())
    multiply_groups(
        group_link, groups, id=uuid_sql("group"), library_id=key_sql(), created_at=later
    )
    for made in groups:
        number = str(made.number)
        multiply_members(member, made, group_id=uuid_sql("group", number), user_id=uuid_sql("user"))
        multiply_members(access, made, library_id=key_sql(number), user_id=key_sql())
    group_link.delete()
    library.delete()
    link.user.delete()


def populate_and_index(token: str, people: range, groups: Iterable[Group]) -> None:
    """Populate, and create the indexes that docs/operations.md recommends for many users."""
    from django.core.management import call_command

    populate(token, people, groups)
    call_command("scim_index", stdout=StringIO())


def make_token() -> str:
    from tiled_scim.connections import Actor, Connection

    # The second part of the data comes to an account that has a token.
    return Connection().rotate(Actor("Benchmark")).plaintext


if __name__ == "__main__":
    run(populate_and_index, make_token)
