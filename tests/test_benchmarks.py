"""`make bench`: the comparison runs, and its floor does the same work as `tiled_scim`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client

from benchmarks.comparison.client import Answer, Request
from benchmarks.comparison.figures import Figures, figures
from benchmarks.comparison.measure import QUICK, Extent, Probe, Round
from benchmarks.comparison.operations import OPERATIONS, SMALL, Operation, list_by_cursor
from benchmarks.comparison.populating import PARTS
from benchmarks.comparison.report import Conditions, sections
from benchmarks.comparison.runner import Row, compare
from benchmarks.comparison.servers import BenchmarkError, Databases
from benchmarks.comparison.subjects import FLOOR, SUBJECTS, TILED_SCIM, Subject
from benchmarks.floor.populate import make_token, populate
from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupMember, ScimEvent, UserLink

BY_NAME = {operation.name: operation for operation in OPERATIONS}
PEOPLE_COLUMNS = ("username", "first_name", "last_name", "email", "is_active")
needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="The comparison needs PostgreSQL."
)


class Listener:
    def say(self, text: str) -> None:
        pass

    def row(self, row: Row) -> None:
        pass


@needs_postgresql
def test_the_floor_and_tiled_scim_are_measured() -> None:
    """A short run over HTTP of both parts, with gunicorn and its own databases."""
    databases = Databases(os.environ["DATABASE_URL"])
    names = ("lookup", "patch_active", "remove_member_10", "add_member_100000")
    extent = Extent(rounds=1, seconds=0.02, most=2, longest=1)

    rows = compare(
        databases, [FLOOR, TILED_SCIM], [BY_NAME[name] for name in names], extent, Listener()
    )

    assert [row.operation.name for row in rows] == list(names)
    for row in rows:
        for figure in figures(row).values():
            assert figure.problem == ""
            assert min(_known(figure)) > 0
    with databases.connect() as postgresql:
        left = "SELECT count(*) FROM pg_database WHERE datname = %s"
        names_made = [databases.name(label) for label in ("rows-tiled_scim", "floor", "tiled_scim")]
        assert [postgresql.execute(left, [name]).fetchone() for name in names_made] == [(0,)] * 3


@needs_postgresql
def test_two_comparisons_at_once_do_not_share_databases() -> None:
    # The test above may run at the same time.
    databases = Databases(f"{os.environ['DATABASE_URL']}_twice")
    with databases.connect() as other:
        databases.reserve(other)

        with pytest.raises(BenchmarkError, match="Another comparison"):
            compare(databases, [FLOOR], [BY_NAME["lookup"]], QUICK, Listener())


def _known(figure: Figures) -> list[float]:
    values = (figure.p50, figure.p95, figure.throughput, figure.statements, figure.worker)
    return [value for value in (*values, figure.database, figure.peak) if value is not None]


@needs_postgresql
@pytest.mark.django_db
@pytest.mark.urls("benchmarks.floor.urls")
def test_the_floor_answers_and_writes_what_tiled_scim_does() -> None:
    token = make_token()
    populate(token, *PARTS[SMALL])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    found = {
        operation.name: [_played(operation, subject, token) for subject in (FLOOR, TILED_SCIM)]
        for operation in OPERATIONS
        if operation.rows == SMALL
    }

    assert {name: floor for name, (floor, _) in found.items()} == {
        name: tiled_scim for name, (_, tiled_scim) in found.items()
    }


def _played(operation: Operation, subject: Subject, token: str) -> object:
    """Run an operation and roll it back; return the answer and the rows afterwards."""
    with transaction.atomic():
        for request in operation.before(subject, [0], []):
            _sent(request, subject, token)
        events = ScimEvent.objects.count()
        answer = _sent(_request(operation, subject, token), subject, token)
        document = _comparable(answer.json, subject)
        outcome = answer.status, document, _rows(), ScimEvent.objects.count() - events
        transaction.set_rollback(True)
    return outcome


def _request(operation: Operation, subject: Subject, token: str) -> Request:
    if not operation.by_cursor:
        return operation.build(subject, 0)
    first = _sent(list_by_cursor(subject, 0), subject, token)
    return list_by_cursor(subject, 0, first.json["nextCursor"])


def _sent(request: Request, subject: Subject, token: str) -> Answer:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    response = client.generic(
        request.method,
        subject.base + request.path,
        json.dumps(request.document or {}),
        content_type="application/scim+json",
    )
    assert response.status_code < 300, response.content
    return Answer(f"HTTP/1.1 {response.status_code} \r\n\r\n".encode() + response.content)


def _comparable(document: Any, subject: Subject) -> Any:
    """Return a document without values that differ between servers."""
    if isinstance(document, list):
        return sorted((_comparable(item, subject) for item in document), key=repr)
    if isinstance(document, dict):
        own = {"meta", "nextCursor", "previousCursor"}
        is_new = document.get("meta", {}).get("created") == document.get("meta", {}).get(
            "lastModified"
        )
        own |= {"id"} if is_new else set()
        return {
            name: _comparable(value, subject) for name, value in document.items() if name not in own
        }
    return document.replace(subject.base, "") if isinstance(document, str) else document


def _rows() -> dict[str, str]:
    """Return digests of the tables, without generated keys and times."""
    access = Library.members.through.objects
    return {
        "people": _digest(User.objects.values_list(*PEOPLE_COLUMNS)),
        "access": _digest(access.values_list("library__name", "user__username")),
        "links": _digest(UserLink.objects.values_list("user_name", "external_id", "version")),
        "members": _digest(
            LibraryGroupMember.objects.values_list("group__display_name", "user__user_name")
        ),
    }


def _digest(rows: QuerySet[Any, Any]) -> str:
    """Return a digest of rows, calculated by the database since there are thousands."""
    statement, parameters = rows.query.sql_with_params()
    text = "md5(string_agg(found::text, ';' ORDER BY found::text))"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text} FROM ({statement}) AS found", parameters)  # noqa: S608 (all of it is Django's or written here)
        [digest] = cursor.fetchone() or [""]
    return str(digest)


class TestReport:
    """The report of invented measurements: the second server needs twice the floor's time, etc."""

    def rows(self) -> list[Row]:
        def round_(times: int) -> Round:
            return Round([times / 1_000], worker=times, database=times, throughput=10, failed=0)

        probe = Probe(statements=3, idle=50 << 20, peak=60 << 20)
        refused = Probe(0, 0, 0, "answers 501", cannot=True)
        probes = {subject.name: probe for subject in SUBJECTS}
        rounds = {
            subject.name: [round_(times), round_(2 * times)]
            for times, subject in enumerate(SUBJECTS, 1)
        }
        last = SUBJECTS[-1].name
        return [
            Row(BY_NAME["get_user"], probes, {**rounds, last: [round_(1), round_(2)]}),
            Row(BY_NAME["push_now"], {**probes, last: refused}, rounds),
            Row(BY_NAME["add_member_10"], probes, rounds),
            Row(BY_NAME["get_group_100000"], probes, rounds),
        ]

    def text(self) -> str:
        conditions = Conditions("15", {"tiled_scim": "Django 5.2"}, rounds=2, load=0.1)
        return "\n\n".join(sections(self.rows(), conditions))

    def test_ratios_have_their_spread(self) -> None:
        found = figures(self.rows()[1])

        assert [figure.ratio for figure in found.values()] == [1, 2, 3, None]
        assert found["django-scim2"].ratios == (3, 3)

    def test_who_is_faster_and_who_cannot_is_named(self) -> None:
        text = self.text()

        assert "- GET a user: django-scim2-server needs 3.00 ms, tiled_scim 6.00 ms." in text
        assert "- Push Now of 10,000, 1 % new: django-scim2-server answers 501." in text

    def test_the_memory_of_the_largest_response_is_reported(self) -> None:
        assert "| tiled_scim | 50 | 60 | 10 |" in self.text()

    def test_plots_are_drawn(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        from benchmarks.comparison.plots import PLOTS

        for plot in PLOTS:
            plot.draw(self.rows(), tmp_path)

        endings = ("png", "svg")
        expected = {f"{plot.name}.{ending}" for plot in PLOTS for ending in endings}
        assert {path.name for path in tmp_path.iterdir()} == expected
