"""What the host's admin can see of every request: events, and a line in the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import override_settings

from tests.factories import make_user
from tests.tokens import new_token
from tiled_scim.host import TILED_ADMIN, HostAdapter
from tiled_scim.models import Action, Outcome, ScimEvent, ScimToken
from tiled_scim.presentation.events import who

from .client import (
    ANN,
    BOB,
    NOBODY,
    OKTA_HEADERS,
    TILED_USER,
    Scim,
    add_members,
    remove_member,
    user,
)
from .state import people


def events() -> list[ScimEvent]:
    """All there are, in the order in which they came."""
    return list(ScimEvent.objects.order_by("pk"))


def last() -> ScimEvent:
    return ScimEvent.objects.order_by("pk")[ScimEvent.objects.count() - 1]


class TestWrites:
    def test_a_new_user(self, scim: Scim) -> None:
        answer = scim.post("/Users", user(ANN, title="Boss"))

        [event] = events()
        assert (event.action, event.outcome, event.status) == ("user_provisioned", "done", 201)
        assert (event.resource_type, str(event.resource_id)) == ("User", answer.json["id"])
        assert event.resource_name == ANN
        assert (event.account, event.method) == ("", "POST")
        assert event.client == OKTA_HEADERS["User-Agent"]
        assert event.address == "127.0.0.1"
        assert event.token_last_four == ScimToken.objects.get().last_four
        assert event.request_id == answer.headers["X-Request-ID"]
        assert event.changes["attributes"]["title"] == [None, "Boss"]
        assert event.changes["attributes"]["active"] == [None, True]
        assert (event.scim_type, event.detail, event.times) == ("", "", 1)

    def test_old_and_new_values(self, scim: Scim, ann: str) -> None:
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "name.givenName", "value": "Anne"})

        event = last()
        assert event.action == Action.USER_UPDATED
        assert event.changes == {"attributes": {"name.givenName": ["Ann", "Anne"]}}

    def test_one_that_changes_nothing(self, scim: Scim, ann: str) -> None:
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "active", "value": True})

        event = last()
        assert (event.action, event.outcome, event.changes) == ("", Outcome.UNCHANGED, {})
        assert str(event.resource_id) == ann

    def test_leaving_and_coming_back(self, scim: Scim, ann: str, sales: str) -> None:
        scim.deactivate(ann)
        scim.patch(f"/Users/{ann}", {"op": "replace", "value": {"active": True}})
        scim.delete(f"/Users/{ann}")
        scim.post("/Users", user(ANN))

        deactivated, reactivated, unlinked, again = events()[-4:]
        assert deactivated.action == Action.USER_DEACTIVATED
        assert deactivated.changes == {"attributes": {"active": [True, False]}}
        assert reactivated.action == Action.USER_REACTIVATED
        assert unlinked.action == Action.USER_UNLINKED
        assert unlinked.changes == {"attributes": {"groups": ["Sales", None]}}
        assert again.action == Action.USER_REACTIVATED
        assert {str(event.resource_id) for event in events()[-4:]} == {ann}

    def test_everything_of_a_new_person_is_new(self, scim: Scim) -> None:
        make_user(ANN, first_name="Ann", last_name="")  # whom SCIM did not know

        scim.post("/Users", {"userName": ANN, "externalId": "00u1", "name": {"givenName": "Ann"}})

        assert last().changes["attributes"] == {
            "externalId": [None, "00u1"],
            "userName": [None, ANN],
            "name.givenName": [None, "Ann"],
            "emails": [None, "value: hope@host.example, primary: True"],
            "active": [None, True],
        }

    def test_members(self, scim: Scim, ann: str, sales: str) -> None:
        bob = scim.add_user(BOB)

        scim.patch(f"/Groups/{sales}", remove_member(ann), add_members(bob, NOBODY))

        event = last()
        assert event.action == Action.ACCESS_CHANGED
        assert (event.resource_name, str(event.resource_id)) == ("Sales", sales)
        assert event.changes == {
            "added": {"number": 1, "names": [BOB]},
            "removed": {"number": 1, "names": [ANN]},
            "skipped": {"number": 1, "names": [NOBODY]},
        }

    def test_members_who_only_come_or_only_go(self, scim: Scim, ann: str, sales: str) -> None:
        bob = scim.add_user(BOB)

        for change in (add_members(bob), remove_member(ann)):
            scim.patch(f"/Groups/{sales}", change)
            assert last().action == Action.ACCESS_CHANGED

    def test_groups(self, scim: Scim, ann: str, sales: str) -> None:
        scim.patch(f"/Groups/{sales}", {"op": "replace", "value": {"displayName": "Sales EU"}})
        scim.patch(f"/Groups/{sales}", {"op": "replace", "value": {"externalId": "00g1"}})
        scim.delete(f"/Groups/{sales}")

        linked, renamed, updated, unlinked = events()[-4:]
        assert linked.action == Action.LIBRARY_LINKED
        assert linked.changes["attributes"] == {"displayName": [None, "Sales"]}
        assert linked.changes["added"] == {"number": 1, "names": [ANN]}
        assert renamed.action == Action.LIBRARY_RENAMED
        assert renamed.changes == {"attributes": {"displayName": ["Sales", "Sales EU"]}}
        assert updated.action == Action.LIBRARY_UPDATED
        assert unlinked.action == Action.LIBRARY_UNLINKED
        assert unlinked.changes["removed"] == {"number": 1, "names": [ANN]}

    def test_a_member_who_is_shown_under_another_name(
        self, scim: Scim, ann: str, sales: str
    ) -> None:
        scim.patch(f"/Groups/{sales}", {"op": "add", "path": "members", "value": [shown(ann)]})

        event = last()
        assert (event.action, event.outcome) == (Action.LIBRARY_UPDATED, Outcome.DONE)
        assert event.changes == {}

    @pytest.mark.usefixtures("administrator")
    def test_tiled_admin_is_an_event_of_its_own(self, scim: Scim) -> None:
        ann = scim.post("/Users", user(ANN, **{TILED_USER: {"tiledAdmin": True}})).json["id"]
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": TILED_ADMIN, "value": False})

        provisioned, granted, revoked = events()
        assert provisioned.action == Action.USER_PROVISIONED
        assert TILED_ADMIN not in provisioned.changes["attributes"]
        assert granted.action == Action.ADMIN_GRANTED
        assert granted.changes == {"attributes": {TILED_ADMIN: [None, True]}}
        assert revoked.action == Action.ADMIN_REVOKED
        assert {str(event.resource_id) for event in events()} == {ann}

    def test_each_operation_of_a_bulk_request(self, scim: Scim) -> None:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(ANN)},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": ""}},
            {"method": "DELETE", "path": f"/Groups/{NOBODY}"},
            {"method": "GET", "path": "/Users"},
        ]
        answer = scim.post("/Bulk", {"schemas": [], "Operations": operations})

        assert [
            (event.method, event.resource_type, event.outcome, event.status) for event in events()
        ] == [
            ("POST", "User", "done", 201),
            ("POST", "User", "refused", 400),
            ("DELETE", "Group", "refused", 404),
            ("GET", "", "refused", 400),
        ]
        assert {event.request_id for event in events()} == {answer.headers["X-Request-ID"]}

    def test_reading_leaves_none(self, scim: Scim, ann: str) -> None:
        before = ScimEvent.objects.count()

        scim.get("/Users", filter=f'userName eq "{ANN}"')
        scim.get(f"/Users/{ann}")
        scim.post("/Users/.search", {"schemas": [], "count": 1})
        scim.get("/Schemas")

        assert ScimEvent.objects.count() == before

    def test_a_long_value_and_many_members_are_cut_short(self, scim: Scim) -> None:
        people = [scim.add_user(f"person{number}@example.com") for number in range(103)]
        scim.post("/Users", user(ANN, profileUrl="https://example.com/" + "x" * 5000))
        assert len(last().changes["attributes"]["profileUrl"][1]) < 600

        scim.add_group("Everybody", *people)

        added = last().changes["added"]
        assert (added["number"], len(added["names"])) == (103, 100)


class TestRefusals:
    def test_says_why(self, scim: Scim, ann: str) -> None:
        answer = scim.post("/Users", user(ANN.upper()))

        event = last()
        assert (event.outcome, event.status, event.scim_type) == ("refused", 409, "uniqueness")
        assert event.detail == answer.json["detail"]
        assert (event.action, event.changes) == ("", {})
        assert event.resource_name == ANN.upper()

    def test_has_the_name_in_an_invalid_body(self, scim: Scim, ann: str) -> None:
        scim.post("/Users", user(BOB, active="maybe"))
        assert last().resource_name == BOB

        scim.patch(f"/Users/{ann}", {"op": "jump", "path": "active"})
        assert (last().resource_name, str(last().resource_id)) == (ANN, ann)

    def test_a_get_of_what_is_not_there(self, scim: Scim) -> None:
        scim.get(f"/Groups/{NOBODY}")

        event = last()
        assert (event.method, event.outcome, event.status) == ("GET", "refused", 404)
        assert (event.resource_type, str(event.resource_id)) == ("Group", NOBODY)

    @pytest.mark.in_process  # nginx refuses the last of these
    def test_what_has_no_place_in_a_database_is_kept_as_far_as_it_can_be(self, scim: Scim) -> None:
        scim.post("/Users", {"userName": "a\0b\ud800"})
        scim.get("/Users", filter='userName eq "a\0"')
        scim.get("/Users/a%00b")

        assert [event.outcome for event in events()] == ["refused"] * 3

    def test_the_event_survives_the_rollback(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(HostAdapter, "create_user", fail)

        scim.post("/Users", user(ANN))

        [event] = events()
        assert people() == {}
        assert (event.outcome, event.status, event.resource_name) == ("failed", 500, ANN)
        assert "too bad" not in event.detail

    @pytest.mark.in_process
    def test_the_premium_gate(self, scim: Scim) -> None:
        with override_settings(TILED_SCIM_ENABLED=False):
            answer = scim.get("/Users")

        [event] = events()
        assert (event.account, event.status, event.detail) == ("", 403, answer.json["detail"])


class TestUnknownCallers:
    def test_are_in_no_account_and_counted_instead_of_listed(self, db: None) -> None:
        for _ in range(3):
            Scim("Bearer tscim_wrong").get("/Users")
        Scim(None).get("/Users")

        [event] = events()
        assert (event.account, event.token_last_four) == (None, "")
        assert (event.outcome, event.status, event.times) == ("refused", 401, 4)

    def test_one_with_a_token_that_was_replaced_is_known(self, scim: Scim) -> None:
        old = ScimToken.objects.get()
        new_token()

        scim.get("/Users")
        scim.get("/Users")

        [event] = events()
        assert (event.account, event.token_last_four) == ("", old.last_four)
        assert (event.status, event.times) == (401, 2)


class TestRecording:
    @pytest.mark.parametrize("request_id", ["abc-123", "4bf92f3577b34da6a3ce929d0e0e4736"])
    def test_the_request_id_of_a_proxy_is_taken(self, token: str, request_id: str) -> None:
        scim = Scim(f"Bearer {token}", {**OKTA_HEADERS, "X-Request-ID": request_id})

        answer = scim.post("/Users", user(ANN))

        assert answer.headers["X-Request-ID"] == last().request_id == request_id

    @pytest.mark.parametrize("authorization", [None, "Bearer tscim_wrong"])
    def test_that_of_a_stranger_is_not(self, db: None, authorization: str | None) -> None:
        scim = Scim(authorization, {**OKTA_HEADERS, "X-Request-ID": "taken"})

        answer = scim.get("/Users")

        assert answer.headers["X-Request-ID"] == last().request_id != "taken"

    def test_nor_is_that_of_a_token_that_has_ended(self, token: str) -> None:
        new_token()
        scim = Scim(f"Bearer {token}", {**OKTA_HEADERS, "X-Request-ID": "taken"})

        answer = scim.get("/Users")

        assert answer.headers["X-Request-ID"] == last().request_id != "taken"

    def test_the_name_of_a_client_is_never_who_acted(self, token: str) -> None:
        scim = Scim(f"Bearer {token}", {**OKTA_HEADERS, "User-Agent": "Django admin: root"})

        scim.post("/Users", user(ANN))

        assert (last().client, last().actor) == ("Django admin: root", "")
        assert who(last()) == f"token …{last().token_last_four} · Django admin: root"

    @pytest.mark.parametrize("request_id", ["", "a b", "x" * 65, "ä"])
    def test_one_that_is_none_is_replaced(self, token: str, request_id: str) -> None:
        scim = Scim(f"Bearer {token}", {**OKTA_HEADERS, "X-Request-ID": request_id})

        answer = scim.post("/Users", user(ANN))

        assert answer.headers["X-Request-ID"] == last().request_id != request_id

    def test_an_event_that_cannot_be_kept_breaks_nothing(
        self, scim: Scim, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("tiled_scim.audit.events._event", fail)

        assert scim.post("/Users", user(ANN)).status == 201
        assert people() == {ANN: "active"}
        assert "could not be kept" in caplog.text

    def test_what_is_never_returned_is_not_kept(self, scim: Scim) -> None:
        scim.post("/Users", user(ANN, password="correct horse"))

        assert "correct" not in str(vars(last()))

    def test_the_token_knows_who_used_it(self, scim: Scim) -> None:
        scim.get("/Users")

        token = ScimToken.objects.get()
        assert token.last_used_from == "127.0.0.1"
        assert token.last_used_by == OKTA_HEADERS["User-Agent"]


class TestLog:
    def line(self, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
        return [record for record in caplog.records if record.name == "tiled_scim"][-1]

    def test_a_line_a_request(self, scim: Scim, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "tiled_scim")

        answer = scim.post("/Users", user(ANN))

        line = self.line(caplog)
        fields: dict[str, Any] = vars(line)["scim"]
        assert line.levelno == logging.INFO
        assert fields.pop("duration_ms") >= 0
        assert fields == {
            "request_id": answer.headers["X-Request-ID"],
            "account": "",
            "client": "Okta SCIM Client 1.0.0",
            "method": "POST",
            "path": "/scim/v2/Users",
            "status": 201,
        }
        assert "method=POST path=/scim/v2/Users status=201" in line.getMessage()

    @pytest.mark.parametrize(
        ("path", "level"),
        [
            (f"/Users?filter=userName+eq+%22{ANN}%22", logging.INFO),
            (f"/Users/{ANN}", logging.WARNING),
            (f"/Users/{ANN}/more", logging.WARNING),
            ("/Groups/ann%40example.com", logging.WARNING),
        ],
    )
    def test_names_nobody(
        self, scim: Scim, caplog: pytest.LogCaptureFixture, path: str, level: int
    ) -> None:
        caplog.set_level(logging.INFO, "tiled_scim")

        scim.send("GET", path)

        line = self.line(caplog)
        assert line.levelno == level
        assert "ann" not in line.getMessage()

    def test_a_client_cannot_write_lines_or_fields(
        self, token: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "tiled_scim")
        scim = Scim(f"Bearer {token}", {"User-Agent": "x\nERROR status=500 path='"})

        scim.get("/Users")

        message = self.line(caplog).getMessage()
        assert "\n" not in message
        assert message.count(" status=200") == 1


def shown(key: str) -> dict[str, str]:
    """A member with the name that a client wants to show."""
    return {"value": key, "display": "Ann from Sales"}


def fail(*args: object, **kwargs: object) -> None:
    raise DatabaseError("too bad")
