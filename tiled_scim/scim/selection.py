"""Select the attributes of a response (RFC 7644 section 3.9)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tiled_scim.attributes import Attribute, ResourceType, Schema
from tiled_scim.errors import invalid_request

# The names in one of the two parameters. Our schemas have about a hundred in all.
MAX_NAMES = 500

# A quoted text, a bracket, or anything else. An unfinished text ends at the end, so that every part
# of a text is looked at once.
PART = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)|[\[\]]|[^"\[\]]+', re.DOTALL)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """The attributes of a response, from the parameters `attributes` and `excludedAttributes`.

    Unknown names select nothing. They are not an error, because a client may send the same
    parameters for Users and Groups.
    """

    attributes: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, parameters: Mapping[str, str], resource_type: ResourceType) -> Selection:
        """Parse the two query parameters, which are comma-separated lists.

        Raises:
            ScimError: invalidValue for too many names.
        """
        return cls(
            _names(parameters, "attributes", resource_type),
            _names(parameters, "excludedAttributes", resource_type),
        )

    @cached_property
    def _parents_of_attributes(self) -> frozenset[str]:
        return _parents(self.attributes)

    @cached_property
    def _parents_of_excluded(self) -> frozenset[str]:
        return _parents(self.excluded)

    def wants(self, name: str) -> bool:
        """Return whether the response has an attribute that is returned by default."""
        if self.attributes:
            return name in self.attributes or name in self._parents_of_attributes
        return name not in self.excluded

    def apply(self, resource: Resource, resource_type: ResourceType) -> Resource:
        """Return a resource with the selected attributes, and those that are always returned."""
        selected: Resource = {}
        for name, value in resource.items():
            extension = resource_type.extension(name)
            if extension is not None:
                part = self._of_extension(extension, value)
            else:
                part = self._part(name, value, resource_type.attribute(name))
            if part is not None:
                selected[name] = part
        return selected

    def _part(
        self, name: str, value: Any, attribute: Attribute | None, *, is_named: bool = False
    ) -> Any:
        """Return the selected part of an attribute's value, or None (RFC 7643 section 7).

        Args:
            name: The canonical name of the attribute.
            value: Its value.
            attribute: The attribute, or None if it is unknown.
            is_named: Whether the client named its parent attribute.
        """
        if attribute is None or attribute.returned == "never":
            return None
        if attribute.returned == "always":
            return value
        if name in self.excluded:
            return None
        is_named = name in self.attributes or (is_named and attribute.returned == "default")
        is_kept = is_named or not (self.attributes or attribute.returned == "request")
        if not attribute.sub_attributes:
            # Names below it, such as `title.x`, are unknown.
            return value if is_kept else None
        if is_kept and self._is_whole(name, attribute):
            return value
        if not (is_kept or name in self._parents_of_attributes):
            return None
        chosen = self._chosen(name, attribute, is_named=is_named)
        if not isinstance(value, list):
            return _only(chosen, value) or None
        # There may be very many elements, so nothing is decided for each.
        return [part for element in value if (part := _only(chosen, element))] or None

    def _of_extension(self, schema: Schema, values: Resource) -> Resource | None:
        """Return the selected attributes of an extension, or None."""
        parts = {
            name: self._part(f"{schema.urn}:{name}", value, schema.attribute(name))
            for name, value in values.items()
        }
        return {name: part for name, part in parts.items() if part is not None} or None

    def _chosen(self, name: str, attribute: Attribute, *, is_named: bool) -> set[str]:
        """Return the names of the selected sub-attributes."""
        return {
            part.name
            for part in attribute.sub_attributes
            if self._part(f"{name}.{part.name}", part.name, part, is_named=is_named)
        }

    def _is_whole(self, name: str, attribute: Attribute) -> bool:
        """Return whether no part of a selected value is excluded."""
        is_plain = all(part.returned == "default" for part in attribute.sub_attributes)
        return is_plain and name not in self._parents_of_excluded


ALL = Selection()


def _only(names: Collection[str], value: Resource) -> Resource:
    """Return the sub-attributes of a complex value with these names."""
    return {name: part for name, part in value.items() if name in names}


def _names(
    parameters: Mapping[str, str], parameter: str, resource_type: ResourceType
) -> frozenset[str]:
    """Return canonical names. Unknown names are kept and select nothing."""
    text = parameters.get(parameter, "")
    if text.count(",") >= MAX_NAMES:
        raise invalid_request(f"{parameter} may list {MAX_NAMES} names at most.")
    names = (name.strip() for name in _without_filters(text).split(",") if name.strip())
    return frozenset(
        canonical for name in names for canonical in _canonical_names(name, resource_type)
    )


def _without_filters(text: str) -> str:
    """Remove filters in brackets: `emails[type eq "work"]` selects all elements of `emails`."""
    if "[" not in text:
        return text
    kept, is_filter = [], False
    for part in PART.findall(text):
        if part in "[]":
            is_filter = part == "["
        elif not is_filter:
            kept.append(part)
    return "".join(kept)


def _canonical_names(name: str, resource_type: ResourceType) -> list[str]:
    """Return the canonical name, or for the URN of a schema the names of its attributes."""
    if resource_type.is_core(name):
        return _returned(resource_type.schema)
    path = resource_type.resolve(name)
    if path is None:
        return [name]
    if path.attribute is not None:
        return [str(path)]
    return [f"{path}:{part}" for part in _returned(path.schema)]


def _returned(schema: Schema) -> list[str]:
    """Return the names of the attributes that are returned by default."""
    return [part.name for part in schema.attributes if part.returned == "default"]


def _parents(names: Iterable[str]) -> frozenset[str]:
    """Return what precedes each dot in names, so that a name with a parent is found at once."""
    return frozenset(
        name[:place] for name in names for place, character in enumerate(name) if character == "."
    )
