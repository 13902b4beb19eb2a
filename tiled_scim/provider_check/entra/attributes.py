"""The attributes of a person in Entra, as its mapping names them, and where to find them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tiled_scim.provider_check.client import Json

ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK_EMAIL = 'emails[type eq "work"].value'
MANAGER = f"{ENTERPRISE_SCHEMA}:manager"

# The URN, the name, the type in a filter, and the sub-attribute.
_PATH = re.compile(r'(?:(urn:.+:\w+):)?(\w+)(?:\[type eq "(\w+)"\])?(?:\.(\w+))?')


@dataclass(frozen=True)
class Attribute:
    """One target attribute of a mapping.

    Args:
        path: Its path in a PATCH.
        value: A value for it.
        other: Another value.
    """

    path: str
    value: str
    other: str

    @property
    def declaration(self) -> str:
        """Return its name as `/Schemas` has it, such as `emails.value`, in lower case."""
        return declaration_of(self.path)


# The validator tries each single-valued string. `active`, the only boolean, has steps of its own.
STRINGS = (
    Attribute("displayName", "SCIM Check (safe to delete)", "Check, SCIM (safe to delete)"),
    Attribute("nickName", "Check", "SCIM"),
    Attribute("title", "Test person", "Person of a test"),
    Attribute("userType", "Employee", "Contractor"),
    Attribute("preferredLanguage", "en-US", "de-DE"),
    Attribute("locale", "en-US", "de-DE"),
    Attribute("timezone", "America/Los_Angeles", "Europe/Berlin"),
    *(
        Attribute(f"{ENTERPRISE_SCHEMA}:{name}", value, other)
        for name, value, other in (
            ("employeeNumber", "701984", "26118915"),
            ("costCenter", "4130", "4131"),
            ("organization", "Studio", "Workshop"),
            ("division", "Theme Park", "Water Park"),
            ("department", "Tour Operations", "Tours"),
        )
    ),
)
# The parts of multi-valued attributes that Entra maps by default.
OF_ELEMENTS = (
    Attribute('phoneNumbers[type eq "work"].value', "+1 555 0100", "+1 555 0101"),
    Attribute('phoneNumbers[type eq "mobile"].value', "+1 555 0102", "+1 555 0103"),
    Attribute('addresses[type eq "work"].streetAddress', "100 Main Street", "1 Side Street"),
    Attribute('addresses[type eq "work"].locality', "Hollywood", "Berlin"),
    Attribute('addresses[type eq "work"].region', "CA", "BE"),
    Attribute('addresses[type eq "work"].postalCode', "91608", "10115"),
    Attribute('addresses[type eq "work"].country', "US", "DE"),
)
# What Entra maps by default, besides: the validator wants all of it in `/Schemas`.
MAPPED_OF_USERS = (
    "userName",
    "active",
    "name.givenName",
    "name.familyName",
    WORK_EMAIL,
    MANAGER,
    *(attribute.path for attribute in (*STRINGS, *OF_ELEMENTS)),
)
MAPPED_OF_GROUPS = ("displayName", "members")


def declaration_of(path: str) -> str:
    """Return the name of a path as `/Schemas` has it, such as `emails.value`, in lower case."""
    schema, name, _type, part = _parts(path)
    attribute = f"{name}.{part}" if part else name
    return f"{schema}:{attribute}".lower() if schema else attribute.lower()


def type_of(path: str) -> str:
    """Return the type that a path selects, such as `work`, or "" if it selects none."""
    return _parts(path)[2]


def value_of(resource: Json, path: str) -> Any:
    """Return the value at a path, or None if there is none."""
    schema, name, type_, part = _parts(path)
    value = ((resource.get(schema) or {}) if schema else resource).get(name)
    if type_:
        elements = value if isinstance(value, list) else []
        value = next((each for each in elements if each.get("type") == type_), None)
    if part:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _parts(path: str) -> tuple[str, str, str, str]:
    """Return the URN, the name, the type and the sub-attribute in a path, "" for what is not."""
    [(schema, name, type_, part)] = _PATH.findall(path)
    return schema, name, type_, part
