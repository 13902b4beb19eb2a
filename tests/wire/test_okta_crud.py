"""Okta's CRUD test, from the wire side: what Okta sends for each step that its test takes in Okta.

The test makes a person in Okta, assigns, renames, deactivates, reactivates and unassigns them, and
looks after each step at what the server has.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from .client import Answer, Scim, user
from .state import people

LOGIN = "crud.test@okta.example"


class Okta:
    """The requests that follow from what an admin does in Okta.

    Args:
        is_wizard: whether the app was made in the app wizard; then it changes users by PUT alone.
        posts_again: whether a person who was unassigned is assigned again by POST.
    """

    def __init__(self, scim: Scim, is_wizard: bool, posts_again: bool) -> None:
        self.scim = scim
        self.is_wizard = is_wizard
        self.posts_again = posts_again
        self.profile: dict[str, object] = {}

    def lookup(self) -> list[Any]:
        answer = self.scim.get("/Users", filter=f'userName eq "{LOGIN}"', startIndex=1, count=100)
        assert answer.status == 200
        found: list[Any] = answer.json["Resources"]
        return found

    def assign(self, **profile: object) -> None:
        self.profile = profile
        found = self.lookup()
        if not found or self.posts_again:
            self._succeeded(self.scim.post("/Users", user(LOGIN, **profile)), 201)
        else:
            self._set_active(found[0]["id"], True)

    def update(self, **changes: object) -> None:
        self.profile |= changes
        [found] = self.lookup()
        got = self.scim.get(f"/Users/{found['id']}").json
        self._succeeded(self.scim.put(f"/Users/{found['id']}", {**got, **changes}))

    def unassign(self) -> None:
        [found] = self.lookup()
        self._set_active(found["id"], False)

    def _set_active(self, key: str, active: bool) -> None:
        if self.is_wizard:
            got = self.scim.get(f"/Users/{key}").json
            body = {**got, **self.profile, "active": active}
            self._succeeded(self.scim.put(f"/Users/{key}", body))
        else:
            operation = {"op": "replace", "value": {"active": active}}
            self._succeeded(self.scim.patch(f"/Users/{key}", operation))

    def _succeeded(self, answer: Answer, status: int = 200) -> None:
        assert answer.status == status, answer.text


@pytest.mark.parametrize("posts_again", [False, True], ids=["looks up", "posts again"])
@pytest.mark.parametrize("is_wizard", [False, True], ids=["catalogue app", "wizard app"])
def test_oktas_crud_test_passes(scim: Scim, is_wizard: bool, posts_again: bool) -> None:
    okta = Okta(scim, is_wizard, posts_again)
    key = ""

    def read() -> Any:
        answer = scim.get(f"/Users/{key}")
        assert answer.status == 200
        return answer.json

    # Assign the person, and verify that they were created
    okta.assign(name={"givenName": "Cara", "familyName": "Rudd"}, title="Tester")
    [created] = okta.lookup()
    key = created["id"]
    assert created["userName"] == LOGIN
    assert created["emails"][0]["value"] == LOGIN
    assert created["name"] == {"familyName": "Rudd", "givenName": "Cara"}
    assert people() == {LOGIN: "active"}

    # Update the first name
    okta.update(name={"givenName": "Clara", "familyName": "Rudd"})
    assert read()["name"]["givenName"] == "Clara"
    assert User.objects.get().first_name == "Clara"

    # Deactivate the person in Okta
    okta.unassign()
    assert read()["active"] is False
    assert people() == {LOGIN: "inactive"}

    # Reactivate the person in Okta and assign them again
    okta.assign(name={"givenName": "Clara", "familyName": "Rudd"}, title="Tester")
    assert read()["active"] is True
    assert people() == {LOGIN: "active"}

    # Remove the assignment
    okta.unassign()
    assert read()["active"] is False
    assert people() == {LOGIN: "inactive"}
    person = User.objects.get()
    assert (person.first_name, person.last_name, person.email) == ("Clara", "Rudd", LOGIN)
