"""Create drift between the host and SCIM, and record the signals and output that follow."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase

from tests.simple_project.libraries.models import Library
from tiled_scim import signals
from tiled_scim.host import HostAdapter
from tiled_scim.models import LibraryGroupLink, LibraryGroupMember, PriorAccess, UserLink
from tiled_scim.provisioning import drift

# Marks the end of the output of a terminal.
END = "|end"


class TwoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": ""}


def found(account: str | None = None) -> list[tuple[drift.Kind, str, list[str]]]:
    """Return all findings of drift: kind, name of the user or group, and affected members."""
    return [
        (finding.kind, finding.link.name, sorted(finding.people.values()))
        for finding in drift.find(account)
    ]


def take_away(library: str, *usernames: str) -> None:
    """Remove access manually."""
    Library.objects.get(name=library).members.remove(*_people(usernames))


def give(library: str, *usernames: str) -> None:
    """Give access manually."""
    Library.objects.get(name=library).members.add(*_people(usernames))


def granted(group: str) -> dict[str, bool]:
    """Return for each member of a group whether SCIM granted the access."""
    rows = LibraryGroupMember.objects.filter(group__display_name=group)
    prior = set(PriorAccess.objects.values_list("library", "user"))
    return {
        row.user.user_name: not row.user.suspended
        and (row.group.library_id, row.user.user_id) not in prior
        for row in rows.select_related("user", "group")
    }


def group_link(name: str) -> LibraryGroupLink:
    return LibraryGroupLink.objects.get(display_name=name)


def user_link(name: str, account: str = "") -> UserLink:
    return UserLink.objects.get(user_name=name, account=account)


def link_in(account: str, username: str) -> UserLink:
    """Create a second link to a host user, in another account."""
    link = UserLink(account=account, user=User.objects.get(username=username))
    link.rename(username)
    link.save()
    return link


@contextmanager
def hearing() -> Iterator[list[tuple[str, str, set[str]]]]:
    """Record the access signals: "granted" or "revoked", the Library and the users."""
    heard: list[tuple[str, str, set[str]]] = []

    def receiver(what: str) -> Any:
        def hear(library: Library, users: Collection[int], **arguments: Any) -> None:
            names = set(User.objects.filter(pk__in=users).values_list("username", flat=True))
            heard.append((what, library.name, names))

        return hear

    receivers = {
        signals.access_granted: receiver("granted"),
        signals.access_revoked: receiver("revoked"),
    }
    for signal, hear in receivers.items():
        signal.connect(hear)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            yield heard
    finally:
        for signal, hear in receivers.items():
            signal.disconnect(hear)


def shown_on_a_terminal(run: Callable[[], object]) -> str:
    """Record what is written to standard error, which is a terminal."""
    screen, keyboard = pty.openpty()
    termios.tcsetwinsize(keyboard, (24, 80))
    with os.fdopen(keyboard, "w") as stream, redirect_stderr(stream):
        run()
        stream.write(END)
        stream.flush()
        text = ""
        while not text.endswith(END):
            text += os.read(screen, 4096).decode()
    os.close(screen)
    return text.removesuffix(END)


def _people(usernames: Collection[str]) -> list[User]:
    people = list(User.objects.filter(username__in=usernames))
    assert len(people) == len(usernames)
    return people
