"""The OpenAPI document of a host that has drf-spectacular."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tiled_scim.schemas import TILED_USER

MOUNT = "/scim/v2"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # As the app does where the host has drf-spectacular.
    import_module("tiled_scim.api.openapi")
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


def test_it_is_a_valid_one(document: dict[str, Any]) -> None:
    validate_schema(document)


def test_it_has_every_endpoint_with_its_methods(document: dict[str, Any]) -> None:
    found = {path: set(operations) for path, operations in document["paths"].items()}

    resource = {"get", "put", "patch", "delete"}
    expected: dict[str, set[str]] = {
        "/": {"get"},
        "/.search/": {"post"},
        "/Bulk/": {"post"},
        "/global-token-revocation/": {"post"},
        "/global-token-revocation/{key}/": {"post"},
        "/ServiceProviderConfigs/": {"get"},
    }
    for name in ("Users", "Groups"):
        expected |= {
            f"/{name}/": {"get", "post"},
            f"/{name}/.search/": {"post"},
            f"/{name}/{{key}}/": resource,
        }
    for name in ("ResourceTypes", "Roles", "Schemas"):
        expected |= {f"/{name}/": {"get"}, f"/{name}/{{key}}/": {"get"}}
    expected["/Roles/.search/"] = {"post"}
    assert found == {MOUNT + path: methods for path, methods in expected.items()}


def test_resources_have_the_attributes_of_the_table(document: dict[str, Any]) -> None:
    create = document["paths"][f"{MOUNT}/Users/"]["post"]
    sent = create["requestBody"]["content"]["application/scim+json"]["schema"]
    answered = create["responses"]["201"]["content"]["application/scim+json"]["schema"]

    assert sent["required"] == ["userName"]
    assert sent["properties"][TILED_USER]["properties"] == {
        "tiledAdmin": {"type": "boolean", "description": answered_description(answered)}
    }
    assert "groups" not in sent["properties"]
    assert answered["properties"]["groups"]["type"] == "array"
    assert answered["properties"]["meta"]["properties"]["created"]["format"] == "date-time"


def answered_description(answered: dict[str, Any]) -> str:
    extension = answered["properties"][TILED_USER]["properties"]
    return str(extension["tiledAdmin"]["description"])


def test_every_operation_says_how_it_is_refused_and_what_it_wants(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for method, operation in operations.items():
            error = operation["responses"]["default"]["content"]["application/scim+json"]["schema"]
            assert error["required"] == ["schemas", "status", "detail"]
            assert operation["security"] == [{"ScimToken": []}]
            assert ("requestBody" in operation) == (method in {"post", "put", "patch"})


def test_a_patch_of_a_group_may_answer_with_nothing(document: dict[str, Any]) -> None:
    patch = document["paths"][f"{MOUNT}/Groups/{{key}}/"]["patch"]

    assert set(patch["responses"]) == {"200", "204", "default"}
    assert document["paths"][f"{MOUNT}/Users/{{key}}/"]["delete"]["responses"].keys() == {
        "204",
        "default",
    }
