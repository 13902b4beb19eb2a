"""The attribute table is the only list of attributes: a row in it is an attribute everywhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.documented.pages import ROOT
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.schemas import GROUP, USER, register_extension

from .client import ANN, BOB, Scim, case_id, group, patch_op, user
from .state import access, refused

URN = "urn:ietf:params:scim:schemas:extension:library:2.0:User"
GUIDE = ROOT / "docs" / "extensions.md"


# Every kind of attribute that may be immutable.
BADGE_URN = "urn:example:badge:2.0:Thing"
BADGE = Schema(
    BADGE_URN,
    "Badge",
    "What opens doors.",
    (
        Attribute("number", mutability="immutable"),
        Attribute("code", case_exact=True, mutability="immutable"),
        Attribute("level", "integer", mutability="immutable"),
        Attribute("issued", "dateTime", mutability="immutable"),
        Attribute("doors", multi_valued=True, mutability="immutable"),
        Attribute("holder", "complex", sub_attributes=(Attribute("id", mutability="immutable"),)),
        Attribute("hue"),
    ),
)
GIVEN = {
    "number": "A-7",
    "code": "x",
    "level": 0,
    "issued": "2026-01-31T12:00:00Z",
    "doors": ["North", "South"],
    "holder": {"id": "1"},
    "hue": "red",
}
SAME: list[dict[str, Any]] = [
    {},
    {"number": "A-7"},
    {"number": "a-7"},
    {"issued": "2026-01-31T13:00:00+01:00"},
    {"doors": ["south", "North"]},
    {"holder": {"id": "1"}, "hue": "blue"},
]
ANOTHER: list[dict[str, Any]] = [
    {"number": "A-8"},
    {"number": ""},
    {"number": None},
    {"code": "X"},
    {"level": 1},
    {"level": None},
    {"issued": "2026-01-31T12:00:00+01:00"},
    {"doors": ["North"]},
    {"doors": ["North", "South", "East"]},
    {"doors": []},
    {"holder": {"id": "2"}},
    {"holder": {"id": None}},
]


@pytest.fixture
def library(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> Schema:
    """The schema of the guide, registered as the guide has it."""
    monkeypatch.setattr(USER, "extensions", [*USER.extensions])
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (the guide's own example)
    names["LibraryCardConfig"].ready(None)
    return USER.extensions[-1]


@pytest.fixture
def badge(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users and groups have the extension with immutable attributes."""
    for resource_type in (USER, GROUP):
        monkeypatch.setattr(resource_type, "extensions", [*resource_type.extensions])
        register_extension(BADGE, resource_type)


def test_it_is_advertised(scim: Scim, library: Schema) -> None:
    schema = scim.get(f"/Schemas/{URN}").json
    shown = [(each["name"], each["type"], each["mutability"]) for each in schema["attributes"]]
    assert shown == [
        ("cardNumber", "string", "immutable"),
        ("loans", "integer", "readWrite"),
        ("joined", "dateTime", "readOnly"),
    ]
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


@pytest.mark.in_process
@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (Attribute("number", uniqueness="server"), "uniqueness of number must be “none”"),
        (Attribute("number", uniqueness="global"), "user_fields"),
        (
            Attribute("box", "complex", sub_attributes=(Attribute("id", uniqueness="server"),)),
            "uniqueness of box",
        ),
        (
            Attribute("box", "complex", sub_attributes=(Attribute("id", required=True),)),
            "No part of box can be required",
        ),
        (
            Attribute(
                "boxes",
                "complex",
                multi_valued=True,
                sub_attributes=(Attribute("id", mutability="immutable"),),
            ),
            "No part of boxes can be immutable",
        ),
        (
            Attribute("box", "complex", sub_attributes=(Attribute("lids", multi_valued=True),)),
            "No part of box can be multi-valued",
        ),
        (
            Attribute("box", "complex", sub_attributes=(Attribute("lid", "complex"),)),
            "No part of box can be complex",
        ),
    ],
)
def test_what_the_server_would_not_keep_to_is_not_advertised(
    attribute: Attribute, said: str
) -> None:
    before = list(USER.extensions)

    with pytest.raises(ValueError, match=said):
        register_extension(Schema(URN, "Other", "", (attribute,)))

    assert USER.extensions == before


@pytest.mark.usefixtures("badge")
class TestImmutable:
    @pytest.fixture
    def ann(self, scim: Scim) -> str:
        return scim.add_user(ANN, **{BADGE_URN: GIVEN})

    @pytest.mark.parametrize("change", SAME, ids=case_id)
    def test_the_same_value_may_be_sent_again(
        self, scim: Scim, ann: str, change: dict[str, Any]
    ) -> None:
        expected = {**GIVEN, **change}

        replaced = scim.put(f"/Users/{ann}", user(ANN, **{BADGE_URN: expected}))
        op = "replace" if change else "add"  # replacing by {} unassigns
        patched = scim.patch(f"/Users/{ann}", {"op": op, "value": {BADGE_URN: change}})

        assert replaced.json[BADGE_URN] == patched.json[BADGE_URN] == expected
        assert UserLink.objects.get().attributes[BADGE_URN] == expected

    @pytest.mark.parametrize("change", ANOTHER, ids=case_id)
    def test_another_value_or_none_is_refused(
        self, scim: Scim, ann: str, change: dict[str, Any]
    ) -> None:
        [name] = change

        for method, body in (
            ("PUT", user(ANN, title="Boss", **{BADGE_URN: {**GIVEN, **change}})),
            ("PATCH", patch_op({"op": "replace", "value": {"title": "Boss", BADGE_URN: change}})),
        ):
            answer = refused(scim, method, f"/Users/{ann}", body)

            assert answer.error == (400, "mutability")
            assert f"{BADGE_URN}:{name}" in answer.json["detail"]

    @pytest.mark.parametrize("attributes", [{}, {BADGE_URN: None}, {BADGE_URN: {"hue": "red"}}])
    def test_a_put_without_the_value_is_refused(
        self, scim: Scim, ann: str, attributes: dict[str, Any]
    ) -> None:
        answer = refused(scim, "PUT", f"/Users/{ann}", user(ANN, **attributes))

        assert answer.error == (400, "mutability")

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "remove", "path": BADGE_URN},
            {"op": "remove", "path": f"{BADGE_URN}:number"},
            {"op": "remove", "path": f"{BADGE_URN}:holder"},
            {"op": "remove", "path": f'{BADGE_URN}:doors[value eq "North"]'},
            {"op": "add", "path": f"{BADGE_URN}:doors", "value": ["East"]},
            {"op": "replace", "path": f"{BADGE_URN}:holder.id", "value": "2"},
        ],
        ids=case_id,
    )
    def test_an_operation_that_would_change_it_is_refused(
        self, scim: Scim, ann: str, operation: dict[str, Any]
    ) -> None:
        others = {"op": "replace", "path": "title", "value": "Boss"}

        answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(others, operation))

        assert answer.error == (400, "mutability")

    def test_what_a_request_puts_back_is_not_changed(self, scim: Scim, ann: str) -> None:
        path = f"{BADGE_URN}:number"

        scim.patch(
            f"/Users/{ann}",
            {"op": "remove", "path": path},
            {"op": "add", "path": path, "value": "A-7"},
        )

        assert UserLink.objects.get().attributes[BADGE_URN] == GIVEN

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_first_value_may_come_later(self, scim: Scim, method: str) -> None:
        key = scim.add_user(ANN, **{BADGE_URN: {"hue": "red"}})
        bodies = {
            "PUT": user(ANN, **{BADGE_URN: GIVEN}),
            "PATCH": patch_op({"op": "add", "value": {BADGE_URN: GIVEN}}),
        }

        answer = scim.send(method, f"/Users/{key}", bodies[method])

        assert answer.json[BADGE_URN] == GIVEN
        assert UserLink.objects.get().attributes[BADGE_URN] == GIVEN
        changed = user(ANN, **{BADGE_URN: {**GIVEN, "number": "A-8"}})
        assert refused(scim, "PUT", f"/Users/{key}", changed).error == (400, "mutability")

    def test_a_post_for_somebody_who_was_let_go_sets_it(self, scim: Scim, ann: str) -> None:
        scim.delete(f"/Users/{ann}")

        assert scim.add_user(ANN, **{BADGE_URN: {"number": "A-8"}}) == ann

        assert UserLink.objects.get().attributes[BADGE_URN] == {"number": "A-8"}

    def test_a_group_keeps_it_and_changes_its_members(self, scim: Scim, ann: str) -> None:
        body = {**group("Sales"), BADGE_URN: {"number": "A-7"}}
        sales = scim.post("/Groups", body).json["id"]

        answer = refused(scim, "PUT", f"/Groups/{sales}", group("Sales", ann))
        assert answer.error == (400, "mutability")
        other = {**group("Sales", ann), BADGE_URN: {"number": "A-8"}}
        answer = refused(scim, "PUT", f"/Groups/{sales}", other)
        assert answer.error == (400, "mutability")

        scim.put(f"/Groups/{sales}", {**group("Sales", ann), BADGE_URN: {"number": "A-7"}})
        scim.put(f"/Groups/{sales}", {**group("Sales", ann), BADGE_URN: {"number": "A-7"}})

        assert scim.members(sales) == [ann]
        assert access() == {"Sales": {ANN}}
        assert LibraryGroupLink.objects.get().attributes == {BADGE_URN: {"number": "A-7"}}


class TestRequired:
    def test_patch_leaves_no_extension_without_what_it_requires(
        self, scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        urn = "urn:example:card:2.0:User"
        card = Schema(urn, "Card", "", (Attribute("number", required=True), Attribute("hue")))
        monkeypatch.setattr(USER, "extensions", [*USER.extensions, card])
        hue = {"op": "replace", "value": {urn: {"hue": "red"}}}

        answer = refused(scim, "PATCH", f"/Users/{ann}", patch_op(hue))

        assert answer.error == (400, "invalidValue")
        assert f"{urn}:number is required" in answer.json["detail"]
        number = {"op": "add", "path": f"{urn}:number", "value": "7"}
        assert scim.patch(f"/Users/{ann}", number, hue).json[urn] == {"number": "7", "hue": "red"}


def test_a_boolean_of_the_hosts_that_clients_cannot_write_is_shown(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    urn = "urn:example:owner:2.0:User"
    owner = Schema(urn, "Owner", "", (Attribute("owner", "boolean", mutability="readOnly"),))
    fields = {**HostAdapter("").user_fields, f"{urn}:owner": "is_superuser"}
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, owner])
    monkeypatch.setattr(HostAdapter, "user_fields", fields)

    assert scim.post("/Users", user(ANN)).json[urn] == {"owner": False}


def test_a_date_in_a_field_of_the_host_that_is_sent_again_changes_nothing(
    scim: Scim, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urn = "urn:example:joining:2.0:User"
    joining = Schema(urn, "Joining", "", (Attribute("joined", "dateTime"),))
    fields = {**HostAdapter("").user_fields, f"{urn}:joined": "date_joined"}
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, joining])
    monkeypatch.setattr(HostAdapter, "user_fields", fields)
    body = user(ANN, **{urn: {"joined": "2026-01-31T12:00:00Z"}})
    first = scim.put(f"/Users/{ann}", body)
    assert first.json[urn] == {"joined": "2026-01-31T12:00:00Z"}

    for joined in ("2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"):
        again = scim.put(f"/Users/{ann}", {**body, urn: {"joined": joined}})
        assert again.json["meta"] == first.json["meta"]
