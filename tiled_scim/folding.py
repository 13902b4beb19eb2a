"""When two texts are the same but for letter case."""

from __future__ import annotations


def fold(text: str) -> str:
    """The form in which text is compared where case does not count (RFC 7643 `caseExact` false).

    Lower case and not `str.casefold`, since databases can do the same: `LOWER` on PostgreSQL and
    MariaDB. So "Straße" and "STRASSE" differ, on every database alike.
    """
    return text.lower()
