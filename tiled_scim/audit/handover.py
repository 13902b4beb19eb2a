"""How far an identity provider has gone over from one credential to the one that replaces it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from tiled_scim.models import USED_INTERVAL, LastUse


class Handover(StrEnum):
    """How far clients have gone over from the previous credential to the newest one."""

    # Nobody has used the newest one.
    NOT_BEGUN = "not_begun"
    # The newest one was first used within the last minute, or the previous one may still be used.
    BEGUN = "begun"
    # The previous one was used since the newest one was first used.
    STILL_USED = "still_used"
    DONE = "done"


def handover(
    newest: LastUse | None, previous: LastUse | None, *, overlap: timedelta = timedelta()
) -> Handover | None:
    """Return how far clients have gone over to the newest credential, or None without a previous.

    The last use is noted once a minute. So uses of the previous one just before the first use of
    the newest one can be missing, but none after another minute.

    Args:
        newest: The newest credential.
        previous: The one that it replaces.
        overlap: How long the previous one may be used after the first use of the newest one,
            although the client has gone over.
    """
    if newest is None or previous is None:
        return None
    if newest.first_used_at is None:
        return Handover.NOT_BEGUN
    settled_at = newest.first_used_at + overlap
    if previous.last_used_at is not None and previous.last_used_at >= settled_at:
        return Handover.STILL_USED
    is_certain = timezone.now() - settled_at >= USED_INTERVAL
    return Handover.DONE if is_certain else Handover.BEGUN
