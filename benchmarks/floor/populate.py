"""The rows of the floor and of `tiled_scim`: everything that names their tables is here.

The first user and group come by HTTP, so that their rows are what a push leaves behind; all others
are copies.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import django
from django.test import Client

from benchmarks.comparison.dataset import (
    GROUP_SCHEMA,
    GROUPS,
    LARGE_GROUP,
    MORE_PEOPLE,
    OUTSIDERS,
    PEOPLE,
    PROTOTYPE,
    Group,
    group_name,
    person,
    user_name,
)


def main() -> None:
    """Make the rows of the part that the command line names, and print a token."""
    django.setup()
    from benchmarks.comparison.rows import analyze
    from tiled_scim.models import ScimToken

    token = ScimToken.objects.generate()[1]
    if sys.argv[1] == "small":
        populate(token, range(PEOPLE.start, OUTSIDERS.stop), GROUPS)
    else:
        populate(token, MORE_PEOPLE, [LARGE_GROUP])
    analyze()
    print(token)


def populate(token: str, people: range, groups: Iterable[Group]) -> None:
    """Make users, and groups with their members.

    Args:
        token: opens the API.
    """
    from django.contrib.auth.models import User

    from benchmarks.comparison.rows import (
        key_sql,
        multiply,
        multiply_groups,
        multiply_members,
        uuid_sql,
    )
    from example_project.libraries.models import Library
    from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink

    user_key = push(token, "Users", person(PROTOTYPE))
    member = {"value": user_key, "display": user_name(PROTOTYPE)}
    group = {"schemas": [GROUP_SCHEMA], "displayName": group_name(PROTOTYPE), "members": [member]}
    group_key = push(token, "Groups", group)

    link = UserLink.objects.select_related("user").get(pk=user_key)
    user = User.objects.get(pk=link.user_id)
    group_link = LibraryGroupLink.objects.get(pk=group_key)
    library = Library.objects.get(pk=group_link.library_id)
    member_row = LibraryGroupMember.objects.get(group=group_link)
    access_row = Library.members.through.objects.get(library=library)

    later = "prototype.created_at + n * interval '1 millisecond'"
    multiply(user, people, id=key_sql())
    multiply(link, people, id=uuid_sql("user"), user_id=key_sql(), created_at=later)
    multiply_groups(library, groups, id=key_sql())
    multiply_groups(
        group_link, groups, id=uuid_sql("group"), library_id=key_sql(), created_at=later
    )
    for made in groups:
        number = str(made.number)
        multiply_members(
            member_row, made, group_id=uuid_sql("group", number), user_id=uuid_sql("user")
        )
        multiply_members(access_row, made, library_id=key_sql(number), user_id=key_sql())
    group_link.delete()
    library.delete()
    user.delete()


def push(token: str, endpoint: str, document: object) -> str:
    """Push a user or group; returns its id."""
    client = Client(headers={"Authorization": f"Bearer {token}", "Host": "localhost"})
    response = client.post(
        f"/scim/v2/{endpoint}", json.dumps(document), content_type="application/scim+json"
    )
    if response.status_code != 201:
        raise SystemExit(f"{endpoint} answers {response.status_code}: {response.content!r}")
    return str(response.json()["id"])


if __name__ == "__main__":
    main()
