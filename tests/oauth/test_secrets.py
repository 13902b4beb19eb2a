"""No client secret, access token or assertion is left anywhere, whatever fails."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.core.signals import got_request_exception
from django.db import OperationalError, connection, transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.test import Client

from tests.oauth.issuer import APP, ISSUER, SUBJECT, Issuer
from tests.oauth.token_requests import (
    GRANT,
    JOB,
    by_basic,
    by_body,
    granted,
    new_client,
    scim,
    secret_of,
    send,
)
from tests.test_error_reports import KNOWN, fail, reports_of, variables
from tests.test_secrets import rows
from tests.wire.client import ANN, user
from tiled_scim import clients
from tiled_scim.clients import Federation
from tiled_scim.models import ScimAccessToken, ScimClientSecret, ScimEvent

pytestmark = pytest.mark.django_db

GUESS = "tscimsecret_guessed-by-a-stranger-and-refused-again-0000000"


def assertion_values(new: Any, assertion: str) -> dict[str, str]:
    return {
        **GRANT,
        "client_id": new.client.client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }


def test_rows_logs_events_answers_and_cookies(
    issuer: Issuer, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = Client()
    new = new_client()
    second = clients.add_secret(new.client, JOB)
    federation = Federation(ISSUER, issuer.url, SUBJECT, APP)
    federated = new_client(federation=federation)
    assertions = [issuer.sign(jti="one"), issuer.sign(sub="another"), issuer.sign(exp=1)]
    tokens = [granted(new)]
    refused = [
        send({**GRANT, **by_body(new, GUESS)}, client=browser),
        send(GRANT, by_basic(new, GUESS), client=browser),
        send({**GRANT, **by_body(new), "scope": "admin"}, client=browser),
        send({**GRANT, **by_body(new)}, by_basic(new), client=browser),
        send(f"client_secret={GUESS}&client_secret={GUESS}", client=browser),
    ]
    for assertion in [*assertions, assertions[0]]:
        reply = send(assertion_values(federated, assertion), client=browser)
        if reply.status == 200:
            tokens.append(str(reply.json["access_token"]))
        else:
            refused.append(reply)
    for token in tokens:
        scim(token).post("/Users", user(ANN))
    assert new.secret is not None
    clients.revoke_secret(new.secret.row, JOB)
    scim(tokens[0]).get("/Users")
    call_command("scim_client", "list", stdout=io.StringIO())

    assert len(tokens) == 2
    places = {
        "rows": "\n".join(rows()),
        "log": "\n".join([caplog.text, *(str(vars(record)) for record in caplog.records)]),
        "answers": "\n".join(str(reply.visible) for reply in refused),
        "cookies": str(browser.cookies),
    }
    signatures = [assertion.rpartition(".")[2] for assertion in assertions]
    secrets = [secret_of(new), second.plaintext, GUESS, *tokens, *assertions, *signatures]
    found = [(place, each) for place, text in places.items() for each in secrets if each in text]
    assert found == []
    assert not any(token[-4:] in event for token in tokens for event in events())


def events() -> Iterator[str]:
    for event in ScimEvent.objects.values("token_last_four", "detail", "changes"):
        yield str(event)


class FailingMiddleware:
    """A middleware of the host that fails once the answer is finished."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        return fail(response)


class ReadingMiddleware(FailingMiddleware):
    """A middleware of the host that reads the form before, as some do, and fails."""

    def __call__(self, request: HttpRequest) -> Any:
        assert request.POST.get("grant_type")
        return super().__call__(request)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record new secrets, to look for them in responses that were never finished."""
    monkeypatch.setattr("tiled_scim.secret.secrets.token_urlsafe", lambda number: KNOWN)


@pytest.mark.usefixtures("known")
class TestErrorReports:
    @pytest.fixture
    def reports(self, settings: LazySettings) -> Iterator[list[str]]:
        """The reports of a site in production."""
        collected: list[str] = []

        def collect(sender: object, request: HttpRequest, **kwargs: object) -> None:
            collected.extend(reports_of(sys.exc_info(), request))

        got_request_exception.connect(collect)
        yield collected
        got_request_exception.disconnect(collect)

    @pytest.mark.parametrize("middleware", ["FailingMiddleware", "ReadingMiddleware"])
    @pytest.mark.parametrize("method", ["body", "basic"])
    def test_of_a_middleware_of_the_host(
        self, reports: list[str], settings: LazySettings, middleware: str, method: str
    ) -> None:
        new = new_client()
        settings.MIDDLEWARE = [f"{__name__}.{middleware}", *settings.MIDDLEWARE]
        body, headers = (
            ({**GRANT, **by_body(new)}, {}) if method == "body" else (GRANT, by_basic(new))
        )

        with pytest.raises(RuntimeError):
            send(body, headers)

        assert ScimAccessToken.objects.count() == 1
        assert leaks(reports, secret_of(new), KNOWN) == []

    @pytest.mark.django_db(transaction=True)
    def test_after_the_commit(self, reports: list[str], caplog: pytest.LogCaptureFixture) -> None:
        new = new_client()

        def saved(sender: object, **kwargs: object) -> None:
            transaction.on_commit(fail)

        post_save.connect(saved, sender=ScimAccessToken)
        try:
            reply = send({**GRANT, **by_body(new)})
        finally:
            post_save.disconnect(saved, sender=ScimAccessToken)

        assert reply.error == (500, "server_error")
        assert ScimAccessToken.objects.count() == 1
        assert leaks(logged(caplog), secret_of(new), KNOWN) == []

    @pytest.mark.parametrize("table", ["scimclient", "scimclientsecret", "scimaccesstoken"])
    def test_without_the_database(self, caplog: pytest.LogCaptureFixture, table: str) -> None:
        new = new_client()

        def away(execute: Any, sql: str, *args: Any) -> Any:
            if f'"tiled_scim_{table}"' in sql or f"`tiled_scim_{table}`" in sql:
                raise OperationalError("the server is gone")
            return execute(sql, *args)

        with connection.execute_wrapper(away):
            assert send({**GRANT, **by_body(new)}).status == 503

        assert leaks(logged(caplog), secret_of(new), KNOWN) == []

    def test_of_a_request_with_an_access_token(self, caplog: pytest.LogCaptureFixture) -> None:
        token = granted(new_client())

        def away(execute: Any, sql: str, *args: Any) -> Any:
            if "tiled_scim_scimaccesstoken" in sql:
                raise OperationalError("the server is gone")
            return execute(sql, *args)

        with connection.execute_wrapper(away):
            assert scim(token).get("/Users").status == 503

        assert leaks(logged(caplog), token) == []


class TestCommand:
    class Closed(io.StringIO):
        """A terminal that closes when a secret is written."""

        def write(self, text: str) -> int:
            if "tscimsecret_" in text:
                raise BrokenPipeError(32, "Broken pipe")
            return super().write(text)

    @pytest.mark.parametrize("options", [(), ("--json",)])
    @pytest.mark.usefixtures("known")
    def test_that_cannot_print_the_secret(self, options: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match=r"could not be printed \(Broken pipe\)") as raised:
            call_command(
                "scim_client",
                "create",
                "--base-url=https://scim.example/v2",
                *options,
                stdout=self.Closed(),
            )

        assert ScimClientSecret.objects.exists()
        reports = reports_of((raised.type, raised.value, raised.tb))
        assert leaks(reports, KNOWN) == []


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The variables on the stacks of logged exceptions."""
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    return [line for error in errors for line in variables(error)]


def leaks(reports: list[str], *secrets: str) -> list[str]:
    """Return the beginnings of the reports with a secret. There must be reports."""
    assert reports
    return [report[:200] for report in reports if any(secret in report for secret in secrets)]
