"""Where the path of a PATCH operation leads: RFC 7644 section 3.5.2, figure 7."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import cast

from tiled_scim.attributes import Attribute, AttributePath, Mutability, ResourceType
from tiled_scim.errors import invalid_path, mutability
from tiled_scim.scim.cleaning import KEPT
from tiled_scim.scim.grammar import Expression, parse_path, quoted
from tiled_scim.scim.matching import predicate


@dataclass(frozen=True)
class Target:
    """An attribute, a part of it or some of its elements; or a whole extension.

    Args:
        path: the attribute, and the sub-attribute if there is one.
        filter: which elements of a multi-valued attribute are meant; None for all.
    """

    path: AttributePath
    filter: Expression | None = None

    @property
    def attribute(self) -> Attribute:
        """What a value for this target is a value of; with a filter, a single element."""
        leaf = cast(Attribute, self.path.leaf)
        if self.filter is None or self.path.sub_attribute:
            return leaf
        return dataclasses.replace(leaf, multi_valued=False, required=False)

    @property
    def mutability(self) -> Mutability:
        """That of the attribute, unless the sub-attribute's is narrower."""
        for attribute in (self.path.attribute, self.path.sub_attribute):
            if attribute and attribute.mutability not in KEPT:
                return attribute.mutability
        return "readWrite"


def find_writable(path: object, resource_type: ResourceType) -> Target:
    """Where a path leads that a client named, and which it must be allowed to write.

    Raises:
        ScimError: invalidPath, invalidFilter, or mutability where it is read-only.
    """
    if not isinstance(path, str):
        raise invalid_path("The path of an operation must be a string.")
    target = find(path, resource_type)
    if target is None:
        raise invalid_path(f"There is no attribute at the path {quoted(path, 200)}.")
    if target.mutability == "readOnly":
        raise mutability(f"{target.path} is read-only.")
    return target


def find(text: str, resource_type: ResourceType) -> Target | None:
    """Where a path leads, or None where there is nothing.

    Raises:
        ScimError: invalidFilter for a filter that is not understood or does not fit.
    """
    if "[" in text:
        return _find_elements(text, resource_type)
    name = text.strip()
    # An extension's URN with an empty attribute name is a slip, and must not mean all of it.
    path = None if name.endswith(":") else resource_type.resolve(name)
    return Target(path) if path else None


def _find_elements(text: str, resource_type: ResourceType) -> Target | None:
    written = parse_path(text)
    whole = resource_type.resolve(written.name)
    sub_name = f".{written.sub_attribute}" if written.sub_attribute else ""
    path = resource_type.resolve(written.name + sub_name)
    if whole is None or path is None or written.operand is None:
        return None
    # Only several elements can be chosen from.
    if whole.attribute is None or whole.sub_attribute or not whole.attribute.multi_valued:
        return None
    predicate(written.operand, as_complex(whole.attribute))  # checks all of the filter
    return Target(path, written.operand)


def as_complex(attribute: Attribute) -> Attribute:
    """A multi-valued attribute as filters see it: each simple value is the `value` of an element.

    RFC 7644 section 3.5.2.2 has such filters compare "value", also where values are simple.
    """
    if attribute.type == "complex":
        return attribute
    value = dataclasses.replace(attribute, name="value", multi_valued=False)
    return dataclasses.replace(attribute, type="complex", sub_attributes=(value,))
