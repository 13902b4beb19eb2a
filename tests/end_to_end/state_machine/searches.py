"""Filters, each with what it means in plain Python of a resource that a client sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.wire.client import TILED_USER

from .rows import ADMIN

# Takes a resource, and the words that the braces in a filter stand for.
Test = Callable[[dict[str, Any], dict[str, str]], bool]


def has(attribute: str, part: str, word: str, **others: str) -> Test:
    """Whether one element has a word in one of its parts, and other parts as given."""

    def test(shown: dict[str, Any], words: dict[str, str]) -> bool:
        wanted = {part: words[word], **others}
        return any(
            all(element.get(name, "").lower() == value.lower() for name, value in wanted.items())
            for element in shown.get(attribute, [])
        )

    return test


def named(attribute: str, word: str) -> Test:
    return lambda shown, words: shown[attribute].lower() == words[word].lower()


def is_admin(shown: dict[str, Any]) -> bool | None:
    value: bool | None = shown.get(TILED_USER, {}).get("tiledAdmin")
    return value


SEARCHES: dict[str, dict[str, Test]] = {
    "/Users": {
        'userName eq "{user_name}"': named("userName", "user_name"),
        "active eq true": lambda shown, _: shown.get("active") is True,
        "active eq false": lambda shown, _: shown.get("active") is False,
        "not (active pr)": lambda shown, _: "active" not in shown,
        f"{ADMIN} eq true": lambda shown, _: is_admin(shown) is True,
        f"{ADMIN} eq false": lambda shown, _: is_admin(shown) is False,
        f"{ADMIN} ne false": lambda shown, _: is_admin(shown) is not False,
        f'schemas eq "{TILED_USER}"': lambda shown, _: TILED_USER in shown["schemas"],
        "title pr": lambda shown, _: bool(shown.get("title")),
        'groups.value eq "{group}"': has("groups", "value", "group"),
        'groups[display eq "{group_name}"]': has("groups", "display", "group_name"),
        'emails eq "{email}"': has("emails", "value", "email"),
        'emails[type eq "work" and value eq "{email}"]': has(
            "emails", "value", "email", type="work"
        ),
    },
    "/Groups": {
        'displayName eq "{group_name}"': named("displayName", "group_name"),
        'members.value eq "{user}"': has("members", "value", "user"),
        'members[display eq "{user_name}"]': has("members", "display", "user_name"),
        "not (members pr)": lambda shown, _: not shown["members"],
    },
}
