"""Tests that docs/configuration-pages.md names what a host can override, and what it says is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.documented.pages import ROOT, table_rows
from tiled_scim import setup_links
from tiled_scim.configuration import setup, urls

DOCUMENT = ROOT / "docs" / "configuration-pages.md"
TEMPLATES = ROOT / "tiled_scim" / "templates" / "tiled_scim"


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def in_column(heading: str, number: int) -> Iterator[str]:
    """Return what is quoted in a column of the tables with this heading."""
    for row in table_rows(DOCUMENT, heading):
        yield from quoted(row[number])


@pytest.mark.parametrize(
    ("folder", "heading"), [("configuration", "template"), ("fragments", "fragment")]
)
def test_every_template_is_named(folder: str, heading: str) -> None:
    rows = list(table_rows(DOCUMENT, heading))
    named = {name for row in rows for cell in row for name in quoted(cell)}

    assert {path.name for path in (TEMPLATES / folder).iterdir()} <= named


def test_every_url_is_named_with_its_view() -> None:
    names = list(in_column("view", 1))
    views = list(in_column("view", 0))

    assert sorted(names) == sorted(str(pattern.name) for pattern in urls.urlpatterns)
    callbacks: dict[str, Any] = {str(each.name): each.callback for each in urls.urlpatterns}
    for name, view in zip(names, views, strict=True):
        module, _, cls = view.partition(".")
        view_class = callbacks[name].view_class
        assert view_class.__name__ == cls
        assert view_class.__module__ == f"tiled_scim.configuration.{module}"


def test_the_lifetimes_of_setup_links_are_those_of_the_code() -> None:
    hours = [lifetime // timedelta(hours=1) for lifetime in setup_links.LIFETIMES]
    default = setup_links.DEFAULT_LIFETIME // timedelta(hours=1)
    first, last = ", ".join(map(str, hours[:-1])), hours[-1]

    assert f"works for {first} or {last} hours; {default} is the default" in DOCUMENT.read_text()


def test_the_cookie_is_named() -> None:
    assert f"`{setup.COOKIE}`" in DOCUMENT.read_text()


def test_the_variables_are_those_of_the_stylesheet() -> None:
    style = Path(ROOT / "tiled_scim" / "static" / "tiled_scim" / "configuration.css").read_text()

    for variable in re.findall(r"--tiled-scim-\w+", DOCUMENT.read_text()):
        assert f"{variable}:" in style
