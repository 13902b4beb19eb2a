"""Tests that a secret is in no error report, wherever a request that creates or gets one fails.

Django's reports, and those of Sentry, show the local variables of each function on the stack.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.signals import got_request_exception
from django.db import OperationalError, connection, transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.test import Client
from django.views.debug import ExceptionReporter

from tests.admin.browser import GENERATE, signed_in
from tests.admin.browser import PAGE as ADMIN_PAGE
from tests.configuration.customers import GENERATE as CUSTOMERS_GENERATE
from tests.configuration.customers import OPEN, PAGE, SETUP, SETUP_LINKS
from tests.configuration.test_setup_links import colleague
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim import clients, setup_links
from tiled_scim.connections import Actor
from tiled_scim.host import HostAdapter
from tiled_scim.models import SETUP_PREFIX, ScimClientSecret, ScimToken, SetupLink
from tiled_scim.secret import Secret, digest

pytestmark = pytest.mark.django_db

KNOWN = "known-to-this-test-only-0123456789-abcdefgh"
NO_TEMPLATE = "there-is-no-such-template.html"
# Shows the secret in a loop, whose node keeps what was rendered, and fails in its second run.
BROKEN = """
{% for number in "12" %}{{ value }}{% if not forloop.first %}{% include "NAME" %}{% endif %}
{% endfor %}""".replace("NAME", NO_TEMPLATE)

Submit = Callable[[], Any]


@pytest.fixture(autouse=True)
def _known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record new secrets, to look for them in pages that were never finished."""
    monkeypatch.setattr("tiled_scim.secret.secrets.token_urlsafe", lambda number: KNOWN)


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root")


@pytest.fixture(
    params=[
        "admin",
        "admin_client",
        "admin_secret",
        "configuration",
        "configuration_client",
        "configuration_secret",
        "setup",
        "setup_client",
        "setup_secret",
        "setup_links",
    ]
)
def submit(request: pytest.FixtureRequest, root: User) -> Submit:
    """Submit a form that creates a secret, of each page that has one."""
    page = signed_in(root)
    form: dict[str, str] = {"token": ""}
    side, _, what = request.param.partition("_")
    if what in {"client", "secret"}:
        return of_clients(side, what, root)
    match request.param:
        case "admin":
            return lambda: page.post(GENERATE, form)
        case "configuration":
            return lambda: page.post(CUSTOMERS_GENERATE, form)
        case "setup_links":
            return lambda: page.post(SETUP_LINKS, {"hours": "24"})
    guest = guest_of(root)
    return lambda: guest.post(f"{SETUP}generate/", form)


def guest_of(root: User) -> Client:
    """Return the browser of a person with a setup link, whose middleware the test may change."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tiled_scim.secret.secrets.token_urlsafe", lambda number: "another")
        opened = colleague(setup_links.create("", Actor("a test", root)).code)
    guest = Client()
    guest.cookies = opened.cookies
    return guest


def of_clients(side: str, what: str, root: User) -> Submit:
    """Submit a form that creates a client secret, for a new client or for one that has one."""
    page = guest_of(root) if side == "setup" else signed_in(root)
    pages = {"admin": ADMIN_PAGE, "configuration": PAGE, "setup": SETUP}[side]
    if what == "client":
        form = {"key": str(uuid4()), "name": "Entra ID", "lifetime": "1"}
        return lambda: page.post(f"{pages}clients/add/", form)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tiled_scim.secret.secrets.token_urlsafe", lambda number: "another")
        client = clients.create("", "Entra ID", Actor("a test", root)).client
    form = {"seen": clients.seen_key(client), "lifetime": "1"}
    return lambda: page.post(f"{pages}clients/{client.client_id}/add-secret/", form)


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def reports(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[list[str]]:
    """Collect the reports of all requests that fail, with DEBUG and without it."""
    settings.DEBUG = request.param
    with collected_reports() as collected:
        yield collected


@contextmanager
def collected_reports() -> Iterator[list[str]]:
    """Collect the reports of requests that fail."""
    collected: list[str] = []

    def collect(sender: object, request: HttpRequest, **kwargs: object) -> None:
        collected.extend(reports_of(sys.exc_info(), request))

    got_request_exception.connect(collect)
    yield collected
    got_request_exception.disconnect(collect)


def reports_of(exc_info: Any, request: HttpRequest | None = None) -> list[str]:
    """Return Django's reports as HTML and text, and what Sentry reads."""
    reporter = ExceptionReporter(request, *exc_info)
    return [
        reporter.get_traceback_html(),
        reporter.get_traceback_text(),
        *variables(exc_info[1]),
    ]


def variables(exception: BaseException | None) -> Iterator[str]:
    """Return the local variables on the stack of an exception, and of those that led to it."""
    while exception is not None:
        yield repr(exception)
        yield from in_frames(exception.__traceback__)
        exception = exception.__cause__ or (
            None if exception.__suppress_context__ else exception.__context__
        )


def in_frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        for name, value in traceback.tb_frame.f_locals.items():
            # This module knows the secret.
            if traceback.tb_frame.f_globals["__name__"] != __name__:
                yield f"{name} = {shown(value)}"
        traceback = traceback.tb_next


def shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 (as Sentry does: a queryset may read the database)
        return repr(error)


def leaks(reports: list[str]) -> list[str]:
    """Return the beginnings of the reports with the secret. There must be reports."""
    assert reports
    return [report[:200] for report in reports if KNOWN in report]


def fail(*args: object, **kwargs: object) -> Any:
    raise RuntimeError("a fault of the host")


def test_a_page_that_works_shows_the_secret(submit: Submit) -> None:
    response = submit()

    assert response.status_code == 200
    assert response.content.decode().count(KNOWN) == 1
    assert "placeholder-" not in response.content.decode()


def test_a_secret_looks_like_none() -> None:
    secret = Secret(KNOWN)

    assert secret == KNOWN
    assert KNOWN not in repr(secret) + repr({"secret": [secret]}) + f"{secret!r}"


class TestPages:
    """Each page, where it fails after the token or link was created and saved."""

    @pytest.fixture(autouse=True)
    def _saved(self, submit: Submit, reports: list[str]) -> Iterator[None]:
        yield
        saved = [
            SetupLink.objects.filter(digest=digest(SETUP_PREFIX + KNOWN)),
            ScimToken.objects.filter(last_four=KNOWN[-4:]),
            ScimClientSecret.objects.filter(last_four=KNOWN[-4:]),
        ]
        assert any(rows.exists() for rows in saved)
        assert leaks(reports) == []

    def test_while_a_template_of_the_host_is_rendered(
        self, submit: Submit, settings: LazySettings, tmp_path: Path
    ) -> None:
        fragment = tmp_path / "tiled_scim" / "fragments" / "copied.html"
        fragment.parent.mkdir(parents=True)
        fragment.write_text(BROKEN)
        engine: dict[str, Any] = settings.TEMPLATES[0]
        settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]

        with pytest.raises(Exception, match=NO_TEMPLATE):
            submit()

    def test_in_a_context_processor(self, submit: Submit, settings: LazySettings) -> None:
        engine: dict[str, Any] = settings.TEMPLATES[0]
        processors = [*engine["OPTIONS"]["context_processors"], f"{__name__}.fail"]
        settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": processors}}]

        with pytest.raises(RuntimeError):
            submit()

    def test_in_a_middleware(self, submit: Submit, settings: LazySettings) -> None:
        settings.MIDDLEWARE = [f"{__name__}.FailingMiddleware", *settings.MIDDLEWARE]

        with pytest.raises(RuntimeError):
            submit()

    def test_while_the_page_is_read(self, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiled_scim.audit.dashboard.Health.state", property(fail))
        monkeypatch.setattr("tiled_scim.models.setup_links.SetupLinkManager.open_links", fail)
        monkeypatch.setattr("tiled_scim.presentation.clients.uses", fail)

        with pytest.raises(RuntimeError):
            submit()

    def test_in_the_adapter(self, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
        """It fails after the token was created: the pages ask for the Tiled Admin attribute."""
        monkeypatch.setattr(HostAdapter, "membership_fields", property(fail))
        monkeypatch.setattr("tiled_scim.models.setup_links.SetupLinkManager.open_links", fail)
        monkeypatch.setattr("tiled_scim.presentation.clients.uses", fail)

        with pytest.raises(RuntimeError):
            submit()

    @pytest.mark.django_db(transaction=True)
    def test_after_the_commit(self, submit: Submit) -> None:
        def saved(sender: object, **kwargs: object) -> None:
            transaction.on_commit(fail)

        for model in (ScimToken, SetupLink, ScimClientSecret):
            post_save.connect(saved, sender=model)
        try:
            with pytest.raises(RuntimeError):
                submit()
        finally:
            for model in (ScimToken, SetupLink, ScimClientSecret):
                post_save.disconnect(saved, sender=model)


class FailingMiddleware:
    """A middleware of the host that fails once a page is finished."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        return fail(response)


class TestGivenSecrets:
    """A token that a client sends, and the code of a setup link that somebody opens."""

    def unavailable(self, execute: Any, sql: str, *args: Any) -> Any:
        if "tiled_scim_scimtoken" in sql or "tiled_scim_setuplink" in sql:
            raise OperationalError("the server is gone")
        return execute(sql, *args)

    def test_a_token_while_the_database_is_unavailable(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        okta = Scim(f"Bearer {new_token()[1]}")

        with connection.execute_wrapper(self.unavailable):
            assert okta.get("/Users").status == 503

        [record] = [record for record in caplog.records if record.exc_info]
        assert leaks(list(variables(record.exc_info[1]))) == []  # type: ignore[index]

    def test_a_code_while_the_database_is_unavailable(self, root: User) -> None:
        """With DEBUG, Django's report shows the form that was sent, but only to who sent it."""
        code = setup_links.create("", Actor("a test", root)).code

        with (
            collected_reports() as reports,
            connection.execute_wrapper(self.unavailable),
            pytest.raises(OperationalError),
        ):
            Client().post(OPEN, {"code": code})

        assert leaks(reports) == []


class TestCommand:
    class Closed(io.StringIO):
        """A terminal that closes when the token is written."""

        def write(self, text: str) -> int:
            if KNOWN in text:
                raise BrokenPipeError(32, "Broken pipe")
            return super().write(text)

    @pytest.mark.parametrize("options", [(), ("--quiet",)])
    def test_that_cannot_print_the_token(self, options: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match=r"could not be printed \(Broken pipe\)") as raised:
            call_command("scim_token", "generate", *options, stdout=self.Closed())

        assert ScimToken.objects.exists()
        assert leaks(reports_of((raised.type, raised.value, raised.tb))) == []

    def test_that_fails_after_the_commit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiled_scim.management.commands.scim_token.format_time", fail)
        new_token(lifetime=None)
        monkeypatch.setattr("tiled_scim.models.tokens.digest", lambda plaintext: "another")

        with pytest.raises(RuntimeError) as raised:
            call_command("scim_token", "generate")

        assert leaks(reports_of((raised.type, raised.value, raised.tb))) == []


def test_the_pages_of_this_test_are_those_that_show_secrets() -> None:
    """So that a new page that shows one is added above."""
    sources = (Path(__file__).parent.parent / "tiled_scim").rglob("*.py")
    users = {path.name for path in sources if "show_once(" in path.read_text()}

    assert users == {
        "secrets.py",
        "form_results.py",
        "setup_links.py",
        "connections.py",
        "clients.py",
    }
