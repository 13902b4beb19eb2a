"""Find the members of a group that the filters of a PATCH match, before the group is locked.

Identity providers name members by their ids, which takes no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from tiled_scim.attributes import Attribute
from tiled_scim.models import LibraryGroupMember
from tiled_scim.schemas import GROUP
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.grammar import Expression, number_of_comparisons
from tiled_scim.scim.matching import predicate
from tiled_scim.scim.member_changes import MAX_LOOKS, check_looks


def search_members(
    filters: Sequence[Expression], group: UUID, account: str, using: str, budget: Budget
) -> dict[Expression, list[str]]:
    """Return the ids of the members that each filter matches. Reads all members once.

    Args:
        filters: The filters.
        group: The id of the group. If the account has no such group, nothing matches.
        account: The account.
        using: The database alias.
        budget: Counts what it costs.

    Raises:
        ScimError: tooMany if it would take too long.
    """
    if not filters:
        return {}
    comparisons = sum(map(number_of_comparisons, filters))
    members = LibraryGroupMember.objects.using(using)
    rows = members.filter(group=group, group__account=account, group__unlinked_at=None)
    found = list(rows.values_list("user_id", "display")[: MAX_LOOKS // comparisons + 1])
    check_looks(len(found) * comparisons)
    budget.take(len(found) * comparisons)
    attribute = cast(Attribute, GROUP.attribute("members"))
    tests = [(filter_, predicate(filter_, attribute)) for filter_ in filters]
    selected: dict[Expression, list[str]] = {filter_: [] for filter_ in filters}
    for user, display in found:
        element = {"value": str(user), "display": display, "type": "User"}
        for filter_, fits in tests:
            if fits(element):
                selected[filter_].append(element["value"])
    return selected
