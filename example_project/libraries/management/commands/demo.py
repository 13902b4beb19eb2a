"""`manage.py demo`: run the example project on this machine, with example data."""

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
from tiled_scim.connections import Actor, Connection
from tiled_scim.okta_check.client import OktaClient, UnreachableError
from tiled_scim.okta_check.session import MismatchError, Session

ADMIN_NAME = "admin"
BASE_PATH = "/scim/v2"
USING_EXISTING_DATABASE = (
    "Migrating the database in DATABASE_URL: no data is deleted, but its SCIM token is replaced"
)


class Command(BaseCommand):
    help = (
        "Starts the example project with a new database, checks it with the requests that Okta "
        "sends, and serves it until Ctrl-C. With DATABASE_URL, that database is used, and no data "
        "in it is deleted."
    )
    # System checks need the database, which this command creates.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=_port, default=8000, help="Default: %(default)s.")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        try:
            require_free(port)
            _take_signals_as_interrupt()
            with _database() as is_fresh:
                self._demonstrate(port, is_fresh)
        except (ServerError, MismatchError, UnreachableError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo has stopped.")

    def _demonstrate(self, port: int, is_fresh: bool) -> None:
        self._write_heading("Creating a new database" if is_fresh else USING_EXISTING_DATABASE)
        call_command("migrate", verbosity=0)
        login = _login()
        token = Connection().rotate(Actor("demo")).plaintext
        connections.close_all()
        with tempfile.TemporaryDirectory(prefix="tiled-scim-demo-") as folder:
            log = Path(folder, "requests.log")
            self._write_heading("Starting the server")
            with serving(port, settings.BASE_DIR, log) as server:
                url = f"http://{HOST}:{port}"
                self._play_okta(url + BASE_PATH, token)
                self._summarize()
                self._show_urls(url, login, token, log)
                server.wait()
            raise ServerError("The server stopped unexpectedly.")

    def _play_okta(self, base_url: str, token: str) -> None:
        self._write_heading("Checking the server with the requests that Okta sends")
        call_command("scim_check", url=base_url, token=token, stdout=self.stdout)
        self._write_heading("Pushing a small directory as Okta does")
        okta = Session(OktaClient(base_url, token))
        self._write_lines(directory.push(okta))

    def _summarize(self) -> None:
        self._write_heading("Users of the example project")
        self._write_lines(summary.users())
        self._write_heading("Libraries, and who has access")
        self._write_lines(summary.libraries())

    def _show_urls(self, url: str, login: str, token: str, log: Path) -> None:
        self._write_heading("Try it")
        self._write_lines(
            (
                f"Admin     {url}{reverse('admin:index')}",
                f"Sign in   {login}",
                "          It shows users, Libraries and, under SCIM Configuration, the token.",
                "          Pushed users have no password. To see what a user sees, set a password",
                f"          under Users, and sign in at {url}{reverse('libraries:list')}",
            )
        )
        self._write_heading("Connect Okta (requires a public https URL for this server)")
        self._write_lines(
            (
                f"Base URL  {url}{BASE_PATH}",
                f"Token     {token}",
                f"Requests  are logged in {log}",
            )
        )
        self._write_heading(f"Serving at {url} until Ctrl-C")

    def _write_heading(self, heading: str) -> None:
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
    """Handle termination signals like Ctrl-C, so that the server is stopped too."""
    # A shell without job control makes background jobs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup sets
            signal.signal(number, signal.default_int_handler)


@contextmanager
def _database() -> Iterator[bool]:
    """Lock and reset the demo's database. A database in DATABASE_URL is not changed.

    Yields:
        Whether the database is new.
    """
    if os.environ.get("DATABASE_URL"):
        yield False
        return
    path = settings.DATABASES["default"]["NAME"]
    with Path(f"{path}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                "Another demo is running here: stop it first with Ctrl-C."
            ) from error
        for suffix in ("", "-journal", "-shm", "-wal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        yield True


def _login() -> str:
    """Return the login of an admin, which is created if it does not exist."""
    if User.objects.filter(username=ADMIN_NAME).exists():
        return f"{ADMIN_NAME}, with the existing password"
    password = secrets.token_urlsafe(9)
    User.objects.create_superuser(ADMIN_NAME, "admin@example.com", password)
    return f"{ADMIN_NAME}, password {password}"
