"""Tests that the catalogs in tiled_scim/locale/ are complete and compiled."""

from __future__ import annotations

import gettext
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tiled_scim"
LANGUAGES = ("de", "es")

every_language = pytest.mark.parametrize("language", LANGUAGES)
MSGCMP, MSGFMT = shutil.which("msgcmp") or "", shutil.which("msgfmt") or ""
needs_gettext = pytest.mark.skipif(not MSGCMP, reason="GNU gettext is not here")


def catalogue(folder: Path, language: str) -> Path:
    return folder / "locale" / language / "LC_MESSAGES" / "django.po"


def compiled(path: Path) -> dict[object, str]:
    with path.open("rb") as file:
        texts: dict[object, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    return texts


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of all texts in the package."""
    folder = tmp_path_factory.mktemp("messages") / "tiled_scim"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.po", "*.mo"))
    command = [sys.executable, "-m", "django", "makemessages", "--locale=de", "--keep-pot"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "locale" / "django.pot"


@needs_gettext
@every_language
def test_every_text_is_translated(template: Path, language: str) -> None:
    written = catalogue(PACKAGE, language)
    result = subprocess.run(
        [MSGCMP, written, template], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "fuzzy" not in written.read_text()


@needs_gettext
@every_language
def test_what_is_compiled_is_what_is_written(tmp_path: Path, language: str) -> None:
    written, made = catalogue(PACKAGE, language), tmp_path / "django.mo"
    subprocess.run([MSGFMT, "--check-format", "-o", made, written], check=True)

    assert compiled(made) == compiled(written.with_suffix(".mo"))


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_page_is_the_first_of_its_section_in_every_language(language: str) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))

    with translation.override(language):
        answer = browser.get(reverse("admin:app_list", args=["tiled_scim"]))
        (section,) = answer.context["app_list"]
        is_english = str(section["name"]) == "SCIM Configuration"

    assert is_english == (language == "en")
    names = [model["object_name"] for model in section["models"]]
    assert names == ["ScimToken", *names[1:]]
    assert set(names) == {"ScimToken", "ScimEvent", "LibraryGroupLink", "UserLink"}
