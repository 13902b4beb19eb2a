"""`manage.py scim_prune`: delete events that are older than the retention period."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import router
from django.db.models import QuerySet
from django.template.defaultfilters import pluralize
from django.utils import timezone

from tiled_scim.conf import PREFIX, settings
from tiled_scim.management import progress
from tiled_scim.management.arguments import days
from tiled_scim.models import ScimEvent

BATCH_SIZE = 1000
# Every supported database allows this many parameters in one statement.
LARGEST_BATCH = 10_000


class Command(BaseCommand):
    help = (
        "Deletes events that are older than TILED_SCIM_EVENT_RETENTION, in batches, so that "
        "requests are not blocked. Run it every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=days,
            dest="retention",
            metavar="N",
            help="How many days to keep events. Default: TILED_SCIM_EVENT_RETENTION.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Show how many events would be deleted, without deleting them.",
        )
        parser.add_argument(
            "--batch-size",
            type=_size,
            default=BATCH_SIZE,
            metavar="N",
            help="How many events to delete in one transaction. Default: %(default)s.",
        )

    def handle(
        self,
        *args: Any,
        retention: timedelta | None,
        is_dry_run: bool,
        batch_size: int,
        verbosity: int,
        **options: Any,
    ) -> None:
        self.is_quiet = verbosity == 0
        retention = retention or settings.EVENT_RETENTION
        if retention is None:
            self._write(
                f"{PREFIX}EVENT_RETENTION is None, so events are kept forever. Nothing was deleted."
            )
            return
        old = _older_than(retention)
        total = old.count()
        if is_dry_run:
            self._write(f"Found {_events(total, retention)}. Nothing was deleted.")
            return
        deleted = 0

        def summarize() -> str:
            return f"Deleted {_events(deleted, retention)}."

        bar = progress.bar(total, "event", is_shown=not self.is_quiet)
        with progress.interruptible(summarize), bar:
            for number in _delete(old, batch_size):
                deleted += number
                bar.update(number)
        self._write(summarize())

    def _write(self, text: str) -> None:
        if not self.is_quiet:
            self.stdout.write(text)


def _older_than(retention: timedelta) -> QuerySet[ScimEvent]:
    events = ScimEvent.objects.using(router.db_for_write(ScimEvent))
    return events.filter(created_at__lt=timezone.now() - retention)


def _delete(events: QuerySet[ScimEvent], batch_size: int) -> Iterator[int]:
    """Delete events, the oldest first, and yield the number of each batch.

    Events are deleted by primary key: deleting a range of dates would block requests that write
    new events.
    """
    oldest = events.order_by("created_at", "id").values_list("pk", flat=True)
    while keys := list(oldest[:batch_size]):
        ScimEvent.objects.using(events.db).filter(pk__in=keys).delete()
        yield len(keys)


def _events(count: int, age: timedelta) -> str:
    """Describe a number of events and their age."""
    return f"{count} event{pluralize(count)} older than {str(age).removesuffix(', 0:00:00')}"


def _size(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LARGEST_BATCH:
        raise argparse.ArgumentTypeError(
            f"give a whole number from 1 to {LARGEST_BATCH}, not {text!r}"
        )
    return number
