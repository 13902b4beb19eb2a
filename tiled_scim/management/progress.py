"""Progress bars, for people who wait at a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tqdm import tqdm


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
