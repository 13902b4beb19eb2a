"""`manage.py scim_check`: play Okta against a server, here or anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tiled_scim.conformance import report
from tiled_scim.conformance.client import TIMEOUT_SECONDS, OktaClient
from tiled_scim.conformance.conversation import Conversation, Outcome, Result, Step
from tiled_scim.conformance.groups import GROUP_NAME
from tiled_scim.conformance.sequence import SEQUENCE, clean_up
from tiled_scim.conformance.users import USER_NAME

TOKEN_VARIABLE = "SCIM_TOKEN"  # noqa: S105 -- a variable's name, no secret


class Command(BaseCommand):
    help = (
        "Plays the requests that Okta sends against a SCIM server over HTTP, and checks every "
        "answer and the state read back. Needs nothing but the server's URL and a token. Uses one "
        f"test person, {USER_NAME}, who is left deactivated, and one test group, which is deleted."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", required=True, help="The SCIM base URL, such as https://example.com/scim/v2"
        )
        parser.add_argument(
            "--token",
            default=os.environ.get(TOKEN_VARIABLE, ""),
            help=f"The bearer token; by default ${TOKEN_VARIABLE}, which no process list shows.",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=TIMEOUT_SECONDS,
            metavar="SECONDS",
            help="How long to wait for an answer. By default as long as Okta does: %(default)g.",
        )

    def handle(self, *args: Any, url: str, token: str, timeout: float, **options: Any) -> None:
        try:
            self.client = OktaClient(url, token, timeout=timeout)
        except ValueError as error:
            raise CommandError(str(error)) from error
        conversation = Conversation(self.client)
        self._say(f"Playing Okta against {self.client.base_url}")
        try:
            results = self._play_all(conversation)
        except KeyboardInterrupt as interrupt:
            raise CommandError("Interrupted.", returncode=130) from interrupt
        finally:
            is_clean = self._clean_up(conversation)
        self._report(results)
        totals = report.totals(results, len(SEQUENCE))
        if not is_clean or any(result.outcome is Outcome.FAILED for result in results):
            raise CommandError(f"The server is not ready for Okta: {totals}.")
        self._say(f"The server is ready for Okta: {totals}.", self.style.SUCCESS)

    def _play_all(self, conversation: Conversation) -> list[Result]:
        results = []
        for step in SEQUENCE:
            results.append(self._play(conversation, step))
            if conversation.has_stopped:
                self._say("  The rest is not tried: it would fail in the same way.")
                break
        return results

    def _play(self, conversation: Conversation, step: Step) -> Result:
        self._say(f"  {step.title} ... ", ending="")
        self.stdout.flush()  # the line says what is being waited for
        result = conversation.play(step)
        self._say(result.outcome.value, self._style(result))
        return result

    def _clean_up(self, conversation: Conversation) -> bool:
        """Put the test person and group away and say what is left; False if that failed."""
        if not conversation.is_connected:
            self._say("\nNothing was changed on the server.")
            return True
        self._say("\nCleaning up ... ", ending="")
        self.stdout.flush()
        problems = clean_up(conversation)
        if problems:
            self._say("FAILED", self.style.ERROR)
            self._say("\n".join(f"  {problem}" for problem in problems))
            self._say(
                f"  Deactivate {USER_NAME} and delete the group {GROUP_NAME} by hand, "
                "or run the check again: it takes up what is left."
            )
            return False
        self._say("done")
        if conversation.user_id:
            self._say(
                f"  Left on the server: the test person {USER_NAME}, deactivated.\n"
                f"  A host that keeps the Libraries of deleted groups also has {GROUP_NAME}, empty."
            )
        return True

    def _report(self, results: list[Result]) -> None:
        self._say("\nResult")
        self._say(report.table(results))
        for result in results:
            if result.outcome is Outcome.FAILED:
                self._say("\n" + report.failure(result))
        self._say("")

    def _style(self, result: Result) -> Callable[[str], str]:
        return self.style.SUCCESS if result.outcome is Outcome.PASSED else self.style.ERROR

    def _say(
        self, text: str, style: Callable[[str], str] | None = None, *, ending: str = "\n"
    ) -> None:
        """Write to standard output: the only way there, so that the token never gets out."""
        self.stdout.write(report.printable(self.client.mask(text)), style, ending)
