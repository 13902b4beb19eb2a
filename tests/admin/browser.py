"""Helpers for tests of the SCIM Configuration page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tiled_scim.models import ScimToken

PAGE = "/admin/tiled_scim/scimtoken/"
GENERATE = f"{PAGE}generate/"
REVOKE = f"{PAGE}revoke/"
PLAINTEXT = re.compile(r"tscim_[\w-]{43}")
NOT_AGAIN = "will not be shown again"
OUTDATED = "Nothing was changed"


def staff(*codenames: str) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def shown_token(response: Any) -> str:
    """Return the token in a response that contains it exactly once."""
    (plaintext,) = PLAINTEXT.findall(response.text)
    return str(plaintext)


def generated(page: Client, query: str = "") -> str:
    return shown_token(page.post(GENERATE + query, {"token": ""}))


def confirmed(token: ScimToken | None) -> dict[str, str]:
    return {"token": str(token.pk) if token else "", "confirm": "on"}


def form_fields(html: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form with this action."""
    (form,) = re.findall(rf'<form [^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    inputs = re.findall(r'<input type="hidden" [^>]*>', form)
    return {
        re.findall(r'name="(.*?)"', field)[0]: "".join(re.findall(r'value="(.*?)"', field))
        for field in inputs
    }


def api_status(plaintext: str) -> int:
    response = Client().get(
        reverse("tiled_scim:users"), headers={"Authorization": f"Bearer {plaintext}"}
    )
    return response.status_code


def content(response: Any) -> str:
    """Return the visible text of the page's content on one line."""
    _, _, html = response.text.partition('<div id="content-main" class="tiled-scim">')
    html, _, _ = html.partition("</main>")
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
