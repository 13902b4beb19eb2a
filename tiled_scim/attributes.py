"""Classes for attributes, schemas and resource types (RFC 7643 sections 2, 6 and 7).

`schemas` has their instances.
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
    """An attribute with its characteristics and the location of its value.

    The value is stored in `column`, or on the host user if the host adapter maps the attribute
    (`HostAdapter.user_fields`), or else in the link's JSON.

    Args:
        name: The name.
        type: The data type.
        description: The description for `/Schemas`.
        multi_valued: Whether the value is an array of elements.
        required: Whether a resource must have a value.
        case_exact: Whether comparisons distinguish upper and lower case.
        mutability: Whether and when clients may write the value.
        returned: Whether responses contain the value.
        uniqueness: Where the value must be unique.
        canonical_values: Suggested values.
        reference_types: The resource types that a reference may refer to.
        sub_attributes: The attributes of a complex value.
        column: The ORM path of the value from the link, or from the related row for a
            sub-attribute of an attribute with a `relation`.
        canonical_column: The ORM path of the canonical form of a name (see `scim.text.canonical`).
        relation: The reverse relation of the link whose rows are the elements.
        constant: The value of this sub-attribute in all elements of a relation.
        accepts_text: Whether a text stands for an object with this text as its `value`.
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
    canonical_column: str | None = None
    relation: str | None = None
    constant: str | None = None
    accepts_text: bool = False

    @cached_property
    def _by_folded_name(self) -> dict[str, Attribute]:
        return {sub.name.lower(): sub for sub in self.sub_attributes}

    def sub_attribute(self, name: str) -> Attribute | None:
        """Return the sub-attribute with this name, ignoring case (RFC 7643 section 2.1)."""
        return self._by_folded_name.get(name.lower())


@dataclass(frozen=True)
class Schema:
    """A schema: a named set of attributes (RFC 7643 section 7)."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes, in order."""
        return tuple(attribute.name for attribute in self.attributes)

    @cached_property
    def _by_folded_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute with this name, ignoring case (RFC 7643 section 2.1)."""
        return self._by_folded_name.get(name.lower())


@dataclass(frozen=True)
class AttributePath:
    """The attribute that a name such as `name.givenName` or `urn:…:User:manager.value` refers to.

    `attribute` is None for the URN of an extension.
    """

    schema: Schema
    attribute: Attribute | None
    sub_attribute: Attribute | None
    is_extension: bool

    @property
    def leaf(self) -> Attribute | None:
        """Return the innermost attribute."""
        return self.sub_attribute or self.attribute

    def __str__(self) -> str:
        """Return the canonical name, such as `name.givenName`. Extensions have their URN in it."""
        if self.attribute is None:
            return self.schema.urn
        name = self.attribute.name
        if self.sub_attribute is not None:
            name = f"{name}.{self.sub_attribute.name}"
        return f"{self.schema.urn}:{name}" if self.is_extension else name


@dataclass
class ResourceType:
    """A resource type with its endpoint, its schema and its extensions.

    `common` has the attributes of all resources, which belong to no schema (RFC 7643 section 3.1).
    """

    name: str
    endpoint: str
    description: str
    common: Schema
    schema: Schema
    extensions: list[Schema] = field(default_factory=list)

    @property
    def schemas(self) -> Iterator[Schema]:
        """Yield the core schema, then the extensions."""
        yield self.schema
        yield from self.extensions

    def attribute(self, name: str) -> Attribute | None:
        """Return the common or core attribute with this name."""
        return self.common.attribute(name) or self.schema.attribute(name)

    def extension(self, urn: str) -> Schema | None:
        """Return the extension with this URN, ignoring case."""
        folded = urn.lower()
        return next((schema for schema in self.extensions if schema.urn.lower() == folded), None)

    def is_core(self, name: str) -> bool:
        """Return whether a name is the URN of the core schema, ignoring case."""
        return name.lower() == self.schema.urn.lower()

    def resolve(self, name: str) -> AttributePath | None:
        """Return the attribute that a name refers to, or None.

        The longest matching URN is used, because URNs contain dots and colons, as in `2.0:User`.
        Without a URN, the name may be that of an extension's attribute, which Entra ID sends.
        """
        schema, rest = self._split(name)
        if schema is None:
            return None
        if not rest:
            is_extension = schema is not self.schema
            return AttributePath(schema, None, None, is_extension) if is_extension else None
        attribute_name, dot, sub_name = rest.partition(".")
        if rest is name:
            schema = self._schema_of(attribute_name)
        is_extension = schema is not self.schema
        attribute = (
            schema.attribute(attribute_name) if is_extension else self.attribute(attribute_name)
        )
        if attribute is None:
            return None
        sub_attribute = attribute.sub_attribute(sub_name) if dot else None
        if dot and sub_attribute is None:
            return None
        return AttributePath(schema, attribute, sub_attribute, is_extension)

    def _schema_of(self, name: str) -> Schema:
        """Return the only extension with an attribute of this name that the core schema lacks."""
        if self.attribute(name) is not None:
            return self.schema
        found = [extension for extension in self.extensions if extension.attribute(name)]
        return found[0] if len(found) == 1 else self.schema

    def _split(self, name: str) -> tuple[Schema | None, str]:
        folded = name.lower()
        if not folded.startswith("urn:"):
            return self.schema, name
        for schema in sorted(self.schemas, key=lambda schema: -len(schema.urn)):
            urn = schema.urn.lower()
            if folded == urn:
                return schema, ""
            # RFC 7644 section 3.10 has a colon after the URN. Some clients send a dot.
            if folded.startswith((f"{urn}:", f"{urn}.")) and len(folded) > len(urn) + 1:
                return schema, name[len(urn) + 1 :]
        return None, name
