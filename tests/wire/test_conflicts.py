"""What a conflict says: the attribute, and what the person who reads it in Okta can change."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, User
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import IntegrityError
from django.test import override_settings

from tests.accounts import client_of
from tests.factories import make_user
from tests.simple_project.libraries.models import Library
from tiled_scim.api.exceptions import as_scim_error
from tiled_scim.errors import Cause
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, Outcome, ScimEvent, UserLink
from tiled_scim.provisioning.conflicts import conflict

from .client import ANN, BOB, TILED_USER, Answer, Scim, group, user

pytestmark = pytest.mark.django_db


class Customers(HostAdapter):
    """Two accounts. Usernames are unique among both. The adapter does not say whose they are."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": "Globex Corporation"}


class KnownByNickName(Customers):
    """Two such accounts, whose users sign in with their nickName."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "nickName": "username"}


class KnownByAddress(Customers):
    """Two such accounts, whose users sign in with their email address."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "username"}


class ByAnotherName(HostAdapter):
    """A host in which Bob is Robert."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return super().create_user(self._renamed(values))

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, self._renamed(values))

    def _renamed(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**values, "userName": "Robert"} if values.get("userName") == BOB else values


class Verified(HostAdapter):
    """A host whose customer has verified a domain."""

    def domains(self) -> Collection[str] | None:
        return ["corp.example"]


class Welcoming(HostAdapter):
    """A host that makes a group for each new user, with a name that must be unique."""

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        Group.objects.create(name="Newcomers")
        return super().create_user(values)


@pytest.fixture(autouse=True)
def product(settings: LazySettings) -> None:
    settings.TILED_SCIM_PRODUCT_NAME = "Atlas"


def check_refusal(answer: Answer, status: int, cause: Cause, *parts: str) -> None:
    """Check the answer and its event: what Okta's admin and the host's admin read."""
    detail = answer.json["detail"]
    assert answer.status == status, answer.text
    for part in parts:
        assert part in detail
    assert not re.search(r"\bhost\b|\bSCIM may\b", detail)
    event = ScimEvent.objects.latest("pk")
    assert (event.outcome, event.status, event.detail) == (Outcome.REFUSED, status, detail)
    assert event.cause == cause


class TestUsers:
    def test_a_user_whom_the_connection_manages(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        answer = scim.post("/Users", user(ANN.upper()))

        check_refusal(
            answer,
            409,
            Cause.USER_EXISTS,
            f"userName “{ANN}” is already used by another user; its id is {key}.",
            "Change userName of one of the two in your identity provider.",
        )
        assert UserLink.objects.count() == User.objects.count() == 1

    def test_a_user_whom_it_does_not_manage(self, scim: Scim) -> None:
        make_user(BOB)
        key = scim.add_user(ANN)

        answer = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"userName": BOB}})

        check_refusal(
            answer,
            409,
            Cause.USERNAME_IN_USE,
            f"userName “{BOB}” is already used by another user of Atlas.",
            "Change userName in your identity provider, or ask an administrator of Atlas",
        )
        assert UserLink.objects.get().user_name == ANN

    @override_settings(TILED_SCIM_HOST_ADAPTER=ByAnotherName)
    def test_a_username_that_the_product_chooses(self, scim: Scim) -> None:
        make_user("robert")
        key = scim.add_user(ANN)

        for answer in (scim.post("/Users", user(BOB)), scim.put(f"/Users/{key}", user(BOB))):
            # MariaDB refuses the other spelling itself, with other words.
            assert answer.error == (409, "uniqueness")
            assert "userName" in answer.json["detail"]
        assert UserLink.objects.get().user_name == ANN

    @override_settings(TILED_SCIM_ADOPT_USERS="email")
    def test_an_email_address(self, scim: Scim) -> None:
        make_user("bob", email=BOB)
        key = scim.add_user(ANN)

        emails = [{"value": BOB, "primary": True}]
        answer = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"emails": emails}})

        check_refusal(
            answer, 409, Cause.EMAIL_IN_USE, f"emails “{BOB}” is already used", "Change emails in"
        )
        assert UserLink.objects.get().user.email == ANN

    @override_settings(TILED_SCIM_ADOPT_USERS="email")
    def test_the_same_person_under_another_user_name(self, scim: Scim) -> None:
        key = scim.add_user(ANN)

        answer = scim.post("/Users", user("ann.smith", emails=[{"value": ANN, "primary": True}]))

        check_refusal(
            answer,
            409,
            Cause.USER_LINKED,
            f"userName “ann.smith” has the same emails as the user “{ANN}”",
            f"the id is {key}",
            "Change emails of one of the two",
        )
        assert UserLink.objects.count() == 1

    def test_the_same_person_whom_people_have_renamed(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        User.objects.update(username=BOB)

        answer = scim.post("/Users", user(BOB))

        check_refusal(
            answer,
            409,
            Cause.USER_LINKED,
            f"userName “{BOB}” has the same userName as the user “{ANN}”",
            f"the id is {key}",
            "Change userName of one of the two",
        )
        assert UserLink.objects.count() == 1

    @override_settings(TILED_SCIM_HOST_ADAPTER=Welcoming)
    def test_a_value_that_no_attribute_has(self, scim: Scim) -> None:
        scim.add_user(ANN)

        answer = scim.post("/Users", user(BOB))

        check_refusal(
            answer,
            409,
            Cause.VALUE_IN_USE,
            "A value that must be unique in Atlas is already used there",
            "Ask an administrator of Atlas to change it.",
        )
        assert User.objects.get().username == ANN

    @override_settings(TILED_SCIM_ADOPT_USERS="email")
    def test_several_users_who_fit(self, scim: Scim) -> None:
        make_user("one", email=ANN)
        make_user("two", email=ANN.upper())

        answer = scim.post("/Users", user(ANN))

        check_refusal(
            answer,
            409,
            Cause.AMBIGUOUS_USER,
            f"emails “{ANN}” is that of more than one user of Atlas",
            "Ask an administrator of Atlas to change emails of one of them.",
        )
        assert not UserLink.objects.exists()

    @pytest.mark.parametrize(
        ("adapter", "name"),
        [(Customers, "userName"), (KnownByNickName, "nickName"), (KnownByAddress, "emails")],
    )
    def test_a_username_that_is_unique_among_all_customers(
        self, settings: LazySettings, adapter: type[HostAdapter], name: str
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = adapter
        client_of("acme").add_user(ANN, nickName="annie")

        answer = client_of("globex").post("/Users", user(ANN, nickName="annie"))

        check_refusal(
            answer,
            409,
            Cause.VALUE_IN_USE,
            f"The value of {name} is already used in Atlas",
            f"Change {name} in your identity provider, or ask an administrator of Atlas",
        )
        assert not UserLink.objects.filter(account="globex").exists()

    @pytest.mark.parametrize(
        ("body", "part"),
        [
            (user("ann@else.example"), "userName “ann@else.example” is not an email address"),
            (
                user("ann@corp.example", emails=[{"value": ANN}]),
                f"emails “{ANN}” is not an email address",
            ),
        ],
    )
    @override_settings(TILED_SCIM_HOST_ADAPTER=Verified)
    def test_an_address_outside_of_the_domains(
        self, scim: Scim, body: dict[str, object], part: str
    ) -> None:
        check_refusal(
            scim.post("/Users", body),
            400,
            Cause.OUTSIDE_DOMAINS,
            part,
            "at a domain that this connection may use: corp.example.",
            "ask an administrator of Atlas to add the domain.",
        )
        assert not UserLink.objects.exists()

    def test_a_protected_user(self, scim: Scim) -> None:
        make_user("root", is_superuser=True)

        answer = scim.post("/Users", user("root"))

        check_refusal(
            answer,
            409,
            Cause.PROTECTED,
            "userName “root” is that of a user who is protected in Atlas",
            "Unassign the person, or ask an administrator of Atlas.",
        )
        assert not UserLink.objects.exists()

    def test_a_user_who_has_become_protected(self, scim: Scim) -> None:
        key = scim.add_user(ANN)
        User.objects.update(is_superuser=True)

        answer = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"title": "Boss"}})

        check_refusal(answer, 403, Cause.PROTECTED, f"“{ANN}” is that of a user who is protected")

    @override_settings(TILED_SCIM_ADMIN_NAME="Curator")
    def test_the_last_admin(self, scim: Scim) -> None:
        key = scim.add_user(ANN, **{TILED_USER: {"tiledAdmin": True}})

        operation = {"op": "replace", "path": f"{TILED_USER}:tiledAdmin", "value": False}
        answer = scim.patch(f"/Users/{key}", operation)

        check_refusal(
            answer,
            403,
            Cause.LAST_ADMIN,
            f"userName “{ANN}” is the last active Curator, and must stay one.",
            "Make another person Curator first.",
        )
        assert User.objects.get().is_active


class TestGroups:
    def test_a_group_that_was_pushed(self, scim: Scim) -> None:
        key = scim.add_group("Sales")
        other = scim.add_group("Ops")

        for answer in (
            scim.post("/Groups", group("SALES")),
            scim.patch(f"/Groups/{other}", {"op": "replace", "value": {"displayName": "sales"}}),
        ):
            check_refusal(
                answer,
                409,
                Cause.GROUP_EXISTS,
                f"displayName “Sales” is already used by another group; its id is {key}.",
                "Change displayName of one of the two in your identity provider.",
            )
        names = LibraryGroupLink.objects.values_list("display_name", flat=True)
        assert sorted(names) == ["Ops", "Sales"]

    def test_a_name_that_the_product_uses(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Library.objects.create(name="Sales")
        monkeypatch.setattr(Library._meta, "verbose_name", "workspace")
        monkeypatch.setitem(vars(Library._meta.get_field("name")), "unique", True)

        answer = scim.post("/Groups", group("Sales"))

        check_refusal(
            answer,
            409,
            Cause.LIBRARY_EXISTS,
            "displayName “Sales” is already the name of another workspace in Atlas.",
            "Rename the group, or ask an administrator of Atlas to rename the other workspace.",
        )
        assert not LibraryGroupLink.objects.exists()
        assert Library.objects.count() == 1

    def test_a_name_that_somebody_takes_at_the_same_moment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(vars(Library._meta.get_field("name")), "unique", True)
        error = IntegrityError(f"UNIQUE constraint failed: {Library._meta.db_table}.name")

        detail = conflict(error, HostAdapter()).detail

        assert "The value of displayName is already used in Atlas" in detail

    @override_settings(TILED_SCIM_UNKNOWN_MEMBERS="reject")
    def test_unknown_members(self, scim: Scim) -> None:
        answer = scim.post("/Groups", group("Sales", "somebody"))

        check_refusal(answer, 400, Cause.UNKNOWN_MEMBERS, "members", "Assign these people first.")
        assert not LibraryGroupLink.objects.exists()


@pytest.mark.parametrize(
    ("exception", "status", "part"),
    [
        (RequestDataTooBig(), 413, "larger than Atlas accepts. Push fewer members at once"),
        (TooManyFieldsSent(), 400, "more parameters than Atlas accepts. Ask its operator"),
        (SuspiciousOperation(), 400, "The settings of Atlas do not allow this request."),
    ],
)
def test_the_limits_of_the_product(exception: Exception, status: int, part: str) -> None:
    error = as_scim_error(exception)

    assert (error.status, part in error.detail) == (status, True)


class TestRefusedNames:
    """The event of a refused request has the name that was asked for."""

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": "displayName", "value": "Sales"},
            {"op": "Replace", "path": "DISPLAYNAME", "value": "Sales"},
            {"op": "replace", "value": {"displayname": "Sales"}},
            {
                "op": "add",
                "path": "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
                "value": "Sales",
            },
        ],
    )
    def test_of_a_patch(self, scim: Scim, operation: dict[str, object]) -> None:
        scim.add_group("Sales")
        key = scim.add_group("Ops")

        assert scim.patch(f"/Groups/{key}", operation).status == 409

        event = ScimEvent.objects.latest("pk")
        assert (event.resource_name, str(event.resource_id)) == ("Sales", key)
        assert event.resource_name_canonical == "sales"
        assert LibraryGroupLink.objects.get(pk=key).display_name == "Ops"

    def test_of_a_put(self, scim: Scim) -> None:
        scim.add_user(ANN)
        key = scim.add_user(BOB)

        assert scim.put(f"/Users/{key}", user(ANN)).status == 409

        event = ScimEvent.objects.latest("pk")
        assert (event.resource_name, str(event.resource_id)) == (ANN, key)
        assert UserLink.objects.get(pk=key).user_name == BOB

    def test_of_an_operation_of_a_bulk_request(self, scim: Scim) -> None:
        scim.add_group("Sales")
        key = scim.add_group("Ops")
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": {"displayName": "Sales"}}],
        }

        scim.post(
            "/Bulk",
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "PATCH", "path": f"/Groups/{key}", "data": patch}],
            },
        )

        event = ScimEvent.objects.latest("pk")
        assert (event.status, event.resource_name) == (409, "Sales")
        assert event.cause == Cause.GROUP_EXISTS

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": "nonsense", "value": "Sales"},
            {"op": "remove", "path": "displayName"},
            {"op": "replace", "value": {"displayName": 7}},
            "nonsense",
            {"op": "replace", "value": ["displayName"]},
        ],
    )
    def test_another_refusal_has_the_name_of_the_resource(
        self, scim: Scim, operation: object
    ) -> None:
        key = scim.add_group("Ops")

        assert scim.patch(f"/Groups/{key}", operation).status == 400

        assert ScimEvent.objects.latest("pk").resource_name == "Ops"
