"""`attributes` and `excludedAttributes` on every answer: RFC 7644 section 3.9."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tiled_scim.attributes import Attribute, Schema
from tiled_scim.models import UserLink
from tiled_scim.schemas import USER

from .client import (
    ANN,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    TILED_USER,
    Scim,
    add_members,
    group,
    user,
)

EVERYTHING = user(
    ANN,
    title="Boss",
    phoneNumbers=[{"value": "1", "type": "work"}, {"value": "2"}],
    **{
        ENTERPRISE_USER: {
            "department": "Sales",
            "manager": {"value": "m", "$ref": "https://idp.example/m"},
        },
        TILED_USER: {"tiledAdmin": False},
    },
)
ALWAYS = {"schemas", "id"}
CORE = {name: EVERYTHING[name] for name in EVERYTHING if name != "schemas" and ":" not in name}

SELECTED: dict[str, dict[str, Any]] = {
    "title": {"title": "Boss"},
    "TITLE, userName": {"title": "Boss", "userName": ANN},
    f"{CORE_USER}:title": {"title": "Boss"},
    "name.givenName": {"name": {"givenName": "Ann"}},
    "emails.value": {"emails": [{"value": ANN}]},
    "phoneNumbers.type": {"phoneNumbers": [{"type": "work"}]},
    'emails[type eq "work"]': {"emails": EVERYTHING["emails"]},
    'emails[type eq "a, ] b"].value,title': {"emails": [{"value": ANN}], "title": "Boss"},
    'phoneNumbers[type eq "work" and value eq "1"].type, title': {
        "phoneNumbers": [{"type": "work"}],
        "title": "Boss",
    },
    CORE_USER.upper(): CORE,
    ENTERPRISE_USER: {ENTERPRISE_USER: EVERYTHING[ENTERPRISE_USER]},
    f"{ENTERPRISE_USER}:department": {ENTERPRISE_USER: {"department": "Sales"}},
    f"{ENTERPRISE_USER}:manager.value": {ENTERPRISE_USER: {"manager": {"value": "m"}}},
    f"{TILED_USER}:tiledAdmin": {TILED_USER: {"tiledAdmin": False}},
    "nothing": {},
    # Names below simple values, which no schema has.
    "title.x": {},
    "emails.value.x": {},
    f"{ENTERPRISE_USER}:department.x,active": {"active": True},
    "nickName": {},
    "id": {},
}

EXCLUDED: dict[str, dict[str, Any]] = {
    "title": {"title": None},
    "name": {"name": None},
    "name.familyName": {"name": {"givenName": "Ann"}},
    "emails.type,emails.primary": {"emails": [{"value": ANN}]},
    ENTERPRISE_USER: {ENTERPRISE_USER: None},
    CORE_USER: dict.fromkeys(CORE),
    f"{ENTERPRISE_USER}:manager": {ENTERPRISE_USER: {"department": "Sales"}},
    f"{ENTERPRISE_USER}:manager.$ref": {
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m"}}
    },
    "id,schemas": {},
    "nothing": {},
    "title.x": {},
    f"emails.value.x,{ENTERPRISE_USER}:department.x": {},
}


@pytest.fixture
def path(scim: Scim) -> str:
    return f"/Users/{scim.post('/Users', EVERYTHING).json['id']}"


@pytest.mark.parametrize(("names", "selected"), SELECTED.items(), ids=SELECTED)
def test_attributes_are_those_named_and_those_always_returned(
    scim: Scim, path: str, names: str, selected: dict[str, Any]
) -> None:
    answer = scim.get(path, attributes=names)

    assert {name: answer.json[name] for name in answer.json.keys() - ALWAYS} == selected
    assert answer.json.keys() >= ALWAYS


@pytest.mark.parametrize(("names", "changes"), EXCLUDED.items(), ids=EXCLUDED)
def test_excluded_attributes_are_left_out(
    scim: Scim, path: str, names: str, changes: dict[str, Any]
) -> None:
    whole = scim.get(path).json

    answer = scim.get(path, excludedAttributes=names)

    expected = {**whole, **changes}
    assert answer.json == {name: value for name, value in expected.items() if value is not None}


def test_every_answer_with_a_resource_has_the_selection(scim: Scim, path: str) -> None:
    query = "?attributes=title"
    body = user(ANN, title="Boss")
    scim.deactivate(path.rpartition("/")[2])

    answers = [
        scim.send("POST", f"/Users{query}", body).json,
        scim.send("PUT", path + query, body).json,
        scim.send("PATCH", path + query, {"Operations": [{"op": "add", "value": {}}]}).json,
        scim.send("GET", path + query).json,
        scim.send("GET", f"/Users{query}").json["Resources"][0],
    ]

    assert [answer.keys() for answer in answers] == [{"schemas", "id", "title"}] * 5


def test_a_group_patch_answers_with_what_was_asked_for(scim: Scim) -> None:
    ann, sales = scim.add_user(ANN), scim.add_group("Sales")
    body = {"Operations": [add_members(ann)]}

    answer = scim.send("PATCH", f"/Groups/{sales}?attributes=members.value", body)

    assert answer.status == 200
    assert answer.json["members"] == [{"value": ann}]


GROUP_SELECTED: list[tuple[str, set[str] | None]] = [
    ("attributes=members", {"value", "$ref", "type", "display"}),
    ("attributes=members.value,members.display", {"value", "display"}),
    (f"attributes={CORE_GROUP}:members.type", {"type"}),
    ("excludedAttributes=members.$ref,members.type", {"value", "display"}),
    (f"attributes={CORE_GROUP}", {"value", "$ref", "type", "display"}),
    (f"excludedAttributes={CORE_GROUP}", None),
    ("attributes=displayName", None),
    ("excludedAttributes=MEMBERS", None),
    (f"excludedAttributes={CORE_GROUP}:members", None),
    ("excludedAttributes=members.value,members.display,members.type,members.$ref", None),
]


@pytest.mark.parametrize(("query", "parts"), GROUP_SELECTED)
def test_the_parts_of_members_are_selected(scim: Scim, query: str, parts: set[str] | None) -> None:
    key = scim.add_group("Sales", scim.add_user(ANN))

    members = scim.send("GET", f"/Groups/{key}?{query}").json.get("members")

    assert members is None if parts is None else [set(member) for member in members] == [parts]


@pytest.mark.parametrize("name", ["groups", "groups.display", "meta", "meta.version"])
def test_what_is_read_only_is_selected_too(scim: Scim, name: str) -> None:
    key = scim.add_user(ANN)
    scim.add_group("Sales", key)
    whole = scim.get(f"/Users/{key}").json
    attribute, _, part = name.partition(".")

    selected = scim.get(f"/Users/{key}", attributes=name).json
    rest = scim.get(f"/Users/{key}", excludedAttributes=name).json

    assert selected.keys() == {*ALWAYS, attribute}
    if not part:
        assert selected[attribute] == whole[attribute]
        assert attribute not in rest
        return
    assert part in str(selected[attribute])
    assert part not in str(rest[attribute])


def test_members_of_an_empty_group_are_an_empty_list(scim: Scim) -> None:
    key = scim.add_group("Sales")

    assert scim.get(f"/Groups/{key}", attributes="members").json["members"] == []
    assert "members" not in scim.get(f"/Groups/{key}", excludedAttributes="members").json


@pytest.mark.parametrize(
    "query", [{"attributes": "members.value"}, {"excludedAttributes": "members.display"}]
)
def test_parts_of_the_members_of_an_empty_group_are_absent(
    scim: Scim, query: dict[str, str]
) -> None:
    keys = [scim.add_group("Sales"), scim.add_group("Field", scim.add_user(ANN))]

    assert "members" not in scim.get(f"/Groups/{keys[0]}", **query).json
    answers = scim.get("/Groups", **query).json["Resources"]
    assert ["members" in answer for answer in answers] == [False, True]


SECRETS = "urn:example:secrets:2.0:User"
SHOWN = {"key": "k", "plain": "p", "box": [{"plain": "p"}]}

RETURNED: dict[str, dict[str, Any] | None] = {
    "": SHOWN,
    "attributes=title": {"key": "k"},
    f"attributes={SECRETS}": SHOWN,
    f"attributes={SECRETS}:plain": {"key": "k", "plain": "p"},
    f"attributes={SECRETS}:heavy": {"key": "k", "heavy": "h"},
    f"attributes={SECRETS}:secret": {"key": "k"},
    f"attributes={SECRETS}:box": {"key": "k", "box": [{"plain": "p"}]},
    f"attributes={SECRETS}:box.heavy": {"key": "k", "box": [{"heavy": "h"}]},
    f"attributes={SECRETS}:box.secret": {"key": "k"},
    f"excludedAttributes={SECRETS}": {"key": "k"},
    f"excludedAttributes={SECRETS}:key,{SECRETS}:box.plain": {"key": "k", "plain": "p"},
}


@pytest.mark.parametrize(("query", "shown"), RETURNED.items(), ids=RETURNED)
def test_an_attribute_is_returned_as_the_table_says(
    scim: Scim, monkeypatch: pytest.MonkeyPatch, query: str, shown: dict[str, Any]
) -> None:
    parts = (
        Attribute("secret", returned="never"),
        Attribute("heavy", returned="request"),
        Attribute("plain"),
    )
    box = Attribute("box", "complex", multi_valued=True, sub_attributes=parts)
    schema = Schema(SECRETS, "Secrets", "", (*parts, box, Attribute("key", returned="always")))
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, schema])
    values = {"secret": "s", "heavy": "h", "plain": "p"}
    body = user(ANN, **{SECRETS: {**values, "key": "k", "box": [values]}})

    created = scim.send("POST", f"/Users?{query}", body)

    assert created.json[SECRETS] == shown
    key = created.json["id"]
    assert scim.send("GET", f"/Users/{key}?{query}").json[SECRETS] == shown
    assert UserLink.objects.get().attributes[SECRETS]["secret"] == "s"
    assert scim.get("/Users", filter=f"{SECRETS}:secret pr").error == (400, "invalidFilter")
    assert scim.get("/Users", sortBy=f"{SECRETS}:secret").error == (400, "invalidValue")


@pytest.mark.in_process
@pytest.mark.parametrize("query", ["excludedAttributes=members", "attributes=displayName"])
def test_members_that_are_not_wanted_are_not_loaded(scim: Scim, query: str) -> None:
    scim.post("/Groups", group("Sales", scim.add_user(ANN)))

    with CaptureQueriesContext(connection) as queries:
        answer = scim.send("GET", f"/Groups?{query}")

    assert "members" not in answer.json["Resources"][0]
    assert not any("librarygroupmember" in sql["sql"] for sql in queries)
