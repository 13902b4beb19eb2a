"""Tests of which migration of the host the package depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from tiled_scim.database.library_dependency import library_dependency

HEADER = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
CREATION = "migrations.CreateModel('Library', [])"
OTHER = "migrations.CreateModel('Shelf', [])"
IN_STATE = f"migrations.SeparateDatabaseAndState(state_operations=[{CREATION}])"
RENAMING = "migrations.RenameModel('Shelf', 'Library')"


@pytest.mark.parametrize(
    ("model", "dependency"),
    [
        ("libraries.Library", ("libraries", "0001_initial")),
        ("auth.Group", ("auth", "0001_initial")),
        ("auth.GROUP", ("auth", "0001_initial")),
        # As Django's own `swappable_dependency`:
        ("libraries.Nothing", ("libraries", "__first__")),
        ("messages.Message", ("messages", "__first__")),
    ],
)
def test_is_the_one_that_makes_the_library_model(
    settings: LazySettings, model: str, dependency: tuple[str, str]
) -> None:
    settings.TILED_SCIM_LIBRARY_MODEL = model

    assert library_dependency() == dependency


@pytest.mark.parametrize(
    ("migrations", "name"),
    [
        ({"0001_initial": OTHER, "0002_library": CREATION}, "0002_library"),
        ({"0001_initial": OTHER, "0002_moved": IN_STATE}, "0002_moved"),
        ({"0001_squashed_0002": f"{OTHER}, {CREATION}"}, "0001_squashed_0002"),
        ({"0001_initial": OTHER, "_draft": CREATION, "library": CREATION}, "library"),
        ({"0001_initial": OTHER, "0002_renamed": RENAMING}, "__first__"),
    ],
)
def test_may_be_a_later_one(
    settings: LazySettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    migrations: dict[str, str],
    name: str,
) -> None:
    package = tmp_path / f"migrations_of_{abs(hash(request.node.name))}"
    package.mkdir()
    (package / "__init__.py").touch()
    for file, operations in migrations.items():
        (package / f"{file}.py").write_text(f"{HEADER}    operations = [{operations}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.MIGRATION_MODULES = {"libraries": package.name}

    assert library_dependency() == ("libraries", name)


def test_is_nothing_that_is_turned_off(settings: LazySettings) -> None:
    settings.MIGRATION_MODULES = {"libraries": None}

    assert library_dependency() == ("libraries", "__first__")


def test_is_nothing_that_django_does_not_see(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Create a folder without `__init__.py`, which Django treats as an app without migrations."""
    (tmp_path / "no_package").mkdir()
    (tmp_path / "no_package" / "0001_initial.py").write_text(f"{HEADER}    operations = []\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.MIGRATION_MODULES = {"libraries": "no_package"}

    assert library_dependency() == ("libraries", "__first__")
