"""The attributes that the host stores: where they are, and what may be done with them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.schemas import ENTERPRISE_USER, TILED_ADMIN
from tiled_scim.sql.host_fields import HostField, host_fields, stored_fields


class Host(HostAdapter):
    """A host that stores values on the user, on rows beside it, and on memberships."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {
            "name.givenName": "first_name",
            "EMAILS.VALUE": "email",
            "nickName": "profile__nick",
            "title": "last_name",
            "active": "is_active",
            "meta.created": "date_joined",
            "groups.display": "username",
            f"{ENTERPRISE_USER}:manager.displayName": "username",
        }

    @property
    def membership_fields(self) -> dict[str, str]:
        return {"title": "position", TILED_ADMIN: "role=admin,owner"}


class HostWithUnknownAttribute(HostAdapter):
    @property
    def user_fields(self) -> dict[str, str]:
        return {"shoeSize": "first_name"}


class HostWithSchema(HostAdapter):
    @property
    def user_fields(self) -> dict[str, str]:
        return {ENTERPRISE_USER: "first_name"}


@pytest.fixture
def fields() -> dict[str, HostField]:
    return {field.name: field for field in host_fields(Host())}


def names(fields: dict[str, HostField], trait: str) -> set[str]:
    """The attributes that have a trait."""
    return {name for name, field in fields.items() if getattr(field, trait)}


MANAGER = f"{ENTERPRISE_USER}:manager.displayName"
OF_PERSON = [
    *("name.givenName", "emails.value", "nickName"),
    *("active", "meta.created", "groups.display", MANAGER),
]


def test_a_membership_goes_before_the_person(fields: dict[str, HostField]) -> None:
    assert list(fields) == [*OF_PERSON, "title", TILED_ADMIN]
    assert names(fields, "is_membership") == {"title", TILED_ADMIN}
    assert fields["title"].column == "position"
    assert fields[TILED_ADMIN].column == "role"


def test_where_they_are_from_a_link_and_from_a_user(fields: dict[str, HostField]) -> None:
    paths = {name: (fields[name].link_path, fields[name].user_path) for name in fields}

    assert paths["emails.value"] == ("user__email", "email")
    assert paths["nickName"] == ("user__profile__nick", "profile__nick")
    assert paths["title"] == ("membership__position", "membership__position")


def test_what_clients_may_write(fields: dict[str, HostField]) -> None:
    read_only = {"meta.created", "groups.display", MANAGER}

    assert names(fields, "is_writable") == set(fields) - read_only
    assert names(fields, "is_boolean") == {"active", TILED_ADMIN}


def test_what_an_account_that_shares_the_user_keeps_itself(fields: dict[str, HostField]) -> None:
    private = set(OF_PERSON) - {"active"}
    found = tuple(fields.values())

    assert names(fields, "is_private") == private
    assert stored_fields(found, keeps_own_values=False) == found
    of_host = stored_fields(found, keeps_own_values=True)
    assert {field.name for field in of_host} == set(fields) - private


def test_what_the_database_stores_unchanged(fields: dict[str, HostField]) -> None:
    exact = {name for name in OF_PERSON if fields[name].is_exact}

    # A row beside the user is not saved with it, and a time has another precision in the database.
    assert exact == set(OF_PERSON) - {"nickName", "meta.created"}


def test_a_boolean_may_be_some_values_of_a_column(db: None, fields: dict[str, HostField]) -> None:
    is_admin = fields[TILED_ADMIN]
    of_person = HostField(TILED_ADMIN, is_admin.path, "person", "first_name", is_admin.choices)
    for number, role in enumerate(("admin", "member", "owner")):
        user = User.objects.create_user(f"person{number}", first_name=role)
        UserLink.objects.create(user=user, user_name_canonical=user.username)
    rows = UserLink.objects.order_by("user_name_canonical")

    assert [is_admin.read(role) for role in ("admin", "member", "owner")] == [True, False, True]
    assert list(rows.values_list(of_person.expression, flat=True)) == [True, False, True]
    assert fields["title"].read("admin") == "admin"


@pytest.mark.parametrize("host", [HostWithUnknownAttribute, HostWithSchema])
def test_an_attribute_that_no_schema_has_is_an_error(host: type[HostAdapter]) -> None:
    [name] = host().user_fields

    with pytest.raises(LookupError, match=name):
        host_fields(host())


def test_fields_of_a_membership_need_its_model(fields: dict[str, HostField]) -> None:
    with pytest.raises(LookupError, match="no such model"):
        _ = fields["title"].is_exact
