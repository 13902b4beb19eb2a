"""A host with two customers, their admins, and the pages on which they configure SCIM."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client

from tests.accounts import ACME, GLOBEX, client_of
from tests.admin.browser import signed_in
from tests.factories import make_user
from tests.wire.client import Scim

PAGE = "/settings/scim/"
GENERATE = f"{PAGE}token/generate/"
REVOKE = f"{PAGE}token/revoke/"
EVENTS = f"{PAGE}events/"
USERS = f"{PAGE}users/"
GROUPS = f"{PAGE}groups/"
SETUP_LINKS = f"{PAGE}setup-links/"
SETUP = f"{PAGE}setup/"
OPEN = f"{SETUP}open/"
CLIENTS = f"{PAGE}clients/"
LOGOUT = f"{PAGE}logout/"
LISTS = (EVENTS, USERS, GROUPS, SETUP_LINKS, CLIENTS, LOGOUT)

ADMIN, OTHER_ADMIN, MEMBER = "admin@acme", "admin@globex", "member@acme"
ACCOUNTS = {ADMIN: ACME, OTHER_ADMIN: GLOBEX}

# The people and groups that each customer's Okta pushes. No name is part of another one.
PUSHED = {
    ACME: {"Roadrunners": ("wile@acme.example", "tweety@acme.example")},
    GLOBEX: {"Secret lair": ("hank@globex.example", "scorpio@globex.example")},
}
# What no page of acme may contain.
OF_GLOBEX = re.compile("globex|secret lair|hank|scorpio", re.IGNORECASE)


def configurable_account(request: HttpRequest) -> str | None:
    """The account of each admin. Others configure nothing."""
    return ACCOUNTS.get(request.user.get_username())


def browser(name: str, **options: Any) -> Client:
    """The browser of a person who is signed in."""
    user = User.objects.filter(username=name).first() or make_user(name)
    return signed_in(user, **options)


def push(account: str) -> Scim:
    """Have the account's Okta push its people and groups."""
    okta = client_of(account)
    for name, people in PUSHED[account].items():
        okta.add_group(name, *(okta.add_user(person) for person in people))
    return okta


def read(response: Any) -> str:
    """Return the visible text of a page's content on one line."""
    assert response.status_code in {200, 400, 409}, response
    _, _, html = response.text.partition('<div class="tiled-scim tiled-scim-configuration">')
    html, _, _ = html.partition("</main>")
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(response: Any) -> list[list[str]]:
    """Return the cells of each row of a list."""
    assert response.status_code == 200, response
    _, _, body = response.text.partition("<tbody>")
    found = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells]
        for cells in (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found)
    ]


def column(response: Any, number: int) -> list[str]:
    """Return one cell of each row of a list."""
    return [row[number] for row in rows(response)]
