"""The PATCHes of Apache SCIMple: PatchHandlerTest."""

from __future__ import annotations

from tests.wire.client import ENTERPRISE_USER

from .patches import Document, Patch, Refused, add, remove, replace

# SCIMple's user
WORK = {"primary": True, "type": "work", "value": "work@example.com"}
HOME = {"type": "home", "value": "home@example.com"}
OTHER = {"type": "other", "value": "other@example.com"}
MOBILE = {"type": "mobile", "value": "tel:+1-111-111-1111"}
BERRY: Document = {
    "displayName": "Test User",
    "nickName": "tester",
    "name": {"formatted": "Berry"},
    "phoneNumbers": [MOBILE],
    "emails": [WORK, HOME],
}
MAIN = {
    "type": "work",
    "streetAddress": "101 Main Street",
    "region": "Springfield",
    "postalCode": "01234",
}
MAPLE = {
    "type": "home",
    "streetAddress": "202 Maple Street",
    "region": "Otherton",
    "postalCode": "43210",
}
LOOP = {
    "type": "other",
    "streetAddress": "303 Loop Road",
    "region": "Thirdtown",
    "postalCode": "11223",
    "primary": True,
}
TWO_ADDRESSES: Document = {**BERRY, "addresses": [MAIN, MAPLE]}
FIRST = {"value": "first@example.com", "type": "home"}
SECOND = {"primary": True, "value": "second@example.com", "type": "work"}

SCIMPLE: dict[str, Patch | Refused] = {
    "replace userName": Patch(
        BERRY, [replace("userName", "updated@test.com")], {"userName": "updated@test.com"}
    ),
    "replace without a path": Patch(
        BERRY, [replace(None, {"displayName": "Updated"})], {"displayName": "Updated"}
    ),
    "replace a value through a filter": Patch(
        BERRY,
        [replace('phoneNumbers[type eq "mobile"].value', "tel:+1-123-456-7890")],
        {"phoneNumbers": [{**MOBILE, "value": "tel:+1-123-456-7890"}]},
    ),
    "replace a sub-attribute": Patch(
        BERRY, [replace("name.formatted", "Maverick")], {"name": {"formatted": "Maverick"}}
    ),
    "add through a filter that selects nothing": Patch(
        BERRY,
        [add('phoneNumbers[type eq "fax"].value', "tel:+1-123-456-7899")],
        {"phoneNumbers": [MOBILE, {"type": "fax", "value": "tel:+1-123-456-7899"}]},
    ),
    "add a sub-attribute to one of two elements": Patch(
        {**BERRY, "addresses": [{**MAIN, "postalCode": None}, MAPLE]},
        [add('addresses[type eq "work"].postalCode', "ko4 8qq")],
        {"addresses": [{**MAIN, "postalCode": "ko4 8qq"}, MAPLE]},
    ),
    "add a sub-attribute": Patch(
        BERRY,
        [add("name.honorificSuffix", "II")],
        {"name": {"formatted": "Berry", "honorificSuffix": "II"}},
    ),
    "add a sub-attribute to an element that is missing": Patch(
        BERRY,
        [add('addresses[type eq "work"].postalCode', "ko4 8qq")],
        {"addresses": [{"type": "work", "postalCode": "ko4 8qq"}]},
    ),
    "a new primary element takes primary from the other": Patch(
        BERRY,
        [replace('emails[type eq "home"].primary', True)],
        {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]},
    ),
    "remove a sub-attribute": Patch(BERRY, [remove("name.formatted")], {"name": None}),
    "remove an element": Patch(
        TWO_ADDRESSES, [remove('addresses[type eq "work"]')], {"addresses": [MAPLE]}
    ),
    "remove a sub-attribute of an element": Patch(
        TWO_ADDRESSES,
        [remove('addresses[type eq "work"].postalCode')],
        {"addresses": [{k: v for k, v in MAIN.items() if k != "postalCode"}, MAPLE]},
    ),
    "replace an element": Patch(
        TWO_ADDRESSES,
        [replace('addresses[type eq "work"]', LOOP)],
        {"addresses": [LOOP, MAPLE]},
    ),
    "make an element primary": Patch(
        TWO_ADDRESSES,
        [replace('addresses[type eq "home"].primary', True)],
        {"addresses": [MAIN, {**MAPLE, "primary": True}]},
    ),
    "add a name with the URN of an extension": Patch(
        BERRY,
        [add(None, {f"{ENTERPRISE_USER}:employeeNumber": "NCIR48XM6D84"})],
        {ENTERPRISE_USER: {"employeeNumber": "NCIR48XM6D84"}},
    ),
    "remove an attribute": Patch(BERRY, [remove("displayName")], {"displayName": None}),
    "operators in capitals": Patch(
        BERRY,
        [replace('emails[type EQ "home"].value', "new-home@example.com")],
        {"emails": [WORK, {**HOME, "value": "new-home@example.com"}]},
    ),
    "replace an email": Patch(
        BERRY, [replace('emails[type EQ "home"]', OTHER)], {"emails": [WORK, OTHER]}
    ),
    "replace several attributes": Patch(
        BERRY,
        [replace(None, {"emails": [FIRST, SECOND], "nickName": "Babs"})],
        {"emails": [FIRST, SECOND], "nickName": "Babs"},
    ),
    "replace all elements": Patch(
        BERRY, [replace("emails", [FIRST, SECOND])], {"emails": [FIRST, SECOND]}
    ),
    "remove an email": Patch(BERRY, [remove('emails[type EQ "home"]')], {"emails": [WORK]}),
    "remove all elements": Patch(BERRY, [remove("emails")], {"emails": None}),
    # SCIMple ignores what follows the bracket.
    "a comparison after the bracket": Refused(
        BERRY, [remove('emails[type EQ "home"] and value ew "example.com"')], "invalidFilter"
    ),
    "add an attribute": Patch(
        BERRY,
        [add("profileUrl", "https://profile.example.com")],
        {"profileUrl": "https://profile.example.com"},
    ),
    "add one element": Patch(BERRY, [add("emails", OTHER)], {"emails": [WORK, HOME, OTHER]}),
    "add several attributes": Patch(
        BERRY,
        [add(None, {"emails": OTHER, "profileUrl": "https://profile.example.com"})],
        {"emails": [WORK, HOME, OTHER], "profileUrl": "https://profile.example.com"},
    ),
    "remove one and add one": Patch(
        BERRY,
        [remove('emails[type EQ "home"]'), add("emails", OTHER)],
        {"emails": [WORK, OTHER]},
    ),
    "remove all and add others": Patch(
        BERRY, [remove("emails"), add("emails", [FIRST, SECOND])], {"emails": [FIRST, SECOND]}
    ),
}
