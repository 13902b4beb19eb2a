"""Command line arguments that several commands share: accounts and numbers of days."""

from __future__ import annotations

import argparse
from datetime import timedelta

from django.core.management.base import CommandError

from tiled_scim.conf import LONGEST_PERIOD
from tiled_scim.host import adapter_class


def days(text: str) -> timedelta:
    """Parse a whole number of days, from one day to 100 years.

    Raises:
        argparse.ArgumentTypeError: The text is not such a number.
    """
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LONGEST_PERIOD.days:
        raise argparse.ArgumentTypeError(
            f"give a whole number of days from 1 to {LONGEST_PERIOD.days}, not {text!r}"
        )
    return timedelta(days=number)


def require_known(account: str) -> None:
    """Check that the host has an account.

    Raises:
        CommandError: The account does not exist. The message lists the existing accounts.
    """
    accounts = adapter_class().accounts()
    if account in accounts:
        return
    problem = (
        f"There is no account {account!r}." if account else "Choose an account: --account KEY."
    )
    known = ", ".join(_label(key, label) for key, label in accounts.items())
    raise CommandError(f"{problem} The accounts are: {known or 'none'}.")


def _label(key: str, label: str) -> str:
    name = key or "the only account, without --account"
    return f"{name} ({label})" if label else name
