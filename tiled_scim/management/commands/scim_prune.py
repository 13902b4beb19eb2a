"""`manage.py scim_prune`: delete the events that are older than they are kept."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import router
from django.db.models import QuerySet
from django.utils import timezone

from tiled_scim.conf import PREFIX, settings
from tiled_scim.management import progress
from tiled_scim.management.arguments import days
from tiled_scim.models import ScimEvent

BATCH_SIZE = 1000
# Below the number of parameters that a supported database takes in one statement.
LARGEST_BATCH = 10_000


class Command(BaseCommand):
    help = (
        "Deletes events that are older than TILED_SCIM_EVENT_RETENTION, a batch at a time, so that "
        "requests go on meanwhile. Run it every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=days,
            dest="retention",
            metavar="N",
            help="How many days of events to keep; by default TILED_SCIM_EVENT_RETENTION.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Say how many would be deleted, and delete none.",
        )
        parser.add_argument(
            "--batch-size",
            type=_size,
            default=BATCH_SIZE,
            metavar="N",
            help="How many to delete in one transaction. By default %(default)s.",
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
            self._say(
                f"Events are kept for ever: {PREFIX}EVENT_RETENTION is None. None was deleted."
            )
            return
        old = _older_than(retention)
        total = old.count()
        if is_dry_run:
            self._say(f"Events older than {_spelled(retention)}: {total}. None was deleted.")
            return
        deleted = 0

        def tell() -> str:
            return f"Events older than {_spelled(retention)} that were deleted: {deleted}."

        bar = progress.bar(total, "event", is_shown=not self.is_quiet)
        with progress.interruptible(tell), bar:
            for number in _delete(old, batch_size):
                deleted += number
                bar.update(number)
        self._say(tell())

    def _say(self, text: str) -> None:
        if not self.is_quiet:
            self.stdout.write(text)


def _older_than(retention: timedelta) -> QuerySet[ScimEvent]:
    events = ScimEvent.objects.using(router.db_for_write(ScimEvent))
    return events.filter(created_at__lt=timezone.now() - retention)


def _delete(events: QuerySet[ScimEvent], batch_size: int) -> Iterator[int]:
    """Delete the events, oldest first; yields how many after each batch.

    By primary key: a range of dates would lock what requests are about to write.
    """
    oldest = events.order_by("created_at", "id").values_list("pk", flat=True)
    while keys := list(oldest[:batch_size]):
        ScimEvent.objects.using(events.db).filter(pk__in=keys).delete()
        yield len(keys)


def _spelled(period: timedelta) -> str:
    """The period in words."""
    return str(period).removesuffix(", 0:00:00")


def _size(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LARGEST_BATCH:
        raise argparse.ArgumentTypeError(
            f"give a whole number from 1 to {LARGEST_BATCH}, not {text!r}"
        )
    return number
