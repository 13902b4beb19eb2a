"""Command line arguments that several commands share: accounts and numbers of days."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta

from django.core.management.base import CommandError

from tiled_scim.conf import LONGEST_PERIOD
from tiled_scim.host import adapter_class

ACCOUNTS_NAMED = 20


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


def days_up_to(longest: timedelta) -> Callable[[str], timedelta]:
    """Return a parser of a whole number of days, from none to a limit."""

    def parse(text: str) -> timedelta:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not 0 <= number <= longest.days:
            raise argparse.ArgumentTypeError(
                f"give a whole number of days from 0 to {longest.days}, not {text!r}"
            )
        return timedelta(days=number)

    return parse


def require_known(account: str) -> None:
    """Check that the host has an account.

    Raises:
        CommandError: The account does not exist. The message names existing accounts.
    """
    adapter = adapter_class()
    if account in adapter.account_labels([account]):
        return
    problem = (
        f"There is no account {account!r}." if account else "Choose an account: --account KEY."
    )
    accounts = adapter.find_accounts()
    known = ", ".join(_label(key, label) for key, label in accounts[:ACCOUNTS_NAMED])
    more = len(accounts) - ACCOUNTS_NAMED
    others = f" and {more} more" if more > 0 else ""
    raise CommandError(f"{problem} The accounts are: {known or 'none'}{others}.")


def _label(key: str, label: str) -> str:
    name = key or "the only account, without --account"
    return f"{name} ({label})" if label else name
