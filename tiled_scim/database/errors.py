"""What an error of a database means, by the codes of PostgreSQL, MariaDB, MySQL and SQLite."""

from __future__ import annotations

import re

# The transaction lost against another one, and may succeed when it is tried again: SQLSTATE of
# PostgreSQL (serialization failure, deadlock, lock not available), error numbers of MariaDB and
# MySQL (lock wait timeout, deadlock, record changed since last read).
LOST_STATES = frozenset({"40001", "40P01", "55P03"})
LOST_NUMBERS = frozenset({1205, 1213, 1020})
# A unique value exists already.
TAKEN_STATE = "23505"
TAKEN_NUMBER = 1062
_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?P<columns>.+)$")
_MYSQL_KEY = re.compile(r"for key '(?:(?P<table>[^.']+)\.)?(?P<key>[^']+)'")
_POSTGRESQL_COLUMNS = re.compile(r"^Key \((?P<columns>[^()]+)\)=")
# An earlier statement of the transaction failed. PostgreSQL answers a COMMIT with a rollback.
ABORTED_STATE = "25P02"
# A statement took longer than it may: SQLSTATE of PostgreSQL, error numbers of MariaDB and MySQL.
OUT_OF_TIME_STATE = "57014"
OUT_OF_TIME_NUMBERS = frozenset({1969, 3024})


def is_taken(error: Exception) -> bool:
    """Return whether a unique constraint, and not another one, was violated."""
    state, number = _codes(error)
    return state == TAKEN_STATE or number == TAKEN_NUMBER or "UNIQUE constraint" in str(error)


def violated(error: Exception) -> set[str]:
    """Return the names in the message about a violated unique constraint.

    They are names of constraints, and of columns after their table and a dot: SQLite and PostgreSQL
    name the columns. MariaDB and MySQL name the constraint, which is named after its column if that
    is unique by itself; MySQL names the table, too.
    """
    text = str(error)
    if match := _SQLITE_COLUMNS.search(text):
        return set(match["columns"].split(", "))
    if match := _MYSQL_KEY.search(text):
        return {match["key"], f"{match['table']}.{match['key']}"}
    diagnosis = getattr(error.__cause__, "diag", None)
    columns = _POSTGRESQL_COLUMNS.search(getattr(diagnosis, "message_detail", None) or "")
    names = columns["columns"].split(", ") if columns else []
    table = getattr(diagnosis, "table_name", None)
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    return {constraint, *(f"{table}.{name}" for name in names)}


def is_lost(error: Exception) -> bool:
    """Return whether the same transaction may succeed when it is tried again."""
    state, number = _codes(error)
    return state in LOST_STATES or number in LOST_NUMBERS or "database is locked" in str(error)


def is_aborted(error: Exception) -> bool:
    """Return whether the transaction can only be rolled back, because a statement failed."""
    state, _number = _codes(error)
    return state == ABORTED_STATE


def is_out_of_time(error: Exception) -> bool:
    """Return whether a statement took longer than it may, see `database.time_limit`."""
    state, number = _codes(error)
    is_stopped = state == OUT_OF_TIME_STATE or number in OUT_OF_TIME_NUMBERS
    return is_stopped or str(error) == "interrupted"


def _codes(error: Exception) -> tuple[object, object]:
    """Return the SQLSTATE, if the driver gives one, and the first argument, a number in MySQL."""
    cause = error.__cause__ or error
    return getattr(cause, "sqlstate", None), next(iter(cause.args), None)
