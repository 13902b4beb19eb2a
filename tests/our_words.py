"""The words that only we use, which no page may show to people of a host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# Names that are not ours to change: of the attribute in SCIM and of an app in Okta.
NAMES = re.compile(r"tiledAdmin|urn:ietf:\S+")
OURS = re.compile(r"\w*(?:Librar|Tiled|Bibliothe|bibliotec)\w*|\bhosts?\b", re.IGNORECASE)


def our_words(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield our words in the texts of pages, after the address of the page."""
    for address, text in texts.items():
        yield from ((address, word) for word in OURS.findall(NAMES.sub("", text)))
