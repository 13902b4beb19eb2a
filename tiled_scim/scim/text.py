"""Compare texts: ignoring case, or ignoring the spelling of a name."""

from __future__ import annotations

import unicodedata

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_HALFWIDTH_AND_FULLWIDTH_FORMS = range(0xFF00, 0xFFF0)


def fold(text: str) -> str:
    """Return the form of a text for comparisons that ignore case (`caseExact` is false).

    It is lower case, not `str.casefold`, because databases can do the same with `LOWER`. So
    "Straße" and "STRASSE" differ on each database. The sigma at the end of a word becomes a normal
    sigma, because only some databases distinguish them.
    """
    return text.lower().replace(FINAL_SIGMA, SIGMA)


def canonical(text: str) -> str:
    """Return the form of a name (userName, a group's displayName) that all its spellings share.

    RFC 7644 sections 5 and 7.8 refer to PRECIS (RFC 8265): map fullwidth and halfwidth characters,
    convert to lower case, and compose (NFC). This function uses NFKC and lower case, with the same
    result for all names that PRECIS allows. Other names, for example with a ligature, get the form
    of Django's usernames, so that two SCIM users never share a username of the host. Spaces are
    kept, also at the start and the end.

    Args:
        text: A name in any spelling.

    Returns:
        The canonical form. It can be up to 18 times as long. Applying the function again does not
        change it.
    """
    # Composed again, because some characters only have a composed form in lower case.
    lowered = fold(unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", lowered)


def spellings(text: str) -> set[str]:
    """Return the usual spellings of a name, for columns that do not store its canonical form.

    All have the same canonical form. They are the name itself, its Unicode normalization forms, and
    its fullwidth and halfwidth forms, each also in lower and upper case if that keeps the canonical
    form ("ß" in upper case does not).

    Args:
        text: A name in any spelling.
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
    """Return the characters with a fullwidth or halfwidth form, with that form."""
    forms = map(chr, _HALFWIDTH_AND_FULLWIDTH_FORMS)
    parts = [(form, unicodedata.decomposition(form).split()) for form in forms]
    return {chr(int(part[1], 16)): form for form, part in parts if part[:1] == [f"<{width}>"]}


_WIDTHS = [str.maketrans(_characters_of(width)) for width in ("wide", "narrow")]
