"""Bring the values of PATCH operations into the RFC's form. Clients also send others."""

from __future__ import annotations

from collections.abc import Mapping

from tiled_scim.attributes import Attribute, AttributePath, ResourceType
from tiled_scim.errors import invalid_value
from tiled_scim.scim.identifiers import canonical_id

# What Entra ID put around a simple value until 2018: `[{"$ref": null, "value": "x"}]`.
WRAPPING = frozenset({"$ref", "value"})


def in_form(attribute: Attribute, value: object, name: str) -> object:
    """Return a value in the form of its attribute.

    Args:
        attribute: The attribute.
        value: The value as it was sent.
        name: The name of the attribute for errors.

    Raises:
        ScimError: invalidValue for several values of a single-valued attribute.
    """
    if attribute.multi_valued:
        return _without_name(attribute, value)
    value, was_array = only(value, name), isinstance(value, list)
    if was_array and attribute.type != "complex" and isinstance(value, Mapping):
        is_wrapping = "value" in value and WRAPPING.issuperset(value)
        return value["value"] if is_wrapping else value
    return value


def only(value: object, name: str) -> object:
    """Return the only element of an array, or any other value. An empty array is no value.

    SAP, and Microsoft's example for the manager, send an array where one value belongs.

    Raises:
        ScimError: invalidValue for several elements.
    """
    if not isinstance(value, list):
        return value
    if len(value) > 1:
        raise invalid_value(f"{name} has one value, and {len(value)} were sent.")
    return value[0] if value else None


def _without_name(attribute: Attribute, value: object) -> object:
    """Return the elements in an object that repeats the name of the path: `{"members": […]}`."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, elements)] = value.items()
        if name.lower() == attribute.name.lower() and isinstance(elements, list):
            return elements
    return value


def has_unknown_elements(attribute: Attribute, value: object) -> bool:
    """Return whether an object in a value has names, and none of them is a sub-attribute's."""
    elements = value if isinstance(value, list) else [value]
    objects = (element for element in elements if isinstance(element, Mapping) and element)
    return any(not any(map(attribute.sub_attribute, names)) for names in objects)


def restates(
    path: AttributePath, value: object, resource_type: ResourceType, key: str | None
) -> bool:
    """Return whether a value for a read-only attribute only says what is known.

    Args:
        path: The attribute.
        value: The value as it was sent.
        resource_type: The resource type, whose schemas every resource has or may have.
        key: The id of the resource, as it was sent.
    """
    if str(path) == "id":
        if not isinstance(value, str) or key is None:
            return False
        return canonical_id(value) == canonical_id(key)
    urns = value if isinstance(value, list) else [value]
    known = {schema.urn.lower() for schema in resource_type.schemas}
    is_known = all(isinstance(urn, str) and urn.lower() in known for urn in urns)
    return str(path) == "schemas" and bool(urns) and is_known
