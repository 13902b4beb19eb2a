"""Tests of transactions that conflict with others."""

from __future__ import annotations

import logging

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection

from tiled_scim.errors import ScimError
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimToken
from tiled_scim.provisioning import transactions
from tiled_scim.provisioning.transactions import ATTEMPTS, atomic


class DriverError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("a driver's words")
        self.sqlstate = sqlstate


def caused(error: DatabaseError, cause: Exception) -> DatabaseError:
    error.__cause__ = cause
    return error


class Work:
    """Fails so often, and then succeeds; each attempt writes a row."""

    using = "default"
    adapter = HostAdapter()

    def __init__(self, error: Exception, failures: int) -> None:
        self.error = error
        self.failures = failures
        self.attempts = 0

    @atomic
    def run(self) -> str:
        self.attempts += 1
        ScimToken.objects.create(account="x", digest=str(self.attempts), last_four="1234")
        if self.attempts <= self.failures:
            raise self.error
        return "done"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PAUSE", 0)


LOST = {
    "PostgreSQL's deadlock": caused(OperationalError(), DriverError("40P01")),
    "PostgreSQL's serialization failure": caused(OperationalError(), DriverError("40001")),
    "MariaDB's deadlock": OperationalError(1213, "Deadlock found"),
    "MariaDB's lock wait timeout": OperationalError(1205, "Lock wait timeout exceeded"),
    "SQLite's lock": OperationalError("database is locked"),
}
TAKEN = {
    "PostgreSQL": caused(IntegrityError(), DriverError("23505")),
    "MariaDB": IntegrityError(1062, "Duplicate entry"),
    "SQLite": IntegrityError("UNIQUE constraint failed: x"),
}


@pytest.mark.django_db(transaction=True)
class TestLost:
    @pytest.mark.parametrize("error", LOST.values(), ids=LOST)
    def test_is_tried_again_and_leaves_one_trace(
        self, error: OperationalError, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, transactions.__name__)

        assert Work(error, failures=ATTEMPTS - 1).run() == "done"

        assert list(ScimToken.objects.values_list("digest", flat=True)) == [str(ATTEMPTS)]
        assert caplog.messages == [
            f"Attempt {number} of a SCIM request lost against another one"
            for number in range(1, ATTEMPTS)
        ]

    @pytest.mark.parametrize("error", LOST.values(), ids=LOST)
    def test_without_end_is_503_with_retry_after(self, error: OperationalError) -> None:
        with pytest.raises(ScimError) as raised:
            Work(error, failures=ATTEMPTS).run()

        assert raised.value.status == 503
        assert raised.value.headers["Retry-After"].isdigit()
        assert ScimToken.objects.count() == 0

    def test_another_fault_of_the_database_is_none_of_that(self) -> None:
        work = Work(OperationalError("disk full"), failures=1)

        with pytest.raises(OperationalError, match="disk full"):
            work.run()

        assert work.attempts == 1


@pytest.mark.django_db(transaction=True)
class TestTaken:
    @pytest.mark.parametrize("error", TAKEN.values(), ids=TAKEN)
    def test_by_a_race_is_seen_by_the_second_attempt(self, error: IntegrityError) -> None:
        assert Work(error, failures=1).run() == "done"

    @pytest.mark.parametrize("error", TAKEN.values(), ids=TAKEN)
    def test_twice_is_409(self, error: IntegrityError) -> None:
        work = Work(error, failures=2)

        with pytest.raises(ScimError) as raised:
            work.run()

        assert (raised.value.status, raised.value.scim_type) == (409, "uniqueness")
        assert work.attempts == 2

    def test_another_constraint_is_none_of_that(self) -> None:
        with pytest.raises(IntegrityError, match="NOT NULL"):
            Work(IntegrityError("NOT NULL constraint failed"), failures=1).run()


@pytest.mark.django_db
def test_what_is_lost_inside_the_callers_transaction_is_the_callers() -> None:
    """It is over, and nothing here can begin it again."""
    assert connection.in_atomic_block

    with pytest.raises(OperationalError):
        Work(OperationalError(1213, "Deadlock found"), failures=1).run()
