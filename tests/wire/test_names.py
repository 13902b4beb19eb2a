"""userName and displayName: one name in every spelling, to push, to find and to adopt."""

# Letters that look like others are what this is about.
# ruff: noqa: RUF001

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from tests.factories import make_library, make_user
from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, ScimEvent, UserLink
from tiled_scim.scim.text import canonical

from .client import BOB, Answer, Scim, group, user
from .state import people

RANDOM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

# Two spellings of one name each.
SPELLINGS = [
    pytest.param("ann@example.com", "ANN@example.com", id="letter case"),
    pytest.param("josé", "jose\N{COMBINING ACUTE ACCENT}", id="decomposed"),
    pytest.param("ann@example.com", "ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", id="fullwidth"),
    pytest.param("ガ", "ｶﾞ", id="halfwidth"),
    pytest.param("ΟΔΥΣΣΕΥΣ", "οδυσσευς", id="final sigma"),
    pytest.param("fiona", "ﬁona", id="ligature"),
]
# What the host has, and what is pushed. A ligature in the host is found as such only.
STORED = [
    pytest.param(*pair, id=f"{case.id}, {way}")
    for case in SPELLINGS
    for way, pair in (("canonical", case.values), ("not canonical", case.values[::-1]))
    if pair != ("ﬁona", "fiona")
]


class OwnUsernames(HostAdapter):
    """A host that chooses usernames itself: no two of its users have one that is nearly the same.

    The collations of MariaDB and MySQL take usernames for one that are two in SCIM.
    """

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        return super().create_user({**values, "userName": str(uuid4())})


def respelled(name: str) -> st.SearchStrategy[str]:
    """The name, mostly in another spelling; sometimes nearly another one."""
    changes = [
        str.lower,
        str.upper,
        str.swapcase,
        str.title,
        str.strip,
        *(lambda text, form=form: unicodedata.normalize(form, text) for form in FORMS),
        lambda text: text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        lambda text: f"{text} ",
    ]
    return st.lists(st.sampled_from(changes), max_size=3).map(lambda chosen: _changed(name, chosen))


FORMS = ["NFC", "NFD", "NFKC", "NFKD"]


def _changed(name: str, changes: list[Any]) -> str:
    for change in changes:
        name = change(name)
    return name


# Letters that have something to them, and any others.
LETTERS = st.one_of(
    st.sampled_from(
        "aAbBäÄéÉíİıſßẞΣσςﬁﬀǆǅK²①ｱｶﾞガÅΩµ한 \N{COMBINING ACUTE ACCENT}\N{COMBINING CARON}"
    ),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
PAIRS = NAMES.flatmap(lambda name: st.tuples(st.just(name), st.one_of(respelled(name), NAMES)))


def push(scim: Scim, path: str, name: str) -> Answer:
    body = user(name, emails=[]) if path == "/Users" else group(name)
    return scim.post(path, body)


def found(scim: Scim, path: str, attribute: str, name: str) -> list[str]:
    return scim.found(path, f"{attribute} eq {json.dumps(name, ensure_ascii=False)}")


def forget() -> None:
    """Start from an empty state, as each example does."""
    for model in (UserLink, LibraryGroupLink, User, Library, ScimEvent):
        model._default_manager.all().delete()


def is_told_apart_by_the_host(name: str, other: str) -> bool:
    """Whether the column of the host's usernames distinguishes two names."""
    username = User._meta.get_field("username")
    User.objects.bulk_create([User(username=User.normalize_username(name))])
    fits = User.objects.filter(username=User.normalize_username(other)).exists()
    User.objects.all().delete()
    assert username.unique
    return not fits


class TestAnySpelling:
    """What a push of the same name is refused for is found, and nothing else is."""

    @RANDOM
    @given(PAIRS)
    @example(("I\N{COMBINING DOT ABOVE}", "İ"))
    @example(("ﬁ", "fi"))
    def test_of_a_user(self, scim: Scim, settings: Settings, names: tuple[str, str]) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = OwnUsernames
        forget()
        self.check(scim, "/Users", "userName", names)

    @RANDOM
    @given(PAIRS)
    def test_of_a_user_whose_username_it_becomes(self, scim: Scim, names: tuple[str, str]) -> None:
        forget()
        assume(canonical(names[0]) == canonical(names[1]) or is_told_apart_by_the_host(*names))
        self.check(scim, "/Users", "userName", names)

    @RANDOM
    @given(PAIRS)
    def test_of_a_group(self, scim: Scim, names: tuple[str, str]) -> None:
        forget()
        self.check(scim, "/Groups", "displayName", names)

    def check(self, scim: Scim, path: str, attribute: str, names: tuple[str, str]) -> None:
        name, other = names
        assume(other.strip())
        first = push(scim, path, name)
        assert first.status == 201, first.text

        hits = found(scim, path, attribute, other)
        second = push(scim, path, other)

        if canonical(name) == canonical(other):
            assert hits == [first.json["id"]]
            assert second.error == (409, "uniqueness")
        else:
            assert hits == []
            assert second.status == 201, second.text
        assert found(scim, path, attribute, name) == [first.json["id"]]


@pytest.mark.parametrize(("name", "other"), SPELLINGS)
class TestAnotherSpelling:
    def test_comes_back_as_it_was_sent(self, scim: Scim, name: str, other: str) -> None:
        key = scim.add_user(name)

        assert scim.put(f"/Users/{key}", user(other)).json["userName"] == other

        assert scim.get(f"/Users/{key}").json["userName"] == other
        assert found(scim, "/Users", "userName", name) == [key]

    @pytest.mark.parametrize("operator", ["eq", "co", "sw", "ew", "ge", "le"])
    def test_is_found_by_every_comparison(
        self, scim: Scim, name: str, other: str, operator: str
    ) -> None:
        people = [scim.add_user(name)]
        groups = [scim.add_group(name, *people)]

        literal = json.dumps(other)
        assert scim.found("/Users", f"userName {operator} {literal}") == people
        assert scim.found("/Users", f"groups[display {operator} {literal}]") == people
        assert scim.found("/Groups", f"displayName {operator} {literal}") == groups

    @pytest.mark.parametrize("operator", ["ne", "gt", "lt"])
    def test_and_is_neither_another_one_nor_beyond(
        self, scim: Scim, name: str, other: str, operator: str
    ) -> None:
        scim.add_user(name)

        assert scim.found("/Users", f"userName {operator} {json.dumps(other)}") == []

    def test_reactivates(self, scim: Scim, name: str, other: str) -> None:
        key = scim.add_user(name)
        scim.delete(f"/Users/{key}")

        assert scim.add_user(other) == key

    def test_of_a_deleted_group_takes_its_library_up_again(
        self, scim: Scim, name: str, other: str
    ) -> None:
        key = scim.add_group(name)
        scim.delete(f"/Groups/{key}")

        assert scim.add_group(other) == key
        assert [library.name for library in Library.objects.all()] == [other]

    def test_is_no_other_name_of_a_library(self, scim: Scim, name: str, other: str) -> None:
        """People changed the spelling of the Library's name: it is still renamed with the group."""
        key = scim.add_group(name)
        Library.objects.update(name=other)

        scim.patch(f"/Groups/{key}", {"op": "replace", "value": {"displayName": "Ops"}})

        assert Library.objects.get().name == "Ops"

    def test_cannot_be_taken_by_another(self, scim: Scim, name: str, other: str) -> None:
        scim.add_user(name)
        scim.add_group(name)
        bob, ops = scim.add_user(BOB), scim.add_group("Ops")

        rename = scim.patch(f"/Users/{bob}", {"op": "replace", "value": {"userName": other}})
        regroup = scim.patch(f"/Groups/{ops}", {"op": "replace", "value": {"displayName": other}})

        assert rename.error == regroup.error == (409, "uniqueness")


@pytest.mark.parametrize(("stored", "pushed"), STORED)
class TestHostUsers:
    """The host may have a username in any spelling: not all of its code normalizes it."""

    @pytest.fixture(autouse=True)
    def person(self, db: None, stored: str) -> User:
        (person,) = insert([User(username=stored)])
        return person

    def test_are_adopted(self, scim: Scim, person: User, pushed: str) -> None:
        scim.add_user(pushed)

        assert UserLink.objects.get().user == person
        assert User.objects.count() == 1

    def test_are_adopted_by_an_address(
        self, scim: Scim, settings: Settings, person: User, pushed: str
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = "email"
        User.objects.update(email=person.username, username="hope")

        scim.add_user(BOB, emails=[{"value": pushed}])

        assert UserLink.objects.get().user == person

    def test_are_not_renamed_to(self, scim: Scim, pushed: str) -> None:
        before = people()
        key = scim.add_user(BOB)

        answer = scim.patch(f"/Users/{key}", {"op": "replace", "value": {"userName": pushed}})

        assert answer.error == (409, "uniqueness")
        assert people() == {**before, BOB: "active"}

    def test_are_409_where_nobody_is_adopted(
        self, scim: Scim, settings: Settings, pushed: str
    ) -> None:
        settings.TILED_SCIM_ADOPT_USERS = None

        assert scim.post("/Users", user(pushed)).error == (409, "uniqueness")
        assert not UserLink.objects.exists()

    def test_follow_a_new_name(self, scim: Scim, pushed: str) -> None:
        key = scim.add_user(pushed)
        User.objects.update(username=canonical(pushed))

        scim.put(f"/Users/{key}", user(BOB))

        assert User.objects.get().username == BOB


class TestUsernames:
    @pytest.mark.skipif(connection.vendor == "mysql", reason="the column takes them for one")
    def test_two_spellings_in_the_host_are_409(self, scim: Scim) -> None:
        for spelling in ("josé", "JOSE\N{COMBINING ACUTE ACCENT}"):
            User.objects.bulk_create([User(username=spelling)])

        answer = scim.post("/Users", user("José"))

        assert answer.error == (409, "uniqueness")
        assert "userName “José” is that of more than one user" in answer.json["detail"]

    def test_the_host_decides_what_a_username_is(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A user model of its own may, for example, keep what is before the at sign."""
        monkeypatch.setattr(User, "normalize_username", lambda name: name.partition("@")[0])
        person = make_user("Bob")

        scim.add_user(BOB)

        assert UserLink.objects.get().user == person


class TestSpaces:
    @pytest.mark.parametrize("other", [" Sales", "Sales ", "Sa les", "Sales\t"])
    def test_count(self, scim: Scim, other: str) -> None:
        key = scim.add_group("Sales")

        assert scim.add_group(other) != key

        assert found(scim, "/Groups", "displayName", "Sales") == [key]

    @pytest.mark.parametrize("space", ["\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}"])
    def test_of_other_widths_are_spaces(self, scim: Scim, space: str) -> None:
        key = scim.add_group("Sales Ops")

        assert found(scim, "/Groups", "displayName", f"Sales{space}Ops") == [key]
        assert scim.post("/Groups", group(f"Sales{space}Ops")).error == (409, "uniqueness")


class TestLength:
    LONG = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"  # 18 characters in NFKC

    def test_what_has_no_room_in_its_canonical_form_is_refused(self, scim: Scim) -> None:
        key = scim.add_group("Sales")

        for answer in (
            scim.post("/Groups", group(self.LONG * 29)),
            scim.patch(
                f"/Groups/{key}", {"op": "replace", "path": "displayName", "value": self.LONG * 29}
            ),
        ):
            assert answer.error == (400, "invalidValue")
            assert "The canonical form of displayName may have 510" in answer.json["detail"]
        assert found(scim, "/Groups", "displayName", self.LONG * 29) == []

    def test_what_has_is_not(self, scim: Scim) -> None:
        key = scim.add_group(self.LONG * 5)

        assert found(scim, "/Groups", "displayName", self.LONG * 5) == [key]

    def test_an_event_is_kept_of_both(self, scim: Scim) -> None:
        scim.post("/Groups", group(self.LONG * 29))

        event = ScimEvent.objects.get()
        assert event.resource_name == self.LONG * 29
        assert event.resource_name_canonical == canonical(self.LONG * 29)[:510]


def test_libraries_are_adopted_by_their_exact_name(scim: Scim, settings: Settings) -> None:
    settings.TILED_SCIM_ADOPT_LIBRARIES = True
    make_library("Ｓａｌｅｓ")

    scim.add_group("Sales")

    assert Library.objects.count() == 2
