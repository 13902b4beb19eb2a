"""Discovery documents: RFC 7643 sections 5 to 7, RFC 7644 section 4. What they say is true.

Nothing here names an attribute that `/Schemas` could name: what is sent, and how it is asked for,
is made of what the server says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from scim2_models import User as CoreUser

from tiled_scim.schemas import GROUP, USER

from .client import ANN, BOB, ENTERPRISE_USER, Scim, group, user
from .state import refused

WRITABLE = {"readWrite", "immutable", "writeOnly"}
CHARACTERISTICS: dict[str, set[Any]] = {
    "type": {
        *("string", "boolean", "decimal", "integer"),
        *("dateTime", "binary", "reference", "complex"),
    },
    "mutability": {"readOnly", "readWrite", "immutable", "writeOnly"},
    "returned": {"always", "never", "default", "request"},
    "uniqueness": {"none", "server", "global"},
    "multiValued": {True, False},
    "required": {True, False},
    "caseExact": {True, False},
}
SAMPLES: dict[str, object] = {
    "string": "Some Text",
    "reference": "https://Example.com/Some",
    "binary": "TUlJQg==",
    "boolean": True,
}

# What the server has no place for, so that nothing can be searched there.
UNSEARCHABLE = {
    "User": {"groups.$ref", f"{ENTERPRISE_USER}:manager.displayName"},
    "Group": {"members.$ref"},
}


@dataclass(frozen=True)
class Named:
    """An attribute as it is advertised, with its full name."""

    name: str
    description: dict[str, Any]

    def __getitem__(self, characteristic: str) -> Any:
        return self.description[characteristic]

    @property
    def is_complex(self) -> bool:
        return bool(self["type"] == "complex")

    @property
    def parts(self) -> list[Named]:
        return [Named(f"{self.name}.{sub['name']}", sub) for sub in self["subAttributes"]]

    @property
    def leaves(self) -> list[Named]:
        return self.parts if self.is_complex else [self]

    @property
    def sample(self) -> Any:
        """A value that it may have."""
        value: Any = SAMPLES.get(self["type"])
        if self.is_complex:
            writable = (part for part in self.parts if part["mutability"] in WRITABLE)
            value = {part["name"]: part.sample for part in writable}
        if canonical := self.description.get("canonicalValues"):
            value = canonical[0]
        return [value] if self["multiValued"] else value

    def put(self, resource: dict[str, Any], value: object) -> None:
        """Set the value in a resource."""
        urn, colon, _ = self.name.rpartition(":")
        container = resource.setdefault(urn, {}) if colon else resource
        container[self["name"]] = value

    def get(self, resource: dict[str, Any]) -> Any:
        """The value in a resource."""
        urn, colon, _ = self.name.rpartition(":")
        return (resource.get(urn, {}) if colon else resource).get(self["name"])


@pytest.fixture
def advertised(scim: Scim, password_in_schemas: None) -> dict[str, list[Named]]:
    """What each resource type says that it has."""
    types = scim.get("/ResourceTypes").json["Resources"]
    return {found["name"]: list(attributes_of(scim, found)) for found in types}


def attributes_of(scim: Scim, resource_type: dict[str, Any]) -> Iterator[Named]:
    extensions = [extension["schema"] for extension in resource_type["schemaExtensions"]]
    for urn in (resource_type["schema"], *extensions):
        prefix = f"{urn}:" if urn in extensions else ""
        for description in scim.get(f"/Schemas/{urn}").json["attributes"]:
            yield Named(prefix + description["name"], description)


@pytest.fixture
def password_in_schemas() -> Iterator[None]:
    """In this process, describe the password, too, which is accepted in any case."""
    with override_settings(TILED_SCIM_PASSWORD_IN_SCHEMAS=True):
        yield


@pytest.fixture
def users(advertised: dict[str, list[Named]]) -> list[Named]:
    return advertised["User"]


@pytest.fixture
def full(users: list[Named]) -> dict[str, Any]:
    """A person with a value of everything that may be written."""
    resource: dict[str, Any] = {}
    for attribute in users:
        if attribute["mutability"] in WRITABLE:
            attribute.put(resource, attribute.sample)
    return resource


def written(users: list[Named]) -> list[Named]:
    return [attribute for attribute in users if attribute["mutability"] in WRITABLE]


class TestUsers:
    def test_everything_that_may_be_written_is_accepted_and_comes_back(
        self, scim: Scim, users: list[Named], full: dict[str, Any]
    ) -> None:
        created = scim.post("/Users", full)

        assert created.status == 201
        shown = scim.get(f"/Users/{created.json['id']}").json
        for attribute in written(users):
            is_shown = attribute["returned"] != "never"
            assert attribute.get(shown) == (attribute.get(full) if is_shown else None)
        extensions = {attribute.name.rpartition(":")[0] for attribute in users} - {""}
        assert set(shown["schemas"]) == {USER.schema.urn, *extensions}

    def test_everything_can_be_patched_but_what_is_read_only(
        self, scim: Scim, users: list[Named]
    ) -> None:
        key = scim.add_user(ANN)
        for attribute in users:
            operation = {"op": "replace", "path": attribute.name, "value": attribute.sample}

            answer = scim.patch(f"/Users/{key}", operation)

            if attribute["mutability"] == "readOnly":
                assert answer.error == (400, "mutability")
            elif attribute["returned"] == "never":
                assert attribute.get(answer.json) is None
            else:
                assert attribute.get(answer.json) == attribute.sample

    def test_parts_that_are_read_only_cannot_be_patched(
        self, scim: Scim, users: list[Named]
    ) -> None:
        key = scim.add_user(ANN)
        parts = [part for attribute in users if attribute.is_complex for part in attribute.parts]
        read_only = [part for part in parts if part["mutability"] == "readOnly"]

        assert read_only
        for part in read_only:
            operation = {"op": "replace", "path": part.name, "value": "x"}
            answer = refused(scim, "PATCH", f"/Users/{key}", {"Operations": [operation]})
            assert answer.error == (400, "mutability")

    def test_what_is_required_must_be_there(self, scim: Scim, users: list[Named]) -> None:
        required = [attribute for attribute in users if attribute["required"]]

        assert required
        for attribute in required:
            body = user(ANN)
            attribute.put(body, None)
            answer = refused(scim, "POST", "/Users", body)
            assert answer.error == (400, "invalidValue")
            assert attribute.name in answer.json["detail"]

    def test_everything_is_found_by_its_value_or_said_to_be_unsearchable(
        self, scim: Scim, users: list[Named], full: dict[str, Any]
    ) -> None:
        key = scim.post("/Users", full).json["id"]
        scim.add_group("Some Text", key)
        scim.add_user(BOB, name=None, emails=None, displayName=None, active=False)

        assert searched(scim, "/Users", users, key) - {"password"} == UNSEARCHABLE["User"]

    def test_case_counts_where_it_is_said_to(
        self, scim: Scim, users: list[Named], full: dict[str, Any]
    ) -> None:
        key = scim.post("/Users", full).json["id"]
        for attribute in written(users):
            for leaf in attribute.leaves:
                if (
                    leaf.name in {"password", *UNSEARCHABLE["User"]}
                    or "caseExact" not in leaf.description
                ):
                    continue
                filter_ = f"{leaf.name} eq {json.dumps(leaf.sample.swapcase())}"
                assert scim.found("/Users", filter_) == ([] if leaf["caseExact"] else [key])


class TestGroups:
    @pytest.fixture
    def ann(self, scim: Scim) -> str:
        return scim.add_user(ANN)

    def test_everything_that_may_be_written_comes_back(
        self, scim: Scim, advertised: dict[str, list[Named]], ann: str
    ) -> None:
        member = {"value": ann, "$ref": "x", "type": "User", "display": "Some Text"}
        names = {attribute.name for attribute in written(advertised["Group"])}

        created = scim.post("/Groups", {**group("Sales"), "members": [member]})

        assert names == {"displayName", "members"}
        shown = scim.get(f"/Groups/{created.json['id']}").json
        [shown_member] = shown["members"]
        # The URI is this server's, whatever a client believes.
        assert shown_member == {
            **member,
            "$ref": scim.get(f"/Users/{ann}").json["meta"]["location"],
        }
        [parts] = [found.parts for found in advertised["Group"] if found.name == "members"]
        assert shown_member.keys() == {part["name"] for part in parts}

    def test_everything_is_found_by_its_value_or_said_to_be_unsearchable(
        self, scim: Scim, advertised: dict[str, list[Named]], ann: str
    ) -> None:
        key = scim.add_group("Some Text", ann)
        scim.add_group("Other")

        assert searched(scim, "/Groups", advertised["Group"], key) == UNSEARCHABLE["Group"]

    def test_the_name_is_unique_in_any_case(self, scim: Scim) -> None:
        scim.add_group("Sales")

        assert refused(scim, "POST", "/Groups", group("SALES")).error == (409, "uniqueness")


def searched(scim: Scim, path: str, attributes: list[Named], key: str) -> set[str]:
    """The names that cannot be searched; by the values of all others the resource is found.

    Args:
        key: of the resource; no other one has a value of it.
    """
    resource = scim.get(f"{path}/{key}").json
    unsearchable = set()
    for attribute in attributes:
        shown = attribute.get(resource)
        element = shown[0] if isinstance(shown, list) else shown
        for leaf in attribute.leaves:
            value = element.get(leaf["name"]) if isinstance(element, dict) else element
            present = scim.get(path, filter=f"{leaf.name} pr")
            equal = scim.get(path, filter=f"{leaf.name} eq {json.dumps(value)}")
            if present.status == 200:
                assert key in [found["id"] for found in present.json["Resources"]]
                assert [found["id"] for found in equal.json["Resources"]] == [key]
                continue
            unsearchable.add(leaf.name)
            for answer in (present, equal):
                assert answer.error == (400, "invalidFilter")
                assert leaf.name in answer.json["detail"]
    return unsearchable


class TestDocuments:
    def test_every_characteristic_is_one_of_the_rfcs(
        self, advertised: dict[str, list[Named]]
    ) -> None:
        for attribute in (each for found in advertised.values() for each in found):
            for named in [attribute, *(attribute.parts if attribute.is_complex else [])]:
                said = named.description
                assert said["name"]
                assert said["description"] or named is not attribute
                for characteristic, allowed in CHARACTERISTICS.items():
                    assert said.get(characteristic, next(iter(allowed))) in allowed
                assert said.keys() >= {"type", "multiValued", "required", "mutability", "returned"}
                assert ("subAttributes" in said) == named.is_complex
                assert ("referenceTypes" in said) == (said["type"] == "reference")
                if said["type"] in ("boolean", "complex"):
                    assert "caseExact" not in said

    @pytest.mark.parametrize("path", ["/ResourceTypes", "/Schemas"])
    def test_each_document_is_at_its_location(self, scim: Scim, path: str) -> None:
        answer = scim.get(path)
        documents = answer.json["Resources"]

        assert answer.json["totalResults"] == len(documents)
        for document in documents:
            assert document["meta"]["location"].endswith(f"{path}/{document['id']}")
            assert scim.get(f"{path}/{document['id']}").json == document

    def test_resource_types_lead_to_their_resources(self, scim: Scim) -> None:
        scim.add_group("Sales", scim.add_user(ANN))
        urns = {schema["id"] for schema in scim.get("/Schemas").json["Resources"]}

        for resource_type in scim.get("/ResourceTypes").json["Resources"]:
            [resource] = scim.get(resource_type["endpoint"]).json["Resources"]
            assert resource["meta"]["resourceType"] == resource_type["name"]
            assert resource_type["schema"] in resource["schemas"]
            extensions = {extension["schema"] for extension in resource_type["schemaExtensions"]}
            assert urns >= {resource_type["schema"], *extensions} >= set(resource["schemas"])

    def test_schemas_that_resource_types_share_are_listed_once(self, scim: Scim) -> None:
        urns = [schema["id"] for schema in scim.get("/Schemas").json["Resources"]]

        assert sorted(urns) == sorted(
            {schema.urn for each in (USER, GROUP) for schema in each.schemas}
        )

    def test_the_password_is_listed_only_if_the_host_says_so(
        self, scim: Scim, settings: Any
    ) -> None:
        def names() -> set[str]:
            schema = scim.get(f"/Schemas/{USER.schema.urn}").json
            [listed] = [
                found for found in scim.get("/Schemas").json["Resources"] if found == schema
            ]
            return {attribute["name"] for attribute in listed["attributes"]}

        without = names()
        settings.TILED_SCIM_PASSWORD_IN_SCHEMAS = True

        assert "password" not in without
        assert names() == without | {"password"}

    def test_they_are_described_as_by_the_rfc(self, scim: Scim) -> None:
        """RFC 7643 sections 8.6 and 8.7.1, as another implementation has them."""
        described = {found["id"]: found for found in scim.get("/Schemas").json["Resources"]}
        types = {found["id"]: found for found in scim.get("/ResourceTypes").json["Resources"]}
        said = {urn: (found["name"], found["description"]) for urn, found in described.items()}

        assert said[USER.schema.urn] == ("User", "User Account")
        assert said[GROUP.schema.urn] == ("Group", "Group")
        assert said[ENTERPRISE_USER] == ("EnterpriseUser", "Enterprise User")
        assert types["User"]["description"] == "User Account"
        assert types["Group"]["description"] == "Group"
        ours = {each["name"]: each for each in described[USER.schema.urn]["attributes"]}
        for theirs in CoreUser.to_schema().attributes or []:
            if theirs.name != "password":
                assert_as_described(ours.pop(theirs.name), theirs)
        assert not ours


def assert_as_described(ours: dict[str, Any], theirs: Any) -> None:
    """Assert that an attribute and its parts have the characteristics of another description."""
    assert ours["type"] == theirs.type.value
    assert ours["multiValued"] == theirs.multi_valued
    assert ours["required"] is bool(theirs.required.value)
    assert ours["mutability"] == theirs.mutability.value
    assert ours["returned"] == theirs.returned.value
    assert ours.get("canonicalValues") == theirs.canonical_values
    assert ours.get("uniqueness", "none") == theirs.uniqueness.value
    parts = {part["name"]: part for part in ours.get("subAttributes", [])}
    for part in theirs.sub_attributes or []:
        assert_as_described(parts.pop(part.name), part)
    assert not parts


class TestServiceProviderConfig:
    @pytest.fixture
    def config(self, scim: Scim) -> dict[str, Any]:
        found: dict[str, Any] = scim.get("/ServiceProviderConfig").json
        return found

    def test_it_has_all_that_the_rfc_requires(self, scim: Scim, config: dict[str, Any]) -> None:
        features = {"patch", "bulk", "filter", "changePassword", "sort", "etag"}

        assert all(isinstance(config[feature]["supported"], bool) for feature in features)
        schemes = config["authenticationSchemes"]
        assert [scheme["type"] for scheme in schemes] == ["oauthbearertoken", "oauth2"]
        assert [scheme["primary"] for scheme in schemes] == [True, False]
        assert all(scheme.keys() >= {"name", "description"} for scheme in schemes)
        assert (
            config["meta"]["location"].removesuffix("ServiceProviderConfig") + "oauth/token"
            in (schemes[1]["description"])
        )
        assert config["meta"]["location"].endswith("/ServiceProviderConfig")
        assert scim.get("/ServiceProviderConfigs").json == config

    def test_pages_are_as_large_as_it_says(
        self, scim: Scim, config: dict[str, Any], settings: Any
    ) -> None:
        settings.TILED_SCIM_PAGE_SIZE, settings.TILED_SCIM_MAX_PAGE_SIZE = 1, 2
        for name in ("a", "b", "c"):
            scim.add_user(name)

        said = scim.get("/ServiceProviderConfig").json
        assert said["filter"]["maxResults"] == said["pagination"]["maxPageSize"] == 2
        assert said["pagination"]["defaultPageSize"] == 1
        assert scim.get("/Users").json["itemsPerPage"] == 1
        assert scim.get("/Users", count=3).json["itemsPerPage"] == 2

    def test_a_page_has_100_resources_where_nothing_else_is_said(
        self, scim: Scim, config: dict[str, Any]
    ) -> None:
        for number in range(101):
            scim.add_user(f"person{number}@example.com")

        assert config["pagination"]["defaultPageSize"] == 100
        listed = scim.get("/Users").json
        assert (listed["totalResults"], listed["itemsPerPage"]) == (101, 100)
        assert scim.get("/Users", count=10).json["itemsPerPage"] == 10

    def test_passwords_cannot_be_changed(self, scim: Scim, config: dict[str, Any]) -> None:
        assert config["changePassword"] == {"supported": False}

        key = scim.add_user(ANN, password="first")
        scim.patch(f"/Users/{key}", {"op": "replace", "path": "password", "value": "second"})

        assert not User.objects.get().has_usable_password()
