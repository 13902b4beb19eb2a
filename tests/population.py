"""People and groups that have something of everything, for filters and sorting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth.models import User

from tests.simple_project.libraries.models import Library
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, Link, UserLink
from tiled_scim.provisioning import documents
from tiled_scim.schemas import ENTERPRISE_USER, GROUP, TILED_USER, USER
from tiled_scim.scim.cleaning import clean_document
from tiled_scim.sql.host_fields import host_fields

TOYS = "urn:example:toys:2.0:User"

# One attribute of every type that the built-in schemas do not have, in every place.
EXTENSION = Schema(
    TOYS,
    "Toys",
    "What a host may add.",
    (
        Attribute("age", "integer"),
        Attribute("height", "decimal"),
        Attribute("fun", "boolean"),
        Attribute("since", "dateTime"),  # the host's `date_joined`
        Attribute("planned", "dateTime"),
        Attribute("Code", case_exact=True),
        Attribute("blob", "binary"),
        Attribute("tags", multi_valued=True),
        Attribute("levels", "integer", multi_valued=True),
        Attribute(
            "kits",
            "complex",
            multi_valued=True,
            sub_attributes=(
                Attribute("value", "integer"),
                Attribute("label", case_exact=True),
                Attribute("weight", "decimal"),
                Attribute("new", "boolean"),
            ),
        ),
    ),
)

PEOPLE: tuple[dict[str, Any], ...] = (
    {"userName": "ann@example.com", "name": {"givenName": "Ann", "familyName": "Ångström"}},
    {
        "userName": "BOB@example.com",
        "externalId": "00uB",
        "name": {"givenName": "bob", "familyName": "O'Neil", "honorificPrefix": "Mr"},
        "active": False,
        "emails": [
            {"value": "bob@home.example", "type": "home"},
            {"value": "Bob@Work.example", "type": "work", "primary": True},
        ],
        "phoneNumbers": [{"value": "+1 555", "type": "mobile"}, {"type": "fax", "display": "x"}],
        TILED_USER: {"tiledAdmin": False},
        TOYS: {"age": 7, "height": 1.5, "fun": True, "tags": ["Red", "blue"], "levels": [1, 20]},
    },
    {
        "userName": "carl ",
        "externalId": "00ub",
        "displayName": "Carl",
        "nickName": "",
        "emails": [{"value": "carl@home.example", "type": "Home"}],
        ENTERPRISE_USER: {"employeeNumber": "7", "manager": {"value": "m1"}},
        TILED_USER: {"tiledAdmin": True},
        TOYS: {
            "kits": [
                {"value": 3, "label": "A", "new": True},
                {"value": 1, "label": "a", "weight": 0.5},
            ]
        },
    },
    {
        "userName": "carl",
        "displayName": "cARL ",
        "title": '50% "off" \\ _x',
        "addresses": [
            {"locality": "Zürich", "country": "CH", "type": "work"},
            {"locality": "zurich", "type": "home", "primary": True},
        ],
        ENTERPRISE_USER: {"department": "Ünïcode 😀", "manager": {"value": "", "$ref": "u/1"}},
        TOYS: {"age": -7, "height": 2, "fun": False, "Code": "x", "levels": [3]},
    },
    {
        "userName": "édith",
        "title": "ÉDITH",
        "locale": "null",
        "x509Certificates": [{"value": "TUlJQg==", "type": "a"}],
        "roles": [{"value": "admin", "primary": True}, {"value": "", "display": "Empty"}],
        "emails": [{"type": "work", "value": "e@example.com"}, {"type": "home", "value": "e@x.y"}],
        TOYS: {"Code": "X", "planned": "2020-01-01T00:00:00+02:00", "blob": "TUlJQg=="},
    },
    {
        "userName": "Zoe",
        "title": "édith",
        "emails": [{"value": "z@example.com", "primary": True}],
        ENTERPRISE_USER: {"costCenter": ""},
        TOYS: {"blob": "TUlJQG==", "tags": ["blue "]},
    },
    {
        "userName": "zz_top",
        "title": "50",
        "roles": [{"primary": False, "value": "Reader"}, {"value": "10"}],
        "photos": [{"value": "https://x/Y"}],
    },
    {"userName": "İrem", "displayName": "İREM", "title": "i̇rem", "nickName": "true"},
)

# Groups with the places of their members among the people.
GROUPS: tuple[tuple[dict[str, Any], tuple[int, ...]], ...] = (
    ({"displayName": "Sales & Ops", "externalId": "g1"}, (0, 1, 2)),
    ({"displayName": "sales"}, (2, 3)),
    ({"displayName": "Émigrés "}, ()),
    ({"displayName": "émigrés", "externalId": "G1"}, (7,)),
)
ADMIN = f"{TILED_USER}:tiledAdmin"
# A group whose Library is gone, and which nobody sees any more.
GONE = "Gone"

BEGIN = datetime(2024, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)


class Adapter(HostAdapter):
    """A host that has an attribute of its own in a column, too."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, f"{TOYS}:since": "date_joined"}


def populate() -> None:
    """Make the people and the groups, with ids that are the same every time."""
    people = [_person(number, body) for number, body in enumerate(PEOPLE)]
    for number, (body, places) in enumerate(GROUPS):
        library = Library.objects.create(name=str(number))
        _group(number, body, library, [people[place] for place in places])
    _group(len(GROUPS), {"displayName": GONE}, None, people[:1])


def _person(number: int, body: dict[str, Any]) -> UserLink:
    joined = BEGIN + timedelta(days=number % 3)
    user = User.objects.create_user(f"person{number}")
    link = UserLink(user=user)
    stored = _fill(link, number, clean_document(USER, body))
    host = documents.host_input(stored.host)
    Adapter().update_user(user, {**host, f"{TOYS}:since": joined})
    link.save()
    return link


def _group(
    number: int, body: dict[str, Any], library: Library | None, members: list[UserLink]
) -> None:
    link = LibraryGroupLink(library=library)
    _fill(link, number, clean_document(GROUP, body))
    link.save()
    LibraryGroupMember.objects.bulk_create(
        LibraryGroupMember(group=link, user=member, display=member.user_name) for member in members
    )


def _fill(link: Link, number: int, document: dict[str, Any]) -> documents.StoredValues:
    resource_type = USER if isinstance(link, UserLink) else GROUP
    fields = host_fields(Adapter()) if resource_type is USER else ()
    stored = documents.split(document, resource_type, fields)
    link.id = identifier(link, number)
    link.created_at = link.updated_at = BEGIN + timedelta(minutes=number // 2)
    link.attributes = stored.attributes
    if isinstance(link, UserLink):
        link.hidden_values = {} if ADMIN in stored.host else {ADMIN: False}
    for column, value in stored.columns.items():
        setattr(link, column, value)
    link.rename(link.name)
    return stored


def identifier(link: Link | type[Link], number: int) -> UUID:
    """The id of the person or group with this number."""
    kind = link if isinstance(link, type) else type(link)
    return uuid5(NAMESPACE_URL, f"{kind.__name__}{number}")


def names(resource_type: ResourceType) -> Iterator[tuple[str, Attribute]]:
    """All names that a comparison can be about, with their attributes."""
    for schema in (resource_type.common, *resource_type.schemas):
        prefix = f"{schema.urn}:" if schema in resource_type.extensions else ""
        for attribute in schema.attributes:
            for part in attribute.sub_attributes:
                yield f"{prefix}{attribute.name}.{part.name}", part
            if attribute.type != "complex":
                yield prefix + attribute.name, attribute
            elif attribute.multi_valued and (value := attribute.sub_attribute("value")):
                yield prefix + attribute.name, value
