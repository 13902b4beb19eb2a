"""Steps for users. They use the test user and two colleagues of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from tiled_scim.provider_check import cleaning, expectations
from tiled_scim.provider_check.cleaning import FAMILY_NAME, require_user
from tiled_scim.provider_check.client import Exchange, Json
from tiled_scim.provider_check.entra.attributes import (
    ENTERPRISE_SCHEMA,
    MANAGER,
    OF_ELEMENTS,
    STRINGS,
    WORK_EMAIL,
    Attribute,
    value_of,
)
from tiled_scim.provider_check.entra.operations import add, replace, require_page
from tiled_scim.provider_check.expectations import USER_SCHEMA, differences
from tiled_scim.provider_check.names import external_id
from tiled_scim.provider_check.session import Session, path_of


def _core(user_name: str) -> Json:
    """Return the attributes that Entra needs. A server does not have to support the others."""
    return {
        "userName": user_name,
        "externalId": external_id(user_name),
        "name": {"givenName": "SCIM", "familyName": FAMILY_NAME},
        "emails": [{"value": user_name}],
        "active": True,
    }


def _test_user(user_name: str) -> Json:
    return _core(user_name) | {
        "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
        "displayName": "SCIM Check (safe to delete)",
        "emails": [{"primary": True, "type": "work", "value": user_name}],
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": "SCIM Check (safe to delete)",
            "familyName": FAMILY_NAME,
            "givenName": "SCIM",
        },
        "roles": [],
    }


def unknown_user(session: Session) -> None:
    """Look up a user that does not exist, by each attribute that Entra matches by."""
    for attribute in ("userName", "externalId", WORK_EMAIL):
        if session.look_up("/Users", attribute, f"{uuid.uuid4()}@example.com"):
            session.fail(f"The lookup of an unknown {attribute} found a user.")


def create(session: Session) -> None:
    """Create the test user, or enable the one that a server without DELETE has kept."""
    exchange = _create(session, session.names.user)
    if exchange.status == 409 and (kept := cleaning.id_of(session, session.names.user)):
        session.user_id = _enabled(session, kept, session.names.user)
        session.skip_unsupported(
            "The test user of an earlier run can be neither created again nor deleted, so it was "
            "enabled instead. Delete the user manually to check the create."
        )
    session.user_id = _created(session, exchange, session.names.user)
    require_user(session, _core(session.names.user))


def create_twice(session: Session) -> None:
    """Create an existing user: the response must be a conflict."""
    session.require_error(_create(session, session.names.user), 409)


def create_colleagues(session: Session) -> None:
    """Create the colleagues, who are managers and members of the group."""
    for user_name in session.names.colleagues:
        exchange = _create(session, user_name)
        kept = cleaning.id_of(session, user_name) if exchange.status == 409 else None
        session.colleague_ids.append(
            _enabled(session, kept, user_name) if kept else _created(session, exchange, user_name)
        )


def look_up(session: Session) -> None:
    """Look up the user by each attribute that Entra matches by, and by two of them together."""
    name = session.names.user
    for attribute, value in (
        ("userName", name),
        ("externalId", external_id(name)),
        (WORK_EMAIL, name),
        (f'userName eq "{name.upper()}" and externalId', external_id(name)),
    ):
        found = session.look_up("/Users", attribute, value)
        if found is None or found["id"] != session.user_id:
            session.fail(f"The lookup by {attribute} did not find the test user.")


def change_strings(session: Session) -> None:
    """Change each single-valued string by its path, first with Add and then with Replace."""
    attributes = _offered(session, STRINGS)
    _patch(session, *(add(each.value, each.path) for each in attributes))
    _require_values(session, {each.path: each.value for each in attributes})
    _patch(session, *(replace(each.other, each.path) for each in attributes))
    _require_values(session, {each.path: each.other for each in attributes})


def change_boolean(session: Session) -> None:
    """Change `active`, as a boolean and as a string: Entra sends both."""
    for sent, expected in ((False, False), ("True", True), ("False", False), (True, True)):
        _patch(session, replace(sent, "active"))
        require_user(session, {"active": expected})


def change_elements(session: Session) -> None:
    """Build elements of multi-valued attributes from single operations, and change them."""
    attributes = _offered(session, OF_ELEMENTS)
    _patch(session, *(add(each.value, each.path) for each in attributes))
    _require_values(session, {each.path: each.value for each in attributes})
    _require_one_of_each_type(session)
    for each in attributes:
        _patch(session, replace(each.other, each.path))
    _require_values(session, {each.path: each.other for each in attributes})
    _require_one_of_each_type(session)


def change_without_path(session: Session) -> None:
    """Change several attributes in one operation, as with the flag aadOptscim062020."""
    attributes = _offered(session, STRINGS)
    name: Json = {"name.givenName": "SCIM (updated)", "name.familyName": FAMILY_NAME}
    values = name | {each.path: each.value for each in attributes}
    _patch(session, {"op": "replace", "value": values})
    _require_values(session, values)


def clear_with_empty_strings(session: Session) -> None:
    """Clear optional attributes with an empty string, and then once more with null."""
    _clear(session, "", None)


def clear_with_null(session: Session) -> None:
    """Clear optional attributes with null, and then once more with an empty string."""
    _clear(session, None, "")


def change_manager(session: Session) -> None:
    """Set the manager with Add, change it with Replace, and remove it with an empty value."""
    first, second = session.colleague_ids
    reference = f"{session.client.base_url}{path_of('/Users', first)}"
    for operation, manager in (
        (add([{"$ref": reference, "value": first}], "manager"), first),
        (replace(second, MANAGER), second),
        (replace({"value": first}, MANAGER), first),
        (replace("", MANAGER), None),
        (add(first, MANAGER), first),
    ):
        _patch(session, operation)
        _require_values(session, {f"{MANAGER}.value": manager})


def ask_for_manager(session: Session) -> None:
    """Ask whether a user is the manager of the test user, without reading either."""
    first, second = session.colleague_ids
    for manager, expected in ((first, [session.user_id]), (second, [])):
        filter_ = f'id eq "{session.user_id}" and manager eq "{manager}"'
        exchange = session.send("GET", "/Users", query={"filter": filter_, "attributes": "id"})
        session.require(expectations.answer(exchange, {200}))
        found = [each.get("id") for each in exchange.json.get("Resources") or []]
        if found != expected:
            session.fail(f"The users with that id and manager are {found}, not {expected}.")


def read_pages(session: Session) -> None:
    """Read overlapping pages of users."""
    require_page(session, "/Users")


def rename_disabled(session: Session) -> None:
    """Disable the user and change the userName in the same request, and undo both."""
    names = session.names
    for is_active, user_name in ((False, names.disabled_user), (True, names.user)):
        _patch(session, replace(str(is_active), "active"), replace(user_name, "userName"))
        require_user(session, {"userName": user_name, "active": is_active})


def disable(session: Session) -> None:
    """Disable the user: it must still be found and readable."""
    _patch(session, replace("False", "active"))
    require_user(session, {"userName": session.names.user, "active": False})
    found = session.look_up("/Users", "userName", session.names.user)
    if found is None or found["id"] != session.user_id:
        session.fail("The lookup did not find the disabled user.")


def delete(session: Session) -> None:
    """Delete the user, as Entra does about 30 days after it has disabled one."""
    exchange = session.send("DELETE", path_of("/Users", session.user_id))
    if exchange.status in cleaning.NO_DELETE:
        session.skip_unsupported(
            "The server does not delete users. Switch off the action Delete in Entra's mapping."
        )
    session.require(expectations.answer(exchange, {204}))
    deleted, session.user_id = session.user_id, None
    session.require_error(session.send("GET", path_of("/Users", deleted)), 404)
    if session.look_up("/Users", "userName", session.names.user):
        session.fail("The lookup still found the deleted user.")


# Shared by the steps.


def _create(session: Session, user_name: str) -> Exchange:
    return session.send("POST", "/Users", _test_user(user_name))


def _created(session: Session, exchange: Exchange, user_name: str) -> str:
    """Check the response to a create, and return the id of the user."""
    user = session.resource(exchange, "/Users", {201})
    if user["userName"].lower() != user_name.lower():
        session.fail(f"The response is another user: {user['userName']}.")
    session.require(list(differences(_core(user_name), user)))
    return str(user["id"])


def _enabled(session: Session, user_id: str, user_name: str) -> str:
    """Enable a user, and return its id."""
    path = path_of("/Users", user_id)
    session.patch(path, replace("True", "active"), add(user_name, WORK_EMAIL))
    return user_id


def _patch(session: Session, *operations: Json) -> None:
    session.patch(path_of("/Users", session.user_id), *operations)


def _offered(session: Session, attributes: tuple[Attribute, ...]) -> list[Attribute]:
    """Return the attributes that the server declares. Others are not to be mapped."""
    offered = [each for each in attributes if each.declaration in session.declared]
    if not offered:
        session.skip_unsupported("The schemas of the server list none of these attributes.")
    return offered


def _require_values(session: Session, expected: dict[str, Any]) -> None:
    session.require(list(_wrong_values(session, expected)))


def _wrong_values(session: Session, expected: dict[str, Any]) -> Iterator[str]:
    user = session.read("/Users", session.user_id)
    for path, value in expected.items():
        yield from differences(value, value_of(user, path), path)


def _require_one_of_each_type(session: Session) -> None:
    """Check that operations on the parts of one element did not make several."""
    user = session.read("/Users", session.user_id)
    for name in ("addresses", "phoneNumbers"):
        types = [element.get("type") for element in user.get(name) or []]
        if len(set(types)) != len(types):
            session.fail(f"{name} has several elements of one type: {types}.")


def _clear(session: Session, *empty_values: str | None) -> None:
    """Clear attributes once for each value: the second time there is nothing left to clear."""
    attributes = _offered(session, (*STRINGS, *OF_ELEMENTS))
    email = session.names.user
    _patch(session, *(add(each.value, each.path) for each in attributes), add(email, WORK_EMAIL))
    paths = [WORK_EMAIL, *(each.path for each in attributes)]
    for empty in empty_values:
        _patch(session, *(replace(empty, path) for path in paths))
        user = session.read("/Users", session.user_id)
        left = [path for path in paths if value_of(user, path) not in (None, "")]
        session.require([f"{path} is {value_of(user, path)!r}, not empty." for path in left])
    _patch(session, add(email, WORK_EMAIL))
    _require_values(session, {WORK_EMAIL: email})
