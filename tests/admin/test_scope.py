"""Tests of which accounts a person sees and changes: nothing of another account, on any page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.admin.browser import (
    GENERATE,
    PAGE,
    REVOKE,
    api_status,
    confirmed,
    content,
    generated,
    signed_in,
)
from tests.admin.reading import messages, read
from tests.audit.test_dashboard import make_refusal
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import user
from tiled_scim.connections import Actor, Connection
from tiled_scim.host import ALL_ACCOUNTS, HostAdapter
from tiled_scim.models import (
    LibraryGroupLink,
    LibraryGroupMember,
    ScimEvent,
    ScimToken,
    Slot,
    UserLink,
)

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "/admin/tiled_scim/"
USERS, GROUPS, EVENTS = (
    f"{ADMIN}{name}/" for name in ("userlink", "librarygrouplink", "scimevent")
)
FORMER = f"{PAGE}revoke-former/"
LISTS = (PAGE, USERS, GROUPS, EVENTS)
ZOE, ZEBRAS, LONG_AGO = "zoe@globex.example", "Zebras", 2019
NOTHING_DONE = "Nothing was changed, because the token has been revoked already."
NO_ACCOUNT = "You may not see any account on this page."


class ScopedHost(Together):
    """A host where staff sees the accounts in `seen`; None is the default of the package."""

    seen: ClassVar[Any] = frozenset({ACME})

    @classmethod
    def accounts_of(cls, user: Any) -> Any:
        return super().accounts_of(user) if user.is_superuser or cls.seen is None else cls.seen


class UnscopedHost(ScopedHost):
    seen = None


@pytest.fixture(autouse=True)
def _two_accounts(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = ScopedHost


@pytest.fixture
def manager() -> Client:
    """A browser of a member of staff with all permissions, who sees one account."""
    user = User.objects.create_user("manager", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return signed_in(user)


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root"))


class Theirs:
    """What another account has, and what of it must not be seen."""

    def __init__(self) -> None:
        scim = client_of(GLOBEX)
        self.user = scim.add_user(ZOE, title="Zookeeper", externalId="zoe-external")
        self.group = scim.add_group(ZEBRAS, self.user)
        assert scim.post("/Users", user(ZOE)).status == 409
        tokens = ScimToken.objects.filter(account=GLOBEX, slot=Slot.NEWEST)
        tokens.update(last_four="zz#9", last_used_by="ZooClient")
        self.token = tokens.get()
        ScimEvent.objects.filter(account=GLOBEX).update(
            created_at=datetime(LONG_AGO, 5, 17, 12, tzinfo=UTC),
            client="ZooClient",
            request_id="zoo-request",
            address="203.0.113.77",
        )
        self.events = list(ScimEvent.objects.filter(account=GLOBEX).values_list("pk", flat=True))
        self.marks = {
            *(ZOE, ZEBRAS, "Zookeeper", "zoe-external", "ZooClient", "zz#9", str(LONG_AGO)),
            *(self.user, self.group, GLOBEX, "Globex Corporation"),
            *("zoo-request", "203.0.113.77"),
        }

    @property
    def pages(self) -> list[str]:
        """Return the URLs of everything that the account has."""
        links: dict[str, list[Any]] = {
            USERS: [self.user],
            GROUPS: [self.group],
            EVENTS: self.events,
        }
        views = ("", "change/", "history/", "delete/", "let-go/", "resync/", "move/")
        return [
            f"{page}{key}/{view}" for page, keys in links.items() for key in keys for view in views
        ]

    @property
    def state(self) -> list[Any]:
        """Return all rows of the account, to compare them."""
        models = (UserLink, LibraryGroupLink, ScimToken, ScimEvent)
        rows = [model.objects.filter(account=GLOBEX).order_by("pk").values() for model in models]
        members = LibraryGroupMember.objects.filter(group__account=GLOBEX).values()
        return [row for queryset in (*rows, members) for row in queryset]

    def seen_in(self, response: Any, asked: str = "") -> set[str]:
        """Return what a response shows of the account, except what was asked for."""
        text = response.content.decode() + str(response.headers)
        return {mark for mark in self.marks if mark in text and mark not in asked}


@pytest.fixture
def theirs() -> Theirs:
    return Theirs()


@pytest.fixture
def mine() -> str:
    """A user and a group of the account that the manager sees. Returns the id of the user."""
    scim = client_of(ACME)
    ann = scim.add_user("ann@acme.example")
    scim.add_group("Ants", ann)
    return ann


@pytest.mark.usefixtures("mine")
class TestOneOfTwoAccounts:
    def test_no_list_shows_anything_of_the_other_account(
        self, manager: Client, theirs: Theirs
    ) -> None:
        for page in (*LISTS, "/admin/", ADMIN):
            response = manager.get(page)

            assert response.status_code == 200
            assert theirs.seen_in(response) == set(), page

    def test_no_filter_or_search_finds_anything_of_it(
        self, manager: Client, theirs: Theirs
    ) -> None:
        searches = [f"q={mark}" for mark in sorted(theirs.marks)]
        filters = [
            *(f"account={GLOBEX}", "account=%3F", f"resource={theirs.user}"),
            *(f"group={theirs.group}", f"user={theirs.user}", f"resource={theirs.group}"),
            *("state=active", "state=linked", "outcome=done", "outcome=refused", "status=409"),
            *("action=user_provisioned", f"created_at__year={LONG_AGO}", "o=-1", "p=2", "all="),
        ]
        for page in LISTS:
            for query in (*searches, *filters):
                response = manager.get(f"{page}?{query}", follow=True)
                assert theirs.seen_in(response, query) == set(), (page, query)

    def test_lists_show_and_count_what_is_left(
        self, manager: Client, theirs: Theirs, mine: str
    ) -> None:
        for page, number in ((USERS, 1), (GROUPS, 1), (EVENTS, 2)):
            changes = manager.get(page).context["cl"]

            assert changes.paginator.count == changes.result_count == number
            assert {row.account for row in changes.result_list} == {ACME}

    def test_no_page_of_it_is_found_by_get_or_forged_post(
        self, manager: Client, theirs: Theirs
    ) -> None:
        before = theirs.state

        for page in theirs.pages:
            forged = {"version": "x", "post": "yes", "library": Library.objects.get(name=ZEBRAS).pk}
            for response in (manager.get(page), manager.post(page, forged)):
                assert response.status_code in {302, 403, 404}, page
                assert theirs.seen_in(response, page) == set(), page

        assert theirs.state == before

    def test_its_token_is_not_shown_or_changed(self, manager: Client, theirs: Theirs) -> None:
        before = theirs.state
        query = f"?account={GLOBEX}"

        assert manager.get(PAGE + query).status_code == 404
        for action in (GENERATE, REVOKE):
            for token in (theirs.token, None):
                response = manager.post(action + query, confirmed(token))
                assert response.status_code == 404
                assert theirs.seen_in(response, query) == set()
            # Without an account, the only one that the person sees is meant.
            assert manager.post(action, confirmed(theirs.token)).status_code == 409
        forged = {"token": theirs.token.pk}
        assert manager.post(FORMER, forged).status_code == 403

        assert theirs.state == before

    def test_the_only_account_is_named_and_its_token_can_be_changed(
        self, manager: Client, theirs: Theirs
    ) -> None:
        make_refusal(account=None, client="a stranger")
        earlier = ScimToken.objects.get(account=ACME, slot=Slot.NEWEST)

        response = manager.get(PAGE)
        assert "Acme Inc." in response.text
        assert "a stranger" not in response.text
        assert "Unknown caller" not in response.text
        replaced = manager.post(GENERATE, confirmed(earlier))

        assert replaced.status_code == 200
        current = ScimToken.objects.get(account=ACME, slot=Slot.NEWEST)
        assert current != earlier
        assert manager.post(REVOKE, confirmed(current))["Location"] == PAGE
        assert not ScimToken.objects.filter(account=ACME, slot=Slot.NEWEST).exists()

    def test_unknown_callers_are_not_shown(self, manager: Client) -> None:
        event = make_refusal(account=None, client="a stranger", detail="a made-up token")

        for page in (EVENTS, f"{EVENTS}?account=%3F", f"{EVENTS}?q=stranger"):
            assert "a made-up token" not in manager.get(page, follow=True).text
        assert manager.get(f"{EVENTS}{event.pk}/change/").status_code == 302

    def test_an_event_of_this_account_about_an_id_of_the_other_leads_nowhere(
        self, manager: Client, theirs: Theirs
    ) -> None:
        assert client_of(ACME).delete(f"/Users/{theirs.user}").status == 404

        response = manager.get(EVENTS)

        assert theirs.user in response.text  # as the client sent it
        assert f"userlink/{theirs.user}" not in response.text
        assert theirs.seen_in(response, theirs.user) == set()

    def test_an_event_of_the_other_about_an_id_of_this_account_is_not_shown(
        self, manager: Client, root: Client, mine: str
    ) -> None:
        assert client_of(GLOBEX).delete(f"/Users/{mine}").status == 404
        page = f"{USERS}{mine}/change/"

        assert "Refused" in read(root.get(page))
        assert "Refused" not in read(manager.get(page))
        assert manager.get(f"{EVENTS}?resource={mine}").context["cl"].result_count == 1

    def test_autocompletion_offers_only_what_may_be_seen(
        self, manager: Client, root: Client, theirs: Theirs
    ) -> None:
        def offered(browser: Client, field: str, term: str = "") -> list[str]:
            query = {"app_label": "tiled_scim", "model_name": "librarygroupmember"}
            response = browser.get(
                "/admin/autocomplete/", {**query, "field_name": field, "term": term}
            )
            return [result["text"] for result in response.json()["results"]]

        assert offered(manager, "user") == ["ann@acme.example"]
        assert offered(manager, "group") == ["Ants"]
        assert offered(manager, "user", "zoe") == offered(manager, "group", theirs.group) == []
        assert offered(root, "user", "zoe") == [ZOE]

    def test_a_host_user_with_a_link_of_the_other_cannot_be_deleted(
        self, manager: Client, root: Client, theirs: Theirs
    ) -> None:
        zoe = UserLink.objects.get(pk=theirs.user).user
        ann = UserLink.objects.get(account=ACME).user

        for person in (zoe, ann):
            manager.post(f"/admin/auth/user/{person.pk}/delete/", {"post": "yes"})

        assert User.objects.filter(pk=zoe.pk).exists()
        assert not User.objects.filter(pk=ann.pk).exists()
        root.post(f"/admin/auth/user/{zoe.pk}/delete/", {"post": "yes"})
        assert not User.objects.filter(pk=zoe.pk).exists()

    def test_the_page_of_a_shared_host_user_shows_one_link(
        self, manager: Client, root: Client, theirs: Theirs
    ) -> None:
        client_of(ACME).add_user(ZOE.upper())
        page = f"/admin/auth/user/{UserLink.objects.get(pk=theirs.user).user_id}/change/"

        shown, all_shown = manager.get(page), root.get(page)

        assert theirs.user not in shown.text
        assert "Globex" not in shown.text
        assert f"userName {ZOE.upper()} State" in read(shown)
        assert "Account Globex Corporation" in read(all_shown)
        assert theirs.user in all_shown.text

    def test_the_page_of_a_host_user_of_the_other_says_no_more_than_that(
        self, manager: Client, theirs: Theirs
    ) -> None:
        page = f"/admin/auth/user/{UserLink.objects.get(pk=theirs.user).user_id}/change/"

        response = manager.get(page)

        assert theirs.user not in response.text
        assert "SCIM does not manage this user in any account that you may see." in read(response)


class TestAllAccounts:
    def test_superusers_see_all_by_default(
        self, root: Client, theirs: Theirs, mine: str, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = UnscopedHost
        event = make_refusal(account=None)

        for page in LISTS:
            assert theirs.seen_in(root.get(page)), page
        assert root.get(f"{USERS}{theirs.user}/change/").status_code == 200
        assert root.get(f"{EVENTS}{event.pk}/change/").status_code == 200
        assert root.get(f"{PAGE}?account={GLOBEX}").status_code == 200
        assert "Unknown callers" in root.get(PAGE).text

    def test_a_host_may_show_all_to_staff(
        self,
        manager: Client,
        theirs: Theirs,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(ScopedHost, "seen", ALL_ACCOUNTS)

        assert theirs.seen_in(manager.get(EVENTS))
        assert api_status(generated(manager, f"?account={ACME}")) == 200
        assert manager.get(f"{PAGE}?account={GLOBEX}").status_code == 200

    def test_in_a_host_without_accounts_permissions_decide(
        self, manager: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = HostAdapter
        make_refusal(account=None, detail="a made-up token")

        assert api_status(generated(manager)) == 200
        assert "a made-up token" in manager.get(EVENTS).text


@pytest.mark.usefixtures("mine")
class TestNoAccount:
    @pytest.fixture(autouse=True)
    def _default(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = UnscopedHost

    def test_staff_sees_none_by_default_and_advice(self, manager: Client, theirs: Theirs) -> None:
        for page in LISTS:
            response = manager.get(page)

            assert response.status_code == 403
            assert NO_ACCOUNT in content(response)
            assert "accounts_of()" in content(response)
            assert theirs.seen_in(response) == set()
            assert "acme" not in response.text.lower()

    def test_nothing_can_be_changed(self, manager: Client, theirs: Theirs) -> None:
        before = theirs.state

        for page in theirs.pages:
            for response in (manager.get(page), manager.post(page, {"version": "x"})):
                assert response.status_code in {302, 403, 404}, page
        for action in (GENERATE, REVOKE):
            for query in ("", f"?account={GLOBEX}", "?account="):
                response = manager.post(action + query, confirmed(theirs.token))
                assert response.status_code == 404, (action, query)

        assert theirs.state == before

    def test_the_section_on_the_host_s_pages_is_not_shown(self, manager: Client, mine: str) -> None:
        user = UserLink.objects.get(pk=mine).user

        assert "Managed by SCIM" not in manager.get(f"/admin/auth/user/{user.pk}/change/").text


class TestWrongAdapters:
    """Mistakes in `accounts_of` must not show an account."""

    @pytest.mark.parametrize("returned", ["acme", None])
    def test_what_is_no_collection_is_an_error(
        self, manager: Client, monkeypatch: pytest.MonkeyPatch, returned: object
    ) -> None:
        monkeypatch.setattr(ScopedHost, "accounts_of", classmethod(lambda cls, user: returned))

        with pytest.raises(TypeError):
            manager.get(PAGE)

    def test_unknown_keys_are_ignored(
        self, manager: Client, theirs: Theirs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new_token("initech")
        monkeypatch.setattr(ScopedHost, "seen", ["initech", 7])

        response = manager.get(PAGE)

        assert response.status_code == 403
        assert "initech" not in response.text


class TestFormerAccounts:
    """Tokens of accounts that the host no longer has."""

    @pytest.fixture
    def former(self) -> ScimToken:
        token, _ = new_token("initech")
        return token

    def test_they_are_listed_and_revoked_by_who_sees_all(
        self, root: Client, former: ScimToken
    ) -> None:
        page = root.get(PAGE)
        assert "Tokens of accounts that no longer exist" in content(page)
        assert f"initech Active ending in {former.last_four}" in content(page)

        response = root.post(FORMER, {"token": former.pk}, follow=True)

        assert response.redirect_chain == [(PAGE, 302)]
        revoked = f"The token ending in {former.last_four} has been revoked."
        assert messages(response) == [revoked]
        assert "no longer exist" not in content(response)
        assert not ScimToken.objects.filter(account="initech", slot=Slot.NEWEST).exists()
        event = ScimEvent.objects.get()
        assert (event.account, event.action) == ("initech", "token_revoked")
        assert event.actor == "Django admin: root"
        assert event.address == "127.0.0.1"
        assert "initech" not in content(root.get(PAGE))

    def test_a_form_that_is_sent_twice_or_outdated_has_no_effect(
        self, root: Client, former: ScimToken
    ) -> None:
        new = new_token("initech")[0]

        response = root.post(FORMER, {"token": former.pk}, follow=True)

        assert messages(response) == [NOTHING_DONE]
        assert ScimToken.objects.get(account="initech", slot=Slot.NEWEST) == new
        assert not ScimEvent.objects.exists()

    @pytest.mark.usefixtures("former")
    def test_tokens_of_accounts_that_exist_are_not_revoked_there(self, root: Client) -> None:
        token, _ = new_token(ACME)

        for key in (token.pk, "", "0", "no key", "1\x00"):
            response = root.post(FORMER, {"token": key}, follow=True)
            assert messages(response) == [NOTHING_DONE]
        assert root.get(FORMER)["Location"] == PAGE
        assert ScimToken.objects.exclude(slot=None).count() == 2

    def test_they_are_also_listed_where_only_one_account_is_left(
        self, root: Client, former: ScimToken, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = HostAdapter

        assert f"initech Active ending in {former.last_four}" in content(root.get(PAGE))

    def test_others_do_not_see_or_revoke_them(self, manager: Client, former: ScimToken) -> None:
        assert "initech" not in manager.get(PAGE).text

        response = manager.post(FORMER, {"token": former.pk})

        assert response.status_code == 403
        assert ScimToken.objects.get(account="initech", slot=Slot.NEWEST) == former

    def test_a_viewer_sees_them_and_no_button(
        self, former: ScimToken, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = HostAdapter
        user = User.objects.create_user("viewer", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename="view_scimtoken"))
        viewer = signed_in(user)

        assert "initech" in content(viewer.get(PAGE))
        assert FORMER not in viewer.get(PAGE).text
        forged = {"token": former.pk}
        assert viewer.post(FORMER, forged).status_code == 403
        assert ScimToken.objects.get(account="initech", slot=Slot.NEWEST) == former


class TestEvents:
    """What is done to tokens in the admin is an event."""

    def test_of_generating_replacing_and_revoking(self, manager: Client) -> None:
        first = generated(manager)
        current = ScimToken.objects.get(account=ACME, slot=Slot.NEWEST)
        manager.post(GENERATE, confirmed(current))
        manager.post(REVOKE, confirmed(ScimToken.objects.get(account=ACME, slot=Slot.NEWEST)))

        events = ScimEvent.objects.order_by("pk").values_list("account", "action", "actor")
        by_hand = "Django admin: manager"
        assert list(events) == [
            (ACME, "token_generated", by_hand),
            (ACME, "token_replaced", by_hand),
            (ACME, "token_revoked", by_hand),
        ]
        response = manager.get(EVENTS)
        assert f"Token generated …{first[-4:]} Done" in read(response)
        assert "Token revoked" in read(response)
        replaced = ScimEvent.objects.get(action="token_replaced")
        page = read(manager.get(f"{EVENTS}{replaced.pk}/change/"))
        assert by_hand in page
        assert f"token …{first[-4:]} {replaced.resource_name}" in page

    def test_of_what_is_refused_there_is_none(self, manager: Client) -> None:
        Connection(ACME).generate(Actor("a test"))
        ScimEvent.objects.all().delete()
        current = ScimToken.objects.get()

        manager.post(GENERATE, {"token": current.pk})
        manager.post(GENERATE, confirmed(None))
        manager.post(REVOKE, confirmed(None))

        assert not ScimEvent.objects.exists()
        assert ScimToken.objects.get().is_current


def test_no_page_reads_rows_of_accounts_around_the_scope() -> None:
    """Everything about members and access belongs to a link that was read through the scope."""
    models = "UserLink|LibraryGroupLink|ScimEvent|ScimToken|model"
    reads = re.compile(rf"^.*\b(?:{models})\.(?:objects|_default_manager)\b.*$", re.MULTILINE)

    for path in (ROOT / "tiled_scim" / "admin").glob("*.py"):
        for line in reads.findall(path.read_text()):
            assert "limit(" in line, (path.name, line)


class TestSpeed:
    @pytest.mark.parametrize("seen", [lambda keys: ALL_ACCOUNTS, lambda keys: keys[::2]])
    @pytest.mark.parametrize("page", [*LISTS, f"{PAGE}?account=key0", f"{EVENTS}?account=key2"])
    def test_pages_take_as_many_queries_for_1000_accounts_as_for_4(
        self,
        manager: Client,
        settings: LazySettings,
        page: str,
        seen: Callable[[list[str]], Collection[str]],
    ) -> None:
        def queries(number: int) -> int:
            keys = [f"key{at}" for at in range(number)]

            class Many(HostAdapter):
                @classmethod
                def accounts(cls) -> Mapping[str, str]:
                    return {key: f"Customer {key}" for key in keys}

                @classmethod
                def accounts_of(cls, user: Any) -> Any:
                    return seen(keys)

            settings.TILED_SCIM_HOST_ADAPTER = Many
            with CaptureQueriesContext(connection) as captured:
                assert manager.get(page).status_code == 200
            return len(captured)

        for at in range(4):
            scim = client_of(f"key{at}")
            scim.add_group(f"Group {at}", scim.add_user(f"ann{at}@example.com"))
            make_refusal(account=f"key{at}")

        assert queries(4) == queries(1000)
