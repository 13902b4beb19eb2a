"""What Microsoft Entra ID sends of people, with its compliance flag or not; the state after."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import make_library, make_user
from tiled_scim.models import UserLink

from .client import ANN, BOB, CORE_USER, ENTERPRISE_USER, PATCH_SCHEMA, TILED_USER, Scim
from .state import access, people


def person(user_name: str = ANN, **attributes: object) -> dict[str, object]:
    """A person as Entra creates one."""
    return {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": user_name,
        "active": True,
        "displayName": "Ann Angel",
        "emails": [{"primary": True, "type": "work", "value": user_name}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ann Angel", "familyName": "Angel", "givenName": "Ann"},
        "roles": [],
        **attributes,
    }


@pytest.fixture
def ann(entra: Scim) -> str:
    answer = entra.post("/Users", person())
    assert answer.status == 201
    return str(answer.json["id"])


class TestConnection:
    def test_a_lookup_of_a_random_user_finds_nobody(self, entra: Scim) -> None:
        filter_ = "userName+eq+%22d1d8e2a0-9d1b-4f77-a4e9-8f6a0f9d7d5c%22"

        answer = entra.send("GET", f"/Users?filter={filter_}")

        assert (answer.status, answer.json["totalResults"]) == (200, 0)
        assert answer.json["Resources"] == []


class TestCreate:
    def test_a_host_user_is_made(self, entra: Scim, ann: str) -> None:
        assert people() == {ANN: "active"}
        made = User.objects.get()
        assert (made.first_name, made.last_name, made.email) == ("Ann", "Angel", ANN)
        assert not made.has_usable_password()
        assert UserLink.objects.get().external_id == "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"

    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            pytest.param("True", "active", id="True"),
            pytest.param("False", "inactive", id="False"),
            pytest.param("true", "active", id="true"),
        ],
    )
    def test_active_may_be_a_string(self, entra: Scim, sent: str, expected: str) -> None:
        answer = entra.post("/Users", person(active=sent))

        assert answer.json["active"] is (expected == "active")
        assert people() == {ANN: expected}

    @pytest.mark.parametrize(
        ("name", "sent", "kept"),
        [
            (
                "roles",
                [{"primary": False, "type": "App", "display": "Editor", "value": "editor"}],
                [{"primary": False, "type": "App", "display": "Editor", "value": "editor"}],
            ),
            ("roles", ["editor"], [{"value": "editor"}]),
            ("roles", [{"primary": "True", "value": "e"}], [{"primary": True, "value": "e"}]),
            (ENTERPRISE_USER, {"manager": "42"}, {"manager": {"value": "42"}}),
            (ENTERPRISE_USER, {"manager": {"value": "42"}}, {"manager": {"value": "42"}}),
        ],
    )
    def test_objects_and_bare_strings_are_kept_as_objects(
        self, entra: Scim, name: str, sent: object, kept: object
    ) -> None:
        created = entra.post("/Users", {**person(), name: sent}).json

        assert created[name] == kept
        assert entra.get(f"/Users/{created['id']}").json == created


class TestLookup:
    @pytest.mark.parametrize(
        "filter_",
        [
            f'userName eq "{ANN}"',
            f'userName eq "{ANN.upper()}"',
            'externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"',
            f'emails[type eq "work"].value eq "{ANN}"',
            f'emails[type eq "work" and value eq "{ANN}"]',
            f'userName eq "{ANN}" and active eq true',
            f'userName eq "{ANN}" and active eq "True"',
            f'emails.value eq "{ANN}"',
        ],
    )
    def test_who_fits_is_found_and_nobody_else(self, entra: Scim, ann: str, filter_: str) -> None:
        entra.post("/Users", person(BOB, externalId="other"))

        assert entra.found("/Users", filter_) == [ann]

    @pytest.mark.parametrize(
        "filter_",
        [
            'externalId eq "0A21F0F2-8D2A-4F8E-BF98-7363C4AED4EF"',
            f'emails[type eq "home"].value eq "{ANN}"',
            f'userName eq "{ANN}" and externalId eq "other"',
            f'userName eq "{BOB}"',
        ],
    )
    def test_who_does_not_fit_is_not(self, entra: Scim, ann: str, filter_: str) -> None:
        assert entra.found("/Users", filter_) == []

    def test_a_value_without_quotes_is_refused_and_the_detail_says_why(
        self, entra: Scim, ann: str
    ) -> None:
        answer = entra.get("/Users", filter=f"userName eq {ANN}")

        assert answer.error == (400, "invalidFilter")
        assert "quotes" in answer.json["detail"]


def operation(op: str, path: str, value: Any) -> dict[str, object]:
    return {"op": op, "path": path, "value": value}


EMPLOYEE_NUMBER = f"{ENTERPRISE_USER}:employeeNumber"
MANAGER = f"{ENTERPRISE_USER}:manager"
ADMIN = f"{TILED_USER}:tiledAdmin"
ADDRESS = 'addresses[type eq "work"]'

# The path of an update, the value that is sent, and the attribute that it leaves.
UPDATES: list[tuple[str, object, str, object]] = [
    ("displayName", "Anna", "displayName", "Anna"),
    ("userName", BOB, "userName", BOB),
    ("externalId", "x-1", "externalId", "x-1"),
    ("title", "Boss", "title", "Boss"),
    ("active", "False", "active", False),
    ("active", False, "active", False),
    (
        "name.familyName",
        "Married",
        "name",
        {"formatted": "Ann Angel", "familyName": "Married", "givenName": "Ann"},
    ),
    (
        'emails[type eq "work"].value',
        "a@new.example",
        "emails",
        [{"primary": True, "type": "work", "value": "a@new.example"}],
    ),
    (EMPLOYEE_NUMBER, "701984", ENTERPRISE_USER, {"employeeNumber": "701984"}),
    (MANAGER, "42", ENTERPRISE_USER, {"manager": {"value": "42"}}),
    (MANAGER, {"value": "42"}, ENTERPRISE_USER, {"manager": {"value": "42"}}),
    (f"{MANAGER}.value", "42", ENTERPRISE_USER, {"manager": {"value": "42"}}),
    (ADMIN, "True", TILED_USER, {"tiledAdmin": True}),
]


class TestUpdate:
    @pytest.mark.parametrize("op", ["Add", "Replace", "add", "replace"])
    @pytest.mark.parametrize(("path", "value", "name", "expected"), UPDATES)
    def test_by_path(
        self,
        entra: Scim,
        ann: str,
        op: str,
        path: str,
        value: object,
        name: str,
        expected: object,
    ) -> None:
        before = entra.get(f"/Users/{ann}").json

        answer = entra.patch(f"/Users/{ann}", operation(op, path, value))

        assert answer.status == 200
        after = entra.get(f"/Users/{ann}").json
        assert after == answer.json
        changed = {name: expected, "meta": after["meta"], "schemas": after["schemas"]}
        assert after == {**before, **changed}

    @pytest.mark.parametrize("op", ["Add", "add"])
    def test_parts_of_an_address_make_one_element(self, entra: Scim, ann: str, op: str) -> None:
        parts = {"streetAddress": "1 Main St", "locality": "Springfield", "country": "US"}

        answer = entra.patch(
            f"/Users/{ann}",
            *(operation(op, f"{ADDRESS}.{name}", value) for name, value in parts.items()),
        )

        assert answer.json["addresses"] == [{"type": "work", **parts}]

    def test_a_part_that_comes_later_joins_the_element(self, entra: Scim, ann: str) -> None:
        path = f"/Users/{ann}"
        entra.patch(path, operation("Add", f"{ADDRESS}.locality", "Springfield"))
        entra.patch(path, operation("Add", 'addresses[type eq "home"].locality', "Shelbyville"))

        answer = entra.patch(path, operation("Replace", f"{ADDRESS}.postalCode", "90001"))

        assert answer.json["addresses"] == [
            {"type": "work", "locality": "Springfield", "postalCode": "90001"},
            {"type": "home", "locality": "Shelbyville"},
        ]

    def test_a_second_phone_number_leaves_the_first(self, entra: Scim, ann: str) -> None:
        numbers = [
            {"type": "mobile", "value": "+1 555 0101"},
            {"type": "work", "value": "+1 555 0100"},
        ]

        for number in numbers:
            path = f'phoneNumbers[type eq "{number["type"]}"].value'
            entra.patch(f"/Users/{ann}", operation("Add", path, number["value"]))

        assert entra.get(f"/Users/{ann}").json["phoneNumbers"] == numbers

    @pytest.mark.parametrize("primary", ['"True"', "true"])
    def test_the_primary_role_is_a_path(self, entra: Scim, ann: str, primary: str) -> None:
        path = f"roles[primary eq {primary}].value"

        first = entra.patch(f"/Users/{ann}", operation("Add", path, "editor"))
        second = entra.patch(f"/Users/{ann}", operation("Replace", path, "owner"))

        assert first.json["roles"] == [{"primary": True, "value": "editor"}]
        assert second.json["roles"] == [{"primary": True, "value": "owner"}]

    def test_many_operations_in_one_request(self, entra: Scim, ann: str) -> None:
        answer = entra.patch(
            f"/Users/{ann}",
            operation("Replace", "name.givenName", "Anna"),
            operation("Replace", "name.familyName", "Married"),
            operation("Add", "title", "Boss"),
            operation("Replace", 'emails[type eq "work"].value', "anna@new.example"),
            operation("Add", EMPLOYEE_NUMBER, "7"),
            operation("Add", ADMIN, "True"),
            {"op": "Remove", "path": "displayName"},
        )

        assert answer.status == 200
        assert "displayName" not in answer.json
        changed = User.objects.get()
        assert (changed.first_name, changed.last_name) == ("Anna", "Married")
        assert changed.email == "anna@new.example"
        assert people() == {ANN: "active admin"}

    def test_one_that_fails_leaves_all_as_it_was(self, entra: Scim, ann: str) -> None:
        before = entra.get(f"/Users/{ann}").json

        answer = entra.patch(
            f"/Users/{ann}",
            operation("Replace", "name.givenName", "Anna"),
            operation("Replace", "no.such", "x"),
        )

        assert answer.error == (400, "invalidPath")
        assert entra.get(f"/Users/{ann}").json == before
        assert User.objects.get().first_name == "Ann"

    def test_with_the_flag_there_is_no_path_and_names_have_dots_and_urns(
        self, entra: Scim, ann: str
    ) -> None:
        value = {
            "displayName": "Anna Married",
            "name.givenName": "Anna",
            "name.familyName": "Married",
            'emails[type eq "work"].value': "anna@new.example",
            'addresses[type eq "work"].locality': "Springfield",
            'phoneNumbers[type eq "mobile"].value': "+1 555 0101",
            "active": False,
            EMPLOYEE_NUMBER: "701984",
            f"{MANAGER}": "42",
            ADMIN: True,
        }

        answer = entra.patch(f"/Users/{ann}", {"op": "replace", "value": value})

        assert answer.status == 200
        assert answer.json["name"] == {
            "formatted": "Ann Angel",
            "familyName": "Married",
            "givenName": "Anna",
        }
        assert answer.json["addresses"] == [{"type": "work", "locality": "Springfield"}]
        assert answer.json["phoneNumbers"] == [{"type": "mobile", "value": "+1 555 0101"}]
        assert answer.json[ENTERPRISE_USER] == {
            "employeeNumber": "701984",
            "manager": {"value": "42"},
        }
        changed = User.objects.get()
        assert (changed.first_name, changed.last_name) == ("Anna", "Married")
        assert changed.email == "anna@new.example"
        assert people() == {ANN: "inactive admin"}

    def test_removing_the_manager(self, entra: Scim, ann: str) -> None:
        entra.patch(f"/Users/{ann}", operation("Add", MANAGER, "42"))

        answer = entra.patch(f"/Users/{ann}", {"op": "Remove", "path": MANAGER})

        assert answer.status == 200
        assert ENTERPRISE_USER not in answer.json


class TestDisableAndDelete:
    @pytest.mark.parametrize(
        "disable",
        [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "replace", "path": "active", "value": False},
            {"op": "replace", "value": {"active": False}},
        ],
    )
    def test_disabled_first_and_deleted_thirty_days_later(
        self, entra: Scim, ann: str, disable: object
    ) -> None:
        sales = entra.add_group("Sales", ann)

        assert entra.patch(f"/Users/{ann}", disable).json["active"] is False
        assert people() == {ANN: "inactive"}
        assert access() == {"Sales": {ANN}}

        assert entra.delete(f"/Users/{ann}").status == 204
        assert people() == {ANN: "inactive"}
        assert access() == {"Sales": set()}
        assert entra.members(sales) == []
        assert entra.get(f"/Users/{ann}").status == 404
        assert entra.found("/Users", f'userName eq "{ANN}"') == []
        assert entra.get("/Users").json["totalResults"] == 0

    def test_deleting_an_active_person_deactivates_them(self, entra: Scim, ann: str) -> None:
        assert entra.delete(f"/Users/{ann}").status == 204

        assert people() == {ANN: "inactive"}

    def test_deleting_twice_is_404(self, entra: Scim, ann: str) -> None:
        entra.delete(f"/Users/{ann}")

        assert entra.delete(f"/Users/{ann}").status == 404

    def test_a_deleted_person_comes_back_with_the_same_id(self, entra: Scim, ann: str) -> None:
        entra.delete(f"/Users/{ann}")

        answer = entra.post("/Users", person(displayName="Ann Again"))

        assert (answer.status, answer.json["id"]) == (201, ann)
        assert answer.json["displayName"] == "Ann Again"
        assert people() == {ANN: "active"}

    def test_where_the_host_says_so_the_user_is_deleted_for_good(
        self, entra: Scim, ann: str, settings: Settings
    ) -> None:
        settings.TILED_SCIM_USER_DELETE = "delete"
        entra.add_group("Sales", ann)

        assert entra.delete(f"/Users/{ann}").status == 204

        assert people() == {}
        assert access() == {"Sales": set()}
        assert entra.get(f"/Users/{ann}").status == 404

    def test_a_user_whom_the_host_deleted_is_404(self, entra: Scim, ann: str) -> None:
        sales = entra.add_group("Sales", ann)
        User.objects.get().delete()

        assert entra.get(f"/Users/{ann}").status == 404
        assert entra.delete(f"/Users/{ann}").status == 404
        assert entra.members(sales) == []


class TestLinkedByHand:
    def test_a_person_who_exists_is_linked_and_keeps_what_the_host_gave(self, entra: Scim) -> None:
        existing = make_user(ANN)
        make_library("Attic", existing)

        answer = entra.post("/Users", person())

        assert answer.status == 201
        assert people() == {ANN: "active"}
        assert access() == {"Attic": {ANN}}


def test_the_schema_of_a_patch_may_be_in_any_letter_case(entra: Scim, ann: str) -> None:
    body = {
        "schemas": [PATCH_SCHEMA.lower()],
        "Operations": [operation("Replace", "displayName", "Anna")],
    }

    assert entra.send("PATCH", f"/Users/{ann}", body).json["displayName"] == "Anna"
