"""Tests that docs/accounts.md works, word for word, in a project of `django-admin startproject`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documented.pages import OF_THIS_RUN, ROOT, code_blocks, commands

GUIDE = ROOT / "docs" / "accounts.md"
MODELS, SETTINGS, URLS, ADAPTER = code_blocks(GUIDE, "python")
# The guide's words around the settings.
OWN_SETTINGS = 'INSTALLED_APPS += ["desk"]\nAUTH_USER_MODEL = "desk.User"\n'
MAXIMUM_LINES = 15


class Project:
    """A project that follows the guide, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "product"
        start, _, app, *self.later = commands(GUIDE)
        assert start == ["django-admin", "startproject", "product"]
        self.run("-m", "django", *start[1:], folder=folder)
        self.run(*app[1:])
        (self.folder / "desk" / "models.py").write_text(MODELS)
        self.append("settings.py", OWN_SETTINGS + SETTINGS)
        self.append("urls.py", URLS)

    def append(self, name: str, code: str) -> None:
        with (self.folder / "product" / name).open("a") as file:
            file.write(code)

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """Run Python in the project. It must not fail, nor warn."""
        inherited = {name: os.environ[name] for name in os.environ if name not in OF_THIS_RUN}
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        environment = {"DJANGO_SETTINGS_MODULE": "product.settings", "PYTHONPATH": path}
        if folder is not None:
            del environment["DJANGO_SETTINGS_MODULE"]
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        result = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=folder or self.folder,
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("guide"))


def test_own_lines() -> None:
    lines = [line for line in (SETTINGS + URLS).splitlines() if line.strip()]

    assert len(lines) <= MAXIMUM_LINES


def test_commands_of_the_guide(project: Project) -> None:
    *prepare, generate = project.later
    for words in prepare:
        project.run(*words[1:])
    account = "from desk.models import Account; Account.objects.create(name='Acme Inc.')"
    project.run("manage.py", "shell", "-c", account)

    said = project.run(*generate[1:])

    assert "tscim_" in said


def test_okta_and_two_accounts(project: Project) -> None:
    (project.folder / "desk" / "scim.py").write_text(ADAPTER)
    options = ("-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}", "-p", "no:cacheprovider")

    project.run("-m", "pytest", *options, str(ROOT / "tests" / "documented" / "desk.py"))
