"""HostAdapter in the database of the simple project: what it finds, writes and leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models.signals import m2m_changed, post_save
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_user
from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tiled_scim.database.bulk import CHUNK
from tiled_scim.database.host_models import has_field, membership_accessors
from tiled_scim.errors import ScimError
from tiled_scim.host import (
    TILED_ADMIN,
    HostAdapter,
    chunks,
    library_model,
)
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning.reading import host_values_of, user_relations

pytestmark = pytest.mark.django_db

ADA = {
    "userName": "ada@example.com",
    "name.givenName": "Ada",
    "name.familyName": "Lovelace",
    "emails.value": "ada@example.com",
    "active": True,
    TILED_ADMIN: False,
}


class TwoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> dict[str, str]:
        return {"acme": "Acme Inc.", "globex": "Globex Corporation"}


@pytest.fixture
def adapter() -> HostAdapter:
    return HostAdapter()


@pytest.fixture
def groups_are_libraries(settings: LazySettings) -> None:
    """Django's groups have unique names, and reach their users from the other side."""
    settings.TILED_SCIM_LIBRARY_MODEL = "auth.Group"


@contextmanager
def listening(signal: Any, sender: type) -> Iterator[list[dict[str, Any]]]:
    """What a signal is sent with, for as long as this lasts."""
    sent: list[dict[str, Any]] = []

    def receive(**arguments: Any) -> None:
        sent.append(arguments)

    signal.connect(receive, sender=sender)
    yield sent
    signal.disconnect(receive, sender=sender)


def link_user(user: User, account: str = "", **fields: Any) -> UserLink:
    link = UserLink(user=user, account=account, **fields)
    link.rename(user.username)
    link.save()
    return link


class TestAccounts:
    def test_there_is_one_with_an_empty_key(self) -> None:
        assert HostAdapter.accounts() == {"": ""}

    def test_an_adapter_is_for_one_account(self) -> None:
        assert HostAdapter("acme").account == "acme"


class TestUserFields:
    def test_are_those_of_djangos_user_model(self, adapter: HostAdapter) -> None:
        assert adapter.user_fields == {
            "name.givenName": "first_name",
            "name.familyName": "last_name",
            "emails.value": "email",
            "active": "is_active",
            TILED_ADMIN: "is_staff",
        }

    def test_leave_out_what_the_user_model_does_not_have(
        self, adapter: HostAdapter, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADMIN_FIELD = "is_curator"

        assert TILED_ADMIN not in adapter.user_fields
        assert "active" in adapter.user_fields

    def test_are_read_from_the_user(self, adapter: HostAdapter) -> None:
        user = make_user("ada", first_name="Ada", last_name="", email="a@b.example")

        assert host_values_of(UserLink(user=user), adapter) == {
            "name.givenName": "Ada",
            "emails.value": "a@b.example",
            "active": True,
            TILED_ADMIN: False,
        }

    def test_of_a_related_row_are_read_with_the_user(self) -> None:
        class WithProfile(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                return {**super().user_fields, "title": "profile__job__title"}

            @property
            def membership_fields(self) -> dict[str, str]:
                return {"nickName": "alias"}

        assert user_relations(WithProfile()) == {"user", "user__profile__job"}


class TestFindUser:
    def test_finds_a_username_in_any_letter_case(self, adapter: HostAdapter) -> None:
        user = make_user("Ada@Example.com", email="")

        assert adapter.find_user(ADA) == user

    def test_does_not_compare_the_address_without_the_setting(
        self, adapter: HostAdapter, settings: LazySettings
    ) -> None:
        user = make_user("ada", email="ADA@example.com")

        assert adapter.find_user(ADA) is None
        settings.TILED_SCIM_ADOPT_USERS = "email"
        assert adapter.find_user(ADA) == user

    def test_finds_nobody_where_nobody_is_to_be_adopted(
        self, adapter: HostAdapter, settings: LazySettings
    ) -> None:
        make_user("ada@example.com")
        settings.TILED_SCIM_ADOPT_USERS = None

        assert adapter.find_user(ADA) is None

    @pytest.mark.parametrize("address", ["", None])
    def test_no_address_is_nobodys(
        self, adapter: HostAdapter, settings: LazySettings, address: str | None
    ) -> None:
        make_user("without", email="")
        settings.TILED_SCIM_ADOPT_USERS = "email"

        assert adapter.find_user({**ADA, "emails.value": address}) is None
        assert adapter.find_user({"userName": "ada"}) is None

    @pytest.mark.parametrize(
        "other", ["ad\N{CYRILLIC SMALL LETTER A}@example.com", "ada_@example.com", "%@example.com"]
    )
    def test_similar_is_not_the_same(self, adapter: HostAdapter, other: str) -> None:
        make_user("ada@example.com")

        assert adapter.find_user({**ADA, "userName": other}) is None

    @pytest.mark.parametrize(
        ("existing", "pushed"),
        [("jose@example.com", "josé@example.com"), ("strasse@example.com", "straße@example.com")],
    )
    def test_an_accent_makes_another_person(
        self, adapter: HostAdapter, settings: LazySettings, existing: str, pushed: str
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        make_user("somebody", email=existing)

        assert adapter.find_user({**ADA, "emails.value": pushed}) is None

    def test_two_that_differ_in_letter_case_only_are_a_conflict(
        self, adapter: HostAdapter, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        for username, address in (("first", "Ada@example.com"), ("second", "ada@example.com")):
            make_user(username, email=address)

        with pytest.raises(ScimError) as raised:
            adapter.find_user(ADA)

        assert (raised.value.status, raised.value.scim_type) == (409, "uniqueness")
        assert "emails “ada@example.com” is that of more than one user" in raised.value.detail

    def test_nobody_is_found_where_there_are_several_accounts(self) -> None:
        make_user("ada@example.com")

        assert TwoAccounts("acme").find_user(ADA) is None

    def test_a_subclass_says_who_may_be_found(self) -> None:
        class OwnPeople(TwoAccounts):
            def adoptable_users(self) -> models.QuerySet[Any]:
                return User.objects.filter(last_name=self.account)

        make_user("ada@example.com", last_name="globex")

        assert OwnPeople("acme").find_user(ADA) is None
        assert OwnPeople("globex").find_user(ADA) == User.objects.get()

    def test_an_inactive_user_is_found(self, adapter: HostAdapter) -> None:
        user = make_user("ada@example.com", is_active=False)

        assert adapter.find_user(ADA) == user


class TestCreateUser:
    def test_saves_what_was_sent_and_no_password(self, adapter: HostAdapter) -> None:
        adapter.create_user(ADA)

        user = User.objects.get()
        assert user.username == user.email == "ada@example.com"
        assert (user.first_name, user.last_name) == ("Ada", "Lovelace")
        assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
        assert not user.has_usable_password()

    def test_takes_the_models_defaults_for_what_was_not(self, adapter: HostAdapter) -> None:
        adapter.create_user({"userName": "ada"})

        user = User.objects.get()
        assert (user.first_name, user.email, user.is_active, user.is_staff) == ("", "", True, False)

    def test_normalizes_the_username_as_django_does(self, adapter: HostAdapter) -> None:
        adapter.create_user({"userName": "\N{LATIN SMALL LIGATURE FI}fi"})

        assert User.objects.get().username == "fifi"

    def test_is_seen_by_the_host(self, adapter: HostAdapter) -> None:
        with listening(post_save, User) as sent:
            user = adapter.create_user(ADA)

        assert [(event["instance"], event["created"]) for event in sent] == [(user, True)]

    def test_never_cuts_a_value_off(self, adapter: HostAdapter) -> None:
        with pytest.raises(ScimError) as raised:
            adapter.create_user({**ADA, "name.givenName": "x" * 151})

        assert (raised.value.status, raised.value.scim_type) == (400, "invalidValue")
        assert raised.value.detail.startswith("name.givenName")
        assert "150 characters" in raised.value.detail
        assert not User.objects.exists()


class TestUpdateUser:
    def test_changes_what_it_is_given_and_nothing_else(self, adapter: HostAdapter) -> None:
        user = make_user("ada", first_name="Ada", last_name="Byron", is_staff=True)

        adapter.update_user(user, {"name.familyName": "Lovelace", "active": False})

        user.refresh_from_db()
        assert (user.first_name, user.last_name) == ("Ada", "Lovelace")
        assert (user.is_active, user.is_staff) == (False, True)

    def test_leaves_the_username_unless_it_is_given(self, adapter: HostAdapter) -> None:
        user = make_user("ada")

        adapter.update_user(user, {"emails.value": "ada@example.com"})
        assert User.objects.get().username == "ada"

        adapter.update_user(user, {"userName": "ada.lovelace"})
        assert User.objects.get().username == "ada.lovelace"

    @pytest.mark.parametrize("nothing", ["", None])
    def test_clears(self, adapter: HostAdapter, nothing: str | None) -> None:
        user = make_user("ada", first_name="Ada")

        adapter.update_user(user, {"name.givenName": nothing})

        assert User.objects.get().first_name == ""

    def test_is_seen_by_the_host_once(self, adapter: HostAdapter) -> None:
        user = make_user("ada", first_name="Ada")

        with listening(post_save, User) as sent:
            adapter.update_user(user, {"name.givenName": "Augusta", TILED_ADMIN: True})

        assert [event["instance"] for event in sent] == [user]

    def test_that_changes_nothing_saves_nothing(
        self, adapter: HostAdapter, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        user = make_user("ada@example.com")
        values = {**host_values_of(UserLink(user=user), adapter), "userName": user.username}

        with listening(post_save, User) as sent, django_assert_num_queries(0):
            adapter.update_user(user, values)

        assert sent == []

    def test_leaves_related_rows_to_a_subclass(self) -> None:
        class WithProfile(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                return {**super().user_fields, "title": "profile__title"}

        user = make_user("ada", first_name="Ada")

        WithProfile().update_user(user, {"title": "Countess", "name.givenName": "Augusta"})

        assert User.objects.get().first_name == "Augusta"


class TestProtection:
    @pytest.mark.parametrize(
        ("fields", "is_protected"),
        [({}, False), ({"is_staff": True}, True), ({"is_superuser": True}, True)],
    )
    def test_is_for_superusers_and_staff(
        self, adapter: HostAdapter, fields: dict[str, bool], is_protected: bool
    ) -> None:
        assert adapter.is_protected(make_user("ada", **fields)) is is_protected

    @pytest.mark.parametrize("account", ["", "acme"])
    def test_is_not_for_those_whom_scim_made_staff(self, account: str) -> None:
        user = make_user("ada", is_staff=True)
        link_user(user, account)

        assert HostAdapter(account).is_protected(user) is (account == "acme")


class TestDeleteUser:
    def test_takes_the_link_along(self, adapter: HostAdapter) -> None:
        user = make_user("ada")
        link_user(user)

        adapter.delete_user(user)

        assert not User.objects.exists()
        assert not UserLink.objects.exists()


class TestFindLibrary:
    @pytest.fixture(autouse=True)
    def adopting(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_ADOPT_LIBRARIES = True

    def test_finds_the_name(self, adapter: HostAdapter) -> None:
        Library.objects.create(name="Moulds")
        surfaces = Library.objects.create(name="Surfaces")

        assert adapter.find_library("Surfaces") == surfaces
        assert adapter.find_library("Surf") is None

    def test_finds_the_oldest_of_two(self, adapter: HostAdapter) -> None:
        oldest, _ = (Library.objects.create(name="Surfaces") for _ in range(2))

        assert adapter.find_library("Surfaces") == oldest

    @pytest.mark.parametrize("name", ["Süd", "sud", "SUD", "Sud "])
    def test_another_spelling_is_another_library(self, adapter: HostAdapter, name: str) -> None:
        Library.objects.create(name="Sud")

        assert adapter.find_library(name) is None

    @pytest.mark.parametrize("account", ["", "globex"])
    def test_passes_over_one_that_a_group_feeds(self, adapter: HostAdapter, account: str) -> None:
        link = LibraryGroupLink(
            library=Library.objects.create(name="Surfaces"),
            account=account,
            unlinked_at=timezone.now(),
        )
        link.rename("Surfaces")
        link.save()

        assert adapter.find_library("Surfaces") is None

    def test_finds_none_if_it_is_off(self, adapter: HostAdapter, settings: LazySettings) -> None:
        Library.objects.create(name="Surfaces")
        settings.TILED_SCIM_ADOPT_LIBRARIES = False

        assert adapter.find_library("Surfaces") is None

    def test_finds_none_where_there_are_several_accounts(self) -> None:
        Library.objects.create(name="Surfaces")

        assert TwoAccounts("acme").find_library("Surfaces") is None


class TestNamingLibraries:
    def test_a_new_one_has_the_name(self, adapter: HostAdapter) -> None:
        with listening(post_save, Library) as sent:
            library = adapter.create_library("Surfaces")

        assert Library.objects.get() == library
        assert Library.objects.get().name == "Surfaces"
        assert [event["created"] for event in sent] == [True]

    def test_two_may_have_one_where_the_host_lets_them(self, adapter: HostAdapter) -> None:
        Library.objects.create(name="Surfaces")

        adapter.create_library("Surfaces")

        assert Library.objects.filter(name="Surfaces").count() == 2

    def test_a_new_name_is_saved_and_the_same_one_is_not(self, adapter: HostAdapter) -> None:
        library = Library.objects.create(name="Surfaces")

        with listening(post_save, Library) as sent:
            adapter.rename_library(library, "Surfaces")
            assert sent == []
            adapter.rename_library(library, "Moulds")

        assert [event["created"] for event in sent] == [False]
        assert Library.objects.get().name == "Moulds"

    def test_a_name_that_is_too_long_is_refused(self, adapter: HostAdapter) -> None:
        with pytest.raises(ScimError) as raised:
            adapter.create_library("x" * 201)

        assert (raised.value.status, raised.value.scim_type) == (400, "invalidValue")
        assert not Library.objects.exists()

    @pytest.mark.usefixtures("groups_are_libraries")
    def test_a_name_that_must_be_unique_is_refused_to_a_second(self, adapter: HostAdapter) -> None:
        Group.objects.create(name="Surfaces")
        moulds = Group.objects.create(name="Moulds")

        for name_it in (
            lambda: adapter.create_library("Surfaces"),
            lambda: adapter.rename_library(moulds, "Surfaces"),
        ):
            with pytest.raises(ScimError) as raised:
                name_it()
            assert (raised.value.status, raised.value.scim_type) == (409, "uniqueness")
            assert "displayName “Surfaces” is already the name of another" in raised.value.detail

        assert sorted(Group.objects.values_list("name", flat=True)) == ["Moulds", "Surfaces"]

    @pytest.mark.usefixtures("groups_are_libraries")
    def test_its_own_name_is_not_taken(self, adapter: HostAdapter) -> None:
        adapter.rename_library(Group.objects.create(name="Surfaces"), "Surfaces")

        assert Group.objects.get().name == "Surfaces"


class TestMembers:
    def test_are_granted_listed_and_revoked(self, adapter: HostAdapter) -> None:
        library = Library.objects.create(name="Surfaces")
        ada, bob, eve = (make_user(name).pk for name in ("ada", "bob", "eve"))

        adapter.grant(library, [ada, bob])
        assert adapter.members(library, [ada, eve]) == {ada}

        adapter.revoke(library, {ada, eve})
        assert set(library.members.values_list("pk", flat=True)) == {bob}

    def test_are_in_one_library_only(self, adapter: HostAdapter) -> None:
        library, other = (Library.objects.create(name=name) for name in ("Surfaces", "Moulds"))
        user = make_user("ada")

        adapter.grant(library, [user.pk])

        assert adapter.members(other, [user.pk]) == set()

    def test_are_granted_twice_without_harm(self, adapter: HostAdapter) -> None:
        library, user = Library.objects.create(name="Surfaces"), make_user("ada")

        adapter.grant(library, [user.pk])
        adapter.grant(library, [user.pk])

        assert library.members.count() == 1

    def test_are_seen_by_the_host(self, adapter: HostAdapter) -> None:
        library, user = Library.objects.create(name="Surfaces"), make_user("ada")

        with listening(m2m_changed, Library.members.through) as sent:
            adapter.grant(library, [user.pk])
            adapter.revoke(library, [user.pk])

        assert [(event["action"], event["pk_set"]) for event in sent] == [
            (action, {user.pk}) for action in ("pre_add", "post_add", "pre_remove", "post_remove")
        ]

    def test_may_be_more_than_fit_into_a_query(self, adapter: HostAdapter) -> None:
        library = Library.objects.create(name="Surfaces")
        users = insert(User(username=f"person{number}") for number in range(2 * CHUNK + 1))
        keys = {user.pk for user in users}

        adapter.grant(library, keys)
        assert adapter.members(library, keys) == keys

        adapter.revoke(library, keys)
        assert not library.members.exists()

    def test_nobody_is_no_query(
        self, adapter: HostAdapter, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        library = Library.objects.create(name="Surfaces")

        with django_assert_num_queries(0):
            adapter.grant(library, [])
            adapter.revoke(library, [])
            assert adapter.members(library, []) == set()

    @pytest.mark.usefixtures("groups_are_libraries")
    def test_are_reached_from_the_other_side(self, adapter: HostAdapter) -> None:
        group, user = Group.objects.create(name="Surfaces"), make_user("ada")

        adapter.grant(group, [user.pk])

        assert list(user.groups.all()) == [group]
        assert adapter.members(group, [user.pk]) == {user.pk}

    def test_are_where_the_setting_says(self, adapter: HostAdapter, settings: LazySettings) -> None:
        settings.TILED_SCIM_LIBRARY_MODEL = "auth.Permission"
        settings.TILED_SCIM_LIBRARY_MEMBERS_FIELD = "user_set"
        permission = library_model()._default_manager.first()
        assert permission is not None
        user = make_user("ada")

        adapter.grant(permission, [user.pk])

        assert list(user.user_permissions.all()) == [permission]


class TestModels:
    @pytest.mark.parametrize(
        ("model", "names"), [(Library, ["members"]), (Group, ["user_set"]), (UserLink, [])]
    )
    def test_their_ways_to_users_are_found_from_either_side(
        self, model: type[models.Model], names: list[str]
    ) -> None:
        assert membership_accessors(model) == names

    @pytest.mark.parametrize(
        ("name", "is_there"),
        [("name", True), ("members", False), ("scim_links", False), ("title", False)],
    )
    def test_have_a_field_or_not(self, name: str, is_there: bool) -> None:
        assert has_field(Library, name) is is_there


class TestChunks:
    @pytest.mark.parametrize(
        ("size", "sizes"),
        [(0, []), (1, [1]), (CHUNK, [CHUNK]), (2 * CHUNK + 1, [CHUNK, CHUNK, 1])],
    )
    def test_are_full_but_for_the_last(self, size: int, sizes: list[int]) -> None:
        cut = list(chunks(range(size)))

        assert [len(chunk) for chunk in cut] == sizes
        assert [value for chunk in cut for value in chunk] == list(range(size))
