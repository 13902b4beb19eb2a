"""Customers on two databases: each request stays in one of them, and commands, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import Model
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.documented.pages import ROOT, named_blocks
from tests.hosts.sharded import shards
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, OKTA_HEADERS, Scim, add_members, remove_member
from tests.wire.state import MODELS
from tiled_scim.models import ScimEvent, UserLink
from tiled_scim.signals import user_provisioned

PERFORMANCE = ROOT / "docs" / "performance.md"

pytestmark = pytest.mark.django_db(databases=[*shards.SHARDS.values()])


@contextmanager
def on_shard(shard: str) -> Iterator[None]:
    reset = shards.current_shard.set(shard)
    yield
    shards.current_shard.reset(reset)


def client(host: str, token: str = "") -> Scim:
    """The Okta of a customer, with a token of theirs if none is given."""
    if not token:
        with on_shard(shards.SHARDS[host]):
            token = new_token()[1]
    return Scim(f"Bearer {token}", {**OKTA_HEADERS, "Host": host})


@pytest.fixture
def acme() -> Scim:
    return client("acme.example.com")


@pytest.fixture
def globex() -> Scim:
    return client("globex.example.com")


def counts(shard: str) -> dict[str, int]:
    """How many rows a database has, by model."""
    models: list[type[Model]] = [*MODELS, ScimEvent]
    return {model.__name__: model._default_manager.using(shard).count() for model in models}


def provision(scim: Scim) -> None:
    """Everything that Okta does with a person and a group."""
    ann = scim.add_user(ANN)
    sales = scim.add_group("Sales")
    assert scim.patch(f"/Groups/{sales}", add_members(ann)).status == 204
    assert scim.members(sales) == [ann]
    assert scim.found("/Users", f'userName eq "{ANN}"') == [ann]
    assert scim.patch(f"/Groups/{sales}", remove_member(ann)).status == 204
    scim.deactivate(ann)
    assert scim.get("/Users", cursor="").json["totalResults"] == 1
    assert scim.delete(f"/Users/{ann}").status == 204
    assert scim.delete(f"/Groups/{sales}").status == 204


@pytest.mark.parametrize(("host", "other"), [("acme", "globex"), ("globex", "acme")])
def test_all_that_a_request_writes_is_in_one_database(host: str, other: str) -> None:
    own, others = (shards.SHARDS[f"{name}.example.com"] for name in (host, other))

    provision(client(f"{host}.example.com"))

    assert all(number for name, number in counts(own).items() if "ember" not in name)
    assert not any(counts(others).values())


def test_the_same_people_may_be_in_both(acme: Scim, globex: Scim) -> None:
    keys = {acme.add_user(ANN), globex.add_user(ANN)}

    assert len(keys) == 2
    assert counts("default") == counts("east")


def test_the_users_of_each_database_are_adopted(acme: Scim, globex: Scim) -> None:
    for shard in shards.SHARDS.values():
        User.objects.using(shard).create(pk=1, username=ANN)

    acme.add_user(ANN)
    globex.add_user(ANN)

    assert counts("default") == counts("east")
    assert [*UserLink.objects.using("east").values_list("user", flat=True)] == [1]


def test_each_customer_sees_their_own_people_and_groups(acme: Scim, globex: Scim) -> None:
    for scim, name in ((acme, "ann"), (globex, "bob")):
        key = scim.add_user(name)
        sales, support = scim.add_group("Sales", key), scim.add_group("Support", key)

        [person] = scim.get("/Users").json["Resources"]
        assert [group["value"] for group in person["groups"]] == [sales, support]
        assert scim.get(f"/Users/{key}").json == person
        groups = scim.get("/Groups").json["Resources"]
        assert [group["id"] for group in groups] == [sales, support]
        assert all([member["value"] for member in group["members"]] == [key] for group in groups)
        assert scim.members(support) == [key]
        renamed = {"op": "replace", "path": "userName", "value": f"{name}.new"}
        answer = scim.patch(f"/Users/{key}", renamed)
        assert [group["value"] for group in answer.json["groups"]] == [sales, support]
        assert scim.found("/Users", f'userName eq "{name}.new"') == [key]


def test_a_token_opens_one_database() -> None:
    with on_shard("east"):
        token = new_token()[1]

    assert client("globex.example.com", token).get("/Users").status == 200
    assert client("acme.example.com", token).get("/Users").status == 401


def test_signals_follow_the_commit_in_the_database_of_the_request(
    globex: Scim, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[str] = []

    def receive(link: UserLink, **arguments: Any) -> None:
        heard.append(link.user_name)

    user_provisioned.connect(receive)
    with django_capture_on_commit_callbacks(using="east", execute=True):
        globex.add_user(ANN)
    user_provisioned.disconnect(receive)

    assert heard == [ANN]


def test_a_command_works_on_one_database(globex: Scim) -> None:
    globex.add_group("Sales", globex.add_user(ANN))
    access = Library.members.through.objects.using("east")
    access.all().delete()

    found = []
    for shard in ("default", "east"):
        with on_shard(shard):
            call_command("scim_resync", stdout=StringIO())
        found.append(access.count())

    assert found == [0, 1]


def test_the_documentation_has_this_router() -> None:
    source = (ROOT / "tests" / "hosts" / "sharded" / "shards.py").read_text()

    assert named_blocks(PERFORMANCE)["product/shards.py"] == source
