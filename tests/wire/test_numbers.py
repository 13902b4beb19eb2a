"""Numbers of 64 bits are stored, compared and returned; others are refused where they arrive."""

from __future__ import annotations

import json

import pytest

from tiled_scim.attributes import Attribute, Schema
from tiled_scim.schemas import USER

from .client import ANN, BOB, Scim, user
from .state import refused

URN = "urn:example:measures:2.0:User"
MEASURES = Schema(
    URN,
    "Measures",
    "",
    (
        Attribute("size", "integer"),
        Attribute("weight", "decimal"),
        Attribute("levels", "integer", multi_valued=True),
        Attribute(
            "parts",
            "complex",
            multi_valued=True,
            sub_attributes=(Attribute("value", "integer"), Attribute("weight", "decimal")),
        ),
    ),
)

LARGEST, SMALLEST = 2**63 - 1, -(2**63)
DIGITS = "9" * 5000

# JSON of numbers that nothing stores, and how they are refused.
INTEGERS = [str(LARGEST + 1), str(SMALLEST - 1), "1e400", "-1e400", "1e19", "9" * 4000, "1.5"]
DECIMALS = ["1e400", "-1e400", "9" * 400]
NO_JSON = ["NaN", "Infinity", "-Infinity", DIGITS, "0x10", "01"]

pytestmark = pytest.mark.in_process


@pytest.fixture(autouse=True)
def _measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, MEASURES])


def with_number(body: object, number: str) -> bytes:
    """The JSON of a body, with a number in place of "NUMBER"."""
    return json.dumps(body).replace('"NUMBER"', number).encode()


def bodies(name: str) -> list[tuple[str, dict[str, object]]]:
    """The bodies that set an attribute: for PUT and PATCH."""
    values: dict[str, object] = {
        "size": "NUMBER",
        "weight": "NUMBER",
        "levels": ["NUMBER"],
        "parts": [{"value": 1, "weight": "NUMBER"}],
    }
    value = values[name]
    whole = {"op": "add", "value": {URN: {name: value}}}
    path = {"op": "replace", "path": f"{URN}:{name}", "value": value}
    return [
        ("PUT", user(ANN, **{URN: {name: value}})),
        ("PATCH", {"Operations": [whole]}),
        ("PATCH", {"Operations": [path]}),
    ]


REFUSED = [
    *((name, number, "invalidValue") for name in ("size", "levels") for number in INTEGERS),
    *((name, number, "invalidValue") for name in ("weight", "parts") for number in DECIMALS),
    *((name, number, "invalidSyntax") for name in ("size", "weight") for number in NO_JSON),
]


@pytest.mark.parametrize(("name", "number", "scim_type"), REFUSED)
def test_in_a_body(scim: Scim, ann: str, name: str, number: str, scim_type: str) -> None:
    for method, body in bodies(name):
        answer = refused(scim, method, f"/Users/{ann}", with_number(body, number))

        assert answer.error == (400, scim_type)
        assert scim_type == "invalidSyntax" or name in answer.json["detail"]
        assert len(answer.json["detail"]) < 300


@pytest.mark.parametrize("number", [LARGEST, SMALLEST, 2**53 + 1, 0])
def test_integers_of_64_bits_are_kept(scim: Scim, ann: str, number: int) -> None:
    answer = scim.patch(f"/Users/{ann}", {"op": "add", "path": f"{URN}:size", "value": number})

    assert answer.json[URN] == {"size": number}
    assert scim.get(f"/Users/{ann}").json[URN] == {"size": number}
    assert scim.found("/Users", f"{URN}:size eq {number}") == [ann]
    for other in {max(SMALLEST, number - 1), min(LARGEST, number + 1)} - {number}:
        assert scim.found("/Users", f"{URN}:size eq {other}") == []
    assert scim.found("/Users", f"{URN}:size gt -1.5 or {URN}:size lt 1.5") == [ann]
    assert scim.found("/Users", f"{URN}:size eq {number % 2}.5") == []


@pytest.mark.parametrize("number", ["-0", "-0.0", "0e5", "1e-400"])
def test_there_is_one_zero(scim: Scim, ann: str, number: str) -> None:
    body = with_number(user(ANN, **{URN: {"weight": "NUMBER"}}), number)

    answer = scim.send("PUT", f"/Users/{ann}", body)

    assert str(answer.json[URN]["weight"]) in {"0", "0.0"}
    assert scim.found("/Users", f"{URN}:weight eq 0") == [ann]
    assert scim.send("PUT", f"/Users/{ann}", body).headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1e300", "0.1", "1e-7"])
def test_a_decimal_is_what_every_database_returns(scim: Scim, ann: str, number: str) -> None:
    body = with_number(user(ANN, **{URN: {"weight": "NUMBER"}}), number)

    answer = scim.send("PUT", f"/Users/{ann}", body)

    assert float(answer.json[URN]["weight"]) == float(number)
    assert scim.get(f"/Users/{ann}").json[URN] == answer.json[URN]
    assert scim.send("PUT", f"/Users/{ann}", body).headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize(
    "filter_",
    [
        *(f"{URN}:size {operator} {LARGEST + 1}" for operator in ("eq", "ne", "gt", "le")),
        f"{URN}:size lt {SMALLEST - 1}",
        f"{URN}:size eq 1e19",
        f"{URN}:levels eq {LARGEST + 1}",
        f"{URN}:parts[value eq {LARGEST + 1}]",
        f"{URN}:weight lt 1e400",
        f"{URN}:weight lt -1e400",
        f"{URN}:weight lt {'9' * 400}",
        f"{URN}:weight lt {DIGITS}",
        f"{URN}:weight lt NaN",
        f"{URN}:weight lt Infinity",
    ],
)
def test_in_a_filter(scim: Scim, ann: str, filter_: str) -> None:
    for path in ("/Users/.search", "/.search"):
        answer = refused(scim, "POST", path, {"filter": filter_})
        assert answer.error == (400, "invalidFilter")
    if "[" in filter_:
        removal = {"Operations": [{"op": "remove", "path": filter_}]}
        answer = refused(scim, "PATCH", f"/Users/{ann}", removal)
        assert answer.error == (400, "invalidFilter")


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("number", [str(LARGEST + 1), str(SMALLEST - 1), "9" * 4000, DIGITS])
def test_in_the_parameters_of_a_page(scim: Scim, ann: str, name: str, number: str) -> None:
    answer = refused(scim, "GET", f"/Users?{name}={number}")
    assert answer.error == (400, "invalidValue")
    sent = with_number({name: "NUMBER"}, number)
    in_body = refused(scim, "POST", "/Users/.search", sent)
    assert in_body.error in {(400, "invalidValue"), (400, "invalidSyntax")}
    assert scim.get("/Users", **{name: LARGEST}).status == 200
    if name == "count":
        answer = refused(scim, "GET", f"/Users?cursor=&count={number}")
        assert answer.error == (400, "invalidCount")


@pytest.mark.parametrize("number", [str(LARGEST + 1), "1e400", "9" * 4000, "1.5", DIGITS])
def test_in_a_bulk_request(scim: Scim, number: str) -> None:
    post = {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(BOB)}
    body = with_number({"failOnErrors": "NUMBER", "Operations": [post]}, number)

    assert refused(scim, "POST", "/Bulk", body).status == 400
    data = user(BOB, **{URN: {"size": "NUMBER"}})
    body = with_number({"Operations": [{**post, "data": data}]}, number)
    answer = refused(scim, "POST", "/Bulk", body)
    results = answer.json.get("Operations", [answer.json])
    assert [each["status"] for each in results] == ["400"]
