"""Steps that check the connection and the schemas, as Entra and its validator do."""

from __future__ import annotations

import uuid

from tiled_scim.provider_check import capabilities, connection, expectations
from tiled_scim.provider_check.client import Json
from tiled_scim.provider_check.entra import schemas
from tiled_scim.provider_check.entra.attributes import MAPPED_OF_GROUPS, MAPPED_OF_USERS
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, USER_SCHEMA
from tiled_scim.provider_check.session import Session

_REQUIRED = {USER_SCHEMA: ("userName", "active"), GROUP_SCHEMA: MAPPED_OF_GROUPS}


def credentials(session: Session) -> None:
    """Send what Entra's button Test Connection sends: lookups of a user and a group by a GUID."""
    connection.note_unencrypted(session)
    nobody = uuid.uuid4()
    exchange = session.send("GET", "/Users", query={"filter": f'userName eq "{nobody}"'})
    session.require(expectations.listing(exchange, USER_SCHEMA))
    query = {"excludedAttributes": "members", "filter": f'displayName eq "{nobody}"'}
    connection.require_groups(session, session.send("GET", "/Groups", query=query))
    session.is_connected = True


def patch_support(session: Session) -> None:
    """Check that the server does not declare PATCH unsupported: Entra changes nothing without."""
    if not capabilities.read(session.client).patch:
        session.missing_features.add("PATCH")
        session.fail("ServiceProviderConfig says that PATCH is not supported.")


def list_schemas(session: Session) -> None:
    """Check that `/Schemas` lists the attributes that Entra maps by default."""
    exchange = session.send("GET", "/Schemas")
    session.require(expectations.answer(exchange, {200}))
    users = schemas.declared(exchange.json, USER_SCHEMA)
    session.declared = users.keys()
    session.require(_missing(users, _REQUIRED[USER_SCHEMA]))
    session.note(
        f"{finding} Remove it from the mapping in Entra."
        for finding in _missing(users, MAPPED_OF_USERS)
    )
    if "Groups" not in session.missing_features:
        groups = schemas.declared(exchange.json, GROUP_SCHEMA)
        session.require(_missing(groups, _REQUIRED[GROUP_SCHEMA]))


def _missing(attributes: dict[str, Json], paths: tuple[str, ...]) -> list[str]:
    missing = (path for path in paths if not schemas.has(attributes, path))
    return [f"/Schemas does not list {path}." for path in missing]
