"""Folded and canonical text: which spellings are the same."""

# Letters that look like others are what this is about.
# ruff: noqa: RUF001

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from django.contrib.auth.models import User
from hypothesis import example, given
from hypothesis import strategies as st

from tiled_scim.scim.text import canonical, fold, spellings

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: list[Form] = ["NFC", "NFD", "NFKC", "NFKD"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]

SAME = [
    ("ann@example.com", "Ann@EXAMPLE.com"),
    ("josé", "JOSE\N{COMBINING ACUTE ACCENT}"),
    ("ann@example.com", "ＡＮＮ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
    ("ガ", "ｶﾞ"),  # halfwidth katakana, whose voiced sound mark is a character of its own
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
    ("İrem", "i\N{COMBINING DOT ABOVE}rem"),
    ("J\N{COMBINING CARON}", "ǰ"),  # composed in lower case only
    ("\N{KELVIN SIGN}im", "kim"),
    ("ﬁona", "fiona"),  # Django has one username for both
    ("한글", unicodedata.normalize("NFD", "한글")),
    ("a\N{IDEOGRAPHIC SPACE}b", "a b"),
]

DIFFERENT = [
    ("jose", "josé"),
    ("straße", "strasse"),
    ("ann", "ann "),
    ("ann", " ann"),
    ("a b", "a  b"),
    ("irem", "ırem"),
    ("ada", "ad\N{CYRILLIC SMALL LETTER A}"),
    ("o", "0"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same_name(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_these_are_two_names(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(("one", "other"), [SAME[1], SAME[2], SAME[9]])
def test_where_case_does_not_count_the_spelling_does(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(TEXTS)
@example("I\N{COMBINING DOT ABOVE}")
@example("J\N{COMBINING CARON}\N{COMBINING DOT BELOW}")
def test_the_canonical_form_is_its_own(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize("change", [str.lower, fold], ids=["lower", "fold"])
def test_no_character_is_another_name_in_lower_case(change: Callable[[str], str]) -> None:
    assert [each for each in CHARACTERS if canonical(change(each)) != canonical(each)] == []


@pytest.mark.parametrize("form", FORMS)
def test_nor_in_another_normalization_form(form: Form) -> None:
    changed = [unicodedata.normalize(form, each) for each in CHARACTERS]

    assert list(map(canonical, changed)) == list(map(canonical, CHARACTERS))


def test_names_that_precis_allows_have_the_form_that_precis_gives_them() -> None:
    """RFC 8265 section 3.3: width mapping, lower case, NFC. Others have a compatibility form."""
    mapped = [_width_mapped(each) for each in CHARACTERS]
    allowed = [each for each in mapped if unicodedata.normalize("NFKC", each) == each]

    assert len(allowed) > 1_000_000
    assert [each for each in allowed if canonical(each) != _precis(each)] == []


def _width_mapped(character: str) -> str:
    kind, *codes = unicodedata.decomposition(character).split() or [""]
    is_mapped = kind in {"<wide>", "<narrow>"}
    return "".join(chr(int(code, 16)) for code in codes) if is_mapped else character


def _precis(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower()).replace("ς", "σ")


@given(TEXTS)
def test_what_django_makes_of_a_username_is_the_same_name(text: str) -> None:
    assert canonical(User.normalize_username(text)) == canonical(text)


@given(TEXTS)
def test_a_name_has_only_spellings_that_are_the_same(text: str) -> None:
    assert {canonical(spelling) for spelling in spellings(text)} == {canonical(text)}


@given(TEXTS, st.sampled_from(FORMS))
def test_the_usual_ones_among_them(text: str, form: Form) -> None:
    assert {text, unicodedata.normalize(form, text)} <= spellings(text)


def test_in_other_widths_and_in_both_cases() -> None:
    usual = {"Ann", "ann", "ANN"}

    assert spellings("Ann") == usual | {"Ａｎｎ", "ａｎｎ", "ＡＮＮ"}
    assert "ｶﾞ" in spellings("ガ")
    # Each character has one of the two widths, and the usual one.
    assert {"aカ", "aｶ", "ａカ"} <= spellings("Ａカ")
