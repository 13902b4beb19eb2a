"""Steps for groups. They use one test group and the test user."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from tiled_scim.provider_check import expectations
from tiled_scim.provider_check.cleaning import delete_test_group, is_test_group, require_user
from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, differences, member_ids
from tiled_scim.provider_check.session import Session, path_of, replace


def unknown_group_name(session: Session) -> None:
    """Look up a group that does not exist, as Okta does before it pushes one."""
    if session.look_up("/Groups", "displayName", session.names.group):
        session.fail("The lookup found a group that was not pushed.")


def push_group(session: Session) -> None:
    """Create an empty group. Okta adds the members later, with PATCH."""
    _push_group(session, members=[])
    _require_name(session, session.names.group)
    _require_members(session, [])


def add_member(session: Session) -> None:
    """Add the same member twice: the second time changes nothing."""
    for _attempt in range(2):
        _add_member(session)
        _require_members(session, [session.user_id])


def rename_group(session: Session) -> None:
    """Rename the group.

    The server must ignore the id in the value, keep the members and find the group's new name.
    """
    members = member_ids(session.read("/Groups", session.group_id))
    value = {"id": session.group_id, "displayName": session.names.renamed_group}
    session.patch(_path(session), replace(value))
    _require_name(session, session.names.renamed_group)
    _require_members(session, members)
    found = session.look_up("/Groups", "displayName", session.names.renamed_group)
    if found is None or found["id"] != session.group_id:
        session.fail("The lookup did not find the group by its new name.")
    if session.look_up("/Groups", "displayName", session.names.group):
        session.fail("The lookup still found the group by its old name.")


def mix_changes(session: Session) -> None:
    """Send one PATCH with several operations, to be applied in order: rename, remove, add."""
    session.patch(
        _path(session),
        replace({"id": session.group_id, "displayName": session.names.group}),
        _removal(str(uuid.uuid4())),
        _removal(session.user_id),
        _addition(session),
    )
    _require_name(session, session.names.group)
    _require_members(session, [session.user_id])


def remove_member(session: Session) -> None:
    """Remove one member with a filter: the others must stay."""
    _add_member(session)
    session.patch(_path(session), _removal(str(uuid.uuid4())))
    _require_members(session, [session.user_id])
    session.patch(_path(session), _removal(session.user_id))
    _require_members(session, [])


def push_now(session: Session) -> None:
    """Replace all members, as Push Now does: with and without a path, and with an empty list."""
    whole = {"id": session.group_id, "displayName": session.names.group}
    for overwrite, members in (
        (replace([_member(session)], "members"), [session.user_id]),
        (replace(whole | {"members": []}), []),
        (replace(whole | {"members": [_member(session)]}), [session.user_id]),
        (replace([], "members"), []),
    ):
        session.patch(_path(session), overwrite)
        _require_members(session, members)


def put_group(session: Session) -> None:
    """Replace the group with PUT, as apps made with Okta's app wizard do."""
    for members in ([_member(session)], [], [_member(session)]):
        body = session.read("/Groups", session.group_id) | {"members": members}
        session.resource(session.send("PUT", _path(session), body), "/Groups")
        _require_members(session, [member["value"] for member in members])


def delete_group(session: Session) -> None:
    """Delete the group: its members must stay."""
    before = session.read("/Users", session.user_id)
    delete_test_group(session)
    require_user(session, {"userName": session.names.user, "active": before.get("active")})


def push_group_again(session: Session) -> None:
    """Create the deleted group again, with its members in the same request."""
    _push_group(session, members=[{"value": session.user_id, "display": None}])
    _require_name(session, session.names.group)
    _require_members(session, [session.user_id])
    delete_test_group(session)


# Shared by the steps.


def _push_group(session: Session, members: list[Json]) -> None:
    body = {"schemas": [GROUP_SCHEMA], "displayName": session.names.group, "members": members}
    exchange = session.send("POST", "/Groups", body)
    group = session.resource(exchange, "/Groups", {201})
    if not is_test_group(session, group):
        session.fail(f"The response is another group: {group['displayName']}.")
    session.group_id = group["id"]
    session.require(expectations.location(exchange))


def _add_member(session: Session) -> None:
    session.patch(_path(session), _addition(session))


def _require_name(session: Session, name: str) -> None:
    session.require(
        list(differences({"displayName": name}, session.read("/Groups", session.group_id)))
    )


def _require_members(session: Session, members: Sequence[str | None]) -> None:
    found = member_ids(session.read("/Groups", session.group_id))
    if found != list(members):
        session.fail(f"The members are {found}, not {list(members)}.")


def _path(session: Session) -> str:
    return path_of("/Groups", session.group_id)


def _member(session: Session) -> Json:
    return {"value": session.user_id, "display": session.names.user}


def _addition(session: Session) -> Json:
    return {"op": "add", "path": "members", "value": [_member(session)]}


def _removal(user_id: str | None) -> Json:
    return {"op": "remove", "path": f'members[value eq "{user_id}"]'}
