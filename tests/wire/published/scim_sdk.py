"""The PATCHes of SCIM-SDK: PatchTargetHandlerTest, and the tests of its workarounds for Azure."""

from __future__ import annotations

from tests.wire.client import CORE_USER, ENTERPRISE_USER

from .patches import Document, Patch, Refused, add, remove, replace

URN = f"{ENTERPRISE_USER}:manager"
MANAGED: Document = {
    "title": "old",
    ENTERPRISE_USER: {"costCenter": "1", "manager": {"value": "271"}},
    "roles": [
        {"value": "a", "type": "t", "display": "A"},
        {"value": "b", "type": "t", "display": "B"},
        {"value": "c", "type": "u", "display": "C"},
    ],
}
ROLE_A, ROLE_B, ROLE_C = MANAGED["roles"]
ENTERPRISE = MANAGED[ENTERPRISE_USER]


def enterprise(**values: object) -> Document:
    return {ENTERPRISE_USER: {**ENTERPRISE, **values}}


SCIM_SDK: dict[str, Patch | Refused] = {
    # A text for the manager, with any op and any spelling of the path.
    **{
        f"{op['op']} {op['path']}: {text}": Patch(
            MANAGED, [op], enterprise(manager={"value": text})
        )
        for text in ("281", "271-11a-asdasd", "asdasd")
        for op in (
            add(URN, text),
            replace(URN, text),
            add("manager", text),
            replace("manager", text),
            replace(f"{URN}.value", text),
            replace(ENTERPRISE_USER, {"manager": {"value": text}, "costCenter": "1"}),
        )
    },
    "names with URNs": Patch(
        MANAGED,
        [
            add(
                None,
                {
                    f"{ENTERPRISE_USER}:employeeNumber": "1111",
                    f"{ENTERPRISE_USER}:costCenter": "2222",
                },
            )
        ],
        enterprise(employeeNumber="1111", costCenter="2222"),
    ),
    "the manager by its URN": Patch(
        {}, [add(None, {URN: {"value": "9"}})], {ENTERPRISE_USER: {"manager": {"value": "9"}}}
    ),
    "the manager's value by its URN": Patch(
        {}, [add(None, {f"{URN}.value": "9"})], {ENTERPRISE_USER: {"manager": {"value": "9"}}}
    ),
    "several values for one": Refused(
        MANAGED, [add(None, {f"{ENTERPRISE_USER}:employeeNumber": ["1", "2"]})], "invalidValue"
    ),
    "an array of one value": Patch(
        MANAGED,
        [add(None, {f"{ENTERPRISE_USER}:costCenter": ["1111"]})],
        enterprise(costCenter="1111"),
    ),
    "an unknown name with the URN of an extension": Patch(
        MANAGED, [add(None, {f"{ENTERPRISE_USER}:unknown": "1"})], {}
    ),
    "an unknown name": Patch(MANAGED, [add(None, {"unknown": "1"})], {}),
    "an unknown object": Patch(MANAGED, [add(None, {"unknown": {"a": "1"}})], {}),
    "an unknown sub-attribute": Patch(MANAGED, [add(None, {"name": {"unknown": "1"}})], {}),
    **{
        f"{operation['op']} {operation['path']}": Refused(MANAGED, [operation], "invalidPath")
        for path in (
            "unknown",
            "name.unknown",
            "roles.unknown",
            'roles[type eq "t"].unknown',
            f"{ENTERPRISE_USER}:unknown",
            f"{URN}.unknown",
            "urn:unknown:User",
            "urn:unknown:User:title",
        )
        for operation in (add(path, "1"), replace(path, "1"), remove(path))
    },
    # Attributes that are missing can be removed.
    **{
        f"remove {path}": Patch(MANAGED, [remove(path)], {})
        for path in (
            "nickName",
            "name",
            "name.givenName",
            "photos",
            'photos[type eq "photo"]',
            'roles[type eq "none"]',
            'roles[type eq "none"].display',
            f"{ENTERPRISE_USER}:department",
        )
    },
    "remove the manager": Patch(MANAGED, [remove(URN)], {ENTERPRISE_USER: {"costCenter": "1"}}),
    "remove the manager's only value": Patch(
        MANAGED, [remove(f"{URN}.value")], {ENTERPRISE_USER: {"costCenter": "1"}}
    ),
    "remove the extension": Patch(MANAGED, [remove(ENTERPRISE_USER)], {ENTERPRISE_USER: None}),
    "remove the required userName": Refused(MANAGED, [remove("userName")], "mutability"),
    **{
        f"{operation['op']} id": Refused(MANAGED, [operation], "mutability")
        for operation in (add("id", "1"), replace("id", "1"), remove("id"))
    },
    "replace with the same": Patch(MANAGED, [replace("roles", MANAGED["roles"])], {}),
    "add the same": Patch(MANAGED, [add("roles", [ROLE_B])], {}),
    "replace all with one object": Patch(MANAGED, [replace("roles", ROLE_A)], {"roles": [ROLE_A]}),
    "add one object": Patch(
        MANAGED, [add("roles", {"value": "d"})], {"roles": [*MANAGED["roles"], {"value": "d"}]}
    ),
    "an empty object beside others": Patch(
        MANAGED,
        [add("roles", [{"value": "d"}, {}])],
        {"roles": [*MANAGED["roles"], {"value": "d"}]},
    ),
    "replace a sub-attribute of all": Patch(
        MANAGED,
        [replace("roles.display", "X")],
        {"roles": [{**role, "display": "X"} for role in MANAGED["roles"]]},
    ),
    "remove a sub-attribute of all": Patch(
        MANAGED,
        [remove("roles.display")],
        {"roles": [{k: v for k, v in role.items() if k != "display"} for role in MANAGED["roles"]]},
    ),
    "replace a sub-attribute of two": Patch(
        MANAGED,
        [replace('roles[value eq "a" or value eq "b"].display', "X")],
        {"roles": [{**ROLE_A, "display": "X"}, {**ROLE_B, "display": "X"}, ROLE_C]},
    ),
    "replace a sub-attribute through and": Patch(
        MANAGED,
        [replace('roles[type eq "t" and value eq "b"].display', "X")],
        {"roles": [ROLE_A, {**ROLE_B, "display": "X"}, ROLE_C]},
    ),
    "replace a sub-attribute through not": Patch(
        MANAGED,
        [replace('roles[not (type eq "t")].display', "X")],
        {"roles": [ROLE_A, ROLE_B, {**ROLE_C, "display": "X"}]},
    ),
    "remove through or": Patch(
        MANAGED, [remove('roles[value eq "a" or type eq "u"]')], {"roles": [ROLE_B]}
    ),
    "remove everything through a filter": Patch(
        MANAGED, [remove("roles[value pr]")], {"roles": None}
    ),
    "remove a sub-attribute through a filter": Patch(
        MANAGED,
        [remove('roles[value eq "c"].display')],
        {"roles": [ROLE_A, ROLE_B, {"value": "c", "type": "u"}]},
    ),
    "replace through a filter that selects nothing and cannot be created": Refused(
        MANAGED, [replace('roles[value eq "x" or value eq "y"].display', "X")], "noTarget"
    ),
    "create an element by replace": Patch(
        MANAGED,
        [replace('roles[value eq "d"].display', "D")],
        {"roles": [*MANAGED["roles"], {"value": "d", "display": "D"}]},
    ),
    "an object for a text": Refused(MANAGED, [replace("title", {"a": "b"})], "invalidValue"),
    "several texts for a text": Refused(MANAGED, [replace("title", ["a", "b"])], "invalidValue"),
    "an array of one text for a text": Patch(
        MANAGED, [replace("title", ["new"])], {"title": "new"}
    ),
    "a text for a boolean": Refused(MANAGED, [replace("active", "hello")], "invalidValue"),
    "a text for an object": Refused(MANAGED, [replace("name", "hello")], "invalidValue"),
    "an operation without a path that is no object": Refused(
        MANAGED, [replace(None, ["title"])], "invalidValue"
    ),
    "JSON in a text": Refused(
        MANAGED, [add("emails", '{"value": "a@example.com"}')], "invalidValue"
    ),
    "the URN of the core schema": Patch(
        MANAGED, [replace(f"{CORE_USER}:title", "new")], {"title": "new"}
    ),
    "the URN of the core schema and a filter": Patch(
        MANAGED,
        [replace(f'{CORE_USER}:roles[value eq "c"].display', "X")],
        {"roles": [ROLE_A, ROLE_B, {**ROLE_C, "display": "X"}]},
    ),
    "the URN of the core schema in a name": Patch(
        MANAGED, [replace(None, {f"{CORE_USER}:title": "new"})], {"title": "new"}
    ),
    "names and paths in another letter case": Patch(
        MANAGED,
        [replace("TITLE", "new"), replace('ROLES[VALUE eq "c"].DISPLAY', "X")],
        {"title": "new", "roles": [ROLE_A, ROLE_B, {**ROLE_C, "display": "X"}]},
    ),
}
