"""Filters: the rows that the database chooses are those that plain Python chooses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiled_scim.attributes import Attribute, ResourceType
from tiled_scim.conditions import MODELS, condition
from tiled_scim.grammar import parse
from tiled_scim.matching import OPERATORS, matches
from tiled_scim.models import UserLink
from tiled_scim.resources import Renderer, with_groups
from tiled_scim.schemas import GROUP, USER

from .evaluation import Resource, is_chosen, is_element_chosen
from .population import EXTENSION, TOYS, Adapter, names, populate

UNSEARCHABLE = {
    "password",
    "meta.location",
    "meta.version",
    "groups.$ref",
    "members.$ref",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
}
INCOMPARABLE = {*UNSEARCHABLE, f"{TOYS}:planned"}


@pytest.fixture(autouse=True)
def population(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
    populate()


def resources(resource_type: ResourceType) -> list[Resource]:
    """What a client sees of all rows."""
    rows: Any = MODELS[resource_type.name]._default_manager
    rows = rows.live("").order_by("created_at", "pk")
    if resource_type is USER:
        rows = with_groups(rows.select_related("user"))
    return Renderer(Adapter(), "https://x").render(list(rows))


@pytest.fixture
def users(population: None) -> list[Resource]:
    return resources(USER)


@pytest.fixture
def groups(population: None) -> list[Resource]:
    return resources(GROUP)


def chosen(text: str, resource_type: ResourceType = USER) -> list[str]:
    """The userNames or displayNames of the rows that a filter chooses, in order."""
    rows: Any = MODELS[resource_type.name]._default_manager
    rows = rows.live("").filter(condition(parse(text), resource_type, Adapter()))
    return [link.name for link in rows.order_by("created_at", "pk")]


def expected(text: str, found: Sequence[Resource], resource_type: ResourceType) -> list[str]:
    """The same, by plain Python."""
    name = "userName" if resource_type is USER else "displayName"
    expression = parse(text)
    return [each[name] for each in found if is_chosen(each, expression, resource_type)]


class Filters:
    """Random filters that are about what there is.

    Args:
        found: the resources; their values, and texts near them, are what is compared with.
    """

    def __init__(self, found: Sequence[Resource]) -> None:
        values = list(_leaves(found))
        texts = {value for value in values if isinstance(value, str)}
        self.texts = st.sampled_from(sorted(_near(texts)))
        self.numbers = st.sampled_from(sorted({v for v in values if type(v) in (int, float)}))
        self.times = st.sampled_from(sorted(t for t in texts if t[:4].isdecimal() and "T" in t))

    def comparisons(self, named: Sequence[tuple[str, Attribute]]) -> st.SearchStrategy[str]:
        return st.sampled_from(named).flatmap(lambda pair: self._comparison(*pair))

    def _comparison(self, name: str, attribute: Attribute) -> st.SearchStrategy[str]:
        values: dict[str, st.SearchStrategy[Any]] = {
            "boolean": st.sampled_from([True, False, "True", "false"]),
            "integer": self.numbers,
            "decimal": self.numbers,
            "dateTime": self.times,
        }
        literals = values.get(attribute.type, self.texts).map(
            lambda value: json.dumps(value, ensure_ascii=False)
        )
        operators = st.sampled_from(sorted(OPERATORS[attribute.type]))
        return st.one_of(
            st.builds("{} {} {}".format, st.just(name), operators, literals),
            st.sampled_from([f"{name} pr", f"{name} eq null", f"{name} ne null"]),
        )

    def filters(self, resource_type: ResourceType) -> st.SearchStrategy[str]:
        named = [pair for pair in names(resource_type) if pair[0] not in INCOMPARABLE]
        bracketed = st.sampled_from(list(_element_names(resource_type))).flatmap(self._bracketed)
        present = st.sampled_from(list(_complex_names(resource_type))).map("{} pr".format)
        return st.recursive(
            st.one_of(self.comparisons(named), bracketed, present), _combined, max_leaves=6
        )

    def value_filters(self, attribute: Attribute) -> st.SearchStrategy[str]:
        named = [
            (part.name, part)
            for part in attribute.sub_attributes or (Attribute("value", attribute.type),)
            if f"{attribute.name}.{part.name}" not in UNSEARCHABLE
        ]
        return st.recursive(self.comparisons(named), _combined, max_leaves=4)

    def _bracketed(self, pair: tuple[str, Attribute]) -> st.SearchStrategy[str]:
        name, attribute = pair
        return self.value_filters(attribute).map(lambda inner: f"{name}[{inner}]")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield value


def _near(texts: set[str]) -> set[str]:
    near = {"", "%", "_", "a", "é", "Z", " ", "zürich", "00000000-0000-0000-0000-000000000000"}
    for text in texts:
        near |= {text, text.swapcase(), text[:3], text[-3:], text[1:-1], text.strip(), f"{text} "}
    return near


def _combined(filters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} {} {}".format, filters, st.sampled_from(["and", "or"]), filters),
        filters.map("({})".format),
        filters.map("not ({})".format),
    )


def _attributes(resource_type: ResourceType) -> Iterator[tuple[str, Attribute]]:
    for schema in (resource_type.common, *resource_type.schemas):
        prefix = f"{schema.urn}:" if schema in resource_type.extensions else ""
        for attribute in schema.attributes:
            yield prefix + attribute.name, attribute


def _element_names(resource_type: ResourceType) -> Iterator[tuple[str, Attribute]]:
    return (pair for pair in _attributes(resource_type) if pair[1].multi_valued)


def _complex_names(resource_type: ResourceType) -> Iterator[str]:
    yield from (name for name, attribute in _attributes(resource_type) if attribute.sub_attributes)
    yield from (schema.urn for schema in resource_type.extensions)


@pytest.fixture
def user_filters(users: list[Resource]) -> st.SearchStrategy[str]:
    return Filters(users).filters(USER)


@pytest.fixture
def group_filters(users: list[Resource], groups: list[Resource]) -> st.SearchStrategy[str]:
    return Filters([*groups, *users]).filters(GROUP)


RANDOM = settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@RANDOM
@given(st.data())
def test_random_filters_choose_the_users_that_python_chooses(
    users: list[Resource], user_filters: st.SearchStrategy[str], data: st.DataObject
) -> None:
    text = data.draw(user_filters)
    assert chosen(text) == expected(text, users, USER)


@RANDOM
@given(st.data())
def test_random_filters_choose_the_groups_that_python_chooses(
    groups: list[Resource], group_filters: st.SearchStrategy[str], data: st.DataObject
) -> None:
    text = data.draw(group_filters)
    assert chosen(text, GROUP) == expected(text, groups, GROUP)
