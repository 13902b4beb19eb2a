"""The response to a write equals that of a GET, whatever the host does to the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db.models import Value
from django.db.models.functions import Concat
from pytest_django import Settings

from tiled_scim.attributes import Attribute, Schema
from tiled_scim.host import HostAdapter
from tiled_scim.schemas import USER

from .client import ANN, Answer, Scim, user

URN = "urn:example:card:2.0:User"
CARD = Schema(URN, "Card", "", (Attribute("joined", "dateTime"), Attribute("number", "decimal")))

pytestmark = pytest.mark.in_process


class WithDate(HostAdapter):
    """The host has a field of its own type for an attribute."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, f"{URN}:joined": "date_joined"}


class Titled(HostAdapter):
    """The host writes past the instance, and makes another value of what it gets."""

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(user, values)
        titled = Concat(Value("Dr. "), "first_name")
        User.objects.filter(pk=user.pk).update(first_name=titled)


@pytest.fixture(autouse=True)
def _card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(USER, "extensions", [*USER.extensions, CARD])


def is_what_get_has(scim: Scim, answer: Answer) -> bool:
    now = scim.get(f"/Users/{answer.json['id']}")
    return (answer.json, answer.headers["ETag"]) == (now.json, now.headers["ETag"])


@pytest.mark.parametrize("joined", ["2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.5Z"])
def test_a_date_in_a_field_of_the_host(scim: Scim, settings: Settings, joined: str) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = WithDate
    body = user(ANN, **{URN: {"joined": joined}})

    created = scim.post("/Users", body)
    assert is_what_get_has(scim, created)

    scim.put(f"/Users/{created.json['id']}", user(ANN, **{URN: {"joined": "2020-01-01T00:00:00Z"}}))
    assert is_what_get_has(scim, scim.put(f"/Users/{created.json['id']}", body))


def test_a_value_that_the_host_makes_of_another(scim: Scim, settings: Settings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Titled
    key = scim.add_user(ANN)

    name = {"op": "replace", "path": "name.givenName", "value": "Hanna"}
    answer = scim.patch(f"/Users/{key}", name)

    assert answer.json["name"]["givenName"] == "Dr. Hanna"
    assert is_what_get_has(scim, answer)


@pytest.mark.parametrize("number", [1e22, 1.5e300, 1e3, 1.0, 0.1, 1e-7, -0.0, 10**20])
def test_a_number(scim: Scim, number: float) -> None:
    key = scim.add_user(ANN)

    answer = scim.patch(f"/Users/{key}", {"op": "add", "path": f"{URN}:number", "value": number})

    assert float(answer.json[URN]["number"]) == number
    assert is_what_get_has(scim, answer)


class Noting(HostAdapter):
    """Notes the values with which it creates users."""

    created: ClassVar[list[Mapping[str, Any]]] = []

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        self.created.append(values)
        return super().create_user(values)


def test_the_host_creates_a_user_with_the_booleans_that_were_sent(
    scim: Scim, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that were not are empty. A boolean may have another default in the host."""
    settings.TILED_SCIM_HOST_ADAPTER = Noting
    monkeypatch.setattr(Noting, "created", [])

    scim.post("/Users", {"userName": ANN, "active": False})

    assert Noting.created == [
        {
            "userName": ANN,
            "active": False,
            "name.givenName": "",
            "name.familyName": "",
            "emails.value": "",
        }
    ]
