"""When two texts are the same: but for letter case, or but for the spelling of a name."""

from __future__ import annotations

import unicodedata

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_HALFWIDTH_AND_FULLWIDTH_FORMS = range(0xFF00, 0xFFF0)


def fold(text: str) -> str:
    """Return the form in which text is compared where case does not count (`caseExact` false).

    Lower case and not `str.casefold`, since databases can do the same: `LOWER` on PostgreSQL and
    MariaDB. So "Straße" and "STRASSE" differ, on every database alike. The sigma at the end of a
    word is made the same as any other, which not all of them tell apart.
    """
    return text.lower().replace(FINAL_SIGMA, SIGMA)


def canonical(text: str) -> str:
    """Return the form in which names (userName, a group's displayName) are the same name.

    RFC 7644 sections 5 and 7.8 want names prepared by PRECIS (RFC 8265): fullwidth and halfwidth
    characters mapped to the usual ones, lower case, composed (NFC). This is NFKC and lower case:
    the same for all names that PRECIS allows. Those that it does not allow, such as names with a
    ligature, get the form that Django keeps usernames in, so that no two of them are one user of
    the host and two here. Spaces count, also at the beginning and at the end.

    Args:
        text: a name in any spelling.

    Returns:
        The canonical form, which is its own canonical form. It can be up to 18 times as long.
    """
    # Composed again, since two characters can have a composed form in lower case only.
    lowered = fold(unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", lowered)


def spellings(text: str) -> set[str]:
    """Return the usual ways to write a name: what to look for where only text can be compared.

    Each has the same canonical form as the name. They are the name as it was given, in each of the
    Unicode normalization forms, and in fullwidth and halfwidth characters; and these in lower and
    upper case, as far as that keeps the canonical form ("ß" in upper case does not).

    Args:
        text: a name in any spelling.
    """
    name = canonical(text)
    written = {
        unicodedata.normalize(form, spelling)
        for spelling in (text, name)
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    }
    written |= {spelling.translate(width) for spelling in written for width in _WIDTHS} | {text}
    cased = {case(spelling) for spelling in written for case in (str.lower, str.upper)}
    return {spelling for spelling in written | cased if canonical(spelling) == name}


def _characters_of(width: str) -> dict[str, str]:
    """The characters that have a form of a width, each with that form."""
    forms = map(chr, _HALFWIDTH_AND_FULLWIDTH_FORMS)
    parts = [(form, unicodedata.decomposition(form).split()) for form in forms]
    return {chr(int(part[1], 16)): form for form, part in parts if part[:1] == [f"<{width}>"]}


_WIDTHS = [str.maketrans(_characters_of(width)) for width in ("wide", "narrow")]
