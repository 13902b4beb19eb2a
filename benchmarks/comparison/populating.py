"""Run the `populate` module of a server, in the environment of that server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable

import django
from django.test import Client

from .dataset import (
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

# The users and groups of each part.
PARTS = {
    "small": (range(PEOPLE.start, OUTSIDERS.stop), GROUPS),
    "large": (MORE_PEOPLE, [LARGE_GROUP]),
}


def run(
    populate: Callable[[str, range, Iterable[Group]], None], make_token: Callable[[], str]
) -> None:
    """Create the part of the data that the command line names, and print a token.

    Args:
        populate: creates users and groups with a token.
        make_token: creates the token.
    """
    django.setup()
    from .rows import analyze

    token = make_token()
    populate(token, *PARTS[sys.argv[1]])
    analyze()
    print(token)


def prototypes(token: str) -> tuple[str, str]:
    """Create a user, and a group with this member, over HTTP; return their ids.

    All other rows are copies of theirs, so that they look as the server itself writes them.
    """
    user = _push(token, "Users", person(PROTOTYPE))
    members = [{"value": user, "display": user_name(PROTOTYPE)}]
    group = {"schemas": [GROUP_SCHEMA], "displayName": group_name(PROTOTYPE), "members": members}
    return user, _push(token, "Groups", group)


def _push(token: str, endpoint: str, document: object) -> str:
    client = Client(headers={"Authorization": f"Bearer {token}", "Host": "localhost"})
    response = client.post(
        f"/scim/v2/{endpoint}", json.dumps(document), content_type="application/scim+json"
    )
    if response.status_code != 201:
        raise SystemExit(f"{endpoint} answers {response.status_code}: {response.content!r}")
    return str(response.json()["id"])
