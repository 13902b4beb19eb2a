"""Operations on members as one change, which equals doing them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_scim.errors import ScimError
from tiled_scim.schemas import CORE_GROUP, GROUP
from tiled_scim.scim.grammar import Expression
from tiled_scim.scim.grammar import parse as parse_filter
from tiled_scim.scim.matching import predicate
from tiled_scim.scim.member_changes import (
    MAX_LOOKS,
    MemberChange,
    check_looks,
    member_change,
    searches,
    split_members,
)
from tiled_scim.scim.operations import parse

ADD = {"op": "add", "path": "members"}
REMOVE = {"op": "remove", "path": "members"}
REPLACE = {"op": "replace", "path": "members"}
KEY = "0b6c4a44-1f6a-4f3a-9a39-3f3ac16b6fbb"


def members(*keys: str) -> list[dict[str, str]]:
    return [{"value": key} for key in keys]


def ids_of(sent: list[dict[str, str]]) -> set[str]:
    return {member["value"] for member in sent}


def refuse(expression: Expression) -> Iterable[str]:
    raise AssertionError("no filter of a provider needs the members that there are")


class Lazily(dict[Expression, Iterable[str]]):
    """What filters match, which is found out when it is asked for."""

    def __init__(self, select: Callable[[Expression], Iterable[str]]) -> None:
        super().__init__()
        self.select = select

    def __missing__(self, expression: Expression) -> Iterable[str]:
        return self.select(expression)


def change(
    *operations: object, select: Callable[[Expression], Iterable[str]] = refuse
) -> MemberChange | None:
    return member_change(parse({"Operations": list(operations)}, GROUP), Lazily(select))


def remove_one(member: str) -> dict[str, object]:
    return {"op": "remove", "path": f'members[value eq "{member}"]'}


class TestProviders:
    """What they send, and what it must and must not do."""

    @pytest.mark.parametrize(
        ("operations", "expected"),
        [
            pytest.param(
                [ADD | {"value": [{"value": "1", "display": "ada"}, {"value": "2"}]}],
                MemberChange(added={"1", "2"}),
                id="Okta adds",
            ),
            pytest.param([remove_one("1")], MemberChange(removed={"1"}), id="Okta removes one"),
            pytest.param(
                [remove_one("1"), remove_one("2"), ADD | {"value": [{"value": "3"}]}],
                MemberChange(added={"3"}, removed={"1", "2"}),
                id="Okta mixes",
            ),
            pytest.param(
                [REPLACE | {"value": [{"value": "1"}]}],
                MemberChange(overwrite=True, added={"1"}),
                id="Okta pushes now",
            ),
            pytest.param(
                [REPLACE | {"value": []}], MemberChange(overwrite=True), id="Okta pushes nobody"
            ),
            pytest.param(
                [{"op": "replace", "value": {"members": [], "id": "g", "displayName": "G"}}],
                MemberChange(overwrite=True),
                id="Okta pushes nobody without a path",
            ),
            pytest.param(
                [{"op": "replace", "value": {"id": "g", "displayName": "G"}}],
                None,
                id="Okta renames",
            ),
            pytest.param(
                [{"op": "Add", "path": "members", "value": [{"$ref": None, "value": "1"}]}],
                MemberChange(added={"1"}),
                id="Entra adds",
            ),
            pytest.param(
                [{"op": "Remove", "path": "members", "value": [{"value": "1"}]}],
                MemberChange(removed={"1"}),
                id="Entra removes by value",
            ),
            pytest.param([REMOVE | {"value": KEY}], MemberChange(removed={KEY}), id="a bare id"),
            pytest.param(
                [REMOVE | {"value": {"value": "1"}}], MemberChange(removed={"1"}), id="no array"
            ),
            pytest.param(
                [REMOVE | {"value": []}], MemberChange(), id="an empty array removes nobody"
            ),
            pytest.param(
                [REMOVE | {"value": ""}], MemberChange(), id="an empty string removes nobody"
            ),
            pytest.param([REMOVE], MemberChange(overwrite=True), id="no value removes everybody"),
            pytest.param([ADD | {"value": None}], None, id="adding null adds nobody"),
            pytest.param(
                [REPLACE | {"value": None}], MemberChange(overwrite=True), id="null is nobody"
            ),
            pytest.param(
                [{"op": "add", "value": {"members": [{"value": "1"}]}}],
                MemberChange(added={"1"}),
                id="added without a path",
            ),
        ],
    )
    def test_a_request_becomes_a_change(
        self, operations: list[object], expected: MemberChange | None
    ) -> None:
        assert change(*operations) == expected

    def test_the_last_word_on_a_member_counts(self) -> None:
        add_one = ADD | {"value": members("1")}
        assert change(add_one, remove_one("1")) == MemberChange(removed={"1"})
        assert change(remove_one("1"), add_one) == MemberChange(added={"1"})

    def test_after_a_replacement_there_is_nobody_else_to_remove(self) -> None:
        operations = [REPLACE | {"value": members("1", "2")}, remove_one("1"), remove_one("9")]
        assert change(*operations) == MemberChange(overwrite=True, added={"2"})
        assert change(ADD | {"value": members("1")}, REMOVE) == MemberChange(overwrite=True)


class TestNames:
    """The display names that were sent, and the last list, which a change is not compared by."""

    ADA = {"value": "1", "display": "ada"}

    def test_a_name_stays_with_its_member(self) -> None:
        (bob, *_) = members("2")
        found = change(ADD | {"value": [self.ADA, bob]}, ADD | {"value": [bob]})
        assert found
        assert found.displays == {"1": "ada"}
        found = change(REPLACE | {"value": [self.ADA, bob]}, ADD | {"value": members("3")})
        assert found
        assert found.displays == {"1": "ada"}

    def test_a_name_stays_with_a_member_of_the_next_list(self) -> None:
        found = change(ADD | {"value": [self.ADA]}, REPLACE | {"value": members("1")})
        assert found
        assert found.displays == {"1": "ada"}

    @pytest.mark.parametrize("end", [remove_one("1"), REMOVE, REPLACE | {"value": members("2")}])
    def test_who_was_removed_and_comes_again_has_no_name(self, end: dict[str, object]) -> None:
        found = change(ADD | {"value": [self.ADA]}, end, ADD | {"value": members("1")})
        assert found
        assert found.displays == {}

    def test_the_last_list_has_those_who_are_left_of_it(self) -> None:
        found = change(
            REPLACE | {"value": members("1", "2", "3")},
            remove_one("2"),
            ADD | {"value": members("2", "4")},
        )
        assert found
        assert found.listed == {"1", "3"}
        assert found.added == {"1", "2", "3", "4"}

    def test_the_members_of_a_document(self) -> None:
        members_, rest = split_members({"displayName": "G", "members": [self.ADA, {"value": "2"}]})
        assert rest == {"displayName": "G"}
        assert members_ == MemberChange(overwrite=True, added={"1", "2"})
        assert (members_.listed, members_.displays) == ({"1", "2"}, {"1": "ada"})
        assert split_members({"displayName": "G"}) == (None, {"displayName": "G"})


def test_searches_are_the_filters_that_do_not_just_name_ids() -> None:
    search = {"op": "remove", "path": 'members[display eq "ada"]'}
    rename = {"op": "replace", "path": "displayName", "value": "G"}
    operations = [rename, remove_one("1"), search, ADD | {"value": members("2")}, search]
    found = searches(parse({"Operations": operations}, GROUP))
    assert found == [parse_filter('display eq "ada"')]


def test_searches_among_added_members_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiled_scim.scim.member_changes.MAX_LOOKS", 10)
    rename = {"op": "replace", "path": "displayName", "value": "G"}
    add = ADD | {"value": members(*"12345")}
    search = {"op": "remove", "path": 'members[value sw "x" or value sw "y"]'}
    allowed = [rename, add, remove_one("9"), remove_one("8"), search]

    found = change(*allowed, select=lambda expression: [])
    assert found == MemberChange(added=set("12345"), removed={"8", "9"})
    assert change(search, search, search, select=lambda expression: []) == MemberChange()
    assert change(add, add, add, add) == MemberChange(added=set("12345"))
    with pytest.raises(ScimError) as refusal:
        change(*allowed, search, select=lambda expression: [])
    assert refusal.value.scim_type == "tooMany"


def test_as_many_looks_as_allowed() -> None:
    check_looks(MAX_LOOKS)
    with pytest.raises(ScimError) as refusal:
        check_looks(MAX_LOOKS + 1)
    assert refusal.value.scim_type == "tooMany"


class TestFilters:
    @pytest.mark.parametrize(
        ("path", "removed"),
        [
            ('members[value eq "1"]', {"1"}),
            ('members[VALUE EQ "1"]', {"1"}),
            ('members[members.value eq "1"]', {"1"}),
            (f'{CORE_GROUP}:members[value eq "1"]', {"1"}),
            ('members[value eq "1" or value eq "2" or (value eq "3")]', {"1", "2", "3"}),
            ('members[value eq "1" and value eq "1"]', {"1"}),
            ('members[value eq "1" and value eq "2"]', set()),
            ('members[(value eq "1" or value eq "2") and value eq "2"]', {"2"}),
        ],
    )
    def test_ids_that_are_named_need_no_look_at_the_members(
        self, path: str, removed: set[str]
    ) -> None:
        assert change({"op": "remove", "path": path}) == MemberChange(removed=removed)

    @pytest.mark.parametrize(
        "condition",
        [
            'value ne "1"',
            'value sw "1"',
            "value pr",
            'type eq "User"',
            'display eq "ada"',
            'not (value eq "1")',
            'value eq "1" and display eq "ada"',
            'value eq "1" or display eq "ada"',
        ],
    )
    def test_other_filters_select_among_the_members(self, condition: str) -> None:
        asked: list[Expression] = []

        def select(expression: Expression) -> list[str]:
            asked.append(expression)
            return ["5", "6"]

        path = f"members[{condition}]"
        removed = change({"op": "remove", "path": path}, select=select)
        assert removed == MemberChange(removed={"5", "6"})
        assert len(asked) == 1

    def test_those_just_added_are_selected_too(self) -> None:
        operations = [
            ADD | {"value": members("11", "21")},
            {"op": "remove", "path": 'members[value sw "1"]'},
        ]
        found = change(*operations, select=lambda expression: ["10"])
        assert found == MemberChange(added={"21"}, removed={"10", "11"})

    def test_of_those_just_added_only_the_id_is_known(self) -> None:
        operations = [
            ADD | {"value": members("1")},
            {"op": "remove", "path": 'members[type eq "User" and not (display eq "ada")]'},
        ]
        with pytest.raises(ScimError, match="cannot be selected by display") as refusal:
            change(*operations, select=lambda expression: [])
        assert refusal.value.scim_type == "invalidFilter"

    def test_after_a_replacement_nobody_is_selected_in_the_database(self) -> None:
        operations = [
            REPLACE | {"value": members("11", "21")},
            {"op": "remove", "path": 'members[value sw "1" and type eq "user"]'},
        ]
        assert change(*operations) == MemberChange(overwrite=True, added={"21"})

    @pytest.mark.parametrize("condition", ['nothing eq "1"', "value eq 1", "value gt true"])
    def test_a_filter_that_does_not_fit_is_refused(self, condition: str) -> None:
        with pytest.raises(ScimError) as refusal:
            change({"op": "remove", "path": f"members[{condition}]"})
        assert refusal.value.scim_type == "invalidFilter"


IDS = ["1", "2", "11", "12"]
ids = st.lists(st.sampled_from(IDS), max_size=3)
conditions = st.sampled_from(
    [
        'value eq "1"',
        'value eq "1" or value eq "12"',
        'value eq "1" and value eq "2"',
        'value sw "1"',
        'value ne "1"',
        'not (value ew "2")',
        'type eq "user" and value co "1"',
        'type eq "Group"',
        "value pr",
    ]
)
member_operations = st.one_of(
    st.builds(lambda found: ADD | {"value": members(*found)}, ids),
    st.builds(lambda found: REPLACE | {"value": members(*found)}, ids),
    st.builds(lambda found: REMOVE | {"value": members(*found)}, ids),
    st.builds(lambda found: {"op": "remove", "path": f"members[{found}]"}, conditions),
    st.just(REMOVE),
)


def fitting(found: set[str], expression: Expression) -> set[str]:
    attribute = GROUP.attribute("members")
    assert attribute
    fits = predicate(expression, attribute)
    return {member for member in found if fits({"value": member, "type": "User"})}


def one_by_one(found: set[str], operations: list[dict[str, Any]]) -> set[str]:
    """What the operations come to for a set that is read and written each time."""
    for sent in operations:
        (operation,) = parse({"Operations": [sent]}, GROUP)
        if operation.filter:
            found = found - fitting(found, operation.filter)
        elif sent["op"] == "add":
            found = found | ids_of(sent["value"])
        elif sent["op"] == "replace":
            found = ids_of(sent["value"])
        else:
            found = found - ids_of(sent["value"]) if "value" in sent else set()
    return found


@given(st.sets(st.sampled_from(IDS)), st.lists(member_operations, min_size=1, max_size=6))
def test_one_change_is_the_same_as_one_operation_after_another(
    before: set[str], operations: list[dict[str, Any]]
) -> None:
    folded = change(*operations, select=lambda expression: fitting(before, expression))
    assert folded
    assert not folded.added & folded.removed
    assert not (folded.overwrite and folded.removed)
    kept = set() if folded.overwrite else before - folded.removed
    assert kept | folded.added == one_by_one(before, operations)
