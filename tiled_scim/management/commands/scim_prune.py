"""`manage.py scim_prune`: delete old events and setup links, and credentials that have expired."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import QuerySet
from django.template.defaultfilters import pluralize
from django.utils import timezone

from tiled_scim.conf import PREFIX, settings
from tiled_scim.database.for_write import objects
from tiled_scim.management import progress
from tiled_scim.management.arguments import days
from tiled_scim.models import (
    EXPIRED_KEPT,
    ScimAccessToken,
    ScimEvent,
    SetupLink,
    UsedAssertion,
)

BATCH_SIZE = 1000
# Every supported database allows this many parameters in one statement.
LARGEST_BATCH = 10_000
# The attributes of `Numbers` of what is deleted besides events.
OTHERS = ("setup_links", "used_assertions", "access_tokens")


class Command(BaseCommand):
    help = (
        "Deletes events that are older than TILED_SCIM_EVENT_RETENTION, and setup links that ended "
        "before, and used assertions and access tokens that have expired, in batches, so that "
        "requests are not blocked. Run it every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=days,
            dest="retention",
            metavar="N",
            help="How many days to keep them. Default: TILED_SCIM_EVENT_RETENTION.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Show how many would be deleted, without deleting them.",
        )
        parser.add_argument(
            "--batch-size",
            type=_size,
            default=BATCH_SIZE,
            metavar="N",
            help="How many to delete in one transaction. Default: %(default)s.",
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
        age = str(retention).removesuffix(", 0:00:00")
        rows = _older_than(timezone.now() - retention)
        found = Numbers(age, *(old.count() for old, _order in rows))
        if is_dry_run:
            self._write(f"Found {found}. Nothing was deleted.")
            return
        deleted = Numbers(age)
        bar = progress.bar(found.events, "event", is_shown=not self.is_quiet)
        with progress.interruptible(lambda: f"Deleted {deleted}."), bar:
            (events, of_events), *others = rows
            for number in _delete(events, of_events, batch_size):
                deleted.events += number
                bar.update(number)
            for name, (old, order) in zip(OTHERS, others, strict=True):
                number = sum(_delete(old, order, batch_size))
                setattr(deleted, name, number)
        self._write(f"Deleted {deleted}.")

    def _write(self, text: str) -> None:
        if not self.is_quiet:
            self.stdout.write(text)


@dataclass
class Numbers:
    """How many rows were found or deleted.

    Args:
        age: The retention period, as text.
        events: The number of events that are older.
        setup_links: The number of setup links that ended before.
        used_assertions: The number of used assertions that have expired.
        access_tokens: The number of access tokens that expired a day ago or earlier.
    """

    age: str
    events: int = 0
    setup_links: int = 0
    used_assertions: int = 0
    access_tokens: int = 0

    def __str__(self) -> str:
        events = f"{self.events} event{pluralize(self.events)} older than {self.age}"
        numbers = ((name, getattr(self, name)) for name in OTHERS)
        others = [
            f"{number} {name.replace('_', ' ').removesuffix('s')}{pluralize(number)}"
            for name, number in numbers
            if number
        ]
        *first, last = [events, *others]
        return f"{', '.join(first)} and {last}" if first else last


def _older_than(moment: datetime) -> list[tuple[QuerySet[Any], str]]:
    """Return the events and the `OTHERS` to delete, each with the column of its order."""
    events = objects(ScimEvent)
    return [
        (events.filter(created_at__lt=moment), "created_at"),
        (SetupLink.objects.ended_before(moment), "expires_at"),
        (UsedAssertion.objects.expired_before(timezone.now()), "expires_at"),
        (ScimAccessToken.objects.expired_before(timezone.now() - EXPIRED_KEPT), "expires_at"),
    ]


def _delete(rows: QuerySet[Any], order: str, batch_size: int) -> Iterator[int]:
    """Delete rows, the oldest first, and yield the number of each batch.

    They are deleted by primary key: deleting a range of dates would block requests that write new
    ones.
    """
    oldest = rows.order_by(order, "id").values_list("pk", flat=True)
    while keys := list(oldest[:batch_size]):
        rows.model._default_manager.using(rows.db).filter(pk__in=keys).delete()
        yield len(keys)


def _size(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LARGEST_BATCH:
        raise argparse.ArgumentTypeError(
            f"give a whole number from 1 to {LARGEST_BATCH}, not {text!r}"
        )
    return number
