"""What commands print: secrets, times and accounts."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import CommandError, OutputWrapper

from tiled_scim.audit.times import local
from tiled_scim.secret import Secret


def print_secret(stream: OutputWrapper, text: Secret, name: str) -> None:
    """Print a text with a secret on a line of its own.

    Args:
        stream: The output stream.
        text: The text.
        name: What the secret is, as in “The token”.

    Raises:
        CommandError: It cannot be printed. The traceback does not lead to the text.
    """
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "the output is closed"
    else:
        return
    raise CommandError(f"{name} could not be printed ({problem}). Create another one.")


def format_time(moment: datetime | None) -> str:
    """Format a time in the current time zone, to the minute."""
    return "-" if moment is None else f"{local(moment):%Y-%m-%d %H:%M}"


def for_account(account: str) -> str:
    """Return for which account something is, after a space, or "" for the only account."""
    return f" for the account {account}" if account else ""
