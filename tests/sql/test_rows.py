"""The rows of resources: which links are read and locked, and what comes with them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.population import BEGIN, EXTENSION, GONE, PEOPLE, identifier, populate
from tiled_scim import permissions
from tiled_scim.errors import ScimError
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.schemas import USER
from tiled_scim.sql import rows
from tiled_scim.sql.rows import GroupRow, UserRow

PATHS = ("user__first_name", "user__is_active")
ANN, BOB, CARL_, CARL, EDITH = (identifier(UserLink, number) for number in range(5))
SALES_OPS, SALES, EMPTY, EMIGRES, NOT_LIVE = (
    identifier(LibraryGroupLink, number) for number in range(5)
)


@pytest.fixture(autouse=True)
def population(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
    populate()


def leave(key: UUID) -> None:
    """Unlink a user."""
    UserLink.objects.filter(pk=key).update(unlinked_at=timezone.now())


def move(key: UUID) -> None:
    """Give a user to another account."""
    UserLink.objects.filter(pk=key).update(account="other")


def groups_in(text: Any) -> set[tuple[str, str]]:
    """Read the JSON that the database made of a user's groups."""
    found = json.loads(text) if isinstance(text, str) else text
    return {(group["value"].replace("-", ""), group["display"]) for group in found or ()}


IN_SALES_OPS = (SALES_OPS.hex, "Sales & Ops")
IN_SALES = (SALES.hex, "sales")


class TestLists:
    def test_live_links_of_the_account_come_in_the_order_of_their_creation(self) -> None:
        leave(BOB)
        move(CARL)
        found = rows.live_links(UserLink, "", PATHS)

        keys = [identifier(UserLink, number) for number in range(len(PEOPLE))]
        assert set(found.values_list("pk", flat=True)) == set(keys) - {BOB, CARL}
        assert [link.created_at for link in found] == sorted(link.created_at for link in found)
        # MariaDB has an order of its own for UUIDs.
        assert list(found) == list(
            UserLink.objects.filter(pk__in=found).order_by("created_at", "pk")
        )

    def test_groups_without_a_library_are_not_listed(self) -> None:
        found = rows.live_links(LibraryGroupLink, "", ())

        assert set(found.values_list("pk", flat=True)) == {SALES_OPS, SALES, EMPTY, EMIGRES}


class TestLookups:
    def test_a_user_comes_with_columns_of_the_host_and_with_groups(self) -> None:
        [row] = rows.live_rows(UserLink, "user_name_canonical", "carl ", "", PATHS)

        user = UserRow(*row[: len(rows.USER_COLUMNS)])
        assert (user.pk, user.user_name, user.external_id) == (CARL_, "carl ", "00ub")
        assert user.created_at == UserLink.objects.get(pk=CARL_).created_at
        assert row[len(rows.USER_COLUMNS) : -1] == ["", True]
        assert groups_in(row[-1]) == {IN_SALES_OPS, IN_SALES}

    def test_a_user_who_was_in_a_group_that_is_gone_has_no_groups(self) -> None:
        LibraryGroupMember.objects.exclude(group__display_name=GONE).delete()

        [row] = rows.live_rows(UserLink, "pk", ANN, "", PATHS)

        assert row[-1] is None

    def test_a_group(self) -> None:
        for column, value in (("pk", SALES), ("display_name_canonical", "sales")):
            [row] = rows.live_rows(LibraryGroupLink, column, value, "", ())
            assert GroupRow(*row)[:3] == (SALES, None, "sales")

    def test_nobody_who_left_or_whom_another_account_has(self) -> None:
        leave(BOB)
        move(CARL)

        for key in (BOB, CARL):
            assert rows.live_rows(UserLink, "pk", key, "", PATHS) == []
        assert len(rows.live_rows(UserLink, "pk", CARL, "other", PATHS)) == 1

    def test_two_tell_that_there_are_several(self) -> None:
        UserLink.objects.update(external_id="same")

        assert len(rows.live_rows(UserLink, "external_id", "same", "", PATHS)) == 2


class TestMemberships:
    def test_groups_of_users(self) -> None:
        found = rows.groups_of([ANN, CARL, EDITH])

        assert sorted(map(tuple, found), key=str) == sorted(
            [(ANN, SALES_OPS, "Sales & Ops"), (CARL, SALES, "sales")], key=str
        )

    def test_as_many_groups_as_there_may_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "MAX_MEMBERSHIPS", 2)

        assert len(rows.groups_of([CARL_])) == 2
        with pytest.raises(ScimError, match="more than 2 groups") as raised:
            rows.groups_of([ANN, CARL_])
        assert raised.value.scim_type == "tooMany"
        monkeypatch.undo()
        assert len(rows.groups_of([ANN, CARL_, CARL])) == 4

    def test_numbers_of_members(self) -> None:
        found = rows.numbers_of_members([SALES_OPS, SALES, EMPTY])

        assert found == {SALES_OPS: 3, SALES: 2}

    def test_members_of_a_group_come_in_the_order_in_which_they_were_added(self) -> None:
        UserLink.objects.update(user_name="renamed")
        expected = [(str(ANN), "ann@example.com"), (str(BOB), "BOB@example.com")]

        [page] = rows.member_rows(SALES_OPS)

        assert [tuple(row) for row in page] == [*expected, (str(CARL_), "carl ")]
        assert list(rows.member_rows(EMPTY)) == []

    def test_members_of_several_groups(self) -> None:
        found = [tuple(row) for row in rows.member_rows_of([SALES, EMIGRES, EMPTY])]

        assert found == [
            (SALES, str(CARL_), "carl "),
            (SALES, str(CARL), "carl"),
            (EMIGRES, str(identifier(UserLink, 7)), "İrem"),
        ]


class TestLocks:
    def test_a_user_comes_with_the_host_user(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            link = rows.lock_user("user_name_canonical", "carl", "", DEFAULT_DB_ALIAS)
            assert link.pk == CARL
            assert link.user.username == "person3"
            assert permissions.user_has_powers(link.user) is False

    def test_powers_that_people_gave_are_known(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        User.objects.get(username="person3").user_permissions.add(*Permission.objects.all()[:1])

        link = rows.lock_user("pk", CARL, "", DEFAULT_DB_ALIAS)

        with django_assert_num_queries(0):
            assert permissions.user_has_powers(link.user) is True

    def test_only_a_live_user_unless_another_one_is_asked_for(self) -> None:
        leave(CARL)

        assert rows.lock_user("pk", CARL, "", DEFAULT_DB_ALIAS) is None
        link = rows.lock_user("pk", CARL, "", DEFAULT_DB_ALIAS, live=False)
        assert link.pk == CARL
        assert rows.lock_user("pk", CARL, "other", DEFAULT_DB_ALIAS, live=False) is None

    def test_a_group_comes_with_its_library(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            link = rows.lock_group("display_name_canonical", "sales", "", DEFAULT_DB_ALIAS)
            assert link.pk == SALES
            assert link.library.name == "1"

    def test_only_a_live_group_unless_another_one_is_asked_for(self) -> None:
        LibraryGroupLink.objects.filter(pk=EMPTY).update(unlinked_at=timezone.now())

        for key in (NOT_LIVE, EMPTY):
            assert rows.lock_group("pk", key, "", DEFAULT_DB_ALIAS) is None
        link = rows.lock_group("pk", NOT_LIVE, "", DEFAULT_DB_ALIAS, live=False)
        assert (link.pk, link.library) == (NOT_LIVE, None)
        for live in (True, False):
            assert rows.lock_group("pk", SALES, "other", DEFAULT_DB_ALIAS, live=live) is None

    def test_a_group_that_is_not_there_is_looked_for_again_if_it_might_have_moved(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for live, number in ((True, 2), (False, 1)):
            with django_assert_num_queries(number):
                assert rows.lock_group("pk", ANN, "", DEFAULT_DB_ALIAS, live=live) is None


class TestLockedUsers:
    def test_groups_and_whether_another_account_has_the_user(self) -> None:
        move(EDITH)
        text, is_shared = rows.groups_and_sharing(CARL, DEFAULT_DB_ALIAS)
        assert groups_in(text) == {IN_SALES}
        assert not is_shared

        person = User.objects.get(username="person3")
        other = UserLink.objects.create(user=person, account="other", unlinked_at=BEGIN)
        assert not rows.groups_and_sharing(CARL, DEFAULT_DB_ALIAS)[1]

        UserLink.objects.filter(pk=other.pk).update(unlinked_at=None)
        assert rows.groups_and_sharing(CARL, DEFAULT_DB_ALIAS)[1]

    def test_values_of_the_host(self) -> None:
        user = User.objects.get(username="person1")

        found = rows.host_row(user.pk, "", ("first_name", "is_active"), DEFAULT_DB_ALIAS)

        assert tuple(found) == ("bob", False)
        assert tuple(rows.host_row(user.pk, "", ("username",), DEFAULT_DB_ALIAS)) == ("person1",)
