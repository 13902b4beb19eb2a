"""Steps for groups. They use one test group, and the test user and its colleagues as members."""

from __future__ import annotations

from tiled_scim.provider_check import expectations
from tiled_scim.provider_check.cleaning import delete_test_group, is_test_group
from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.entra.operations import add, remove, replace, require_page
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, differences, member_ids
from tiled_scim.provider_check.names import external_id
from tiled_scim.provider_check.session import Session, path_of

# Entra sends it with each group. No server has to know it.
_MICROSOFT_SCHEMA = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
_WITHOUT_MEMBERS = {"excludedAttributes": "members"}


def unknown_group_name(session: Session) -> None:
    """Look up a group that does not exist."""
    if _look_up(session, session.names.group):
        session.fail("The lookup found a group that was not created.")


def create(session: Session) -> None:
    """Create a group. Entra adds the members later, with PATCH."""
    body = {
        "schemas": [GROUP_SCHEMA, _MICROSOFT_SCHEMA],
        "externalId": external_id(session.names.group),
        "displayName": session.names.group,
        "meta": {"resourceType": "Group"},
    }
    group = session.resource(session.send("POST", "/Groups", body), "/Groups", {201})
    if not is_test_group(session, group):
        session.fail(f"The response is another group: {group['displayName']}.")
    session.group_id = group["id"]
    _require_group(session, session.names.group)


def look_up(session: Session) -> None:
    """Look up the group by name, and read it, both without its members."""
    found = _look_up(session, session.names.group)
    if found is None or found["id"] != session.group_id:
        session.fail("The lookup did not find the test group.")
    if "members" in found:
        session.fail("The lookup returned the members, although they were excluded.")


def change_attributes(session: Session) -> None:
    """Change displayName and externalId by their paths."""
    for name in (session.names.renamed_group, session.names.group):
        _patch(session, replace(name, "displayName"))
        _patch(session, replace(external_id(name), "externalId"))
        _require_group(session, name)


def add_members(session: Session) -> None:
    """Add several members in one request, and one of them again."""
    members = [str(session.user_id), *session.colleague_ids]
    _patch(session, add([_reference(member) for member in members], "members"))
    _require_members(session, members)
    _patch(session, add([_reference(members[0])], "members"))
    _require_members(session, members)


def remove_members(session: Session) -> None:
    """Remove one member by its value: the others must stay."""
    first, second = session.colleague_ids
    _patch(session, remove([_reference(first)], "members"))
    _require_members(session, [str(session.user_id), second])
    _patch(session, remove([_reference(first), _reference(second)], "members"))
    _require_members(session, [str(session.user_id)])


def read_pages(session: Session) -> None:
    """Read overlapping pages of groups."""
    require_page(session, "/Groups")


def delete(session: Session) -> None:
    """Delete the group: its members must stay."""
    delete_test_group(session)
    session.read("/Users", session.user_id)


# Shared by the steps.


def _look_up(session: Session, name: str) -> Json | None:
    filter_ = f'displayName eq "{name}"'
    exchange = session.send("GET", "/Groups", query={**_WITHOUT_MEMBERS, "filter": filter_})
    session.require(expectations.listing(exchange, GROUP_SCHEMA))
    found = exchange.json.get("Resources") or []
    if len(found) > 1:
        session.fail(f"The lookup found {len(found)} groups. It should find at most one.")
    return dict(found[0]) if found else None


def _patch(session: Session, operation: Json) -> None:
    session.patch(path_of("/Groups", session.group_id), operation)


def _reference(user_id: str) -> Json:
    return {"$ref": None, "value": user_id}


def _require_group(session: Session, name: str) -> None:
    path = path_of("/Groups", session.group_id)
    group = session.resource(session.send("GET", path, query=_WITHOUT_MEMBERS), "/Groups")
    expected = {"displayName": name, "externalId": external_id(name)}
    session.require(list(differences(expected, group)))


def _require_members(session: Session, members: list[str]) -> None:
    found = member_ids(session.read("/Groups", session.group_id))
    if found != sorted(members):
        session.fail(f"The members are {found}, not {sorted(members)}.")
