"""Faults of SCIM servers that Entra trips over, added to a correct server by a proxy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.servers import HTML, Call, Fault, Forward, Reply
from tiled_scim.provider_check.entra.attributes import ENTERPRISE_SCHEMA, WORK_EMAIL

from .choices import no_patch
from .faults import (
    always_the_first_page,
    any_token,
    filters_ignored,
    in_bodies,
    in_users,
    members_twice,
    on,
    patches_of_users_dropped,
)

Operation = dict[str, Any]


def in_operations(change: Callable[[Operation], object]) -> Fault:
    """Change each operation of a PATCH before the server sees it."""

    def fault(call: Call, forward: Forward) -> Reply:
        if call.method != "PATCH":
            return forward(call)
        body = call.json
        for operation in body["Operations"]:
            change(operation)
        return forward(call.with_json(body))

    return fault


def without_operations(is_lost: Callable[[Operation], bool]) -> Fault:
    """Lose some operations, and respond with a success."""

    def fault(call: Call, forward: Forward) -> Reply:
        if call.method != "PATCH":
            return forward(call)
        body = call.json
        body["Operations"] = [each for each in body["Operations"] if not is_lost(each)]
        return forward(call.with_json(body)) if body["Operations"] else Reply(204)

    return fault


def without_attribute(name: str) -> Fault:
    """Leave an attribute out of `/Schemas`."""

    def leave_out(page: dict[str, Any]) -> None:
        for schema in page["Resources"]:
            attributes = schema.get("attributes") or []
            schema["attributes"] = [each for each in attributes if each["name"] != name]

    return in_bodies("totalResults", leave_out)


def capital_operations_refused(call: Call, forward: Forward) -> Reply:
    return Reply(400) if call.method == "PATCH" and b'"Add"' in call.body else forward(call)


def strings_are_true(operation: Operation) -> None:
    if operation.get("path") == "active" and isinstance(operation["value"], str):
        operation["value"] = True


def second_create_repeats_the_first() -> Fault:
    first: list[Reply] = []

    def fault(call: Call, forward: Forward) -> Reply:
        if (call.method, call.path[-6:]) != ("POST", "/Users"):
            return forward(call)
        if not first:
            first.append(forward(call))
        return first[0]

    return fault


def manager_filter_ignored(call: Call, forward: Forward) -> Reply:
    return forward(replace(call, path=re.sub("%20and%20manager[^&]*", "", call.path)))


def schemas_must_be_known(call: Call, forward: Forward) -> Reply:
    if call.method == "POST" and b"schemas.microsoft.com" in call.body:
        return Reply(400)
    return forward(call)


def deleted_in_name_only(call: Call, forward: Forward) -> Reply:
    if call.method == "DELETE" and "/Users/" in call.path:
        return Reply(204)
    return forward(call)


def with_members(page: dict[str, Any]) -> None:
    for resource in page["Resources"]:
        resource["members"] = []


def is_empty(operation: Operation) -> bool:
    return operation.get("value") in ("", None)


ENTRA_FAULTS: list[tuple[Fault, str, str]] = [
    (on("GET", "/Users.filter", Reply(404)), "Test Connection", "The status is 404, not 200."),
    (no_patch, "The server does not refuse PATCH", "PATCH is not supported."),
    (any_token, "A wrong token is refused", "The status is 200, not 401."),
    (
        on("GET", "/Schemas$", Reply(404)),
        "Schemas list the attributes of users and groups",
        "The status is 404, not 200.",
    ),
    (
        without_attribute("active"),
        "Schemas list the attributes of users and groups",
        "/Schemas does not list active.",
    ),
    (
        without_attribute("members"),
        "Schemas list the attributes of users and groups",
        "/Schemas does not list members.",
    ),
    (
        on("GET", "filter=externalId", Reply(400)),
        "Look up a user that does not exist",
        "The status is 400, not 200.",
    ),
    (
        in_users(lambda user: user.pop("externalId", None)),
        "Create a user",
        "externalId is None, not",
    ),
    (
        in_users(lambda user: user.update(active=str(user["active"]))),
        "Create a user",
        "active is a string ('True'), not a boolean.",
    ),
    (
        second_create_repeats_the_first(),
        "A second create is a conflict",
        "The status is 201, not 409.",
    ),
    (
        second_create_repeats_the_first(),
        "Create two colleagues",
        "The response is another user",
    ),
    (
        on("GET", "/Users.filter.*externalId", Reply(400)),
        "Look up the user by name, object id and email",
        "The status is 400, not 200.",
    ),
    (
        capital_operations_refused,
        "Change each text by its path",
        "The status is 400, not 200 or 204.",
    ),
    (
        in_users(lambda user: user.pop(ENTERPRISE_SCHEMA, None)),
        "Change each text by its path",
        f"{ENTERPRISE_SCHEMA}:department is None, not 'Tour Operations'.",
    ),
    (
        in_operations(strings_are_true),
        "Disable and enable, with booleans and strings",
        "active is True, not False.",
    ),
    (
        in_users(lambda user: user.update(addresses=user.get("addresses", []) * 2)),
        "Build phone numbers and an address from parts",
        "addresses has several elements of one type: ['work', 'work'].",
    ),
    (
        without_operations(lambda operation: "path" not in operation),
        "Change several attributes without a path",
        "name.givenName is 'SCIM', not 'SCIM (updated)'.",
    ),
    (
        without_operations(is_empty),
        "Clear attributes with empty strings",
        f"{WORK_EMAIL} is 'tiled-scim-check@example.com', not empty.",
    ),
    (without_operations(is_empty), "Clear attributes with null", "title is 'Test person', not"),
    (
        without_operations(lambda operation: "manager" in operation.get("path", "")),
        "Set, change and remove the manager",
        "manager.value is None, not",
    ),
    (manager_filter_ignored, "Ask whether somebody is the manager", "], not []."),
    (always_the_first_page, "Read users page by page", "startIndex is 1, not 2"),
    (
        in_bodies("totalResults", lambda page: page["Resources"].reverse()),
        "Read users page by page",
        "The pages from 1 and from 2 have these ids",
    ),
    (
        in_bodies("totalResults", lambda page: page.update(Resources=page["Resources"][:1])),
        "Read users page by page",
        "The first page has 1 resources.",
    ),
    (
        without_operations(lambda operation: operation.get("path") == "userName"),
        "Disable the user under another name",
        "userName is 'tiled-scim-check@example.com', not",
    ),
    (schemas_must_be_known, "Create a group", "The status is 400, not 201."),
    (
        on("GET", "/Groups.*displayName.*Tiled", HTML),
        "Look up a group that does not exist",
        "The response is an HTML page.",
    ),
    (
        in_bodies("totalResults", with_members),
        "Look up the group without its members",
        "The lookup returned the members, although they were excluded.",
    ),
    (
        filters_ignored,
        "Look up the user by name, object id and email",
        "The lookup found 3 resources (totalResults: 3).",
    ),
    (
        without_operations(lambda operation: operation.get("path") == "externalId"),
        "Change the attributes of the group",
        "externalId is",
    ),
    (members_twice, "Add members to the group", "The members are ["),
    (
        in_operations(lambda each: each.pop("value") if each["op"] == "Remove" else None),
        "Remove members from the group, and no others",
        "The members are [], not",
    ),
    (on("DELETE", "/Groups/", Reply(405)), "Delete the group", "The status is 405, not 204."),
    (patches_of_users_dropped, "Disable the user", "active is True, not False."),
    (on("DELETE", "/Users/", HTML), "Delete the user", "The status is 500, not 204."),
    (deleted_in_name_only, "Delete the user", "The status is 200, not 404."),
]
