"""The token endpoint: what it answers, refuses, logs and counts (RFC 6749)."""

from __future__ import annotations

import base64
import logging
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.accounts import ACME, Together
from tests.documented.pages import ROOT, code_blocks
from tests.oauth.token_requests import (
    FORM,
    GRANT,
    JOB,
    TOKEN_PATH,
    by_basic,
    by_body,
    granted,
    new_client,
    scim,
    secret_of,
    send,
)
from tests.wire.client import ANN, MOUNT, Scim, user
from tests.wire.state import people
from tiled_scim import clients
from tiled_scim.api.oauth.client_authentication import JWT_BEARER
from tiled_scim.api.oauth.errors import as_oauth_error
from tiled_scim.api.oauth.forms import MAX_FORM_BYTES, MAX_PARAMETERS
from tiled_scim.audit import refusals
from tiled_scim.clients import Federation, NewClient
from tiled_scim.errors import Cause, ScimError, forbidden
from tiled_scim.host import HostAdapter
from tiled_scim.models import (
    ScimAccessToken,
    ScimClient,
    ScimClientSecret,
    ScimEvent,
)

pytestmark = pytest.mark.django_db

METADATA = f"{MOUNT}/.well-known/oauth-authorization-server"
UNKNOWN = "7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"
AWAY = Federation("https://id.example", "https://127.0.0.1:1/keys", "s", "a")


@pytest.fixture
def new() -> NewClient:
    return new_client()


class Gone(Together):
    """An account that the host has deleted."""

    def check_account(self) -> None:
        if self.account in {"", ACME}:
            raise forbidden("The account does not exist any more.", Cause.NO_ACCOUNT)


class TestGranted:
    @pytest.mark.parametrize("method", ["body", "basic"])
    @pytest.mark.parametrize("scope", [{}, {"scope": "scim"}, {"scope": ""}])
    def test_by_either_method_with_or_without_a_scope(
        self, new: NewClient, method: str, scope: dict[str, str]
    ) -> None:
        if method == "body":
            reply = send({**GRANT, **by_body(new), **scope})
        else:
            reply = send({**GRANT, **scope}, by_basic(new))

        assert reply.status == 200
        access_token = reply.json.pop("access_token")
        assert reply.json == {"token_type": "Bearer", "expires_in": 3600, "scope": "scim"}
        assert "no-store" in reply.headers["Cache-Control"]
        assert reply.headers["Pragma"] == "no-cache"
        assert scim(access_token).post("/Users", user(ANN)).status == 201
        assert people() == {ANN: "active"}

    def test_for_the_time_of_the_setting_and_no_longer_than_the_secret(
        self, new: NewClient, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ACCESS_TOKEN_LIFETIME = timedelta(hours=6)
        assert send({**GRANT, **by_body(new)}).json["expires_in"] == 21600

        ScimClientSecret.objects.update(expires_at=timezone.now() + timedelta(minutes=10))

        assert 590 <= send({**GRANT, **by_body(new)}).json["expires_in"] <= 600

    def test_with_both_secrets(self, new: NewClient) -> None:
        second = clients.add_secret(new.client, JOB)

        for secret in (secret_of(new), second.plaintext):
            assert send({**GRANT, **by_body(new, secret)}).status == 200

    @pytest.mark.parametrize("path", ["/oauth/token/", "//oauth/token", "/oauth//token"])
    def test_at_other_spellings_of_the_path(self, new: NewClient, path: str) -> None:
        assert send({**GRANT, **by_body(new)}, path=MOUNT + path).status == 200

    def test_with_other_spellings_of_the_header(self, new: NewClient) -> None:
        pair = by_basic(new)["Authorization"].removeprefix("Basic ")

        assert send(GRANT, {"Authorization": f"BASIC   {pair} "}).status == 200

    def test_with_a_charset(self, new: NewClient) -> None:
        body = urlencode({**GRANT, **by_body(new)})

        assert send(body, content_type=f"{FORM}; charset=UTF-8").status == 200

    def test_with_parameters_that_mean_nothing_here(self, new: NewClient) -> None:
        others = {"resource": "https://example.com", "audience": "x"}

        assert send({**GRANT, **by_body(new), **others}).status == 200

    def test_with_the_client_id_in_the_body_beside_the_header(self, new: NewClient) -> None:
        body = {**GRANT, "client_id": new.client.client_id}

        assert send(body, by_basic(new)).status == 200

    def test_to_a_browser_without_csrf_token(self, new: NewClient) -> None:
        browser = Client(enforce_csrf_checks=True)

        assert send({**GRANT, **by_body(new)}, client=browser).status == 200

    def test_the_use_of_the_secret_is_noted(self, new: NewClient) -> None:
        send({**GRANT, **by_body(new)}, {"User-Agent": "Entra"})

        secret = ScimClientSecret.objects.get()
        assert (secret.last_used_from, secret.last_used_by) == ("127.0.0.1", "Entra")
        assert ScimClient.objects.get().last_used_at == secret.last_used_at

    def test_it_is_no_event_but_a_line_in_the_log(
        self, settings: LazySettings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        new = new_client(ACME)
        ScimEvent.objects.all().delete()
        caplog.set_level(logging.INFO, "tiled_scim")

        send({**GRANT, **by_body(new)})

        assert not ScimEvent.objects.exists()
        [record] = caplog.records
        assert "account=acme" in record.getMessage()
        assert f"path={TOKEN_PATH} status=200" in record.getMessage()

    def test_it_takes_few_queries(self, new: NewClient, django_assert_max_num_queries: Any) -> None:
        send({**GRANT, **by_body(new)})

        # Client and secrets; in a transaction, the client, two for old access tokens, and the new
        # one.
        with django_assert_max_num_queries(8):
            send({**GRANT, **by_body(new)})


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ("x=1", "invalid_client"),
            ("client_id={id}&client_secret={secret}", "invalid_request"),
            ("grant_type=&client_id={id}&client_secret={secret}", "invalid_request"),
            (
                "grant_type=authorization_code&client_id={id}&client_secret={secret}",
                "unsupported_grant_type",
            ),
            ("{grant}&client_id={id}&client_secret={secret}&scope=admin", "invalid_scope"),
            ("{grant}&client_id={id}&client_secret={secret}&scope=scim+admin", "invalid_scope"),
            ("{grant}&{grant}&client_id={id}&client_secret={secret}", "invalid_request"),
            ("{grant}&client_id={id}&client_id={id}&client_secret={secret}", "invalid_request"),
            ("{grant}&client_id={id}&client_secret={secret}&x=1&x=1", "invalid_request"),
            ("{grant}&client_id={id}&client_secret={secret}&client_assertion=x", "invalid_request"),
            ("{grant}&client_id={id}&client_secret=%ff", "invalid_request"),
            ("{grant}&client_id={id}&client_secret=x" + "&a{n}=1" * 50, "invalid_request"),
            ("{grant}&client_id={id}", "invalid_client"),
            ("{grant}&client_secret={secret}", "invalid_client"),
            ("{grant}&client_id={id}&client_secret=", "invalid_client"),
            ("{grant}&client_id={id}&client_secret=wrong", "invalid_client"),
            ("{grant}&client_id={id}%00&client_secret={secret}", "invalid_client"),
            ("{grant}&client_id=" + "x" * 5000 + "&client_secret={secret}", "invalid_client"),
            ("{grant}&client_id={id}&client_assertion=x", "invalid_request"),
            ("{grant}&client_assertion=x&client_assertion_type={type}", "invalid_request"),
        ],
    )
    def test_as_the_rfc_names_it(self, new: NewClient, body: str, error: str) -> None:
        numbered = body
        for number in range(body.count("{n}")):
            numbered = numbered.replace("{n}", str(number), 1)
        values = {
            "id": new.client.client_id,
            "secret": secret_of(new),
            "grant": "grant_type=client_credentials",
            "type": JWT_BEARER,
        }

        reply = send(numbered.format(**values))

        assert reply.error == (401 if error == "invalid_client" else 400, error)
        assert set(reply.json) == {"error", "error_description"}
        assert reply.json["error_description"].isascii()
        assert '"' not in reply.json["error_description"]
        challenge = 'Basic realm="SCIM"' if reply.status == 401 else None
        assert reply.headers.get("WWW-Authenticate") == challenge
        assert not ScimAccessToken.objects.exists()

    @pytest.mark.parametrize("raw", [b"\xff", b"grant_type=client_credentials&client_id=\xff"])
    def test_a_body_that_is_no_text(self, raw: bytes) -> None:
        assert send(raw).error == (400, "invalid_request")

    def test_an_empty_body(self) -> None:
        assert send(b"", {"Content-Type": FORM}).error == (401, "invalid_client")

    def test_characters_that_a_description_may_not_have(self) -> None:
        error = as_oauth_error(ScimError(400, 'Send “x” and "y\\z"\n.'))
        assert error.body == {
            "error": "invalid_request",
            "error_description": "Send 'x' and 'y'z''.",
        }

    def test_a_body_of_another_type(self, new: NewClient) -> None:
        reply = send(b"{}", content_type="application/json")

        assert reply.error == (400, "invalid_request")

    def test_a_body_that_is_large(self) -> None:
        assert send("a=" + "x" * 40_000).error == (413, "invalid_request")

    def test_a_body_one_byte_too_large(self, new: NewClient) -> None:
        body = urlencode({**GRANT, **by_body(new), "x": ""})
        body += "x" * (MAX_FORM_BYTES - len(body))

        assert send(body).status == 200
        assert send(f"{body}x").error == (413, "invalid_request")

    def test_one_parameter_too_many(self, new: NewClient) -> None:
        body = {**GRANT, **by_body(new)}
        body |= {f"x{number}": "1" for number in range(MAX_PARAMETERS - len(body))}

        assert send(body).status == 200
        assert send({**body, "y": "1"}).error == (400, "invalid_request")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"x": "1", "client_assertion": "x"},
            {"grant_type": ""},
            {"grant_type": "password"},
            {"scope": "admin"},
        ],
    )
    def test_what_a_client_must_change_is_an_event_that_says_so(
        self, new: NewClient, wrong: dict[str, str]
    ) -> None:
        reply = send({**GRANT, **by_body(new), **wrong})

        event = ScimEvent.objects.latest("pk")
        assert (event.status, event.cause) == (400, Cause.CLIENT)
        assert event.detail == reply.json["error_description"]

    def test_a_body_without_a_length(self, new: NewClient) -> None:
        reply = send(
            {**GRANT, **by_body(new)}, {"Transfer-Encoding": "chunked", "Content-Length": ""}
        )

        assert reply.error == (411, "invalid_request")

    def test_parameters_in_the_url(self, new: NewClient) -> None:
        reply = send(GRANT, path=f"{TOKEN_PATH}?client_secret={secret_of(new)}")

        assert reply.error == (400, "invalid_request")

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
    def test_another_method_than_post(self, new: NewClient, method: str) -> None:
        reply = send({**GRANT, **by_body(new)}, method=method)

        assert reply.error == (405, "invalid_request")
        assert reply.headers["Allow"] == "POST"

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic !",
            "Basic " + base64.b64encode(b"no colon").decode(),
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "Basic é",
            "Basic " + base64.b64encode(f"{UNKNOWN}:x".encode()).decode(),
            "Bearer tscim_x",
            "Digest x",
        ],
    )
    def test_a_header_that_proves_nothing_is_answered_with_a_challenge(self, header: str) -> None:
        reply = send(GRANT, {"Authorization": header})

        assert reply.error == (401, "invalid_client")
        assert reply.headers["WWW-Authenticate"] == 'Basic realm="SCIM"'

    def test_a_header_without_a_token_names_no_error(self) -> None:
        """RFC 6750 section 3: only a request that has an access token gets one."""
        assert Scim(None).get("/Users").headers["WWW-Authenticate"] == 'Bearer realm="SCIM"'

    @pytest.mark.parametrize(
        ("body", "header", "names"),
        [
            ({}, True, "Authorization and client_secret."),
            ({"client_assertion": "x"}, False, "client_secret and client_assertion."),
            ({"client_assertion": "x"}, True, "client_secret and client_assertion."),
        ],
    )
    def test_several_methods_at_once(
        self, new: NewClient, body: dict[str, str], header: bool, names: str
    ) -> None:
        reply = send({**GRANT, **by_body(new), **body}, by_basic(new) if header else {})

        assert reply.error == (400, "invalid_request")
        assert reply.json["error_description"].endswith(names)

    @pytest.mark.parametrize(
        ("header", "detail", "cause"),
        [
            ("Basic {none}", "has no client id and client secret", Cause.UNKNOWN_CLIENT),
            ("Bearer {pair}", "has no client id and client secret", Cause.UNKNOWN_CLIENT),
            ("Basic !{pair}", "has no client id and client secret", Cause.UNKNOWN_CLIENT),
            ("Basic {colons}", "is wrong, or was revoked", Cause.CLIENT_SECRET),
            ("", "No client id and client secret were sent", Cause.UNKNOWN_CLIENT),
        ],
    )
    def test_the_event_says_what_is_wrong_with_the_header(
        self, new: NewClient, header: str, detail: str, cause: Cause
    ) -> None:
        pair = by_basic(new)["Authorization"].removeprefix("Basic ")
        none, colons = (
            base64.b64encode(text.encode()).decode()
            for text in ("none", f"{new.client.client_id}:a:b")
        )
        reply = send(GRANT, {"Authorization": header.format(none=none, pair=pair, colons=colons)})

        assert reply.error == (401, "invalid_client")
        event = ScimEvent.objects.latest("pk")
        assert detail in event.detail
        assert event.cause == cause

    def test_a_secret_without_a_client_id(self) -> None:
        assert send({**GRANT, "client_secret": "x"}).error == (401, "invalid_client")
        assert ScimEvent.objects.get().detail == "No client id and client secret were sent."

    def test_two_client_ids(self, new: NewClient) -> None:
        reply = send({**GRANT, "client_id": UNKNOWN}, by_basic(new))

        assert reply.error == (400, "invalid_request")

    def test_a_client_whose_account_may_not_use_scim(
        self, new: NewClient, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ENABLED = False

        assert send({**GRANT, **by_body(new)}).error == (400, "unauthorized_client")
        assert not ScimAccessToken.objects.exists()
        event = ScimEvent.objects.latest("pk")
        assert (event.account, event.cause) == ("", Cause.NOT_ENABLED)
        assert event.token_last_four == secret_of(new)[-4:]

    def test_a_client_whose_account_is_gone(self, new: NewClient, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Gone

        assert send({**GRANT, **by_body(new)}).error == (400, "unauthorized_client")
        assert not ScimAccessToken.objects.exists()

    def test_while_the_database_is_unavailable(
        self, new: NewClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        def away(execute: Any, sql: str, *args: Any) -> Any:
            if "tiled_scim_scimclient" in sql:
                raise OperationalError("the server is gone")
            return execute(sql, *args)

        with connection.execute_wrapper(away):
            reply = send({**GRANT, **by_body(new)})

        assert reply.error == (503, "temporarily_unavailable")
        assert int(reply.headers["Retry-After"]) > 0


class TestStrangers:
    """What nobody learns, and cannot fill or slow down."""

    @pytest.mark.parametrize("method", ["body", "basic"])
    def test_all_that_is_wrong_is_answered_alike_with_as_many_queries(self, method: str) -> None:
        seen = {}
        for name, new, secret in wrong():
            ScimEvent.objects.all().delete()
            with CaptureQueriesContext(connection) as queries:
                if method == "body":
                    reply = send({**GRANT, **by_body(new, secret)})
                else:
                    reply = send(GRANT, by_basic(new, secret))
            seen[name] = (*reply.visible, len(queries))

        assert len(set(seen.values())) == 1, seen
        assert seen["unknown"][0] == 401

    def test_the_event_says_what_is_wrong_to_the_account_only(self) -> None:
        details = {}
        for name, new, secret in wrong():
            ScimEvent.objects.all().delete()
            send({**GRANT, **by_body(new, secret)})
            event = ScimEvent.objects.get()
            details[name] = (event.account, event.cause, event.detail)

        assert details == {
            "unknown": (None, Cause.UNKNOWN_CLIENT, "The client id is unknown."),
            "wrong": ("", Cause.CLIENT_SECRET, details["wrong"][2]),
            "revoked": ("", Cause.CLIENT_SECRET, details["wrong"][2]),
            "expired": ("", Cause.CLIENT_SECRET, details["expired"][2]),
            "no client": ("", Cause.CLIENT_SECRET, "The client “Entra ID” was revoked."),
            "federation": ("", Cause.CLIENT_SECRET, details["federation"][2]),
        }
        assert "is wrong, or was revoked" in details["wrong"][2]
        assert "has expired" in details["expired"][2]
        assert "has a federation" in details["federation"][2]

    def test_the_event_says_what_is_wrong_with_an_assertion(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = True
        with_secret, revoked, current = new_client(), *(new_client(federation=AWAY) for _ in "ab")
        clients.revoke(revoked.client, JOB)

        assert [
            refusal_of(client_id, "x")
            for client_id in (UNKNOWN, *(new.client.client_id for new in (with_secret, revoked)))
        ] == [
            (None, Cause.UNKNOWN_CLIENT, "The client id is unknown."),
            ("", Cause.ASSERTION, "The client “Entra ID” has secrets and no federation."),
            ("", Cause.ASSERTION, "The client “Entra ID” was revoked."),
        ]
        account, cause, detail = refusal_of(current.client.client_id, "x")
        assert (account, cause) == ("", Cause.ASSERTION)
        assert detail.startswith("The assertion is not a signed JSON Web Token")

    def test_the_event_says_that_keys_cannot_be_fetched(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = True
        header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"a"}').decode().rstrip("=")

        account, _, detail = refusal_of(
            new_client(federation=AWAY).client.client_id, f"{header}.e30.AAAA"
        )

        assert account == ""
        assert "127.0.0.1" in detail

    def test_refusals_are_counted_in_few_events(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(refusals, "MOST_EVENTS", 3)
        for number in range(20):
            caller = Client(REMOTE_ADDR=f"192.0.2.{number}")
            send({**GRANT, "client_id": UNKNOWN, "client_secret": "x"}, client=caller)
            send("grant_type=x&grant_type=x", client=caller)
            send("", method="GET", client=caller)

        assert ScimEvent.objects.count() <= 3 + 3
        assert sum(ScimEvent.objects.values_list("times", flat=True)) == 60
        assert not ScimEvent.objects.exclude(resource_name="").exists()

    def test_who_guesses_is_slowed_down_and_stops_no_client(
        self, new: NewClient, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_THROTTLE = "3/day"
        guesses = [send({**GRANT, **by_body(new, "guess")}) for _ in range(5)]
        many = "&".join(f"a{number}=1" for number in range(2000))
        others = [send("x=1&x=1"), send("x=1", path=f"{TOKEN_PATH}?{many}"), send("", method="GET")]

        assert [reply.status for reply in guesses] == [401, 401, 401, 429, 429]
        assert guesses[-1].json["error"] == "temporarily_unavailable"
        assert int(guesses[-1].headers["Retry-After"]) > 0
        assert [reply.status for reply in others] == [429, 429, 405]
        assert send({**GRANT, **by_body(new)}).status == 200

    def test_a_client_is_counted_with_all_its_access_tokens(
        self, new: NewClient, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_THROTTLE = "3/day"
        first, second = granted(new), granted(new)

        assert scim(first).get("/Users").status == 200
        assert scim(second).get("/Users").status == 429
        assert send({**GRANT, **by_body(new)}).status == 429
        assert granted(new_client(name="another"))


def wrong() -> list[tuple[str, NewClient, str | None]]:
    """What authenticates nobody: a client, and another secret than its own."""
    wrong, revoked, expired, no_client = (new_client() for _ in range(4))
    assert revoked.secret is not None
    clients.revoke_secret(revoked.secret.row, JOB)
    assert expired.secret is not None
    rows = ScimClientSecret.objects.filter(pk=expired.secret.row.pk)
    rows.update(expires_at=timezone.now())
    clients.revoke(no_client.client, JOB)
    federation = Federation("https://id.example", "https://id.example/keys", "s", "a")
    return [
        ("unknown", NewClient(ScimClient(client_id=UNKNOWN), None), "x"),
        ("wrong", wrong, "tscimsecret_guess"),
        ("revoked", revoked, None),
        ("expired", expired, None),
        ("no client", no_client, None),
        ("federation", new_client(federation=federation), "x"),
    ]


def refusal_of(client_id: str, assertion: str) -> tuple[str | None, str, str]:
    """The account, cause and detail of the event of a client that sends an assertion."""
    body = {"client_id": client_id, "client_assertion": assertion}
    reply = send({**GRANT, **body, "client_assertion_type": JWT_BEARER})
    assert reply.status in {401, 503}
    event = ScimEvent.objects.latest("pk")
    return event.account, event.cause, event.detail


class TestAccessTokens:
    def test_requests_take_one_query_to_authenticate(
        self, new: NewClient, django_assert_num_queries: Any
    ) -> None:
        client = scim(granted(new))
        client.get("/ServiceProviderConfig")

        with django_assert_num_queries(1):
            assert client.get("/ServiceProviderConfig").status == 200

    def test_events_have_the_account_and_the_secrets_last_four(self, new: NewClient) -> None:
        scim(granted(new)).post("/Users", user(ANN))

        event = ScimEvent.objects.latest("pk")
        assert event.token_last_four == secret_of(new)[-4:]
        assert (event.account, event.resource_name) == ("", ANN)

    @pytest.mark.parametrize("how", ["secret", "client", "switched off", "account"])
    def test_they_end_at_once_with(self, how: str, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        new = new_client(ACME)
        client = scim(granted(new))
        assert client.get("/Users").status == 200
        assert new.secret is not None

        match how:
            case "secret":
                clients.revoke_secret(new.secret.row, JOB)
            case "client":
                clients.revoke(new.client, JOB)
            case "switched off":
                settings.TILED_SCIM_ENABLED = False
            case "account":
                settings.TILED_SCIM_HOST_ADAPTER = Gone

        assert client.get("/Users").status == (401 if how in {"secret", "client"} else 403)

    def test_one_that_has_only_expired_is_refused_without_an_event(self, new: NewClient) -> None:
        client = scim(granted(new))
        ScimEvent.objects.all().delete()
        ScimAccessToken.objects.update(expires_at=timezone.now())

        answer = client.get("/Users")

        assert answer.status == 401
        assert "token endpoint" in answer.json["detail"]
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="SCIM", error="invalid_token"'
        assert not ScimEvent.objects.exists()

    @pytest.mark.parametrize("how", ["expired", "secret"])
    def test_strangers_do_not_keep_from_a_client_that_one_has_ended(
        self, new: NewClient, settings: LazySettings, how: str
    ) -> None:
        """A client that gets 429 instead would send the same access token again."""
        client = scim(granted(new))
        second = clients.add_secret(new.client, JOB)
        if how == "expired":
            ScimAccessToken.objects.update(expires_at=timezone.now())
        else:
            assert new.secret is not None
            clients.revoke_secret(new.secret.row, JOB)
        settings.TILED_SCIM_THROTTLE = "3/day"
        strangers = [scim("tscimat_guess").get("/Users").status for _ in range(4)]

        answers = [client.get("/Users").status for _ in range(4)]

        assert strangers == answers == [401, 401, 401, 429]
        assert send({**GRANT, **by_body(new, second.plaintext)}).status == 200

    def test_one_whose_client_was_revoked_is_an_event_of_the_account(self, new: NewClient) -> None:
        client = scim(granted(new))
        clients.revoke(new.client, JOB)
        ScimEvent.objects.all().delete()

        assert client.get("/Users").status == 401

        event = ScimEvent.objects.get()
        assert (event.account, event.cause) == ("", Cause.ACCESS_TOKEN)

    def test_those_that_open_nothing_are_answered_alike(self) -> None:
        seen = {}
        for name in ("unknown", "expired", "revoked"):
            new = new_client()
            plaintext = granted(new)
            match name:
                case "unknown":
                    plaintext = f"{plaintext[:-4]}xxxx"
                case "expired":
                    ScimAccessToken.objects.update(expires_at=timezone.now())
                case "revoked":
                    clients.revoke(new.client, JOB)
            answer = scim(plaintext).get("/Users")
            headers = {key: value for key, value in answer.headers.items() if key != "X-Request-ID"}
            seen[name] = (answer.status, str(headers), answer.text)

        assert len(set(seen.values())) == 1, seen

    def test_a_secret_is_no_access_token(self, new: NewClient) -> None:
        assert scim(secret_of(new)).get("/Users").status == 401

    def test_one_account_does_not_see_what_another_has(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        scim(granted(new_client(ACME))).add_user(ANN)

        assert scim(granted(new_client("globex"))).get("/Users").json["totalResults"] == 0

    def test_a_bulk_request_stops_when_its_client_is_revoked(
        self, new: NewClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = HostAdapter.create_user

        def revoking(self: HostAdapter, values: Any) -> Any:
            clients.revoke(new.client, JOB)
            return create(self, values)

        monkeypatch.setattr(HostAdapter, "create_user", revoking)
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(f"{n}@example.com")}
            for n in range(10)
        ]
        schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]

        answer = scim(granted(new)).post("/Bulk", {"schemas": schemas, "Operations": operations})

        statuses = [operation["status"] for operation in answer.json["Operations"]]
        assert statuses == ["201"] * 5 + ["401"] * 5
        assert "token endpoint" in answer.json["Operations"][-1]["response"]["detail"]
        refusals_ = ScimEvent.objects.filter(cause=Cause.ACCESS_TOKEN)
        assert set(refusals_.values_list("account", flat=True)) == {""}
        assert len(people()) == 5


class TestMetadata:
    def test_it_describes_the_token_endpoint(self) -> None:
        reply = send("", method="GET", path=METADATA)

        assert reply.status == 200
        assert reply.json == {
            "issuer": "http://testserver/scim/v2",
            "token_endpoint": "http://testserver/scim/v2/oauth/token",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": ["scim"],
            "token_endpoint_auth_methods_supported": [
                *("client_secret_basic", "client_secret_post", "private_key_jwt")
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
        }

    def test_without_the_extra_there_are_no_assertions(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: False)

        found = send("", method="GET", path=METADATA).json

        methods = found["token_endpoint_auth_methods_supported"]
        assert methods == ["client_secret_basic", "client_secret_post"]
        assert "token_endpoint_auth_signing_alg_values_supported" not in found

    def test_it_follows_the_base_url(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_BASE_URL = "https://scim.example.com/v2/"

        found = send("", method="GET", path=METADATA).json

        assert found["issuer"] == "https://scim.example.com/v2"
        assert found["token_endpoint"] == "https://scim.example.com/v2/oauth/token"

    def test_another_method_is_refused(self) -> None:
        reply = send("", path=METADATA)

        assert reply.status == 405
        assert reply.headers["Allow"] == "GET, HEAD"

    def test_a_host_can_route_it_where_the_rfc_has_it(self, settings: LazySettings) -> None:
        """As docs/protocol.md says."""
        [code] = code_blocks(ROOT / "docs" / "protocol.md", "python")
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 (code of our own documentation)
        own = import_module("tests.simple_project.urls").urlpatterns
        settings.ROOT_URLCONF = (*names["urlpatterns"], *own)

        path_of_rfc = "/.well-known/oauth-authorization-server/scim/v2"
        found = send("", method="GET", path=path_of_rfc)

        assert found.json == send("", method="GET", path=METADATA).json
