"""The attribute table is the only list of attributes: a row in it is an attribute everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.schemas import GROUP, USER, register_extension

from .client import ANN, BOB, Scim, group, user
from .state import refused

URN = "urn:ietf:params:scim:schemas:extension:library:2.0:User"
GUIDE = Path(__file__).parents[2] / "docs" / "extensions.md"


@pytest.fixture
def library(scim: Scim) -> Iterator[Schema]:
    """The schema of the guide, registered as the guide has it."""
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (the guide's own example)
    names["LibraryCardConfig"].ready(None)
    yield USER.extensions[-1]
    USER.extensions.pop()


def test_it_is_advertised(scim: Scim, library: Schema) -> None:
    schema = scim.get(f"/Schemas/{URN}").json
    assert [attribute["name"] for attribute in schema["attributes"]] == ["cardNumber", "loans"]
    assert schema["attributes"][1]["type"] == "integer"
    extensions = scim.get("/ResourceTypes/User").json["schemaExtensions"]
    assert {"schema": URN, "required": False} in extensions


def test_it_is_kept_patched_filtered_and_sorted_by(scim: Scim, library: Schema) -> None:
    ann = scim.add_user(ANN, **{URN: {"cardNumber": "A-7", "loans": 12}})
    bob = scim.add_user(BOB, **{URN: {"cardNumber": "a-7", "loans": 3, "unknown": 1}})

    patched = scim.patch(f"/Users/{bob}", {"op": "add", "path": f"{URN}:loans", "value": 4})

    assert patched.json[URN] == {"cardNumber": "a-7", "loans": 4}
    assert URN in patched.json["schemas"]
    assert UserLink.objects.get(pk=bob).attributes[URN] == {"cardNumber": "a-7", "loans": 4}
    assert scim.found("/Users", f'{URN}:cardNumber eq "A-7"') == [ann]
    assert scim.found("/Users", f"{URN}:loans lt 10") == [bob]
    in_order = scim.get("/Users", sortBy=f"{URN}:loans").json["Resources"]
    assert [resource["id"] for resource in in_order] == [bob, ann]


def test_its_values_are_checked(scim: Scim, library: Schema) -> None:
    answer = refused(scim, "POST", "/Users", user(ANN, **{URN: {"loans": "many"}}))

    assert answer.error == (400, "invalidValue")
    assert "loans" in answer.json["detail"]


def test_a_row_of_the_core_schema_is_an_attribute_too(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = Schema(
        GROUP.schema.urn,
        "Group",
        "",
        (*GROUP.schema.attributes, Attribute("motto", description="What it stands for.")),
    )
    monkeypatch.setattr(GROUP, "schema", schema)
    key = scim.post("/Groups", {**group("Sales"), "motto": "Always"}).json["id"]

    scim.patch(f"/Groups/{key}", {"op": "replace", "path": "motto", "value": "Always Be"})

    assert scim.get(f"/Groups/{key}").json["motto"] == "Always Be"
    assert LibraryGroupLink.objects.get().attributes == {"motto": "Always Be"}
    assert scim.found("/Groups", 'motto sw "always"') == [key]
    assert "motto" in scim.get(f"/Schemas/{GROUP.schema.urn}").text


def test_it_may_be_registered_again(library: Schema) -> None:
    register_extension(library)

    assert USER.extensions.count(library) == 1


@pytest.mark.parametrize(
    "urn", [URN.upper(), USER.schema.urn, GROUP.schema.urn, "https://library.example/User", "card"]
)
@pytest.mark.parametrize("resource_type", [USER, GROUP])
def test_one_with_another_ones_urn_or_without_any_is_refused(
    library: Schema, urn: str, resource_type: ResourceType
) -> None:
    before = list(resource_type.extensions)

    with pytest.raises(ValueError, match=r"already|URN"):
        register_extension(Schema(urn, "Other", "", ()), resource_type)

    assert resource_type.extensions == before


def test_users_and_groups_may_have_the_same_one(
    scim: Scim, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GROUP, "extensions", [])
    register_extension(library, GROUP)

    created = scim.post("/Groups", {**group("Sales"), URN: {"loans": 5}})

    assert created.json[URN] == {"loans": 5}
    assert created.json["schemas"] == [GROUP.schema.urn, URN]
    key = created.json["id"]
    scim.patch(f"/Groups/{key}", {"op": "replace", "path": f"{URN}:loans", "value": 6})
    assert scim.found("/Groups", f"{URN}:loans eq 6") == [key]
    assert LibraryGroupLink.objects.get().attributes == {URN: {"loans": 6}}
    urns = [schema["id"] for schema in scim.get("/Schemas").json["Resources"]]
    assert urns.count(URN) == 1
