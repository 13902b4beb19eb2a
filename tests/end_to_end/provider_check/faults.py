"""Faults of SCIM servers, added to a correct server by a proxy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.servers import HTML, Call, Fault, Forward, Reply
from tiled_scim.provider_check.names import names_for

Change = Callable[[dict[str, Any]], object]

TAKEN = Reply(409, {"content-type": "application/json"}).with_json(
    {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409",
        "detail": "Taken.",
    }
)


def in_bodies(with_key: str, change: Change) -> Fault:
    """Change every response body that contains a key."""

    def fault(call: Call, forward: Forward) -> Reply:
        reply = forward(call)
        if not (reply.body and with_key in reply.json):
            return reply
        body = reply.json
        change(body)
        return reply.with_json(body)

    return fault


def in_users(change: Change) -> Fault:
    return in_bodies("userName", change)


def on(method: str, path: str, reply: Reply) -> Fault:
    """Replace the response to some requests."""

    def fault(call: Call, forward: Forward) -> Reply:
        return reply if call.method == method and re.search(path, call.path) else forward(call)

    return fault


def no_content_type(call: Call, forward: Forward) -> Reply:
    return forward(call).with_header("Content-Type", "text/plain")


def any_token(call: Call, forward: Forward) -> Reply:
    if "wrong" in call.headers["authorization"]:
        return Reply(200, {"content-type": "application/json"}, b"{}")
    return forward(call)


def no_bare_token_can_be_read(call: Call, forward: Forward) -> Reply:
    return forward(call) if call.headers["authorization"].startswith("Bearer ") else HTML


def without_header(name: str) -> Fault:
    def fault(call: Call, forward: Forward) -> Reply:
        reply = forward(call)
        headers = {key: value for key, value in reply.headers.items() if key != name}
        return replace(reply, headers=headers)

    return fault


def filters_ignored(call: Call, forward: Forward) -> Reply:
    return forward(replace(call, path=re.sub(r"filter=[^&]*&", "", call.path)))


def letter_case_counts(call: Call, forward: Forward) -> Reply:
    if "TILED-SCIM-CHECK" in call.path:
        call = replace(call, path=call.path.replace("TILED", "NOT-TILED"))
    return forward(call)


def patches_of_users_dropped(call: Call, forward: Forward) -> Reply:
    if call.method == "PATCH" and "/Users/" in call.path:
        return Reply(204)
    return forward(call)


def conflict_with_an_inactive_person() -> Fault:
    creates = 0

    def fault(call: Call, forward: Forward) -> Reply:
        nonlocal creates
        creates += call.method == "POST" and call.path.endswith("/Users")
        if creates == 3:  # after the first create and the expected conflict
            creates += 1
            return TAKEN
        return forward(call)

    return fault


def another_id_on_reassignment() -> Fault:
    creates = 0

    def fault(call: Call, forward: Forward) -> Reply:
        nonlocal creates
        reply = forward(call)
        creates += call.method == "POST" and call.path.endswith("/Users")
        if creates != 3:
            return reply
        creates += 1
        user = reply.json
        user["id"] = "another"
        user["meta"]["location"] = "http://example.com/scim/v2/Users/another"
        return reply.with_json(user).with_header("Location", user["meta"]["location"])

    return fault


def gone_after_the_first_create() -> Fault:
    is_gone = False

    def fault(call: Call, forward: Forward) -> Reply:
        nonlocal is_gone
        if is_gone:
            raise ConnectionAbortedError
        is_gone = call.method == "POST"
        return forward(call)

    return fault


def found_twice(page: dict[str, Any]) -> None:
    page["Resources"] *= 2
    page["totalResults"] *= 2


def always_the_first_page(call: Call, forward: Forward) -> Reply:
    return forward(replace(call, path=call.path.replace("startIndex=2", "startIndex=1")))


def groups_never_found(call: Call, forward: Forward) -> Reply:
    if "/Groups?filter" in call.path:
        call = replace(call, path=re.sub("Tiled", "Other", call.path))
    return forward(call)


def groups_found_by_their_old_name(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    if "/Groups?filter" in call.path and not reply.json["totalResults"]:
        new_name = call.path.replace("Check%20%28safe", "Check%20%26%20Co.%20%28safe")
        return forward(replace(call, path=new_name))
    return reply


def groups_found_by_any_name(call: Call, forward: Forward) -> Reply:
    """Find a group by any name, as if it had been pushed."""
    reply = forward(call)
    if "/Groups?filter" not in call.path or reply.json["totalResults"]:
        return reply
    group = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "1",
        "displayName": "Any",
        "meta": {"resourceType": "Group", "location": "http://example.com/scim/v2/Groups/1"},
    }
    return reply.with_json({**reply.json, "totalResults": 1, "Resources": [group]})


def removal_empties_the_group(call: Call, forward: Forward) -> Reply:
    if call.method == "PATCH":
        call = replace(call, body=re.sub(rb'"members\[[^]]*\]"', b'"members"', call.body))
    return forward(call)


def members_twice(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    if reply.body and reply.json.get("members"):
        return reply.with_json({**reply.json, "members": reply.json["members"] * 2})
    return reply


FAULTS: list[tuple[Fault, str, str]] = [
    (no_content_type, "Test API Credentials", "The content type is text/plain, not application/"),
    (
        in_bodies("totalResults", lambda page: page.update(totalResults=str(page["totalResults"]))),
        "Test API Credentials",
        "totalResults is a string ('0'), not a whole number.",
    ),
    (any_token, "A wrong token is refused", "The status is 200, not 401."),
    (
        no_bare_token_can_be_read,
        "Send the token without Bearer",
        "The status is 500, not 200.",
    ),
    (
        on("GET", "/Users/0091", HTML),
        "Unknown users are not found",
        "The response is an HTML page.",
    ),
    (
        letter_case_counts,
        "Look up the user in another letter case",
        "The lookup did not find the test user.",
    ),
    (
        filters_ignored,
        "Look up the user in another letter case",
        "The lookup of an unknown userName found a user.",
    ),
    (
        in_bodies("totalResults", found_twice),
        "Look up the user in another letter case",
        "The lookup found 2 resources (totalResults: 2).",
    ),
    (
        in_bodies("totalResults", lambda page: page.update(totalResults=0)),
        "Look up the user in another letter case",
        "There are more Resources than totalResults.",
    ),
    (
        in_bodies("detail", lambda error: error.update(detail=" ")),
        "Unknown users are not found",
        "detail is empty",
    ),
    (
        in_bodies("detail", lambda error: error.update(status="400")),
        "Unknown users are not found",
        "status in the body is '400', not \"404\".",
    ),
    (
        in_bodies("detail", lambda error: error.pop("schemas")),
        "Unknown users are not found",
        "schemas does not list urn:ietf:params:scim:api:messages:2.0:Error.",
    ),
    (always_the_first_page, "Import page by page", "Two pages of one user each have these ids"),
    (without_header("location"), "Assign a user (create)", "The Location header is '', not"),
    (
        in_users(lambda user: user.update(password="x")),
        "Assign a user (create)",
        "The response contains a password",
    ),
    (
        in_users(lambda user: user.update(active=str(user["active"]))),
        "Assign a user (create)",
        "active is a string ('True'), not a boolean.",
    ),
    (
        in_users(lambda user: user.update(emails=[])),
        "Assign a user (create)",
        f"emails is [] and does not contain {{'value': '{names_for().user}'}}.",
    ),
    (in_users(lambda user: user.update(id="")), "Assign a user (create)", "id is empty."),
    (on("POST", "/Users$", HTML), "Assign a user (create)", "The status is 500, not 201."),
    (
        patches_of_users_dropped,
        "Unassign the user (deactivate with PATCH)",
        "active is True, not False.",
    ),
    (
        conflict_with_an_inactive_person(),
        "Assign the inactive user with a new create",
        "The server says: Taken.",
    ),
    (
        another_id_on_reassignment(),
        "Assign the inactive user with a new create",
        "and now has another.",
    ),
    (
        groups_found_by_any_name,
        "Look up a group that does not exist",
        "The lookup found a group that was not pushed.",
    ),
    (
        groups_found_by_their_old_name,
        "Rename the group",
        "The lookup still found the group by its old name.",
    ),
    (
        on("PUT", "/Users/", Reply(428)),
        "Update the profile (GET, then PUT)",
        "The status is 428, not 200.",
    ),
    (groups_never_found, "Rename the group", "The lookup did not find the group by its new name."),
    (
        removal_empties_the_group,
        "Remove the user from the group, and no other member",
        "The members are [], not",
    ),
    (members_twice, "Add the user to the group, twice", "The members are ["),
    (on("PATCH", "/Groups/", Reply(501)), "Rename the group", "The status is 501, not 200 or 204."),
    (on("DELETE", "/Groups/", Reply(405)), "Unlink the group and delete it", "not 204."),
]
