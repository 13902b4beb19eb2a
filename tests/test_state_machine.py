"""Random legal client behaviour, against the server and a model of it in memory.

After every request the two must agree: what SCIM shows, who is active and an admin in the host, and
who may open which Library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from example_project.libraries.models import Library
from tests.wire.client import (
    TILED_USER,
    Answer,
    Scim,
    add_members,
    group,
    remove_member,
    replace_members,
)
from tiled_scim.models import LibraryGroupLink, ScimToken

USER_NAMES = ["ann", "bob", "cat"]
GROUP_NAMES = ["Sales", "Ops", "Field"]

user_names = st.sampled_from(USER_NAMES)
some_users = st.lists(user_names, unique=True)
group_names = st.sampled_from(GROUP_NAMES)
titles = st.sampled_from(["Boss", "Guide", None])
switches = st.sampled_from([True, False, None])


@dataclass
class Person:
    key: str
    is_live: bool = True
    is_active: bool = True
    is_admin: bool = False
    title: str | None = None


@dataclass
class PushedGroup:
    key: str
    name: str
    is_live: bool = True
    members: set[str] = field(default_factory=set)


class Provisioning(RuleBasedStateMachine):
    """An identity provider that does whatever it may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.scim = Scim(f"Bearer {ScimToken.objects.generate()[1]}")
        self.people: dict[str, Person] = {}
        self.groups: list[PushedGroup] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # What the provider knows

    def path(self, name: str) -> str:
        person = self.people.get(name)
        return f"/Users/{person.key if person else 'nobody'}"

    def keys(self, names: list[str]) -> list[str]:
        return [self.people[name].key for name in names if name in self.people]

    def live(self, names: list[str]) -> set[str]:
        return {name for name in names if name in self.people and self.people[name].is_live}

    def named(self, name: str) -> PushedGroup | None:
        return next((found for found in self.groups if found.name == name), None)

    def expect(self, answer: Answer, status: int, exists: bool) -> bool:
        """Whether the request was carried out, as it must be where there is such a resource."""
        assert answer.status == (status if exists else 404), answer.text
        return exists

    # People

    @rule(name=user_names, active=switches, title=titles)
    def assign(self, name: str, active: bool | None, title: str | None) -> None:
        body = {"userName": name, "title": title, "active": active}
        answer = self.scim.post("/Users", body)
        person = self.people.get(name)
        if person and person.is_live and person.is_active:
            assert answer.error == (409, "uniqueness")
            return
        assert answer.status == 201, answer.text
        if person is None:
            person = self.people[name] = Person(answer.json["id"])
        assert answer.json["id"] == person.key
        person.is_live, person.is_active, person.title = True, active is not False, title

    @rule(name=user_names, active=switches, title=titles)
    def replace(self, name: str, active: bool | None, title: str | None) -> None:
        body = {"userName": name.upper(), "title": title, "active": active}
        answer = self.scim.put(self.path(name), body)
        if self.expect(answer, 200, bool(self.live([name]))):
            person = self.people[name]
            person.title = title
            person.is_active = person.is_active if active is None else active
            assert self.scim.put(self.path(name), {**answer.json, "userName": name}).status == 200

    @rule(name=user_names, active=st.sampled_from([True, False, "True", "False"]))
    def switch(self, name: str, active: bool | str) -> None:
        answer = self.scim.patch(self.path(name), {"op": "Replace", "value": {"active": active}})
        if self.expect(answer, 200, bool(self.live([name]))):
            self.people[name].is_active = str(active) == "True"

    @rule(name=user_names, is_admin=st.booleans(), with_path=st.booleans())
    def make_admin(self, name: str, is_admin: bool, with_path: bool) -> None:
        urn = f"{TILED_USER}:tiledAdmin"
        operation: dict[str, Any] = {"op": "add", "path": urn, "value": is_admin}
        if not with_path:
            operation = {"op": "add", "value": {TILED_USER: {"tiledAdmin": is_admin}}}
        answer = self.scim.patch(self.path(name), operation)
        if self.expect(answer, 200, bool(self.live([name]))):
            self.people[name].is_admin = is_admin

    @rule(name=user_names, title=titles)
    def entitle(self, name: str, title: str | None) -> None:
        operation: dict[str, Any] = {"op": "replace", "path": "title", "value": title}
        if title is None:
            operation = {"op": "remove", "path": "title"}
        answer = self.scim.patch(self.path(name), operation)
        if self.expect(answer, 200, bool(self.live([name]))):
            self.people[name].title = title

    @rule(name=user_names)
    def delete(self, name: str) -> None:
        answer = self.scim.delete(self.path(name))
        if self.expect(answer, 204, bool(self.live([name]))):
            person = self.people[name]
            person.is_live = person.is_active = person.is_admin = False
            for pushed in self.groups:
                pushed.members.discard(name)

    # Groups

    @rule(name=group_names, members=some_users)
    def push(self, name: str, members: list[str]) -> None:
        answer = self.scim.post("/Groups", group(name, *self.keys(members)))
        pushed = self.named(name)
        if pushed and pushed.is_live:
            assert answer.error == (409, "uniqueness")
            return
        assert answer.status == 201, answer.text
        if pushed is None:
            pushed = PushedGroup(answer.json["id"], name)
            self.groups.append(pushed)
        assert answer.json["id"] == pushed.key
        pushed.is_live, pushed.members = True, self.live(members)

    @rule(name=group_names, added=some_users, removed=some_users, adds_first=st.booleans())
    def change(self, name: str, added: list[str], removed: list[str], adds_first: bool) -> None:
        adds = [add_members(*self.keys(added))]
        removes = [remove_member(key) for key in self.keys(removed)]
        operations = adds + removes if adds_first else removes + adds
        pushed = self.named(name)
        answer = self.scim.patch(f"/Groups/{pushed.key if pushed else 'none'}", *operations)
        if self.expect(answer, 204, pushed is not None and pushed.is_live) and pushed:
            gone, come = set(removed), self.live(added)
            old = pushed.members
            pushed.members = (old | come) - gone if adds_first else (old - gone) | come

    @rule(name=group_names, members=some_users, form=st.sampled_from(["path", "value", "put"]))
    def push_now(self, name: str, members: list[str], form: str) -> None:
        pushed = self.named(name)
        path = f"/Groups/{pushed.key if pushed else 'none'}"
        keys = self.keys(members)
        sent = [{"value": key} for key in keys]
        if form == "put":
            answer = self.scim.put(path, group(name, *keys))
        elif form == "path":
            answer = self.scim.patch(path, replace_members(*keys))
        else:
            value = {"displayName": name, "members": sent}
            answer = self.scim.patch(path, {"op": "replace", "value": value})
        status = 200 if form == "put" else 204
        if self.expect(answer, status, pushed is not None and pushed.is_live) and pushed:
            pushed.members = self.live(members)

    @rule(name=group_names, new_name=group_names)
    def rename(self, name: str, new_name: str) -> None:
        pushed, other = self.named(name), self.named(new_name)
        path = f"/Groups/{pushed.key if pushed else 'none'}"
        value = {"id": "ignored", "displayName": new_name}
        answer = self.scim.patch(path, {"op": "replace", "value": value})
        if pushed is None or not pushed.is_live:
            assert answer.status == 404
        elif other is not None and other is not pushed and other.is_live:
            assert answer.error == (409, "uniqueness")
        else:
            assert answer.status == 204, answer.text
            if other is not None and other is not pushed:
                self.groups.remove(other)  # it was let go of, and gives up its name
            pushed.name = new_name

    @rule(name=group_names)
    def unlink(self, name: str) -> None:
        pushed = self.named(name)
        answer = self.scim.delete(f"/Groups/{pushed.key if pushed else 'none'}")
        if self.expect(answer, 204, pushed is not None and pushed.is_live) and pushed:
            pushed.is_live, pushed.members = False, set()

    # What must agree

    @invariant()
    def people_agree(self) -> None:
        live = {name: person for name, person in self.people.items() if person.is_live}
        resources = self.scim.get("/Users", count=100).json["Resources"]
        assert {resource["userName"].lower(): self.shown(resource) for resource in resources} == {
            name: (
                person.key,
                person.is_active,
                person.is_admin,
                person.title,
                sorted(pushed.name for pushed in self.groups if name in pushed.members),
            )
            for name, person in live.items()
        }
        host = User.objects.values_list("username", "is_active", "is_staff")
        assert {name.lower(): (active, admin) for name, active, admin in host} == {
            name: (person.is_active, person.is_admin) for name, person in self.people.items()
        }

    def shown(self, resource: dict[str, Any]) -> tuple[object, ...]:
        return (
            resource["id"],
            resource["active"],
            resource[TILED_USER]["tiledAdmin"],
            resource.get("title"),
            sorted(shown["display"] for shown in resource.get("groups", [])),
        )

    @invariant()
    def groups_agree(self) -> None:
        resources = self.scim.get("/Groups", count=100).json["Resources"]
        assert {
            resource["id"]: (
                resource["displayName"],
                {member["value"] for member in resource["members"]},
            )
            for resource in resources
        } == {
            pushed.key: (pushed.name, set(self.keys(sorted(pushed.members))))
            for pushed in self.groups
            if pushed.is_live
        }
        for pushed in self.groups:
            library = LibraryGroupLink.objects.get(pk=pushed.key).library
            assert isinstance(library, Library)
            assert library.name == pushed.name
            names = library.members.values_list("username", flat=True)
            assert {name.lower() for name in names} == pushed.members


@pytest.mark.django_db
def test_the_server_does_what_a_model_of_it_does() -> None:
    run_state_machine_as_test(
        Provisioning,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
