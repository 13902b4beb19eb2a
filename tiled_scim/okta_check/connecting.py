"""Steps: the base URL, the credentials and what is not there."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from tiled_scim.okta_check import expectations, offers
from tiled_scim.okta_check.client import LOOPBACK
from tiled_scim.okta_check.conversation import Conversation
from tiled_scim.okta_check.expectations import GROUP_SCHEMA, USER_SCHEMA


def base_url(talk: Conversation) -> None:
    """Okta's form takes no URL with an underscore."""
    url = urlsplit(talk.client.base_url)
    if "_" in talk.client.base_url:
        talk.fail("The base URL has an underscore in it: mount the server at a path without one.")
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        talk.note(["The base URL is http: whoever listens on the way reads the token."])


def credentials(talk: Conversation) -> None:
    """What the button Test API Credentials sends."""
    talk.list_page("/Users", start_index=1, count=2)
    exchange = talk.send("GET", "/Groups", query={"startIndex": 1, "count": 100})
    if exchange.status in {404, 501} and not offers.read(talk.client).groups:
        talk.lacks.add("Groups")
    else:
        talk.require(expectations.listing(exchange, GROUP_SCHEMA))
    talk.is_connected = True


def discovery(talk: Conversation) -> None:
    """What the server leaves out, in its own words, is not tried."""
    offer = offers.read(talk.client)
    if not offer.patch:
        talk.lacks.add("PATCH")
    if not offer.tiled_admin:
        talk.lacks.add("Tiled Admin")
    if not offer.is_said:
        talk.leave_out(
            "There is no /ServiceProviderConfig or no /ResourceTypes (RFC 7644 section 4), which "
            "Okta can do without."
        )


def bare_token(talk: Conversation) -> None:
    """Apps can be set up to send the token with no scheme before it."""
    exchange = talk.client.send_bare_token("/Users", query={"startIndex": 1, "count": 2})
    if exchange.status in {401, 403}:
        talk.leave_out("The server wants Bearer before the token: have Okta's app send it.")
    talk.require(expectations.listing(exchange, USER_SCHEMA))


def wrong_token(talk: Conversation) -> None:
    """A token that the server did not give is refused."""
    exchange = talk.send("GET", "/Users", authorization="Bearer tiled-scim-check-wrong-token")
    talk.require_error(exchange, 401)


def unknown_users(talk: Conversation) -> None:
    """Ids that nobody has, in the server's form and in another."""
    for user_id in (str(uuid.uuid4()), "00919288221112222"):
        talk.require_error(talk.send("GET", f"/Users/{user_id}"), 404)


def unknown_group(talk: Conversation) -> None:
    """An id that no group has."""
    talk.require_error(talk.send("GET", f"/Groups/{uuid.uuid4()}"), 404)
