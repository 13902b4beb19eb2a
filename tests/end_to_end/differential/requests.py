"""Random documents, PATCH operations and filters that a client of SCIM may send."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.wire.client import ENTERPRISE_USER

Strategy = st.SearchStrategy[Any]
Document = dict[str, Any]

WORDS = ["a", "A", "b", "work", "home"]
ADDRESSES = ["ada@work.example", "Ada@work.example", "ada@home.example"]
words = st.sampled_from(WORDS)
types = st.sampled_from(["work", "home", "other"])
addresses = st.sampled_from(ADDRESSES)


def some_of(**parts: Strategy) -> Strategy:
    """An object with some of these members."""
    return st.fixed_dictionaries({}, optional=parts)


emails = some_of(value=addresses, type=types, display=words, primary=st.booleans())
phone_numbers = some_of(value=words, type=types, display=words, primary=st.booleans())
postal_addresses = some_of(
    locality=words, country=st.sampled_from(["DE", "US"]), type=types, primary=st.booleans()
)
roles = some_of(value=words, type=words, display=words, primary=st.booleans())
ELEMENTS = {
    "emails": emails,
    "phoneNumbers": phone_numbers,
    "addresses": postal_addresses,
    "roles": roles,
}
names = some_of(givenName=words, familyName=words, middleName=words)
managers = some_of(value=words, displayName=words)
ENTERPRISE_VALUES = {"employeeNumber": words, "department": words, "manager": managers}
SIMPLE = {"title": words, "nickName": words, "displayName": words}


def with_one_primary(elements: list[Document]) -> list[Document]:
    """Return the elements, of which only the first may be primary: both sides refuse two."""
    return [
        element if number == 0 or not element.get("primary") else element | {"primary": False}
        for number, element in enumerate(elements)
    ]


documents = some_of(
    **SIMPLE,
    name=names,
    **{
        name: st.lists(element, max_size=3).map(with_one_primary)
        for name, element in ELEMENTS.items()
    },
    **{ENTERPRISE_USER: some_of(**ENTERPRISE_VALUES)},
)

# What can be written where. The paths without a filter:
_PLAIN: dict[str, Strategy] = {
    **SIMPLE,
    "name": names,
    "name.givenName": words,
    ENTERPRISE_USER: some_of(**ENTERPRISE_VALUES),
    **{f"{ENTERPRISE_USER}:{name}": value for name, value in ENTERPRISE_VALUES.items()},
    f"{ENTERPRISE_USER}:manager.value": words,
    **{
        name: st.lists(element, max_size=2).map(with_one_primary)
        for name, element in ELEMENTS.items()
    },
}
_PARTS: dict[str, dict[str, Strategy]] = {
    "emails": {"value": addresses, "type": types, "display": words, "primary": st.booleans()},
    "phoneNumbers": {"value": words, "type": types, "display": words, "primary": st.booleans()},
    "addresses": {"locality": words, "type": types, "primary": st.booleans()},
    "roles": {"value": words, "type": words, "display": words, "primary": st.booleans()},
}


@st.composite
def _comparisons(draw: st.DrawFn, attribute: str, prefix: str = "") -> str:
    part = draw(st.sampled_from(sorted(_PARTS[attribute])))
    if draw(st.booleans()) and draw(st.booleans()):
        return f"{prefix}{part} pr"
    value = draw(_PARTS[attribute][part])
    if isinstance(value, bool):
        return f"{prefix}{part} {draw(st.sampled_from(['eq', 'ne']))} {str(value).lower()}"
    operator = draw(st.sampled_from(["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "le"]))
    return f'{prefix}{part} {operator} "{value}"'


def _combined(comparisons: Strategy) -> Strategy:
    return st.recursive(
        comparisons,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
            inner.map("not ({})".format),
            inner.map("({})".format),
        ),
        max_leaves=3,
    )


@st.composite
def _filtered(draw: st.DrawFn) -> tuple[str, Any]:
    """A path with a filter, and a value for it."""
    attribute = draw(st.sampled_from(sorted(_PARTS)))
    path = f"{attribute}[{draw(_combined(_comparisons(attribute)))}]"
    if draw(st.booleans()):
        part = draw(st.sampled_from(sorted(_PARTS[attribute])))
        return f"{path}.{part}", draw(_PARTS[attribute][part])
    return path, draw(ELEMENTS[attribute])


@st.composite
def _plain(draw: st.DrawFn) -> tuple[str, Any]:
    path = draw(st.sampled_from(sorted(_PLAIN)))
    return path, draw(_PLAIN[path])


# Names of values that are paths, as Entra sends them with its compliance flag; and null.
_by_path = some_of(
    **{
        "name.givenName": words,
        f"{ENTERPRISE_USER}:department": words,
        "nickName": st.none(),
        "roles": st.none(),
    }
)


@st.composite
def _values(draw: st.DrawFn) -> Document:
    """A value without a path. It has the extension in one form, because two could contradict."""
    value: Document = draw(documents) | draw(_by_path)
    if f"{ENTERPRISE_USER}:department" in value:
        value.pop(ENTERPRISE_USER, None)
    return value


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """One operation of a PATCH."""
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    if op != "remove" and draw(st.integers(0, 5)) == 0:
        return {"op": op, "value": draw(_values())}
    path, value = draw(st.one_of(_plain(), _filtered()))
    if op == "remove":
        return {"op": op, "path": path}
    empty = draw(st.integers(0, 7)) == 0
    return {"op": op, "path": path, "value": None if empty else value}


@st.composite
def _of_resources(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["simple", "part", "brackets"]))
    if kind == "simple":
        name = draw(st.sampled_from([*SIMPLE, "name.givenName", f"{ENTERPRISE_USER}:department"]))
        if draw(st.integers(0, 3)) == 0:
            return f"{name} pr"
        operator = draw(st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]))
        return f'{name} {operator} "{draw(words)}"'
    attribute = draw(st.sampled_from(sorted(_PARTS)))
    if kind == "part":
        return draw(_comparisons(attribute, f"{attribute}."))
    return f"{attribute}[{draw(_combined(_comparisons(attribute)))}]"


filters = _combined(_of_resources())
