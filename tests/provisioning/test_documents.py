"""A document is divided into stored values, and read again as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.utils.timezone import override
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scim.test_patch_properties import documents
from tiled_scim.accounts import AccountAdapter
from tiled_scim.attributes import Attribute
from tiled_scim.errors import ScimError
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning.documents import (
    StoredValues,
    date_time,
    hidden_values,
    host_changes,
    host_input,
    is_active,
    keeps_values,
    read_group,
    read_user,
    split,
    split_apart,
    values_of_row,
    values_of_user,
    with_unnamed_booleans,
    with_username,
)
from tiled_scim.schemas import ENTERPRISE_USER, TILED_ADMIN, TILED_USER, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import HostFields, host_fields

NUMBER = f"{ENTERPRISE_USER}:employeeNumber"


class Adapter(HostAdapter):
    """Stores a value of each kind: of the schema and an extension, simple, complex and of many."""

    user_fields = {
        "name.givenName": "first_name",
        "emails.value": "email",
        "title": "last_name",
        "active": "is_active",
        TILED_ADMIN: "is_staff",
        NUMBER: "password",
    }


class AdapterOfReadOnlyValues(HostAdapter):
    user_fields = {"groups.value": "email", "title": "last_name"}


class AdapterOfNamesByAddress(HostAdapter):
    user_fields = {"emails.value": "username"}


FIELDS = host_fields(Adapter())
BY_ADDRESS = host_fields(AdapterOfNamesByAddress())
IS_ADMIN = {TILED_ADMIN: True}
ADDRESS = {"value": "a@b.example", "type": "work"}
ADA: Document = {
    "userName": "ada",
    "externalId": "00u1",
    "active": True,
    "title": "Head",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "ada@home.example", "type": "home"}, ADDRESS],
    ENTERPRISE_USER: {"employeeNumber": "1", "division": "Engines"},
    TILED_USER: {"tiledAdmin": True},
}


def read(stored: StoredValues, fields: HostFields, *, keeps_own_values: bool) -> Document:
    columns = {name: value for name, value in stored.columns.items() if value is not None}
    link = UserLink(attributes=stored.attributes, keeps_own_values=keeps_own_values, **columns)
    return read_user(link, stored.host, fields)


@given(documents())
@example(ADA)
def test_is_read_as_it_was_where_the_host_has_the_values(document: Document) -> None:
    assert read(split(document, USER, FIELDS), FIELDS, keeps_own_values=False) == document


@given(documents())
@example(ADA)
def test_is_read_as_it_was_where_the_link_keeps_them(document: Document) -> None:
    assert read(split_apart(document, FIELDS), FIELDS, keeps_own_values=True) == document


def test_each_value_is_stored_once() -> None:
    stored = split(ADA, USER, FIELDS)

    assert stored.host == {
        "name.givenName": "Ada",
        "emails.value": "a@b.example",
        "title": "Head",
        "active": True,
        TILED_ADMIN: True,
        NUMBER: "1",
    }
    assert stored.columns == {"user_name": "ada", "external_id": "00u1"}
    assert stored.attributes == {
        "name": {"familyName": "Lovelace"},
        "emails": [{"value": "ada@home.example", "type": "home"}, {"type": "work"}],
        ENTERPRISE_USER: {"division": "Engines"},
    }


@pytest.mark.parametrize("empty", [{"title": ""}, {"name": {"givenName": ""}}])
def test_an_empty_text_is_no_value(empty: Document) -> None:
    assert split({"userName": "ada", **empty}, USER, FIELDS).host == {}


@pytest.mark.parametrize("was_mapped", [True, False])
def test_a_value_that_only_the_host_has_is_that_of_a_primary_element(was_mapped: bool) -> None:
    """The host may have named the column after the push."""
    stored = split({"userName": "ada", "active": True}, USER, FIELDS if was_mapped else ())
    stored.host["emails.value"] = "a@b.example"

    shown = read(stored, FIELDS, keeps_own_values=False)

    assert shown["emails"] == [{"value": "a@b.example", "primary": True}]


def test_the_link_keeps_values_of_the_person_only() -> None:
    stored = split_apart(ADA, FIELDS)

    assert stored.host == {"active": True}
    assert stored.attributes["emails"] == ADA["emails"]
    assert stored.attributes[ENTERPRISE_USER] == ADA[ENTERPRISE_USER]


@pytest.mark.parametrize(
    ("sent", "kept"), [([ADDRESS], [ADDRESS]), ([], [{"value": "ada", "primary": True}])]
)
def test_an_address_that_is_a_username_begins_as_one(
    sent: list[Document], kept: list[Document]
) -> None:
    stored = split_apart({"userName": "ada", "emails": sent}, BY_ADDRESS)

    assert stored.attributes["emails"] == kept


@pytest.mark.parametrize("others", [{}, {"emails": [{"type": "work"}]}])
def test_a_username_that_was_removed_remains(others: Document) -> None:
    before: Document = {"userName": "ada", "emails": [ADDRESS]}

    remaining = with_username({"userName": "bob", **others}, before, BY_ADDRESS)

    emails = cast("list[Document]", remaining["emails"])
    assert [email["value"] for email in emails] == ["a@b.example"]
    assert before == {"userName": "ada", "emails": [ADDRESS]}


def test_a_new_username_replaces_it() -> None:
    after: Document = {"userName": "ada", "emails": [{"value": "new@b.example"}]}

    assert with_username(after, {"userName": "ada", "emails": [ADDRESS]}, BY_ADDRESS) == after


def test_other_values_are_removed() -> None:
    before: Document = {"userName": "ada", "emails": [ADDRESS], "title": "Head"}

    assert with_username({"userName": "ada"}, before, FIELDS) == {"userName": "ada"}


@pytest.mark.parametrize(
    ("values", "expected"), [({}, True), ({"active": True}, True), ({"active": False}, False)]
)
def test_without_a_field_for_it_everybody_is_active(
    values: dict[str, bool], expected: bool
) -> None:
    assert is_active(values) is expected


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=2)))))
def test_a_time_is_in_utc(moment: datetime) -> None:
    text = date_time(moment)

    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment.astimezone(UTC)


def test_a_time_without_a_zone_is_in_that_of_the_host(settings: LazySettings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"

    with override("Asia/Tokyo"):  # as a middleware does for a person
        assert date_time(datetime(2026, 7, 1, 12)) == "2026-07-01T10:00:00Z"  # noqa: DTZ001 (such a host has these)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(ScimError, match=r"externalId.* 255 ") as caught:
        split({"userName": "ada", "externalId": "x" * 256}, USER, FIELDS)

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("hidden", "shown"), [({TILED_ADMIN: True}, False), ({TILED_ADMIN: False}, True), ({}, True)]
)
def test_a_boolean_is_hidden_until_the_host_changes_it(
    hidden: dict[str, bool], shown: bool
) -> None:
    link = UserLink(user_name="ada", hidden_values=hidden)

    document = read_user(link, {"active": True, TILED_ADMIN: True}, FIELDS)

    assert (TILED_USER in document) is shown
    assert document["active"] is True


def test_a_group_is_read_from_its_link() -> None:
    link = LibraryGroupLink(display_name="Sales", external_id="00g1", attributes={})

    assert read_group(link) == {"displayName": "Sales", "externalId": "00g1"}
    assert read_group(LibraryGroupLink(display_name="Sales")) == {"displayName": "Sales"}


class TestValuesOfRow:
    @pytest.mark.parametrize("suspended", [False, True])
    def test_a_suspended_user_is_inactive(self, suspended: bool) -> None:
        row = ["Ada", None, "", True, False, "1"]

        assert values_of_row(row, FIELDS, suspended=suspended) == {
            "name.givenName": "Ada",
            "active": not suspended,
            TILED_ADMIN: False,
            NUMBER: "1",
        }

    def test_a_membership_decides_alone(self) -> None:
        fields = (replace(FIELDS[3], scope="membership"),)

        assert values_of_row([True], fields, suspended=True) == {"active": True}

    def test_values_of_other_types_are_texts(self) -> None:
        fields = (FIELDS[0], FIELDS[2])
        joined = datetime(2026, 7, 1, tzinfo=UTC)

        assert values_of_row([5, joined], fields, suspended=False) == {
            "name.givenName": "5",
            "title": "2026-07-01T00:00:00Z",
        }


def test_the_values_of_a_user_are_those_of_its_host_user() -> None:
    ada = User(first_name="Ada", email="a@b.example", is_active=True, is_staff=True)

    assert values_of_user(UserLink(user=ada), FIELDS, suspended=True) == {
        "name.givenName": "Ada",
        "emails.value": "a@b.example",
        "active": False,
        TILED_ADMIN: True,
    }


@pytest.mark.parametrize(
    ("sent", "complete"),
    [
        ({}, {TILED_USER: {"tiledAdmin": True}}),
        ({TILED_USER: {"tiledAdmin": False}}, {TILED_USER: {"tiledAdmin": False}}),
    ],
)
def test_a_boolean_of_the_person_stays_where_it_is_not_named(
    sent: Document, complete: Document
) -> None:
    document: Document = {"userName": "ada", **sent}

    assert with_unnamed_booleans(document, ADA, FIELDS) == {"userName": "ada", **complete}
    assert document == {"userName": "ada", **sent}


@pytest.mark.parametrize(
    ("sent", "stored", "is_same"),
    [
        ("2026-07-01T12:00:00+02:00", "2026-07-01T10:00:00Z", True),
        ("2026-07-01T12:00:00Z", "2026-07-01T10:00:00Z", False),
        ("2026-07-01T12:00:00Z", None, False),
        (None, "2026-07-01T10:00:00Z", False),
        (None, None, True),
    ],
)
def test_a_time_is_the_same_in_another_zone(
    sent: str | None, stored: str | None, is_same: bool
) -> None:
    path = replace(FIELDS[2].path, attribute=Attribute("since", "dateTime"))
    since = replace(FIELDS[2], name="since", path=path)

    changes = host_changes({"since": sent}, {"since": stored}, (since,), hidden={})

    assert changes == ({} if is_same else {"since": sent})


class OtherAdapter(Adapter):
    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        """Save it in another way."""


class CreatingAdapter(Adapter):
    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return User()


@pytest.mark.parametrize(
    ("adapter", "fields", "expected"),
    [
        (Adapter(), FIELDS, True),
        (AccountAdapter(), FIELDS, True),
        (OtherAdapter(), FIELDS, False),
        (CreatingAdapter(), FIELDS, False),
        (Adapter(), (*FIELDS, replace(FIELDS[0], column="date_joined")), False),
    ],
)
def test_the_host_keeps_values_that_our_adapters_save(
    adapter: HostAdapter, fields: HostFields, expected: bool
) -> None:
    assert keeps_values(adapter, fields) is expected


@pytest.mark.parametrize(
    ("host", "current", "before", "removes", "hidden"),
    [
        ({}, {}, {}, False, {}),
        # Absent in a PUT: they stay as they are, hidden or not.
        ({}, IS_ADMIN, {}, False, {}),
        ({}, IS_ADMIN, IS_ADMIN, False, IS_ADMIN),
        # Sent again as the host has changed it since: still nothing that a client has set.
        (
            {TILED_ADMIN: True},
            {TILED_ADMIN: True},
            {TILED_ADMIN: False},
            False,
            {TILED_ADMIN: False},
        ),
        (IS_ADMIN, IS_ADMIN, IS_ADMIN, False, {}),
        ({TILED_ADMIN: False}, IS_ADMIN, {TILED_ADMIN: False}, False, {}),
        # Removed by a PATCH.
        ({}, {"active": True, TILED_ADMIN: True}, {}, True, {"active": True, TILED_ADMIN: False}),
        ({"active": True}, {"active": True}, {}, True, {TILED_ADMIN: False}),
        ({}, {}, {}, True, {"active": False, TILED_ADMIN: False}),
    ],
)
def test_hidden_booleans(
    host: dict[str, Any],
    current: dict[str, Any],
    before: dict[str, bool],
    removes: bool,
    hidden: dict[str, bool],
) -> None:
    assert hidden_values(host, current, before, FIELDS, removes=removes) == hidden


@pytest.mark.parametrize(
    ("host", "current", "hidden", "clears", "changes"),
    [
        ({"title": "Head"}, {"title": "Clerk"}, {}, True, {"title": "Head"}),
        ({"title": "Head"}, {"title": "Head"}, {}, True, {}),
        ({"title": "head"}, {"title": "Head"}, {}, True, {"title": "head"}),
        ({}, {"title": "Clerk"}, {}, True, {"title": None}),
        ({}, {"title": "Clerk", NUMBER: "1"}, {}, False, {}),
        ({NUMBER: "2"}, {"title": "Clerk", NUMBER: "1"}, {}, False, {NUMBER: "2"}),
        # Booleans are never cleared, only removed.
        ({}, {"active": True, TILED_ADMIN: True, NUMBER: "1"}, {}, True, {NUMBER: None}),
        ({}, {"active": True, TILED_ADMIN: True}, {TILED_ADMIN: False}, True, {TILED_ADMIN: False}),
        ({"active": False}, {}, {}, True, {}),
        ({"active": True}, {}, {}, True, {"active": True}),
    ],
)
def test_changes_of_the_host(
    host: dict[str, Any],
    current: dict[str, Any],
    hidden: dict[str, bool],
    clears: bool,
    changes: dict[str, Any],
) -> None:
    assert host_changes(host, current, FIELDS, hidden=hidden, clears=clears) == changes


def test_what_clients_may_not_write_is_neither_hidden_nor_changed() -> None:
    fields = host_fields(AdapterOfReadOnlyValues())

    assert split({"userName": "ada", "groups": [{"value": "1"}]}, USER, fields).host == {}
    assert host_changes({"groups.value": "1", "title": "x"}, {}, fields, hidden={}) == {
        "title": "x"
    }


def test_the_adapter_clears_by_an_empty_text() -> None:
    assert host_input({"title": None, "active": False}) == {"title": "", "active": False}
