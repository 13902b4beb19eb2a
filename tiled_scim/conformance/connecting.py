"""Steps: the base URL, the credentials and what is not there."""

from __future__ import annotations

import uuid

from . import expectations
from .conversation import Conversation
from .expectations import USER_SCHEMA


def base_url(talk: Conversation) -> None:
    """Okta's form takes no URL with an underscore."""
    if "_" in talk.client.base_url:
        talk.fail("The base URL has an underscore in it: mount the server at a path without one.")


def credentials(talk: Conversation) -> None:
    """What the button Test API Credentials sends."""
    talk.list_page("/Users", start_index=1, count=2)
    talk.list_page("/Groups", start_index=1, count=100)
    talk.is_connected = True


def bare_token(talk: Conversation) -> None:
    """Apps can be set up to send the token with no scheme before it."""
    exchange = talk.client.send_bare_token("/Users", query={"startIndex": 1, "count": 2})
    talk.require(expectations.listing(exchange, USER_SCHEMA))


def wrong_token(talk: Conversation) -> None:
    """A token that the server did not give is refused."""
    exchange = talk.send("GET", "/Users", authorization="Bearer tiled-scim-check-wrong-token")
    talk.require(expectations.error(exchange, 401))
    if "WWW-Authenticate" not in exchange.headers:
        talk.fail("A 401 must have a WWW-Authenticate header (RFC 9110 section 15.5.2).")


def unknown_ids(talk: Conversation) -> None:
    """Ids that nobody has, in the server's form and in another."""
    for path in (f"/Users/{uuid.uuid4()}", "/Users/00919288221112222", f"/Groups/{uuid.uuid4()}"):
        talk.require(expectations.error(talk.send("GET", path), 404))
