"""The signals for hosts. They are sent after a provisioning request is committed.

All signals have the argument `account`. Signals of users also have `user` (the host user) and
`link` (the UserLink). Signals of Libraries have `library` and `link` (the LibraryGroupLink).
Signals of access have `library`, `link` and `users`, a list of primary keys of host users. An error
in a receiver is logged and does not affect the request.
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
    """Send a signal after the commit, or never if the transaction is rolled back."""
    transaction.on_commit(partial(_send, signal, sender, **arguments), using=using)


def _send(signal: Signal, sender: type, **arguments: Any) -> None:
    for receiver, response in signal.send_robust(sender, **arguments):
        if isinstance(response, Exception):
            logger.error("The signal receiver %r failed", receiver, exc_info=response)
