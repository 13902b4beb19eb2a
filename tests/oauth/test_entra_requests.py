"""Entra's requests letter by letter: the check of credentials, and workload identity federation."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from tests.accounts import Together
from tests.oauth.issuer import APP, ISSUER, SUBJECT, Issuer, ec_key, public, status
from tests.oauth.token_requests import FORM, JOB, TOKEN_PATH, new_client, secret_of
from tests.wire.client import ANN, MOUNT, Scim, user
from tests.wire.state import people
from tiled_scim import clients
from tiled_scim.clients import Federation, NewClient
from tiled_scim.errors import Cause
from tiled_scim.models import ScimAccessToken, ScimClient, ScimEvent

pytestmark = pytest.mark.django_db

AGENT = "Microsoft-Entra-Provisioning"
# As it is in the URL-encoded body of Entra.
ASSERTION_TYPE = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"


@pytest.fixture
def federated(issuer: Issuer) -> NewClient:
    """A client with the four values that an admin copies from Entra."""
    federation = Federation(ISSUER, issuer.url, SUBJECT, f"api://{APP}/.default")
    return new_client(federation=federation)


def post(body: str) -> Any:
    return Client().post(TOKEN_PATH, body, FORM, headers={"User-Agent": AGENT})


def by_assertion(new: NewClient, assertion: str, scope: str = "") -> Any:
    return post(
        f"grant_type=client_credentials&client_id={new.client.client_id}"
        f"&client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}{scope}"
    )


@pytest.mark.parametrize("scope", ["", "&scope=scim"])
def test_validate_credentials(scope: str) -> None:
    new = new_client()

    response = post(
        f"grant_type=client_credentials&client_id={new.client.client_id}"
        f"&client_secret={quote(secret_of(new), safe='')}{scope}"
    )

    assert response.status_code == 200
    found = response.json()
    assert found["token_type"] == "Bearer"
    assert 3600 <= found["expires_in"] <= 21600
    listed = Client().get(
        f"{MOUNT}/Users?startIndex=1&count=1",
        headers={"Authorization": f"Bearer {found['access_token']}", "User-Agent": AGENT},
    )
    assert listed.status_code == 200
    assert listed.json()["totalResults"] == 0


class TestFederation:
    @pytest.mark.parametrize("scope", ["", "&scope=scim"])
    @pytest.mark.parametrize("audience", [f"api://{APP}", APP, f"api://{APP}/.default"])
    def test_an_assertion_gets_an_access_token(
        self, issuer: Issuer, federated: NewClient, audience: str, scope: str
    ) -> None:
        response = by_assertion(federated, issuer.sign(aud=audience), scope)

        assert response.status_code == 200, response.text
        found = response.json()
        assert found["expires_in"] == 3600
        entra = Scim(f"Bearer {found['access_token']}")
        assert entra.post("/Users", user(ANN)).status == 201
        assert people() == {ANN: "active"}
        event = ScimEvent.objects.latest("pk")
        assert event.token_last_four == federated.client.client_id[-4:]
        assert ScimClient.objects.get().last_used_by == AGENT

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"iss": "https://login.example"}, "iss"),
            ({"sub": "another"}, "sub"),
            ({"aud": "api://another"}, "aud"),
            ({"exp": 1}, "exp"),
        ],
    )
    def test_a_wrong_one_gets_none_and_only_the_event_says_why(
        self, issuer: Issuer, federated: NewClient, changes: dict[str, Any], reason: str
    ) -> None:
        assertion = issuer.sign(**changes)

        response = by_assertion(federated, assertion)

        assert response.status_code == 401
        assert response.json()["error"] == "invalid_client"
        assert reason not in response.text
        event = ScimEvent.objects.latest("pk")
        assert (event.account, event.cause) == ("", Cause.ASSERTION)
        assert f"“{reason}”" in event.detail
        assert assertion.split(".")[1] not in event.detail
        assert not ScimAccessToken.objects.exists()

    def test_who_is_refused_sees_the_same_in_any_case(
        self, issuer: Issuer, federated: NewClient
    ) -> None:
        revoked = new_client(federation=federated.client.federation)
        clients.revoke(revoked.client, JOB)
        nobody = NewClient(ScimClient(client_id="7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"), None)
        seen = set()
        for new, assertion in (
            (federated, issuer.sign(sub="another")),
            (federated, issuer.sign(key=ec_key(), algorithm="ES256")),
            (federated, "no assertion"),
            (revoked, issuer.sign()),
            (nobody, issuer.sign()),
            (new_client(), issuer.sign()),
        ):
            response = by_assertion(new, assertion)
            seen.add((response.status_code, response.text))

        assert len(seen) == 1, seen
        assert {status_code for status_code, _ in seen} == {401}

    def test_one_with_a_jti_is_accepted_once(self, issuer: Issuer, federated: NewClient) -> None:
        assertion = issuer.sign(jti="one")

        assert by_assertion(federated, assertion).status_code == 200
        assert by_assertion(federated, assertion).status_code == 401

    def test_a_client_with_a_federation_takes_no_secret(
        self, issuer: Issuer, federated: NewClient
    ) -> None:
        response = post(
            f"grant_type=client_credentials&client_id={federated.client.client_id}&client_secret="
        )

        assert response.status_code == 401

    def test_while_the_keys_are_away_the_client_may_retry(
        self, issuer: Issuer, federated: NewClient
    ) -> None:
        issuer.answer(status(500))

        response = by_assertion(federated, issuer.sign())

        assert response.status_code == 503
        assert response.json()["error"] == "temporarily_unavailable"
        assert int(response.headers["Retry-After"]) > 0

    def test_a_changed_federation_counts_at_once(
        self, issuer: Issuer, federated: NewClient
    ) -> None:
        access_token = by_assertion(federated, issuer.sign()).json()["access_token"]
        assert federated.client.federation is not None
        changed = Federation(ISSUER, issuer.url, "another", f"api://{APP}")
        clients.change_federation(federated.client, changed, JOB)

        assert Scim(f"Bearer {access_token}").get("/Users").status == 401
        assert by_assertion(federated, issuer.sign()).status_code == 401
        assert by_assertion(federated, issuer.sign(sub="another")).status_code == 200

    @pytest.mark.parametrize("change", ["federation", "revocation"])
    def test_a_change_during_the_request_counts_too(
        self, issuer: Issuer, settings: LazySettings, change: str
    ) -> None:
        """Fetching the keys may take seconds. Afterwards the account is checked."""

        class Changing(Together):
            def check_account(self) -> None:
                if change == "revocation":
                    clients.revoke(new.client, JOB)
                else:
                    clients.change_federation(new.client, changed, JOB)

        changed = Federation(ISSUER, issuer.url, "another", f"api://{APP}")
        new = new_client(federation=Federation(ISSUER, issuer.url, SUBJECT, APP))
        settings.TILED_SCIM_HOST_ADAPTER = Changing

        response = by_assertion(new, issuer.sign())

        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert not ScimAccessToken.objects.exists()
        assert ScimEvent.objects.latest("pk").cause == Cause.ASSERTION

    def test_another_algorithm_of_the_allowlist(self, issuer: Issuer) -> None:
        issuer.publish(public(ec_key(), kid="two"))
        new = new_client(federation=Federation(ISSUER, issuer.url, SUBJECT, APP))
        assertion = issuer.sign(key=ec_key(), algorithm="ES256", headers={"kid": "two"})

        assert by_assertion(new, assertion).status_code == 200

    def test_access_tokens_of_a_revoked_client_end(
        self, issuer: Issuer, federated: NewClient
    ) -> None:
        access_token = by_assertion(federated, issuer.sign()).json()["access_token"]
        entra = Scim(f"Bearer {access_token}")
        assert entra.get("/Users").status == 200

        clients.revoke(federated.client, JOB)

        assert entra.get("/Users").status == 401
        ended = ScimAccessToken.objects.get()
        assert ended.expires_at > timezone.now()
