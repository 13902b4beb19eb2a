"""Token requests as clients send them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.test import Client

from tests.wire.client import MOUNT, Scim
from tiled_scim import clients
from tiled_scim.clients import NewClient
from tiled_scim.connections import Actor

TOKEN_PATH = f"{MOUNT}/oauth/token"
FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}
JOB = Actor("a test")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    json: dict[str, Any]

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["error"]

    @property
    def visible(self) -> tuple[object, ...]:
        """All that a client sees, but for the number of the request."""
        headers = {name: value for name, value in self.headers.items() if name != "X-Request-ID"}
        return self.status, str(headers), str(self.json)


def new_client(account: str = "", name: str = "Entra ID", **values: Any) -> NewClient:
    return clients.create(account, name, JOB, **values)


def secret_of(new: NewClient) -> str:
    assert new.secret is not None
    return new.secret.plaintext


def by_body(new: NewClient, secret: str | None = None) -> dict[str, str]:
    """The parameters of client_secret_post."""
    return {
        "client_id": new.client.client_id,
        "client_secret": secret_of(new) if secret is None else secret,
    }


def by_basic(new: NewClient, secret: str | None = None) -> dict[str, str]:
    """The header of client_secret_basic."""
    pair = ":".join(map(quote_plus, by_body(new, secret).values()))
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def send(
    body: dict[str, str] | str | bytes,
    headers: dict[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = TOKEN_PATH,
    content_type: str = FORM,
    client: Client | None = None,
) -> Reply:
    data = urlencode(body) if isinstance(body, dict) else body
    response: Any = (client or Client()).generic(
        method, path, data, content_type, headers=headers or {}
    )
    assert response.headers["Content-Type"] == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    return Reply(response.status_code, dict(response.headers), response.json())


def granted(new: NewClient) -> str:
    """An access token of a client."""
    reply = send({**GRANT, **by_body(new)})
    assert reply.status == 200, reply.json
    return str(reply.json["access_token"])


def scim(access_token: str) -> Scim:
    return Scim(f"Bearer {access_token}")
