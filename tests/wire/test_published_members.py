"""The changes of members in other implementations' tests do here what they do there."""

from __future__ import annotations

import pytest

from .client import ANN, BOB, CARL, NOBODY, Scim
from .published.members import CHANGES, with_ids
from .published.patches import Document
from .state import access, refused

USER_NAMES = {"ann": ANN, "bob": BOB, "carl": CARL}


@pytest.mark.parametrize(("operations", "after"), CHANGES.values(), ids=CHANGES)
def test_they_do_the_same(scim: Scim, operations: list[Document], after: set[str] | str) -> None:
    ids = {name: scim.add_user(user_name) for name, user_name in USER_NAMES.items()}
    path = f"/Groups/{scim.add_group('Sales', ids['ann'], ids['bob'])}"
    sent = with_ids(operations, {**ids, "nobody": NOBODY})

    if isinstance(after, str):
        body = {"Operations": sent}
        assert refused(scim, "PATCH", path, body).error == (400, after)
        return
    assert scim.patch(path, *sent).status == 204
    members = scim.get(path).json.get("members", [])
    assert {member["value"] for member in members} == {ids[name] for name in after}
    assert access() == {"Sales": {USER_NAMES[name] for name in after}}
