"""When two texts are the same but for letter case."""

from __future__ import annotations

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"


def fold(text: str) -> str:
    """The form in which text is compared where case does not count (RFC 7643 `caseExact` false).

    Lower case and not `str.casefold`, since databases can do the same: `LOWER` on PostgreSQL and
    MariaDB. So "Straße" and "STRASSE" differ, on every database alike. The sigma at the end of a
    word is made the same as any other, which not all of them tell apart.
    """
    return text.lower().replace(FINAL_SIGMA, SIGMA)
