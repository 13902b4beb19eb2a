"""Tests of the page for hosts with several accounts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from html import unescape
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.accounts import SeenByStaff
from tests.admin.browser import (
    GENERATE,
    PAGE,
    REVOKE,
    api_status,
    confirmed,
    content,
    form_fields,
    generated,
)
from tests.audit.test_dashboard import make_refusal, make_token
from tests.tokens import new_token
from tiled_scim.models import ScimToken

EVENTS = "/admin/tiled_scim/scimevent/"
USERS = "/admin/tiled_scim/userlink/"

pytestmark = pytest.mark.django_db


class TwoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme & Sons", "b/c?": ""}


class NoAccounts(SeenByStaff):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {}


@pytest.fixture
def two_accounts(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts


@pytest.mark.usefixtures("two_accounts")
class TestAccounts:
    def test_the_accounts_are_listed_first_with_their_labels_and_states(self, page: Client) -> None:
        make_token("acme", last_used_at=timezone.now() - timedelta(minutes=5))
        make_refusal(account="acme", times=3)

        response = page.get(PAGE)

        assert f'<a href="{PAGE}?account=acme">Acme &amp; Sons</a>' in response.text
        assert f'<a href="{PAGE}?account=b%2Fc%3F">b/c?</a>' in response.text
        assert content(response) == (
            "Choose an account "
            "Acme & Sons Connected Last call 5 minutes ago · 3 failures in 7 days "
            "b/c? No token"
        )
        assert GENERATE not in response.text

    def test_an_account_that_is_switched_off_is_not_called_connected(
        self, page: Client, settings: LazySettings
    ) -> None:
        make_token("acme", last_used_at=timezone.now())
        make_token("b/c?", last_used_at=timezone.now())
        settings.TILED_SCIM_ENABLED = lambda account: account != "acme"

        shown = content(page.get(PAGE))

        assert "Acme & Sons Not enabled Last call" in shown
        assert "b/c? Connected Last call" in shown
        assert "Connected" not in content(page.get(f"{PAGE}?account=acme"))

    def test_an_account_that_calls_with_an_old_token_has_its_own_state(self, page: Client) -> None:
        _, plaintext = new_token("acme")
        new_token("acme")
        assert api_status(plaintext) == 401

        assert "Acme & Sons Old token No call yet · 1 failure" in content(page.get(PAGE))

    def test_unknown_callers_belong_to_no_account_and_are_shown_separately(
        self, page: Client, admin_client: Client
    ) -> None:
        api_status("tscim_made-up")

        response = page.get(PAGE)

        assert "Unknown callers 1 request in 7 days had no token" in content(response)
        assert "failure" not in content(response)
        assert "Failures" not in content(page.get(f"{PAGE}?account=acme"))
        text = admin_client.get(PAGE).text
        (link,) = re.findall(r'href="([^"]+)">Show in Events', text)
        (event,) = admin_client.get(unescape(link)).context["cl"].result_list
        assert event.account is None

    def test_each_account_has_a_token_of_its_own(self, page: Client) -> None:
        first = generated(page, "?account=acme")
        second = generated(page, "?account=b%2Fc%3F")

        assert {(token.account, token.last_four) for token in ScimToken.objects.all()} == {
            ("acme", first[-4:]),
            ("b/c?", second[-4:]),
        }
        response = page.get(f"{PAGE}?account=b%2Fc%3F")
        assert f"<code>{second[-4:]}</code>" in response.text
        fields = form_fields(response.text, f"{REVOKE}?account=b%2Fc%3F")
        page.post(f"{REVOKE}?account=b%2Fc%3F", fields | {"confirm": "on"})
        assert api_status(first) == 200
        assert api_status(second) == 401

    def test_the_page_names_its_account_and_keeps_to_it(self, page: Client) -> None:
        token, _ = new_token("acme")

        response = page.get(f"{PAGE}?account=acme")

        assert "Acme &amp; Sons" in response.text
        assert f'action="{GENERATE}?account=acme"' in response.text
        redirect = page.post(f"{REVOKE}?account=acme", confirmed(token))
        assert redirect["Location"] == f"{PAGE}?account=acme"
        assert page.get(f"{GENERATE}?account=acme")["Location"] == f"{PAGE}?account=acme"

    def test_the_token_of_one_account_is_not_that_of_another(self, page: Client) -> None:
        token, plaintext = new_token("acme")

        assert page.post(f"{REVOKE}?account=b%2Fc%3F", confirmed(token)).status_code == 409
        assert page.post(f"{GENERATE}?account=b%2Fc%3F", confirmed(token)).status_code == 409
        assert ScimToken.objects.get().is_current
        assert api_status(plaintext) == 200

    @pytest.mark.parametrize("query", ["?account=nobody", "?account="])
    def test_an_unknown_account_is_not_found(self, page: Client, query: str) -> None:
        assert page.get(PAGE + query).status_code == 404
        assert page.post(GENERATE + query, confirmed(None)).status_code == 404
        assert page.post(REVOKE + query, confirmed(None)).status_code == 404
        assert not ScimToken.objects.exists()

    def test_a_post_must_say_which_account(self, page: Client) -> None:
        assert page.post(GENERATE, confirmed(None)).status_code == 404
        assert not ScimToken.objects.exists()

    def test_a_host_without_an_account_yet_says_so(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = NoAccounts

        assert "There are no accounts yet." in page.get(PAGE).text

    def test_each_account_has_its_own_gate(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_ENABLED = lambda account: account == "acme"

        assert "Generate token" in page.get(f"{PAGE}?account=acme").text
        assert "Generate token" not in page.get(f"{PAGE}?account=b%2Fc%3F").text
        assert page.post(f"{GENERATE}?account=b%2Fc%3F", confirmed(None)).status_code == 403
        assert generated(page, "?account=acme")


class ManyAccounts(SeenByStaff):
    number: ClassVar[int]

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {f"key{at}": f"Customer {at}" for at in range(cls.number)}


def accounts(number: int) -> type[ManyAccounts]:
    return type("Accounts", (ManyAccounts,), {"number": number})


def offered(page: Client, url: str) -> dict[str, str]:
    """Return the choices of the filter by account, with their links."""
    changelist = page.get(url).context["cl"]
    (spec,) = [spec for spec in changelist.filter_specs if spec.title == "account"]
    return {str(choice["display"]): choice["query_string"] for choice in spec.choices(changelist)}


def shown_events(page: Client, url: str) -> list[Any]:
    return list(page.get(url).context["cl"].result_list)


def listed(response: Any) -> list[str]:
    """Return the names of the accounts to choose from."""
    return re.findall(r'\?account=\w+">(.*?)</a>', response.text)


class TestManyAccounts:
    def test_a_few_are_all_seen_and_more_can_be_searched(
        self, page: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = accounts(20)
        assert 'id="search"' not in page.get(PAGE).text
        assert len(listed(page.get(PAGE))) == 20

        settings.TILED_SCIM_HOST_ADAPTER = accounts(21)

        assert '<label for="search">' in page.get(PAGE).text
        assert listed(page.get(PAGE, {"q": " cUSTOMER 2 "})) == ["Customer 2", "Customer 20"]
        assert listed(page.get(PAGE, {"q": "key7"})) == ["Customer 7"]
        response = page.get(PAGE, {"q": '"nobody"'})
        assert "No account matches your search." in content(response)
        assert 'name="q" value="&quot;nobody&quot;"' in response.text

    def test_there_are_a_hundred_on_a_page(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = accounts(201)

        pages = [page.get(PAGE), page.get(PAGE, {"page": 2}), page.get(PAGE, {"page": 3})]

        assert [len(listed(response)) for response in pages] == [100, 100, 1]
        assert len({name for response in pages for name in listed(response)}) == 201
        assert re.findall(r'rel="(?:prev|next)" href="(.*?)"', pages[1].text) == [
            "?page=1",
            "?page=3",
        ]
        assert "Page 2 of 3" in content(pages[1])
        assert listed(page.get(PAGE, {"page": "x"})) == listed(pages[0])

    def test_a_search_has_pages(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = accounts(150)

        (link,) = re.findall(r'rel="next" href="(.*?)"', page.get(PAGE, {"q": "er"}).text)

        assert link == "?page=2&amp;q=er"
        assert len(listed(page.get(PAGE + unescape(link)))) == 50

    def test_the_list_takes_as_many_queries_for_many_accounts_as_for_few(
        self,
        page: Client,
        settings: LazySettings,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = accounts(100)
        for number in range(0, 100, 10):
            make_token(f"key{number}", last_used_at=timezone.now())
            make_refusal(account=f"key{number}")

        # The session, the person and two of their permissions; the tokens, the clients, the
        # failures, and the accounts of all tokens.
        with django_assert_max_num_queries(8):
            text = content(page.get(PAGE))
        assert text.count("Connected") == 10
        assert text.count("No token") == 90

    def test_lists_offer_all_of_a_few_accounts(
        self, admin_client: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = accounts(20)
        make_refusal(account="key3")

        assert len(offered(admin_client, EVENTS)) == 20 + len(["All", "Unknown caller"])
        assert len(offered(admin_client, USERS)) == 20 + len(["All"])

    def test_lists_offer_only_the_chosen_one_of_many_accounts(
        self, admin_client: Client, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = VeryMany
        make_refusal(account="key3")
        make_refusal(account="key4")
        make_refusal(account=None)

        assert offered(admin_client, EVENTS) == {
            "All": "?",
            "Unknown caller": "?account=%3F",
            "Choose an account": PAGE,
        }
        assert offered(admin_client, USERS) == {"All": "?", "Choose an account": PAGE}
        chosen = f"{EVENTS}?account=key3"
        assert offered(admin_client, chosen)["Customer 3"] == "?account=key3"
        assert [event.account for event in shown_events(admin_client, chosen)] == ["key3"]
        assert [event.account for event in shown_events(admin_client, f"{EVENTS}?account=%3F")] == [
            None
        ]
        assert f"{EVENTS}?account=key3" in admin_client.get(f"{PAGE}?account=key3").text
        assert admin_client.get(f"{EVENTS}?account=hooli")["Location"] == f"{EVENTS}?e=1"

    def test_pages_never_ask_for_all_accounts(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = VeryMany
        make_token("key7", last_used_at=timezone.now())
        make_token("hooli")

        choice = page.get(PAGE, {"page": 2})

        assert listed(choice) == [f"Customer {at}" for at in range(100, 200)]
        assert "Page 2 of 1000" in content(choice)
        assert listed(page.get(PAGE, {"q": "r 99999"})) == ["Customer 99999"]
        assert [token.account for token in choice.context["former_tokens"]] == ["hooli"]
        assert page.get(PAGE, {"account": "key7"}).status_code == 200
        assert page.get(PAGE, {"account": "key100000"}).status_code == 404
        assert generated(page, "?account=key8")

    def test_who_may_see_many_finds_only_those(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = OfRegions

        assert listed(page.get(PAGE)) == [f"Customer {at}" for at in range(100, 125)]
        assert listed(page.get(PAGE, {"q": "r 12"})) == [f"Customer {at}" for at in range(120, 125)]
        assert listed(page.get(PAGE, {"q": "Customer 99"})) == []
        assert page.get(PAGE, {"account": "key99"}).status_code == 404
        assert page.get(PAGE, {"account": "key100"}).status_code == 200


class VeryMany(SeenByStaff):
    """A host that knows its accounts without a list of all."""

    number: ClassVar[int] = 100_000

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        raise AssertionError("Something asked for all accounts.")

    @property
    def has_accounts(self) -> bool:
        return True

    @classmethod
    def account_labels(cls, keys: Collection[str]) -> Mapping[str, str]:
        numbers = {key: key.removeprefix("key") for key in keys}
        return {
            key: f"Customer {number}"
            for key, number in numbers.items()
            if number.isdigit() and int(number) < cls.number
        }

    @classmethod
    def find_accounts(cls, term: str = "") -> Sequence[tuple[str, str]]:
        if term:
            number = term.removeprefix("r ")
            return [(f"key{number}", f"Customer {number}")]
        return Numbered(range(cls.number))

    @classmethod
    def missing_accounts(cls, rows: QuerySet[Any]) -> Collection[str]:
        given = list(rows.values_list("account", flat=True))
        return set(given) - set(cls.account_labels(given))


class OfRegions(VeryMany):
    """A host where somebody sees some of the accounts."""

    @classmethod
    def accounts_of(cls, user: Any) -> Any:
        return [f"key{number}" for number in range(100, 125)]


class Numbered(Sequence[tuple[str, str]]):
    """Accounts with these numbers, which are made when they are read."""

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: Any) -> Any:
        assert isinstance(place, slice)
        return [(f"key{number}", f"Customer {number}") for number in self.numbers[place]]
