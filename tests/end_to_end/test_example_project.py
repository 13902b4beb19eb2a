"""Tests that the settings of the example project can be copied."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parent.parent.parent


class TestSettings:
    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py with these environment variables, without those of the tests.

        The database is in memory, because Django 6.1 connects to it for its checks.
        """
        defaults = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:"}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=defaults | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_models_and_migrations_agree(self) -> None:
        result = self.manage("makemigrations", "--check", "--dry-run")

        assert result.returncode == 0, result.stdout

    def test_the_defaults_are_safe(self) -> None:
        result = self.manage("diffsettings")

        assert "DEBUG = True" not in result.stdout
        assert "ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']" in result.stdout

    def test_the_published_key_serves_this_machine_only(self) -> None:
        result = self.manage("check", ALLOWED_HOSTS="scim.example.com")

        assert result.returncode == 1
        assert "Set SECRET_KEY" in result.stderr

    def test_a_deployment_passes_djangos_own_checks(self) -> None:
        result = self.manage(
            "check",
            "--deploy",
            "--fail-level=WARNING",
            ALLOWED_HOSTS="scim.example.com, www.example.com",
            HTTPS_ONLY="1",
            SECRET_KEY="a-long-and-random-value-" * 3,
        )

        assert result.returncode == 0, result.stderr

    @pytest.mark.parametrize(("server", "handler"), [("wsgi", WSGIHandler), ("asgi", ASGIHandler)])
    def test_servers_find_an_application(self, server: str, handler: type) -> None:
        assert isinstance(import_string(f"example_project.{server}.application"), handler)
