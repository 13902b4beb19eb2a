"""`manage.py scim_index`: create the indexes on the host's user table that lookups need."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import DatabaseError

from tiled_scim.database.host_columns import HostColumn, State
from tiled_scim.host import searched_columns

REMARKS = {
    State.UNNEEDED: "{column} needs no index here: SQLite is for development.",
    State.PRESENT: "{column} has an index already.",
    State.BUILDING: "{column}: another session is creating the index {index} now.",
    State.UNSUITABLE: (
        "{column}: no index can serve, because the collation of the column is case-sensitive or "
        "not of Unicode. Give it one such as utf8mb4_general_ci (ALTER TABLE, or db_collation of "
        "the field), and run scim_index again. Until then lookups read the whole table."
    ),
}
CREATED = {
    State.MISSING: "{column}: created the index {index}.",
    State.INVALID: "{column}: replaced the invalid index {index}, which a failed run had left.",
}


class Command(BaseCommand):
    help = (
        "Creates the indexes on your user table by which people are found: of usernames and email "
        "addresses in any letter case. Without them each new person and each search by email reads "
        "the whole table. Writes are not blocked. Run it again after a failure."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Print the SQL, and change nothing.",
        )
        parser.add_argument(
            "--undo",
            action="store_true",
            dest="is_undo",
            help="Drop the indexes that this command created.",
        )

    @no_translations
    def handle(
        self, *args: Any, is_dry_run: bool, is_undo: bool, verbosity: int, **options: Any
    ) -> None:
        self.is_dry_run, self.is_quiet = is_dry_run, verbosity == 0
        handle = self._undo if is_undo else self._create
        columns = searched_columns()
        try:
            is_done = [handle(column) for column in columns]
        except (DatabaseError, LookupError) as error:
            raise CommandError(
                f"{str(error).strip()}. Nothing is broken. Correct the cause, and run scim_index "
                "again: it drops what a failed run has left."
            ) from error
        if not all(is_done):
            raise CommandError("Not every column has its index.")

    def _create(self, column: HostColumn) -> bool:
        """Create the index of a column if it is missing. Return whether lookups can use one."""
        state = column.state()
        if state not in CREATED:
            self._say(REMARKS[state], column)
            return state is not State.UNSUITABLE
        self._run(column, column.creation(state))
        self._say_done(CREATED[state], column)
        return True

    def _undo(self, column: HostColumn) -> bool:
        """Drop the index of a column if this command created it. Return True."""
        if not column.has_own_index():
            self._say("{column} has no index of scim_index.", column)
            return True
        self._run(column, column.removal())
        self._say_done("{column}: dropped the index {index}.", column)
        return True

    def _run(self, column: HostColumn, statements: list[str]) -> None:
        """Run the statements, each on its own, or print them."""
        for statement in statements:
            if self.is_dry_run:
                self.stdout.write(f"{statement};")
                continue
            with column.connection.cursor() as cursor:
                cursor.execute(statement)

    def _say_done(self, text: str, column: HostColumn) -> None:
        if not self.is_dry_run:
            self._say(text, column)

    def _say(self, text: str, column: HostColumn) -> None:
        """Print a message about a column: as a comment if the output is SQL."""
        if not self.is_quiet:
            prefix = "-- " if self.is_dry_run else ""
            self.stdout.write(prefix + text.format(column=column, index=column.index.name))
