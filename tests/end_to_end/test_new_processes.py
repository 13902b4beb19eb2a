"""Tests of what happens while Django starts, in new processes: models and URLs load only once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder of the project, with more environment variables."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


class TestChecks:
    @pytest.mark.parametrize(
        ("setting", "value", "check_id"),
        [
            ("TILED_SCIM_LIBRARY_MODEL", "libraries.Nothing", "E001"),
            ("TILED_SCIM_LIBRARY_MODEL", "Library", "E001"),
            ("TILED_SCIM_LIBRARY_NAME_FIELD", "title", "E002"),
            ("TILED_SCIM_HOST_ADAPTER", "nowhere.Adapter", "E008"),
            ("TILED_SCIM_ENABLED", "nowhere.is_enabled", "E008"),
        ],
    )
    def test_name_a_wrong_setting_before_anything_breaks(
        self, setting: str, value: str, check_id: str, tmp_path: Path
    ) -> None:
        lines = ["from tests.simple_project.settings import *", f"{setting} = {value!r}"]
        (tmp_path / "wrong_settings.py").write_text("\n".join(lines))

        result = run("manage.py", "check", "--settings=wrong_settings", PYTHONPATH=str(tmp_path))

        assert result.returncode == 1
        assert f"(tiled_scim.{check_id})" in result.stderr
        assert "Traceback" not in result.stderr

    def test_say_nothing_of_a_database_without_tables(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"

        result = run("manage.py", "check", "--database", "default", DATABASE_URL=url)

        assert result.returncode == 0, result.stderr


class TestWithoutFederation:
    """`tiled-scim[federation]` is not installed."""

    @pytest.mark.parametrize("missing", ["jwt", "cryptography"])
    def test_the_package_works(self, missing: str) -> None:
        program = (
            f"import sys; sys.modules[{missing!r}] = None\n"
            "import django; django.setup()\n"
            "import tiled_scim.urls\n"
            "from tiled_scim.oauth.assertions import is_available\n"
            "print(is_available())"
        )

        result = run(
            "-W", "ignore", "-c", program, DJANGO_SETTINGS_MODULE="tests.simple_project.settings"
        )

        assert (result.stdout, result.returncode) == ("False\n", 0), result.stderr
