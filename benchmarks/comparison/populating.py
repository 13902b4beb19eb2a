"""How a server's `populate` module is run: in the server's environment, before it serves."""

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

# The people and the groups of each part.
PARTS = {
    "small": (range(PEOPLE.start, OUTSIDERS.stop), GROUPS),
    "large": (MORE_PEOPLE, [LARGE_GROUP]),
}


def run(
    populate: Callable[[str, range, Iterable[Group]], None], make_token: Callable[[], str]
) -> None:
    """Make the rows of the part that the command line names, and print the token.

    Args:
        populate: makes users and groups, and is given the token.
        make_token: makes a token that opens the API.
    """
    django.setup()
    from .rows import analyze

    token = make_token()
    populate(token, *PARTS[sys.argv[1]])
    analyze()
    print(token)


def prototypes(token: str) -> tuple[str, str]:
    """Push a user, and a group with that user as its member; returns their ids.

    All other rows are copies of these, so that they are as the server itself leaves them behind.
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
