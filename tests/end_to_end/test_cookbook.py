"""Tests that the recipes of docs/cookbook.md work in hosts that follow them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documented.pages import (
    INSTALLATION,
    ROOT,
    Host,
    named_blocks,
    section_blocks,
)

COOKBOOK = ROOT / "docs" / "cookbook.md"
# What a project has of its own: the apps of the recipes.
APPS = 'INSTALLED_APPS += ["tiled_scim"]\n'
WITHOUT_ACCOUNTS = APPS + 'INSTALLED_APPS += ["profiles", "assignments"]\n'
WITH_ACCOUNTS = APPS + 'INSTALLED_APPS += ["seats"]\n'

pytestmark = pytest.mark.in_process


def host(folder: Path, settings: str) -> Host:
    blocks = named_blocks(INSTALLATION) | named_blocks(COOKBOOK) | {"settings.py": settings}
    return Host(folder, blocks)


def settings_of(section: str) -> str:
    """Return the settings that a recipe tells to write."""
    return next(code for name, code in section_blocks(COOKBOOK, section) if not name)


def test_profiles_allauth_and_roles(tmp_path: Path) -> None:
    settings = WITHOUT_ACCOUNTS + settings_of("Email addresses of django-allauth")

    host(tmp_path, settings).run_tests(ROOT / "tests" / "documented" / "recipes.py")


def test_seats(tmp_path: Path) -> None:
    settings = WITH_ACCOUNTS + settings_of("Seats")

    host(tmp_path, settings).run_tests(ROOT / "tests" / "documented" / "seats.py")
