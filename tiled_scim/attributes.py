"""What an attribute, a schema and a resource type are: RFC 7643 sections 2, 6 and 7.

The rows themselves are in `schemas`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Type = Literal[
    "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"
]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]


@dataclass(frozen=True)
class Attribute:
    """One attribute, with its characteristics and the place where its value is kept.

    A value is kept in the column named here, or on the host user where the host adapter maps the
    attribute (`HostAdapter.user_fields`), or else in the link's JSON.

    Args:
        column: ORM path of the value, from the link row; for a sub-attribute of an attribute with a
            `relation`, from the related row.
        folded_column: ORM path of the canonical form, of a name that is compared by it (see
            `text.canonical`).
        relation: reverse relation of the link whose rows are this attribute's elements.
        constant: the value that every element of a relation has.
    """

    name: str
    type: Type = "string"
    description: str = ""
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    column: str | None = None
    folded_column: str | None = None
    relation: str | None = None
    constant: str | None = None

    @cached_property
    def _by_folded_name(self) -> dict[str, Attribute]:
        return {sub.name.lower(): sub for sub in self.sub_attributes}

    def sub_attribute(self, name: str) -> Attribute | None:
        """The sub-attribute of this name; names are case-insensitive (RFC 7643 section 2.1)."""
        return self._by_folded_name.get(name.lower())


@dataclass(frozen=True)
class Schema:
    """A named set of attributes (RFC 7643 section 7)."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the attributes, in order."""
        return tuple(attribute.name for attribute in self.attributes)

    @cached_property
    def _by_folded_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name; names are case-insensitive (RFC 7643 section 2.1)."""
        return self._by_folded_name.get(name.lower())


@dataclass(frozen=True)
class AttributePath:
    """Where a name such as `name.givenName` or `urn:…:User:manager.value` leads.

    `attribute` is None where the name was the URN of an extension alone.
    """

    schema: Schema
    attribute: Attribute | None
    sub_attribute: Attribute | None
    is_extension: bool

    @property
    def leaf(self) -> Attribute | None:
        """The innermost attribute named."""
        return self.sub_attribute or self.attribute

    def __str__(self) -> str:
        """The canonical name: `name.givenName`, or with its URN where it is an extension's."""
        if self.attribute is None:
            return self.schema.urn
        name = self.attribute.name
        if self.sub_attribute is not None:
            name = f"{name}.{self.sub_attribute.name}"
        return f"{self.schema.urn}:{name}" if self.is_extension else name


@dataclass
class ResourceType:
    """A kind of resource: its endpoint, its schema and the extensions it may carry.

    `common` has the attributes of every resource, which belong to no schema (RFC 7643 section 3.1).
    """

    name: str
    endpoint: str
    description: str
    common: Schema
    schema: Schema
    extensions: list[Schema] = field(default_factory=list)

    @property
    def schemas(self) -> Iterator[Schema]:
        """The core schema, then the extensions."""
        yield self.schema
        yield from self.extensions

    def attribute(self, name: str) -> Attribute | None:
        """The common or core attribute of this name."""
        return self.common.attribute(name) or self.schema.attribute(name)

    def extension(self, urn: str) -> Schema | None:
        """The extension with this URN, in any letter case."""
        folded = urn.lower()
        return next((schema for schema in self.extensions if schema.urn.lower() == folded), None)

    def resolve(self, name: str) -> AttributePath | None:
        """Find the attribute that a client names, or None where there is none.

        The longest known URN wins, since URNs have dots and colons of their own: `2.0:User`.
        """
        schema, rest = self._split(name)
        if schema is None:
            return None
        is_extension = schema is not self.schema
        if not rest:
            return AttributePath(schema, None, None, is_extension) if is_extension else None
        attribute_name, dot, sub_name = rest.partition(".")
        attribute = (
            schema.attribute(attribute_name) if is_extension else self.attribute(attribute_name)
        )
        if attribute is None:
            return None
        sub_attribute = attribute.sub_attribute(sub_name) if dot else None
        if dot and sub_attribute is None:
            return None
        return AttributePath(schema, attribute, sub_attribute, is_extension)

    def _split(self, name: str) -> tuple[Schema | None, str]:
        folded = name.lower()
        if not folded.startswith("urn:"):
            return self.schema, name
        for schema in sorted(self.schemas, key=lambda schema: -len(schema.urn)):
            urn = schema.urn.lower()
            if folded == urn:
                return schema, ""
            if folded.startswith(urn + ":") and len(folded) > len(urn) + 1:
                return schema, name[len(urn) + 1 :]
        return None, name
