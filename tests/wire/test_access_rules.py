"""What no request may do, whichever way it says so: PUT, PATCH in its forms, and Bulk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from pytest_django import Settings

from tests.factories import make_user
from tests.tokens import new_token
from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink

from .client import ANN, BOB, TILED_USER, Answer, Scim, patch_op, user
from .state import people, refused, snapshot

BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

# A way to change attributes of a user: their id and the attributes, to method, path and body.
Request = tuple[str, str, dict[str, Any]]
Way = Callable[[str, Mapping[str, Any]], Request]


def put(key: str, attributes: Mapping[str, Any]) -> Request:
    return "PUT", f"/Users/{key}", user(ANN, **attributes)


def patch_without_path(key: str, attributes: Mapping[str, Any]) -> Request:
    return "PATCH", f"/Users/{key}", patch_op({"op": "replace", "value": dict(attributes)})


def patch_with_paths(key: str, attributes: Mapping[str, Any]) -> Request:
    operations = [{"op": "Add", "path": name, "value": value} for name, value in attributes.items()]
    return "PATCH", f"/Users/{key}", patch_op(*operations)


def bulk(way: Way) -> Way:
    def in_bulk(key: str, attributes: Mapping[str, Any]) -> Request:
        method, path, body = way(key, attributes)
        operation = {"method": method, "path": path, "data": body}
        return "POST", "/Bulk", {"schemas": [BULK_SCHEMA], "Operations": [operation]}

    return in_bulk


WAYS: dict[str, Way] = {
    "PUT": put,
    "PATCH": patch_without_path,
    "PATCH with paths": patch_with_paths,
    "PUT in Bulk": bulk(put),
    "PATCH in Bulk": bulk(patch_with_paths),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def error(answer: Answer) -> tuple[int, str | None]:
    """Status and scimType, of a Bulk answer those of its one operation."""
    if "Operations" not in answer.json:
        return answer.error
    (operation,) = answer.json["Operations"]
    return int(operation["status"]), operation["response"].get("scimType")


def wide(text: str) -> str:
    """The text in letters of full width, which NFKC takes for the usual ones."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def email(address: str) -> dict[str, Any]:
    return {"emails": [{"value": address, "type": "work", "primary": True}]}


class SignedInByAddress(HostAdapter):
    """A host whose people have their e-mail address for a username."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "emails.value": "username"}


class OneCustomer(HostAdapter):
    """A host with accounts, of which there is one so far."""

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme"}


@every_way
class TestIdentity:
    """No change of a name or an address makes two people one, or one another."""

    @pytest.mark.parametrize("taken", [BOB, "BOB@Example.com"])
    @pytest.mark.parametrize("username", [ANN, "ann"])
    def test_the_username_of_another_host_user_is_409(
        self, scim: Scim, way: Way, username: str, taken: str
    ) -> None:
        key = scim.add_user(ANN)
        User.objects.update(username=username)
        make_user(BOB)

        assert error(refused(scim, *way(key, {"userName": taken}))) == (409, "uniqueness")

    @pytest.mark.parametrize("taken", ["hope@host.example", "Hope@Host.Example"])
    @pytest.mark.parametrize("username", [ANN, "ann"])
    def test_so_is_the_address_where_people_are_known_by_it(
        self, scim: Scim, settings: Settings, way: Way, username: str, taken: str
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        make_user(username, email=ANN)
        key = scim.add_user(ANN)
        make_user("hope", email="hope@host.example")

        assert error(refused(scim, *way(key, email(taken)))) == (409, "uniqueness")

    @pytest.mark.parametrize("adopt", ["email", None])
    def test_and_the_username_there_too(
        self, scim: Scim, settings: Settings, way: Way, adopt: str | None
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = adopt
        key = scim.add_user(ANN)
        make_user("Hope", email="else@host.example")

        assert error(refused(scim, *way(key, {"userName": "hope"}))) == (409, "uniqueness")

    @pytest.mark.parametrize("taken", [wide(BOB), wide(BOB.upper())])
    def test_so_is_another_way_to_write_it(self, scim: Scim, way: Way, taken: str) -> None:
        """Django keeps usernames in NFKC, and so would make two of them one, or nearly."""
        key = scim.add_user(ANN)
        make_user("Bob@example.com")

        assert error(refused(scim, *way(key, {"userName": taken}))) == (409, "uniqueness")

    def test_so_is_the_address_by_which_another_signs_in(
        self, scim: Scim, settings: Settings, way: Way
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = SignedInByAddress
        key = scim.add_user(ANN)
        make_user("boss@host.example")

        answer = refused(scim, *way(key, {"userName": "Boss@host.example"}))

        assert error(answer) == (409, "uniqueness")

    def test_the_name_of_another_whom_scim_manages_is_409(self, scim: Scim, way: Way) -> None:
        key, bob = scim.add_user(ANN), scim.add_user(BOB)

        answer = refused(scim, *way(key, {"userName": BOB.upper()}))

        assert error(answer) == (409, "uniqueness")
        assert bob in answer.text

    @pytest.mark.parametrize("superuser_has", ["username", "email"])
    def test_what_a_superuser_is_known_by_is_409(
        self, scim: Scim, settings: Settings, way: Way, superuser_has: str
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = superuser_has
        key = scim.add_user(ANN)
        User.objects.create_superuser("root", "root@host.example")
        change = {"username": {"userName": "Root"}, "email": email("Root@host.example")}

        answer = refused(scim, *way(key, change[superuser_has]))

        assert error(answer) == (409, "uniqueness")

    def test_an_address_that_two_have_is_no_matter_where_people_are_known_by_username(
        self, scim: Scim, way: Way
    ) -> None:
        key = scim.add_user(ANN)
        make_user("hope", email="hope@host.example")

        assert scim.send(*way(key, email("hope@host.example"))).status == 200

        assert User.objects.filter(email="hope@host.example").count() == 2
        assert UserLink.objects.get().user == User.objects.get(username=ANN)

    def test_another_spelling_of_the_own_name_is_none_of_another(
        self, scim: Scim, way: Way
    ) -> None:
        key = scim.add_user(ANN)

        assert scim.send(*way(key, {"userName": ANN.upper()})).status == 200

        assert people() == {ANN.upper(): "active"}

    def test_what_another_had_until_now_is_free(self, scim: Scim, way: Way) -> None:
        key, bob = scim.add_user(ANN), scim.add_user(BOB)
        assert scim.patch(f"/Users/{bob}", {"op": "replace", "value": {"userName": "bo"}}).json

        assert scim.send(*way(key, {"userName": BOB})).status == 200

        assert people() == {BOB: "active", "bo": "active"}
        assert UserLink.objects.get(pk=key).user.username == BOB


class TestIdentityOfANewPerson:
    @pytest.mark.parametrize("adopt", ["email", None])
    def test_a_username_that_is_taken_but_for_letter_case_is_409(
        self, scim: Scim, settings: Settings, adopt: str | None
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = adopt
        make_user("Ann@Example.com", email="else@host.example")

        assert refused(scim, "POST", "/Users", user(ANN)).error == (409, "uniqueness")

    @pytest.mark.parametrize("user_name", [wide("ada"), "ADA", wide("ADA")])
    def test_another_way_to_write_a_username_adopts(self, scim: Scim, user_name: str) -> None:
        person = make_user("Ada")

        key = scim.add_user(user_name)

        assert UserLink.objects.get().user == person
        assert scim.get(f"/Users/{key}").json["userName"] == user_name
        assert scim.put(f"/Users/{key}", user("grace")).status == 200
        assert people() == {"grace": "active"}

    def test_a_username_that_is_the_address_of_another_is_409(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = SignedInByAddress
        make_user("boss@host.example")
        body = user("boss@host.example", **email(ANN))

        assert refused(scim, "POST", "/Users", body).error == (409, "uniqueness")

    def test_a_host_with_accounts_leaves_its_people_alone_though_it_has_one(
        self, db: None, settings: Settings
    ) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = OneCustomer
        make_user(ANN)
        acme = Scim(f"Bearer {new_token('acme')[1]}")

        assert refused(acme, "POST", "/Users", user(ANN)).error == (409, "uniqueness")

    def test_an_inactive_person_with_another_name_comes_back(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        key = scim.add_user("ann", **email(ANN))
        scim.deactivate(key)

        assert scim.add_user("ann.angel", **email(ANN)) == key

        assert people() == {"ann.angel": "active"}
        assert scim.post("/Users", user("ann", **email(ANN))).error == (409, "uniqueness")

    def test_what_a_push_does_not_say_of_somebody_of_the_host_stays(self, scim: Scim) -> None:
        make_user(ANN, first_name="Ann", last_name="Angel", email="ann@host.example")

        answer = scim.post("/Users", {"userName": ANN, "name": {"familyName": "Married"}})

        assert answer.status == 201
        person = User.objects.get()
        assert (person.first_name, person.last_name) == ("Ann", "Married")
        assert person.email == "ann@host.example"
        assert answer.json["emails"] == [{"value": "ann@host.example", "primary": True}]

    def test_who_comes_back_does_not_get_the_address_of_another(
        self, scim: Scim, settings: Settings
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        key = scim.add_user(ANN)
        scim.delete(f"/Users/{key}")
        User.objects.update(email="")
        make_user("hope", email=ANN)

        assert refused(scim, "POST", "/Users", user(ANN)).error == (409, "uniqueness")

    def test_nor_who_is_active_again(self, scim: Scim, settings: Settings) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        key = scim.add_user(ANN)
        scim.deactivate(key)
        make_user("hope", email=BOB)

        assert refused(scim, "POST", "/Users", user(ANN, **email(BOB))).error == (409, "uniqueness")


@every_way
class TestProtectedPeople:
    @pytest.mark.parametrize(
        "attributes",
        [
            {"active": False},
            {"displayName": "Another"},
            {"userName": BOB},
            {"name": {"givenName": "Another", "familyName": "Angel"}},
            {TILED_USER: {"tiledAdmin": True}},
            email("another@example.com"),
        ],
        ids=lambda attributes: next(iter(attributes)),
    )
    def test_no_attribute_of_theirs_is_changed(
        self, scim: Scim, way: Way, attributes: Mapping[str, Any]
    ) -> None:
        key = scim.add_user(ANN)
        User.objects.update(is_superuser=True)

        answer = refused(scim, *way(key, attributes))

        assert error(answer) == (403, None)
        assert "protected" in answer.text


PASSWORDS: dict[str, dict[str, Any]] = {
    "a text": {"password": "correct horse"},
    "in capitals": {"PASSWORD": "correct horse"},
    "by its URN": {"urn:ietf:params:scim:schemas:core:2.0:User:password": "correct horse"},
    "empty": {"password": ""},
    "null": {"password": None},
}


@every_way
@pytest.mark.parametrize("attributes", PASSWORDS.values(), ids=PASSWORDS)
def test_no_password_is_set(scim: Scim, way: Way, attributes: Mapping[str, Any]) -> None:
    key = scim.add_user(ANN)
    User.objects.update(password="a hash")

    answer = scim.send(*way(key, attributes))

    assert answer.status in {200, 400}
    assert User.objects.get().password == "a hash"
    assert "correct horse" not in answer.text + str(snapshot())


POWERS: dict[str, dict[str, Any]] = {
    "is_superuser": {"is_superuser": True},
    "isSuperuser": {"isSuperuser": True},
    "superuser in the extension": {TILED_USER: {"superuser": True, "is_superuser": True}},
    "roles": {"roles": [{"value": "superuser", "primary": True}]},
    "entitlements": {"entitlements": [{"value": "superuser"}]},
    "userType": {"userType": "superuser"},
    "user_permissions": {"user_permissions": ["auth.add_user"]},
}


@every_way
class TestPower:
    @pytest.mark.parametrize("attributes", POWERS.values(), ids=POWERS)
    def test_nobody_becomes_a_superuser(
        self, scim: Scim, way: Way, attributes: Mapping[str, Any]
    ) -> None:
        key = scim.add_user(ANN)

        assert error_or_none(scim.send(*way(key, attributes))) in {None, 400}

        person = User.objects.get()
        assert (person.is_superuser, person.is_staff) == (False, False)
        assert not person.user_permissions.exists()

    def test_a_user_is_put_into_no_group_by_their_own_attributes(
        self, scim: Scim, way: Way
    ) -> None:
        key, sales = scim.add_user(ANN), scim.add_group("Sales")
        editors = Group.objects.create(name="Editors")
        editors.permissions.add(Permission.objects.all()[0])
        groups = [{"value": sales}, {"value": str(editors.pk), "display": "Editors"}]

        assert error_or_none(scim.send(*way(key, {"groups": groups}))) in {None, 400}

        assert scim.members(sales) == []
        assert not User.objects.get().groups.exists()
        assert not User.objects.get().get_all_permissions()


def error_or_none(answer: Answer) -> int | None:
    """The status of a failure, or None."""
    status = answer.status
    if "Operations" in answer.json:
        status = int(answer.json["Operations"][0]["status"])
    return status if status >= 400 else None
