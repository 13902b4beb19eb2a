"""For people who wait at a terminal: progress bars, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended


def bar(total: int, unit: str, *, is_shown: bool) -> tqdm[Any]:
    """A bar to be updated, and closed by `with`: on standard error, if that is a terminal.

    Args:
        total: of how many.
        unit: what they are, in the singular.
        is_shown: whether people want one.
    """
    # With None, tqdm itself looks whether there is a terminal.
    return tqdm(total=total, unit=f" {unit}", leave=False, disable=None if is_shown else True)


def aside() -> AbstractContextManager[None]:
    """For writing to standard output: the bar steps aside meanwhile."""
    return tqdm.external_write_mode()


@contextmanager
def interruptible(tell: Callable[[], str]) -> Iterator[None]:
    """Let Ctrl-C end a command with a sentence, where what is done is done and the rest is not.

    Args:
        tell: says how much is done.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted. {tell()}", returncode=INTERRUPTED) from None
