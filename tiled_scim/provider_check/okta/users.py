"""Steps for users. They use one test user."""

from __future__ import annotations

import secrets
import uuid

from tiled_scim.provider_check import cleaning, expectations
from tiled_scim.provider_check.cleaning import FAMILY_NAME, require_user
from tiled_scim.provider_check.client import Exchange, Json
from tiled_scim.provider_check.expectations import TILED_SCHEMA, USER_SCHEMA, differences
from tiled_scim.provider_check.session import Session, path_of, replace


def _core(session: Session) -> Json:
    """Return the attributes that Okta needs. A server does not have to support the others."""
    return {
        "userName": session.names.user,
        "name": {"givenName": "SCIM", "familyName": FAMILY_NAME},
        "emails": [{"value": session.names.user}],
        "active": True,
    }


def _test_user(session: Session) -> Json:
    return _core(session) | {
        "schemas": [USER_SCHEMA],
        "emails": [{"primary": True, "value": session.names.user, "type": "work"}],
        "displayName": "SCIM Check (safe to delete)",
        "locale": "en-US",
        "externalId": "tiled-scim-check",
    }


def unknown_user_name(session: Session) -> None:
    """Look up a user that does not exist: the response must be an empty list, not an error."""
    if session.look_up("/Users", "userName", f"nobody-{uuid.uuid4()}@example.com"):
        session.fail("The lookup of an unknown userName found a user.")


def assign(session: Session) -> None:
    """Create the test user, or reactivate the deactivated one of an earlier run.

    A server may respond with a conflict instead of reactivating. The user is then deleted and
    created again.
    """
    exchange = _create(session)
    if exchange.status == 409 and session.user_id is not None:
        _delete_leftover(session)
        exchange = _create(session)
    _require_created(session, exchange)


def assign_twice(session: Session) -> None:
    """Create an active user again: the response must be a conflict."""
    session.require_error(_create(session), 409)


def look_up_in_capitals(session: Session) -> None:
    """Look up the user in capitals, with the spaces of the filter encoded as plus signs.

    userName is not case-sensitive.
    """
    found = session.look_up("/Users", "userName", session.names.user.upper(), spaces_as_plus=True)
    _require_test_user(session, found)
    unknown_user_name(session)


def import_pages(session: Session) -> None:
    """Read two pages: they must not overlap or contain more than requested."""
    pages = [session.list_page("/Users", start_index, 1).json for start_index in (1, 2)]
    ids = [user["id"] for page in pages for user in page.get("Resources") or []]
    if len(ids) != min(2, pages[1]["totalResults"]) or len(set(ids)) != len(ids):
        session.fail(f"Two pages of one user each have these ids: {ids}.")


def update_profile(session: Session) -> None:
    """Read the user and PUT it back with changes, including read-only attributes as Okta does."""
    current = session.read("/Users", session.user_id)
    new_name = {"name": {"givenName": "SCIM (updated)", "familyName": FAMILY_NAME}}
    more = {"displayName": "SCIM (updated) Check (safe to delete)", "title": "Test person"}
    meta = current.get("meta") or {}
    read_only = {
        "meta": meta | {"lastModified": "Mon Jan 05 10:00:00 UTC 2026"},  # in Okta's format
        "groups": current.get("groups") or [],
        "password": _random_password(),
    }
    _put_user(session, current | new_name | more | read_only)
    require_user(session, _core(session) | new_name)
    _note_unsupported(session, _test_user(session) | new_name | more)


def push_empty_values(session: Session) -> None:
    """Send empty values: they must not be an error or remove other values."""
    current = session.read("/Users", session.user_id)
    empty: Json = {"title": "", "nickName": None, "phoneNumbers": [], "locale": ""}
    _put_user(session, current | empty)
    require_user(session, {name: current.get(name) for name in _core(session)})


def unassign(session: Session) -> None:
    """Deactivate with a PATCH without a path. The user must still be found and readable."""
    session.patch(path_of("/Users", session.user_id), replace({"active": False}))
    require_user(session, {"userName": session.names.user, "active": False})
    found = session.look_up("/Users", "userName", session.names.user)
    _require_test_user(session, found)


def reassign(session: Session) -> None:
    """Reactivate with a PATCH without a path. The user must keep its id."""
    session.patch(path_of("/Users", session.user_id), replace({"active": True}))
    require_user(session, {"userName": session.names.user, "active": True})


def unassign_by_put(session: Session) -> None:
    """Deactivate with PUT, as apps made with Okta's app wizard do."""
    _put_user(session, session.read("/Users", session.user_id) | {"active": False})
    require_user(session, {"userName": session.names.user, "active": False})


def tiled_admin(session: Session) -> None:
    """Set the custom attribute Tiled Admin and clear it again.

    The user is inactive, so that the check never grants admin access, and so that a server that
    refuses to remove its last active admin does not refuse here.
    """
    session.change("/Users", session.user_id, {"active": False})
    require_user(session, {"userName": session.names.user, "active": False})
    for is_admin in (True, False):
        change = {TILED_SCHEMA: {"tiledAdmin": is_admin}}
        _put_user(session, session.read("/Users", session.user_id) | change)
        require_user(session, change)


def reassign_by_post(session: Session) -> None:
    """Reactivate with a POST: no conflict, and the user must keep its id."""
    _require_created(session, _create(session))


def reassign_by_put(session: Session) -> None:
    """Reactivate with PUT, as apps made with Okta's app wizard do. The user must keep its id."""
    for is_active in (False, True):
        _put_user(session, session.read("/Users", session.user_id) | {"active": is_active})
        require_user(session, {"userName": session.names.user, "active": is_active})


def leave_deactivated(session: Session) -> None:
    """Deactivate the test user, which stays on the server after the run."""
    cleaning.deactivate_test_user(session)


# Shared by the steps.


def _create(session: Session) -> Exchange:
    return session.send(
        "POST", "/Users", _test_user(session) | {"groups": [], "password": _random_password()}
    )


def _require_created(session: Session, exchange: Exchange) -> None:
    user = session.resource(exchange, "/Users", {201})
    if not session.names.is_user(user["userName"]):
        session.fail(f"The response is another user: {user['userName']}.")
    known_id, session.user_id = session.user_id, user["id"]
    session.require(expectations.location(exchange))
    session.require(list(differences(_core(session), user)))
    if known_id not in (None, session.user_id):
        session.fail(f"The user had the id {known_id} and now has {session.user_id}.")
    require_user(session, _core(session))
    _note_unsupported(session, _test_user(session))


def _note_unsupported(session: Session, pushed: Json) -> None:
    """Report attributes that the server did not keep. Okta sends them again, which does no harm."""
    user = session.read("/Users", session.user_id)
    session.note(
        f"{name} was returned as {user.get(name)!r}, not as it was sent."
        for name, value in pushed.items()
        if any(differences(value, user.get(name)))
    )


def _delete_leftover(session: Session) -> None:
    path = path_of("/Users", session.user_id)
    if session.send("DELETE", path).status == 204:
        session.user_id = None
        return
    session.change("/Users", session.user_id, {"active": True})
    session.skip_unsupported(
        "The test user of an earlier run can be neither created again nor deleted, so it was "
        "activated instead. Delete the user manually to check the create."
    )


def _put_user(session: Session, body: Json) -> None:
    session.resource(session.send("PUT", path_of("/Users", session.user_id), body), "/Users")


def _require_test_user(session: Session, found: Json | None) -> None:
    if found is None or found["id"] != session.user_id:
        session.fail("The lookup did not find the test user.")


def _random_password() -> str:
    """Return a random password. Okta sends one with every create, even without password sync."""
    return secrets.token_urlsafe(18)
