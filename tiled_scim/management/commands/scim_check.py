"""`manage.py scim_check`: play Okta against a server, here or anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.management.color import Style

from tiled_scim.management.progress import INTERRUPTED
from tiled_scim.okta_check import record, report
from tiled_scim.okta_check.client import TIMEOUT_SECONDS, Attempt, Json, OktaClient, Watcher
from tiled_scim.okta_check.conversation import Outcome, Result, Step
from tiled_scim.okta_check.run import Run, Verdict
from tiled_scim.okta_check.users import USER_NAME

TOKEN_VARIABLE = "SCIM_TOKEN"  # noqa: S105 -- a variable's name, no secret


class Progress(Watcher):
    """Shows a run as it goes: the steps on a terminal, and where wanted the requests.

    Args:
        stream: what it is written to.
        mask: takes the token out of a text.
        style: colours.
        verbosity: Django's: 0 for nothing, 2 for the requests.
    """

    def __init__(
        self, stream: OutputWrapper, mask: Callable[[str], str], style: Style, verbosity: int
    ) -> None:
        self.is_shown = verbosity > 1 or (verbosity == 1 and stream.isatty())
        self._has_requests = verbosity > 1
        self._stream = stream
        self._mask = mask
        self._styles = {
            Outcome.PASSED: style.SUCCESS,
            Outcome.FAILED: style.ERROR,
            Outcome.SKIPPED: style.WARNING,
            Outcome.NOT_OFFERED: style.WARNING,
        }

    def begins(self, base_url: str) -> None:
        self._say(report.opening(base_url))

    def step_begins(self, number: int, step: Step) -> None:
        """The line says what is being waited for, and the result is written over it."""
        self._say(report.pending(number, step), ending="\n" if self._has_requests else "\r")

    def step_ends(self, number: int, result: Result) -> None:
        self._say(report.row(number, result), self._styles[result.outcome])

    def sent(self, attempt: Attempt) -> None:
        if self._has_requests:
            self._say(report.request_line(attempt))

    def waits(self, seconds: int) -> None:
        self._say(f"\nThe server asks for a pause of {seconds} seconds.")

    def _say(self, text: str, style: Callable[[str], str] = str, *, ending: str = "\n") -> None:
        if self.is_shown:
            said = style(report.printable(self._mask(text)))
            self._stream.write(said + ending, str, ending="")  # as it is, on standard error, too
            self._stream.flush()


class Command(BaseCommand):
    help = (
        "Plays the requests that Okta sends against a SCIM server over HTTP, and checks every "
        "answer and the state read back. Needs nothing but the server's URL and a token. Uses one "
        f"test person, {USER_NAME}, who is left deactivated, and one test group, which is deleted. "
        "Ends with 0 if the server is ready for Okta, with 1 if not, and with 130 after Ctrl-C."
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
        parser.add_argument(
            "--json",
            action="store_true",
            dest="is_json",
            help="Write one JSON document to standard output and nothing else.",
        )

    def handle(
        self,
        *args: Any,
        url: str,
        token: str,
        timeout: float,
        is_json: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        if isinstance(options.get("stdout"), OutputWrapper):
            self.stdout = options["stdout"]  # wrapped twice, every piece of a line would be a line
        try:
            client = OktaClient(url, token, timeout=timeout)
        except ValueError as error:
            self._refuse(str(error), is_json=is_json)
        run = Run(client)
        stream = self.stderr if is_json else self.stdout
        progress = Progress(stream, client.mask, self.style, verbosity)
        client.watcher = progress
        _play(run, progress)
        if is_json:
            self._write_json(record.of_run(run))
        else:
            said = report.result(run, is_quiet=verbosity == 0, has_steps=not progress.is_shown)
            self.stdout.write(report.printable(client.mask(said)), ending="")
        self._end(run, is_quiet=is_json or verbosity == 0)

    def _refuse(self, reason: str, *, is_json: bool) -> NoReturn:
        if is_json:
            self._write_json(record.of_error(reason))
        raise CommandError(reason)

    def _write_json(self, document: Json) -> None:
        self.stdout.write(json.dumps(document, indent=2))

    def _end(self, run: Run, *, is_quiet: bool) -> None:
        if run.verdict is Verdict.INTERRUPTED:
            raise CommandError("Interrupted.", returncode=INTERRUPTED)
        if run.verdict is Verdict.NOT_READY:
            raise CommandError(f"The server is not ready for Okta: {report.totals(run)}.")
        if not is_quiet:
            sentence = f"The server is ready for Okta: {report.totals(run)}."
            self.stdout.write(sentence, self.style.SUCCESS)


def _play(run: Run, progress: Progress) -> None:
    """Play all steps; whatever happens, put away what they made."""
    progress.begins(run.conversation.client.base_url)
    try:
        for number, step in run.steps():
            progress.step_begins(number, step)
            progress.step_ends(number, run.play(step))
    except KeyboardInterrupt:
        run.is_interrupted = True
    except OSError:  # nobody reads any more
        run.conversation.client.watcher = Watcher()
        raise
    finally:
        run.clean_up()
