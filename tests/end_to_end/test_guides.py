"""Tests that the hosts of the README and of the guides in docs/ work as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documented.pages import README, ROOT, Host, commands, named_blocks

GUIDE = ROOT / "docs" / "host-adapter.md"
EXTENSIONS = ROOT / "docs" / "extensions.md"

# The guide's words around its user model with a session key.
SESSION_KEY_SETTINGS = """
INSTALLED_APPS += ["tiled_scim", "accounts"]
AUTH_USER_MODEL = "accounts.User"
TILED_SCIM_HOST_ADAPTER = "accounts.scim.AccountsAdapter"
"""


@pytest.fixture
def readme_blocks() -> dict[str, str]:
    return named_blocks(README)


def test_the_host_of_the_readme_works(tmp_path: Path, readme_blocks: dict[str, str]) -> None:
    settings = readme_blocks["settings.py"] + 'INSTALLED_APPS += ["tests.simple_project.libraries"]'
    host = Host(tmp_path, readme_blocks | {"settings.py": settings})

    for name, *options in plugging_in():
        host.manage(name, *options)
    host.run_tests(ROOT / "tests" / "documented" / "plugged_in.py")


def test_the_host_of_the_guide_works(tmp_path: Path, readme_blocks: dict[str, str]) -> None:
    host = Host(tmp_path, readme_blocks | named_blocks(GUIDE))

    host.run_tests(ROOT / "tests" / "documented" / "studio.py")


def test_a_user_model_with_a_session_key_keeps_passwords(
    tmp_path: Path, readme_blocks: dict[str, str]
) -> None:
    blocks = readme_blocks | named_blocks(GUIDE) | {"settings.py": SESSION_KEY_SETTINGS}
    host = Host(tmp_path, blocks)

    host.run_tests(ROOT / "tests" / "documented" / "session_key.py")


def test_the_guide_to_extensions_works(tmp_path: Path, readme_blocks: dict[str, str]) -> None:
    host = Host(tmp_path, readme_blocks | named_blocks(EXTENSIONS))

    host.run_tests(ROOT / "tests" / "documented" / "library_card.py")


def plugging_in() -> list[list[str]]:
    """Return the README's commands for host developers, up to the migration."""
    names = [words[2:] for words in commands(README) if words[:2] == ["python", "manage.py"]]
    return names[: names.index(["migrate"]) + 1]
