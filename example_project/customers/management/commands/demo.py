"""`manage.py demo`: run the example project on this machine, with example data."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.urls import reverse

from example_project.customers.management import directory, summary
from example_project.customers.management.companies import COMPANIES, GRACE_AT_GLOBEX, IN_BOTH
from example_project.customers.management.customers import (
    Customer,
    create_staff,
    forget_provisioning,
    give_password,
    sign_up,
)
from example_project.customers.management.server import (
    HOST,
    LAST_PORT,
    ServerError,
    require_free,
    serving,
)
from tiled_scim.management.columns import aligned
from tiled_scim.provider_check.client import OktaClient, UnreachableError
from tiled_scim.provider_check.session import MismatchError, Session

BASE_PATH = "/scim/v2"
USING_EXISTING_DATABASE = (
    "Migrating the database in DATABASE_URL: no data is deleted, but the SCIM tokens of the demo's "
    "customers are replaced"
)


class Command(BaseCommand):
    help = (
        "Starts the example project with a new database and two customers, checks it for each of "
        "them with the requests that Okta sends, and serves it until Ctrl-C. With DATABASE_URL, "
        "that database is used, and no data in it is deleted."
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
        customers = [sign_up(company) for company in COMPANIES]
        connections.close_all()
        with tempfile.TemporaryDirectory(prefix="tiled-scim-demo-") as folder:
            log = Path(folder, "requests.log")
            self._write_heading("Starting the server")
            with serving(port, log) as server:
                url = f"http://{HOST}:{port}"
                for customer in customers:
                    self._check(url + BASE_PATH, customer, is_fresh=is_fresh)
                    self._push(url + BASE_PATH, customer)
                for customer in customers:
                    self._summarize(customer)
                self._show_sign_ins(url, customers)
                self._show_connections(url + BASE_PATH, customers, log)
                self._write_heading(f"Serving at {url} until Ctrl-C")
                server.wait()
            raise ServerError("The server stopped unexpectedly.")

    def _check(self, base_url: str, customer: Customer, *, is_fresh: bool) -> None:
        self._write_heading(f"{customer.name}: checking the server with the requests of its Okta")
        call_command("scim_check", url=base_url, token=customer.token, stdout=self.stdout)
        if is_fresh:
            # The pages show what a customer would see, without the mistakes that the check makes.
            forget_provisioning(customer)

    def _push(self, base_url: str, customer: Customer) -> None:
        self._write_heading(f"{customer.name}: pushing a small directory as Okta does")
        okta = Session(OktaClient(base_url, customer.token))
        self._write_lines(directory.push(okta, customer.company.directory))

    def _summarize(self, customer: Customer) -> None:
        self._write_heading(f"{customer.name}: its people, and the Libraries that they open")
        self._write_lines(summary.people(customer.account))

    def _show_sign_ins(self, url: str, customers: list[Customer]) -> None:
        self._write_heading(f"Sign in at {url}{reverse('login')}")
        rows = [(f"Admin of {each.name}", each.admin_login) for each in customers]
        rows.append(("Member of both", give_password(IN_BOTH.user_name)))
        rows += [
            (f"{person.full_name} of {each.name}", give_password(person.user_name))
            for each in customers
            for person in each.company.directory.people
            if not person.has_left and person not in {each.company.admin, GRACE_AT_GLOBEX, IN_BOTH}
        ]
        self._write_lines(aligned(rows))
        self._write_lines(
            (
                "Admins find SCIM Configuration under Account Settings. The member of both can",
                "switch between the accounts. The demo gave passwords to those whom Okta pushed.",
            )
        )
        self._write_heading(f"Django admin at {url}{reverse('admin:index')}")
        self._write_lines(aligned([("Staff of the product", create_staff())]))

    def _show_connections(self, base_url: str, customers: list[Customer], log: Path) -> None:
        self._write_heading("Connect Okta (requires a public https URL for this server)")
        rows = [("Base URL", base_url)]
        rows += [(f"Token of {each.name}", each.token) for each in customers]
        rows.append(("Requests are logged in", str(log)))
        self._write_lines(aligned(rows))

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
