"""The operations of one PATCH on the members of a group, as one change.

A group may have 100,000 members, so they are never read to be written back: what is to come and
what is to go is all that the database needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tiled_scim.attributes import Attribute
from tiled_scim.errors import invalid_filter
from tiled_scim.scim.cleaning import Document
from tiled_scim.scim.grammar import And, Comparison, ElementFilter, Expression, Not, Or, Present
from tiled_scim.scim.identifiers import canonical_id
from tiled_scim.scim.matching import predicate, sub_attribute
from tiled_scim.scim.patch import Kind, Operation, is_member_operation

Select = Callable[[Expression], Iterable[str]]


@dataclass
class MemberChange:
    """What becomes of a group's members.

    Ids are those of `canonical_id`, since one request may spell one id in several ways.

    Args:
        overwrite: whether everyone else goes, too.
        added: who is a member afterwards, and may have been before.
        removed: who is not; empty where everyone else goes.
        displays: the names to show that were sent for those added.
    """

    overwrite: bool = False
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    displays: dict[str, str] = field(default_factory=dict, compare=False)

    def add(self, ids: Iterable[str]) -> None:
        """Let these be members."""
        ids = set(ids)
        self.added |= ids
        self.removed -= ids

    def remove(self, ids: Iterable[str]) -> None:
        """Let these be none."""
        ids = set(ids)
        self.added -= ids
        self._forget(ids)
        if not self.overwrite:
            self.removed |= ids

    def replace(self, ids: Iterable[str]) -> None:
        """Let these, and nobody else, be members."""
        self.overwrite, self.added, self.removed = True, set(ids), set()
        self._forget(self.displays.keys() - self.added)

    def _forget(self, ids: Collection[str]) -> None:
        """Drop the names to show of those who go: who is added again is somebody new."""
        self.displays = {id_: name for id_, name in self.displays.items() if id_ not in ids}


def member_change(operations: Iterable[Operation], select: Select) -> MemberChange | None:
    """Fold the operations on members, in order, into one change.

    Args:
        operations: those of one request; others than on members are passed over.
        select: gives the ids of the members, as they are in the database, that fit a filter. Not
            called for filters that name ids, which are all that providers send.

    Returns:
        The change, or None where no operation is on members.

    Raises:
        ScimError: invalidFilter where members of the same request would have to be looked up.
    """
    change = None
    for operation in operations:
        if is_member_operation(operation):
            change = change or MemberChange()
            _CHANGES[operation.op](change, operation, select)
    return change


def split_members(document: Document) -> tuple[MemberChange | None, Document]:
    """What a document says of members, or None where it says nothing; and the rest of it."""
    rest = dict(document)
    members = rest.pop("members", None)
    if members is None:
        return None, rest
    elements = cast(list[dict[str, str]], members)
    ids = {canonical_id(element["value"]) for element in elements}
    return MemberChange(overwrite=True, added=ids, displays=displays(elements)), rest


def _add(change: MemberChange, operation: Operation, select: Select) -> None:
    change.add(_ids(operation))
    change.displays |= displays(_elements(operation))


def _replace(change: MemberChange, operation: Operation, select: Select) -> None:
    change.replace(_ids(operation))
    change.displays |= displays(_elements(operation))


def _remove(change: MemberChange, operation: Operation, select: Select) -> None:
    if operation.filter:
        change.remove(_selected(change, operation.filter, operation.attribute, select))
    elif operation.value is None:
        change.replace(())
    else:
        change.remove(_ids(operation))


_CHANGES: dict[Kind, Callable[[MemberChange, Operation, Select], None]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}


def displays(members: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The name to show of each member that was sent with one, by id."""
    return {
        canonical_id(member["value"]): member["display"]
        for member in members
        if member.get("display")
    }


def _elements(operation: Operation) -> list[dict[str, str]]:
    return cast(list[dict[str, str]], operation.value)


def _ids(operation: Operation) -> Iterator[str]:
    return (canonical_id(element["value"]) for element in _elements(operation))


def _selected(
    change: MemberChange, expression: Expression, attribute: Attribute, select: Select
) -> set[str]:
    """Who fits a filter, given what the operations before it did."""
    named = _named_ids(expression, attribute)
    if named is not None:
        return named
    selected = set() if change.overwrite else set(select(expression))
    return selected | _selected_of_added(change.added, expression, attribute)


def _named_ids(expression: Expression, attribute: Attribute) -> set[str] | None:
    """The ids that a filter such as `value eq "a" or value eq "b"` names, if it does no more."""
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


def _selected_of_added(added: set[str], expression: Expression, attribute: Attribute) -> set[str]:
    """Who was added by this request and fits the filter, as far as that can be told of an id."""
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
    """The sub-attributes that a filter looks at."""
    match expression:
        case And(operands) | Or(operands):
            return {name for operand in operands for name in _names(operand, attribute)}
        case Not(operand) | ElementFilter(operand=operand):
            return _names(operand, attribute)
        case Comparison(name) | Present(name):
            return {sub_attribute(attribute, name).name}
