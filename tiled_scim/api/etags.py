"""Check the preconditions of conditional requests (RFC 7644 section 3.14, RFC 9110 section 13).

Entity tags are weak, as in RFC 7644's examples. They are compared as weak in If-Match, too. They
change with everything that a client can see of a resource, which is all that a client needs.
"""

from __future__ import annotations

from django.utils.http import parse_etags

from tiled_scim.errors import precondition_failed
from tiled_scim.provisioning.service import Precondition


def if_match(header: str | None) -> Precondition | None:
    """Return the precondition of an If-Match header, or of the `version` of a bulk operation.

    The precondition takes the version of a resource, and raises a ScimError (412) if the header
    does not list it.

    Args:
        header: The header, or None.
    """
    if header is None:
        return None

    def check(version: str) -> None:
        if not is_listed(version, header):
            raise precondition_failed(
                "The resource has been changed since it was read. Read it again, and repeat the "
                "change on what it is now."
            )

    return check


def is_listed(tag: str, header: str) -> bool:
    """Return whether a header such as If-None-Match lists an entity tag, or "*" for any."""
    tags = parse_etags(header)
    return "*" in tags or tag.removeprefix("W/") in {listed.removeprefix("W/") for listed in tags}
