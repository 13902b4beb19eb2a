"""What one request may ask for and cost. The operations of a bulk request share one budget.

What a request asks for is counted while it is parsed, before anything is read or locked. What it
costs also depends on what is stored: a PATCH counts that for itself, and a bulk request starts no
further operation once it has cost too much.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from tiled_scim.errors import too_large

# Okta sends up to 1,000 membership changes in a request.
MAX_OPERATIONS = 10_000
# Each takes some 10 microseconds to parse. Providers send one with each operation at most.
MAX_COMPARISONS = 10_000
# The members of the largest groups that providers push whole.
MAX_MEMBERS = 100_000
# The members that a request may add to a group. The database writes two or three rows for each, and
# takes half a second to a second.
MAX_ADDED_MEMBERS = 20_000
# The members of a group with a role that a request may add and remove. Each takes 0.1 to 0.2
# milliseconds.
MAX_ROLE_CHANGES = 5_000
# The steps after which a bulk request starts no further operation: half a second to a second.
MAX_STEPS = 300_000
# A step is one look at one element, or one byte that is written. These take so many times as long:
# to write the rows of a member, also in a group that gives a role, to remove a deleted user from a
# group, and to show there that a member was renamed.
STEPS_OF_MEMBER = 20
STEPS_OF_MEMBER_WITH_ROLE = 70
STEPS_OF_GROUP = 250
STEPS_OF_RENAMED = 100

Asked = Literal["operations", "comparisons", "members"]
_LIMITS: dict[Asked, tuple[int, str]] = {
    "operations": (MAX_OPERATIONS, "{} operations"),
    "comparisons": (MAX_COMPARISONS, "{} comparisons in its paths"),
    "members": (MAX_MEMBERS, "{} members"),
}


class Budget:
    """What a request has asked for and cost so far."""

    def __init__(self) -> None:
        self.asked: Counter[Asked] = Counter()
        self.steps = 0

    @property
    def is_spent(self) -> bool:
        """Return whether a bulk request has cost too much to start another operation."""
        return self.steps > MAX_STEPS

    def ask(self, what: Asked, number: int) -> None:
        """Count what a request asks for.

        Raises:
            ScimError: 413 for too much.
        """
        self.asked[what] += number
        limit, phrase = _LIMITS[what]
        if self.asked[what] > limit:
            raise too_large(f"A request may carry {phrase.format(limit)} at most.")

    def take(self, steps: int) -> None:
        """Count what a request costs, once for each attempt of its transaction."""
        self.steps += steps
