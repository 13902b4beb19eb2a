"""`manage.py demo`: everything at work on this machine, with something to look at."""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.urls import reverse

from example_project.libraries.management import directory, summary
from example_project.libraries.management.server import (
    HOST,
    LAST_PORT,
    ServerError,
    require_free,
    serving,
)
from tiled_scim.models import ScimToken
from tiled_scim.okta_check.client import OktaClient, UnreachableError
from tiled_scim.okta_check.conversation import Conversation, MismatchError

ADMIN_NAME = "admin"
BASE_PATH = "/scim/v2"
USING_A_DATABASE_OF_ONES_OWN = (
    "Migrating the database of DATABASE_URL: nothing in it is deleted, its SCIM token is replaced"
)


class Command(BaseCommand):
    help = (
        "Starts the example project with a fresh database, plays Okta against it and keeps serving "
        "until Ctrl-C. With DATABASE_URL, that database is used as it is, and nothing in it is "
        "deleted."
    )
    # They look into the database, which is only made here.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=_port, default=8000, help="By default %(default)s.")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        try:
            require_free(port)
            _take_signals_as_interrupt()
            with _database() as is_fresh:
                self._demonstrate(port, is_fresh)
        except (ServerError, MismatchError, UnreachableError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo has ended.")

    def _demonstrate(self, port: int, is_fresh: bool) -> None:
        self._say("Making a fresh database" if is_fresh else USING_A_DATABASE_OF_ONES_OWN)
        call_command("migrate", verbosity=0)
        login = _login()
        _, token = ScimToken.objects.generate()
        connections.close_all()
        with tempfile.TemporaryDirectory(prefix="tiled-scim-demo-") as folder:
            log = Path(folder, "requests.log")
            self._say("Starting the server")
            with serving(port, settings.BASE_DIR, log) as server:
                url = f"http://{HOST}:{port}"
                self._play_okta(url + BASE_PATH, token)
                self._summarize()
                self._invite(url, login, token, log)
                server.wait()
            raise ServerError("The server has ended by itself.")

    def _play_okta(self, base_url: str, token: str) -> None:
        self._say("Checking the server with the requests that Okta sends")
        call_command("scim_check", url=base_url, token=token, stdout=self.stdout)
        self._say("Pushing a small directory as Okta does")
        okta = Conversation(OktaClient(base_url, token))
        self._write_lines(directory.push(okta))

    def _summarize(self) -> None:
        self._say("The users of the example project now")
        self._write_lines(summary.users())
        self._say("Its Libraries, and who can open them")
        self._write_lines(summary.libraries())

    def _invite(self, url: str, login: str, token: str, log: Path) -> None:
        self._say("Look around")
        self._write_lines(
            (
                f"Admin     {url}{reverse('admin:index')}",
                f"Sign in   {login}",
                "          Users and Libraries are there, and the token under SCIM Configuration.",
                "          Pushed people have no password. To see what one of them sees, give them",
                f"          one under Users, and sign in at {url}{reverse('libraries:list')}",
            )
        )
        self._say("Connect Okta (it needs a public https address that leads here)")
        self._write_lines(
            (
                f"Base URL  {url}{BASE_PATH}",
                f"Token     {token}",
                f"Requests  are logged in {log}",
            )
        )
        self._say(f"Serving at {url} until Ctrl-C")

    def _say(self, heading: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{heading}"))
        self.stdout.flush()

    def _write_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(f"  {line}")
            self.stdout.flush()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"give a number from 1 to {LAST_PORT}, not {text!r}")
    return int(text)


def _take_signals_as_interrupt() -> None:
    """Let the signals that end a process do what Ctrl-C does, so that the server is ended too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, signal.default_int_handler)


@contextmanager
def _database() -> Iterator[bool]:
    """Hold the demo's own database, emptied; one that DATABASE_URL names is left as it is.

    Yields:
        Whether the database is a fresh one.
    """
    if os.environ.get("DATABASE_URL"):
        yield False
        return
    path = settings.DATABASES["default"]["NAME"]
    with Path(f"{path}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError("Another demo runs here: end it first with Ctrl-C.") from error
        for suffix in ("", "-journal", "-shm", "-wal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        yield True


def _login() -> str:
    """An admin to sign in as; one that is there already keeps their password."""
    if User.objects.filter(username=ADMIN_NAME).exists():
        return f"{ADMIN_NAME}, with the password that you know"
    password = secrets.token_urlsafe(9)
    User.objects.create_superuser(ADMIN_NAME, "admin@example.com", password)
    return f"{ADMIN_NAME}, password {password}"
