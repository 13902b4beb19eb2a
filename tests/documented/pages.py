"""Reading the project's own documentation, and making of it the hosts that it describes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
INSTALLATION = ROOT / "docs" / "installation.md"
DOCUMENTS = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

# What every Django project has. The documentation's lines go below, as a reader's would.
SETTINGS = """
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "urls"
STATIC_URL = "static/"
USE_TZ = True
INSTALLED_APPS = [
    f"django.contrib.{app}"
    for app in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
"""
URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""


def named_blocks(document: Path) -> dict[str, str]:
    """The code blocks under a line with a file's name, by that name."""
    pattern = r"^`(?P<name>[\w./]+)`\n\n```python\n(?P<code>.*?)^```$"
    blocks = re.finditer(pattern, document.read_text(), re.MULTILINE | re.DOTALL)
    return {block["name"]: block["code"] for block in blocks}


def section_blocks(document: Path, section: str) -> list[tuple[str, str]]:
    """The Python blocks below a heading, each with the file's name above it, or an empty one."""
    text = document.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    pattern = r"(?:^`(?P<name>[\w./]+)`\n\n)?^```python\n(?P<code>.*?)^```$"
    return [
        (found["name"] or "", found["code"])
        for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    ]


def adapter_of(document: Path, section: str) -> str:
    """The value of `TILED_SCIM_HOST_ADAPTER` below a heading."""
    code = "".join(code for _, code in section_blocks(document, section))
    found = re.search(r'^TILED_SCIM_HOST_ADAPTER = "(.+)"$', code, re.MULTILINE)
    assert found is not None
    return found[1]


def code_blocks(document: Path, language: str) -> list[str]:
    """The code blocks in a language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, document.read_text(), re.MULTILINE | re.DOTALL)


def commands(document: Path) -> Iterator[list[str]]:
    """The words of each command line, without comments."""
    for block in code_blocks(document, "console"):
        for line in block.splitlines():
            yield line.partition("  #")[0].split()


def prose(document: Path) -> str:
    """The document without its code blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def table_rows(document: Path, header: str) -> list[list[str]]:
    """The cells of the rows of the table whose header begins in this way."""
    lines = document.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line[1:-1].split("|")])
    return rows


# Variables that tell a process of pytest which run it belongs to.
OF_THIS_RUN = {"PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER"}


class Host:
    """A Django project in a folder of its own, with what a document says.

    It runs in processes of its own, since a process has one Library model.

    Args:
        blocks: files by name; what there is of `settings.py` and `urls.py` goes below what every
            project has.
    """

    def __init__(self, folder: Path, blocks: dict[str, str]) -> None:
        self.folder = folder
        files = {
            "settings.py": SETTINGS + blocks["settings.py"],
            "urls.py": URLS + blocks["urls.py"],
        }
        for name, code in (blocks | files).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)

    def manage(self, *arguments: str) -> str:
        """Run a command of `manage.py`, which must not fail; returns what it printed."""
        return self._run("-m", "django", *arguments)

    def run_tests(self, tests: Path) -> None:
        """Run the tests of a file in the host, which must not fail."""
        options = (
            "-c",
            str(ROOT / "pyproject.toml"),
            f"--rootdir={ROOT}",
            "-p",
            "no:cacheprovider",
        )
        self._run("-m", "pytest", *options, str(tests))

    def _run(self, *arguments: str) -> str:
        inherited = {name: os.environ[name] for name in os.environ if name not in OF_THIS_RUN}
        result = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={
                **inherited,
                "DJANGO_SETTINGS_MODULE": "settings",
                "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout
