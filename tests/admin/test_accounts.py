"""Hosts with several accounts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.admin.browser import (
    GENERATE,
    PAGE,
    REVOKE,
    api_status,
    confirmed,
    form_fields,
    generated,
)
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimToken

pytestmark = pytest.mark.django_db


class TwoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme & Sons", "b/c?": ""}


class NoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {}


@pytest.fixture
def two_accounts(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts


@pytest.mark.usefixtures("two_accounts")
class TestAccounts:
    def test_the_accounts_are_listed_first_with_their_labels_and_states(self, page: Client) -> None:
        ScimToken.objects.generate("acme")

        text = page.get(PAGE).text

        assert f'<a href="{PAGE}?account=acme">Acme &amp; Sons</a>' in text
        assert f'<a href="{PAGE}?account=b%2Fc%3F">b/c?</a>' in text
        assert text.index("Active") < text.index("No token")
        assert GENERATE not in text

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
        token, _ = ScimToken.objects.generate("acme")

        response = page.get(f"{PAGE}?account=acme")

        assert "Acme &amp; Sons" in response.text
        assert f'action="{GENERATE}?account=acme"' in response.text
        redirect = page.post(f"{REVOKE}?account=acme", confirmed(token))
        assert redirect["Location"] == f"{PAGE}?account=acme"
        assert page.get(f"{GENERATE}?account=acme")["Location"] == f"{PAGE}?account=acme"

    def test_the_token_of_one_account_is_not_that_of_another(self, page: Client) -> None:
        token, plaintext = ScimToken.objects.generate("acme")

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

    def test_the_list_takes_as_many_queries_for_many_accounts_as_for_few(
        self,
        page: Client,
        settings: LazySettings,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        class ManyAccounts(HostAdapter):
            @classmethod
            def accounts(cls) -> Mapping[str, str]:
                return {f"account{number}": f"Account {number}" for number in range(100)}

        settings.TILED_SCIM_HOST_ADAPTER = ManyAccounts
        for number in range(0, 100, 10):
            ScimToken.objects.generate(f"account{number}")

        with django_assert_max_num_queries(5):
            text = page.get(PAGE).text
        assert text.count("Active") == 10
        assert text.count("No token") == 90

    def test_each_account_has_its_own_gate(self, page: Client, settings: LazySettings) -> None:
        settings.TILED_SCIM_ENABLED = lambda account: account == "acme"

        assert "Generate token" in page.get(f"{PAGE}?account=acme").text
        assert "Generate token" not in page.get(f"{PAGE}?account=b%2Fc%3F").text
        assert page.post(f"{GENERATE}?account=b%2Fc%3F", confirmed(None)).status_code == 403
        assert generated(page, "?account=acme")
