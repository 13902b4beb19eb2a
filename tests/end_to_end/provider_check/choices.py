"""Allowed differences between SCIM servers, added to our server by a proxy."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import Any

from tests.servers import HTML, Call, Fault, Forward, Reply

from .faults import TAKEN, in_bodies, in_users, on, without_header


def bearer_only(call: Call, forward: Forward) -> Reply:
    if not call.headers["authorization"].startswith("Bearer "):
        call = replace(call, headers=call.headers | {"authorization": "none"})
    return forward(call)


def no_patch(call: Call, forward: Forward) -> Reply:
    if call.method == "PATCH":
        return Reply(501)
    reply = forward(call)
    if call.path.endswith("/ServiceProviderConfig"):
        return reply.with_json({**reply.json, "patch": {"supported": False}})
    return reply


def no_groups(call: Call, forward: Forward) -> Reply:
    if "/Groups" in call.path:
        return Reply(404)
    reply = forward(call)
    if call.path.endswith("/ResourceTypes"):
        types = [kind for kind in reply.json["Resources"] if kind["id"] == "User"]
        return reply.with_json({**reply.json, "Resources": types})
    return reply


def patches_without_a_body(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    return Reply(204) if call.method == "PATCH" and reply.status == 200 else reply


def patches_with_a_body(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    if call.method == "PATCH" and reply.status == 204:
        return forward(replace(call, method="GET", body=b""))
    return reply


def no_versions(call: Call, forward: Forward) -> Reply:
    reply = without_header("etag")(call, forward)
    return in_bodies("meta", lambda body: body["meta"].pop("version", None))(call, lambda _: reply)


def plain_json(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    return reply.with_header("Content-Type", "application/json") if reply.body else reply


def relative_locations(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    location = reply.headers.get("location", "")
    return reply.with_header("Location", re.sub("^http://[^/]*", "", location))


def deflate_without_a_wrapper(call: Call, forward: Forward) -> Reply:
    reply = forward(call)
    if not reply.body:
        return reply
    body = zlib.compress(reply.body, wbits=-zlib.MAX_WBITS)
    return replace(reply, body=body).with_header("Content-Encoding", "deflate")


def unassigned_as_null(resource: dict[str, Any]) -> None:
    for name in ("externalId", "nickName", "groups", "title", "members", "active"):
        resource.setdefault(name, None)


def core_only(user: dict[str, Any]) -> None:
    for name in ("displayName", "locale", "title", "externalId"):
        user.pop(name, None)
    user["emails"] = [{"value": email["value"]} for email in user["emails"]]


def without_empty_resources(page: dict[str, Any]) -> None:
    if not page["Resources"]:
        del page["Resources"]


def nobody_is_created_again(call: Call, forward: Forward) -> Reply:
    """Respond with 409 to the userName of any existing user, as RFC 7644 defines it."""
    if (call.method, call.path[-6:]) != ("POST", "/Users"):
        return forward(call)
    path = f"{call.path}?filter=userName+eq+%22{call.json['userName']}%22"
    found = forward(replace(call, method="GET", path=path, body=b""))
    return TAKEN if found.json["totalResults"] else forward(call)


def nobody_is_deleted(call: Call, forward: Forward) -> Reply:
    if call.method == "DELETE" and "/Users/" in call.path:
        return Reply(501)
    return nobody_is_created_again(call, forward)


# Violations of the RFCs that do not affect Okta: the server, the step, and its note.
VIOLATIONS: list[tuple[Fault, str, str]] = [
    (
        without_header("www-authenticate"),
        "A wrong token is refused",
        "A 401 has no WWW-Authenticate header",
    ),
    (
        in_bodies("detail", lambda error: error.update(status=int(error["status"]))),
        "A wrong token is refused",
        "status in the body of an Error is a number",
    ),
    (
        in_users(lambda user: user["meta"].update(resourceType="user")),
        "Assign a user (create)",
        "meta.resourceType is 'user', not 'User'.",
    ),
    (
        in_users(lambda user: user["meta"].update(location="/Users/")),
        "Assign a user (create)",
        "meta.location is '/Users/', not the URL of the resource.",
    ),
    (
        in_users(lambda user: user["meta"].update(created="yesterday")),
        "Assign a user (create)",
        "meta.created is 'yesterday', not a date and time in ISO 8601.",
    ),
    (
        in_users(lambda user: user.pop("meta")),
        "Assign a user (create)",
        "meta.resourceType is None, not 'User'.",
    ),
    (
        in_users(core_only),
        "Assign a user (create)",
        "locale was returned as None, not as it was sent.",
    ),
]

# Allowed differences: the server, and the steps that it does not support.
CHOICES: list[tuple[Fault, set[str]]] = [
    (plain_json, set()),
    (no_versions, set()),
    (relative_locations, set()),
    (patches_with_a_body, set()),
    (patches_without_a_body, set()),
    (deflate_without_a_wrapper, set()),
    (in_users(lambda user: user.pop("groups", None)), set()),
    (in_bodies("meta", unassigned_as_null), set()),
    (in_bodies("totalResults", without_empty_resources), set()),
    (
        in_bodies("totalResults", lambda page: page.update(Resources=page["Resources"] or None)),
        set(),
    ),
    (bearer_only, {"bare_token"}),
    (on("GET", "/(ServiceProviderConfig|ResourceTypes)$", HTML), {"discovery", "tiled_admin"}),
    (
        in_bodies(
            "totalResults",
            lambda page: [kind.pop("schemaExtensions", None) for kind in page["Resources"]],
        ),
        {"tiled_admin"},
    ),
    (
        no_patch,
        {
            "unassign",
            "reassign",
            "add_member",
            "rename_group",
            "mix_changes",
            "remove_member",
            "push_now",
        },
    ),
    (
        no_groups,
        {
            "unknown_group",
            "unknown_group_name",
            "push_group",
            "add_member",
            "rename_group",
            "mix_changes",
            "remove_member",
            "push_now",
            "put_group",
            "delete_group",
            "push_group_again",
        },
    ),
]
