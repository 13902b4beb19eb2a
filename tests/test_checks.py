"""Tests of the system checks: each detects a wrong setting and says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from inspect import getsource
from typing import Any

import pytest
from django.contrib.auth.backends import AllowAllUsersModelBackend
from django.contrib.auth.models import User
from django.core.checks import CheckMessage
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps
from django.urls import include, path
from django.utils.translation import gettext_lazy

from tests.simple_project.libraries.models import Library
from tiled_scim import checks
from tiled_scim.checks import adapter, installation, sign_in
from tiled_scim.checks import models as model_checks
from tiled_scim.checks import settings as setting_checks
from tiled_scim.conf import Settings
from tiled_scim.conf import settings as scim_settings
from tiled_scim.database import host_models
from tiled_scim.host import HostAdapter


class NoSubclass:
    """A class that is not an adapter."""


class OnlyNames(HostAdapter):
    """An adapter whose roles SCIM cannot give."""

    def roles(self) -> dict[str, str]:
        return {"editor": "Editor"}


class OwnMembership(HostAdapter):
    def grant(self, library: models.Model, users: Collection[Any]) -> None:
        """Do nothing: it is never called."""


class OwnUserFields(HostAdapter):
    @property
    def user_fields(self) -> dict[str, str]:
        return {"active": "profile__is_active"}


class WelcomingBackend(AllowAllUsersModelBackend):
    """A backend that accepts inactive users, which its name does not show."""


class SilentBackend:
    """A backend that returns users without a `user_can_authenticate()`."""

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id).first()


class ScimApart:
    """A router that puts the tables of SCIM, without the events, into a database of their own."""

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return "scim" if model._meta.app_label == "tiled_scim" else "default"


def mounted(*paths: str) -> tuple[Any, ...]:
    """Return the URLs of a host that includes those of SCIM."""
    return tuple(path(each, include("tiled_scim.urls")) for each in paths)


def found(**settings: object) -> list[CheckMessage]:
    """Return the messages of the checks with these settings."""
    with override_settings(**settings):
        return checks.check_host()


def case(
    setting: str, value: object, check_id: str, problem: str, hint: str, name: str | None = None
) -> Any:
    prefixed = setting if setting in OF_OTHERS else f"TILED_SCIM_{setting}"
    return pytest.param(prefixed, value, check_id, problem, hint, id=name or f"{setting}={value!r}")


OF_OTHERS = {
    "AUTHENTICATION_BACKENDS",
    "DATABASE_ROUTERS",
    "REST_FRAMEWORK",
    "ROOT_URLCONF",
    "SIMPLE_JWT",
}
LIBRARY_MODEL_HINT = 'Write it as "app_label.Model", such as "libraries.Library"'
ADAPTER_HINT = 'a subclass of tiled_scim.host.HostAdapter, or its path, such as "myapp.scim.My'
ENABLED_HINT = "Set it to True, False, or a callable that takes the account's key, or its path."
ACCOUNT_HINT = "returns the key of the account that it is about if this person may configure it"
NAME_HINT = "Set it to the name that people know, as text"
WHOLE_NUMBER_HINT = "Set it to a positive integer."
BOOLEAN_HINT = "Set it to True or False, without quotation marks."
URL_HINT = 'such as "https://your.host/scim/v2"'
FIELD_HINT = "the name of a field"
PERIOD_HINT = "Set it to None or to a positive timedelta of at most 36500 days."
THROTTLE_HINT = 'Set it to None or to a number of requests and a period, such as "600/min".'
ALLOW_ALL = "django.contrib.auth.backends.AllowAllUsersModelBackend"
ALLOW_ALL_REMOTE = "django.contrib.auth.backends.AllowAllUsersRemoteUserBackend"
SILENT = "tests.test_checks.SilentBackend"
STATELESS = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
    ]
}
ANYBODY = {"CHECK_USER_IS_ACTIVE": False}

CASES = [
    case("LIBRARY_MODEL", "libraries.Nothing", "E001", "libraries.Nothing", LIBRARY_MODEL_HINT),
    case("LIBRARY_MODEL", "nowhere.Library", "E001", "nowhere.Library", LIBRARY_MODEL_HINT),
    case("LIBRARY_MODEL", "Library", "E001", "“Library”", LIBRARY_MODEL_HINT),
    case("LIBRARY_NAME_FIELD", "title", "E002", "Library has no field “title”", "_NAME_FIELD"),
    case("LIBRARY_NAME_FIELD", "scim_links", "E002", "“scim_links”", "TILED_SCIM_LIBRARY_NAME"),
    case("LIBRARY_MODEL", "contenttypes.ContentType", "E003", "has 0: none", "_MEMBERS_FIELD"),
    case("LIBRARY_MEMBERS_FIELD", "name", "E004", "“name”, which is not a many-to-many", "members"),
    case("LIBRARY_MEMBERS_FIELD", "people", "E004", "“people”", "Possible values: members."),
    case("HOST_ADAPTER", "nowhere.Adapter", "E008", "No module named 'nowhere'", ADAPTER_HINT),
    case("HOST_ADAPTER", "tiled_scim.host.Nobody", "E008", '“Nobody”|"Nobody"', ADAPTER_HINT),
    case("HOST_ADAPTER", "Adapter", "E008", "Adapter", ADAPTER_HINT),
    case("HOST_ADAPTER", NoSubclass, "E008", "NoSubclass", ADAPTER_HINT),
    case("HOST_ADAPTER", HostAdapter(), "E008", "HostAdapter", ADAPTER_HINT, "an instance"),
    case("HOST_ADAPTER", "tiled_scim.host.chunks", "E008", "chunks", ADAPTER_HINT),
    case("HOST_ADAPTER", OnlyNames, "E028", "OnlyNames has roles", "Override roles_of and set_rol"),
    case("ENABLED", "nowhere.is_enabled", "E008", "No module named 'nowhere'", ENABLED_HINT),
    case("ENABLED", "yes", "E008", "yes", ENABLED_HINT),
    case("CONFIGURABLE_ACCOUNT", "nowhere.account", "E008", "No module named", ACCOUNT_HINT),
    case("CONFIGURABLE_ACCOUNT", "account", "E008", "account", ACCOUNT_HINT),
    case("CONFIGURABLE_ACCOUNT", 1, "E008", "CONFIGURABLE_ACCOUNT is 1", ACCOUNT_HINT),
    case("CONFIGURABLE_ACCOUNT", None, "E016", "tiled_scim.configuration.urls", ACCOUNT_HINT),
    case("ADOPT_USERS", "name", "E008", "ADOPT_USERS is 'name'", "'username', 'email', None"),
    case("UNKNOWN_MEMBERS", "ignore", "E008", "UNKNOWN_MEMBERS is 'ignore'", "'skip', 'reject'"),
    case("USER_DELETE", True, "E008", "USER_DELETE is True", "'deactivate', 'delete'"),
    case("ADMIN_NAME", "", "E008", "ADMIN_NAME is ''", NAME_HINT),
    case("ADMIN_NAME", None, "E008", "ADMIN_NAME is None", NAME_HINT),
    case("PRODUCT_NAME", " ", "E008", "PRODUCT_NAME is ' '", NAME_HINT),
    case("PRODUCT_NAME", 7, "E008", "PRODUCT_NAME is 7", NAME_HINT),
    case("PAGE_SIZE", 0, "E008", "PAGE_SIZE is 0", WHOLE_NUMBER_HINT),
    case("PAGE_SIZE", "10", "E008", "PAGE_SIZE is '10'", WHOLE_NUMBER_HINT),
    case("MAX_PAGE_SIZE", -1, "E008", "MAX_PAGE_SIZE is -1", WHOLE_NUMBER_HINT),
    case("MAX_PAGE_SIZE", None, "E008", "MAX_PAGE_SIZE is None", WHOLE_NUMBER_HINT),
    case("TOKEN_LIFETIME", 90, "E008", "TOKEN_LIFETIME is 90", PERIOD_HINT),
    case("TOKEN_LIFETIME", timedelta(0), "E008", "TOKEN_LIFETIME is", PERIOD_HINT),
    case("CLIENT_SECRET_LIFETIME", None, "E008", "_SECRET_LIFETIME is None", "365 to 1096 days"),
    case("CLIENT_SECRET_LIFETIME", timedelta(364), "E008", "_LIFETIME is", "365 to 1096 days"),
    case("CLIENT_SECRET_LIFETIME", timedelta(1097), "E008", "_LIFETIME is", "365 to 1096 days"),
    case("ACCESS_TOKEN_LIFETIME", 3600, "E008", "_TOKEN_LIFETIME is 3600", "60 minutes to 6 hours"),
    case("ACCESS_TOKEN_LIFETIME", timedelta(minutes=59), "E008", "is", "60 minutes to 6 hours"),
    case("ACCESS_TOKEN_LIFETIME", timedelta(hours=7), "E008", "is", "60 minutes to 6 hours"),
    case("EVENT_RETENTION", "90 days", "E008", "EVENT_RETENTION is '90 days'", PERIOD_HINT),
    case("EVENT_RETENTION", timedelta(days=-1), "E008", "EVENT_RETENTION is", PERIOD_HINT),
    case("EVENT_RETENTION", timedelta.max, "E008", "EVENT_RETENTION is", PERIOD_HINT),
    case("THROTTLE", "often", "E008", "THROTTLE is 'often'", THROTTLE_HINT),
    case("THROTTLE", "many/min", "E008", "THROTTLE is 'many/min'", THROTTLE_HINT),
    case("THROTTLE", "600/fortnight", "E008", "THROTTLE is '600/fortnight'", THROTTLE_HINT),
    case("THROTTLE", "600/", "E008", "THROTTLE is '600/'", THROTTLE_HINT),
    case("THROTTLE", 600, "E008", "THROTTLE is 600", THROTTLE_HINT),
    case("THROTTLE", "0/min", "E008", "THROTTLE is '0/min'", THROTTLE_HINT),
    case("ENABLED", None, "E008", "ENABLED is None", ENABLED_HINT),
    case("ENABLED", "False", "E008", "ENABLED is 'False'", ENABLED_HINT),
    case("ENABLED", 1, "E008", "ENABLED is 1", ENABLED_HINT),
    case("ADOPT_LIBRARIES", "False", "E008", "ADOPT_LIBRARIES is 'False'", BOOLEAN_HINT),
    case("REMOVE_LAST_ADMIN", 0, "E008", "REMOVE_LAST_ADMIN is 0", BOOLEAN_HINT),
    case("DEACTIVATE_HOST_USERS", "no", "E008", "DEACTIVATE_HOST_USERS is 'no'", BOOLEAN_HINT),
    case("PAGE_SIZE", True, "E008", "PAGE_SIZE is True", WHOLE_NUMBER_HINT),
    case("PAGE_SIZE", 101, "E009", "PAGE_SIZE is 101, but .* allows only 100", "to 100 or less"),
    case("LIBRARY_NAME_FIELD", None, "E008", "LIBRARY_NAME_FIELD is None", FIELD_HINT),
    case("LIBRARY_MEMBERS_FIELD", "", "E008", "LIBRARY_MEMBERS_FIELD is ''", FIELD_HINT),
    case("ADMIN_FIELD", True, "E008", "ADMIN_FIELD is True", FIELD_HINT),
    case("LIBRARY_MODEL", Library, "E008", "LIBRARY_MODEL is <class", "app_label.Model", "a model"),
    case("MEMBERSHIP_MODEL", 7, "E008", "MEMBERSHIP_MODEL is 7", "app_label.Model"),
    case("MEMBERSHIP_FIELDS", ["active"], "E008", "MEMBERSHIP_FIELDS is", "a dictionary"),
    case("MEMBERSHIP_FIELDS", {"active": None}, "E008", "MEMBERSHIP_FIELDS is", "a dictionary"),
    case("MEMBERSHIP_DEFAULTS", "member", "E008", "MEMBERSHIP_DEFAULTS is", "a dictionary"),
    case("MEMBERSHIP_DEFAULTS", {1: "member"}, "E008", "MEMBERSHIP_DEFAULTS is", "a dictionary"),
    *(
        case("BASE_URL", url, "E008", "BASE_URL is", URL_HINT)
        for url in (
            "",
            "scim.example.com/v2",
            "ftp://scim.example.com",
            "https://",
            "https:///scim/v2",
            "https://scim.example.com:port/",
            "https://scim.example.com/ v2",
            "https://scim.example.com/v2?a=b",
            "https://scim.example.com/v2#a",
            "https://ann:secret@scim.example.com/v2",
            True,
        )
    ),
    case("BASE_URL", "https://a.b/my_scim", "W030", "Okta rejects a base URL with “_”", "scim/v2"),
    case("PAGESIZE", 7, "W031", "TILED_SCIM_PAGESIZE is not a", "mean TILED_SCIM_PAGE_SIZE?"),
    case("ENABELD", False, "W031", "has no effect", "Did you mean TILED_SCIM_ENABLED?"),
    case(
        "WORMHOLE", "x", "W031", "WORMHOLE is not a setting", "Remove it. The settings are TILED_"
    ),
    case(
        "ROOT_URLCONF",
        (path("x/", include([])),),
        "W032",
        "do not include tiled_scim.urls",
        'path("scim/v2/"',
    ),
    case("ROOT_URLCONF", mounted("my_scim/"), "W030", "mounted at “/my_scim/”", "scim/v2/", "_"),
    case(
        "ROOT_URLCONF",
        mounted("<slug:customer>/scim/"),
        "E032",
        "has parameters",
        "at a fixed path",
        "a parameter",
    ),
    case(
        "DATABASE_ROUTERS",
        [f"{__name__}.ScimApart"],
        "E030",
        "tiled_scim.UserLink .in “scim”. and auth.User .in “default”.",
        "Have DATABASE_ROUTERS put tiled_scim into the database of the users",
        "apart",
    ),
    case("ADMIN_FIELD", "is_superuser", "E011", "SCIM never creates superusers", "another boolean"),
    case("ADMIN_FIELD", "is_boss", "W001", "no field “is_boss”", "TILED_SCIM_ADMIN_FIELD"),
    case("AUTHENTICATION_BACKENDS", [ALLOW_ALL], "W002", ALLOW_ALL, "the same name without"),
    case("AUTHENTICATION_BACKENDS", [ALLOW_ALL_REMOTE], "W002", ALLOW_ALL_REMOTE, "AllowAllUsers"),
    case("AUTHENTICATION_BACKENDS", [SILENT], "W003", SILENT, "user_can_authenticate"),
    case("REST_FRAMEWORK", STATELESS, "W004", "JWTStatelessUser", "JWTAuthentication", "stateless"),
    case("SIMPLE_JWT", ANYBODY, "W005", "CHECK_USER_IS_ACTIVE", "Remove it"),
]


class TestOneProblem:
    @pytest.mark.parametrize(("setting", "value", "check_id", "problem", "hint"), CASES)
    def test_is_found_and_explained(
        self, setting: str, value: object, check_id: str, problem: str, hint: str
    ) -> None:
        messages = found(**{setting: value})

        message = next(message for message in messages if message.id == f"tiled_scim.{check_id}")
        assert re.search(problem, message.msg)
        assert hint in (message.hint or "")
        assert message.is_serious() is check_id.startswith("E")

    @pytest.mark.parametrize(("setting", "value", "check_id", "problem", "hint"), CASES)
    def test_is_not_buried_under_others(
        self, setting: str, value: object, check_id: str, problem: str, hint: str
    ) -> None:
        ids = {message.id for message in found(**{setting: value})}

        # A model without a name field has no field for its members either.
        assert ids - {"tiled_scim.E002"} <= {f"tiled_scim.{check_id}"}

    def test_every_check_has_a_case(self) -> None:
        modules = (checks, adapter, installation, model_checks, setting_checks, sign_in)
        written = {
            found
            for each in modules
            for found in re.findall(r"tiled_scim\.([EW]\d{3})", getsource(each))
        }
        # What other models lack, what a database lacks, and what test_adapter_checks.py is about.
        elsewhere = {"E012", "E014", "W006", "E031", "E040", "W040"}

        assert {parameters.values[2] for parameters in CASES} | elsewhere == written


class TestTable:
    def test_has_every_setting(self) -> None:
        properties = [name for name, each in vars(Settings).items() if isinstance(each, property)]

        assert list(setting_checks.SETTINGS) == properties

    @pytest.mark.parametrize("name", setting_checks.SETTINGS)
    def test_accepts_the_default(self, name: str) -> None:
        default = getattr(scim_settings, name)
        kind = setting_checks.SETTINGS[name]

        assert kind.problem(default) is None

    @pytest.mark.parametrize("name", setting_checks.SETTINGS)
    def test_says_what_is_wrong_and_what_would_be_right(self, name: str) -> None:
        (message,) = found(**{f"TILED_SCIM_{name}": object()})

        assert message.id == "tiled_scim.E008"
        assert message.msg.startswith(f"TILED_SCIM_{name} is <object")
        assert (message.hint or "").startswith("Set it to ")


class TestNoProblem:
    def test_the_example_project_has_none(self) -> None:
        assert found() == []

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("LIBRARY_MODEL", "auth.Group"),
            ("LIBRARY_MEMBERS_FIELD", "members"),
            ("HOST_ADAPTER", OwnMembership),
            ("ENABLED", False),
            ("ENABLED", bool),
            ("ENABLED", "builtins.bool"),
            ("ADMIN_NAME", gettext_lazy("Curator")),
            ("PRODUCT_NAME", "Atlas"),
            ("ADOPT_USERS", None),
            ("ADOPT_USERS", "email"),
            ("UNKNOWN_MEMBERS", "reject"),
            ("USER_DELETE", "delete"),
            ("PAGE_SIZE", 1),
            ("TOKEN_LIFETIME", timedelta(hours=1)),
            ("CLIENT_SECRET_LIFETIME", timedelta(days=1096)),
            ("ACCESS_TOKEN_LIFETIME", timedelta(minutes=60)),
            ("ACCESS_TOKEN_LIFETIME", timedelta(hours=6)),
            ("EVENT_RETENTION", None),
            ("EVENT_RETENTION", timedelta(days=36500)),
            ("THROTTLE", "1/s"),
            ("THROTTLE", "10000/day"),
            ("ADMIN_FIELD", "is_active"),
            ("MAX_PAGE_SIZE", 10),
            ("BASE_URL", "http://localhost:8000/scim/v2"),
            ("BASE_URL", "https://[2001:db8::1]/scim/v2/"),
            ("ADOPT_LIBRARIES", False),
            ("MEMBERSHIP_FIELDS", {}),
        ],
    )
    def test_what_the_table_of_settings_allows_is_none(self, setting: str, value: object) -> None:
        assert found(**{f"TILED_SCIM_{setting}": value}) == []


class TestConfigurationPages:
    def test_that_are_not_mounted_need_no_setting(self) -> None:
        urls = (path("scim/v2/", include("tiled_scim.urls")),)

        assert found(TILED_SCIM_CONFIGURABLE_ACCOUNT=None, ROOT_URLCONF=urls) == []
        assert found(TILED_SCIM_CONFIGURABLE_ACCOUNT=None, ROOT_URLCONF=None) == []

    def test_that_are_mounted_below_other_urls_are_found(self) -> None:
        inner = ([path("scim/", include("tiled_scim.configuration.urls"))], "product")
        urls = (path("app/", include(inner)), *mounted("scim/v2/"))

        (message,) = found(TILED_SCIM_CONFIGURABLE_ACCOUNT=None, ROOT_URLCONF=urls)

        assert message.id == "tiled_scim.E016"


class TestMembers:
    @pytest.fixture
    def two_memberships(self, monkeypatch: pytest.MonkeyPatch) -> type[models.Model]:
        """A Library model with two relations to users."""
        with isolate_apps("tests.simple_project.libraries") as apps:

            class Shelf(models.Model):
                name = models.CharField(max_length=20)
                readers = models.ManyToManyField(User, related_name="+")
                writers = models.ManyToManyField(User, related_name="+")

                class Meta:
                    app_label = "libraries"

                def __str__(self) -> str:
                    return self.name

        monkeypatch.setattr(host_models, "apps", apps)
        return Shelf

    def test_must_not_be_ambiguous(self, two_memberships: type[models.Model]) -> None:
        (message,) = found(TILED_SCIM_LIBRARY_MODEL="libraries.Shelf")

        assert message.id == "tiled_scim.E003"
        assert "but has 2: readers, writers" in message.msg
        assert "TILED_SCIM_LIBRARY_MEMBERS_FIELD" in (message.hint or "")

    @pytest.mark.parametrize(
        "settings",
        [
            {"TILED_SCIM_LIBRARY_MEMBERS_FIELD": "writers"},
            {"TILED_SCIM_HOST_ADAPTER": OwnMembership},
        ],
    )
    def test_are_named_in_a_setting_or_left_to_the_adapter(
        self, two_memberships: type[models.Model], settings: dict[str, object]
    ) -> None:
        assert found(TILED_SCIM_LIBRARY_MODEL="libraries.Shelf", **settings) == []


class TestMembershipModel:
    """Return the `through` model of a Library's members."""

    @pytest.fixture(params=["forward", "reverse"])
    def members_with_roles(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> str:
        """Create a Library model whose members have roles, and return their accessor."""
        side = request.param
        with isolate_apps("tests.simple_project.libraries") as apps:

            class Reader(models.Model):
                class Meta:
                    app_label = "libraries"

                def __str__(self) -> str:
                    return "somebody"

            class Shelf(models.Model):
                name = models.CharField(max_length=20)

                class Meta:
                    app_label = "libraries"

                def __str__(self) -> str:
                    return self.name

            class Role(models.Model):
                shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="+")
                user = models.ForeignKey(Reader, models.CASCADE, related_name="+")
                name = models.CharField(max_length=20)
                floor = models.IntegerField()
                note = models.TextField(blank=True)
                since = models.DateField(auto_now_add=True)
                until = models.DateField(null=True)
                rank = models.IntegerField(default=1)
                weight = models.IntegerField(db_default=1)

                class Meta:
                    app_label = "libraries"

                def __str__(self) -> str:
                    return self.name

            if side == "forward":
                field = models.ManyToManyField(Reader, through=Role, related_name="+")
                field.contribute_to_class(Shelf, "readers")
            else:
                field = models.ManyToManyField(Shelf, through=Role, related_name="readers")
                field.contribute_to_class(Reader, "shelves")
        monkeypatch.setattr(host_models, "apps", apps)
        monkeypatch.setattr(host_models, "get_user_model", lambda: Reader)
        return "readers"

    def test_with_required_fields_needs_an_adapter(self, members_with_roles: str) -> None:
        (message,) = found(TILED_SCIM_LIBRARY_MODEL="libraries.Shelf")

        assert message.id == "tiled_scim.E014"
        assert "Members of Shelf require name, floor in addition to the user" in message.msg
        assert 'library.readers.add(*chunk, through_defaults={"name": …, "floor": …})' in (
            message.hint or ""
        )

    def test_is_left_to_the_adapter(self, members_with_roles: str) -> None:
        settings = {"TILED_SCIM_HOST_ADAPTER": OwnMembership}

        assert found(TILED_SCIM_LIBRARY_MODEL="libraries.Shelf", **settings) == []


class TestUserModel:
    """A model without any of the fields that SCIM writes."""

    def test_must_be_able_to_deactivate(self) -> None:
        messages = {message.id: message for message in found(AUTH_USER_MODEL="libraries.Library")}

        message = messages["tiled_scim.E012"]
        assert "no field “is_active”" in message.msg
        assert "user_fields of a TILED_SCIM_HOST_ADAPTER" in (message.hint or "")

    def test_may_leave_that_to_the_adapter(self) -> None:
        messages = found(AUTH_USER_MODEL="libraries.Library", TILED_SCIM_HOST_ADAPTER=OwnUserFields)

        assert "tiled_scim.E012" not in {message.id for message in messages}


class TestBackends:
    def test_of_the_hosts_own_that_let_inactive_people_in_are_found(self) -> None:
        path = f"{__name__}.{WelcomingBackend.__name__}"

        (message,) = found(AUTHENTICATION_BACKENDS=[path])

        assert message.id == "tiled_scim.W002"
        assert path in message.msg

    def test_that_do_not_are_not(self) -> None:
        backends = ["ModelBackend", "RemoteUserBackend", "BaseBackend"]

        assert (
            found(
                AUTHENTICATION_BACKENDS=[
                    f"django.contrib.auth.backends.{name}" for name in backends
                ]
            )
            == []
        )


class TestJsonWebTokens:
    def test_that_ask_for_the_user_are_fine(self) -> None:
        classes = ["rest_framework_simplejwt.authentication.JWTAuthentication"]

        assert (
            found(
                REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": classes},
                SIMPLE_JWT={"CHECK_USER_IS_ACTIVE": True},
            )
            == []
        )
