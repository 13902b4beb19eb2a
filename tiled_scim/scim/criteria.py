"""Read from a filter what an element must have that the filter selects."""

from __future__ import annotations

from collections.abc import Iterator

from tiled_scim.attributes import Attribute
from tiled_scim.scim.absence import is_nothing
from tiled_scim.scim.cleaning import clean_element
from tiled_scim.scim.grammar import And, Comparison, Expression
from tiled_scim.scim.matching import predicate, sub_attribute


def element_for(expression: Expression, attribute: Attribute) -> dict[str, object] | None:
    """Return the element that a filter describes.

    Args:
        expression: The filter.
        attribute: A multi-valued complex attribute.

    Returns:
        An element with the values of the `eq` comparisons. None if the filter has another
        condition, or does not select such an element.

    Raises:
        ScimError: invalidValue for a value that does not fit its attribute.
    """
    element: dict[str, object] = {}
    for condition in _conditions(expression):
        if not isinstance(condition, Comparison) or condition.operator != "eq":
            return None
        part = sub_attribute(attribute, condition.name)
        value = clean_element(part, condition.value, f"{attribute.name}.{part.name}")
        if not is_nothing(value):
            element[part.name] = value
    return element if predicate(expression, attribute)(element) else None


def _conditions(expression: Expression) -> Iterator[Expression]:
    """Yield the conditions that must all be true for the expression to be true."""
    if isinstance(expression, And):
        for operand in expression.operands:
            yield from _conditions(operand)
    else:
        yield expression
