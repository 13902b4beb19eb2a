"""Resolve the path of a PATCH operation (RFC 7644 section 3.5.2, figure 7)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import cast

from tiled_scim.attributes import Attribute, AttributePath, Mutability, ResourceType
from tiled_scim.errors import invalid_path
from tiled_scim.scim.budget import Budget
from tiled_scim.scim.cleaning import KEPT
from tiled_scim.scim.grammar import Expression, number_of_comparisons, parse_path, quoted
from tiled_scim.scim.matching import predicate


@dataclass(frozen=True)
class Target:
    """The target of a path: an attribute, a sub-attribute, some elements, or a whole extension.

    Args:
        path: The attribute, and the sub-attribute if there is one.
        filter: Selects elements of a multi-valued attribute. None selects all.
    """

    path: AttributePath
    filter: Expression | None = None

    @property
    def attribute(self) -> Attribute:
        """Return the attribute that a value for this target must fit.

        With a filter, it describes a single element.
        """
        leaf = cast(Attribute, self.path.leaf)
        if self.filter is None or self.path.sub_attribute:
            return leaf
        return dataclasses.replace(leaf, multi_valued=False, required=False)

    @property
    def mutability(self) -> Mutability:
        """Return the mutability of the attribute, or of the sub-attribute if that is stricter."""
        for attribute in (self.path.attribute, self.path.sub_attribute):
            if attribute and attribute.mutability not in KEPT:
                return attribute.mutability
        return "readWrite"


class Paths:
    """Find the targets of the paths of one request.

    Args:
        resource_type: The resource type that the paths apply to.
        budget: Counts the comparisons in all paths.
    """

    def __init__(self, resource_type: ResourceType, budget: Budget) -> None:
        self.resource_type = resource_type
        self.budget = budget

    def find_target(self, path: object) -> Target:
        """Return the target of the path of an operation.

        Args:
            path: The path in the request, which may be any JSON value.

        Raises:
            ScimError: invalidPath, and the errors of `find`.
        """
        if not isinstance(path, str):
            raise invalid_path("The path of an operation must be a string.")
        target = self.find(path)
        if target is None:
            raise invalid_path(f"There is no attribute at the path {quoted(path, 200)}.")
        return target

    def find(self, text: str) -> Target | None:
        """Return the target of a path, or None if it does not exist.

        Raises:
            ScimError: invalidFilter for a filter that is invalid or does not fit the attribute;
                413 for too many comparisons.
        """
        if "[" in text:
            return self._find_elements(text)
        path = self.resource_type.resolve(text.strip())
        return Target(path) if path else None

    def _find_elements(self, text: str) -> Target | None:
        # Only elements of a multi-valued attribute can be filtered. Others cost no parsing.
        whole = self.resource_type.resolve(text.partition("[")[0].strip())
        if whole is None or whole.attribute is None or whole.sub_attribute:
            return None
        if not whole.attribute.multi_valued:
            return None
        if whole.attribute.mutability == "readOnly":
            return Target(whole)
        written = parse_path(text)
        sub_name = f".{written.sub_attribute}" if written.sub_attribute else ""
        path = self.resource_type.resolve(written.name + sub_name)
        if path is None or written.operand is None:
            return None
        self.budget.ask("comparisons", number_of_comparisons(written.operand))
        predicate(written.operand, as_complex(whole.attribute))  # validates the filter
        return Target(path, written.operand)


def as_complex(attribute: Attribute) -> Attribute:
    """Return a multi-valued attribute with each simple value as the `value` of an element.

    Filters use "value" for simple values too (RFC 7644 section 3.5.2.2).
    """
    if attribute.type == "complex":
        return attribute
    value = dataclasses.replace(attribute, name="value", multi_valued=False)
    return dataclasses.replace(attribute, type="complex", sub_attributes=(value,))
