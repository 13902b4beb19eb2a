"""Accounts are found by key and by name in the database, which knows UUIDs in several spellings."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.hosts.company.customers.models import Account
from tiled_scim.accounts import AccountAdapter
from tiled_scim.connections import Actor, Connection, tokens_without_account

pytestmark = pytest.mark.django_db

ACME = "a0000000-0000-4000-8000-00000000000a"
GLOBEX = "b0000000-0000-4000-8000-00000000000b"
# What is no key: other spellings of one, other texts, and one that PostgreSQL refuses.
NO_KEYS = (ACME.upper(), ACME.replace("-", ""), f"{{{ACME}}}", "", "7", "acme", "\0")


@pytest.fixture(autouse=True)
def accounts(db: None) -> None:
    for key, name in ((ACME, "Acme Inc."), (GLOBEX, "Globex Corporation")):
        Account.objects.create(pk=key, name=name)


class TestLabels:
    def test_of_those_that_exist(self) -> None:
        labels = AccountAdapter.account_labels([ACME, str(uuid4()), *NO_KEYS])

        assert labels == {ACME: "Acme Inc."}

    @pytest.mark.parametrize("key", NO_KEYS)
    def test_a_key_has_one_spelling(self, key: str) -> None:
        assert AccountAdapter.account_labels([key]) == {}
        assert not Connection(key).exists

    def test_only_what_is_asked_for_is_read(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert Connection(ACME).exists

        (query,) = queries
        assert "WHERE" in query["sql"]


class TestFinding:
    @pytest.mark.parametrize("term", ["acme", "ACME INC", ACME])
    def test_by_a_part_of_the_name_or_the_key(self, term: str) -> None:
        assert list(AccountAdapter.find_accounts(term)) == [(ACME, "Acme Inc.")]

    @pytest.mark.parametrize("term", ["nobody", "4fbde8a9-7631-441e-b354-7ef2c6baead6", "%", "_"])
    def test_nothing(self, term: str) -> None:
        assert list(AccountAdapter.find_accounts(term)) == []

    def test_a_slice_reads_its_rows_and_the_length_none(self) -> None:
        found = AccountAdapter.find_accounts()
        in_order = sorted([ACME, GLOBEX], key=UUID)

        with CaptureQueriesContext(connection) as queries:
            assert len(found) == 2
            assert found[0][0] == in_order[0]
            assert [key for key, _label in found[1:5]] == in_order[1:]

        assert "COUNT" in queries[0]["sql"]
        assert all("LIMIT" in query["sql"] for query in queries.captured_queries[1:])

    def test_by_the_key_alone_without_a_column_for_the_name(self) -> None:
        class Nameless(AccountAdapter):
            account_name_field = "label"

        assert list(Nameless.find_accounts("acme")) == []
        assert list(Nameless.find_accounts(ACME)) == [(ACME, "Acme Inc.")]


class TestFormerAccounts:
    def test_tokens_of_accounts_that_were_deleted(self) -> None:
        for key in (ACME, GLOBEX):
            Connection(key).generate(Actor("Test"))
        assert tokens_without_account() == []

        Account.objects.filter(pk=GLOBEX).delete()

        assert [token.account for token in tokens_without_account()] == [GLOBEX]
