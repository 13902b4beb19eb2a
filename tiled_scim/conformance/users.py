"""Steps: what Okta does with people, played with one test person."""

from __future__ import annotations

import secrets
import uuid

from . import expectations
from .client import Json
from .conversation import Conversation, replace
from .expectations import TILED_SCHEMA, USER_SCHEMA, differences

USER_NAME = "tiled-scim-check@example.com"
_PERSON: Json = {
    "schemas": [USER_SCHEMA],
    "userName": USER_NAME,
    "name": {"givenName": "SCIM", "familyName": "Check (safe to delete)"},
    "emails": [{"primary": True, "value": USER_NAME, "type": "work"}],
    "displayName": "SCIM Check (safe to delete)",
    "locale": "en-US",
    "externalId": "tiled-scim-check",
    "active": True,
}


def unknown_user_name(talk: Conversation) -> None:
    """Nothing found is an empty list, not an error."""
    if talk.look_up("/Users", "userName", f"nobody-{uuid.uuid4()}@example.com"):
        talk.fail("A userName that nobody has finds somebody.")


def assign(talk: Conversation) -> None:
    """A create; for the deactivated test person of an earlier run, under the same id."""
    _push_user(talk)


def assign_twice(talk: Conversation) -> None:
    """A create of an active user is a conflict."""
    exchange = talk.send("POST", "/Users", _PERSON | {"password": _random_password()})
    talk.require(expectations.error(exchange, 409))


def look_up_in_capitals(talk: Conversation) -> None:
    """Letter case does not count in a userName, all else does; spaces may come as plus signs."""
    found = talk.look_up("/Users", "userName", USER_NAME.upper(), spaces_as_plus=True)
    _require_test_user(talk, found)
    unknown_user_name(talk)


def import_pages(talk: Conversation) -> None:
    """Pages neither overlap nor hold more than was asked for."""
    pages = [talk.list_page("/Users", start_index, 1).json for start_index in (1, 2)]
    ids = [user["id"] for page in pages for user in page.get("Resources", [])]
    if len(ids) != min(2, pages[1]["totalResults"]) or len(set(ids)) != len(ids):
        talk.fail(f"Two pages of one user each have these ids: {ids}.")


def update_profile(talk: Conversation) -> None:
    """GET, then PUT of that body with changes; read-only attributes come back as Okta has them."""
    current = talk.read("/Users", talk.user_id)
    changes = {
        "name": {"givenName": "SCIM (updated)", "familyName": "Check (safe to delete)"},
        "displayName": "SCIM (updated) Check (safe to delete)",
        "title": "Test person",
    }
    echoed = {
        "meta": current["meta"] | {"lastModified": "Mon Jan 05 10:00:00 UTC 2026"},  # as Okta does
        "groups": current.get("groups", []),
        "password": _random_password(),
    }
    _put_user(talk, current | changes | echoed)
    require_user(talk, _PERSON | changes)


def push_empty_values(talk: Conversation) -> None:
    """Empty values are no error and take nothing else away."""
    empty: Json = {"title": "", "nickName": None, "phoneNumbers": [], "locale": ""}
    _put_user(talk, talk.read("/Users", talk.user_id) | empty)
    require_user(talk, {name: _PERSON[name] for name in ("userName", "emails", "active")})


def tiled_admin(talk: Conversation) -> None:
    """The custom attribute, given and taken away again."""
    for is_admin in (True, False):
        change = {TILED_SCHEMA: {"tiledAdmin": is_admin}}
        _put_user(talk, talk.read("/Users", talk.user_id) | change)
        require_user(talk, change)


def unassign(talk: Conversation) -> None:
    """Deactivation by PATCH without a path; the user stays readable and is found."""
    talk.patch(f"/Users/{talk.user_id}", replace({"active": False}))
    require_user(talk, {"userName": USER_NAME, "active": False})
    found = talk.look_up("/Users", "userName", USER_NAME)
    _require_test_user(talk, found)


def reassign(talk: Conversation) -> None:
    """Reactivation by PATCH without a path, under the same id."""
    talk.patch(f"/Users/{talk.user_id}", replace({"active": True}))
    require_user(talk, {"userName": USER_NAME, "active": True})


def unassign_by_put(talk: Conversation) -> None:
    """Deactivation as apps of Okta's app wizard do it."""
    _put_user(talk, talk.read("/Users", talk.user_id) | {"active": False})
    require_user(talk, {"userName": USER_NAME, "active": False})


def reassign_by_post(talk: Conversation) -> None:
    """Reactivation by a fresh create: no conflict, and the same id."""
    _push_user(talk)


def leave_deactivated(talk: Conversation) -> None:
    """The state that a run leaves behind."""
    put_user_away(talk)


# What the steps share.


def find_user(talk: Conversation) -> None:
    """Learn the test person's id, if the server has that person."""
    found = talk.look_up("/Users", "userName", USER_NAME)
    talk.user_id = found["id"] if found else talk.user_id


def put_user_away(talk: Conversation) -> None:
    """Deactivate the test person, and no admin any longer, if it is there and needs that."""
    if talk.user_id is None:
        return
    user = talk.read("/Users", talk.user_id)
    if user.get(TILED_SCHEMA, {}).get("tiledAdmin"):
        talk.patch(f"/Users/{talk.user_id}", replace({TILED_SCHEMA: {"tiledAdmin": False}}))
    if user["active"]:
        talk.patch(f"/Users/{talk.user_id}", replace({"active": False}))
    require_user(talk, {"userName": USER_NAME, "active": False})


def _push_user(talk: Conversation) -> None:
    body = _PERSON | {"groups": [], "password": _random_password()}
    exchange = talk.send("POST", "/Users", body)
    user = talk.resource(exchange, "/Users", {201})
    known_id, talk.user_id = talk.user_id, user["id"]
    talk.require(expectations.location(exchange))
    talk.require(list(differences(_PERSON, user)))
    if known_id not in (None, talk.user_id):
        talk.fail(f"The person had the id {known_id} and now has {talk.user_id}.")
    require_user(talk, _PERSON)


def _put_user(talk: Conversation, body: Json) -> None:
    talk.resource(talk.send("PUT", f"/Users/{talk.user_id}", body), "/Users")


def require_user(talk: Conversation, expected: Json) -> None:
    """End the step unless the test person, read now, is as expected."""
    talk.require(list(differences(expected, talk.read("/Users", talk.user_id))))


def _require_test_user(talk: Conversation, found: Json | None) -> None:
    if found is None or found["id"] != talk.user_id:
        talk.fail("The lookup does not find the test person.")


def _random_password() -> str:
    """Okta sends one with every create, even where password sync is off."""
    return secrets.token_urlsafe(18)
