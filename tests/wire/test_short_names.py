"""Attributes of extensions without their URN, and complex attributes for their value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tiled_scim.attributes import Attribute, Schema
from tiled_scim.models import UserLink
from tiled_scim.schemas import USER, register_extension

from .client import ANN, BOB, CORE_USER, ENTERPRISE_USER, NOBODY, TILED_USER, Scim
from .state import people, snapshot

EMPLOYED = {"employeeNumber": "7", "department": "Tours", "manager": {"value": NOBODY}}


@pytest.fixture
def ann(scim: Scim) -> str:
    """The id of a person with attributes of the enterprise extension, beside one without."""
    scim.add_user(BOB)
    return scim.add_user(ANN, **{ENTERPRISE_USER: EMPLOYED})


@pytest.fixture
def other_department(db: None) -> Iterator[None]:
    """Another extension with a department, which its short name does not tell apart."""
    schema = Schema("urn:example:other:2.0:User", "Other", "", (Attribute("department"),))
    register_extension(schema)
    yield
    USER.extensions.remove(schema)


@pytest.mark.parametrize(
    ("path", "value", "change"),
    [
        ("employeeNumber", "8", {"employeeNumber": "8"}),
        ("DEPARTMENT", "Sales", {"department": "Sales"}),
        ("manager", "42", {"manager": {"value": "42"}}),
        ("manager.value", "42", {"manager": {"value": "42"}}),
        (
            "manager",
            [{"$ref": "Users/42", "value": "42"}],
            {"manager": {"$ref": "Users/42", "value": "42"}},
        ),
    ],
)
@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_a_path(
    entra: Scim, ann: str, op: str, path: str, value: Any, change: dict[str, object]
) -> None:
    for operation in (
        {"op": op, "path": path, "value": value},
        {"op": op, "value": {path: value}},
    ):
        answer = entra.patch(f"/Users/{ann}", operation)

        assert answer.status == 200
        assert answer.json[ENTERPRISE_USER] == {**EMPLOYED, **change}
        stored = UserLink.objects.get(pk=ann).attributes
        assert stored[ENTERPRISE_USER] == {**EMPLOYED, **change}


def test_a_path_to_remove(entra: Scim, ann: str) -> None:
    answer = entra.patch(
        f"/Users/{ann}",
        {"op": "Replace", "path": "manager", "value": ""},
        {"op": "Remove", "path": "department"},
    )

    assert answer.json[ENTERPRISE_USER] == {"employeeNumber": "7"}


def test_a_path_that_gives_access(entra: Scim, ann: str) -> None:
    entra.patch(f"/Users/{ann}", {"op": "Replace", "path": "tiledAdmin", "value": "True"})

    assert people() == {ANN: "active admin", BOB: "active"}
    assert entra.get(f"/Users/{ann}").json[TILED_USER] == {"tiledAdmin": True}


@pytest.mark.parametrize(
    "filter_",
    [
        'employeeNumber eq "7"',
        'Department sw "to"',
        f'manager eq "{NOBODY}"',
        f'manager.value eq "{NOBODY}"',
        f'{ENTERPRISE_USER}:manager eq "{NOBODY}"',
        "manager pr",
        "manager ne null",
        "not (department eq null)",
    ],
)
def test_a_filter(entra: Scim, ann: str, filter_: str) -> None:
    assert entra.found("/Users", filter_) == [ann]
    [found] = entra.get("/", filter=filter_).json["Resources"]
    assert found["id"] == ann


def test_is_x_the_manager_of_y(entra: Scim, ann: str) -> None:
    """As Microsoft's documentation asks before it changes a manager."""
    for manager, found in (
        (NOBODY, [{"id": ann, "schemas": [CORE_USER, ENTERPRISE_USER]}]),
        ("1", []),
    ):
        filter_ = f'id eq "{ann}" and manager eq "{manager}"'

        answer = entra.get("/Users", filter=filter_, attributes="id")

        assert answer.status == 200
        assert answer.json["Resources"] == found


@pytest.mark.parametrize("sort_by", ["employeeNumber", "manager", "manager.value"])
def test_sorting(entra: Scim, ann: str, sort_by: str) -> None:
    others = {"employeeNumber": "1", "manager": {"value": "1"}}
    entra.add_user("carl@example.com", **{ENTERPRISE_USER: others})

    listed = entra.get("/Users", sortBy=sort_by).json["Resources"]

    assert [each["userName"] for each in listed] == ["carl@example.com", ANN, BOB]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"attributes": "department"}, {"department": "Tours"}),
        (
            {"attributes": "manager.value,employeeNumber"},
            {"employeeNumber": "7", "manager": {"value": NOBODY}},
        ),
        ({"excludedAttributes": "manager,department"}, {"employeeNumber": "7"}),
    ],
)
def test_selecting(
    entra: Scim, ann: str, parameters: dict[str, str], expected: dict[str, object]
) -> None:
    assert entra.get(f"/Users/{ann}", **parameters).json[ENTERPRISE_USER] == expected


def test_the_core_schema_comes_first(entra: Scim, ann: str) -> None:
    entra.patch(f"/Users/{ann}", {"op": "Add", "path": f"{CORE_USER}:title", "value": "Guide"})

    assert entra.found("/Users", 'title eq "Guide"') == [ann]


@pytest.mark.usefixtures("other_department")
@pytest.mark.in_process
def test_a_name_that_two_extensions_have_is_of_none(entra: Scim, ann: str) -> None:
    before = snapshot()

    answer = entra.patch(f"/Users/{ann}", {"op": "Replace", "path": "department", "value": "Sales"})

    assert answer.error == (400, "invalidPath")
    assert entra.get("/Users", filter='department eq "Tours"').error == (400, "invalidFilter")
    assert entra.found("/Users", 'employeeNumber eq "7"') == [ann]
    assert snapshot() == before


@pytest.mark.parametrize(
    "path", [f"{CORE_USER}:department", "urn:example:department", "name.department"]
)
def test_another_urn_is_not_passed_over(entra: Scim, ann: str, path: str) -> None:
    answer = entra.patch(f"/Users/{ann}", {"op": "Replace", "path": path, "value": "Sales"})

    assert answer.error == (400, "invalidPath")
