"""As much as the server takes: the largest people, and groups of very many."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from tests.rows import insert
from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, UserLink
from tiled_scim.scim.cleaning import MAX_RESOURCE_BYTES, MAX_TEXT

Attributes = dict[str, Any]

# The multi-valued attributes of a user whose elements may have any value.
PLURALS = ("entitlements", "roles", "ims", "phoneNumbers", "photos", "emails")


def many_values() -> Attributes:
    """As many elements as there may be, which take the most memory and time."""
    number = MAX_RESOURCE_BYTES // len(PLURALS) // 17
    return {name: [{"value": f"{n:03x}"} for n in range(number)] for name in PLURALS}


def wide_text() -> Attributes:
    """A text that takes four bytes for each character, because one of them does."""
    return {"nickName": "\N{GRINNING FACE}" + "x" * (MAX_TEXT - 1)}


SHAPES = {"many values": many_values, "wide text": wide_text}


def people(number: int, attributes: Attributes | None = None) -> list[str]:
    """People with these attributes, without a request for each; returns their ids."""
    first = User.objects.count()
    hosts = insert(User(username=f"person{n}@example.com") for n in range(first, first + number))
    links = [
        UserLink(
            user=host,
            user_name=host.username,
            user_name_canonical=host.username,
            attributes=attributes or {},
        )
        for host in hosts
    ]
    UserLink.objects.bulk_create(links, batch_size=2000)
    return [str(link.pk) for link in links]


def groups(number: int, members: list[str]) -> list[str]:
    """Groups with these members, without a request for each; returns their ids."""
    first = Library.objects.count()
    libraries = insert(Library(name=f"Library {n}") for n in range(first, first + number))
    links = LibraryGroupLink.objects.bulk_create(
        LibraryGroupLink(
            library=library, display_name=library.name, display_name_canonical=library.name.lower()
        )
        for library in libraries
    )
    LibraryGroupMember.objects.bulk_create(
        (
            LibraryGroupMember(group=link, user_id=member, display="A name")
            for link in links
            for member in members
        ),
        batch_size=5000,
    )
    return [str(link.pk) for link in links]
