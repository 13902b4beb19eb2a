"""Sorting, and the query parameters of a list, through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings

from tests.evaluation import Resource, in_order
from tests.population import EXTENSION, TOYS, names, populate
from tests.tokens import new_token
from tiled_scim.attributes import ResourceType
from tiled_scim.schemas import ENTERPRISE_USER, GROUP, USER

UNSORTABLE = {
    "password": "password cannot be searched",
    "schemas": "schemas cannot be sorted by",
    "meta.location": "meta.location cannot be searched",
    "meta.version": "meta.version cannot be searched",
    "groups": "groups cannot be sorted by",
    "groups.value": "groups cannot be sorted by",
    "groups.$ref": "groups cannot be sorted by",
    "groups.display": "groups cannot be sorted by",
    "groups.type": "groups cannot be sorted by",
    f"{ENTERPRISE_USER}:manager.displayName": "manager.displayName cannot be searched",
    f"{TOYS}:planned": f"{TOYS}:planned is kept as it was sent and cannot be sorted by",
    # These are no names of values.
    "nope": "User has no attribute “nope”",
    "name": "name is complex: name one of its sub-attributes",
    "addresses": "addresses has no sub-attribute “value”",
    ENTERPRISE_USER: f"{ENTERPRISE_USER} cannot be sorted by",
}
SORTABLE = sorted({name for name, _ in names(USER)} - set(UNSORTABLE))
EXTENDED = sorted(
    f"{TOYS}:{name}"
    for name in [
        *("age", "height", "fun", "since", "Code", "blob", "tags", "levels"),
        *("kits", "kits.label", "kits.weight", "kits.new"),
    ]
)


@pytest.fixture(autouse=True)
def population(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, EXTENSION])
    settings.TILED_SCIM_HOST_ADAPTER = "tests.population.Adapter"
    populate()


@pytest.fixture
def token(population: None) -> str:
    return new_token()[1]


class Api:
    """Lists of a resource type."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/scim/v2{path}", query)

    def list(self, resource_type: ResourceType = USER, **query: Any) -> list[Resource]:
        answer = self.get(resource_type.endpoint, count=100, **query)
        assert answer.status_code == 200, answer.content
        resources: list[Resource] = answer.json()["Resources"]
        return resources

    def error(self, **query: Any) -> tuple[int, str, str]:
        answer = self.get(USER.endpoint, **query)
        body = answer.json()
        return answer.status_code, body["scimType"], body["detail"]


@pytest.fixture
def api(token: str) -> Api:
    return Api(token)


def user_names(resources: list[Resource]) -> list[str]:
    return [resource["userName"] for resource in resources]


@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("name", [*SORTABLE, *EXTENDED])
def test_users_come_in_the_order_of_an_attribute(api: Api, name: str, descending: bool) -> None:
    order = "descending" if descending else "ascending"
    expected = in_order(api.list(), name, descending, USER)
    assert user_names(api.list(sortBy=name, sortOrder=order)) == user_names(expected)


@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("name", ["displayName", "externalId", "id", "meta.created"])
def test_groups_come_in_the_order_of_an_attribute(api: Api, name: str, descending: bool) -> None:
    order = "Descending" if descending else "ASCENDING"
    expected = in_order(api.list(GROUP), name, descending, GROUP)
    assert api.list(GROUP, sortBy=name, sortOrder=order) == expected


def test_the_order_is_ascending_where_the_client_does_not_say(api: Api) -> None:
    assert api.list(sortBy="userName") == api.list(sortBy="userName", sortOrder="ascending")
    assert api.list(sortBy="userName") == api.list(sortBy="userName", sortOrder="")


def test_an_empty_sort_by_asks_for_no_order(api: Api) -> None:
    assert api.list(sortBy="") == api.list()


def test_what_a_filter_chooses_is_sorted(api: Api) -> None:
    found = api.list(filter='title pr and not (title eq "50")', sortBy="title")
    assert user_names(found) == ["carl", "İrem", *_twins(api)]


def _twins(api: Api) -> list[str]:
    """The two whose titles are the same, in the order of their making."""
    return [name for name in user_names(api.list()) if name in ("édith", "Zoe")]


@pytest.mark.parametrize("name", UNSORTABLE)
def test_what_cannot_be_sorted_by_is_an_error(api: Api, name: str) -> None:
    status, scim_type, detail = api.error(sortBy=name)
    assert (status, scim_type) == (400, "invalidValue")
    assert UNSORTABLE[name] in detail


@pytest.mark.parametrize("query", [{}, {"sortBy": "userName"}])
def test_an_unknown_sort_order_is_an_error(api: Api, query: dict[str, str]) -> None:
    status, scim_type, detail = api.error(sortOrder="up", **query)
    assert (status, scim_type) == (400, "invalidValue")
    assert "“up”" in detail


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_filter_is_an_error(api: Api, text: str) -> None:
    assert api.error(filter=text) == (400, "invalidFilter", "The filter is empty.")


@pytest.mark.parametrize("name", ["filter", "sortBy", "sortOrder"])
def test_a_parameter_that_is_given_twice_is_an_error(api: Api, name: str) -> None:
    status, scim_type, detail = api.error(**{name: ["userName pr", "id pr"]})
    assert (status, scim_type) == (400, "invalidFilter")
    assert name in detail


@pytest.mark.parametrize(
    "filter_",
    ['userName eq "a\0b"', "userName eq \0", 'userName eq "\\ud800"', "😀", "%", "userName pr;"],
)
def test_strange_characters_are_an_error_of_the_client(api: Api, filter_: str) -> None:
    assert api.error(filter=filter_)[:2] == (400, "invalidFilter")


def test_spaces_around_a_value_are_part_of_it(api: Api) -> None:
    assert user_names(api.list(filter=' userName eq "carl " ')) == ["carl "]


@override_settings(
    FILTERS_DEFAULT_LOOKUP_EXPR="nonsense",
    FILTERS_EMPTY_CHOICE_LABEL=None,
    FILTERS_NULL_CHOICE_LABEL="null",
    FILTERS_VERBOSE_LOOKUPS=lambda: 1 / 0,
    FILTERS_DISABLE_HELP_TEXT=True,
)
def test_the_hosts_settings_of_django_filter_change_nothing(api: Api) -> None:
    assert user_names(api.list(filter='userName eq "zoe"', sortBy="userName")) == ["Zoe"]
