"""What a request that waited for another one sees: all that the other one did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.blocking import closing_connections, wait_until_blocked
from tests.drifting import found, group_link
from tests.factories import make_user
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, Answer, Scim, add_members, group, patch_op, remove_member
from tests.wire.state import access, people
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.moving import move

TITLE = {"op": "replace", "path": "title", "value": "Boss"}


@pytest.fixture(autouse=True)
def _committed(transactional_db: None) -> None:
    """Threads have connections of their own, which see only what was committed."""
    if connection.vendor == "sqlite":
        pytest.skip("threads cannot share SQLite's database in memory")


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


def keep_nothing(change: object) -> None:
    """Record no event."""


@contextmanager
def waiting(send: Callable[[], Any]) -> Iterator[list[Any]]:
    """Commit the block once a request waits for it. Yield the response of the request."""
    answers: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            yield answers
            future = pool.submit(closing_connections(send))
            wait_until_blocked(future)
        answers.append(future.result())


def test_that_another_group_feeds_the_library(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    sales = scim.add_group("Sales", ann)
    scim.add_group("Ops", ann)
    library = Library.objects.get(name="Sales").pk

    with waiting(lambda: scim.patch(f"/Groups/{sales}", remove_member(ann))) as answers:
        move(group_link("Ops"), library, "root")

    assert answers[0].status == 204
    assert access()["Sales"] == {ANN}
    assert found() == []


def test_that_the_group_feeds_another_library(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    sales = scim.add_group("Sales")
    library = Library.objects.create(name="Surfaces")

    with waiting(lambda: scim.patch(f"/Groups/{sales}", add_members(ann))) as answers:
        move(group_link("Sales"), library.pk, "root")

    assert answers[0].status == 204
    assert access() == {"Sales": set(), "Surfaces": {ANN}}
    assert found() == []


def test_that_the_group_which_is_pushed_again_is_there(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    scim.add_group("Sales", ann)
    library = Library.objects.create(name="Surfaces")

    with waiting(lambda: scim.post("/Groups", group("Sales"))) as answers:
        move(group_link("Sales"), library.pk, "root")

    assert answers[0].status == 409
    assert access() == {"Sales": set(), "Surfaces": {ANN}}


def test_which_library_the_group_feeds_that_people_unlink(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    scim.add_group("Sales", ann)
    library, sales = Library.objects.create(name="Surfaces"), group_link("Sales")

    with waiting(lambda: GroupService(HostAdapter(), keep_nothing).unlink(sales.pk)):
        move(sales, library.pk, "root")

    assert access() == {"Sales": set(), "Surfaces": set()}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_that_another_account_has_the_user(settings: LazySettings, method: str) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together
    make_user(ANN)
    acme, globex = client_of(ACME), client_of(GLOBEX)
    ann = acme.add_user(ANN)
    body: Any = patch_op({"op": "replace", "path": "active", "value": False})

    with waiting(lambda: acme.send(method, f"/Users/{ann}", body)) as answers:
        of_globex = globex.add_user(ANN)

    assert answers[0].status in (200, 204)
    assert globex.get(f"/Users/{of_globex}").json["active"] is True
    assert people() == {ANN: "active"}


def test_that_a_user_has_access_again(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together
    make_user(ANN)
    acme, globex = client_of(ACME), client_of(GLOBEX)
    globex.add_user(ANN)
    ann = acme.add_user(ANN)
    sales, ops = acme.add_group("Sales", ann), acme.add_group("Ops")
    move(group_link("Ops"), Library.objects.get(name="Sales").pk, "root")
    acme.deactivate(ann)
    assert access()["Sales"] == set()

    with waiting(lambda: acme.patch(f"/Groups/{ops}", add_members(ann))) as answers:
        acme.patch(f"/Users/{ann}", {"op": "replace", "path": "active", "value": True})

    assert answers[0].status == 204
    assert access()["Sales"] == {ANN}
    for key in (sales, ops):
        assert acme.patch(f"/Groups/{key}", remove_member(ann)).status == 204
    assert access()["Sales"] == set()


def test_the_groups_that_a_user_is_in(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    sales = scim.add_group("Sales")

    with waiting(lambda: scim.patch(f"/Users/{ann}", TITLE)) as answers:
        assert scim.patch(f"/Groups/{sales}", add_members(ann)).status == 204

    now = scim.get(f"/Users/{ann}")
    assert answers[0].json == now.json
    assert answers[0].headers["ETag"] == now.headers["ETag"]


def test_that_a_precondition_does_not_hold_any_more(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    sales = scim.add_group("Sales")
    tag = scim.get(f"/Users/{ann}").headers["ETag"]

    def send() -> Answer:
        return scim.send("PATCH", f"/Users/{ann}", patch_op(TITLE), {"If-Match": tag})

    with waiting(send) as answers:
        assert scim.patch(f"/Groups/{sales}", add_members(ann)).status == 204

    assert answers[0].status == 412


def test_a_delete_that_waits_for_a_group_has_not_locked_the_user_yet(scim: Scim) -> None:
    """Like a PATCH of the group, it locks the group first, so that the two do not deadlock."""
    ann = scim.add_user(ANN)
    scim.add_group("Sales", ann)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            LibraryGroupLink.objects.select_for_update().get()
            sent = pool.submit(closing_connections(lambda: scim.delete(f"/Users/{ann}")))
            wait_until_blocked(sent)
            assert UserLink.objects.select_for_update(nowait=True).get().is_live
        assert sent.result().status == 204
