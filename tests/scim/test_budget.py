"""What one request may ask for and cost."""

from __future__ import annotations

import pytest

from tiled_scim.errors import ScimError
from tiled_scim.scim.budget import (
    MAX_COMPARISONS,
    MAX_MEMBERS,
    MAX_OPERATIONS,
    MAX_STEPS,
    Asked,
    Budget,
)


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("operations", MAX_OPERATIONS),
        ("comparisons", MAX_COMPARISONS),
        ("members", MAX_MEMBERS),
    ],
)
def test_what_is_asked_for_adds_up_to_a_limit(what: Asked, most: int) -> None:
    budget = Budget()
    budget.ask(what, most - 1)
    budget.ask(what, 1)
    with pytest.raises(ScimError, match=f"{most} {what}") as refusal:
        budget.ask(what, 1)
    assert refusal.value.status == 413


def test_kinds_are_counted_apart() -> None:
    budget = Budget()
    budget.ask("operations", MAX_OPERATIONS)
    budget.ask("members", 1)


def test_a_budget_is_spent_after_its_last_step() -> None:
    budget = Budget()
    budget.take(MAX_STEPS - 1)
    budget.take(1)
    assert not budget.is_spent
    budget.take(1)
    assert budget.is_spent
