"""Steps that every provider has: the features, the token, and requests for unknown resources."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from tiled_scim.provider_check import capabilities, expectations
from tiled_scim.provider_check.client import LOOPBACK, Exchange
from tiled_scim.provider_check.expectations import GROUP_SCHEMA, ROLE_SCHEMA
from tiled_scim.provider_check.session import Session


def discovery(session: Session) -> None:
    """Read which features the server supports, so that later steps skip the others."""
    supported = capabilities.read(session.client)
    if not supported.patch:
        session.missing_features.add("PATCH")
    if not supported.tiled_admin:
        session.missing_features.add("Tiled Admin")
    if not supported.is_declared:
        session.skip_unsupported(
            "The server has no /ServiceProviderConfig or no /ResourceTypes (RFC 7644 section 4). "
            f"{session.provider.name} does not need them."
        )
    if supported.roles:
        _read_roles(session, supported.roles)


def wrong_token(session: Session) -> None:
    """Check that an unknown token is refused."""
    exchange = session.send("GET", "/Users", authorization="Bearer tiled-scim-check-wrong-token")
    session.require_error(exchange, 401)


def unknown_users(session: Session) -> None:
    """Check unknown user ids: a UUID and an id in another format."""
    for user_id in (str(uuid.uuid4()), "00919288221112222"):
        session.require_error(session.send("GET", f"/Users/{user_id}"), 404)


def unknown_group(session: Session) -> None:
    """Check an unknown group id."""
    session.require_error(session.send("GET", f"/Groups/{uuid.uuid4()}"), 404)


def _read_roles(session: Session, endpoint: str) -> None:
    """Read all roles, as Okta Identity Governance does for a resource type with its Role schema."""
    exchange = session.send("GET", endpoint, query={"startIndex": 1, "count": 100})
    session.require(expectations.listing(exchange, ROLE_SCHEMA))
    if not exchange.json.get("Resources"):
        session.fail(f"There are no roles at {endpoint}, although /ResourceTypes lists them.")


# Shared by the steps of each provider.


def note_unencrypted(session: Session) -> None:
    """Record that the token can be read on the way."""
    url = urlsplit(session.client.base_url)
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        session.note(["The base URL uses http: the token can be read on the network."])


def require_groups(session: Session, exchange: Exchange) -> None:
    """Check the first list of groups. A server that declares no groups does not need them."""
    if exchange.status in {404, 501} and not capabilities.read(session.client).groups:
        session.missing_features.add("Groups")
    else:
        session.require(expectations.listing(exchange, GROUP_SCHEMA))
