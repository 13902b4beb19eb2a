"""The PATCHes of Ping's SCIM 2 SDK.

Of PatchOpTestCase, AddOperationValueFilterTestCase and PathParsingTestCase.
"""

from __future__ import annotations

from tests.wire.client import ENTERPRISE_USER

from .patches import Document, Patch, Refused, add, remove, replace

# Ping's user
BABS_WORK = {"value": "bjensen@example.com", "type": "work", "primary": True}
BABS_HOME = {"value": "babs@jensen.org", "type": "home"}
OTHER = {"type": "other", "value": "other@example.com"}
AUSTIN = {
    "type": "work",
    "streetAddress": "13809 Research Blvd",
    "locality": "Austin",
    "region": "TX",
    "postalCode": "78750",
    "country": "US",
    "formatted": "13809 Research Blvd\nAustin, TX 78750 USA",
    "primary": True,
}
HOLLYWOOD = {
    "type": "home",
    "streetAddress": "456 Hollywood Blvd",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "US",
    "formatted": "456 Hollywood Blvd\nHollywood, CA 91608 USA",
}
PLAZA = {
    **HOLLYWOOD,
    "type": "work",
    "streetAddress": "911 Universal City Plaza",
    "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
    "primary": True,
}
BABS: Document = {
    "nickName": "nickname",
    "emails": [BABS_WORK, BABS_HOME],
    "addresses": [AUSTIN, HOLLYWOOD],
}
STREET = {"type": "home", "streetAddress": "8 Mile Rd."}
NEW_EMAIL = "sissel@example.com"


def refused_path(path: str, scim_type: str = "invalidPath", before: Document = BABS) -> Refused:
    return Refused(before, [add(path, "value")], scim_type)


PING: dict[str, Patch | Refused] = {
    "a whole request": Patch(
        BABS,
        [
            add(None, {"emails": [BABS_HOME], "nickname": "Babs"}),
            remove('emails[type eq "work" and value ew "example.com"]'),
            replace('addresses[type eq "work"]', PLAZA),
            replace('addresses[type eq "home"].streetAddress', "1010 Broadway Ave"),
            add(f"{ENTERPRISE_USER}:department", "somevalue"),
        ],
        {
            "nickName": "Babs",
            "emails": [BABS_HOME],
            "addresses": [PLAZA, {**HOLLYWOOD, "streetAddress": "1010 Broadway Ave"}],
            ENTERPRISE_USER: {"department": "somevalue"},
        },
    ),
    "emails and a nickName without a path": Patch(
        BABS,
        [replace(None, {"emails": [BABS_HOME, BABS_WORK], "nickName": "Babs"})],
        {"emails": [BABS_HOME, BABS_WORK], "nickName": "Babs"},
    ),
    "add an email of another type": Patch(
        {"emails": [BABS_HOME, OTHER]},
        [add('emails[type eq "work"].value', NEW_EMAIL)],
        {"emails": [BABS_HOME, OTHER, {"type": "work", "value": NEW_EMAIL}]},
    ),
    "add an address of an unusual type": Patch(
        {},
        [add('addresses[type eq "secret"].streetAddress', "The Batcave")],
        {"addresses": [{"type": "secret", "streetAddress": "The Batcave"}]},
    ),
    "add a country": Patch(
        {"addresses": [STREET]},
        [add('addresses[type eq "home"].country', "US")],
        {"addresses": [{**STREET, "country": "US"}]},
    ),
    # Ping refuses these four. RFC 7644 section 3.5.2.1: “If the target location specifies a
    # single-valued attribute, the existing value is replaced.” An array of one is SAP's form.
    "add a value that exists": Patch(
        {"addresses": [STREET]},
        [add('addresses[type eq "home"].streetAddress', "7 Mile Rd.")],
        {"addresses": [{**STREET, "streetAddress": "7 Mile Rd."}]},
    ),
    "add a photo twice": Patch(
        {},
        [
            add('photos[type eq "thumbnail"].value', "https://example.com/1.png"),
            add('photos[type eq "thumbnail"].value', "https://example.com/2.png"),
        ],
        {"photos": [{"type": "thumbnail", "value": "https://example.com/2.png"}]},
    ),
    "add to two elements": Patch(
        {
            "addresses": [
                {"type": "home", "streetAddress": "street1", "locality": "a"},
                {"type": "home", "streetAddress": "street2", "locality": "b"},
            ]
        },
        [add('addresses[type eq "home"].streetAddress', "aThirdStreet")],
        {
            "addresses": [
                {"type": "home", "streetAddress": "aThirdStreet", "locality": "a"},
                {"type": "home", "streetAddress": "aThirdStreet", "locality": "b"},
            ]
        },
    ),
    "add an array of one value": Patch(
        {},
        [add('emails[type eq "home"].value', ["home@example.com"])],
        {"emails": [{"type": "home", "value": "home@example.com"}]},
    ),
    "add an email of type home": Patch(
        {"emails": [{"type": "work", "value": NEW_EMAIL}]},
        [add('emails[type eq "home"].value', "yomiel@example.com")],
        {
            "emails": [
                {"type": "work", "value": NEW_EMAIL},
                {"type": "home", "value": "yomiel@example.com"},
            ]
        },
    ),
    "a text for an element": Refused({}, [add('ims[type eq "skype"]', "invalid")], "invalidValue"),
    **{
        f"add through a filter with {filter_}": Refused(
            {}, [add(f"roles[{filter_}].value", "newValue")], "noTarget"
        )
        for filter_ in (
            'type ne "value"',
            'type co "value"',
            'type sw "value"',
            'type ew "value"',
            "type pr",
            'type gt "value"',
            'type ge "value"',
            'type lt "value"',
            'type le "value"',
            'type sw "value" and type eq "value2"',
            'type sw "value" or type eq "value2"',
            'not (type eq "value")',
        )
    },
    **{
        f"the path {path}": refused_path(path)
        for path in (
            'preferredLanguage[type eq "work"].value',
            'parent.examples[type eq "best"].value',
            ".",
            "name.",
            "urn:attr",
            ".name",
            f"{ENTERPRISE_USER}:.",
            f"{ENTERPRISE_USER}:.department",
            "attr withSpace",
            "eq true]",
        )
    },
    **{
        f"the filter of {path}": refused_path(path, "invalidFilter")
        for path in (
            "entitlements[].value",
            "addresses[].country",
            "emails[",
            'addresses[type eq "home"].',
            'emails[type eq "work"].value[display eq "Special Email"]',
            'emails[type eq "work"].display[value eq "bob@example.com"]',
            'emails[type eq "work" and value ew "example.com"],',
            'emails[type eq "work" and value ew "example.com"].too.deep',
        )
    },
}
