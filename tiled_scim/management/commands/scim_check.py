"""`manage.py scim_check`: check a SCIM server with the requests that Okta or Entra sends."""

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
from tiled_scim.provider_check.client import (
    CLIENTS,
    TIMEOUT_SECONDS,
    Attempt,
    Client,
    Json,
    Watcher,
)
from tiled_scim.provider_check.names import names_for
from tiled_scim.provider_check.pace import Pace
from tiled_scim.provider_check.providers import OKTA, ProviderKey
from tiled_scim.provider_check.run import Run, Verdict
from tiled_scim.provider_check.session import Outcome, Result, Step

DEFAULT_SECONDS = 60
TOKEN_VARIABLE = "SCIM_TOKEN"  # noqa: S105 (a variable's name, no secret)


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

    def started(self, client: Client) -> None:
        self._write(report.heading(client))

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
        "Sends the requests that Okta or Microsoft Entra ID sends to a SCIM server, and checks the "
        "responses and the resulting state. Needs only the server's URL and a token. Uses a test "
        f"user, {names_for().user}, which is left deactivated, and a test group, which is deleted, "
        "each with names of its own in each account. As Entra, it also uses two colleagues of the "
        "user, and deletes all three. If the token is one of this project, the empty Library that "
        "the group made is deleted, too. The exit status is 0 if the server is ready for the "
        "provider, 1 if not, and 130 after Ctrl-C."
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
            "--as",
            dest="provider",
            choices=CLIENTS,
            default=OKTA.key,
            help="The identity provider whose requests are sent. Default: %(default)s.",
        )
        parser.add_argument(
            "--rate",
            type=int,
            metavar="REQUESTS",
            help="Also send this many requests each second for --seconds, and report how fast "
            "they were answered and how many were refused. Microsoft requires 25.",
        )
        parser.add_argument(
            "--seconds",
            type=int,
            default=DEFAULT_SECONDS,
            help="How long to hold the rate. Default: %(default)s.",
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
        provider: ProviderKey,
        rate: int | None,
        seconds: int,
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
            client = CLIENTS[provider](url, token, timeout=timeout)
            pace = None if rate is None else Pace(rate, seconds)
            cleanup = _cleanup(token.strip(), account, user)
        except ValueError as error:
            self._fail(provider, str(error), is_json=is_json)
        run = Run(client, cleanup.names if cleanup else names_for(account or "", user), pace)
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

    def _fail(self, provider: ProviderKey, reason: str, *, is_json: bool) -> NoReturn:
        if is_json:
            self._write_json(json_report.of_error(provider, reason))
        raise CommandError(reason)

    def _write_json(self, document: Json) -> None:
        self.stdout.write(json.dumps(document, indent=2))

    def _end(self, run: Run, *, is_quiet: bool) -> None:
        if run.verdict is Verdict.INTERRUPTED:
            raise CommandError("Interrupted.", returncode=INTERRUPTED)
        name = run.provider.name
        if run.verdict is Verdict.NOT_READY:
            raise CommandError(f"The server is not ready for {name}: {report.totals(run)}.")
        if not is_quiet:
            sentence = f"The server is ready for {name}: {report.totals(run)}."
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
    progress.started(run.session.client)
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
