"""Run a request in one transaction, and retry it after a conflict."""

from __future__ import annotations

import functools
import itertools
import logging
import random
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from tiled_scim.database.errors import is_lost, is_taken
from tiled_scim.errors import RETRY_AFTER, ScimError, unavailable
from tiled_scim.host import HostAdapter
from tiled_scim.provisioning.conflicts import conflict

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 5
# Seconds before the second attempt, doubled before each later one, plus or minus 50 %.
PAUSE = 0.05


class UsesDatabase(Protocol):
    """An object with methods that write to one database."""

    using: str
    adapter: HostAdapter


Self_ = TypeVar("Self_", bound=UsesDatabase)


def atomic(method: Callable[Concatenate[Self_, P], R]) -> Callable[Concatenate[Self_, P], R]:
    """Run a method in one transaction on the database `self.using`.

    A transaction that conflicts with another one (deadlock, serialization failure) is retried. So
    is one that violates a unique constraint: the second attempt sees what the other one wrote.

    Raises:
        ScimError: 409 if the value is still taken; 503 if the database is still busy.
    """

    @functools.wraps(method)
    def run(self: Self_, /, *args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in itertools.count(1):
            try:
                with transaction.atomic(using=self.using):
                    return method(self, *args, **kwargs)
            except (IntegrityError, OperationalError) as error:
                if not _may_retry(error, self.using):
                    raise
                if attempt == _attempts(error):
                    raise _final(error, self.adapter) from error
            logger.info("Attempt %d of a SCIM request lost against another one", attempt)
            time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
        raise AssertionError("the last attempt returns or raises")

    return run


def _may_retry(error: DatabaseError, using: str) -> bool:
    """Return whether a retry may succeed. A transaction of the caller cannot be retried."""
    if isinstance(error, IntegrityError):
        return is_taken(error)
    return is_lost(error) and not transaction.get_connection(using).in_atomic_block


def _attempts(error: DatabaseError) -> int:
    """Return the maximum number of attempts.

    A unique value that is taken in the second attempt was not taken by a concurrent request.
    """
    return 2 if isinstance(error, IntegrityError) else ATTEMPTS


def _final(error: DatabaseError, adapter: HostAdapter) -> ScimError:
    if isinstance(error, IntegrityError):
        return conflict(error, adapter)
    return unavailable("The database is busy. Try again.", RETRY_AFTER)
