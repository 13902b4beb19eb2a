"""No request of one account changes or reveals anything of another one, whoever they share.

Three accounts have the same people, pushed or added by hand. Each account gets the same answers
as if it were alone in the host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import Q
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.hosts.company import settings as host
from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.projects.models import Project
from tests.tokens import new_token
from tests.wire.client import Answer, Scim, group, patch_op, user
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import ScimError
from tiled_scim.models import ScimEvent
from tiled_scim.provider_check.expectations import TILED_SCHEMA

pytestmark = pytest.mark.django_db


WITH_ROLES = {**host.TILED_SCIM_MEMBERSHIP_FIELDS, "roles": "role"}


@pytest.fixture(
    params=[
        {},
        # Without roles in the host, `roles` is only stored.
        {"TILED_SCIM_MEMBERSHIP_FIELDS": WITH_ROLES, "TILED_SCIM_ADOPT_USERS": "email"},
        {"TILED_SCIM_ADOPT_USERS": None},
    ],
    ids=["by userName", "by email, with roles", "without adoption"],
    autouse=True,
)
def _host(request: pytest.FixtureRequest, settings: LazySettings) -> None:
    """The host finds existing people by one value or none, and offers roles or none."""
    for name, value in request.param.items():
        setattr(settings, name, value)


# What a request does is much the same on each database.
EXAMPLES = 15 if connection.vendor == "sqlite" else 5
ACCOUNTS = [UUID(int=number) for number in (1, 2, 3)]
NAMES = ["ann@example.com", "Bob@example.com", "bob@example.com", "carl@example.com"]
# Names are among them, so that values often collide.
ADDRESSES = [*NAMES, "Ann@example.com", "other@example.com", "Boss"]
GROUPS = ["Sales", "sales", "Research"]
# Sees everything of the account: all that its identity provider could read.
VIEWS = ["/Users?count=100", "/Groups?count=100", "/Users?sortBy=emails.value&sortOrder=descending"]

UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

texts = st.sampled_from(
    ["", "Ann", "Boss", "ann@example.com", "bob@example.com", "other@example.com"]
)
names = st.sampled_from(NAMES)
roles = st.sampled_from(["member", "admin", "owner", "boss"])
attributes = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "active": st.booleans(),
        "externalId": texts,
        "name": st.fixed_dictionaries({}, optional={"givenName": texts, "familyName": texts}),
        "emails": st.lists(
            st.builds(lambda value: {"value": value}, st.sampled_from(ADDRESSES)), max_size=2
        ),
        "roles": st.lists(roles, max_size=2),
        TILED_SCHEMA: st.builds(lambda value: {"tiledAdmin": value}, st.booleans()),
    },
)
single_values = st.one_of(
    st.tuples(st.sampled_from(["title", "name.givenName", "userName", "nickName"]), texts),
    st.tuples(st.just('emails[type eq "work"].value'), st.sampled_from(["", *ADDRESSES])),
    st.tuples(st.just("roles"), st.lists(roles, max_size=1)),
    st.tuples(st.sampled_from(["active", f"{TILED_SCHEMA}:tiledAdmin"]), st.booleans()),
)
filters = st.one_of(
    st.builds(
        '{} {} "{}"'.format,
        st.sampled_from(["userName", "emails.value", "name.givenName", "title", "externalId"]),
        st.sampled_from(["eq", "sw", "co", "ne"]),
        texts,
    ),
    st.sampled_from(
        [
            "active eq true",
            "active eq false",
            "name.familyName pr",
            "emails pr",
            f"{TILED_SCHEMA}:tiledAdmin eq true",
            "groups pr",
            "roles pr",
        ]
    ),
)
positions = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("push"), names, attributes),
    st.tuples(st.just("put"), positions, names, attributes),
    st.tuples(st.just("patch"), positions, single_values),
    st.tuples(st.just("delete"), positions),
    st.tuples(st.just("find"), filters),
    st.tuples(st.just("push group"), st.sampled_from(GROUPS), st.lists(positions, max_size=3)),
    st.tuples(st.just("add members"), positions, st.lists(positions, max_size=3)),
    st.tuples(st.just("delete group"), positions),
    st.tuples(st.just("give role"), positions, roles, st.booleans()),
)
# Who acts, and how. Account 0 is the one that is looked at.
histories = st.lists(st.tuples(st.integers(0, 2), steps), max_size=12)
by_hand = st.lists(st.tuples(st.integers(1, 2), names, st.booleans()), max_size=3)
# People without an account: who registered, and who works for the host.
POWERS = ("none", "is_staff", "is_superuser", "permission")
outsiders = st.lists(st.tuples(names, st.sampled_from(POWERS)), max_size=2)


@dataclass
class Provider:
    """The identity provider of an account, and what it was answered."""

    account: UUID
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        token = new_token(str(self.account))[1]
        self.scim = Scim(f"Bearer {token}")

    def act(self, step: tuple[Any, ...]) -> None:
        kind, *arguments = step
        getattr(self, f"_{kind.replace(' ', '_')}")(*arguments)
        for view in VIEWS:
            self._note(self.scim.get(view))

    def _push(self, name: str, attributes: dict[str, Any]) -> None:
        self._keep(self.users, self.scim.post("/Users", user(name, **attributes)))

    def _put(self, position: int, name: str, attributes: dict[str, Any]) -> None:
        self._note(self.scim.put(self._user(position), user(name, **attributes)))

    def _patch(self, position: int, value: tuple[str, Any]) -> None:
        operation = {"op": "replace", "path": value[0], "value": value[1]}
        self._note(self.scim.patch(self._user(position), operation))

    def _delete(self, position: int) -> None:
        self._note(self.scim.delete(self._user(position)))

    def _find(self, filter_: str) -> None:
        self._note(self.scim.get("/Users", filter=filter_))

    def _push_group(self, name: str, members: list[int]) -> None:
        self._keep(self.groups, self.scim.post("/Groups", group(name, *self._keys(members))))

    def _add_members(self, position: int, members: list[int]) -> None:
        value = [{"value": key} for key in self._keys(members)]
        operation = {"op": "add", "path": "members", "value": value}
        self._note(self.scim.send("PATCH", self._group(position), patch_op(operation)))

    def _delete_group(self, position: int) -> None:
        self._note(self.scim.delete(self._group(position)))

    def _give_role(self, position: int, role: str, keeps_library: bool) -> None:
        """An admin of the account sets the role of a group by hand."""
        connection = Connection(str(self.account))
        group = connection.groups().filter(pk=self._group(position).rpartition("/")[2]).first()
        if group is not None:
            with suppress(ScimError):
                connection.give_role(group, role, Actor("Eve"), keeps_library=keeps_library)

    def _keys(self, positions: list[int]) -> list[str]:
        return [self._user(position).rpartition("/")[2] for position in positions]

    def _user(self, position: int) -> str:
        return f"/Users/{(self.users + [str(UUID(int=0))] * 4)[position]}"

    def _group(self, position: int) -> str:
        return f"/Groups/{(self.groups + [str(UUID(int=0))] * 4)[position]}"

    def _keep(self, keys: list[str], answer: Answer) -> None:
        if answer.status == 201 and answer.json["id"] not in keys:
            keys.append(answer.json["id"])
        self._note(answer)

    def _note(self, answer: Answer) -> None:
        """Keep an answer, with ids by their position and without times and versions."""
        keys = self.users + self.groups
        text = json.dumps(without_meta(answer.json))
        text = UUID_TEXT.sub(lambda key: f"<{keys.index(key[0])}>" if key[0] in keys else "?", text)
        self.answers.append((answer.status, text))


def without_meta(value: Any) -> Any:
    """Return a JSON value without the `meta` of resources, and with members in order of names.

    Members that come together are kept in the order of their ids, which are random.
    """
    if isinstance(value, list):
        return [without_meta(each) for each in value]
    if not isinstance(value, dict):
        return value
    members = sorted(value.get("members", ()), key=lambda member: str(member["display"]))
    return {
        name: members if name == "members" else without_meta(each)
        for name, each in value.items()
        if name != "meta"
    }


def add_outsider(email: str, power: str) -> None:
    """Somebody who has no account, unless an account has them already."""
    names = {"first_name": "secret", "last_name": "secret", "password": "a hash"}
    person, is_new = Person.objects.get_or_create(email=email.lower(), defaults=names)
    if not is_new:
        return
    if power.startswith("is_"):
        Person.objects.filter(pk=person.pk).update(**{power: True})
    if power == "permission":
        person.user_permissions.add(Permission.objects.all()[0])


@contextmanager
def a_host(
    by_hand: list[tuple[int, str, bool]], outsiders: list[tuple[str, str]] | None = None
) -> Iterator[list[Provider]]:
    """A host whose accounts have some people already. Nothing of it remains."""
    with transaction.atomic():
        for key in ACCOUNTS:
            Account.objects.create(pk=key, name=f"Account {key.int}")
        for account, email, is_active in by_hand:
            person, _created = Person.objects.get_or_create(email=email.lower())
            Membership.objects.get_or_create(
                person=person,
                account_id=ACCOUNTS[account],
                defaults={"role": "owner", "is_active": is_active, "title": "secret"},
            )
        for email, power in outsiders or []:
            add_outsider(email, power)
        yield [Provider(key) for key in ACCOUNTS]
        transaction.set_rollback(True)


def rows_of(account: UUID) -> dict[str, list[Any]]:
    """What the host has for an account."""
    memberships = Membership.objects.filter(account=account).order_by("pk")
    projects = Project.objects.filter(account=account)
    return {
        "memberships": list(memberships.values_list("role", "is_active", "title")),
        "projects": [
            (project.name, project.members.count()) for project in projects.order_by("name")
        ],
        "events": list(
            ScimEvent.objects.filter(account=str(account))
            .order_by("pk")
            .values_list("action", "outcome", "status", "resource_name")
        ),
    }


@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, by_hand=by_hand, outsiders=outsiders)
def test_account_is_answered_as_if_it_were_alone(
    history: list[tuple[int, tuple[Any, ...]]],
    by_hand: list[tuple[int, str, bool]],
    outsiders: list[tuple[str, str]],
) -> None:
    check_as_if_alone(history, by_hand, outsiders)


def check_as_if_alone(
    history: list[tuple[int, tuple[Any, ...]]],
    by_hand: list[tuple[int, str, bool]],
    outsiders: list[tuple[str, str]],
) -> None:
    with a_host(by_hand, outsiders) as providers:
        for who, step in history:
            providers[who].act(step)
        together, rows_together = providers[0].answers, rows_of(ACCOUNTS[0])
    with a_host([]) as providers:
        for who, step in history:
            if who == 0:
                providers[0].act(step)
        alone, rows_alone = providers[0].answers, rows_of(ACCOUNTS[0])

    assert together == alone
    assert rows_together == rows_alone


def with_email(kind: str, *arguments: Any) -> tuple[int, tuple[Any, ...]]:
    *others, email = arguments
    return 0, (kind, *others, {"emails": [{"value": email}] if email else []})


ANN, BOB, CARL, DORA = (f"{name}@example.com" for name in ("ann", "bob", "carl", "dora"))


@pytest.mark.parametrize(
    ("other", "history"),
    [
        (ANN, [with_email("push", CARL, ANN), with_email("push", BOB, ANN)]),
        (BOB, [with_email("push", CARL, ANN), with_email("push", ANN, BOB)]),
        (ANN, [with_email("push", CARL, ANN), with_email("push", ANN, "")]),
        (
            BOB,
            [
                with_email("push", CARL, ANN),
                with_email("push", BOB, BOB),
                with_email("put", 1, BOB, ANN),
            ],
        ),
        (
            ANN,
            [
                with_email("push", CARL, ANN),
                with_email("push", BOB, BOB),
                with_email("put", 1, ANN, BOB),
            ],
        ),
        (
            CARL,
            [
                with_email("push", CARL, CARL),
                with_email("push", BOB, BOB),
                with_email("put", 0, CARL, ANN),
                with_email("put", 1, BOB, ANN),
            ],
        ),
        (
            CARL,
            [
                with_email("push", CARL, CARL),
                with_email("put", 0, CARL, ANN),
                with_email("push", BOB, ANN),
            ],
        ),
        (
            ANN,
            [
                with_email("push", CARL, ANN),
                with_email("push", BOB, BOB),
                (0, ("delete", 0)),
                with_email("push", DORA, ANN),
                with_email("push", CARL, CARL),
            ],
        ),
        (
            BOB,
            [
                with_email("push", CARL, BOB),
                with_email("put", 0, CARL, ""),
                with_email("push", "Bob@example.com", DORA),
            ],
        ),
    ],
)
def test_an_address_is_taken_wherever_it_is_kept(
    other: str, history: list[tuple[int, tuple[Any, ...]]]
) -> None:
    """On the host user, or on the account's link because another account has the user."""
    check_as_if_alone(history, [(2, other, True)], [])


def keys_of(condition: Q) -> list[int]:
    return list(Person.objects.filter(condition).values_list("pk", flat=True))


@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, max_size=10), by_hand=by_hand, outsiders=outsiders)
def test_account_changes_nothing_of_people_whom_others_have(
    history: list[tuple[Any, ...]],
    by_hand: list[tuple[int, str, bool]],
    outsiders: list[tuple[str, str]],
) -> None:
    """Nor of those who work for the host. Who only registered may be the account's from now on."""
    with a_host(by_hand, outsiders) as providers:
        is_active_elsewhere = Q(memberships__account__in=ACCOUNTS[1:], memberships__is_active=True)
        has_power = Q(is_staff=True) | Q(is_superuser=True) | Q(user_permissions__isnull=False)
        untouchable = keys_of(is_active_elsewhere | has_power)
        shared = keys_of(Q(memberships__account__in=ACCOUNTS[1:]) | has_power)
        columns = ("pk", "email", "first_name", "last_name", "is_staff", "is_superuser")

        def read() -> list[Any]:
            people = Person.objects.order_by("pk")
            return [
                list(people.filter(pk__in=shared).values_list(*columns)),
                # Whoever is active nowhere else is signed out, see `HostAdapter.end_sessions`.
                list(people.filter(pk__in=untouchable).values_list("password", "is_active")),
                [rows_of(key) for key in ACCOUNTS[1:]],
            ]

        before = read()

        for step in history:
            providers[0].act(step)

        assert read() == before
