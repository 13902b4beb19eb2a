"""Combine the operations of a PATCH on the members of a group into one change.

A group may have 100,000 members, so they are not read and written back. The database only needs the
members to add and to remove.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tiled_scim.attributes import Attribute
from tiled_scim.errors import invalid_filter, too_many
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.grammar import (
    And,
    Comparison,
    ElementFilter,
    Expression,
    Not,
    Or,
    Present,
    number_of_comparisons,
)
from tiled_scim.scim.identifiers import canonical_id
from tiled_scim.scim.matching import predicate, sub_attribute
from tiled_scim.scim.operations import Kind, Operation, is_member_operation

# The members of a group that each filter matches, by the filter.
Selected = Mapping[Expression, Iterable[str]]

# How many members the filters of a request look at, each once for each comparison. Identity
# providers name members by their ids, which takes no search.
MAX_LOOKS = 500_000


@dataclass
class MemberChange:
    """A change of a group's members.

    Ids are in the form of `canonical_id`, because a request may spell an id in several ways.

    Args:
        overwrite: Whether all members that are not in `added` are removed.
        added: The ids of users to add. They may be members already.
        removed: The ids of members to remove. Empty if `overwrite` is set.
        listed: The ids in `added` of the last list that overwrites the members. If nobody in it
            is known, the list is not followed.
        displays: The display names of added users that the client sent, by id.
    """

    overwrite: bool = False
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set, compare=False)
    displays: dict[str, str] = field(default_factory=dict, compare=False)

    def add(self, ids: Iterable[str]) -> None:
        """Mark these ids as added."""
        ids = set(ids)
        self.added |= ids
        self.removed -= ids

    def remove(self, ids: Iterable[str]) -> None:
        """Mark these ids as removed."""
        ids = set(ids)
        self.added -= ids
        self.listed -= ids
        self._forget(ids)
        if not self.overwrite:
            self.removed |= ids

    def replace(self, ids: Iterable[str]) -> None:
        """Mark these ids as the only members."""
        self.overwrite, self.added, self.removed = True, set(ids), set()
        self.listed = set(self.added)
        self._forget(self.displays.keys() - self.added)

    def _forget(self, ids: Iterable[str]) -> None:
        """Drop the display names of removed ids, which are new members if they are added again."""
        for id_ in ids:
            self.displays.pop(id_, None)


def searches(operations: Iterable[Operation]) -> list[Expression]:
    """Return the filters of operations on members that do not just name ids, each once."""
    filters = (operation.filter for operation in operations if _is_search(operation))
    return list(dict.fromkeys(filter_ for filter_ in filters if filter_ is not None))


def check_looks(looks: int) -> None:
    """Refuse filters that would take too long for the members of the group.

    Raises:
        ScimError: tooMany.
    """
    if looks > MAX_LOOKS:
        raise too_many(
            "The group has too many members for these filters. Name members by their ids: "
            'members[value eq "…"].'
        )


def member_change(operations: Iterable[Operation], selected: Selected) -> MemberChange | None:
    """Combine the operations on members, in order, into one change.

    Args:
        operations: The operations of a request. Operations on other attributes are ignored.
        selected: The ids of the group's members that each filter of `searches` matches.

    Returns:
        The change, or None without operations on members.

    Raises:
        ScimError: invalidFilter for a filter that would have to search members that the same
            request adds; tooMany if that would take too long.
    """
    change, looks = None, 0
    for operation in operations:
        if not is_member_operation(operation):
            continue
        change = change or MemberChange()
        if change.added and _is_search(operation):
            looks += len(change.added) * number_of_comparisons(cast(Expression, operation.filter))
            check_looks(looks)
        _CHANGES[operation.op](change, operation, selected)
    return change


def _is_search(operation: Operation) -> bool:
    filter_ = operation.filter
    if filter_ is None or not is_member_operation(operation):
        return False
    return _named_ids(filter_, operation.attribute) is None


def split_members(document: Document) -> tuple[MemberChange | None, Document]:
    """Return the change of members of a document, or None without `members`, and the rest of it."""
    rest = dict(document)
    members = rest.pop("members", None)
    if members is None:
        return None, rest
    elements = cast(list[dict[str, str]], members)
    ids = {canonical_id(element["value"]) for element in elements}
    change = MemberChange(overwrite=True, added=ids, listed=set(ids), displays=displays(elements))
    return change, rest


def _add(change: MemberChange, operation: Operation, selected: Selected) -> None:
    change.add(_ids(operation))
    change.displays |= displays(_elements(operation))


def _replace(change: MemberChange, operation: Operation, selected: Selected) -> None:
    change.replace(_ids(operation))
    change.displays |= displays(_elements(operation))


def _remove(change: MemberChange, operation: Operation, selected: Selected) -> None:
    if operation.filter:
        change.remove(_chosen(change, operation.filter, operation.attribute, selected))
    elif operation.value is None:
        change.replace(())
    else:
        change.remove(_ids(operation))


_CHANGES: dict[Kind, Callable[[MemberChange, Operation, Selected], None]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}


def displays(members: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the display names that were sent with members, by id."""
    return {
        canonical_id(member["value"]): member["display"]
        for member in members
        if member.get("display")
    }


def _elements(operation: Operation) -> list[dict[str, str]]:
    return cast(list[dict[str, str]], operation.value)


def _ids(operation: Operation) -> Iterator[str]:
    return (canonical_id(element["value"]) for element in _elements(operation))


def _chosen(
    change: MemberChange, expression: Expression, attribute: Attribute, selected: Selected
) -> set[str]:
    """Return the ids that a filter matches, after the previous operations."""
    named = _named_ids(expression, attribute)
    if named is not None:
        return named
    stored = set() if change.overwrite else set(selected[expression])
    return stored | _chosen_of_added(change.added, expression, attribute)


def _named_ids(expression: Expression, attribute: Attribute) -> set[str] | None:
    """Return the ids in a filter such as `value eq "a" or value eq "b"`, or None for others."""
    match expression:
        case Comparison(name, "eq", str(id_)) if sub_attribute(attribute, name).name == "value":
            return {canonical_id(id_)}
        case Or(operands) | And(operands):
            named = [_named_ids(operand, attribute) for operand in operands]
            sets = [ids for ids in named if ids is not None]
            if len(sets) < len(named):
                return None
            return set.union(*sets) if isinstance(expression, Or) else set.intersection(*sets)
    return None


def _chosen_of_added(added: set[str], expression: Expression, attribute: Attribute) -> set[str]:
    """Return the ids that this request added and the filter matches.

    Raises:
        ScimError: invalidFilter if that does not only depend on the ids.
    """
    if not added:
        return set()
    known = {part.name: part.constant for part in attribute.sub_attributes if part.constant}
    unknown = _names(expression, attribute) - {"value", *known}
    if unknown:
        raise invalid_filter(
            f"Members added by the same request cannot be selected by {', '.join(sorted(unknown))}."
        )
    fits = predicate(expression, attribute)
    return {id_ for id_ in added if fits({**known, "value": id_})}


def _names(expression: Expression, attribute: Attribute) -> set[str]:
    """Return the names of the sub-attributes in a filter."""
    match expression:
        case And(operands) | Or(operands):
            return {name for operand in operands for name in _names(operand, attribute)}
        case Not(operand) | ElementFilter(operand=operand):
            return _names(operand, attribute)
        case Comparison(name) | Present(name):
            return {sub_attribute(attribute, name).name}
