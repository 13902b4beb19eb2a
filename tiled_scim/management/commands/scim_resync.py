"""`manage.py scim_resync`: find and fix drift between what SCIM granted and the Libraries."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)
from django.template.defaultfilters import pluralize

from tiled_scim.connections import Connection
from tiled_scim.errors import ScimError
from tiled_scim.management import progress
from tiled_scim.management.actors import shell_actor
from tiled_scim.management.arguments import require_known
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning import drift

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Finds and fixes drift between the access that Okta granted and the members of Libraries, "
        "such as access that was removed manually or a Library that was deleted. Access that was "
        "given manually is not changed. The exit status is 0 if no problems remain, and 1 if some "
        "do or, with --dry-run, if any were found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="KEY", help="Check only this account.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Show the problems and how they would be fixed, without changing anything.",
        )

    @no_translations
    def handle(
        self, *args: Any, account: str | None, is_dry_run: bool, verbosity: int, **options: Any
    ) -> None:
        self.actor = shell_actor("scim_resync")
        self.is_quiet = verbosity == 0
        self.fixed = self.remaining = 0
        total = drift.count(account)
        if account is not None and not total:
            require_known(account)
        bar = progress.bar(total, "link", is_shown=not self.is_quiet)
        with progress.interruptible(self._summary), bar:
            for link in drift.links(account):
                self._check(link, is_dry_run=is_dry_run)
                bar.update()
        self._finish(total, is_dry_run=is_dry_run)

    def _check(self, link: UserLink | LibraryGroupLink, *, is_dry_run: bool) -> None:
        """Check and fix one link. An error does not stop the command."""
        try:
            findings = list(drift.find_in(link))
            error_message = self._repair(link) if findings and not is_dry_run else ""
        except Exception as error:
            logger.exception("The drift of %s could not be repaired", link.pk)
            self._report_remaining(link, f"“{link}” could not be checked: {error!r}.")
            return
        for finding in findings:
            repair_text = finding.kind.repair
            if is_dry_run:
                self._report_remaining(link, f"{finding} Would be fixed by {repair_text}.")
            elif error_message:
                self._report_remaining(link, f"{finding} Not fixed: {error_message}")
            else:
                self._report_fixed(link, f"{finding} Fixed by {repair_text}.")

    def _repair(self, link: UserLink | LibraryGroupLink) -> str:
        """Repair a link, and return an error message if that is not possible."""
        try:
            Connection(link.account).resync(link, self.actor)
        except ScimError as error:
            return error.detail
        return ""

    def _report_fixed(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        self.fixed += 1
        if not self.is_quiet:
            self._write(link, text)

    def _report_remaining(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        self.remaining += 1
        self._write(link, text)

    def _write(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        with progress.paused():
            self.stdout.write(f"{link.account}: {text}" if link.account else text)

    def _summary(self) -> str:
        found = self.fixed + self.remaining
        return f"Found {_problems(found)}: {self.fixed} fixed, {self.remaining} remaining."

    def _finish(self, total: int, *, is_dry_run: bool) -> None:
        found = self.fixed + self.remaining
        if is_dry_run and found:
            raise CommandError(f"Found {_problems(found)}. Nothing was changed.")
        if self.remaining:
            raise CommandError(self._summary())
        if self.is_quiet:
            return
        if found:
            self.stdout.write(f"Found and fixed {_problems(found)}.")
        else:
            self.stdout.write(f"No problems found. Checked {total} users and groups.")


def _problems(count: int) -> str:
    return f"{count} problem{pluralize(count)}"
