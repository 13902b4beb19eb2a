"""Tests of the pages for OAuth clients and Universal Logout: for the admin and for customers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.accounts import WithAdmins
from tests.admin.browser import signed_in, staff
from tests.configuration.customers import ADMIN, SETUP, browser, configurable_account
from tests.configuration.customers import PAGE as CUSTOMERS
from tests.configuration.test_access import FEDERATION
from tests.configuration.test_setup_links import colleague
from tests.oauth.token_requests import GRANT, by_body, granted, new_client, scim, send
from tiled_scim import clients, logout, setup_links
from tiled_scim.clients import MOST_CLIENTS, NewClient
from tiled_scim.connections import Actor, Connection
from tiled_scim.host import ALL_ACCOUNTS
from tiled_scim.models import (
    USED_INTERVAL,
    Action,
    LogoutIssuer,
    ScimClient,
    ScimClientSecret,
    ScimEvent,
    ScimToken,
)
from tiled_scim.secret import digest

pytestmark = pytest.mark.django_db

ADMINS = "/admin/tiled_scim/scimtoken/"
SECRET = re.compile(r"tscimsecret_[\w-]{43}")
OUTDATED = "Nothing was changed"
CONFIRM = "Please confirm to continue."
HOUR = timedelta(hours=1)


class SeenByStaff(WithAdmins):
    """Two customers, which all staff may see."""

    @classmethod
    def accounts_of(cls, user: Any) -> Any:
        return ALL_ACCOUNTS


@dataclass
class Pages:
    """The pages of acme, as one kind of person sees them."""

    browser: Client
    root: str
    query: str
    actor: str

    def url(self, path: str = "") -> str:
        return f"{self.root}{path}{self.query}"

    def get(self, path: str = "", **options: Any) -> Any:
        return self.browser.get(self.url(path), **options)

    def post(self, path: str, data: dict[str, Any], **options: Any) -> Any:
        return self.browser.post(self.url(path), data, **options)

    def fields(self, page: str, form: str) -> dict[str, str]:
        """Return the hidden fields of a form, as the page shows it."""
        html = self.get(page).text
        action = re.escape(self.url(form).replace("&", "&amp;"))
        found = re.search(rf'<form [^>]*action="{action}".*?</form>', html, re.DOTALL)
        assert found, form
        inputs = re.findall(r'<input type="hidden" [^>]*>', found[0])
        return {
            re.findall(r'name="(.*?)"', field)[0]: "".join(re.findall(r'value="(.*?)"', field))
            for field in inputs
        }


@pytest.fixture(autouse=True)
def _customers(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = SeenByStaff
    settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = configurable_account
    monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: True)


def pages_for(kind: str) -> Pages:
    if kind == "admin":
        admin = signed_in(staff("change_scimtoken"))
        return Pages(admin, ADMINS, "?account=acme", "Django admin: staff")
    if kind == "customer":
        return Pages(browser(ADMIN), CUSTOMERS, "", f"SCIM Configuration: {ADMIN}")
    user = User.objects.create_user("host")
    new = setup_links.create("acme", Actor("a test", user))
    return Pages(colleague(new.code), SETUP, "", f"Setup link {new.link.pk} of host")


@pytest.fixture(params=["admin", "customer", "guest"])
def anybody(request: pytest.FixtureRequest) -> Pages:
    return pages_for(request.param)


@pytest.fixture(params=["admin", "customer"])
def pages(request: pytest.FixtureRequest) -> Pages:
    return pages_for(request.param)


@pytest.fixture
def client() -> NewClient:
    return new_client("acme")


def text(response: Any) -> str:
    """Return the visible text of a page on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def actions(account: str = "acme") -> list[tuple[str, str]]:
    rows = Connection(account).events().order_by("pk")
    return [(event.action, event.actor) for event in rows if event.resource_type == ""]


def add(pages: Pages, **data: Any) -> Any:
    form = {**pages.fields("clients/", "clients/add/"), "name": "Entra ID", "lifetime": "2"}
    return pages.post("clients/add/", {**form, **data})


def shown_secret(response: Any) -> str:
    """Return the secret in a response that contains it exactly once."""
    assert response.status_code == 200
    (plaintext,) = SECRET.findall(response.text)
    return str(plaintext)


def page_of(new: NewClient | ScimClient) -> str:
    client = new.client if isinstance(new, NewClient) else new
    return f"clients/{client.client_id}/"


class TestAdd:
    def test_shows_the_secret_once_with_all_that_the_provider_asks_for(
        self, anybody: Pages
    ) -> None:
        response = add(anybody)

        plaintext = shown_secret(response)
        client = ScimClient.objects.get()
        assert (client.account, client.name) == ("acme", "Entra ID")
        secret = ScimClientSecret.objects.get()
        assert secret.digest == digest(plaintext)
        assert timedelta() < timedelta(days=730) - (secret.expires_at - timezone.now()) < HOUR
        base = "http://testserver/scim/v2"
        for value in (client.client_id, f"{base}/oauth/token", base):
            assert f'value="{value}" readonly' in response.text
        assert "no-store" in response["Cache-Control"]
        assert actions()[-1] == (Action.CLIENT_CREATED, anybody.actor)
        body = {"client_id": client.client_id, "client_secret": plaintext}
        assert send({**GRANT, **body}).status == 200
        assert not SECRET.search(anybody.get("clients/").text + anybody.get(page_of(client)).text)

    def test_the_secret_is_nowhere_but_in_the_answer(self, anybody: Pages) -> None:
        response = add(anybody)

        plaintext = shown_secret(response)
        cookies = str(response.headers) + str(response.cookies) + str(anybody.browser.cookies)
        assert plaintext not in cookies + str(dict(anybody.browser.session))
        rows = [*ScimEvent.objects.values(), *ScimClientSecret.objects.values()]
        assert plaintext not in repr([*rows, *LogEntry.objects.values()])

    def test_a_form_that_is_sent_twice_adds_one_client(self, anybody: Pages) -> None:
        form = {**anybody.fields("clients/", "clients/add/"), "name": "Entra ID", "lifetime": "1"}

        assert anybody.post("clients/add/", form).status_code == 200
        again = anybody.post("clients/add/", form)

        assert again.status_code == 409
        assert OUTDATED in text(again)
        assert not SECRET.search(again.text)
        assert ScimClient.objects.count() == ScimClientSecret.objects.count() == 1

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            ({"name": " "}, "This field is required."),
            ({"name": "a\x07b"}, "Enter a name of at most"),
            ({"lifetime": "9"}, "Select a valid choice."),
            ({"lifetime": ""}, "This field is required."),
        ],
    )
    def test_says_what_is_wrong(self, pages: Pages, data: dict[str, str], problem: str) -> None:
        response = add(pages, **data)

        assert response.status_code == 400
        assert problem in text(response)
        assert not ScimClient.objects.exists()

    @pytest.mark.parametrize("key", ["", "x"])
    def test_takes_no_key_but_its_own(self, pages: Pages, key: str) -> None:
        assert add(pages, key=key).status_code == 409
        assert not ScimClient.objects.exists()

    def test_is_not_offered_when_there_are_as_many_as_possible(self, pages: Pages) -> None:
        form = {**pages.fields("clients/", "clients/add/"), "name": "Entra ID", "lifetime": "1"}
        for _ in range(MOST_CLIENTS):
            new_client("acme")

        assert "There are as many clients as possible." in text(pages.get("clients/"))
        response = pages.post("clients/add/", form)
        assert response.status_code == 400
        assert ScimClient.objects.count() == MOST_CLIENTS


class TestFederation:
    @pytest.fixture
    def form(self, anybody: Pages) -> dict[str, str]:
        hidden = anybody.fields("clients/", "clients/add-federated/")
        return {**hidden, "name": "Entra ID", **asdict(FEDERATION)}

    def test_gives_what_the_provider_asks_for_and_no_secret(
        self, anybody: Pages, form: dict[str, str]
    ) -> None:
        response = anybody.post("clients/add-federated/", form, follow=True)

        client = ScimClient.objects.get()
        assert response.redirect_chain == [(anybody.url(page_of(client)), 302)]
        assert client.federation == FEDERATION
        assert not ScimClientSecret.objects.exists()
        base = "http://testserver/scim/v2"
        for value in (client.client_id, f"{base}/oauth/token", base):
            assert f'value="{value}" readonly' in response.text
        assert "The client has been added." in text(response)
        assert actions()[-1] == (Action.CLIENT_CREATED, anybody.actor)

    def test_is_changed(self, anybody: Pages, form: dict[str, str]) -> None:
        client = new_client("acme", federation=FEDERATION).client
        page = page_of(client)
        fields = {**anybody.fields(page, f"{page}federation/"), **asdict(FEDERATION)}

        response = anybody.post(f"{page}federation/", {**fields, "subject": "x"}, follow=True)

        assert "The federation has been changed." in text(response)
        client.refresh_from_db()
        assert client.subject == "x"
        assert actions()[-1] == (Action.FEDERATION_CHANGED, anybody.actor)
        outdated = anybody.post(f"{page}federation/", {**fields, "subject": "y"})
        assert outdated.status_code == 409
        assert OUTDATED in text(outdated)
        client.refresh_from_db()
        assert client.subject == "x"

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            ("issuer", "http://login.example", "It begins with https://"),
            ("jwks_url", "https://ann:pw@login.example/keys", "It begins with https://"),
            ("jwks_url", "https://10.0.0.1/keys", "This one has a private address."),
            ("jwks_url", "https://[::1]/keys", "This one has a private address."),
            ("jwks_url", "https://localhost/keys", "This one has a private address."),
            ("subject", "a b", "It has no spaces."),
            ("audience", "", "This field is required."),
            ("audience", "a" * 501, "at most 500 characters"),
        ],
    )
    def test_says_what_is_wrong(
        self, anybody: Pages, form: dict[str, str], field: str, value: str, problem: str
    ) -> None:
        response = anybody.post("clients/add-federated/", {**form, field: value})

        assert response.status_code == 400
        assert problem in text(response)
        assert not ScimClient.objects.exists()

    def test_a_private_address_can_be_allowed(self, pages: Pages, settings: LazySettings) -> None:
        settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = True
        hidden = pages.fields("clients/", "clients/add-federated/")
        values = {**asdict(FEDERATION), "jwks_url": "https://10.0.0.1/keys"}

        pages.post("clients/add-federated/", {**hidden, "name": "Entra ID", **values})

        assert ScimClient.objects.get().jwks_url == "https://10.0.0.1/keys"

    def test_without_the_extra_is_not_offered(
        self, anybody: Pages, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = new_client("acme", federation=FEDERATION).client
        monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: False)

        assert "federated" not in anybody.get("clients/").text
        assert "Change federation" not in anybody.get(page_of(client)).text
        assert anybody.post("clients/add-federated/", form).status_code == 409
        assert ScimClient.objects.count() == 1


class TestSecrets:
    def test_a_second_one_is_shown_once_and_both_work(
        self, anybody: Pages, client: NewClient
    ) -> None:
        page = page_of(client)
        form = {**anybody.fields(page, f"{page}add-secret/"), "lifetime": "1"}

        response = anybody.post(f"{page}add-secret/", form)

        second = shown_secret(response)
        assert send({**GRANT, **by_body(client)}).status == 200
        assert send({**GRANT, **by_body(client, second)}).status == 200
        assert actions()[-1] == (Action.CLIENT_SECRET_CREATED, anybody.actor)
        again = anybody.post(f"{page}add-secret/", form)
        assert again.status_code == 409
        assert not SECRET.search(again.text)
        assert ScimClientSecret.objects.count() == 2
        assert "Add a second secret" not in anybody.get(page).text

    def test_the_page_says_whether_the_old_one_can_go(
        self, pages: Pages, client: NewClient
    ) -> None:
        first = ScimClientSecret.objects.get()
        second = clients.add_secret(client.client, Actor("a test")).row
        now = timezone.now()

        def said(used: timedelta | None, old: timedelta | None) -> str:
            """The page, when the new one was first, and the old one last used that long ago."""
            for secret, ago in ((second, used), (first, old)):
                at = now - ago if ago is not None else None
                rows = ScimClientSecret.objects.filter(pk=secret.pk)
                rows.update(first_used_at=at, last_used_at=at)
            return text(pages.get(page_of(client)))

        assert "No request has used the new secret yet." in said(None, HOUR)
        assert "Look again after that." in said(HOUR / 2, HOUR / 4)
        assert "was still used 10 minutes ago" in said(2 * HOUR, HOUR / 6)
        assert "You can revoke it now." in said(HOUR + USED_INTERVAL, HOUR / 4)

    def test_one_is_revoked_and_its_access_tokens_end(
        self, pages: Pages, client: NewClient
    ) -> None:
        page, first = page_of(client), ScimClientSecret.objects.get()
        access_token = granted(client)
        second = clients.add_secret(client.client, Actor("a test"))
        form = {"secret": first.pk}

        refused = pages.post(f"{page}revoke-secret/", form)
        assert refused.status_code == 400
        assert CONFIRM in text(refused)
        assert scim(access_token).get("/Users").status == 200
        response = pages.post(f"{page}revoke-secret/", {**form, "confirm": "on"}, follow=True)

        assert f"ending in {first.last_four} has been revoked." in text(response)
        assert scim(access_token).get("/Users").status == 401
        assert send({**GRANT, **by_body(client)}).status == 401
        assert send({**GRANT, **by_body(client, second.plaintext)}).status == 200
        assert (Action.CLIENT_SECRET_REVOKED, pages.actor) in actions()
        assert pages.post(f"{page}revoke-secret/", {**form, "confirm": "on"}).status_code == 409

    @pytest.mark.parametrize("secret", ["", "x", "0", "999999"])
    def test_of_no_client_are_not_revoked(
        self, pages: Pages, client: NewClient, secret: str
    ) -> None:
        theirs = new_client("globex")
        key = ScimClientSecret.objects.get(client=theirs.client).pk

        for form in ({"secret": secret}, {"secret": key}):
            response = pages.post(f"{page_of(client)}revoke-secret/", {**form, "confirm": "on"})
            assert response.status_code == 409
        assert send({**GRANT, **by_body(theirs)}).status == 200

    def test_the_page_shows_when_from_where_and_by_whom_they_were_used(
        self, pages: Pages, client: NewClient
    ) -> None:
        assert scim(granted(client)).get("/Users").status == 200

        shown = text(pages.get(page_of(client)))

        secret = ScimClientSecret.objects.get()
        assert f"Secret ending in {secret.last_four} Active" in shown
        assert shown.count("from 127.0.0.1") == 2


class TestRevokeClient:
    def test_after_a_confirmation(self, pages: Pages, client: NewClient) -> None:
        page, access_token = page_of(client), granted(client)

        refused = pages.post(f"{page}revoke/", {})
        assert refused.status_code == 400
        assert CONFIRM in text(refused)
        assert scim(access_token).get("/Users").status == 200
        response = pages.post(f"{page}revoke/", {"confirm": "on"}, follow=True)

        assert response.redirect_chain == [(pages.url("clients/"), 302)]
        assert "The client “Entra ID” has been revoked." in text(response)
        assert scim(access_token).get("/Users").status == 401
        assert (Action.CLIENT_REVOKED, pages.actor) in actions()

    def test_a_form_that_was_opened_before_has_no_effect(
        self, pages: Pages, client: NewClient
    ) -> None:
        clients.revoke(client.client, Actor("a test"))
        events = ScimEvent.objects.count()
        page, confirmed = page_of(client), {"confirm": "on", "lifetime": "1", "seen": "x"}

        for form in ("revoke", "add-secret", "federation", "revoke-secret"):
            response = pages.post(f"{page}{form}/", {**confirmed, **asdict(FEDERATION)})
            assert response.status_code == 409
            assert OUTDATED in text(response)
        assert pages.get(page).status_code == 404
        assert ScimEvent.objects.count() == events
        assert ScimClientSecret.objects.count() == 1

    def test_nor_has_one_of_the_other_kind(self, anybody: Pages, client: NewClient) -> None:
        federated = new_client("acme", federation=FEDERATION)
        before = ScimEvent.objects.count()

        for new, form in ((client, "federation"), (federated, "add-secret")):
            seen = clients.seen_key(new.client)
            data = {"seen": seen, "lifetime": "1", **asdict(FEDERATION), "subject": "forged"}
            assert anybody.post(f"{page_of(new)}{form}/", data).status_code == 409
        assert ScimEvent.objects.count() == before
        assert ScimClientSecret.objects.count() == 1


class TestGuests:
    """People with a setup link: they connect, and end nothing."""

    def test_see_no_names_and_revoke_nothing(self, client: NewClient) -> None:
        guest = pages_for("guest")
        user = User.objects.create_user("wile")
        ScimClient.objects.update(created_by=user)
        ScimClientSecret.objects.update(created_by=user)

        page = guest.get(page_of(client))

        assert "wile" not in page.text
        assert "Revoke" not in page.text
        for form in ("revoke/", "revoke-secret/"):
            assert guest.post(f"{page_of(client)}{form}", {"confirm": "on"}).status_code == 404
        assert guest.get("logout/").status_code == 404
        assert ScimClient.objects.get().is_current

    def test_see_nothing_of_another_account(self) -> None:
        theirs, guest = new_client("globex"), pages_for("guest")

        assert guest.get(page_of(theirs)).status_code == 404
        assert guest.post(f"{page_of(theirs)}add-secret/", {"lifetime": "1"}).status_code == 404
        assert "OAuth clients (0)" in text(guest.get("clients/"))

    def test_without_a_link_see_nothing(self, client: NewClient) -> None:
        for path in ("clients/", page_of(client), f"{page_of(client)}add-secret/", "clients/add/"):
            for answer in (Client().get(f"{SETUP}{path}"), Client().post(f"{SETUP}{path}")):
                assert (answer.status_code, answer["Location"]) == (302, f"{SETUP}open/")

    def test_need_the_csrf_token(self, client: NewClient) -> None:
        guest = pages_for("guest")
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = guest.browser.cookies

        assert strict.post(f"{SETUP}clients/add/", {"name": "x"}).status_code == 403
        assert ScimClient.objects.count() == 1

    def test_of_an_account_that_may_not_use_scim_change_nothing(
        self, client: NewClient, settings: LazySettings
    ) -> None:
        guest = pages_for("guest")
        settings.TILED_SCIM_ENABLED = False

        assert guest.get("clients/")["Location"] == SETUP
        assert guest.post("clients/add/", {"name": "x"}).status_code == 403


class TestAdmin:
    """Permissions in the Django admin."""

    FORMS = ("clients/add/", "clients/add-federated/", "logout/", "logout/turn-off/")
    OF_CLIENT = ("add-secret/", "federation/", "revoke-secret/", "revoke/")

    def posts(self, client: NewClient) -> Iterator[tuple[str, dict[str, Any]]]:
        data = {
            "key": str(uuid4()),
            "name": "forged",
            "lifetime": "1",
            "confirm": "on",
            "seen": clients.seen_key(client.client),
            "secret": ScimClientSecret.objects.get().pk,
            **asdict(FEDERATION),
        }
        yield from ((form, data) for form in self.FORMS)
        yield from ((f"{page_of(client)}{form}", data) for form in self.OF_CLIENT)

    def rows(self) -> list[Any]:
        models = (ScimClient, ScimClientSecret, LogoutIssuer, ScimEvent)
        return [list(model._default_manager.order_by("pk").values()) for model in models]

    @pytest.mark.parametrize(
        ("permissions", "seen"), [(("view_scimtoken",), 200), (("add_scimtoken",), 403)]
    )
    def test_who_may_not_change_tokens_changes_nothing(
        self, client: NewClient, permissions: tuple[str, ...], seen: int
    ) -> None:
        pages = Pages(signed_in(staff(*permissions)), ADMINS, "?account=acme", "")
        before = self.rows()

        for form, data in self.posts(client):
            assert pages.post(form, data).status_code == 403
        for page in ("clients/", page_of(client), "logout/"):
            response = pages.get(page)
            assert response.status_code == seen
            _, _, main = response.text.partition("<main")
            assert "<form" not in main
        assert self.rows() == before

    def test_who_is_not_signed_in_is_asked_to(self, client: NewClient) -> None:
        pages = Pages(Client(), ADMINS, "?account=acme", "")
        before = self.rows()

        for form, data in self.posts(client):
            assert pages.post(form, data)["Location"].startswith("/admin/login/")
        assert pages.get(page_of(client))["Location"].startswith("/admin/login/")
        assert self.rows() == before

    def test_a_form_without_the_csrf_token_is_refused(self, client: NewClient) -> None:
        user = staff("change_scimtoken")
        pages = Pages(signed_in(user, enforce_csrf_checks=True), ADMINS, "?account=acme", "")
        before = self.rows()

        assert {pages.post(form, data).status_code for form, data in self.posts(client)} == {403}
        assert self.rows() == before

    def test_a_client_of_another_account_is_not_found(self, client: NewClient) -> None:
        pages = pages_for("admin")
        pages.query = "?account=globex"
        before = self.rows()

        assert pages.get(page_of(client)).status_code == 404
        for form in self.OF_CLIENT:
            assert pages.post(f"{page_of(client)}{form}", {"confirm": "on"}).status_code == 404
        assert self.rows() == before

    def test_an_account_that_the_person_may_not_see_is_not_found(
        self, client: NewClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SeenByStaff, "accounts_of", lambda user: frozenset({"globex"}))
        pages = pages_for("admin")

        for page in ("clients/", page_of(client), "logout/"):
            assert pages.get(page).status_code == 404
        for form, data in self.posts(client):
            assert pages.post(form, data).status_code == 404

    def test_the_address_of_a_form_leads_to_its_page(self, client: NewClient) -> None:
        for pages in (pages_for("admin"), pages_for("customer")):
            for form in ("clients/add/", "clients/add-federated/"):
                assert pages.get(form)["Location"] == pages.url("clients/")
            for form in self.OF_CLIENT:
                page = page_of(client)
                assert pages.get(f"{page}{form}")["Location"] == pages.url(page)
            assert pages.get("logout/turn-off/")["Location"] == pages.url("logout/")

    def test_an_account_that_may_not_use_scim_is_refused(
        self, client: NewClient, settings: LazySettings
    ) -> None:
        pages = pages_for("admin")
        settings.TILED_SCIM_ENABLED = False

        assert pages.get("clients/").status_code == 403
        assert {pages.post(form, data).status_code for form, data in self.posts(client)} == {403}

    def test_changes_are_in_the_log_of_the_admin(self, client: NewClient) -> None:
        pages = pages_for("admin")

        add(pages)
        pages.post(f"{page_of(client)}revoke/", {"confirm": "on"})

        assert [entry.object_repr for entry in LogEntry.objects.order_by("pk")] == ["Entra ID"] * 2

    def test_without_an_account_one_has_to_be_chosen(self) -> None:
        pages = pages_for("admin")
        pages.query = ""

        assert pages.get("clients/").status_code == 404


class TestHealth:
    """The first page of a customer who uses a client, and no token."""

    def test_says_that_the_client_connects_and_asks_for_no_token(
        self, anybody: Pages, client: NewClient
    ) -> None:
        unused = text(anybody.get())
        assert "No client has been used yet." in unused
        assert scim(granted(client)).get("/Users").status == 200

        shown = text(anybody.get())

        assert "Okta is connected" in shown
        assert "Last successful call just now, from 127.0.0.1" in shown
        assert "There is no token. OAuth clients do not need one." in shown
        assert "OAuth clients (1)" in shown
        for asked in ("Generate a token, and follow", "It cannot push anything until"):
            assert asked not in unused + shown

    def test_does_not_mind_a_token_that_has_expired_meanwhile(
        self, pages: Pages, client: NewClient
    ) -> None:
        ScimToken.objects.renew("acme", lifetime=timedelta(seconds=-1))
        assert "Okta's token has expired" in text(pages.get())

        assert scim(granted(client)).get("/Users").status == 200

        assert "Okta is connected" in text(pages.get())

    def test_says_that_the_client_has_no_valid_secret(
        self, pages: Pages, client: NewClient
    ) -> None:
        assert scim(granted(client)).get("/Users").status == 200
        ScimClientSecret.objects.update(expires_at=timezone.now())

        assert "The client “Entra ID” has no valid secret" in text(pages.get())
        assert "No valid secret" in text(pages.get("clients/"))

    def test_warns_before_the_last_secret_expires(self, pages: Pages, client: NewClient) -> None:
        ScimClientSecret.objects.update(expires_at=timezone.now() + timedelta(days=3))

        assert "The secret of the client “Entra ID” expires in 3 days" in text(pages.get())
        clients.add_secret(client.client, Actor("a test"))
        assert "expires in 3 days" not in text(pages.get())

    def test_a_wrong_secret_is_no_old_token(self, pages: Pages, client: NewClient) -> None:
        assert send({**GRANT, **by_body(client, "wrong")}).status == 401

        shown = text(pages.get())

        assert "Okta uses a token that was revoked" not in shown
        assert "The client secret is wrong or has expired" in shown

    def test_a_list_of_accounts_says_it_too(self, client: NewClient) -> None:
        pages = pages_for("admin")
        pages.query = ""
        assert scim(granted(client)).get("/Users").status == 200

        assert "Acme Inc. Connected Last call just now" in text(pages.get())


class TestLogout:
    OKTA = "https://acme.okta.example"

    def configure(self, pages: Pages, **data: str) -> Any:
        form = {**pages.fields("logout/", "logout/"), "issuer": self.OKTA, **data}
        return pages.post("logout/", form, follow=True)

    def test_is_configured_with_the_keys_of_okta(self, pages: Pages) -> None:
        assert "Universal Logout Off" in text(pages.get("logout/"))

        response = self.configure(pages)

        issuer = LogoutIssuer.objects.get()
        assert (issuer.account, issuer.issuer) == ("acme", self.OKTA)
        assert issuer.jwks_url == f"{self.OKTA}/oauth2/v1/keys"
        url = f"http://testserver/scim/v2/{logout.path_of(issuer)}"
        assert f'value="{url}" readonly' in response.text
        assert "Universal Logout On" in text(response)
        assert actions() == [(Action.LOGOUT_CONFIGURED, pages.actor)]

    def test_keeps_its_url_when_it_is_changed(self, pages: Pages) -> None:
        self.configure(pages)
        key = LogoutIssuer.objects.get().pk

        self.configure(pages, issuer="https://id.example", jwks_url="https://id.example/keys")

        issuer = LogoutIssuer.objects.get()
        assert (issuer.pk, issuer.issuer) == (key, "https://id.example")

    def test_is_turned_off_after_a_confirmation(self, pages: Pages) -> None:
        self.configure(pages)

        assert pages.post("logout/turn-off/", {}).status_code == 400
        response = pages.post("logout/turn-off/", {"confirm": "on"}, follow=True)

        assert "Universal Logout Off" in text(response)
        assert not LogoutIssuer.objects.exists()
        assert actions()[-1] == (Action.LOGOUT_TURNED_OFF, pages.actor)
        assert pages.post("logout/turn-off/", {"confirm": "on"}).status_code == 409

    def test_a_form_that_was_opened_before_has_no_effect(self, pages: Pages) -> None:
        form = {**pages.fields("logout/", "logout/"), "issuer": "https://old.example"}
        logout.configure("acme", Actor("a test"), self.OKTA)

        response = pages.post("logout/", form)

        assert response.status_code == 409
        assert OUTDATED in text(response)
        assert LogoutIssuer.objects.get().issuer == self.OKTA

    @pytest.mark.parametrize(
        "data",
        [
            {"issuer": "acme.okta.com"},
            {"issuer": "http://acme.okta.com"},
            {"issuer": ""},
            {"issuer": "https://10.0.0.1"},
            {"jwks_url": "https://localhost/keys"},
            {"issuer": f"https://{'a' * 1010}.example"},
        ],
    )
    def test_says_what_is_wrong(self, pages: Pages, data: dict[str, str]) -> None:
        response = self.configure(pages, **data)

        assert response.status_code == 400
        assert "errorlist" in response.text
        assert not LogoutIssuer.objects.exists()

    def test_without_the_extra_there_is_no_page(
        self, pages: Pages, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tiled_scim.oauth.assertions.is_available", lambda: False)

        assert pages.get("logout/").status_code == 404
        assert pages.post("logout/", {"issuer": self.OKTA}).status_code == 404
        assert "Universal Logout" not in pages.get().text
