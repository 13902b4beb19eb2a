"""Each mistake in the settings of a host with accounts is found and explained."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import models

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Membership
from tiled_scim.checks.accounts import check_accounts
from tiled_scim.host import HostAdapter

FIELDS = host.TILED_SCIM_MEMBERSHIP_FIELDS

CASES: list[tuple[str, Any, str, str]] = [
    ("MEMBERSHIP_MODEL", "customers.Seat", "E020", "Seat"),
    ("MEMBERSHIP_MODEL", "Membership", "E020", "write it as app_label.Model"),
    ("MEMBERSHIP_MODEL", "customers.Account", "E020", "one foreign key that is the user"),
    ("MEMBERSHIP_FIELDS", {"active": "is_active"}, "E020", "Found: person, invited_by"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "user": "owner"}, "E020", "Name it as “user”"),
    (
        "MEMBERSHIP_FIELDS",
        {**FIELDS, "jobTitle": "title"},
        "E022",
        "“jobTitle” is not an attribute",
    ),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "nickName": "nick"}, "E022", "no field “nick”"),
    (
        "MEMBERSHIP_FIELDS",
        {**FIELDS, "nickName": "title"},
        "E022",
        "“title” is named more than once",
    ),
    (
        "MEMBERSHIP_FIELDS",
        {**FIELDS, "tiledAdmin": "person__is_superuser"},
        "E022",
        "SCIM never creates superusers",
    ),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "nickName": "person__password"}, "E022", "passwords"),
    (
        "MEMBERSHIP_FIELDS",
        {**FIELDS, "nickName": "person__groups__name"},
        "E022",
        "leads to several rows",
    ),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "tiledAdmin": "role"}, "E022", "such as “role=admin”"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "title": "title=boss"}, "E022", "for booleans only"),
    ("MEMBERSHIP_FIELDS", {"user": "person", "tiledAdmin": "role=admin"}, "W010", "“active”"),
    ("MEMBERSHIP_FIELDS", {"user": "person", "active": "is_active"}, "W011", "“tiledAdmin”"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "roles": "rank"}, "E027", "no field “rank”"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "roles": "title"}, "E027", "not a text field with choices"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "roles": "role=member,boss"}, "E027", "“boss” is no choice"),
    ("MEMBERSHIP_FIELDS", {**FIELDS, "roles": "role=owner,member"}, "E027", "highest role comes"),
    ("MEMBERSHIP_DEFAULTS", {}, "E024", "requires role"),
    ("MEMBERSHIP_DEFAULTS", {"role": "member", "rank": 1}, "E023", "no field “rank”"),
    ("HOST_ADAPTER", HostAdapter, "E025", "does not use TILED_SCIM_MEMBERSHIP_MODEL"),
    ("LIBRARY_MODEL", "auth.Group", "E026", "Group must have one foreign key to Account"),
]


def found() -> dict[str, str]:
    """The messages of the checks, by id."""
    return {(message.id or "").partition(".")[2]: message.msg for message in check_accounts()}


@pytest.mark.parametrize(("name", "value", "check_id", "text"), CASES)
def test_mistake(name: str, value: Any, check_id: str, text: str, settings: LazySettings) -> None:
    setattr(settings, f"TILED_SCIM_{name}", value)

    messages = found()

    assert list(messages) == [check_id]
    assert text in messages[check_id]


def test_memberships_may_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Membership._meta, "constraints", [])

    assert "several memberships of the same account" in found()["E021"]


def test_partial_constraint_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    partial = models.UniqueConstraint(
        fields=["person", "account"], condition=models.Q(is_active=True), name="partial"
    )
    monkeypatch.setattr(Membership._meta, "constraints", [partial])

    assert list(found()) == ["E021"]


def test_unique_together_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Membership._meta, "constraints", [])
    monkeypatch.setattr(Membership._meta, "unique_together", (("person", "account"),))

    assert found() == {}


def test_roles_in_the_column_of_tiled_admin(settings: LazySettings) -> None:
    settings.TILED_SCIM_MEMBERSHIP_FIELDS = {**FIELDS, "roles": "role"}

    assert found() == {}


def test_host_without_memberships(settings: LazySettings) -> None:
    settings.TILED_SCIM_MEMBERSHIP_MODEL = None

    assert found() == {}
