"""Parts of elements, elements without a value, and filters that select none; the state after."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tiled_scim.models import UserLink

from .client import ANN, BOB, Scim, user
from .state import snapshot

WORK = {"primary": True, "value": ANN, "type": "work"}
HOME = {"value": "home@example.com", "type": "home"}


@pytest.fixture
def ann(scim: Scim) -> str:
    """The id of a person with two email addresses."""
    return scim.add_user(ANN, emails=[WORK, HOME])


def operation(op: str, path: str, value: Any) -> dict[str, object]:
    return {"op": op, "path": path, "value": value}


def emails(scim: Scim, key: str) -> Any:
    """The email addresses that a GET shows; None without the attribute."""
    return scim.get(f"/Users/{key}").json.get("emails")


def host_email() -> str:
    return User.objects.get().email


@pytest.mark.parametrize("op", ["add", "replace", "Replace"])
class TestPartOfAnElement:
    """RFC 7644 section 3.5.2.3: the parts that are sent replace, the others stay."""

    def test_the_others_stay(self, scim: Scim, ann: str, op: str) -> None:
        for value, expected in (
            ({"primary": True}, WORK),
            ({"display": "Ann"}, {**WORK, "display": "Ann"}),
            ({"value": "new@example.com"}, {**WORK, "display": "Ann", "value": "new@example.com"}),
        ):
            answer = scim.patch(f"/Users/{ann}", operation(op, 'emails[type eq "work"]', value))

            assert answer.status == 200
            assert answer.json["emails"] == [expected, HOME]
            assert emails(scim, ann) == [expected, HOME]
            assert host_email() == expected["value"]

    def test_also_without_a_path(self, scim: Scim, ann: str, op: str) -> None:
        value = {'emails[type eq "home"]': {"primary": True}}

        answer = scim.patch(f"/Users/{ann}", {"op": op, "value": value})

        assert answer.json["emails"] == [{**WORK, "primary": False}, {**HOME, "primary": True}]
        assert host_email() == HOME["value"]

    def test_null_unassigns_a_part(self, scim: Scim, ann: str, op: str) -> None:
        value = {"primary": None, "display": "Ann"}

        answer = scim.patch(f"/Users/{ann}", operation(op, 'emails[type eq "work"]', value))

        assert answer.json["emails"] == [{"value": ANN, "type": "work", "display": "Ann"}, HOME]
        assert host_email() == ANN

    def test_only_null_for_the_value_clears_the_address(
        self, scim: Scim, ann: str, op: str
    ) -> None:
        scim.patch(f"/Users/{ann}", {"op": "remove", "path": 'emails[type eq "home"]'})

        scim.patch(f"/Users/{ann}", operation(op, 'emails[type eq "work"]', {"value": None}))

        assert emails(scim, ann) == [{"primary": True, "type": "work"}]
        assert host_email() == ""


@pytest.mark.parametrize(
    ("kinds", "preferred"),
    [(["home", "work", "other"], 1), (["home", "other"], 0), ([None, "work", "work"], 1)],
)
def test_address_for_work_is_the_hosts_if_none_is_primary(
    scim: Scim, kinds: list[str | None], preferred: int
) -> None:
    sent = [{"value": f"{n}@example.com", "type": kind} for n, kind in enumerate(kinds)]

    key = scim.add_user(ANN, emails=sent)

    assert host_email() == sent[preferred]["value"]
    assert [email["value"] for email in emails(scim, key)] == [each["value"] for each in sent]


class TestElementWithoutValue:
    def test_is_made_before_its_value_comes(self, scim: Scim) -> None:
        key = scim.add_user(ANN, emails=[])

        for op, path, value, expected in (
            ("add", "primary", True, {"type": "work", "primary": True}),
            ("add", "display", "Ann", {"type": "work", "primary": True, "display": "Ann"}),
        ):
            scim.patch(f"/Users/{key}", operation(op, f'emails[type eq "work"].{path}', value))
            assert emails(scim, key) == [expected]
            assert host_email() == ""
        scim.patch(f"/Users/{key}", operation("add", 'emails[type eq "work"].value', ANN))

        assert emails(scim, key) == [{**WORK, "display": "Ann"}]
        assert host_email() == ANN

    def test_leaves_the_address_of_another_element(self, scim: Scim) -> None:
        key = scim.add_user(ANN, emails=[HOME])

        scim.patch(f"/Users/{key}", operation("add", 'emails[type eq "work"].primary', True))

        assert emails(scim, key) == [HOME, {"type": "work", "primary": True}]
        assert host_email() == HOME["value"]

    def test_stays_when_its_value_is_removed(self, scim: Scim, ann: str) -> None:
        scim.patch(f"/Users/{ann}", {"op": "remove", "path": 'emails[type eq "work"].value'})

        assert emails(scim, ann) == [{"primary": True, "type": "work"}, HOME]
        assert host_email() == HOME["value"]

        scim.patch(f"/Users/{ann}", {"op": "remove", "path": "emails.value"})

        assert emails(scim, ann) == [{"primary": True, "type": "work"}, {"type": "home"}]
        assert host_email() == ""

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_may_be_sent(self, scim: Scim, method: str) -> None:
        sent = [{"type": "work", "display": "Ann"}, {"value": "", "type": "home"}, {"value": ""}]
        body = user(ANN, emails=sent)
        if method == "POST":
            key = scim.post("/Users", body).json["id"]
        else:
            key = scim.add_user(ANN)
            assert scim.put(f"/Users/{key}", body).status == 200

        assert emails(scim, key) == [{"type": "work", "display": "Ann"}, {"type": "home"}]
        assert host_email() == ""

    def test_does_not_hide_an_address_that_the_host_gives(self, scim: Scim) -> None:
        key = scim.add_user(ANN, emails=[{"type": "work", "primary": True}])
        User.objects.update(email="host@example.com")

        assert emails(scim, key) == [
            {"type": "work", "primary": True},
            {"value": "host@example.com"},
        ]

    def test_sending_back_what_was_read_changes_nothing(self, scim: Scim) -> None:
        key = scim.add_user(ANN, emails=[{"type": "work", "primary": True}, HOME])
        read, before = scim.get(f"/Users/{key}").json, snapshot()

        assert scim.put(f"/Users/{key}", read).json == read

        assert snapshot() == before

    @pytest.mark.parametrize(
        ("filter_", "finds"),
        [
            ("emails pr", True),
            ('emails.type eq "work"', True),
            ("emails[primary eq true]", True),
            ("emails[value eq null]", True),
            ("emails.value pr", False),
            ('emails.value eq ""', False),
            ('emails.value co ""', False),
            ('emails[type eq "work" and value pr]', False),
        ],
    )
    def test_is_found_by_what_it_has(self, scim: Scim, filter_: str, finds: bool) -> None:
        key = scim.add_user(ANN, emails=[{"type": "work", "primary": True}])

        assert scim.found("/Users", filter_) == ([key] if finds else [])

    def test_people_without_an_address_are_sorted_alike(self, scim: Scim) -> None:
        scim.add_user(ANN, emails=[{"type": "work", "primary": True}])
        scim.add_user(BOB)

        listed = scim.get("/Users", sortBy="emails").json["Resources"]

        assert [each["userName"] for each in listed] == [BOB, ANN]


@pytest.mark.parametrize("op", ["Add", "Replace"])
class TestFilterThatSelectsNothing:
    @pytest.mark.parametrize(
        ("path", "name", "made"),
        [
            ('phoneNumbers[type eq "mobile"].value', "phoneNumbers", {"type": "mobile"}),
            (
                'phoneNumbers[type eq "work" and primary eq "True"].value',
                "phoneNumbers",
                {"type": "work", "primary": True},
            ),
            ('emails[type eq "other"].value', "emails", {"type": "other"}),
        ],
    )
    def test_makes_the_element_that_it_describes(
        self, entra: Scim, ann: str, op: str, path: str, name: str, made: dict[str, object]
    ) -> None:
        before = entra.get(f"/Users/{ann}").json.get(name, [])

        answer = entra.patch(f"/Users/{ann}", operation(op, path, "1"))

        assert answer.status == 200
        assert answer.json[name] == [*before, {**made, "value": "1"}]
        assert entra.get(f"/Users/{ann}").json == answer.json
        assert host_email() == ANN

    def test_also_of_several_parts(self, entra: Scim, ann: str, op: str) -> None:
        value = {"streetAddress": "1 Main St", "locality": "Springfield"}

        answer = entra.patch(f"/Users/{ann}", operation(op, 'addresses[type eq "work"]', value))

        assert answer.json["addresses"] == [{"type": "work", **value}]
        [stored] = UserLink.objects.get().attributes["addresses"]
        assert stored == {"type": "work", **value}

    @pytest.mark.parametrize(
        "filter_",
        ['type sw "f"', 'type eq "fax" or type eq "pager"', 'type ne "work"', "not (value pr)"],
    )
    def test_has_no_target_where_it_describes_none(
        self, entra: Scim, ann: str, op: str, filter_: str
    ) -> None:
        before = snapshot()

        answer = entra.patch(f"/Users/{ann}", operation(op, f"phoneNumbers[{filter_}].value", "1"))

        assert answer.error == (400, "noTarget")
        assert snapshot() == before

    @pytest.mark.parametrize("value", ["", None])
    def test_has_nothing_to_clear(self, entra: Scim, ann: str, op: str, value: object) -> None:
        """Microsoft's validator clears all attributes that it has mapped, set or not."""
        before = snapshot()

        answer = entra.patch(
            f"/Users/{ann}",
            operation(op, 'emails[type eq "other"].value', value),
            operation(op, 'phoneNumbers[type eq "fax"].value', value),
            operation(op, 'addresses[type eq "work"].locality', value),
            operation(op, 'addresses[type sw "w"].locality', value),
            operation(op, 'phoneNumbers[type eq "fax"]', {"value": value}),
        )

        assert answer.status == 200
        assert snapshot() == before


@pytest.mark.parametrize("value", [[{"address": "x"}], {"address": "x"}])
def test_elements_of_unknown_parts_clear_no_address(scim: Scim, ann: str, value: object) -> None:
    before = snapshot()

    for change in (
        operation("replace", "emails", value),
        {"op": "replace", "value": {"emails": value}},
    ):
        assert scim.patch(f"/Users/{ann}", change).status == 200

    assert snapshot() == before


@pytest.mark.parametrize("value", [[], None, [{}], [{"value": None}]])
def test_a_replacement_by_nothing_clears_all_addresses(scim: Scim, ann: str, value: object) -> None:
    scim.patch(f"/Users/{ann}", operation("replace", "emails", value))

    assert emails(scim, ann) is None
    assert host_email() == ""


@pytest.mark.parametrize("value", ["", None])
def test_the_null_test_of_microsoft_leaves_nothing(entra: Scim, ann: str, value: object) -> None:
    """After it, each attribute is absent, null or empty."""
    paths = ("displayName", "title", "name.givenName", 'emails[type eq "work"].value')

    answer = entra.patch(f"/Users/{ann}", *(operation("Replace", path, value) for path in paths))

    assert answer.status == 200
    left = answer.json
    assert not left.get("displayName")
    assert not left.get("title")
    assert not left.get("name", {}).get("givenName")
    assert [email.get("value") for email in left["emails"]] == [None, HOME["value"]]
    host = User.objects.get()
    assert (host.first_name, host.email) == ("", HOME["value"])
