"""Tests of `scim_prune`: the events that it deletes, and its output."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.drifting import shown_on_a_terminal
from tests.factories import make_user
from tests.oauth.token_requests import granted, new_client
from tiled_scim.management.commands.scim_prune import _delete
from tiled_scim.models import Outcome, ScimAccessToken, ScimEvent, SetupLink

pytestmark = pytest.mark.django_db


def prune(*arguments: str) -> str:
    output = StringIO()
    call_command("scim_prune", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture(autouse=True)
def events() -> None:
    """Create an event for each of the last 100 days, in random order."""
    now = timezone.now() + timedelta(minutes=1)
    ScimEvent.objects.bulk_create(
        ScimEvent(created_at=now - timedelta(days=days), outcome=Outcome.DONE, detail=str(days))
        for days in sorted(range(1, 101), key=str)
    )


def kept() -> set[int]:
    """Return the ages of the remaining events in days."""
    return {int(detail) for detail in ScimEvent.objects.values_list("detail", flat=True)}


def deletions(*arguments: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        prune(*arguments)
    return sum(query["sql"].startswith("DELETE") for query in queries)


def test_events_are_kept_for_ninety_days() -> None:
    assert prune() == "Deleted 10 events older than 90 days.\n"

    assert kept() == set(range(1, 91))
    assert prune() == "Deleted 0 events older than 90 days.\n"


@pytest.mark.parametrize(
    ("retention", "spelled", "left"),
    [
        (timedelta(days=30), "30 days", 30),
        (timedelta(days=1), "1 day", 1),
        (timedelta(hours=36), "1 day, 12:00:00", 1),
        (timedelta(weeks=50), "350 days", 100),
    ],
)
def test_events_are_kept_for_the_period_in_the_setting(
    settings: Settings, retention: timedelta, spelled: str, left: int
) -> None:
    settings.TILED_SCIM_EVENT_RETENTION = retention

    assert prune() == f"Deleted {100 - left} events older than {spelled}.\n"

    assert kept() == set(range(1, left + 1))


def test_events_are_kept_for_the_given_number_of_days(settings: Settings) -> None:
    settings.TILED_SCIM_EVENT_RETENTION = None

    assert prune("--days", "7") == "Deleted 93 events older than 7 days.\n"

    assert kept() == set(range(1, 8))


def test_events_are_kept_forever(settings: Settings) -> None:
    settings.TILED_SCIM_EVENT_RETENTION = None

    assert prune() == (
        "TILED_SCIM_EVENT_RETENTION is None, so events are kept forever. Nothing was deleted.\n"
    )
    assert len(kept()) == 100


def test_a_dry_run_only_counts() -> None:
    assert prune("--dry-run", "--days", "40") == (
        "Found 60 events older than 40 days. Nothing was deleted.\n"
    )

    assert len(kept()) == 100


def test_events_are_deleted_in_batches() -> None:
    assert deletions("--days", "50", "--batch-size", "20") == 3

    assert kept() == set(range(1, 51))


def test_the_oldest_events_are_deleted_first() -> None:
    """Assert that the remaining events have no gaps after an interruption."""
    events = ScimEvent.objects.all()

    batches = _delete(events, "created_at", 30)

    assert next(batches) == 30
    assert kept() == set(range(1, 71))


class TestSetupLinks:
    """Those that ended before the retention period are deleted, however they ended."""

    @pytest.fixture(autouse=True)
    def links(self) -> dict[str, SetupLink]:
        ann = make_user("ann")
        days = {"open": 1, "expired": -1, "long expired": -91, "revoked": 1, "long revoked": 1}
        revoked = {"revoked": 1, "long revoked": 91}
        now = timezone.now()
        return {
            name: SetupLink.objects.create(
                created_by=ann,
                digest=name,
                expires_at=now + timedelta(days=number),
                revoked_at=now - timedelta(days=revoked[name]) if name in revoked else None,
            )
            for name, number in days.items()
        }

    def kept(self) -> set[str]:
        return set(SetupLink.objects.values_list("digest", flat=True))

    def test_they_are_deleted(self) -> None:
        assert prune() == "Deleted 10 events older than 90 days and 2 setup links.\n"

        assert self.kept() == {"open", "expired", "revoked"}
        assert prune() == "Deleted 0 events older than 90 days.\n"

    def test_a_dry_run_only_counts(self) -> None:
        assert prune("--dry-run", "--days", "1") == (
            "Found 99 events older than 1 day and 4 setup links. Nothing was deleted.\n"
        )

        assert len(self.kept()) == 5

    def test_in_batches(self) -> None:
        assert deletions("--days", "90", "--batch-size", "1") == 10 + 2


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_reports_what_was_done() -> None:
    def interrupt(sender: object, instance: ScimEvent, **kwargs: object) -> None:
        if instance.detail == "94":
            raise KeyboardInterrupt

    post_delete.connect(interrupt, sender=ScimEvent)
    try:
        with pytest.raises(CommandError) as caught:
            prune("--batch-size", "5")
    finally:
        post_delete.disconnect(interrupt, sender=ScimEvent)

    sentence = "Deleted 5 events older than 90 days."
    assert (str(caught.value), caught.value.returncode) == (f"Interrupted. {sentence}", 130)
    assert kept() == set(range(1, 96))


@pytest.mark.parametrize("option", ["--days", "--batch-size"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "", "٣", "9" * 20])
def test_an_invalid_number_is_refused(option: str, value: str) -> None:
    with pytest.raises(CommandError, match="give a whole number"):
        prune(f"{option}={value}")

    assert len(kept()) == 100


def test_quiet_mode() -> None:
    assert prune("--verbosity", "0") == ""

    assert len(kept()) == 90


def test_progress_is_shown_on_a_terminal() -> None:
    assert "/10 [" in shown_on_a_terminal(prune)
    assert "event" in shown_on_a_terminal(lambda: prune("--days", "50"))
    assert shown_on_a_terminal(lambda: prune("--days", "20", "--verbosity", "0")) == ""


def test_progress_is_not_shown_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    prune()

    assert capsys.readouterr().err == ""


def test_access_tokens_are_kept_for_a_day_after_their_end() -> None:
    client = new_client()
    tokens = [granted(client) for _ in range(3)]
    now = timezone.now()
    for token, hours in zip(ScimAccessToken.objects.order_by("pk"), (25, 23, -1), strict=True):
        token.expires_at = now - timedelta(hours=hours)
        token.save()

    assert prune() == "Deleted 10 events older than 90 days and 1 access token.\n"

    found = [ScimAccessToken.objects.with_plaintext(token) is not None for token in tokens]
    assert found == [False, True, True]
