"""What a request costs with 10,000 users and with a million, on PostgreSQL and on MariaDB.

    DATABASE_URL=postgres://postgres@127.0.0.1/scale python -m benchmarks.scale
    DATABASE_URL=mysql://root@127.0.0.1/scale python -m benchmarks.scale

Makes two databases, which takes some minutes, and drops them in the end. Requests go through
Django's test client, in this process, in turns to the one database and to the other, so that both
are measured while the machine does the same. The run writes its part of `docs/performance.md`, and
fails where a request takes longer than it may.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from os import cpu_count, getloadavg
from pathlib import Path
from platform import python_version
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks import people

SMALL, LARGE = 10_000, 1_000_000
# The two databases take turns with each kind of request, of which so many follow each other.
TURNS = 8
REQUESTS = 5
PAGE = 100
# So many people, from the first one on, may get another name.
CHANGING = 1_000

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
MARKS = "<!-- scale {}: generated -->", "<!-- scale {}: end -->"
# The bytes that the server has for pages of tables and indexes.
MEMORY = {
    "mysql": "SELECT @@innodb_buffer_pool_size",
    "postgresql": "SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'",
}
MOUNT = "/scim/v2"
SCIM_JSON = "application/scim+json"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"


@dataclass
class Directory:
    """A database with people in it, and a client that has a token for it."""

    users: int
    name: str
    client: Any
    cursor: str = ""
    # The numbers of people who keep their names, and of those who are renamed or are new.
    lasting: Iterator[int] = field(default_factory=count)
    changing: Iterator[int] = field(default_factory=count)

    def send(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """Send a request; returns the answer's JSON."""
        url = f"{MOUNT}{path}?{urlencode(query)}" if query else f"{MOUNT}{path}"
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(method, url, data, content_type=SCIM_JSON)
        if not 200 <= answer.status_code < 300:
            raise SystemExit(f"{method} {url} answers {answer.status_code}: {answer.content!r}")
        return answer.json()

    def anybody(self) -> int:
        """Return the number of somebody else than the last time, who keeps their name."""
        return CHANGING + next(self.lasting) * 7919 % (self.users - CHANGING)

    def search(self, filter_: str, expected: int) -> None:
        """Send a filter, which must find so many."""
        found = self.send("GET", "/Users", filter=filter_)["totalResults"]
        if found != expected:
            raise SystemExit(f"{filter_} finds {found}, and not {expected}")


Request = Callable[[Directory], object]


def get(directory: Directory) -> None:
    directory.send("GET", f"/Users/{people.identifier(directory.anybody())}")


def look_up(directory: Directory) -> None:
    directory.search(f'userName eq "{people.user_name(directory.anybody())}"', 1)


def look_up_nobody(directory: Directory) -> None:
    directory.search(f'userName eq "nobody{directory.anybody()}@example.com"', 0)


def deactivate(directory: Directory) -> None:
    change = {"op": "replace", "value": {"active": False}}
    _patch(directory, directory.anybody(), change)


def rename_by_patch(directory: Directory) -> None:
    number = next(directory.changing)
    name = f"renamed{number}@example.com"
    _patch(directory, number, {"op": "replace", "path": "userName", "value": name})


def rename_by_put(directory: Directory) -> None:
    number = next(directory.changing)
    body = _person(f"renamed{number}@example.com", f"renamed{number}@example.com")
    directory.send("PUT", f"/Users/{people.identifier(number)}", body)


def create(directory: Directory) -> None:
    name = f"new{next(directory.changing)}@example.com"
    directory.send("POST", "/Users", _person(name, name))


def _patch(directory: Directory, number: int, operation: dict[str, Any]) -> None:
    body = {"schemas": [PATCH_SCHEMA], "Operations": [operation]}
    directory.send("PATCH", f"/Users/{people.identifier(number)}", body)


def _person(name: str, email: str) -> dict[str, Any]:
    return {
        "schemas": [USER_SCHEMA],
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Angel"},
        "emails": [{"primary": True, "type": "work", "value": email}],
        "active": True,
    }


def first_page(directory: Directory) -> None:
    directory.send("GET", "/Users", count=PAGE)


def page_at_200(directory: Directory) -> None:
    directory.send("GET", "/Users", startIndex=200, count=PAGE)


def last_page_but_one(directory: Directory) -> None:
    directory.send("GET", "/Users", startIndex=directory.users - 200, count=PAGE)


def cursor_page(directory: Directory) -> None:
    directory.send("GET", "/Users", cursor=directory.cursor, count=PAGE)


def first_cursor_page(directory: Directory) -> None:
    directory.send("GET", "/Users", cursor="", count=PAGE)


def by_email(template: str, expected: int = 1) -> Request:
    """A filter by the address that the host keeps, which stands where the braces are."""

    def request(directory: Directory) -> None:
        directory.search(template.format(people.email(directory.anybody()).lower()), expected)

    return request


def by_second_email(directory: Directory) -> None:
    number = directory.anybody() // people.SECOND_EMAILS * people.SECOND_EMAILS
    directory.search(f'emails.value eq "{people.second_email(number)}"', 1)


@dataclass(frozen=True)
class Operation:
    """One kind of request.

    Args:
        most_ratio: how many times as long it may take with a million users, at most.
        most: how many milliseconds it may take with a million users, at most.
    """

    name: str
    request: Request
    most_ratio: float | None = None
    most: float | None = None


OPERATIONS = (
    Operation("lookup by userName, found", look_up, most_ratio=1.2),
    Operation("lookup by userName, not found", look_up_nobody, most_ratio=1.2),
    Operation("GET user", get, most_ratio=1.2),
    Operation("PATCH active", deactivate, most_ratio=1.2),
    Operation("POST user", create, most_ratio=1.5),
    Operation("rename by PATCH", rename_by_patch, most_ratio=1.5),
    Operation("rename by PUT", rename_by_put, most_ratio=1.5),
    Operation('`emails.value eq "…"`', by_email('emails.value eq "{}"'), most=20),
    Operation('`emails eq "…"`', by_email('emails eq "{}"'), most=20),
    Operation(
        '`emails[type eq "work"].value eq "…"`',
        by_email('emails[type eq "work"].value eq "{}"'),
        most=20,
    ),
    Operation(
        '`emails[type eq "work" and value eq "…"]`',
        by_email('emails[type eq "work" and value eq "{}"]'),
        most=20,
    ),
    Operation(
        '`title pr and emails.value eq "…"`',
        by_email('title pr and emails.value eq "{}"'),
        most=20,
    ),
    Operation(
        '`userName eq "…" or emails.value eq "…"`',
        by_email('userName eq "{0}" or emails.value eq "{0}"'),
        most=20,
    ),
    Operation("`emails.value`, a second address", by_second_email, most=20),
    Operation("`emails.value`, not found", by_email('emails.value eq "x{}"', 0), most=20),
    Operation("page by cursor, in the middle", cursor_page, most_ratio=1.2),
    Operation("first page by cursor", first_cursor_page),
    Operation("first page by index", first_page),
    Operation("page at index 200", page_at_200),
    Operation("page 200 before the end (index 999,800)", last_page_but_one, most=400),
)


@dataclass(frozen=True)
class Figures:
    """The medians of an operation, in milliseconds."""

    operation: Operation
    small: float
    large: float

    @property
    def ratio(self) -> float:
        return self.large / self.small

    @property
    def is_met(self) -> bool:
        """Whether the operation took no longer than it may."""
        most, most_ratio = self.operation.most, self.operation.most_ratio
        return (most is None or self.large <= most) and (
            most_ratio is None or self.ratio <= most_ratio
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--small", type=int, default=SMALL, help="users of the one database")
    arguments.add_argument("--large", type=int, default=LARGE, help="users of the other one")
    arguments.add_argument("--print", action="store_true", help="write no documentation")
    options = arguments.parse_args()
    logging.disable(logging.INFO)  # a line for each request
    with people.databases("small", "large") as use:
        small = populated(options.small, "small", use)
        large = populated(options.large, "large", use)
        figures = measure(small, large, use)
        vendor, lines = conditions(small, large)
    lines += table(figures)
    print("\n".join(lines))
    if not options.print:
        write(vendor, lines)
    missed = [each.operation.name for each in figures if not each.is_met]
    if missed:
        raise SystemExit(f"Slower than allowed: {', '.join(missed)}")


def populated(users: int, name: str, use: Callable[[str], None]) -> Directory:
    """Fill a database, create the indexes of the host's table and a token."""
    use(name)
    from django.core.management import call_command
    from django.test import Client

    from tiled_scim.connections import Actor, Connection

    started = time.perf_counter()
    people.push(users)
    call_command("scim_index", verbosity=0)
    print(f"{users:,} users loaded in {time.perf_counter() - started:.0f} s")
    token = Connection().generate(Actor("Benchmark")).plaintext
    directory = Directory(users, name, Client(headers={"Authorization": f"Bearer {token}"}))
    directory.cursor = cursor_in_the_middle(directory)
    return directory


def cursor_in_the_middle(directory: Directory) -> str:
    """Return the cursor of a page that begins in the middle of the list."""
    from tiled_scim.models import UserLink
    from tiled_scim.sql.pages import Cursor

    first = directory.send("GET", "/Users", cursor="", count=PAGE)
    link = UserLink.objects.get(pk=people.identifier(directory.users // 2))
    position = [None, str(link.created_at), str(link.pk)]
    return replace(Cursor.decode(first["nextCursor"]), position=position).encode()


def measure(small: Directory, large: Directory, use: Callable[[str], None]) -> list[Figures]:
    """Send all requests to both databases, in turns."""
    taken: dict[tuple[str, int], list[float]] = defaultdict(list)
    for turn in range(TURNS + 1):
        for number, operation in enumerate(OPERATIONS):
            for directory in (small, large):
                use(directory.name)
                get(directory)  # connects
                times = milliseconds(operation.request, directory)
                if turn:  # the first one fills caches
                    taken[directory.name, number] += times
    return [
        Figures(operation, median(taken[small.name, number]), median(taken[large.name, number]))
        for number, operation in enumerate(OPERATIONS)
    ]


def milliseconds(request: Request, directory: Directory) -> list[float]:
    """Return how long each of a few requests takes."""
    times = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        request(directory)
        times.append((time.perf_counter() - started) * 1_000)
    return times


def conditions(small: Directory, large: Directory) -> tuple[str, list[str]]:
    """Return the vendor of the database, and lines that say what was measured with what."""
    from django import get_version
    from django.db import connection

    is_mariadb = getattr(connection, "mysql_is_mariadb", False)
    name = "MariaDB" if is_mariadb else connection.display_name
    version = ".".join(map(str, connection.get_database_version()))
    software = f"{name} {version}, Python {python_version()}, Django {get_version()}"
    size = f"{small.users:,} and {large.users:,} users; {TURNS * REQUESTS} requests of each kind"
    with connection.cursor() as cursor:
        cursor.execute(MEMORY[connection.vendor])
        [memory] = cursor.fetchone()
    busy = f"{getloadavg()[1]:.1f} programs ran on {cpu_count()} cores, this one included"
    caches = f"The database had {int(memory) >> 20} MB of memory for its pages"
    return connection.vendor, [f"{software}; {size}. {caches}. {busy}.", ""]


def table(figures: list[Figures]) -> list[str]:
    """Return the lines of a table of figures."""
    heading = "| request | ms, small | ms, large | ratio | allowed |"
    return [heading, "|---|--:|--:|--:|---|", *(row(each) for each in figures)]


def row(figures: Figures) -> str:
    """Return one line of the table."""
    operation = figures.operation
    allowed = "" if operation.most is None else f"{operation.most:g} ms"
    if operation.most_ratio is not None:
        allowed = f"{operation.most_ratio:g} times"
    cells = (f"{figures.small:.1f}", f"{figures.large:.1f}", f"{figures.ratio:.2f}", allowed)
    return f"| {operation.name} | {' | '.join(cells)} |"


def write(vendor: str, lines: list[str]) -> None:
    """Replace the part of the documentation that is of this database.

    Raises:
        LookupError: the page does not have that part.
    """
    begin, end = (mark.format(vendor) for mark in MARKS)
    before, begin, rest = DOCUMENT.read_text().partition(begin)
    _, end, after = rest.partition(end)
    if not end:
        raise LookupError(f"{DOCUMENT.name} has no part of {vendor}.")
    DOCUMENT.write_text("\n".join([before + begin, "", *lines, "", end + after]))


if __name__ == "__main__":
    main()
