"""What a host hears of provisioning, once it is committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.core.cache import cache
from django.dispatch import Signal
from django.test import Client

from tests.documented.pages import ROOT, named_blocks, table_rows
from tests.factories import make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim, add_members, remove_member, user
from tests.wire.state import access, people
from tiled_scim import signals
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, ScimEvent
from tiled_scim.provisioning.repair import repair

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = ROOT / "docs" / "signals.md"
SIGNALS = {name: signal for name, signal in vars(signals).items() if isinstance(signal, Signal)}


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The signals that were sent, with their arguments."""
    sent: list[tuple[str, dict[str, Any]]] = []
    receivers: list[tuple[Signal, Callable[..., None]]] = []
    for name, signal in SIGNALS.items():

        def receive(name: str = name, **arguments: Any) -> None:
            sent.append((name, arguments))

        signal.connect(receive)
        receivers.append((signal, receive))
    yield sent
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def plain(cell: str) -> str:
    return cell.strip("`")


def names(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The names of the signals, after a look at what they say about Ann, or one group."""
    for name, arguments in heard:
        link = arguments["link"]
        assert arguments["account"] == link.account == ""
        assert arguments["sender"] is type(link)
        if name.startswith("user_"):
            assert arguments["user"].get_username() == link.user_name == ANN
        else:
            assert arguments["library"].name == link.display_name
            assert arguments["library"].pk == link.library_id
    found = [name for name, _ in heard]
    heard.clear()
    return found


def test_a_persons_life(scim: Scim, heard: list[tuple[str, dict[str, Any]]]) -> None:
    key = scim.add_user(ANN)
    assert names(heard) == ["user_provisioned"]
    scim.patch(f"/Users/{key}", {"op": "replace", "path": "title", "value": "Boss"})
    assert names(heard) == ["user_updated"]
    scim.patch(f"/Users/{key}", {"op": "replace", "path": "title", "value": "Boss"})
    assert names(heard) == []
    scim.deactivate(key)
    assert names(heard) == ["user_updated", "user_deactivated"]
    scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": True}})
    assert names(heard) == ["user_updated", "user_reactivated"]
    scim.delete(f"/Users/{key}")
    assert names(heard) == ["user_deactivated", "user_unlinked"]
    scim.add_user(ANN)
    assert names(heard) == ["user_reactivated"]
    scim.deactivate(key)
    heard.clear()
    scim.delete(f"/Users/{key}")
    assert names(heard) == ["user_unlinked"]


class Hooked(HostAdapter):
    """Notes for whom its hooks are called, and whether they see the change."""

    called: ClassVar[list[tuple[str, str, bool]]] = []

    def user_deactivated(self, user: AbstractBaseUser) -> None:
        self.called.append(("deactivated", user.get_username(), user.is_active))

    def user_reactivated(self, user: AbstractBaseUser) -> None:
        self.called.append(("reactivated", user.get_username(), user.is_active))


def test_the_adapter_hears_of_access_in_the_transaction(
    scim: Scim, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Hooked
    monkeypatch.setattr(Hooked, "called", [])
    key = scim.add_user(ANN)
    scim.patch(f"/Users/{key}", {"op": "replace", "path": "title", "value": "Boss"})
    assert Hooked.called == []

    for end in (lambda: scim.deactivate(key), lambda: scim.delete(f"/Users/{key}")):
        end()
        assert Hooked.called == [("deactivated", ANN, False)]
        scim.add_user(ANN)
        assert Hooked.called[1:] == [("reactivated", ANN, True)]
        Hooked.called.clear()
    scim.deactivate(key)
    scim.patch(f"/Users/{key}", {"op": "replace", "path": "active", "value": True})
    assert Hooked.called == [("deactivated", ANN, False), ("reactivated", ANN, True)]


class Creating(HostAdapter):
    """Notes what users are created with."""

    created: ClassVar[list[Mapping[str, Any]]] = []

    @property
    def user_fields(self) -> dict[str, str]:
        return {**super().user_fields, "meta.created": "date_joined"}

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        self.created.append(values)
        return super().create_user(values)


def test_the_adapter_creates_users_with_what_was_pushed(
    scim: Scim, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Creating
    monkeypatch.setattr(Creating, "created", [])

    scim.add_user(ANN, active=False)

    assert Creating.created == [
        {
            "userName": ANN,
            "name.givenName": "Ann",
            "name.familyName": "Angel",
            "emails.value": ANN,
            "active": False,
        }
    ]


class SavesItself(HostAdapter):
    """A host that saves users through an instance of its own."""

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        super().update_user(User.objects.get(pk=user.pk), values)


def test_sessions_end_where_the_host_saves_users_itself(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = SavesItself
    key = scim.add_user(ANN)
    browser = Client()
    browser.force_login(User.objects.get())
    assert browser.get("/").status_code == 200

    scim.deactivate(key)
    User.objects.update(is_active=True)

    assert browser.get("/").status_code == 302


def test_a_person_who_is_pushed_as_inactive(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    key = scim.add_user(ANN, active=False)
    assert names(heard) == ["user_provisioned", "user_deactivated"]
    assert actions() == ["user_provisioned"]
    scim.add_user(ANN, active=False, title="Boss")
    assert names(heard) == ["user_updated", "user_deactivated"]
    assert actions() == ["user_provisioned", "user_updated"]
    scim.delete(f"/Users/{key}")
    heard.clear()
    scim.add_user(ANN, active=False)
    assert names(heard) == ["user_updated", "user_deactivated"]
    assert actions() == ["user_provisioned", "user_updated", "user_unlinked", "user_updated"]
    scim.add_user(ANN)
    assert names(heard) == ["user_reactivated"]


def test_a_person_who_is_adopted_as_inactive(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    make_user(ANN)

    scim.add_user(ANN, active=False)

    assert names(heard) == ["user_provisioned", "user_deactivated"]
    assert people() == {ANN: "inactive"}


def test_a_person_who_is_deleted_for_good(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]], settings: LazySettings
) -> None:
    settings.TILED_SCIM_USER_DELETE = "delete"
    key = scim.add_user(ANN)
    heard.clear()

    scim.delete(f"/Users/{key}")

    assert names(heard) == ["user_deactivated", "user_unlinked"]
    assert people() == {}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_another_person_under_the_same_name(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]], method: str
) -> None:
    key = scim.add_user(ANN, externalId="1")
    scim.deactivate(key)
    heard.clear()

    path = "/Users" if method == "POST" else f"/Users/{key}"
    scim.send(method, path, user(ANN, externalId="2"))

    assert names(heard) == ["user_unlinked", "user_provisioned"]


def actions() -> list[str]:
    """The actions of all events, in order."""
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_groups_life(scim: Scim, heard: list[tuple[str, dict[str, Any]]]) -> None:
    ann, bob = scim.add_user(ANN), scim.add_user(BOB)
    ann_key, bob_key = (User.objects.get(username=name).pk for name in (ANN, BOB))
    heard.clear()
    key = scim.add_group("Sales", ann)
    assert heard[1][1]["users"] == [ann_key]
    assert names(heard) == ["library_linked", "access_granted"]
    scim.patch(f"/Groups/{key}", add_members(ann, bob))
    assert heard[0][1]["users"] == [bob_key]
    assert names(heard) == ["access_granted"]
    scim.patch(f"/Groups/{key}", remove_member(ann))
    assert heard[0][1]["users"] == [ann_key]
    assert names(heard) == ["access_revoked"]
    scim.patch(f"/Groups/{key}", {"op": "replace", "value": {"displayName": "Field"}})
    assert names(heard) == ["library_renamed"]
    Library.objects.all().delete()
    repair(LibraryGroupLink.objects.get(), "root")
    assert names(heard) == ["library_linked", "access_granted"]
    scim.delete(f"/Groups/{key}")
    assert names(heard) == ["access_revoked", "library_unlinked"]


def test_a_refused_request_is_not_heard_of(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    scim.add_user(ANN)
    heard.clear()

    scim.post("/Users", {"userName": ANN})

    assert names(heard) == []


def test_a_receiver_that_fails_is_logged_and_breaks_nothing(
    scim: Scim, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**arguments: Any) -> None:
        raise RuntimeError("the host's own fault")

    signals.user_provisioned.connect(fail)
    try:
        scim.add_group("Sales", scim.add_user(ANN))
    finally:
        signals.user_provisioned.disconnect(fail)

    assert people() == {ANN: "active"}
    assert access() == {"Sales": {ANN}}
    assert "the host's own fault" in caplog.text


def test_the_guide_tells_of_every_signal_and_its_arguments(
    scim: Scim, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    documented = {
        plain(name): {plain(argument) for argument in arguments.split(", ")}
        for name, _, arguments in table_rows(GUIDE, "signal")
    }
    key = scim.add_user(ANN)
    scim.deactivate(key)
    scim.patch(f"/Users/{key}", {"op": "replace", "value": {"active": True}})
    sales = scim.add_group("Sales", key)
    scim.patch(f"/Groups/{sales}", {"op": "replace", "value": {"displayName": "Field"}})
    scim.delete(f"/Groups/{sales}")
    scim.delete(f"/Users/{key}")

    sent = {name: arguments.keys() - {"signal", "sender", "account"} for name, arguments in heard}

    assert sent == documented
    assert documented.keys() == SIGNALS.keys()


def test_the_receivers_of_the_guide_work(scim: Scim) -> None:
    receivers = {signal: signal.receivers[:] for signal in SIGNALS.values()}
    names: dict[str, Any] = {}
    exec(named_blocks(GUIDE)["receivers.py"], names)  # noqa: S102 (the guide's own example)
    key = scim.add_user(ANN)
    menu = f"menu:{User.objects.get().pk}"
    forgotten = []
    try:
        for request in (
            partial(scim.add_group, "Sales", key),
            partial(scim.deactivate, key),
            partial(scim.get, f"/Users/{key}"),
        ):
            cache.set(menu, "Sales")
            request()
            forgotten.append(menu not in cache)
    finally:
        cache.delete(menu)
        for signal, before in receivers.items():
            signal.receivers[:] = before
            signal.sender_receivers_cache.clear()

    assert forgotten == [True, True, False]
