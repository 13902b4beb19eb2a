"""Clean up what a run created: the test group and the test users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tiled_scim.provider_check import expectations
from tiled_scim.provider_check.client import Json, UnreachableError
from tiled_scim.provider_check.expectations import TILED_SCHEMA, differences
from tiled_scim.provider_check.session import MismatchError, Session, path_of

Action = Callable[[Session], None]

# Tells the test user from a person with the same userName.
FAMILY_NAME = "Check (safe to delete)"
NO_DELETE = {404, 405, 501}  # what servers respond that do not delete users


def take_up(session: Session, actions: Iterable[Action]) -> None:
    """Clean up what an interrupted run left behind, as a step of the next one."""
    session.require(list(_problems(session, actions)))


def clean_up(session: Session, actions: Iterable[Action]) -> list[str]:
    """Clean up as much as possible.

    Returns:
        What could not be cleaned up, as sentences.
    """
    problems: list[str] = []
    try:
        problems.extend(_problems(session, actions))
    except UnreachableError as unreachable:
        problems.append(str(unreachable))
    return problems


def _problems(session: Session, actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        try:
            action(session)
        except MismatchError as mismatch:
            yield str(mismatch)


def delete_test_groups(session: Session) -> None:
    """Delete the test group, and all groups with its names that earlier runs left behind."""
    if "Groups" in session.missing_features:
        return
    delete_test_group(session)
    for name in session.names.groups:
        for group in session.find("/Groups", "displayName", name):
            if is_test_group(session, group):
                session.group_id = group["id"]
                delete_test_group(session)


def delete_test_group(session: Session) -> None:
    """Delete the test group if it exists."""
    if session.group_id is None:
        return
    if session.read("/Groups", session.group_id)["displayName"] != session.names.group:
        # A server may keep the Library of a deleted group. Give it the same name after every run.
        session.change("/Groups", session.group_id, {"displayName": session.names.group})
    path = path_of("/Groups", session.group_id)
    session.require(expectations.answer(session.send("DELETE", path), {204}))
    session.deleted_groups.add(str(session.group_id))
    session.group_id = None
    session.require_error(session.send("GET", path), 404)


def is_test_group(session: Session, group: Json) -> bool:
    """Return whether this is the test group. A server that ignores filters returns others too."""
    return group["displayName"] in session.names.groups


def find_user(session: Session) -> None:
    """Look up the id of the test user, if it exists."""
    if found := id_of(session, session.names.user):
        session.user_id = found


def deactivate_test_user(session: Session) -> None:
    """Deactivate the test user and remove Tiled Admin, if the user exists."""
    if session.user_id is None:
        return
    user = session.read("/Users", session.user_id)
    if (user.get(TILED_SCHEMA) or {}).get("tiledAdmin"):
        session.change("/Users", session.user_id, {TILED_SCHEMA: {"tiledAdmin": False}})
    if user.get("active") is not False:
        session.change("/Users", session.user_id, {"active": False})
    require_user(session, {"userName": session.names.user, "active": False})


def delete_test_users(session: Session) -> None:
    """Delete the test user and its colleagues, or disable them if the server does not delete.

    A disabled user may have another userName.
    """
    names = session.names
    for name in (names.disabled_user, names.user, *names.colleagues):
        if found := id_of(session, name):
            _delete_user(session, found)
    session.user_id, session.colleague_ids = None, []


def _delete_user(session: Session, user_id: str) -> None:
    exchange = session.send("DELETE", path_of("/Users", user_id))
    if exchange.status in NO_DELETE:
        session.change("/Users", user_id, {"active": False})
    else:
        session.require(expectations.answer(exchange, {204}))


def id_of(session: Session, user_name: str) -> str | None:
    """Return the id of a test user, if it exists.

    A person with the same userName is no test user: the run stops before it changes them.
    """
    if session.has_met_person:
        return None
    for user in session.find("/Users", "userName", user_name):
        if user["userName"].lower() != user_name.lower():
            continue  # a server that ignores filters returns others, too
        if (user.get("name") or {}).get("familyName") != FAMILY_NAME:
            session.has_met_person = session.is_stopped = True
            session.fail(
                f"There is a person {user_name}, whom this check did not create. Run it with "
                "another user name."
            )
        return str(user["id"])
    return None


def require_user(session: Session, expected: Json) -> None:
    """Read the test user, and end the step unless it has the expected values."""
    session.require(list(differences(expected, session.read("/Users", session.user_id))))
