"""Filters on multi-valued attributes that are absent, and what makes two elements one."""

from __future__ import annotations

import pytest

from tiled_scim.models import UserLink

from .client import ANN, BOB, CARL, Scim

ROLES = [{"value": "r", "type": "t", "primary": True}, {"value": "s"}]


@pytest.fixture
def keys(scim: Scim) -> dict[str, str]:
    """The ids of a person with an email address and roles in a group, and of one without."""
    ann = scim.add_user(ANN, emails=[{"value": ANN, "type": "work"}], roles=ROLES)
    bob = scim.add_user(BOB, emails=[])
    return {
        "ann": ann,
        "bob": bob,
        "Full": scim.add_group("Full", ann),
        "Empty": scim.add_group("Empty"),
    }


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("emails eq null", "bob"),
        ("emails.value eq null", "bob"),
        ("emails ne null", "ann"),
        ("not (emails pr)", "bob"),
        ("not (emails.value pr)", "bob"),
        ("not (emails eq null)", "ann"),
        ('emails ne "x"', "ann bob"),
        (f'emails ne "{ANN}"', "bob"),
        ('emails.type ne "work"', "bob"),
        ('not (emails.type eq "work")', "bob"),
        ("roles eq null", "bob"),
        ("roles.type eq null", "ann bob"),
        ('roles.type ne "t"', "ann bob"),
        ("groups eq null", "bob"),
        ("groups.display eq null", "bob"),
        ('groups.display ne "Full"', "bob"),
        ("groups.value ne null", "ann"),
        ('schemas ne "urn:nothing"', "ann bob"),
        ("schemas eq null", ""),
        # In brackets, there must be an element that fits.
        ("emails[value eq null]", ""),
        ('emails[type ne "home"]', "ann"),
        ("emails[not (display pr)]", "ann"),
        # An element without primary is not the primary one: RFC 7643 section 2.4.
        ("emails.primary eq false", "ann"),
        ("emails[primary eq false]", "ann"),
        ('emails[primary ne "True"]', "ann"),
        ('roles[primary eq false].value eq "s"', "ann"),
        ('roles[primary eq false].value eq "r"', ""),
        ('roles[primary ne false].value eq "r"', "ann"),
        ('roles[primary eq null].value eq "s"', "ann"),
        ("emails.primary pr", ""),
        ("emails.primary eq true", ""),
    ],
)
def test_people(scim: Scim, keys: dict[str, str], filter_: str, names: str) -> None:
    assert scim.found("/Users", filter_) == [keys[name] for name in names.split()]


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("members eq null", "Empty"),
        ("members ne null", "Full"),
        ("not (members pr)", "Empty"),
        ('members ne "x"', "Full Empty"),
        ('members.type ne "User"', "Empty"),
        ("members[value eq null]", ""),
    ],
)
def test_groups(scim: Scim, keys: dict[str, str], filter_: str, names: str) -> None:
    assert scim.found("/Groups", filter_) == [keys[name] for name in names.split()]


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("emails eq null", "bob Full Empty"),
        ('emails ne "x"', "ann bob Full Empty"),
        ("members eq null", "ann bob Empty"),
        ("members ne null", "Full"),
        ("not (members pr)", "ann bob Empty"),
        ("emails[value eq null]", ""),
    ],
)
def test_everything(scim: Scim, keys: dict[str, str], filter_: str, names: str) -> None:
    """An attribute of another type is absent."""
    found = scim.get("/", filter=filter_).json["Resources"]

    assert [each["id"] for each in found] == [keys[name] for name in names.split()]


class TestSameElement:
    """An element is known by its value and its type: RFC 7643 section 2.4."""

    def test_a_value_without_a_type_is_another_and_stays_one(self, scim: Scim) -> None:
        typed, plain = {"value": "v", "type": "c"}, {"value": "v"}
        key = scim.add_user(CARL, roles=[typed])

        for display in (None, "Boss"):
            value = [{**plain, "display": display}]
            operation = {"op": "add", "path": "roles", "value": value}
            scim.patch(f"/Users/{key}", operation, operation)

            added = {**plain, "display": display} if display else plain
            assert scim.get(f"/Users/{key}").json["roles"] == [typed, added]
            assert UserLink.objects.get().attributes["roles"] == [typed, added]

    def test_also_the_other_way_round(self, scim: Scim) -> None:
        key = scim.add_user(CARL, roles=["v"])
        operation = {"op": "add", "path": "roles", "value": [{"value": "V", "type": "c"}]}

        scim.patch(f"/Users/{key}", operation, operation)

        roles = [{"value": "v"}, {"value": "V", "type": "c"}]
        assert scim.get(f"/Users/{key}").json["roles"] == roles

    def test_a_removed_value_without_a_type_is_any(self, scim: Scim) -> None:
        key = scim.add_user(CARL, roles=[{"value": "v", "type": "c"}, "v", "w"])

        scim.patch(f"/Users/{key}", {"op": "remove", "path": "roles", "value": ["v"]})

        assert scim.get(f"/Users/{key}").json["roles"] == [{"value": "w"}]

    def test_elements_that_are_not_primary_are_changed(self, scim: Scim) -> None:
        key = scim.add_user(CARL, roles=ROLES)
        path = "roles[primary eq false].display"

        scim.patch(f"/Users/{key}", {"op": "replace", "path": path, "value": "x"})

        assert scim.get(f"/Users/{key}").json["roles"] == [ROLES[0], {"value": "s", "display": "x"}]


def test_value_that_the_host_stores_is_shown_without_an_element(scim: Scim) -> None:
    """The host may store the attribute only since the user was pushed."""
    key = scim.add_user(ANN)
    UserLink.objects.update(attributes={})

    emails = scim.get(f"/Users/{key}").json["emails"]

    assert emails == [{"value": ANN, "primary": True}]
