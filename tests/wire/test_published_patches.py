"""The PATCHes of other implementations' tests do here what they do there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from .client import CORE_USER, Scim
from .published.patches import Patch, Refused
from .published.ping import PING
from .published.scim_sdk import SCIM_SDK
from .published.scimple import SCIMPLE

CASES = {
    f"{source}: {name}": case
    for source, cases in {"SCIMple": SCIMPLE, "Ping": PING, "SCIM-SDK": SCIM_SDK}.items()
    for name, case in cases.items()
}
# What the server adds to a user, or derives from the others.
ADDED = {"schemas", "id", "meta", "active"}


def created(scim: Scim, attributes: Mapping[str, object]) -> dict[str, Any]:
    body = {"schemas": [CORE_USER], "userName": "bjensen", **attributes}
    answer = scim.post("/Users", body)
    assert answer.status == 201, answer.text
    user: dict[str, Any] = answer.json
    return user


def sent(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a user that clients write, without what is absent."""
    return {name: present(value) for name, value in user.items() if name not in ADDED and value}


def present(value: Any) -> Any:
    """Return a value without absent parts, and without `primary` where it is false."""
    if isinstance(value, list):
        return [present(element) for element in value]
    if isinstance(value, dict):
        return {name: present(part) for name, part in value.items() if part not in (None, False)}
    return value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_they_do_the_same(scim: Scim, case: Patch | Refused) -> None:
    user = created(scim, case.before)
    path = f"/Users/{user['id']}"

    answer = scim.patch(path, *case.operations)

    after = scim.get(path).json
    if isinstance(case, Refused):
        assert answer.error == (400, case.scim_type), answer.text
        assert after == user
        return
    assert answer.status == 200, answer.text
    assert answer.json == after
    assert sent(after) == sent({"userName": "bjensen", **case.before, **case.changes})
    assert (after["meta"]["version"] == user["meta"]["version"]) == (not case.changes)
