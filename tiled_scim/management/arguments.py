"""What several commands take: accounts, and numbers of days."""

from __future__ import annotations

import argparse
from datetime import timedelta

from django.core.management.base import CommandError

from tiled_scim.conf import LONGEST_PERIOD
from tiled_scim.host import adapter_class


def days(text: str) -> timedelta:
    """Whole days, from one to a hundred years, which every database can hold."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LONGEST_PERIOD.days:
        raise argparse.ArgumentTypeError(
            f"give a whole number of days from 1 to {LONGEST_PERIOD.days}, not {text!r}"
        )
    return timedelta(days=number)


def require_known(account: str) -> None:
    """Refuse an account that the host does not have, and say which it has.

    Raises:
        CommandError: there is no such account.
    """
    accounts = adapter_class().accounts()
    if account in accounts:
        return
    problem = (
        f"There is no account {account!r}." if account else "Say which account: --account KEY."
    )
    known = ", ".join(_labelled(key, label) for key, label in accounts.items())
    raise CommandError(f"{problem} The accounts are: {known or 'none'}.")


def _labelled(key: str, label: str) -> str:
    name = key or "the only one, which needs no --account"
    return f"{name} ({label})" if label else name
