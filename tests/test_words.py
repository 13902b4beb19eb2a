"""Tests of the host's own words, and that no text for people has ours."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.utils import translation
from django.utils.translation import gettext_lazy

from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import Scim
from tiled_scim import errors
from tiled_scim.models import Action, LibraryGroupLink
from tiled_scim.words import english_words, with_words, words

PACKAGE = Path(inspect.getfile(errors)).parent
OF_ERRORS = {
    name
    for name, function in vars(errors).items()
    if inspect.isfunction(function) and function.__module__ == errors.__name__
} | {"ScimError", "AuthenticationFailed", "_refusal"}


def modules() -> Iterator[Path]:
    apart = {"provider_check", "management", "migrations"}
    yield from (
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not apart & set(path.relative_to(PACKAGE).parts)
    )


def texts(node: ast.AST) -> str:
    """Return all string constants in a call."""
    return " ".join(
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def details() -> Iterator[str]:
    """Yield the texts of all errors that SCIM answers."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in OF_ERRORS:
                    yield texts(node)


@pytest.fixture
def workspaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library._meta, "verbose_name", gettext_lazy("user"))
    monkeypatch.setattr(Library._meta, "verbose_name_plural", gettext_lazy("users"))


class TestWords:
    def test_those_of_the_example_project(self) -> None:
        assert words() == {
            "library": "Library",
            "Library": "Library",
            "libraries": "Libraries",
            "Libraries": "Libraries",
            "admin": "Tiled Admin",
            "product": "the application",
        }

    @pytest.mark.usefixtures("workspaces")
    def test_they_are_in_the_language_of_the_reader(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_ADMIN_NAME = gettext_lazy("Yes")
        settings.TILED_SCIM_PRODUCT_NAME = "Atlas"

        with translation.override("de"):
            german, english = words(), english_words()

        assert (german["library"], german["libraries"]) == ("Benutzer", "Benutzer")
        assert (german["Library"], german["admin"], german["product"]) == (
            "Benutzer",
            "Ja",
            "Atlas",
        )
        assert (english["library"], english["Library"]) == ("user", "User")
        assert (english["libraries"], english["admin"]) == ("users", "Yes")

    def test_djangos_groups_are_not_called_like_the_groups_in_okta(
        self, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_LIBRARY_MODEL = "auth.Group"

        assert (words()["library"], words()["libraries"]) == ("user group", "user groups")
        with translation.override("de"):
            assert words()["Libraries"] == "Benutzergruppen"
        assert str(Group._meta.verbose_name) == "group"

    @pytest.mark.parametrize("model", ["nowhere.Library", "libraries.Nothing", "Library"])
    def test_a_wrong_setting_is_left_to_the_check(self, settings: LazySettings, model: str) -> None:
        settings.TILED_SCIM_LIBRARY_MODEL = model

        assert (words()["library"], words()["libraries"]) == ("Library", "Libraries")

    @pytest.mark.usefixtures("workspaces")
    def test_texts_follow_when_they_are_shown(self, settings: LazySettings) -> None:
        text = with_words("%(Libraries)s of a %(admin)s")
        settings.TILED_SCIM_ADMIN_NAME = "Curator"

        assert str(text) == "Users of a Curator"
        assert str(Action.ADMIN_GRANTED.label) == "Curator given"
        assert str(LibraryGroupLink._meta.verbose_name_plural) == "groups and users"

    def test_migrations_do_not_have_them(self) -> None:
        assert LibraryGroupLink._meta.original_attrs["verbose_name_plural"] == "groups"


class TestOurWords:
    def test_no_error_speaks_of_the_host(self) -> None:
        found = list(details())

        assert len(found) > 80
        assert [text for text in found if re.search(r"\bhosts?\b", text, re.IGNORECASE)] == []

    def test_no_error_has_our_words_for_what_the_host_has_names_for(self) -> None:
        ours = re.compile(r"\b(Librar(y|ies)|Tiled Admin)\b")

        assert [text for text in details() if ours.search(text)] == []

    @pytest.mark.django_db
    def test_no_discovery_document_does(self) -> None:
        scim = Scim(f"Bearer {new_token()[1]}")

        for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
            shown = json.dumps(scim.get(path).json)
            assert not re.search(r"\bhosts?\b|\bLibrar(y|ies)\b", shown), path


def test_the_package_is_searched() -> None:
    assert isinstance(errors, ModuleType)
    assert PACKAGE.name == "tiled_scim"
