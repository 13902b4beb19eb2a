"""Conditional requests: RFC 7644 section 3.14, RFC 9110 section 13.

Entity tags are weak, as those of RFC 7644's own examples, and compared as weak ones in If-Match,
too: that they change with everything that is seen of a resource is all that a client needs.
"""

from __future__ import annotations

from django.utils.http import parse_etags

from tiled_scim.errors import precondition_failed
from tiled_scim.provisioning.service import Precondition


def if_match(header: str | None) -> Precondition | None:
    """Return the precondition of an If-Match header, or of the `version` of a bulk operation.

    Raises (when the precondition is checked):
        ScimError: 412.
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
    """Whether a header such as If-None-Match names this entity tag, or "*" for any."""
    tags = parse_etags(header)
    return "*" in tags or tag.removeprefix("W/") in {listed.removeprefix("W/") for listed in tags}
