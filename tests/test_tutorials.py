"""Tests that the tutorials work, word for word, in a project of `django-admin startproject`."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.documented.follow import TUTORIALS, blocks, expected_output, follow

MOST_LINES = 15


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.mark.in_process
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial(page: Path, tmp_path: Path) -> None:
    printed = follow(page, tmp_path, free_port())

    assert printed.count("The server is ready for Okta") == printed.count("Left on the server")
    assert "The server is ready for Okta" in printed
    for output in expected_output(page):
        assert output in printed


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_host_needs_few_lines(page: Path) -> None:
    code = [block.code for block in blocks(page) if block.is_appended]
    lines = [line for line in "".join(code).splitlines() if line.strip()]

    assert len(lines) <= MOST_LINES
