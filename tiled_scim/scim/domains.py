"""Tell whether an email address is within the domains of an account."""

from __future__ import annotations

import re
from collections.abc import Collection

from tiled_scim.scim.text import canonical

# One plain address. What else RFC 5322 allows, such as a list or a quoted name, may be sent to
# another address than the one that was checked.
_ADDRESS = re.compile(r"""[^\s\x00-\x1f@,;:<>()\[\]\\"]+@([^\s@]+)""")


def is_within(address: str, domains: Collection[str]) -> bool:
    """Return whether a text is one plain address at one of the domains.

    Subdomains are other domains.

    Args:
        address: The text, in any spelling: fullwidth characters count as the usual ones.
        domains: The domains, in any letter case.
    """
    found = _ADDRESS.fullmatch(canonical(address))
    return found is not None and found[1] in set(map(canonical, domains))
