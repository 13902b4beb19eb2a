"""The pages of the admin in a small host and in a large one: queries, and how much longer it takes.

    DATABASE_URL=postgres://postgres@127.0.0.1/test python -m benchmarks.admin_pages

The large host has 100,000 users, 1,000 groups with 100,000 members, and a million events. No page
may take more than eleven queries in it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.population import database, populate

if TYPE_CHECKING:
    from django.test import Client

SMALL = {"users": 1_000, "groups": 10, "events": 10_000}
LARGE = {"users": 100_000, "groups": 1_000, "events": 1_000_000}
MOST_QUERIES = 11
RUNS = 5

ADMIN = "/admin/tiled_scim"
PAGES = {
    "SCIM Configuration": f"{ADMIN}/scimtoken/",
    "Events": f"{ADMIN}/scimevent/",
    "Events, last page that is counted": f"{ADMIN}/scimevent/?p=100",
    "Events, refused": f"{ADMIN}/scimevent/?outcome=refused",
    "Events, one person": f"{ADMIN}/scimevent/?q=person77@",
    "Users": f"{ADMIN}/userlink/",
    "Users, one person": f"{ADMIN}/userlink/?q=person77@",
    "Groups and Libraries": f"{ADMIN}/librarygrouplink/",
}


def main() -> None:
    with database():
        browser = signed_in()
        populate(**SMALL)
        small = {name: measure(browser, url) for name, url in PAGES.items()}
        populate(**{name: LARGE[name] - SMALL[name] for name in LARGE}, first=max(SMALL.values()))
        large = {name: measure(browser, url) for name, url in PAGES.items()}
    print(f"{'page':36}{'queries':>10}{'ms, small':>12}{'ms, large':>12}{'ratio':>8}")
    for name, (queries, seconds) in large.items():
        before = small[name][1]
        figures = f"{queries:>10}{before * 1000:>12.1f}{seconds * 1000:>12.1f}"
        print(f"{name:36}{figures}{seconds / before:>8.1f}")
    too_many = [name for name, (queries, _) in large.items() if queries > MOST_QUERIES]
    if too_many:
        raise SystemExit(f"More than {MOST_QUERIES} queries: {', '.join(too_many)}")


def signed_in() -> Client:
    """An admin's browser."""
    from django.contrib.auth.models import User
    from django.test import Client

    from tiled_scim.connections import Actor, Connection

    admin = User.objects.create_superuser("admin")
    Connection().generate(Actor("Benchmark", admin))
    browser = Client()
    browser.force_login(admin)
    return browser


def measure(browser: Client, url: str) -> tuple[int, float]:
    """The queries of a page, and the seconds of the fastest of a few answers."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(url)
    if answer.status_code != 200:
        raise SystemExit(f"{url} answers {answer.status_code}")
    return len(queries), min(seconds(browser, url) for _ in range(RUNS))


def seconds(browser: Client, url: str) -> float:
    started = time.perf_counter()
    browser.get(url)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
