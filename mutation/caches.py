"""Empties the project's caches, as a plugin of pytest: before each test.

Otherwise, only the first test that needs a compiled query executes the lines that make it.
"""

from __future__ import annotations

import gc
from functools import _lru_cache_wrapper, cache
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    forget()


def forget() -> None:
    """Empty the caches."""
    from tiled_scim.database.compiled import _COMPILED  # needs the settings

    _COMPILED.clear()
    for function in _functions():
        function.cache_clear()


@cache
def _functions() -> list[_lru_cache_wrapper[Any]]:
    """Return the functions of the project that have a cache."""
    found = (each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper))
    return [each for each in found if each.__module__.startswith("tiled_scim.")]
