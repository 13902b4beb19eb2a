"""`manage.py scim_check`: check a SCIM server with the requests that Okta sends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.management.color import Style

from tiled_scim.management.check_cleanup import LibraryCleanup, account_of
from tiled_scim.management.progress import INTERRUPTED
from tiled_scim.provider_check import json_report, report
from tiled_scim.provider_check.client import TIMEOUT_SECONDS, Attempt, Json, OktaClient, Watcher
from tiled_scim.provider_check.names import names_for
from tiled_scim.provider_check.run import Run, Verdict
from tiled_scim.provider_check.session import Outcome, Result, Step

TOKEN_VARIABLE = "SCIM_TOKEN"  # noqa: S105 -- a variable's name, no secret


class Progress(Watcher):
    """Show the progress of a run.

    Args:
        stream: The output stream.
        mask: Replaces the token in a text.
        style: The colors of the output.
        verbosity: Django's verbosity. 0 shows nothing, 1 shows the steps on a terminal, and 2 or
            more shows steps and requests.
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

    def started(self, base_url: str) -> None:
        self._write(report.heading(base_url))

    def step_started(self, number: int, step: Step) -> None:
        """Show the step that is running. Its result is written over this line."""
        self._write(report.pending(number, step), ending="\n" if self._has_requests else "\r")

    def step_finished(self, number: int, result: Result) -> None:
        self._write(report.row(number, result), self._styles[result.outcome])

    def request_finished(self, attempt: Attempt) -> None:
        if self._has_requests:
            self._write(report.request_line(attempt))

    def waiting(self, seconds: int) -> None:
        self._write(f"\nWaiting {seconds} seconds, as the server requested.")

    def _write(self, text: str, style: Callable[[str], str] = str, *, ending: str = "\n") -> None:
        if self.is_shown:
            line = style(report.printable(self._mask(text)))
            self._stream.write(line + ending, str, ending="")  # str: no color of its own on stderr
            self._stream.flush()


class Command(BaseCommand):
    help = (
        "Sends the requests that Okta sends to a SCIM server, and checks the responses and the "
        "resulting state. Needs only the server's URL and a token. Uses one test user, "
        f"{names_for().user}, which is left deactivated, and one test group, which is deleted, "
        "each with names of its own in each account. If the token is one of this project, the "
        "empty Library that the group made is deleted, too. The exit status is 0 if the server is "
        "ready for Okta, 1 if not, and 130 after Ctrl-C."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", required=True, help="The SCIM base URL, such as https://example.com/scim/v2"
        )
        parser.add_argument(
            "--token",
            default=os.environ.get(TOKEN_VARIABLE, ""),
            help=f"The bearer token. Default: ${TOKEN_VARIABLE}, which process lists do not show.",
        )
        parser.add_argument(
            "--account",
            metavar="KEY",
            help="The account of the token, which gets a test user and group of its own. Default: "
            "that of the token, if it is one of this project, or else the only account.",
        )
        parser.add_argument(
            "--user",
            default="",
            metavar="USERNAME",
            help="The userName and email address of the test user. Nobody may have it.",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=TIMEOUT_SECONDS,
            metavar="SECONDS",
            help="How long to wait for a response. Default: %(default)g, the timeout of Okta.",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            dest="is_json",
            help="Write only a JSON document to standard output.",
        )

    def handle(
        self,
        *args: Any,
        url: str,
        token: str,
        account: str | None,
        user: str,
        timeout: float,
        is_json: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        if isinstance(options.get("stdout"), OutputWrapper):
            # Wrapping it again would end every part of a line with a newline.
            self.stdout = options["stdout"]
        try:
            client = OktaClient(url, token, timeout=timeout)
            cleanup = _cleanup(token.strip(), account, user)
        except ValueError as error:
            self._fail(str(error), is_json=is_json)
        run = Run(client, cleanup.names if cleanup else names_for(account or "", user))
        stream = self.stderr if is_json else self.stdout
        progress = Progress(stream, client.mask, self.style, verbosity)
        client.watcher = progress
        _play(run, progress, cleanup)
        if is_json:
            self._write_json(json_report.of_run(run))
        else:
            text = report.result(run, is_quiet=verbosity == 0, has_steps=not progress.is_shown)
            self.stdout.write(report.printable(client.mask(text)), ending="")
        self._end(run, is_quiet=is_json or verbosity == 0)

    def _fail(self, reason: str, *, is_json: bool) -> NoReturn:
        if is_json:
            self._write_json(json_report.of_error(reason))
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


def _cleanup(token: str, account: str | None, user: str) -> LibraryCleanup | None:
    """Return what cleans up in the database of this project, or None for another server.

    Raises:
        ValueError: The token is not one of the account, or somebody has the test user's name.
    """
    own = account_of(token)
    if own is None:
        return None
    if account not in {None, own}:
        raise ValueError(f"The token is not one of the account {account!r}, but of {own!r}.")
    cleanup = LibraryCleanup(own, names_for(own, user))
    if user and cleanup.has_user():
        raise ValueError(f"There is a user {user!r} already. Give the name of nobody.")
    return cleanup


def _play(run: Run, progress: Progress, cleanup: LibraryCleanup | None) -> None:
    """Perform all steps, and always clean up what they created."""
    progress.started(run.session.client.base_url)
    try:
        for number, step in run.steps():
            progress.step_started(number, step)
            progress.step_finished(number, run.play(step))
    except KeyboardInterrupt:
        run.is_interrupted = True
    except OSError:  # the reader of the output is gone
        run.session.client.watcher = Watcher()
        raise
    finally:
        run.clean_up()
        if cleanup is not None and not run.problems:
            run.remarks = cleanup.run(run.session.deleted_groups)
