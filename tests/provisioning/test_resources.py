"""Resources as they were read: their version, and the groups of a user."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tiled_scim.provisioning.resources import StoredResource, entity_tag, groups_of_json
from tiled_scim.schemas import USER

NOW = datetime(2024, 2, 29, tzinfo=UTC)
ANN = StoredResource(USER, "1", {"userName": "ann", "title": "Boss"}, 1, NOW, NOW)
OPS, SALES = "00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"document": {"userName": "ann"}},
        {"groups": ((OPS, "Ops"),)},
    ],
    ids=["version number", "document", "groups"],
)
def test_version_changes_with_what_a_client_sees(change: dict[str, Any]) -> None:
    assert replace(ANN, **change).version != ANN.version


def test_version_is_a_weak_tag_that_the_order_of_attributes_does_not_change() -> None:
    turned = dict(reversed(ANN.document.items()))

    assert entity_tag(1, turned, ()) == ANN.version
    assert re.fullmatch(r'W/"[0-9a-f]+"', ANN.version)


def test_groups_are_sorted_by_name() -> None:
    """Databases write UUIDs with hyphens or without."""
    rows = [{"value": SALES.replace("-", ""), "display": "Sales"}, {"value": OPS, "display": "Ops"}]

    assert groups_of_json(rows) == ((OPS, "Ops"), (SALES, "Sales"))
    assert groups_of_json(None) == ()
