"""Progress bars and the handling of Ctrl-C for long commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

INTERRUPTED = 130  # the conventional exit status after Ctrl-C


def bar(total: int, unit: str, *, is_shown: bool) -> tqdm[Any]:
    """Create a progress bar on standard error, to be used as a context manager.

    Args:
        total: The number of items.
        unit: The name of an item, in the singular.
        is_shown: Whether to show the bar if standard error is a terminal.
    """
    # With None, tqdm checks whether standard error is a terminal.
    return tqdm(total=total, unit=f" {unit}", leave=False, disable=None if is_shown else True)


def paused() -> AbstractContextManager[None]:
    """Hide the progress bar while writing to standard output."""
    return tqdm.external_write_mode()


@contextmanager
def interruptible(summarize: Callable[[], str]) -> Iterator[None]:
    """End the command with a summary if it is interrupted with Ctrl-C.

    Args:
        summarize: Returns what was done so far, as a sentence.

    Raises:
        CommandError: The command was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted. {summarize()}", returncode=INTERRUPTED) from None
