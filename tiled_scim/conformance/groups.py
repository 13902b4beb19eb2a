"""Steps: what Okta does with groups, played with one test group and the one test person."""

from __future__ import annotations

import uuid

from . import expectations
from .client import Json
from .conversation import Conversation, replace
from .expectations import GROUP_SCHEMA, differences, member_ids
from .users import USER_NAME, require_user

GROUP_NAME = "Tiled SCIM Check (safe to delete)"
RENAMED_GROUP_NAME = "Tiled SCIM Check & Co. (safe to delete)"


def unknown_group_name(talk: Conversation) -> None:
    """Okta looks for a group of the name before it pushes one."""
    if talk.look_up("/Groups", "displayName", GROUP_NAME):
        talk.fail("A group that was not pushed is found.")


def push_group(talk: Conversation) -> None:
    """A group comes empty first; its people follow by PATCH."""
    _push_group(talk, members=[])
    _require_group(talk, GROUP_NAME, [])


def add_member(talk: Conversation) -> None:
    """Adding is a union: a second time changes nothing."""
    addition = {"op": "add", "path": "members", "value": [_member(talk.user_id)]}
    for _attempt in range(2):
        talk.patch(f"/Groups/{talk.group_id}", addition)
        _require_group(talk, GROUP_NAME, [talk.user_id])


def rename_group(talk: Conversation) -> None:
    """The id in the value is ignored, the members stay, and the new name is the one found."""
    value = {"id": talk.group_id, "displayName": RENAMED_GROUP_NAME}
    talk.patch(f"/Groups/{talk.group_id}", replace(value))
    _require_group(talk, RENAMED_GROUP_NAME, [talk.user_id])
    found = talk.look_up("/Groups", "displayName", RENAMED_GROUP_NAME)
    if found is None or found["id"] != talk.group_id:
        talk.fail("The group is not found by its new name.")
    if talk.look_up("/Groups", "displayName", GROUP_NAME):
        talk.fail("The group is still found by its old name.")


def mix_changes(talk: Conversation) -> None:
    """One PATCH of many operations, applied in order: rename, removals, additions."""
    talk.patch(
        f"/Groups/{talk.group_id}",
        replace({"id": talk.group_id, "displayName": GROUP_NAME}),
        _remove_member(str(uuid.uuid4())),
        _remove_member(talk.user_id),
        {"op": "add", "path": "members", "value": [_member(talk.user_id)]},
    )
    _require_group(talk, GROUP_NAME, [talk.user_id])


def remove_member(talk: Conversation) -> None:
    """A filtered removal takes away the one that it names and no other."""
    talk.patch(f"/Groups/{talk.group_id}", _remove_member(str(uuid.uuid4())))
    _require_group(talk, GROUP_NAME, [talk.user_id])
    talk.patch(f"/Groups/{talk.group_id}", _remove_member(talk.user_id))
    _require_group(talk, GROUP_NAME, [])


def push_now(talk: Conversation) -> None:
    """Push Now overwrites the membership, in both of its forms, down to nobody."""
    path = f"/Groups/{talk.group_id}"
    whole = {"id": talk.group_id, "displayName": GROUP_NAME}
    talk.patch(path, replace([_member(talk.user_id)], "members"))
    _require_group(talk, GROUP_NAME, [talk.user_id])
    talk.patch(path, replace(whole | {"members": []}))
    _require_group(talk, GROUP_NAME, [])
    talk.patch(path, replace(whole | {"members": [_member(talk.user_id)]}))
    _require_group(talk, GROUP_NAME, [talk.user_id])
    talk.patch(path, replace([], "members"))
    _require_group(talk, GROUP_NAME, [])


def put_group(talk: Conversation) -> None:
    """Apps of Okta's app wizard read the group and PUT it with all members."""
    current = talk.read("/Groups", talk.group_id)
    body = current | {"members": [_member(talk.user_id)]}
    talk.resource(talk.send("PUT", f"/Groups/{talk.group_id}", body), "/Groups")
    _require_group(talk, GROUP_NAME, [talk.user_id])


def delete_group(talk: Conversation) -> None:
    """Unlink and delete in the target app: the group goes, its people stay."""
    put_group_away(talk)
    require_user(talk, {"userName": USER_NAME, "active": True})


def push_group_again(talk: Conversation) -> None:
    """A deleted group can be pushed again, now with its people in the same request."""
    _push_group(talk, members=[{"value": talk.user_id, "display": None}])
    _require_group(talk, GROUP_NAME, [talk.user_id])
    put_group_away(talk)


# What the steps share.


def find_group(talk: Conversation) -> None:
    """Learn the test group's id, if the server has that group."""
    for name in (GROUP_NAME, RENAMED_GROUP_NAME):
        found = talk.look_up("/Groups", "displayName", name)
        talk.group_id = found["id"] if found else talk.group_id


def put_group_away(talk: Conversation) -> None:
    """Delete the test group if it is there."""
    if talk.group_id is None:
        return
    path = f"/Groups/{talk.group_id}"
    if talk.read("/Groups", talk.group_id)["displayName"] != GROUP_NAME:
        # A server may keep the Library that a group fed: let it be always the one of that name.
        talk.patch(path, replace({"displayName": GROUP_NAME}))
    talk.require(expectations.answer(talk.send("DELETE", path), {204}))
    talk.require(expectations.error(talk.send("GET", path), 404))
    talk.group_id = None


def _push_group(talk: Conversation, members: list[Json]) -> None:
    body = {"schemas": [GROUP_SCHEMA], "displayName": GROUP_NAME, "members": members}
    exchange = talk.send("POST", "/Groups", body)
    talk.group_id = talk.resource(exchange, "/Groups", {201})["id"]
    talk.require(expectations.location(exchange))


def _require_group(talk: Conversation, name: str, members: list[str | None]) -> None:
    group = talk.read("/Groups", talk.group_id)
    findings = list(differences({"displayName": name}, group))
    if member_ids(group) != members:
        findings.append(f"The members are {member_ids(group)}, not {members}.")
    talk.require(findings)


def _member(user_id: str | None) -> Json:
    return {"value": user_id, "display": USER_NAME}


def _remove_member(user_id: str | None) -> Json:
    return {"op": "remove", "path": f'members[value eq "{user_id}"]'}
