"""Sent after a provisioning request has been committed.

Every signal has `account`. Those of users have `user` (the host's) and `link` (the UserLink); those
of Libraries have `library` and `link` (the LibraryGroupLink); those of access have `library`,
`link` and `users`, a list of the host users' primary keys. A receiver that raises is logged and
breaks nothing.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

logger = logging.getLogger(__name__)

user_provisioned = Signal()
user_updated = Signal()
user_deactivated = Signal()
user_reactivated = Signal()
user_unlinked = Signal()
library_linked = Signal()
library_renamed = Signal()
library_unlinked = Signal()
access_granted = Signal()
access_revoked = Signal()


def announce(signal: Signal, sender: type, using: str, **arguments: Any) -> None:
    """Send a signal once the transaction has been committed; never if it is rolled back."""
    transaction.on_commit(partial(_send, signal, sender, **arguments), using=using)


def _send(signal: Signal, sender: type, **arguments: Any) -> None:
    for receiver, response in signal.send_robust(sender, **arguments):
        if isinstance(response, Exception):
            logger.error("The signal receiver %r failed", receiver, exc_info=response)
