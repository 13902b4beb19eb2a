"""Tests of `scim_check` for each of several accounts, and of what it deletes afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ProtectedError
from django.test import override_settings

from tests.factories import make_library, make_user
from tests.oauth.token_requests import granted, new_client
from tests.servers import Call, Fault, Forward, Reply, faulty
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim.errors import uniqueness
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provider_check.names import names_for
from tiled_scim.provider_check.okta.sequence import SEQUENCE
from tiled_scim.provisioning.moving import move

from .checking import (
    NAMES,
    Check,
    assert_only_the_deactivated_person_is_left,
)

READY = f"The server is ready for Okta: {len(SEQUENCE)} passed."


class Customers(HostAdapter):
    """Two accounts. Usernames and names of Libraries are unique among both."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "Globex": "Globex Corporation"}

    def create_library(self, name: str) -> models.Model:
        if Library.objects.filter(name=name).exists():
            raise uniqueness(f"displayName “{name}” is taken.")
        return super().create_library(name)


class WithOwner(HostAdapter):
    """A host that gives each new Library to somebody."""

    def create_library(self, name: str) -> models.Model:
        library = cast(Library, super().create_library(name))
        library.members.add(User.objects.get(username="owner"))
        return library


def after_delete(change: Callable[[], None]) -> Fault:
    """Have people change something just after the test group was deleted."""

    def forward_and_change(call: Call, forward: Forward) -> Reply:
        reply = forward(call)
        if call.method == "DELETE":
            change()
            # That of this thread. SQLite's own method keeps databases in memory open.
            BaseDatabaseWrapper.close(connection)
        return reply

    return forward_and_change


def check_of(account: str) -> Check:
    return Check(new_token(account)[1])


@pytest.fixture
def customers(transactional_db: None) -> Iterator[None]:
    with override_settings(TILED_SCIM_HOST_ADAPTER=Customers):
        yield


@pytest.mark.usefixtures("customers")
class TestAccounts:
    @pytest.mark.parametrize("is_named", [True, False])
    def test_the_second_customer_passes_like_the_first(self, scim_url: str, is_named: bool) -> None:
        for account in ("acme", "Globex", "acme"):
            check = check_of(account)
            options: dict[str, Any] = {"account": account} if is_named else {}

            assert check.run(scim_url, **options), check.output
            assert READY in check.output

        links = UserLink.objects.order_by("account")
        assert [(link.account, link.user_name, link.user.is_active) for link in links] == [
            ("Globex", names_for("Globex").user, False),
            ("acme", names_for("acme").user, False),
        ]
        assert not LibraryGroupLink.objects.live("acme").exists()
        assert not LibraryGroupLink.objects.live("Globex").exists()
        assert not Library.objects.exists()

    def test_an_access_token_of_a_client_is_as_good(self, scim_url: str) -> None:
        check = Check(granted(new_client("acme")))

        assert check.run(scim_url), check.output
        assert READY in check.output
        assert not Library.objects.exists()

    def test_a_user_and_a_group_of_another_name_are_used(self, scim_url: str) -> None:
        check = check_of("acme")

        assert check.run(scim_url, user="nobody@acme.example"), check.output

        assert User.objects.get().username == "nobody@acme.example"
        assert not Library.objects.exists()

    def test_the_account_must_be_that_of_the_token(self, scim_url: str) -> None:
        check = check_of("acme")

        assert not check.run(scim_url, account="Globex")

        assert check.error_message == "The token is not one of the account 'Globex', but of 'acme'."
        assert not User.objects.exists()

    @pytest.mark.parametrize("error", [DatabaseError, ImproperlyConfigured])
    def test_without_the_servers_database_an_account_is_only_a_name(
        self, scim_url: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        class Missing:
            def find(self, token: str) -> None:
                raise error("there is no such table")

        check = check_of("acme")
        monkeypatch.setattr("tiled_scim.management.check_cleanup.credentials", Missing())

        assert check.run(scim_url, account="elsewhere"), check.output

        assert User.objects.get().username == names_for("elsewhere").user
        assert Library.objects.get().name == names_for("elsewhere").group


class TestPeople:
    def test_a_person_of_the_host_is_not_taken_for_the_test_user(
        self, check: Check, scim_url: str
    ) -> None:
        ada = make_user("ada@example.com", email="ada@example.com")

        assert not check.run(scim_url, user="ada@example.com")

        assert check.error_message == (
            "There is a user 'ada@example.com' already. Give the name of nobody."
        )
        ada.refresh_from_db()
        assert (ada.first_name, ada.is_active) == ("Hope", True)
        assert not UserLink.objects.exists()

    def test_a_pushed_person_is_not_taken_for_the_test_user(
        self, check: Check, scim_url: str
    ) -> None:
        scim = Scim(f"Bearer {check.token}")
        key = scim.add_user("ada@example.com", familyName="Lovelace")

        assert not check.run(scim_url, user="Ada@example.com")

        assert "There is a person Ada@example.com, whom this check did not create." in check.output
        assert "Cleaning up" not in check.output
        assert UserLink.objects.get(pk=key).user.is_active
        assert User.objects.count() == 1


class TestTheEmptyLibrary:
    def test_it_is_deleted(self, check: Check, scim_url: str) -> None:
        assert check.run(scim_url), check.output

        deleted = f"Deleted the empty library “{NAMES.group}”, which the check had made."
        assert deleted in check.output.replace("Library “", "library “")
        assert_only_the_deactivated_person_is_left()

    def test_one_with_the_same_name_that_people_made_is_kept(
        self, check: Check, scim_url: str
    ) -> None:
        theirs = make_library(NAMES.group)

        assert check.run(scim_url), check.output

        assert list(Library.objects.all()) == [theirs]

    @override_settings(TILED_SCIM_ADOPT_LIBRARIES=True)
    def test_one_that_the_group_adopted_is_kept(self, check: Check, scim_url: str) -> None:
        theirs = make_library(NAMES.group)

        assert check.run(scim_url), check.output

        assert list(Library.objects.all()) == [theirs]
        assert f"“{NAMES.group}”, which is not only this check's." in check.output

    def test_one_that_the_group_was_moved_to_is_kept(self, check: Check, scim_url: str) -> None:
        scim = Scim(f"Bearer {check.token}")
        scim.add_group(NAMES.group)
        theirs = make_library("Surfaces")
        move(LibraryGroupLink.objects.get(), theirs.pk, "a test")
        Library.objects.exclude(pk=theirs.pk).delete()
        Library.objects.update(name=NAMES.group)

        assert check.run(scim_url), check.output

        assert list(Library.objects.all()) == [theirs]

    def test_one_with_somebody_in_it_is_kept(self, check: Check, scim_url: str) -> None:
        def join() -> None:
            Library.objects.get().members.add(User.objects.get())

        with faulty(scim_url, after_delete(join)) as url:
            check.run(url)

        library = Library.objects.get()
        assert library.members.count() == 1
        assert "which is not only this check's." in check.output

    def test_one_that_the_host_gave_to_somebody_is_kept(self, check: Check, scim_url: str) -> None:
        owner = make_user("owner")

        with override_settings(TILED_SCIM_HOST_ADAPTER=WithOwner):
            assert check.run(scim_url), check.output

        assert list(Library.objects.get().members.all()) == [owner]

    def test_one_that_people_renamed_is_kept(self, check: Check, scim_url: str) -> None:
        def rename() -> None:
            Library.objects.update(name="Ours now")

        with faulty(scim_url, after_delete(rename)) as url:
            assert check.run(url), check.output

        assert Library.objects.get().name == "Ours now"

    def test_one_that_another_group_feeds_is_kept(self, check: Check, scim_url: str) -> None:
        scim = Scim(f"Bearer {check.token}")
        key = scim.add_group("Sales")

        def feed() -> None:
            library = Library.objects.get(name=NAMES.group)
            LibraryGroupLink.objects.filter(pk=key).update(library=library)

        with faulty(scim_url, after_delete(feed)) as url:
            check.run(url)

        assert Library.objects.filter(name=NAMES.group).exists()

    def test_one_that_the_host_protects_is_kept(
        self, check: Check, scim_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(library: Library) -> None:
            raise ProtectedError("protected", set())

        monkeypatch.setattr(Library, "delete", refuse)

        assert check.run(scim_url), check.output

        assert Library.objects.get().name == NAMES.group
        assert "which other rows refer to." in check.output

    def test_what_an_earlier_run_left_is_deleted(self, check: Check, scim_url: str) -> None:
        scim = Scim(f"Bearer {check.token}")
        scim.add_group(NAMES.group)
        library = Library.objects.get()

        assert check.run(scim_url), check.output

        assert not Library.objects.filter(pk=library.pk).exists()
        assert_only_the_deactivated_person_is_left()

    def test_the_library_of_a_server_elsewhere_is_kept(
        self, check: Check, scim_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "tiled_scim.management.commands.scim_check.account_of", lambda token: None
        )

        assert check.run(scim_url), check.output

        assert Library.objects.get().name == NAMES.group
        assert f"also keeps {NAMES.group}, empty." in check.output
