"""Tests that the tutorials work, word for word, in a project of `django-admin startproject`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documented.follow import TUTORIALS, blocks, check, follow, free_port

MOST_LINES = 15


@pytest.mark.in_process
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial(page: Path, tmp_path: Path) -> None:
    check(page, follow(page, tmp_path, free_port()))


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_host_needs_few_lines(page: Path) -> None:
    code = [block.code for block in blocks(page) if block.is_appended]
    lines = [line for line in "".join(code).splitlines() if line.strip()]

    assert len(lines) <= MOST_LINES
