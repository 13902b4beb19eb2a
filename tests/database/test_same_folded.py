"""`SameFolded` finds the same rows whatever the column's collation, with an index and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F

from tiled_scim.database import host_columns
from tiled_scim.database.host_columns import SameFolded
from tiled_scim.scim.text import fold

ADDRESSES = (
    *("irene@example.com", "IRENE@example.com", "Irene@Example.com ", "irêne@example.com"),
    *("JOSÉ@example.com", "josé@example.com", "jose@example.com", "Žofie@example.com"),
    *("žofie@EXAMPLE.com", "ÅSA@example.com", "åsa@example.com", "aasa@example.com"),
    *("ΣΟΦΟΣ@example.com", "σοφος@example.com", "σοφοσ@example.com", "İnci@example.com"),
    *("i̇nci@example.com", "\u0131nci@example.com", "straße@example.com", "STRASSE@example.com"),
    *("ДМИТРИЙ@example.com", "дмитрий@example.com", "\U00010400@example.com", "𐐨@example.com"),
    *("ȺB@example.com", "ⱥb@example.com", "a%b@example.com", "a_b@example.com", "a", " "),
)
COLLATIONS = ("general_ci", "unicode_ci", "unicode_520_ci", "turkish_ci", "danish_ci", "bin")


@pytest.fixture(params=COLLATIONS if connection.vendor == "mysql" else ["as it is"])
def collation(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """The collation of the email addresses, on MariaDB and MySQL."""
    if connection.vendor != "mysql":
        yield request.param
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@collation_database")
        [before] = cursor.fetchone()
    collate(f"utf8mb4_{request.param}")
    yield request.param
    collate(before)


def collate(name: str) -> None:
    """Give the column of email addresses a collation."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE auth_user MODIFY email VARCHAR(254) COLLATE {name} NOT NULL")
    host_columns._collation.cache_clear()


def test_it_finds_what_is_the_same_but_for_letter_case(collation: str) -> None:
    User.objects.bulk_create(
        User(username=str(number), email=address) for number, address in enumerate(ADDRESSES)
    )

    for address in (*ADDRESSES, "nobody@example.com", ""):
        found = User.objects.filter(SameFolded(F("email"), address)).order_by("pk")
        expected = [each for each in ADDRESSES if fold(each) == fold(address)]
        assert list(found.values_list("email", flat=True)) == expected, address


@pytest.mark.parametrize(
    ("collation", "text", "is_enough"),
    [
        ("utf8mb4_general_ci", "ann@example.com", True),
        ("utf8mb4_general_ci", "josé@example.com", True),
        ("utf8mb4_general_ci", "σοφος@example.com", False),
        ("utf8mb4_general_ci", "İnci@example.com", False),
        ("utf8mb3_general_ci", "ann@example.com", True),
        ("utf8mb4_unicode_ci", "ann@example.com", True),
        ("utf8mb4_unicode_520_ci", "σοφος@example.com", True),
        ("utf8mb4_uca1400_ai_ci", "σοφος@example.com", True),
        ("utf8mb4_0900_ai_ci", "σοφος@example.com", True),
        ("utf8mb4_bin", "ann@example.com", False),
        ("utf8mb4_0900_as_cs", "ann@example.com", False),
        ("utf8mb4_turkish_ci", "ann@example.com", False),
        ("latin1_swedish_ci", "ann@example.com", False),
        ("", "ann@example.com", False),
    ],
)
def test_an_index_is_enough_where_the_collation_is_known_to_be(
    collation: str, text: str, is_enough: bool
) -> None:
    assert host_columns._finds(collation, text) is is_enough
