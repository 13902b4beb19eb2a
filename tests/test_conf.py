"""Tests of the settings: their defaults, and that they are read on every access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import override_settings

from tiled_scim.conf import PREFIX, Settings
from tiled_scim.conf import settings as scim_settings
from tiled_scim.host import HostAdapter


class Adapter(HostAdapter):
    """A function of the host."""


def is_premium(account: str) -> bool:
    return account == "acme"


# Name, default, and another value that a host may give.
PLAIN: list[tuple[str, object, object]] = [
    ("LIBRARY_MODEL", "auth.Group", "libraries.Library"),
    ("LIBRARY_NAME_FIELD", "name", "title"),
    ("LIBRARY_MEMBERS_FIELD", None, "members"),
    ("ADMIN_FIELD", "is_staff", "is_curator"),
    ("MEMBERSHIP_MODEL", None, "customers.Membership"),
    ("MEMBERSHIP_FIELDS", {}, {"active": "is_active"}),
    ("MEMBERSHIP_DEFAULTS", {}, {"role": "member"}),
    ("LIBRARY_ACCOUNT_FIELD", None, "account"),
    ("DEACTIVATE_HOST_USERS", True, False),
    ("ADMIN_NAME", "Tiled Admin", "Curator"),
    ("PRODUCT_NAME", "the application", "Atlas"),
    ("ADOPT_USERS", "username", "email"),
    ("ADOPT_PASSWORDS", False, True),
    ("ADOPT_LIBRARIES", False, True),
    ("UNKNOWN_MEMBERS", "skip", "reject"),
    ("USER_DELETE", "deactivate", "delete"),
    ("END_SESSIONS", True, False),
    ("REMOVE_LAST_ADMIN", False, True),
    ("TOKEN_LIFETIME", None, timedelta(days=90)),
    ("CLIENT_SECRET_LIFETIME", timedelta(days=365), timedelta(days=730)),
    ("ACCESS_TOKEN_LIFETIME", timedelta(hours=1), timedelta(hours=6)),
    ("JWKS_PRIVATE_ADDRESSES", False, True),
    ("LOGOUT_WITH_TOKEN", False, True),
    ("PAGE_SIZE", 100, 20),
    ("MAX_PAGE_SIZE", 100, 1000),
    ("PASSWORD_IN_SCHEMAS", False, True),
    ("THROTTLE", None, "600/min"),
    ("EVENT_RETENTION", timedelta(days=90), None),
    ("BASE_URL", None, "https://scim.example.com/v2"),
]
IMPORTED = ["HOST_ADAPTER", "ENABLED", "CONFIGURABLE_ACCOUNT"]


@pytest.fixture
def nothing_set(settings: LazySettings) -> None:
    for name in [name for name, _, _ in PLAIN] + IMPORTED:
        if hasattr(settings, PREFIX + name):
            delattr(settings, PREFIX + name)


@pytest.mark.parametrize(("name", "default", "other"), PLAIN)
@pytest.mark.usefixtures("nothing_set")
def test_a_setting_has_a_default_and_follows_the_hosts_at_once(
    name: str, default: object, other: object
) -> None:
    assert getattr(scim_settings, name) == default
    with override_settings(**{PREFIX + name: other}):
        assert getattr(scim_settings, name) == other
    assert getattr(scim_settings, name) == default


@pytest.mark.usefixtures("nothing_set")
@override_settings(TILED_SCIM_MAX_PAGE_SIZE=50)
def test_a_page_has_no_more_than_the_maximum_by_default() -> None:
    assert scim_settings.PAGE_SIZE == 50


def test_these_are_all_settings() -> None:
    properties = {name for name, value in vars(Settings).items() if isinstance(value, property)}

    assert properties == {name for name, _, _ in PLAIN} | set(IMPORTED)


class TestHostAdapter:
    @pytest.mark.usefixtures("nothing_set")
    def test_is_the_packages_own_by_default(self) -> None:
        assert scim_settings.HOST_ADAPTER is HostAdapter

    @pytest.mark.parametrize("value", [Adapter, f"{__name__}.Adapter"])
    def test_is_a_class_or_the_path_to_one(self, settings: LazySettings, value: object) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = value

        assert scim_settings.HOST_ADAPTER is Adapter

    @pytest.mark.parametrize("value", [f"{__name__}.Nobody", "nowhere.Adapter", "Adapter"])
    def test_that_is_not_there_is_an_import_error(self, settings: LazySettings, value: str) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = value

        with pytest.raises(ImportError):
            _ = scim_settings.HOST_ADAPTER


class TestEnabled:
    @pytest.mark.usefixtures("nothing_set")
    def test_is_true_for_every_account_by_default(self) -> None:
        assert scim_settings.ENABLED("")
        assert scim_settings.ENABLED("acme")

    @pytest.mark.parametrize("value", [True, False])
    def test_is_the_same_for_every_account_as_a_bool(
        self, settings: LazySettings, value: bool
    ) -> None:
        settings.TILED_SCIM_ENABLED = value

        assert scim_settings.ENABLED("acme") is scim_settings.ENABLED("") is value

    @pytest.mark.parametrize("value", [is_premium, f"{__name__}.is_premium"])
    def test_is_asked_of_each_account_as_a_function_or_the_path_to_one(
        self, settings: LazySettings, value: Any
    ) -> None:
        settings.TILED_SCIM_ENABLED = value

        assert scim_settings.ENABLED("acme")
        assert not scim_settings.ENABLED("globex")


class TestConfigurableAccount:
    @pytest.mark.usefixtures("nothing_set")
    def test_is_none_by_default(self) -> None:
        assert scim_settings.CONFIGURABLE_ACCOUNT is None

    @pytest.mark.parametrize("value", [is_premium, f"{__name__}.is_premium"])
    def test_is_a_function_or_the_path_to_one(self, settings: LazySettings, value: Any) -> None:
        settings.TILED_SCIM_CONFIGURABLE_ACCOUNT = value

        function: Any = scim_settings.CONFIGURABLE_ACCOUNT
        assert function is is_premium
