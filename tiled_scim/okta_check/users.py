"""Steps: what Okta does with people, played with one test person."""

from __future__ import annotations

import secrets
import uuid

from tiled_scim.okta_check import expectations
from tiled_scim.okta_check.client import Exchange, Json
from tiled_scim.okta_check.conversation import Conversation, path_of, replace
from tiled_scim.okta_check.expectations import TILED_SCHEMA, USER_SCHEMA, differences

USER_NAME = "tiled-scim-check@example.com"
# What Okta cannot do without; a server may keep fewer of the other attributes.
_CORE: Json = {
    "userName": USER_NAME,
    "name": {"givenName": "SCIM", "familyName": "Check (safe to delete)"},
    "emails": [{"value": USER_NAME}],
    "active": True,
}
_PERSON: Json = _CORE | {
    "schemas": [USER_SCHEMA],
    "emails": [{"primary": True, "value": USER_NAME, "type": "work"}],
    "displayName": "SCIM Check (safe to delete)",
    "locale": "en-US",
    "externalId": "tiled-scim-check",
}


def unknown_user_name(talk: Conversation) -> None:
    """Nothing found is an empty list, not an error."""
    if talk.look_up("/Users", "userName", f"nobody-{uuid.uuid4()}@example.com"):
        talk.fail("A userName that nobody has finds somebody.")


def assign(talk: Conversation) -> None:
    """A create; for the deactivated test person of an earlier run, under the same id.

    A server may take that as a conflict. The person is then deleted first, to be created at all.
    """
    exchange = _create(talk)
    if exchange.status == 409 and talk.user_id is not None:
        _delete_leftover(talk)
        exchange = _create(talk)
    _require_created(talk, exchange)


def assign_twice(talk: Conversation) -> None:
    """A create of an active user is a conflict."""
    talk.require_error(_create(talk), 409)


def look_up_in_capitals(talk: Conversation) -> None:
    """Letter case does not count in a userName, all else does; spaces may come as plus signs."""
    found = talk.look_up("/Users", "userName", USER_NAME.upper(), spaces_as_plus=True)
    _require_test_user(talk, found)
    unknown_user_name(talk)


def import_pages(talk: Conversation) -> None:
    """Pages neither overlap nor hold more than was asked for."""
    pages = [talk.list_page("/Users", start_index, 1).json for start_index in (1, 2)]
    ids = [user["id"] for page in pages for user in page.get("Resources") or []]
    if len(ids) != min(2, pages[1]["totalResults"]) or len(set(ids)) != len(ids):
        talk.fail(f"Two pages of one user each have these ids: {ids}.")


def update_profile(talk: Conversation) -> None:
    """GET, then PUT of that body with changes; read-only attributes come back as Okta has them."""
    current = talk.read("/Users", talk.user_id)
    new_name = {"name": {"givenName": "SCIM (updated)", "familyName": "Check (safe to delete)"}}
    more = {"displayName": "SCIM (updated) Check (safe to delete)", "title": "Test person"}
    meta = current.get("meta") or {}
    echoed = {
        "meta": meta | {"lastModified": "Mon Jan 05 10:00:00 UTC 2026"},  # as Okta does
        "groups": current.get("groups") or [],
        "password": _random_password(),
    }
    _put_user(talk, current | new_name | more | echoed)
    require_user(talk, _CORE | new_name)
    _note_lost(talk, _PERSON | new_name | more)


def push_empty_values(talk: Conversation) -> None:
    """Empty values are no error and take nothing else away."""
    current = talk.read("/Users", talk.user_id)
    empty: Json = {"title": "", "nickName": None, "phoneNumbers": [], "locale": ""}
    _put_user(talk, current | empty)
    require_user(talk, {name: current.get(name) for name in _CORE})


def unassign(talk: Conversation) -> None:
    """Deactivation by PATCH without a path; the user stays readable and is found."""
    talk.patch(path_of("/Users", talk.user_id), replace({"active": False}))
    require_user(talk, {"userName": USER_NAME, "active": False})
    found = talk.look_up("/Users", "userName", USER_NAME)
    _require_test_user(talk, found)


def reassign(talk: Conversation) -> None:
    """Reactivation by PATCH without a path, under the same id."""
    talk.patch(path_of("/Users", talk.user_id), replace({"active": True}))
    require_user(talk, {"userName": USER_NAME, "active": True})


def unassign_by_put(talk: Conversation) -> None:
    """Deactivation as apps of Okta's app wizard do it."""
    _put_user(talk, talk.read("/Users", talk.user_id) | {"active": False})
    require_user(talk, {"userName": USER_NAME, "active": False})


def tiled_admin(talk: Conversation) -> None:
    """The custom attribute, given and taken away again.

    The person is inactive: nobody has an administrator's access through this check, and a server
    that keeps its last active administrator does not keep this one.
    """
    talk.change("/Users", talk.user_id, {"active": False})
    require_user(talk, {"userName": USER_NAME, "active": False})
    for is_admin in (True, False):
        change = {TILED_SCHEMA: {"tiledAdmin": is_admin}}
        _put_user(talk, talk.read("/Users", talk.user_id) | change)
        require_user(talk, change)


def reassign_by_post(talk: Conversation) -> None:
    """Reactivation by a fresh create: no conflict, and the same id."""
    _require_created(talk, _create(talk))


def reassign_by_put(talk: Conversation) -> None:
    """Reactivation as apps of Okta's app wizard do it, under the same id."""
    for is_active in (False, True):
        _put_user(talk, talk.read("/Users", talk.user_id) | {"active": is_active})
        require_user(talk, {"userName": USER_NAME, "active": is_active})


def leave_deactivated(talk: Conversation) -> None:
    """The state that a run leaves behind."""
    put_user_away(talk)


# What the steps share.


def find_user(talk: Conversation) -> None:
    """Learn the test person's id, if the server has that person."""
    for user in talk.find("/Users", "userName", USER_NAME):
        if _is_test_person(user):
            talk.user_id = user["id"]


def put_user_away(talk: Conversation) -> None:
    """Deactivate the test person, and no admin any longer, if it is there and needs that."""
    if talk.user_id is None:
        return
    user = talk.read("/Users", talk.user_id)
    if (user.get(TILED_SCHEMA) or {}).get("tiledAdmin"):
        talk.change("/Users", talk.user_id, {TILED_SCHEMA: {"tiledAdmin": False}})
    if user.get("active") is not False:
        talk.change("/Users", talk.user_id, {"active": False})
    require_user(talk, {"userName": USER_NAME, "active": False})


def _is_test_person(user: Json) -> bool:
    """A server that heeds no filter finds other people, of whom none is to be touched."""
    return bool(user["userName"].lower() == USER_NAME)


def require_user(talk: Conversation, expected: Json) -> None:
    """End the step unless the test person, read now, is as expected."""
    talk.require(list(differences(expected, talk.read("/Users", talk.user_id))))


def _create(talk: Conversation) -> Exchange:
    return talk.send("POST", "/Users", _PERSON | {"groups": [], "password": _random_password()})


def _require_created(talk: Conversation, exchange: Exchange) -> None:
    user = talk.resource(exchange, "/Users", {201})
    if not _is_test_person(user):
        talk.fail(f"The answer is another user: {user['userName']}.")
    known_id, talk.user_id = talk.user_id, user["id"]
    talk.require(expectations.location(exchange))
    talk.require(list(differences(_CORE, user)))
    if known_id not in (None, talk.user_id):
        talk.fail(f"The person had the id {known_id} and now has {talk.user_id}.")
    require_user(talk, _CORE)
    _note_lost(talk, _PERSON)


def _note_lost(talk: Conversation, pushed: Json) -> None:
    """Okta goes on sending what it does not get back; that does no harm."""
    user = talk.read("/Users", talk.user_id)
    talk.note(
        f"{name} comes back as {user.get(name)!r}, not as it was sent."
        for name, value in pushed.items()
        if any(differences(value, user.get(name)))
    )


def _delete_leftover(talk: Conversation) -> None:
    path = path_of("/Users", talk.user_id)
    if talk.send("DELETE", path).status == 204:
        talk.user_id = None
        return
    talk.change("/Users", talk.user_id, {"active": True})
    talk.leave_out(
        "The test person of an earlier run can be neither created again nor deleted, and was "
        "activated instead: delete them by hand to have the create tried."
    )


def _put_user(talk: Conversation, body: Json) -> None:
    talk.resource(talk.send("PUT", path_of("/Users", talk.user_id), body), "/Users")


def _require_test_user(talk: Conversation, found: Json | None) -> None:
    if found is None or found["id"] != talk.user_id:
        talk.fail("The lookup does not find the test person.")


def _random_password() -> str:
    """Okta sends one with every create, even where password sync is off."""
    return secrets.token_urlsafe(18)
