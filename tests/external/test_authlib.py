"""Authlib: an OAuth client that others wrote gets access tokens, and provisions with them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from django.contrib.auth.models import User

from tests.oauth.token_requests import JOB, new_client, secret_of
from tests.wire.client import ANN, BOB, group, patch_op, user
from tests.wire.state import access, people
from tiled_scim import clients
from tiled_scim.clients import NewClient
from tiled_scim.models import ScimAccessToken, ScimEvent

METHODS = ("client_secret_basic", "client_secret_post")


@pytest.fixture
def new(administrator: User) -> NewClient:
    return new_client()


def session(new: NewClient, scim_url: str, method: str, secret: str | None = None) -> Any:
    made = OAuth2Session(
        new.client.client_id,
        secret_of(new) if secret is None else secret,
        scope="scim",
        token_endpoint_auth_method=method,
        token_endpoint=f"{scim_url}/oauth/token",
        grant_type="client_credentials",
    )
    made.headers["Accept"] = "application/scim+json"
    return made


@pytest.mark.parametrize("method", METHODS)
def test_a_whole_provisioning(new: NewClient, scim_url: str, method: str) -> None:
    with session(new, scim_url, method) as authlib:
        token = authlib.fetch_token()
        assert token["token_type"] == "Bearer"
        assert token["scope"] == "scim"

        config = authlib.get(f"{scim_url}/ServiceProviderConfig").json()
        assert {scheme["type"] for scheme in config["authenticationSchemes"]} >= {"oauth2"}
        keys = []
        for name in (ANN, BOB):
            created = authlib.post(f"{scim_url}/Users", json=user(name))
            assert created.status_code == 201
            keys.append(created.json()["id"])
        ann, bob = keys
        pushed = authlib.post(f"{scim_url}/Groups", json=group("Sales", ann, bob))
        assert pushed.status_code == 201
        assert access() == {"Sales": {ANN, BOB}}

        change = {"op": "replace", "value": {"active": False}}
        assert authlib.patch(f"{scim_url}/Users/{bob}", json=patch_op(change)).status_code == 200
        assert people() == {ANN: "active", BOB: "inactive"}
        found = authlib.get(f"{scim_url}/Users", params={"filter": f'userName eq "{ANN}"'})
        assert found.json()["Resources"][0]["id"] == ann
        assert authlib.delete(f"{scim_url}/Users/{bob}").status_code == 204
        assert authlib.delete(f"{scim_url}/Groups/{pushed.json()['id']}").status_code == 204

    assert access() == {"Sales": set()}
    assert not ScimEvent.objects.filter(outcome__in=["refused", "failed"]).exists()


@pytest.mark.parametrize("method", METHODS)
def test_it_understands_refusals(new: NewClient, scim_url: str, method: str) -> None:
    with session(new, scim_url, method, "wrong") as authlib, pytest.raises(OAuthError) as refused:
        authlib.fetch_token()

    assert refused.value.error == "invalid_client"


def test_it_gets_another_token_when_one_expires(new: NewClient, scim_url: str) -> None:
    with session(new, scim_url, "client_secret_basic") as authlib:
        authlib.fetch_token()
        authlib.token["expires_at"] = int(time.time())

        assert authlib.get(f"{scim_url}/Users").status_code == 200

    assert ScimAccessToken.objects.count() == 2


def test_a_rotation_has_no_gap(new: NewClient, scim_url: str) -> None:
    second = clients.add_secret(new.client, JOB)
    with (
        session(new, scim_url, "client_secret_post") as old,
        session(new, scim_url, "client_secret_post", second.plaintext) as renewed,
    ):
        for authlib in (old, renewed):
            authlib.fetch_token()
            assert authlib.get(f"{scim_url}/Users").status_code == 200

        assert new.secret is not None
        clients.revoke_secret(new.secret.row, JOB)

        assert old.get(f"{scim_url}/Users").status_code == 401
        assert renewed.get(f"{scim_url}/Users").status_code == 200
        with pytest.raises(OAuthError):
            old.fetch_token()
