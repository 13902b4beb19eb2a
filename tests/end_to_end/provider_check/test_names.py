"""Tests of the names of the test user and group."""

from __future__ import annotations

import pytest

from tiled_scim.provider_check.names import Names, names_for


def test_the_only_account_has_names_without_a_key() -> None:
    assert names_for() == Names(
        "tiled-scim-check@example.com",
        "Tiled SCIM Check (safe to delete)",
        "Tiled SCIM Check & Co. (safe to delete)",
        ("tiled-scim-check.1@example.com", "tiled-scim-check.2@example.com"),
    )


@pytest.mark.parametrize(
    ("account", "part"),
    [
        ("acme", "acme"),
        ("7", "7"),
        ("7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10", "7d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"),
        ("Acme", "acme-37036cd8"),
        ("Acmé & Söhne", "acm-s-hne-"),
        ("日本", ""),
        ("x" * 128, "x" * 20 + "-"),
    ],
)
def test_a_key_is_part_of_the_names(account: str, part: str) -> None:
    names = names_for(account)

    local_part, _, domain = names.user.partition("@")
    assert local_part.startswith(f"tiled-scim-check-{part}")
    assert domain == "example.com"
    assert len(local_part) <= 64
    assert names.user.isascii()
    assert names.user == names.user.lower()
    key = local_part.removeprefix("tiled-scim-check-")
    assert names.groups == (
        f"Tiled SCIM Check {key} (safe to delete)",
        f"Tiled SCIM Check {key} & Co. (safe to delete)",
    )


def test_different_accounts_have_different_names() -> None:
    accounts = ["", "acme", "acme-1", "1", "Acme", "ACME", "acmé", "acm", "acme ", "日", "本"]
    accounts += ["a" * 128, "a" * 127]

    names = [names_for(account) for account in accounts]

    users = {name.lower() for each in names for name in (each.user, *each.colleagues)}
    assert len(users) == 3 * len(accounts)
    assert len({each.group.lower() for each in names}) == len(accounts)


def test_a_given_user_name_is_used_and_makes_the_groups_own() -> None:
    names = names_for(user="Nobody@acme.example")

    assert names.user == "Nobody@acme.example"
    assert names.group != names_for().group
    assert names_for("acme", "Nobody@acme.example").group == names_for("acme").group
    assert names.is_user("nobody@ACME.example")
