"""Check the preconditions of conditional requests (RFC 7644 section 3.14, RFC 9110 section 13).

Entity tags are weak, as in RFC 7644's examples. They are compared as weak in If-Match, too. They
change with everything that a client can see of a resource, which is all that a client needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.http import parse_etags

from tiled_scim.errors import invalid_request, precondition_failed
from tiled_scim.provisioning.service import Precondition

# Servers accept headers of some thousand characters. The version of a bulk operation is in a body.
MAX_LENGTH = 10_000


def of_write(headers: Mapping[str, str]) -> Precondition | None:
    """Return the precondition of the headers of a write.

    With If-None-Match, it raises a ScimError (412) if the header lists the version (RFC 9110
    section 13.1.2).

    Raises:
        ScimError: 400 for a header that is too long.
    """
    matches = if_match(headers.get("If-Match"))
    if "If-None-Match" not in headers:
        return matches
    unwanted = _tags(headers["If-None-Match"])

    def check(version: str) -> None:
        if matches is not None:
            matches(version)
        if _is_among(version, unwanted):
            raise precondition_failed("The resource has a version that If-None-Match excludes.")

    return check


def if_match(header: str | None) -> Precondition | None:
    """Return the precondition of an If-Match header, or of the `version` of a bulk operation.

    The precondition takes the version of a resource, and raises a ScimError (412) if the header
    does not list it. The resource is locked then, so the header is parsed before.

    Args:
        header: The header, or None.

    Raises:
        ScimError: 400 for a header that is too long.
    """
    if header is None:
        return None
    listed = _tags(header)

    def check(version: str) -> None:
        if not _is_among(version, listed):
            raise precondition_failed(
                "The resource has been changed since it was read. Read it again, and repeat the "
                "change on what it is now."
            )

    return check


def is_listed(tag: str, header: str) -> bool:
    """Return whether a header such as If-None-Match lists an entity tag, or "*" for any."""
    return _is_among(tag, _tags(header))


def _tags(header: str) -> frozenset[str]:
    """Return the entity tags in a header, without the mark of weak ones."""
    if len(header) > MAX_LENGTH:
        raise invalid_request(f"A list of versions may have {MAX_LENGTH} characters.")
    return frozenset(tag.removeprefix("W/") for tag in parse_etags(header))


def _is_among(tag: str, listed: frozenset[str]) -> bool:
    return "*" in listed or tag.removeprefix("W/") in listed
