"""Random legal behaviour, against the server and a model of it in memory.

Identity providers push, change and let go of people and groups in every form that is known, while
people work in the host by hand. After every step the two must agree: what SCIM shows, what the host
has, and who may open which Library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.end_to_end.state_machine.edits import (
    Edit,
    MemberEdit,
    documents,
    edits,
    email_values,
    group_names,
    member_edits,
    positions,
    some_people,
    user_names,
)
from tests.end_to_end.state_machine.model import MemberChange, Model, Refused
from tests.end_to_end.state_machine.rows import Document, HostUser, nested
from tests.end_to_end.state_machine.searches import SEARCHES
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import NOBODY, Answer, Scim, group, patch_op

Item = TypeVar("Item")

STATUS = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
# What clients send back as they found it, which must not matter.
ECHO = {"id": NOBODY, "meta": {"created": "today"}, "groups": [], "password": "secret"}
MADE_UP = 'W/"made-up"'
HOST_COLUMNS = list(vars(HostUser("")))

# If-Match: none, for any version, for the one that there is, or for an older one.
conditions = st.sampled_from([None, None, None, "any", "current", "old"])
searches = st.sampled_from([(path, text) for path, texts in SEARCHES.items() for text in texts])
words = st.fixed_dictionaries(
    {"user_name": user_names, "group_name": group_names, "email": email_values}
)
edits_by_hand = st.sampled_from(
    [
        *(("first_name", name) for name in ("Hope", "")),
        *(("email", address) for address in ("hope@host.example", "")),
        *(("is_active", value) for value in (True, False)),
        *(("is_staff", value) for value in (True, False)),
        *(("is_superuser", value) for value in (True, False)),
    ]
)


class Provisioning(RuleBasedStateMachine):
    """An identity provider, and people in the host, who do what they may, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.scim = Scim(f"Bearer {new_token()[1]}")
        self.model = Model()
        # The ids that the provider was ever given.
        self.user_keys: list[str] = []
        self.group_keys: list[str] = []
        # What was shown last, the versions that each resource had, and what a request answered.
        self.shown: dict[str, Document] = {}
        self.versions: dict[str, list[str]] = {}
        self.answered: Document | None = None

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def user(self, position: int) -> str:
        """The id of somebody who is there; at position 0, perhaps of somebody who was."""
        shown = list(self.model.shown_people())
        return at(shown if position else self.user_keys, position) or NOBODY

    def users(self, positions: list[int]) -> list[str]:
        return [self.user(position) for position in positions]

    def group(self, position: int) -> str:
        """The same of groups."""
        shown = list(self.model.shown_groups())
        return at(shown if position else self.group_keys, position) or NOBODY

    def send(
        self,
        method: str,
        path: str,
        body: object,
        action: Callable[..., Any],
        condition: str | None = None,
    ) -> tuple[Answer, Any]:
        """Send a request; it must be carried out, or refused, as it is in the model.

        Args:
            action: does it in the model; takes whether the version is the one that If-Match names.

        Returns:
            The answer, and what the action returned; None where it was refused.
        """
        headers = self.if_match(path.rpartition("/")[2], condition)
        answer = self.scim.send(method, path, body, headers)
        is_silent = method == "PATCH" and path.startswith("/Groups")
        expected, result = 204 if is_silent else STATUS[method], None
        try:
            result = action() if method == "POST" else action(is_current=condition != "old")
        except Refused as refusal:
            expected = refusal.status
        assert answer.status == expected, answer.text
        self.answered = answer.json
        return answer, result

    def if_match(self, key: str, condition: str | None) -> dict[str, str]:
        versions = self.versions.get(key, [MADE_UP])
        old = next((version for version in versions if version != versions[-1]), MADE_UP)
        tags = {"any": "*", "current": f'"other", {versions[-1]}', "old": old}
        return {"If-Match": tags[condition]} if condition else {}

    @initialize(people=st.lists(documents, min_size=2, max_size=3), name=group_names)
    def begin(self, people: list[Document], name: str) -> None:
        for document in people:
            self.assign(document)
        self.push(name, [1, 2])

    # People

    @rule(document=documents)
    def assign(self, document: Document) -> None:
        action = partial(self.model.create_person, without_nulls(document))
        answer, person = self.send("POST", "/Users", nested(document), action)
        if person:
            remember(self.user_keys, self.model.people, answer.json["id"], person)

    @rule(position=positions, document=documents, condition=conditions)
    def replace(self, position: int, document: Document, condition: str | None) -> None:
        key = self.user(position)
        action = partial(self.model.replace_person, key, without_nulls(document))
        self.send("PUT", f"/Users/{key}", {**ECHO, **nested(document)}, action, condition)

    @rule(position=positions, changes=edits, condition=conditions)
    def change(self, position: int, changes: list[Edit], condition: str | None) -> None:
        key = self.user(position)
        body = patch_op(*(change.operation for change in changes))
        action = partial(self.model.patch_person, key, changes)
        self.send("PATCH", f"/Users/{key}", body, action, condition)

    @rule(position=positions, condition=conditions)
    def delete(self, position: int, condition: str | None) -> None:
        key = self.user(position)
        action = partial(self.model.delete_person, key)
        self.send("DELETE", f"/Users/{key}", None, action, condition)

    # Groups

    @rule(name=group_names, people=some_people)
    def push(self, name: str, people: list[int]) -> None:
        keys = self.users(people)
        action = partial(self.model.create_group, name, [MemberChange("add", keys)])
        answer, pushed = self.send("POST", "/Groups", group(name, *keys), action)
        if pushed:
            remember(self.group_keys, self.model.groups, answer.json["id"], pushed)

    @rule(
        position=positions,
        name=group_names,
        people=st.none() | some_people,
        condition=conditions,
    )
    def replace_group(
        self, position: int, name: str, people: list[int] | None, condition: str | None
    ) -> None:
        key, keys = self.group(position), self.users(people or [])
        body = {**ECHO, **group(name, *keys)}
        changes = [MemberChange("replace", keys)]
        if people is None:
            del body["members"], changes[0]
        action = partial(self.model.change_group, key, name, changes)
        self.send("PUT", f"/Groups/{key}", body, action, condition)

    @rule(
        position=positions,
        name=st.none() | group_names,
        members=member_edits,
        condition=conditions,
    )
    def change_group(
        self, position: int, name: str | None, members: list[MemberEdit], condition: str | None
    ) -> None:
        key = self.group(position)
        edits = [(edit, self.users(edit.people)) for edit in members]
        operations = [edit.operation(keys) for edit, keys in edits]
        if name or not operations:
            value = {"id": NOBODY, **({"displayName": name} if name else {})}
            operations.insert(0, {"op": "replace", "value": value})
        changes = [edit.change(keys) for edit, keys in edits]
        action = partial(self.model.change_group, key, name, changes)
        self.send("PATCH", f"/Groups/{key}", patch_op(*operations), action, condition)

    @rule(position=positions, condition=conditions)
    def unlink(self, position: int, condition: str | None) -> None:
        key = self.group(position)
        action = partial(self.model.delete_group, key)
        self.send("DELETE", f"/Groups/{key}", None, action, condition)

    # By hand, in the host

    @rule(username=user_names, is_active=st.booleans(), is_staff=st.booleans())
    def hire(self, username: str, is_active: bool, is_staff: bool) -> None:
        if self.is_free(username):
            user = HostUser(username, "Hope", is_active=is_active, is_staff=is_staff)
            User.objects.create(**vars(user))
            self.model.users.append(user)

    @rule(position=positions, edit=edits_by_hand)
    def edit_user(self, position: int, edit: tuple[str, object]) -> None:
        if user := at(self.model.users, position):
            User.objects.filter(username=user.username).update(**dict([edit]))
            setattr(user, *edit)

    @rule(position=positions, username=user_names)
    def rename_user(self, position: int, username: str) -> None:
        if self.is_free(username):
            self.edit_user(position, ("username", username))

    @rule(position=positions)
    def delete_user(self, position: int) -> None:
        if user := at(self.model.users, position):
            User.objects.get(username=user.username).delete()
            self.model.delete_user(user)

    @rule(position=positions, who=positions, may=st.booleans())
    def give_or_take_access(self, position: int, who: int, may: bool) -> None:
        library, user = at(self.model.libraries, position), at(self.model.users, who)
        if library and user:
            members, person = self.row(library).members, User.objects.get(username=user.username)
            members.add(person) if may else members.remove(person)
            library.members.add(user) if may else library.members.discard(user)

    @rule(position=positions, name=group_names)
    def rename_library(self, position: int, name: str) -> None:
        if library := at(self.model.libraries, position):
            Library.objects.filter(pk=self.row(library).pk).update(name=name)
            library.name = name

    @rule(position=positions)
    def delete_library(self, position: int) -> None:
        if library := at(self.model.libraries, position):
            self.row(library).delete()
            self.model.delete_library(library)

    def is_free(self, username: str) -> bool:
        """Also where letter case counts, people do not take a name that is taken but for that."""
        return all(user.username.lower() != username.lower() for user in self.model.users)

    def row(self, library: object) -> Library:
        groups = self.model.groups.items()
        key = next(key for key, pushed in groups if pushed.library is library)
        return Library.objects.get(scim_links__pk=key)

    # What must agree

    @rule(search=searches, words=words, user=positions, group=positions, count=st.integers(1, 3))
    def search(
        self, search: tuple[str, str], words: dict[str, str], user: int, group: int, count: int
    ) -> None:
        """What a filter finds, on pages by cursor: in order of creation."""
        path, text = search
        words = {**words, "user": self.user(user), "group": self.group(group)}
        parameters = {"filter": text.format(**words), "count": count}
        fits, resources = SEARCHES[path][text], self.expected()[path]
        expected = [key for key, resource in resources.items() if fits(resource, words)]
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.scim.get(path, cursor=cursor, **parameters).json
            assert page["totalResults"] == len(expected)
            found += [resource["id"] for resource in page["Resources"]]
            cursor = page.get("nextCursor")
        assert found == expected

    @invariant()
    def resources_agree(self) -> None:
        before, self.shown = self.shown, {}
        expected = {key: shown for rows in self.expected().values() for key, shown in rows.items()}
        resources = self.scim.get("/", count=100).json["Resources"]  # users, then groups
        assert [resource["id"] for resource in resources] == list(expected)
        for resource in resources:
            self.check(resource, expected[resource["id"]], before.get(resource["id"]))
        self.answered = None

    def check(self, resource: Document, expected: Document, before: Document | None) -> None:
        """What is shown is what should be; and its version is another if it is."""
        key = resource["id"]
        if self.answered and self.answered.get("id") == key:
            assert resource == self.answered
        version = resource.pop("meta")["version"]
        resource = without_order(resource)
        assert resource == without_order(expected)
        versions = self.versions.setdefault(key, [])
        if before is not None and resource != before:
            assert version != versions[-1]
        elif before is not None and "userName" in resource:
            # A group's may change unseen, when a push gives access that people took away.
            assert version == versions[-1]
        versions.append(version)
        self.shown[key] = resource

    def expected(self) -> dict[str, dict[str, Document]]:
        return {"/Users": self.model.shown_people(), "/Groups": self.model.shown_groups()}

    @invariant()
    def the_host_agrees(self) -> None:
        users = list(User.objects.values_list(*HOST_COLUMNS))
        assert sorted(users) == sorted(tuple(vars(user).values()) for user in self.model.users)
        assert Library.objects.count() == len(self.model.libraries)
        for library in self.model.libraries:
            row = self.row(library)
            usernames = set(row.members.values_list("username", flat=True))
            assert row.name == library.name
            assert usernames == {user.username for user in library.members}


def at(items: Sequence[Item], position: int) -> Item | None:
    """One of the items, at any position, if there is one."""
    return items[position % len(items)] if items else None


def remember(keys: list[str], rows: dict[str, Item], key: str, row: Item) -> None:
    """Note the id of what was pushed; if it was known, it has its old one."""
    assert rows.setdefault(key, row) is row
    assert [known for known, other in rows.items() if other is row] == [key]
    if key not in keys:
        keys.append(key)


def without_nulls(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def without_order(resource: Document) -> Document:
    """The resource with what has no order sorted, and without URIs, which say nothing new."""
    related = {
        name: sorted(
            (
                {part: element[part] for part in ("value", "display", "type")}
                for element in elements
            ),
            key=lambda element: element["value"],
        )
        for name, elements in resource.items()
        if name in ("groups", "members")
    }
    return {**resource, **related}


@pytest.mark.django_db
def test_the_server_does_what_a_model_of_it_does() -> None:
    run_state_machine_as_test(
        Provisioning,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
