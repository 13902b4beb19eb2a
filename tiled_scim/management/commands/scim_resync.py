"""`manage.py scim_resync`: find where Libraries do not hold what was granted, and mend it."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)

from tiled_scim.errors import ScimError
from tiled_scim.management import progress
from tiled_scim.management.arguments import require_known
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provisioning import drift, repair

logger = logging.getLogger(__name__)

CLIENT = "scim_resync"


class Command(BaseCommand):
    help = (
        "Finds drift between what Okta granted and what Libraries hold, such as access that "
        "somebody took away by hand or a Library that was deleted, and mends it. What people gave "
        "by hand is left alone. Ends with 0 if nothing is wrong any more, and with 1 if something "
        "is left: with --dry-run, if anything was found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="KEY", help="Only this account, if several.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            dest="is_dry_run",
            help="Say what is wrong and how it would be mended, and change nothing.",
        )

    @no_translations
    def handle(
        self, *args: Any, account: str | None, is_dry_run: bool, verbosity: int, **options: Any
    ) -> None:
        self.is_quiet = verbosity == 0
        self.mended = self.left = 0
        total = drift.count(account)
        if account is not None and not total:
            require_known(account)
        bar = progress.bar(total, "link", is_shown=not self.is_quiet)
        with progress.interruptible(self._tell), bar:
            for link in drift.links(account):
                self._look_at(link, is_dry_run=is_dry_run)
                bar.update()
        self._sum_up(total, is_dry_run=is_dry_run)

    def _look_at(self, link: UserLink | LibraryGroupLink, *, is_dry_run: bool) -> None:
        """Mend one link, or say why not: whatever is wrong with it, the others have their turn."""
        try:
            findings = list(drift.of(link))
            problem = self._mend(link) if findings and not is_dry_run else ""
        except Exception as error:
            logger.exception("The drift of %s could not be mended", link.pk)
            self._say_left(link, f"“{link}” could not be looked at: {error!r}.")
            return
        for finding in findings:
            if is_dry_run:
                self._say_left(link, f"{finding} To be mended by {finding.kind.mending}.")
            elif problem:
                self._say_left(link, f"{finding} Not mended: {problem}")
            else:
                self._say_mended(link, f"{finding} Mended by {finding.kind.mending}.")

    def _mend(self, link: UserLink | LibraryGroupLink) -> str:
        """Mend a link; returns what is in the way, if anything is."""
        try:
            repair.repair(link, CLIENT)
        except ScimError as error:
            return error.detail
        return ""

    def _say_mended(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        self.mended += 1
        if not self.is_quiet:
            self._say(link, text)

    def _say_left(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        self.left += 1
        self._say(link, text)

    def _say(self, link: UserLink | LibraryGroupLink, text: str) -> None:
        with progress.aside():
            self.stdout.write(f"{link.account}: {text}" if link.account else text)

    def _tell(self) -> str:
        found = self.mended + self.left
        return f"Wrong: {found}. Mended: {self.mended}. Left: {self.left}."

    def _sum_up(self, total: int, *, is_dry_run: bool) -> None:
        found = self.mended + self.left
        if is_dry_run and found:
            raise CommandError(f"Wrong: {found}. Nothing was changed.")
        if self.left:
            raise CommandError(self._tell())
        if self.is_quiet:
            return
        if found:
            self.stdout.write(f"Wrong: {found}. All of it was mended.")
        else:
            self.stdout.write(f"Nothing is wrong. Users and groups looked at: {total}.")
