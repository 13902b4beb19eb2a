"""Clean values by the attribute table: RFC 7643 section 2."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_scim.attributes import Attribute, ResourceType, Schema, Type
from tiled_scim.errors import ScimError
from tiled_scim.schemas import (
    COMMON,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    GROUP,
    TILED_USER,
    USER,
)
from tiled_scim.scim.cleaning import (
    MAX_ELEMENTS,
    MAX_RESOURCE_BYTES,
    MAX_TEXT,
    Document,
    check_immutable,
    check_length,
    check_size,
    clean,
    clean_document,
    named_values,
    size_as_json,
)

KEY = "0b6c4a44-1f6a-4f3a-9a39-3f3ac16b6fbb"
CERTIFICATE = "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTg=="

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "VALUE", "type", "primary", "givenName", "x"]), inner
        )
    ),
    max_leaves=8,
)


def attribute(kind: Type, *, multi_valued: bool = False) -> Attribute:
    return Attribute("it", kind, multi_valued=multi_valued)


def of_user(name: str) -> Attribute:
    path = USER.resolve(name)
    assert path is not None
    assert path.attribute is not None
    return path.attribute


class TestClean:
    @pytest.mark.parametrize(
        ("kind", "sent", "kept"),
        [
            pytest.param("string", "", "", id="an empty string stays"),
            pytest.param("string", " Ünï ", " Ünï ", id="a string stays as it was sent"),
            pytest.param("boolean", "True", True, id="Entra's True is true"),
            pytest.param("boolean", "false", False, id="OneLogin's false is false"),
            pytest.param("boolean", False, False, id="false is a value"),
            pytest.param("boolean", "", None, id="an empty boolean is unassigned"),
            pytest.param("integer", 0, 0, id="zero is a value"),
            pytest.param("integer", "", None, id="an empty number is unassigned"),
            pytest.param("decimal", 1.5, 1.5, id="a decimal"),
            pytest.param("decimal", 1, 1, id="a whole decimal"),
            pytest.param("reference", "../Users/1", "../Users/1", id="a relative reference"),
            pytest.param(
                "dateTime",
                "2011-05-13T04:42:34.1234567Z",
                "2011-05-13T04:42:34.1234567Z",
                id="a date keeps all of its digits",
            ),
            pytest.param("dateTime", "", None, id="an empty date is unassigned"),
            pytest.param("binary", CERTIFICATE, CERTIFICATE, id="base64"),
            pytest.param("binary", "QQ", "QQ", id="base64 without padding"),
            pytest.param("binary", "QUI", "QUI", id="base64 without one character of padding"),
            pytest.param("string", "x" * MAX_TEXT, "x" * MAX_TEXT, id="the longest string"),
            pytest.param("decimal", 2**53 + 1, 2**53 + 1, id="an integer keeps all of its digits"),
            pytest.param(
                "decimal",
                123456789012345678901234567890,
                123456789012345680000000000000,
                id="a larger one those of a float",
            ),
            pytest.param("string", None, None, id="null is unassigned"),
        ],
    )
    def test_a_value_of_its_type_is_kept(self, kind: Type, sent: object, kept: object) -> None:
        assert clean(attribute(kind), sent, "it") == kept

    @pytest.mark.parametrize(
        ("kind", "sent"),
        [
            pytest.param("string", 5, id="a number is no string"),
            pytest.param("string", True, id="a boolean is no string"),
            pytest.param("string", ["a"], id="an array is no string"),
            pytest.param("string", "x" * (MAX_TEXT + 1), id="a string that is too long"),
            pytest.param("string", "a\x00b", id="NUL cannot be stored"),
            pytest.param("string", "\ud800", id="a lone surrogate cannot be stored"),
            pytest.param("boolean", "yes", id="yes is no boolean"),
            pytest.param("boolean", 1, id="one is no boolean"),
            pytest.param("integer", True, id="true is no integer"),
            pytest.param("integer", 1.0, id="a decimal is no integer"),
            pytest.param("integer", "1", id="a string is no integer"),
            pytest.param("decimal", False, id="false is no decimal"),
            pytest.param("decimal", float("nan"), id="NaN is no JSON number"),
            pytest.param("decimal", float("inf"), id="infinity is no JSON number"),
            pytest.param("dateTime", "yesterday", id="a word is no date"),
            pytest.param("dateTime", 1305261754, id="a number is no date"),
            pytest.param("binary", 5, id="a number is no base64"),
            pytest.param("binary", "not base64!", id="other characters are no base64"),
            pytest.param("binary", "QQQQQ", id="a length that base64 never has"),
            pytest.param("binary", "QU!JD", id="other characters among those of base64"),
            pytest.param("reference", {}, id="an object is no reference"),
            pytest.param("complex", 1, id="a number is no object"),
            pytest.param("complex", "a", id="a string is no object where there is no value"),
        ],
    )
    def test_a_value_of_another_type_is_refused(self, kind: Type, sent: object) -> None:
        with pytest.raises(ScimError) as refusal:
            clean(attribute(kind), sent, "it")
        assert refusal.value.scim_type == "invalidValue"
        assert refusal.value.detail.startswith("it ")

    def test_there_is_one_zero(self) -> None:
        assert str(clean(attribute("decimal"), -0.0, "it")) == "0.0"

    @pytest.mark.parametrize(
        ("name", "sent", "kept"),
        [
            pytest.param("roles", ["a"], [{"value": "a"}], id="a bare string is the value"),
            pytest.param("roles", [{"VALUE": "a"}], [{"value": "a"}], id="names in any case"),
            pytest.param("roles", [{}, None, "", {"x": 1}], [], id="empty elements are dropped"),
            pytest.param("roles", [], [], id="an empty array is empty"),
            pytest.param("roles", None, None, id="null is unassigned"),
            pytest.param("roles", "", None, id="an empty string for an array is unassigned"),
            pytest.param(
                "roles",
                [{"value": "", "type": None, "primary": "False"}],
                [{"value": "", "primary": False}],
                id="null parts are dropped and empty ones kept",
            ),
            pytest.param("name", {"givenName": "A", "x": 1}, {"givenName": "A"}, id="unknown part"),
            pytest.param("name", {"givenName": None}, None, id="nothing left is unassigned"),
            pytest.param(
                f"{ENTERPRISE_USER}:manager",
                {"value": "1", "displayName": "Read-only"},
                {"value": "1"},
                id="a read-only part is dropped",
            ),
            pytest.param(
                f"{ENTERPRISE_USER}:manager", "1", {"value": "1"}, id="Entra's manager as a string"
            ),
            pytest.param(f"{ENTERPRISE_USER}:manager", "", None, id="no manager"),
        ],
    )
    def test_complex_values(self, name: str, sent: object, kept: object) -> None:
        assert clean(of_user(name), sent, name) == kept

    @pytest.mark.parametrize("name", ["roles", "emails", f"{ENTERPRISE_USER}:manager"])
    @pytest.mark.parametrize("text", ['{"value": "x"}', '[{"value": "x"}]', "[]", " {} "])
    def test_json_in_a_text_is_no_object(self, name: str, text: str) -> None:
        with pytest.raises(ScimError, match="must be an object") as refusal:
            clean(of_user(name), text, name, accept_lone_element=True)
        assert refusal.value.scim_type == "invalidValue"

    @pytest.mark.parametrize("name", ["emails", "phoneNumbers", "entitlements", "name"])
    def test_a_text_is_an_object_only_where_the_table_says_so(self, name: str) -> None:
        with pytest.raises(ScimError, match=r"must be an object\.$"):
            clean(of_user(name), "x", name, accept_lone_element=True)

    def test_one_element_stands_for_an_array_only_where_that_is_allowed(self) -> None:
        emails = of_user("emails")
        lone = {"value": "a@b.c"}
        assert clean(emails, lone, "emails", accept_lone_element=True) == [lone]
        with pytest.raises(ScimError, match="emails must be an array"):
            clean(emails, lone, "emails")

    def test_simple_multi_valued_attributes_keep_empty_strings(self) -> None:
        tags = attribute("string", multi_valued=True)
        assert clean(tags, ["a", "", None], "tags") == ["a", ""]

    def test_only_one_element_is_primary(self) -> None:
        two = [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}]
        with pytest.raises(
            ScimError, match=r"^emails may have one primary value, and 2"
        ) as refusal:
            clean(of_user("emails"), two, "emails")
        assert refusal.value.scim_type == "invalidValue"

    def test_a_value_that_may_be_a_text_says_so(self) -> None:
        with pytest.raises(ScimError, match="an object, or its value as plain text"):
            clean(of_user("roles"), [5], "roles")

    def test_names_are_the_same_in_lower_case(self) -> None:
        assert len(list(named_values({"ß": 1, "SS": 2}))) == 2

    def test_a_name_given_twice_is_refused(self) -> None:
        with pytest.raises(ScimError, match="given twice") as refusal:
            clean(of_user("name"), {"givenName": "a", "GIVENNAME": "b"}, "name")
        assert refusal.value.scim_type == "invalidSyntax"

    def test_the_error_names_the_part(self) -> None:
        with pytest.raises(ScimError, match=r"^emails\.primary must be true or false\.$"):
            clean(of_user("emails"), [{"value": "a", "primary": "maybe"}], "emails")

    def test_as_many_elements_as_allowed(self) -> None:
        most = [{"value": str(n)} for n in range(MAX_ELEMENTS)]
        assert clean(of_user("roles"), most, "roles") == most
        with pytest.raises(ScimError, match="roles may have 1000 values, and would have 1001"):
            clean(of_user("roles"), [*most, {"value": "x"}], "roles")

    @given(name=st.sampled_from(["userName", "name", "emails", "active"]), value=json_values)
    def test_any_value_is_cleaned_for_good_or_refused(self, name: str, value: object) -> None:
        try:
            kept = clean(of_user(name), value, name, accept_lone_element=True)
        except ScimError:
            return
        assert clean(of_user(name), kept, name) == kept


class TestCleanDocument:
    def test_a_body_becomes_a_document(self) -> None:
        body = {
            "schemas": [USER.schema.urn],
            "id": "1",
            "meta": {"resourceType": "User", "created": "12/24/2024"},
            "USERNAME": "ada@example.com",
            "externalId": "00u1",
            "name": {"givenName": "Ada", "familyName": None},
            "emails": [{"value": "ada@example.com", "primary": True, "type": "work"}],
            "roles": [],
            "phoneNumbers": None,
            "active": "True",
            "password": "secret",
            "groups": [],
            "unknown": {"a": 1},
            ENTERPRISE_USER.upper(): {"employeeNumber": "7", "manager": "42"},
            TILED_USER: {"tiledAdmin": True},
        }
        assert clean_document(USER, body) == {
            "userName": "ada@example.com",
            "externalId": "00u1",
            "name": {"givenName": "Ada"},
            "emails": [{"value": "ada@example.com", "primary": True, "type": "work"}],
            "active": True,
            ENTERPRISE_USER: {"employeeNumber": "7", "manager": {"value": "42"}},
            TILED_USER: {"tiledAdmin": True},
        }

    @pytest.mark.parametrize(
        ("body", "document"),
        [
            ({f"{CORE_USER}:active": "False"}, {"active": False}),
            ({f"{CORE_USER.upper()}.TITLE": "Dr"}, {"title": "Dr"}),
            ({f"{CORE_USER}:externalId": "1"}, {"externalId": "1"}),
            ({CORE_USER: {"TITLE": "Dr", "id": "1", "x": 1}}, {"title": "Dr"}),
            ({CORE_USER: {TILED_USER: {"tiledAdmin": True}}}, {}),
            ({CORE_USER: None, "title": "Dr"}, {"title": "Dr"}),
            (
                {f"{ENTERPRISE_USER}:department": "E", f"{ENTERPRISE_USER}:division": "D"},
                {ENTERPRISE_USER: {"department": "E", "division": "D"}},
            ),
            (
                {ENTERPRISE_USER.upper(): {"DIVISION": "D"}, f"{ENTERPRISE_USER}:manager": "42"},
                {ENTERPRISE_USER: {"division": "D", "manager": {"value": "42"}}},
            ),
            (
                {ENTERPRISE_USER: None, f"{ENTERPRISE_USER}:department": "E"},
                {ENTERPRISE_USER: {"department": "E"}},
            ),
            ({f"{ENTERPRISE_USER}:nothing": 1, "urn:x:title": "Dr", f"{CORE_USER}:": 1}, {}),
            ({f"{CORE_USER}:password": "secret", f"{CORE_USER}:id": "1"}, {}),
        ],
    )
    def test_a_name_may_have_its_urn(self, body: Document, document: Document) -> None:
        sent = {"userName": "a", **body}
        before = deepcopy(sent)
        assert clean_document(USER, sent) == {"userName": "a", **document}
        assert sent == before

    def test_so_may_the_names_of_a_group(self) -> None:
        document = {"displayName": "G", "members": []}
        assert clean_document(GROUP, {CORE_GROUP: document, f"{CORE_USER}:title": 1}) == document
        qualified = {f"{CORE_GROUP}:{name}": value for name, value in document.items()}
        assert clean_document(GROUP, qualified) == document

    @pytest.mark.parametrize(
        "body",
        [
            {"title": "a", f"{CORE_USER}:title": "a"},
            {"TITLE": "a", CORE_USER: {"title": None}},
            {f"{CORE_USER}:title": "a", CORE_USER: {"title": "a"}},
            {f"{CORE_USER}:title": "a", f"{CORE_USER}.title": "a"},
            {CORE_USER: {"title": "a", "TITLE": "a"}},
            {ENTERPRISE_USER: {"DEPARTMENT": "a"}, f"{ENTERPRISE_USER}:department": "b"},
        ],
    )
    def test_a_name_is_given_with_its_urn_or_without(self, body: Document) -> None:
        with pytest.raises(ScimError, match="given twice") as refusal:
            clean_document(USER, {"userName": "a", **body})
        assert refusal.value.scim_type == "invalidSyntax"

    def test_the_body_stays_as_it_is(self) -> None:
        body = {"userName": "a", "roles": ["x"], TILED_USER: {"tiledAdmin": "True"}}
        clean_document(USER, body)
        assert body == {"userName": "a", "roles": ["x"], TILED_USER: {"tiledAdmin": "True"}}

    @pytest.mark.parametrize("name", [None, "", "  "])
    def test_a_required_attribute_must_not_be_blank(self, name: str | None) -> None:
        with pytest.raises(ScimError, match=r"^userName is required\.$") as refusal:
            clean_document(USER, {"userName": name})
        assert refusal.value.scim_type == "invalidValue"

    def test_the_error_names_the_attribute(self) -> None:
        with pytest.raises(ScimError, match=r"^userName must be a string\.$"):
            clean_document(USER, {"userName": 5})

    def test_a_required_attribute_must_be_there(self) -> None:
        with pytest.raises(ScimError, match="displayName is required"):
            clean_document(GROUP, {})

    def test_an_empty_list_of_members_stays_and_null_says_nothing(self) -> None:
        assert clean_document(GROUP, {"displayName": "G", "members": []})["members"] == []
        assert "members" not in clean_document(GROUP, {"displayName": "G", "members": None})

    @pytest.mark.parametrize(
        "member", [{}, None, "", {"display": "ada"}, {"value": None}, {"value": ""}]
    )
    def test_a_member_without_an_id_is_refused(self, member: object) -> None:
        with pytest.raises(ScimError, match="members must give the id") as refusal:
            clean_document(GROUP, {"displayName": "G", "members": [member]})
        assert refusal.value.scim_type == "invalidValue"

    def test_members_need_no_more_than_an_id(self) -> None:
        body = {"displayName": "G", "members": [{"$ref": None, "value": "1"}, {"value": "2"}, KEY]}
        assert clean_document(GROUP, body)["members"] == [
            {"value": "1"},
            {"value": "2"},
            {"value": KEY},
        ]

    def test_an_empty_member_beside_others_says_nothing(self) -> None:
        body = {"displayName": "G", "members": [{}, {"value": "1"}, {}]}
        assert clean_document(GROUP, body)["members"] == [{"value": "1"}]

    def test_members_have_no_largest_number(self) -> None:
        members = [{"value": str(n)} for n in range(MAX_ELEMENTS + 1)]
        body = {"displayName": "G", "members": members}
        assert clean_document(GROUP, body)["members"] == members

    @pytest.mark.parametrize("text", ["3", "ann@example.com", f'[{{"value": "{KEY}"}}]', f"{KEY},"])
    def test_a_text_that_is_no_id_is_no_member(self, text: str) -> None:
        for members in ([text], [{"value": "1"}, text]):
            with pytest.raises(ScimError, match="must be an object, or the id") as refusal:
                clean_document(GROUP, {"displayName": "G", "members": members})
            assert refusal.value.scim_type == "invalidValue"

    @pytest.mark.parametrize("value", [None, {}, {"tiledAdmin": None}, {"tiledAdmin": ""}])
    def test_an_extension_without_values_is_absent(self, value: object) -> None:
        assert clean_document(USER, {"userName": "a", TILED_USER: value}) == {"userName": "a"}

    @pytest.mark.parametrize("value", ["a", 1, [], [{}]])
    @pytest.mark.parametrize("urn", [TILED_USER, CORE_USER])
    @pytest.mark.parametrize("others", [{}, {f"{TILED_USER}:tiledAdmin": True}])
    def test_what_is_under_a_urn_is_an_object(
        self, value: object, urn: str, others: Document
    ) -> None:
        with pytest.raises(ScimError, match="must be an object"):
            clean_document(USER, {"userName": "a", urn: value, **others})

    @pytest.mark.parametrize("name", ["username", TILED_USER.upper()])
    def test_a_name_given_twice_is_refused(self, name: str) -> None:
        with pytest.raises(ScimError, match="given twice") as refusal:
            clean_document(USER, {"userName": "a", TILED_USER: {}, name: None})
        assert refusal.value.scim_type == "invalidSyntax"

    def test_what_an_extension_requires_is_required_with_the_extension(self) -> None:
        badge = Schema("urn:x", "Badge", "", (Attribute("number", required=True), Attribute("hue")))
        kind = ResourceType("Thing", "/Things", "", COMMON, Schema("urn:t", "T", "", ()), [badge])
        assert clean_document(kind, {}) == {}
        with pytest.raises(ScimError, match="urn:x:number is required"):
            clean_document(kind, {"urn:x": {"hue": "red"}})

    @given(st.dictionaries(st.sampled_from(["userName", "name", "emails", "active"]), json_values))
    def test_a_document_is_clean(self, body: Mapping[str, object]) -> None:
        try:
            document = clean_document(USER, body)
        except ScimError:
            return
        assert clean_document(USER, document) == document


class TestSizes:
    def test_a_text_may_have_as_many_characters_as_its_column(self) -> None:
        check_length("title", "x" * 5, 5)
        check_length("title", "x" * 500, None)
        check_length("title", 123456, 5)
        with pytest.raises(ScimError, match="title may have 5 characters here, and 6") as refusal:
            check_length("title", "x" * 6, 5)
        assert refusal.value.scim_type == "invalidValue"

    def test_json_takes_the_bytes_that_are_sent(self) -> None:
        assert size_as_json({"title": ["é", 1]}) == len('{"title":["é",1]}'.encode())

    def test_a_resource_may_be_as_large_as_allowed(self) -> None:
        assert check_size(of_bytes(MAX_RESOURCE_BYTES), USER) == MAX_RESOURCE_BYTES
        with pytest.raises(ScimError) as refusal:
            check_size(of_bytes(MAX_RESOURCE_BYTES + 1), USER)
        assert refusal.value.status == 413
        assert f"would have {MAX_RESOURCE_BYTES + 1} bytes" in refusal.value.detail

    def test_members_do_not_count(self) -> None:
        group: Document = {"displayName": "G"}
        assert check_size({**group, "members": [{"value": KEY}]}, GROUP) == size_as_json(group)

    def test_one_that_is_too_large_may_stay_so_but_not_grow(self) -> None:
        large, larger = (of_bytes(MAX_RESOURCE_BYTES + size) for size in (8, 9))
        assert check_size(large, USER, large) == MAX_RESOURCE_BYTES + 8
        assert check_size(large, USER, larger) == MAX_RESOURCE_BYTES + 8
        with pytest.raises(ScimError):
            check_size(larger, USER, large)


def of_bytes(size: int) -> Document:
    """A document that has this size as JSON."""
    return {"title": "x" * (size - size_as_json({"title": ""}))}


class TestImmutable:
    BADGE = Schema(
        "urn:x",
        "Badge",
        "",
        (
            Attribute("number", mutability="immutable"),
            Attribute(
                "holder", "complex", sub_attributes=(Attribute("id", mutability="immutable"),)
            ),
            Attribute(
                "keepers",
                "complex",
                multi_valued=True,
                sub_attributes=(Attribute("id", mutability="immutable"),),
            ),
            Attribute("since", "dateTime", mutability="immutable"),
            Attribute("hues", multi_valued=True, mutability="immutable"),
            Attribute("codes", multi_valued=True, mutability="immutable", case_exact=True),
            Attribute(
                "locks",
                "complex",
                multi_valued=True,
                mutability="immutable",
                sub_attributes=(Attribute("value"), Attribute("size", "integer")),
            ),
        ),
    )
    KIND = ResourceType(
        "Thing", "/Things", "", COMMON, Schema("urn:t", "T", "", BADGE.attributes), [BADGE]
    )

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param({"number": "1"}, {"number": "2"}, id="changed"),
            pytest.param({"number": "1"}, {}, id="removed"),
            pytest.param({"urn:x": {"number": "1"}}, {}, id="removed with its extension"),
            pytest.param({"holder": {"id": "1"}}, {"holder": {"id": "2"}}, id="a changed part"),
            pytest.param({"holder": {"id": "1"}}, {}, id="a part removed with its object"),
            pytest.param(
                {"since": "0001-01-01T00:00:00+23:00"},
                {"since": "0001-01-01T00:00:00+22:00"},
                id="a time before the first year",
            ),
            pytest.param({"hues": ["red"]}, {"hues": ["red", "blue"]}, id="one more"),
            pytest.param({"codes": ["a"]}, {"codes": ["A"]}, id="another letter case of a code"),
            pytest.param({"locks": [{"size": 1}]}, {"locks": [{"size": 2}]}, id="another element"),
            pytest.param({"locks": [{"size": 1}]}, {"locks": [{"value": "1"}]}, id="another part"),
        ],
    )
    def test_a_value_that_is_there_stays(self, before: Document, after: Document) -> None:
        with pytest.raises(ScimError, match="immutable") as refusal:
            check_immutable(before, after, self.KIND)
        assert refusal.value.scim_type == "mutability"

    def test_a_first_value_may_come(self) -> None:
        check_immutable({}, {"number": "1", "urn:x": {"holder": {"id": "1"}}}, self.KIND)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param({"hues": ["red", "Blue"]}, {"hues": ["blue", "Red"]}, id="texts"),
            pytest.param(
                {"locks": [{"value": "A", "size": 1}, {"size": 2}]},
                {"locks": [{"size": 2}, {"size": 1, "value": "a"}]},
                id="elements",
            ),
            pytest.param(
                {"keepers": [{"id": "1"}]}, {"keepers": [{"id": "2"}]}, id="parts of some"
            ),
            pytest.param({"holder": "1"}, {"holder": "2"}, id="what is no object has no parts"),
        ],
    )
    def test_order_and_letter_case_are_no_change(self, before: Document, after: Document) -> None:
        check_immutable(before, after, self.KIND)

    def test_what_stays_in_an_extension_is_no_change(self) -> None:
        document: Document = {"urn:x": {"number": "1"}}
        check_immutable(document, dict(document), self.KIND)

    def test_the_error_names_the_part_of_the_extension(self) -> None:
        with pytest.raises(ScimError, match=r"^number is immutable"):
            check_immutable({"number": "1"}, {}, self.KIND)
        before: Document = {"urn:x": {"holder": {"id": "1"}}}
        with pytest.raises(ScimError, match=r"^urn:x:holder\.id is immutable"):
            check_immutable(before, {"urn:x": {"holder": {"id": "2"}}}, self.KIND)
