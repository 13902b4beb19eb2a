"""The migrations in a host that has been there for years: how long, and who waits meanwhile.

    DATABASE_URL=postgres://postgres@127.0.0.1/migrations python -m benchmarks.migrations [users]

Makes a test database of its own with a million users, or as many as it is told to, and as many
memberships in 10,000 Libraries, and drops it in the end. Migrates forward, fills SCIM's tables with
a link, a member and an event for each user, and migrates backward and forward again. Meanwhile
another connection reads and writes the host's tables, one row at a time: its longest waits are
those of the host's people.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import django

from benchmarks.people import multiply, numbers, text, uuid

USERS = 1_000_000
LIBRARIES = 10_000


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simple_project.settings")
    django.setup()
    from django.db import connection

    users = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    name = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        # In memory, SQLite would let nobody else in.
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder) / "host.sqlite3")
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            run(users)
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)


def run(users: int) -> None:
    from django.db import connection

    migrate("zero")
    populate_host(users)
    print(f"{users:,} users in {LIBRARIES:,} Libraries in {connection.display_name}")
    print(f"{'':20}{'seconds':>10}{'longest read':>16}{'longest write':>16}")
    report("forward", users)
    print(f"{'(filling)':20}{seconds(lambda: populate_scim(users)):>10.1f}")
    report("backward", users, "zero")
    report("forward again", users)


def report(name: str, users: int, *target: str) -> None:
    """Print how long a migration takes, and how long the host's people wait for theirs."""
    with watching(users) as waits:
        duration = seconds(lambda: migrate(*target))
    figures = "".join(f"{wait * 1_000:>13.0f} ms" for wait in waits.values())
    print(f"{name:20}{duration:>10.1f}{figures}")


def migrate(*target: str) -> None:
    from django.core.management import call_command

    call_command("migrate", "tiled_scim", *target, verbosity=0)


@contextmanager
def watching(users: int) -> Iterator[dict[str, float]]:
    """Use the host meanwhile; yields the longest read and write so far, in seconds."""
    waits = {"read": 0.0, "write": 0.0}
    stop = threading.Event()

    def use() -> None:
        from django.db import connection

        while not stop.is_set():
            for kind, action in (("read", read), ("write", write)):
                waits[kind] = max(waits[kind], seconds(partial(action, users)))
        connection.close()

    thread = threading.Thread(target=use)
    thread.start()
    yield waits
    stop.set()
    thread.join()


def read(users: int) -> None:
    """What a page of the host's does."""
    from django.contrib.auth.models import User

    from tests.simple_project.libraries.models import Library

    list(Library.objects.filter(members=User.objects.get(username=anybody(users))))


def write(users: int) -> None:
    """What a sign-in does, and somebody who gives access by hand."""
    from django.contrib.auth.models import User

    from tests.simple_project.libraries.models import Library

    User.objects.filter(username=anybody(users)).update(last_name="Lovelace")
    library = Library.objects.latest("pk")
    library.save()
    library.members.set(User.objects.filter(username=anybody(users)))


def anybody(users: int) -> str:
    return f"person{random.randrange(users)}"  # noqa: S311 (a sample, not a secret)


def populate_host(users: int) -> None:
    """Make users and Libraries that people made, with a membership for each user."""
    from django.contrib.auth.models import User

    from tests.simple_project.libraries.models import Library

    user = User.objects.create(username="prototype")
    multiply(user, numbers(users), username=text("'person'", "n"))
    library = Library.objects.create(name="prototype")
    multiply(library, numbers(LIBRARIES), name=text("'Library '", "n"))
    library.members.add(user)
    first = Library.objects.exclude(pk=library.pk).order_by("pk")[0].pk
    multiply(
        Library.members.through.objects.get(),
        f"(SELECT id AS n FROM auth_user WHERE id <> {user.pk}) AS numbers",  # noqa: S608 (an integer key that this script has read)
        user_id="n",
        library_id=f"{first} + n %% {LIBRARIES}",
    )
    analyze()


def populate_scim(users: int) -> None:
    """Make a link, a member and an event for each user."""
    from django.contrib.auth.models import User

    from tests.simple_project.libraries.models import Library
    from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, ScimEvent, UserLink

    library = Library.objects.order_by("pk")[0]
    group = LibraryGroupLink(library=library)
    group.rename("Everybody")
    group.save()
    user = User.objects.order_by("pk")[0]
    link = UserLink(user=user)
    link.rename(user.username)
    link.save()
    multiply(
        link,
        f"(SELECT id AS host, username FROM auth_user WHERE id <> {user.pk}) AS users",  # noqa: S608 (an integer key that this script has read)
        id=uuid(),
        user_id="host",
        user_name="username",
        user_name_canonical="username",
    )
    member = LibraryGroupMember.objects.create(group=group, user=link, display=user.username)
    multiply(
        member,
        f"(SELECT id AS link FROM tiled_scim_userlink WHERE user_id <> {user.pk}) AS links",  # noqa: S608 (an integer key that this script has read)
        user_id="link",
    )
    event = ScimEvent.objects.create(resource_name="prototype", outcome="done", status=201)
    multiply(event, numbers(users), resource_name=text("'person'", "n"), resource_id=uuid())


def analyze() -> None:
    """Do what the database does by itself after a while."""
    from django.db import connection

    statements = {
        "mysql": "ANALYZE TABLE auth_user, libraries_library, libraries_library_members",
        "postgresql": "VACUUM ANALYZE",
        "sqlite": "PRAGMA optimize",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
