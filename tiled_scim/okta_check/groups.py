"""Steps: what Okta does with groups, played with one test group and the one test person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from tiled_scim.okta_check import expectations
from tiled_scim.okta_check.client import Json
from tiled_scim.okta_check.conversation import Conversation, path_of, replace
from tiled_scim.okta_check.expectations import GROUP_SCHEMA, differences, member_ids
from tiled_scim.okta_check.users import USER_NAME, require_user

GROUP_NAME = "Tiled SCIM Check (safe to delete)"
RENAMED_GROUP_NAME = "Tiled SCIM Check & Co. (safe to delete)"
_NAMES = (GROUP_NAME, RENAMED_GROUP_NAME)


def unknown_group_name(talk: Conversation) -> None:
    """Okta looks for a group of the name before it pushes one."""
    if talk.look_up("/Groups", "displayName", GROUP_NAME):
        talk.fail("A group that was not pushed is found.")


def push_group(talk: Conversation) -> None:
    """A group comes empty first; its people follow by PATCH."""
    _push_group(talk, members=[])
    _require_name(talk, GROUP_NAME)
    _require_members(talk, [])


def add_member(talk: Conversation) -> None:
    """Adding is a union: a second time changes nothing."""
    for _attempt in range(2):
        _add_member(talk)
        _require_members(talk, [talk.user_id])


def rename_group(talk: Conversation) -> None:
    """The id in the value is ignored, the members stay, and the new name is the one found."""
    members = member_ids(talk.read("/Groups", talk.group_id))
    value = {"id": talk.group_id, "displayName": RENAMED_GROUP_NAME}
    talk.patch(_path(talk), replace(value))
    _require_name(talk, RENAMED_GROUP_NAME)
    _require_members(talk, members)
    found = talk.look_up("/Groups", "displayName", RENAMED_GROUP_NAME)
    if found is None or found["id"] != talk.group_id:
        talk.fail("The group is not found by its new name.")
    if talk.look_up("/Groups", "displayName", GROUP_NAME):
        talk.fail("The group is still found by its old name.")


def mix_changes(talk: Conversation) -> None:
    """One PATCH of many operations, applied in order: rename, removals, additions."""
    talk.patch(
        _path(talk),
        replace({"id": talk.group_id, "displayName": GROUP_NAME}),
        _removal(str(uuid.uuid4())),
        _removal(talk.user_id),
        _addition(talk),
    )
    _require_name(talk, GROUP_NAME)
    _require_members(talk, [talk.user_id])


def remove_member(talk: Conversation) -> None:
    """A filtered removal takes away the one that it names and no other."""
    _add_member(talk)
    talk.patch(_path(talk), _removal(str(uuid.uuid4())))
    _require_members(talk, [talk.user_id])
    talk.patch(_path(talk), _removal(talk.user_id))
    _require_members(talk, [])


def push_now(talk: Conversation) -> None:
    """Push Now overwrites the membership, in both of its forms, down to nobody."""
    whole = {"id": talk.group_id, "displayName": GROUP_NAME}
    for overwrite, members in (
        (replace([_member(talk.user_id)], "members"), [talk.user_id]),
        (replace(whole | {"members": []}), []),
        (replace(whole | {"members": [_member(talk.user_id)]}), [talk.user_id]),
        (replace([], "members"), []),
    ):
        talk.patch(_path(talk), overwrite)
        _require_members(talk, members)


def put_group(talk: Conversation) -> None:
    """Apps of Okta's app wizard read the group and PUT it with all members."""
    for members in ([_member(talk.user_id)], [], [_member(talk.user_id)]):
        body = talk.read("/Groups", talk.group_id) | {"members": members}
        talk.resource(talk.send("PUT", _path(talk), body), "/Groups")
        _require_members(talk, [member["value"] for member in members])


def delete_group(talk: Conversation) -> None:
    """Unlink and delete in the target app: the group goes, its people stay."""
    before = talk.read("/Users", talk.user_id)
    put_group_away(talk)
    require_user(talk, {"userName": USER_NAME, "active": before.get("active")})


def push_group_again(talk: Conversation) -> None:
    """A deleted group can be pushed again, now with its people in the same request."""
    _push_group(talk, members=[{"value": talk.user_id, "display": None}])
    _require_name(talk, GROUP_NAME)
    _require_members(talk, [talk.user_id])
    put_group_away(talk)


# What the steps share.


def put_groups_away(talk: Conversation) -> None:
    """Delete the test group, and any of its names that earlier runs have left."""
    if "Groups" in talk.lacks:
        return
    put_group_away(talk)
    for name in _NAMES:
        for group in talk.find("/Groups", "displayName", name):
            if _is_test_group(group):
                talk.group_id = group["id"]
                put_group_away(talk)


def put_group_away(talk: Conversation) -> None:
    """Delete the test group if it is there."""
    if talk.group_id is None:
        return
    if talk.read("/Groups", talk.group_id)["displayName"] != GROUP_NAME:
        # A server may keep the Library that a group fed: let it be always the one of that name.
        talk.change("/Groups", talk.group_id, {"displayName": GROUP_NAME})
    path = _path(talk)
    talk.require(expectations.answer(talk.send("DELETE", path), {204}))
    talk.group_id = None
    talk.require_error(talk.send("GET", path), 404)


def _is_test_group(group: Json) -> bool:
    """A server that heeds no filter finds other groups, of which none is to be touched."""
    return group["displayName"] in _NAMES


def _push_group(talk: Conversation, members: list[Json]) -> None:
    body = {"schemas": [GROUP_SCHEMA], "displayName": GROUP_NAME, "members": members}
    exchange = talk.send("POST", "/Groups", body)
    group = talk.resource(exchange, "/Groups", {201})
    if not _is_test_group(group):
        talk.fail(f"The answer is another group: {group['displayName']}.")
    talk.group_id = group["id"]
    talk.require(expectations.location(exchange))


def _add_member(talk: Conversation) -> None:
    talk.patch(_path(talk), _addition(talk))


def _require_name(talk: Conversation, name: str) -> None:
    talk.require(list(differences({"displayName": name}, talk.read("/Groups", talk.group_id))))


def _require_members(talk: Conversation, members: Sequence[str | None]) -> None:
    found = member_ids(talk.read("/Groups", talk.group_id))
    if found != list(members):
        talk.fail(f"The members are {found}, not {list(members)}.")


def _path(talk: Conversation) -> str:
    return path_of("/Groups", talk.group_id)


def _member(user_id: str | None) -> Json:
    return {"value": user_id, "display": USER_NAME}


def _addition(talk: Conversation) -> Json:
    return {"op": "add", "path": "members", "value": [_member(talk.user_id)]}


def _removal(user_id: str | None) -> Json:
    return {"op": "remove", "path": f'members[value eq "{user_id}"]'}
