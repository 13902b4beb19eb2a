"""What a write changes of a user, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.db.models import UniqueConstraint
from django.utils import timezone

from tiled_scim.host import TILED_ADMIN, HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.provisioning.documents import split, split_apart
from tiled_scim.provisioning.locked_user import LockedUser
from tiled_scim.provisioning.user_planning import Plan, UserPlanner
from tiled_scim.schemas import TILED_USER, USER
from tiled_scim.scim.cleaning import Document
from tiled_scim.sql.host_fields import host_fields

pytestmark = pytest.mark.django_db

NAME: Document = {"givenName": "Ada", "familyName": "Lovelace"}
EMAILS = [{"value": "ada@example.com", "primary": True}]
ADA: Document = {"userName": "ada", "active": True, "title": "Head", "name": NAME, "emails": EMAILS}
ADMIN: Document = {TILED_USER: {"tiledAdmin": True}}
AUGUSTA: Document = {**ADA, "name": {**NAME, "givenName": "Augusta"}}
# What the link keeps of an address that the host has, and of all values of the person.
PLACEHOLDER = {"title": "Head", "emails": [{"primary": True}]}
OWN: Document = {"title": "Head", "name": NAME, "emails": EMAILS}
KEEPS = {"keeps_own_values": True}
UNIQUE_EMAIL = UniqueConstraint(fields=["email"], name="email")
NOTHING = Plan({}, {}, {})


class Adapter(HostAdapter):
    """A host without accounts."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, TILED_ADMIN: "is_staff"}


class OfAccount(Adapter):
    """A host whose accounts may change the person."""

    asked: ClassVar[list[tuple[Any, Mapping[str, Any]]]] = []
    may_change: ClassVar[bool] = True

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc."}

    def may_change_person(self, user: Any, values: Mapping[str, Any]) -> bool:
        self.asked.append((user, values))
        return self.may_change


class OfShared(OfAccount):
    """A host whose accounts keep their own values of a person."""

    may_change = False


class Trusting(Adapter):
    """A host that lets SCIM replace an address by one that begins with the username."""

    def may_replace_email(self, user: Any, email: str) -> bool:
        return email.startswith(user.username)


class ByAddress(OfAccount):
    """A host whose usernames are email addresses."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "username"}


def adopted(adapter: HostAdapter, *, sent: Document = ADA, **columns: Any) -> LockedUser:
    """A user whom people made, with a link that is not saved yet."""
    values = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
    user = User.objects.create(**{"username": "ada", **values, **columns})
    fields = host_fields(adapter)
    link = UserLink(
        user=user, account=adapter.account, attributes=split(sent, USER, fields).attributes
    )
    link.rename("ada")
    return LockedUser(link, adapter, fields)


def known(
    adapter: HostAdapter,
    document: Document = ADA,
    of_link: Mapping[str, Any] | None = None,
    **columns: Any,
) -> LockedUser:
    """A user whom SCIM manages."""
    user = adopted(adapter, sent=document, **columns)
    if (of_link or {}).get("keeps_own_values"):
        user.link.attributes = split_apart(document, user.fields).attributes
    for name, value in (of_link or {}).items():
        setattr(user.link, name, value)
    user.link.save()
    return LockedUser(user.link, adapter, user.fields)


def plan(user: LockedUser, document: Document, **options: bool) -> Plan:
    return UserPlanner(user.adapter, user.fields).plan(user, user.document(), document, **options)


class TestKnownUser:
    @pytest.mark.parametrize("account", [Adapter(), OfAccount("acme"), OfShared("acme")])
    def test_same_document_changes_nothing(self, account: HostAdapter) -> None:
        found = plan(known(account), ADA)

        assert (found, found.is_empty) == (NOTHING, True)

    def test_values_go_to_the_link_and_to_the_host(self) -> None:
        found = plan(known(Adapter()), {**AUGUSTA, "externalId": "00u1", "title": "Boss"})

        attributes = {**PLACEHOLDER, "title": "Boss"}
        columns = {"external_id": "00u1", "attributes": attributes}
        assert found == Plan(columns, {"name.givenName": "Augusta"}, {})
        assert not found.is_empty
        assert not Plan({}, {"active": False}, {}).is_empty

    def test_absent_values_are_cleared_and_absent_booleans_are_not(self) -> None:
        found = plan(known(Adapter(), is_staff=True), {"userName": "ada"})

        names = ("name.givenName", "name.familyName", "emails.value")
        assert found.host == dict.fromkeys(names)
        assert found.columns == {"attributes": {"emails": [{"primary": True}]}}

    def test_removed_booleans_are_hidden_and_take_nobody_the_access(self) -> None:
        document = {name: value for name, value in ADA.items() if name != "active"}

        found = plan(known(Adapter(), is_staff=True), document, removes=True)

        hidden = {"active": True, TILED_ADMIN: False}
        assert found == Plan({"hidden_values": hidden}, {TILED_ADMIN: False}, {})

    def test_hidden_boolean_that_the_host_has_changed_since_stays_as_it_is(self) -> None:
        user = known(Adapter(), of_link={"hidden_values": {TILED_ADMIN: False}}, is_staff=True)

        assert plan(user, ADA) == NOTHING

    @pytest.mark.parametrize(
        ("username", "follows"), [("ada", True), ("ADA", True), ("countess", False)]
    )
    def test_username_of_the_host_follows_unless_people_gave_another(
        self, username: str, follows: bool
    ) -> None:
        found = plan(known(Adapter(), username=username), {**ADA, "userName": "bob"})

        assert found == Plan({"user_name": "bob"}, {"userName": "bob"} if follows else {}, {})

    @pytest.mark.parametrize("has_account", [False, True])
    def test_email_of_a_known_user_is_changed(self, has_account: bool) -> None:
        user = known(OfAccount("acme") if has_account else Adapter(), email="old@example.com")

        assert plan(user, ADA) == Plan({}, {"emails.value": "ada@example.com"}, {})

    @pytest.mark.parametrize("account", ["", "acme"])
    def test_username_that_is_an_address_is_not_cleared_in_an_account(self, account: str) -> None:
        user = known(ByAddress(account), username="ada@example.com")

        found = plan(user, {name: value for name, value in ADA.items() if name != "emails"})

        assert found.host == ({} if account else {"emails.value": None})


class TestAdoptedUser:
    def test_keeps_what_the_client_did_not_send(self) -> None:
        user = adopted(Adapter(), is_staff=True)

        assert plan(user, {"userName": "ada", "active": True}).host == {}

    @pytest.mark.parametrize(
        ("sent", "columns", "hidden"),
        [
            ({"active": True}, {}, {TILED_ADMIN: False}),
            ({"active": True}, {"is_staff": True}, {}),
            ({"active": True, **ADMIN}, {}, {}),
            ({**ADMIN}, {"is_active": False}, {"active": False}),
        ],
    )
    def test_false_booleans_that_were_not_sent_are_hidden(
        self, sent: Document, columns: dict[str, Any], hidden: dict[str, bool]
    ) -> None:
        found = plan(adopted(Adapter(), **columns), {"userName": "ada", **sent})

        assert found.columns.get("hidden_values", {}) == hidden

    @pytest.mark.parametrize(
        ("username", "email", "new"),
        [
            ("countess", "", "ada@example.com"),
            ("countess", "old@example.com", None),
            ("ada", "old@example.com", "ada@example.com"),
            ("ada", "ada@example.com", None),
        ],
    )
    def test_address_that_people_gave_stays_unless_it_may_be_replaced(
        self, username: str, email: str, new: str | None
    ) -> None:
        found = plan(adopted(Trusting(), username=username, email=email), ADA)

        assert found.host.get("emails.value") == new


class TestValuesOfTheLink:
    """Those of a person whom another account has, too."""

    def test_keep_what_differs_from_the_host(self) -> None:
        adapter = OfShared("acme")
        adapter.asked.clear()

        user = known(adapter, {**ADA, **ADMIN}, is_staff=True)
        found = plan(user, {**AUGUSTA, **ADMIN})

        attributes = {**OWN, **ADMIN, "name": {**NAME, "givenName": "Augusta"}}
        columns = {"attributes": attributes, "keeps_own_values": True}
        assert found == Plan(columns, {}, {"name.givenName": "Augusta"})
        values = {
            "userName": "ada",
            "name.givenName": "Augusta",
            "name.familyName": "Lovelace",
            "emails.value": "ada@example.com",
            TILED_ADMIN: True,
        }
        assert adapter.asked == [(user.link.user, values)]

    def test_are_those_of_the_host_again_when_the_account_may_change_it(self) -> None:
        user = known(OfAccount("acme"), AUGUSTA, KEEPS)

        found = plan(user, {**AUGUSTA, "name": {**NAME, "givenName": "Countess"}})

        columns = {"attributes": PLACEHOLDER, "keeps_own_values": False}
        assert found == Plan(columns, {"name.givenName": "Countess"}, {})

    def test_do_not_begin_with_a_value_of_the_account(self) -> None:
        found = plan(known(OfShared("acme")), {**ADA, "title": "Boss", "active": False})

        assert found == Plan(
            {"attributes": {**PLACEHOLDER, "title": "Boss"}}, {"active": False}, {}
        )

    def test_stay_where_they_are(self) -> None:
        assert plan(known(OfShared("acme"), AUGUSTA, KEEPS), AUGUSTA) == NOTHING

    def test_do_not_exist_without_accounts(self) -> None:
        adapter = OfShared()

        assert plan(known(adapter), AUGUSTA) == Plan({}, {"name.givenName": "Augusta"}, {})

    def test_include_the_name(self) -> None:
        found = plan(known(OfShared("acme")), {**ADA, "userName": "bob"})

        assert (found.columns["user_name"], found.host, found.own) == (
            "bob",
            {},
            {"userName": "bob"},
        )

    def test_of_an_adopted_user_are_all_new(self) -> None:
        found = plan(adopted(OfShared("acme")), ADA)

        assert (found.columns["keeps_own_values"], found.host) == (True, {})
        assert found.own == {
            "userName": "ada",
            "name.givenName": "Ada",
            "name.familyName": "Lovelace",
            "emails.value": "ada@example.com",
        }

    def test_include_an_address_that_is_the_username(self) -> None:
        """An account must not see whether another one has the user."""
        user = adopted(ByAddress("acme"))
        user.was_created = True

        found = plan(user, {"userName": "bob"})

        assert found.columns["attributes"]["emails"] == [{"value": "bob", "primary": True}]

    @pytest.mark.parametrize(
        ("changes", "removes", "stays"),
        [
            ({}, False, True),
            ({}, True, False),
            ({"unlinked_at": timezone.now()}, False, False),
        ],
    )
    def test_lose_a_boolean_that_a_put_does_not_name_only_if_the_user_had_left(
        self, changes: dict[str, Any], removes: bool, stays: bool
    ) -> None:
        user = known(OfShared("acme"), {**ADA, **ADMIN}, {**KEEPS, **changes})

        found = plan(user, ADA, removes=removes)

        assert found == (NOTHING if stays else Plan({"attributes": OWN}, {}, {TILED_ADMIN: None}))

    def test_lose_a_boolean_of_a_person_who_was_replaced(self) -> None:
        user = known(OfShared("acme"), {**ADA, **ADMIN}, KEEPS)
        user.is_replaced = True

        assert plan(user, ADA).own == {TILED_ADMIN: None}


class TestCreatedUser:
    """The host gives another name if somebody in another account has it."""

    @pytest.mark.parametrize(
        ("adapter", "is_email_unique", "columns", "sent", "was_chosen"),
        [
            (ByAddress, False, {"username": "ada@example.com"}, ADA, False),
            (ByAddress, False, {"username": "ADA@example.com"}, ADA, False),
            (ByAddress, False, {"username": "random"}, ADA, True),
            (ByAddress, False, {"username": "ada"}, {"userName": "ada"}, False),
            (ByAddress, False, {"username": "random"}, {"userName": "ada"}, True),
            (OfAccount, False, {"email": "random@example.com"}, ADA, False),
            (OfAccount, True, {"email": "random@example.com"}, ADA, True),
            (OfAccount, True, {"email": "ADA@example.com"}, ADA, False),
            (OfAccount, True, {"email": ""}, {"userName": "ada"}, False),
            (OfAccount, True, {"email": "random@example.com"}, {"userName": "ada"}, True),
        ],
    )
    def test_link_keeps_the_name_that_was_sent(
        self,
        adapter: type[HostAdapter],
        is_email_unique: bool,
        columns: dict[str, Any],
        sent: Document,
        was_chosen: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if is_email_unique:
            monkeypatch.setattr(User._meta, "total_unique_constraints", [UNIQUE_EMAIL])
        user = adopted(adapter("acme"), **columns)
        user.was_created = True

        found = plan(user, sent)

        assert (found.columns.get("keeps_own_values", False), found.own) == (was_chosen, {})

    def test_name_that_the_host_normalizes_is_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(User, "normalize_username", lambda name: name.partition("@")[0])
        user = adopted(ByAddress("acme"), username="ada")
        user.was_created = True

        assert "keeps_own_values" not in plan(user, ADA).columns

    def test_address_is_that_of_the_host(self) -> None:
        user = adopted(Adapter(), email="old@example.com")
        user.was_created = True

        assert plan(user, ADA).host == {"emails.value": "ada@example.com"}
