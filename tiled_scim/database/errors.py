"""What an error of a database means, by the codes of PostgreSQL, MariaDB, MySQL and SQLite."""

from __future__ import annotations

# The transaction lost against another one, and may succeed when it is tried again: SQLSTATE of
# PostgreSQL (serialization failure, deadlock, lock not available), error numbers of MariaDB and
# MySQL (lock wait timeout, deadlock, record changed since last read).
LOST_STATES = frozenset({"40001", "40P01", "55P03"})
LOST_NUMBERS = frozenset({1205, 1213, 1020})
# A unique value exists already.
TAKEN_STATE = "23505"
TAKEN_NUMBER = 1062
# An earlier statement of the transaction failed. PostgreSQL answers a COMMIT with a rollback.
ABORTED_STATE = "25P02"


def is_taken(error: Exception) -> bool:
    """Return whether a unique constraint, and not another one, was violated."""
    state, number = _codes(error)
    return state == TAKEN_STATE or number == TAKEN_NUMBER or "UNIQUE constraint" in str(error)


def is_lost(error: Exception) -> bool:
    """Return whether the same transaction may succeed when it is tried again."""
    state, number = _codes(error)
    return state in LOST_STATES or number in LOST_NUMBERS or "database is locked" in str(error)


def is_aborted(error: Exception) -> bool:
    """Return whether the transaction can only be rolled back, because a statement failed."""
    state, _number = _codes(error)
    return state == ABORTED_STATE


def _codes(error: Exception) -> tuple[object, object]:
    """Return the SQLSTATE, if the driver gives one, and the first argument, a number in MySQL."""
    cause = error.__cause__ or error
    return getattr(cause, "sqlstate", None), next(iter(cause.args), None)
