"""The checks of a host adapter: its mapping, and ways to a new password for adopted users."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from inspect import getsource
from types import ModuleType
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetView
from django.core.checks import CheckMessage
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from tiled_scim import checks
from tiled_scim.checks import adapter
from tiled_scim.host import TILED_ADMIN, HostAdapter


def found(**settings: object) -> list[CheckMessage]:
    with override_settings(**settings):
        return checks.check_host()


def adapter_with(fields: Mapping[str, str]) -> type[HostAdapter]:
    class Mapped(HostAdapter):
        @property
        def user_fields(self) -> dict[str, str]:
            return {**super().user_fields, **fields}

    return Mapped


MAPPINGS = {
    "superuser": ({TILED_ADMIN: "is_superuser"}, "SCIM never creates superusers"),
    "superuser by a relation": (
        {"title": "scim_links__user__is_superuser"},
        "“scim_links” of User leads to several rows",
    ),
    "superuser of another row": ({"title": "logentry__user__is_superuser"}, "several rows"),
    "password": ({"nickName": "password"}, "neither reads nor sets passwords"),
    "unknown field": ({"title": "job_title"}, "User has no field “job_title”"),
    "unknown field of a relation": ({"title": "profile__title"}, "User has no field “profile”"),
    "relation of a column": ({"title": "first_name__title"}, "User has no field “title”"),
    "many to many": ({"title": "groups__name"}, "“groups” of User leads to several rows"),
    "many to many itself": ({"title": "user_permissions"}, "leads to several rows"),
    "unknown attribute": ({"jobTitle": "last_name"}, "not an attribute of a SCIM user"),
    "unknown extension": ({"urn:nowhere:title": "last_name"}, "not an attribute of a SCIM user"),
}


class TestMapping:
    @pytest.mark.parametrize(("fields", "problem"), MAPPINGS.values(), ids=MAPPINGS)
    def test_mistake_is_found(self, fields: Mapping[str, str], problem: str) -> None:
        (message,) = found(TILED_SCIM_HOST_ADAPTER=adapter_with(fields))

        assert message.id == "tiled_scim.E040"
        assert problem in message.msg
        assert all(name in message.msg for name in fields)

    @pytest.mark.parametrize("path", ["user__is_superuser", "user__password"])
    def test_forbidden_field_is_found_on_any_row(self, path: str) -> None:
        assert adapter.problem_of_path(LogEntry, path).startswith("SCIM ")

    def test_without_active_is_found(self) -> None:
        class Forgetful(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                return {"emails.value": "email"}

        (message,) = found(TILED_SCIM_HOST_ADAPTER=Forgetful)

        assert message.id == "tiled_scim.E012"
        assert "has no “active”" in message.msg

    @pytest.mark.parametrize("fields", [{}, {"title": "last_name"}, {"nickName": "username"}])
    def test_right_one_is_not(self, fields: Mapping[str, str]) -> None:
        assert found(TILED_SCIM_HOST_ADAPTER=adapter_with(fields)) == []

    @pytest.mark.parametrize("error", [DatabaseError, LookupError])
    def test_of_an_adapter_that_needs_the_database_is_left_to_the_requests(
        self, error: type[Exception]
    ) -> None:
        class Reading(HostAdapter):
            @property
            def user_fields(self) -> dict[str, str]:
                raise error

        assert found(TILED_SCIM_HOST_ADAPTER=Reading) == []


class MagicLinkForm(PasswordResetForm):
    def get_users(self, email: str) -> Any:
        return []


def own_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


DJANGO = path("reset/", PasswordResetView.as_view(), name="reset")
OWN_FORM = path("reset/", PasswordResetView.as_view(form_class=MagicLinkForm), name="reset")
ALLAUTH = path("reset/", own_view, name="account_reset_password")
ADMIN = path("reset/", own_view, name="admin_password_reset")


def urls_with(pattern: Any) -> ModuleType:
    """A URLconf of a host that routes a pattern below others."""
    module = ModuleType("urls")
    module.urlpatterns = [  # type: ignore[attr-defined]
        path("scim/v2/", include("tiled_scim.urls")),
        path("accounts/", include([path("password/", include([pattern]))])),
    ]
    return module


class Verified(HostAdapter):
    def domains(self) -> Collection[str] | None:
        return []


class Trusting(HostAdapter):
    def may_replace_email(self, user: AbstractBaseUser, email: str) -> bool:
        return True


class Keeping(HostAdapter):
    def user_adopted(self, user: AbstractBaseUser) -> None:
        pass


class TestPasswordReset:
    @pytest.mark.parametrize("pattern", [OWN_FORM, ALLAUTH, ADMIN])
    def test_of_users_without_a_password_is_found(self, pattern: Any) -> None:
        (message,) = found(ROOT_URLCONF=urls_with(pattern))

        assert message.id == "tiled_scim.W040"
        assert str(pattern.name) in message.msg
        assert "domains()" in (message.hint or "")

    @pytest.mark.parametrize(
        "settings",
        [
            {"TILED_SCIM_ADOPT_PASSWORDS": True},
            {"TILED_SCIM_HOST_ADAPTER": Trusting},
            {"TILED_SCIM_HOST_ADAPTER": Keeping},
        ],
    )
    def test_of_users_who_keep_theirs_is_found(self, settings: dict[str, Any]) -> None:
        (message,) = found(ROOT_URLCONF=urls_with(DJANGO), **settings)

        assert message.id == "tiled_scim.W040"

    def test_of_django_needs_a_password_that_adopted_users_do_not_have(self) -> None:
        assert found(ROOT_URLCONF=urls_with(DJANGO)) == []

    @pytest.mark.parametrize(
        "settings",
        [
            {"TILED_SCIM_HOST_ADAPTER": Verified},
            {"TILED_SCIM_HOST_ADAPTER": Verified, "TILED_SCIM_ADOPT_PASSWORDS": True},
            {"TILED_SCIM_ADOPT_USERS": None},
        ],
    )
    @pytest.mark.parametrize("pattern", [DJANGO, OWN_FORM, ALLAUTH])
    def test_is_no_problem_with_domains_or_without_adoption(
        self, pattern: Any, settings: dict[str, Any]
    ) -> None:
        assert found(ROOT_URLCONF=urls_with(pattern), **settings) == []

    def test_that_is_not_routed_is_no_problem(self) -> None:
        assert found(TILED_SCIM_ADOPT_PASSWORDS=True) == []


def test_every_check_has_a_test() -> None:
    written = set(re.findall(r"tiled_scim\.[EW]\d{3}", getsource(adapter)))

    assert written == {"tiled_scim.E028", "tiled_scim.E040", "tiled_scim.W040"}
