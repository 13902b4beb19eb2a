"""Steps that check the base URL and the credentials, as Okta does."""

from __future__ import annotations

from tiled_scim.provider_check import connection, expectations
from tiled_scim.provider_check.expectations import USER_SCHEMA
from tiled_scim.provider_check.session import Session


def base_url(session: Session) -> None:
    """Check that Okta's form accepts the base URL: it rejects underscores."""
    if "_" in session.client.base_url:
        session.fail("The base URL contains an underscore. Serve SCIM at a URL without one.")
    connection.note_unencrypted(session)


def credentials(session: Session) -> None:
    """Send what Okta's button Test API Credentials sends."""
    session.list_page("/Users", start_index=1, count=2)
    exchange = session.send("GET", "/Groups", query={"startIndex": 1, "count": 100})
    connection.require_groups(session, exchange)
    session.is_connected = True


def bare_token(session: Session) -> None:
    """Send the token without a scheme, as Okta does for apps configured that way."""
    exchange = session.client.send_bare_token("/Users", query={"startIndex": 1, "count": 2})
    if exchange.status in {401, 403}:
        session.skip_unsupported(
            'The server requires "Bearer" before the token: configure the Okta app to send it.'
        )
    session.require(expectations.listing(exchange, USER_SCHEMA))
