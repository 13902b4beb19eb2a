"""Tests of the system checks that read the database, and of those for production."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from tiled_scim import checks

REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
NONE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

# A deployment in which nothing is wrong.
DEPLOYMENT: dict[str, Any] = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_PROXY_SSL_HEADER": None,
    "USE_X_FORWARDED_HOST": False,
    "TILED_SCIM_THROTTLE": "600/min",
    "TILED_SCIM_BASE_URL": None,
    "CACHES": REDIS,
}


@pytest.mark.django_db
class TestLibraryModel:
    def test_that_is_that_of_the_tables_is_fine(self) -> None:
        call_command("check", databases=["default"])

    @override_settings(TILED_SCIM_LIBRARY_MODEL="auth.Group")
    def test_that_was_changed_after_migrating_is_found(self) -> None:
        with pytest.raises(SystemCheckError) as raised:
            call_command("check", databases=["default"])

        message = str(raised.value)
        assert "(tiled_scim.E031) TILED_SCIM_LIBRARY_MODEL is “auth.Group”" in message
        assert "whose table is auth_group" in message
        assert "were migrated with the table libraries_library" in message
        assert "Set it back." in message

    @override_settings(TILED_SCIM_LIBRARY_MODEL="auth.Group")
    def test_is_not_compared_if_no_database_may_be_asked(self) -> None:
        call_command("check")
        assert checks.check_tables(databases=["other"]) == []

    @override_settings(TILED_SCIM_LIBRARY_MODEL="libraries.Nothing")
    def test_that_is_none_is_found_by_another_check(self) -> None:
        assert checks.check_tables(databases=["default"]) == []


class TestDeployment:
    def found(self, **settings: object) -> dict[str, str]:
        """Return the messages with their hints, by id."""
        with override_settings(**{**DEPLOYMENT, **settings}):
            return {
                str(message.id).removeprefix("tiled_scim."): f"{message.msg} {message.hint}"
                for message in checks.check_deployment()
            }

    def test_of_which_everything_is_right_has_no_messages(self) -> None:
        assert self.found() == {}
        assert self.found(TILED_SCIM_BASE_URL="https://scim.example.com/v2") == {}

    @pytest.mark.parametrize(
        ("settings", "check_id", "said"),
        [
            ({"TILED_SCIM_BASE_URL": "http://a.b/scim"}, "W033", "Use a URL that begins with http"),
            ({"SECURE_SSL_REDIRECT": False}, "W034", "Set SECURE_SSL_REDIRECT to True"),
            ({"MIDDLEWARE": []}, "W034", "SecurityMiddleware in MIDDLEWARE"),
            ({"USE_X_FORWARDED_HOST": True}, "I002", "X-Forwarded-For is ignored"),
            ({"SECURE_PROXY_SSL_HEADER": ("A", "b")}, "I002", "set REMOTE_ADDR"),
            ({"TILED_SCIM_THROTTLE": None}, "I001", 'such as to "600/min"'),
            ({"TILED_SCIM_THROTTLE": None, "CACHES": LOCAL}, "I001", "no rate limit"),
            ({"CACHES": LOCAL}, "W035", "LocMemCache does not count for all"),
            ({"CACHES": NONE}, "W035", "Use a shared cache"),
        ],
    )
    def test_in_which_something_is_wrong(
        self, settings: dict[str, Any], check_id: str, said: str
    ) -> None:
        messages = self.found(**settings)

        assert list(messages) == [check_id]
        assert said in messages[check_id]

    def test_is_not_judged_by_values_that_are_wrong(self) -> None:
        assert self.found(TILED_SCIM_BASE_URL=7, TILED_SCIM_THROTTLE=600) == {}

    def test_is_checked_by_the_command_for_deployments_only(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with override_settings(**{**DEPLOYMENT, "CACHES": LOCAL}):
            call_command("check")
            assert "W035" not in capsys.readouterr().err
            call_command("check", deploy=True)
            assert "tiled_scim.W035" in capsys.readouterr().err
