"""Filters: the rows that the database chooses are those that plain Python chooses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evaluation import Resource, is_chosen, is_element_chosen
from tests.population import EXTENSION, GONE, PEOPLE, TOYS, Adapter, identifier, names, populate
from tiled_scim.api.rendering import Renderer, encode
from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.errors import ScimError
from tiled_scim.models import LINKS, LibraryGroupLink, UserLink
from tiled_scim.provisioning.reading import Reader
from tiled_scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, TILED_USER, USER
from tiled_scim.scim.grammar import MAX_CLAUSES, MAX_DEPTH, parse
from tiled_scim.scim.matching import OPERATORS, predicate
from tiled_scim.scim.paths import as_complex
from tiled_scim.sql.filtering import condition

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
    reader = Reader(resource_type, Adapter())
    found = reader.read(list(reader.columns(reader.links())))
    rendered: list[Resource] = json.loads(encode(Renderer("https://x").render(found)))
    return rendered


@pytest.fixture
def users(population: None) -> list[Resource]:
    return resources(USER)


@pytest.fixture
def groups(population: None) -> list[Resource]:
    return resources(GROUP)


def chosen(text: str, resource_type: ResourceType = USER) -> list[str]:
    """The userNames or displayNames of the rows that a filter chooses, in order."""
    rows: Any = LINKS[resource_type.name]._default_manager
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
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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


@RANDOM
@given(st.data())
def test_random_filters_of_paths_choose_the_elements_that_python_chooses(
    users: list[Resource], data: st.DataObject
) -> None:
    attribute = data.draw(st.sampled_from([pair[1] for pair in _element_names(USER)]))
    text = data.draw(Filters(users).value_filters(attribute))
    for user in users:
        for element in {**user, **user.get(TOYS, {})}.get(attribute.name, []):
            as_object = element if isinstance(element, dict) else {"value": element}
            result = predicate(parse(text), as_complex(attribute))(as_object)
            assert result == is_element_chosen(element, parse(text), attribute)


EVERYONE = [person["userName"] for person in PEOPLE]
ANN, BOB, CARL_, CARL, EDITH, ZOE, TOP, IREM = EVERYONE

CHOSEN: dict[str, list[str]] = {
    # Letter case counts where the schema says so; accents and spaces always do.
    'userName eq "ANN@EXAMPLE.COM"': [ANN],
    'USERNAME eq "bob@example.com"': [BOB],
    'userName eq "CARL"': [CARL],
    'userName eq "carl "': [CARL_],
    'userName eq "Édith"': [EDITH],
    'userName eq "edith"': [],
    'externalId eq "00uB"': [BOB],
    'externalId sw "00"': [BOB, CARL_],
    'name.familyName eq "ÅNGSTRÖM"': [ANN],
    'title eq "Édith"': [EDITH, ZOE],
    'displayName eq "İrem"': [IREM],
    # Nothing is a wildcard or a quote.
    'title co "%"': [CARL],
    'title co "_"': [CARL],
    r'title co "\" \\"': [CARL],
    'name.familyName co "\'"': [BOB],
    # Absent, empty, and the words that are values.
    "nickName pr": [IREM],
    'nickName eq ""': [CARL_],
    "nickName eq null": [ANN, BOB, CARL, EDITH, ZOE, TOP],
    'nickName eq "true"': [IREM],
    'locale eq "null"': [EDITH],
    "externalId ne null": [BOB, CARL_],
    'externalId ne "00uB"': [ANN, CARL_, CARL, EDITH, ZOE, TOP, IREM],
    'not (externalId eq "00uB")': [ANN, CARL_, CARL, EDITH, ZOE, TOP, IREM],
    'name.honorificPrefix co ""': [BOB],
    # Ids.
    'id eq "x"': [],
    'id ne "x"': EVERYONE,
    f'id eq "{identifier(UserLink, 0)}"': [ANN],
    f'id eq "{str(identifier(UserLink, 0)).upper()}"': [],
    f'id eq "{identifier(UserLink, 0).hex}"': [],
    f'id sw "{str(identifier(UserLink, 0))[:20]}"': [ANN],
    # Booleans, numbers and times.
    "active eq false": [BOB],
    'active eq "False"': [BOB],
    "active pr": EVERYONE,
    f"{TILED_USER}:tiledAdmin eq true": [CARL_],
    f"{TILED_USER}:tiledAdmin eq false": [BOB],
    f"{TILED_USER}:tiledAdmin eq null": [ANN, CARL, EDITH, ZOE, TOP, IREM],
    f"{TOYS}:age gt -7.5": [BOB, CARL],
    f"{TOYS}:age le {2**63 - 1}": [BOB, CARL],
    f"{TOYS}:height lt {10**30}": [BOB, CARL],
    f"{TOYS}:height le 1.5": [BOB],
    'meta.created gt "2024-02-29T00:01:00.999998Z"': [EDITH, ZOE, TOP, IREM],
    'meta.created eq "2024-02-29T01:00:59.999999+01:00"': [CARL_, CARL],
    f'{TOYS}:since gt "2024-03-01T00:00:00Z"': [CARL_, ZOE],
    'meta.resourceType eq "User"': EVERYONE,
    f'{TOYS}:blob eq "TUlJQG=="': [ZOE],
    'x509Certificates eq "tUlJQg=="': [],
    # Elements: a comparison is of any, what is in brackets of the same.
    'emails.value eq "BOB@work.example"': [BOB],
    'emails eq "bob@work.example"': [BOB],
    'emails[type eq "work"].value eq "bob@work.example"': [BOB],
    'emails[type eq "home"].value eq "bob@work.example"': [],
    'emails.type eq "home" and emails.value eq "bob@work.example"': [BOB],
    "emails pr": [BOB, CARL_, EDITH, ZOE],
    "not (emails pr)": [ANN, CARL, TOP, IREM],
    'emails.type ne "work"': EVERYONE,
    'emails.value ne "zoe@example.com"': EVERYONE,
    "emails eq null": [ANN, CARL, TOP, IREM],
    "emails.value eq null": [ANN, CARL, TOP, IREM],
    "emails ne null": [BOB, CARL_, EDITH, ZOE],
    "groups eq null": [EDITH, ZOE, TOP],
    'groups.display ne "nothing"': EVERYONE,
    f"{TOYS}:tags eq null and emails eq null": [ANN, CARL, TOP, IREM],
    "roles[primary eq true]": [EDITH],
    "emails[primary eq false]": [BOB, CARL_, EDITH],
    "emails[primary eq null]": [BOB, CARL_, EDITH],
    'not (schemas ne "urn:x")': [],
    'roles[primary eq "True"].value eq "ADMIN"': [EDITH],
    f'{TOYS}:tags eq "red"': [BOB],
    f'{TOYS}:tags[value eq "blue "]': [ZOE],
    f"{TOYS}:levels gt 10": [BOB],
    f"{TOYS}:kits[value gt 2 and new eq true]": [CARL_],
    f"{TOYS}:kits[value gt 2 and new eq null]": [],
    # Relations.
    'groups.display eq "SALES"': [CARL_, CARL],
    f'groups.value eq "{identifier(LibraryGroupLink, 0)}"': [ANN, BOB, CARL_],
    'groups.value eq "x"': [],
    'groups[type eq "direct" and display sw "Sales &"]': [ANN, BOB, CARL_],
    f'groups.display eq "{GONE}"': [],
    # Schemas.
    f'schemas eq "{CORE_USER}"': EVERYONE,
    f'schemas eq "{ENTERPRISE_USER}"': [CARL_, CARL, ZOE],
    f"{ENTERPRISE_USER} pr": [CARL_, CARL, ZOE],
    f'schemas co "{TILED_USER[4:-4]}"': [BOB, CARL_],
    'schemas eq "urn:x"': [],
    "schemas pr": EVERYONE,
    # A name with the core URN is the name.
    f'{CORE_USER}:userName eq "carl"': [CARL],
    f'{ENTERPRISE_USER.upper()}:EMPLOYEENUMBER eq "7"': [CARL_],
    # A complex attribute with a value stands for it.
    f'{ENTERPRISE_USER}:manager eq "M1"': [CARL_],
    "manager pr": [CARL_, CARL],
}


@pytest.mark.parametrize("text", CHOSEN)
def test_a_filter_chooses(text: str) -> None:
    assert sorted(chosen(text)) == sorted(CHOSEN[text])


ERRORS = {
    'nope eq "x"': "User has no attribute “nope”",
    "members pr": "User has no attribute “members”",
    'urn:x:User:userName eq "x"': "User has no attribute “urn:x:User:userName”",
    "name.nope pr": "User has no attribute “name.nope”",
    'emails[nope eq "x"]': "emails has no sub-attribute “nope”",
    'userName eq "x" or nope pr': "User has no attribute “nope”",
    "userName eq 5": "userName is string, which “5” is not",
    "userName eq true": "userName is string, which “True” is not",
    'active eq "maybe"': "active is boolean, which “maybe” is not",
    "active gt true": "gt cannot be used with active, which is boolean; eq, ne can",
    'active co "t"': "co cannot be used with active",
    f'{TOYS}:age eq "7"': f"{TOYS}:age is integer, which “7” is not",
    f"{TOYS}:age eq true": f"{TOYS}:age is integer",
    f'{TOYS}:age co "7"': f"co cannot be used with {TOYS}:age",
    'meta.created gt "yesterday"': "meta.created is dateTime, which “yesterday” is not",
    'meta.created co "2024"': "co cannot be used with meta.created",
    'x509Certificates gt "a"': "gt cannot be used with x509Certificates.value",
    "emails eq 5": "emails.value is string, which “5” is not",
    f"{TOYS}:tags eq 5": f"{TOYS}:tags.value is string, which “5” is not",
    "userName gt null": "gt cannot be used with null; eq, ne can",
    'name eq "x"': "name is complex: name one of its sub-attributes",
    'addresses eq "x"': "addresses has no sub-attribute “addresses.value”",
    'password eq "x"': "password cannot be searched",
    'meta.location sw "https"': "meta.location cannot be searched",
    "meta.version pr": "meta.version cannot be searched",
    'groups.$ref co "x"': "groups.$ref cannot be searched",
    f'{TOYS}:planned gt "2020-01-01T00:00:00Z"': f"{TOYS}:planned is kept as it was sent",
    f'{ENTERPRISE_USER} eq "x"': "only pr can be used with it",
    'name[givenName eq "x"]': "name is not multi-valued",
    'emails.value[type eq "x"]': "emails.value is not multi-valued",
    f"{ENTERPRISE_USER}[x pr]": "is not multi-valued",
    "emails[groups[value pr]]": "cannot be inside another one: groups[…]",
    'schemas[nope eq "x"]': "schemas has no sub-attribute “nope”",
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_not_understood_or_cannot_be_searched_is_an_error(text: str) -> None:
    with pytest.raises(ScimError) as raised:
        chosen(text)
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidFilter")
    assert ERRORS[text] in raised.value.detail


def test_a_time_that_is_kept_as_text_can_be_asked_for() -> None:
    assert chosen(f"{TOYS}:planned pr") == [EDITH]


def test_a_secret_of_an_extension_cannot_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Schema("urn:example:doors", "Doors", "Doors.", (Attribute("pin", returned="never"),))
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, secrets])

    for text in ('urn:example:doors:pin sw "1"', "urn:example:doors:pin pr"):
        with pytest.raises(ScimError, match="pin cannot be searched"):
            chosen(text)


def test_an_extension_of_groups_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    urn = "urn:example:teams:2.0:Group"
    teams = Schema(urn, "Teams", "Teams.", (Attribute("budget", "integer"),))
    monkeypatch.setattr(GROUP, "extensions", [teams])
    LibraryGroupLink.objects.filter(display_name="sales").update(attributes={urn: {"budget": 5}})

    for text in (f'schemas eq "{urn}"', f"{urn} pr", f"{urn}:budget gt 4"):
        assert chosen(text, GROUP) == ["sales"]


def test_what_clients_may_not_write_is_searched_where_the_host_has_it() -> None:
    class Host(Adapter):
        @property
        def user_fields(self) -> dict[str, str]:
            return {f"{ENTERPRISE_USER}:manager.displayName": "username"}

    filter_ = condition(parse('manager.displayName eq "PERSON3"'), USER, Host())
    assert [link.name for link in UserLink.objects.filter(filter_)] == [CARL]
    filter_ = condition(parse("manager.displayName pr"), USER, Host())
    assert UserLink.objects.filter(filter_).count() == len(PEOPLE)


def test_times_are_compared_where_the_host_has_no_time_zones() -> None:
    text = 'meta.created eq "2024-02-29T01:00:59.999999+01:00"'
    with override_settings(USE_TZ=False), timezone.override("Asia/Tokyo"):
        assert sorted(chosen(text)) == [CARL, CARL_]


def test_an_account_that_keeps_its_own_values_finds_nothing_by_those_of_the_host() -> None:
    work = 'emails[type eq "work"]'
    assert chosen('emails.value eq "bob@work.example"') == [BOB]
    assert BOB in chosen(work)

    UserLink.objects.filter(user_name=BOB).update(keeps_own_values=True)

    assert chosen('emails.value eq "bob@work.example"') == []
    assert BOB not in chosen(work)
    assert chosen('emails.value eq "bob@home.example"') == [BOB]
    assert chosen('name.givenName eq "bob"') == []


def test_an_account_that_keeps_its_own_values_finds_by_them() -> None:
    own = {"name": {"givenName": "Robert"}, TILED_USER: {"tiledAdmin": True}}
    bob = UserLink.objects.filter(user_name=BOB)
    bob.update(attributes=own, hidden_values={})
    admin = f"{TILED_USER}:tiledAdmin eq true"
    assert chosen('name.givenName eq "Robert"') == []
    assert chosen(admin) == [CARL_]

    bob.update(keeps_own_values=True)

    assert chosen('name.givenName eq "robert"') == [BOB]
    assert chosen(admin) == [BOB, CARL_]
    assert chosen("active eq false") == [BOB]  # which is the host's in any case


def test_a_user_whom_the_account_suspended_is_not_active() -> None:
    assert chosen("active eq false") == [BOB]

    UserLink.objects.filter(user_name__in=[ANN, CARL_]).update(suspended=True)

    assert sorted(chosen("active eq false")) == sorted([ANN, BOB, CARL_])
    assert sorted(chosen("active eq true")) == sorted({*EVERYONE} - {ANN, BOB, CARL_})
    assert chosen(f"{TILED_USER}:tiledAdmin eq true") == [CARL_]


def test_large_integers_are_not_rounded() -> None:
    UserLink.objects.filter(user_name=ANN).update(attributes={TOYS: {"age": 2**53 + 1}})

    assert chosen(f"{TOYS}:age eq {2**53 + 1}") == [ANN]
    assert chosen(f"{TOYS}:age eq {2**53}") == []


@pytest.mark.parametrize("opening", ["(", "not (", "title pr and (", "not (title eq null or ("])
def test_the_deepest_filter_is_answered(users: list[Resource], opening: str) -> None:
    inner = 'emails[not (value pr) or type ne "home"]'  # two levels more
    times = (MAX_DEPTH - 2) // opening.count("(")
    text = opening * times + inner + ")" * (times * opening.count("("))
    assert chosen(text) == expected(text, users, USER)


def test_the_longest_filter_is_answered() -> None:
    clause = 'emails[type eq "home" and not (value sw "x" or display pr)]'
    found = chosen(" or ".join([clause] * (MAX_CLAUSES // 3)))
    assert sorted(found) == sorted([BOB, CARL_, EDITH])


@pytest.mark.parametrize(
    ("resource_type", "text"),
    [
        (USER, 'userName eq "ann@example.com"'),
        (USER, 'externalId eq "00uB"'),
        (USER, f'id eq "{identifier(UserLink, 0)}"'),
        (GROUP, 'displayName eq "sales"'),
        (GROUP, 'externalId eq "g1"'),
        (GROUP, f'id eq "{identifier(LibraryGroupLink, 0)}"'),
    ],
)
def test_a_lookup_uses_an_index(resource_type: ResourceType, text: str) -> None:
    rows: Any = LINKS[resource_type.name]._default_manager
    rows = rows.live("").filter(condition(parse(text), resource_type, Adapter()))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small
    plan = rows.explain(format="TEXT" if connection.vendor == "mysql" else None)
    used = {"sqlite": "USING INDEX", "postgresql": "Index Cond", "mysql": "tiled_scim"}
    assert used[connection.vendor] in plan
    assert "ALL" not in plan.split()
