"""The programs behind `make scale-out`: what they read, start and write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from resilience.processes import (
    ServerError,
    children,
    ends_with_parent,
    free_port,
    is_open,
    running,
)
from resilience.scale_out import deployment, load, report, wire
from resilience.scale_out.documented import block, fill_in
from resilience.scale_out.throughput import PARTS, Figures
from resilience.server import ROOT
from resilience.tally import NAME_WIDTH

# Programs that root starts run as another user, who may not read a Python in root's home.
PYTHON = shutil.which("python3", path=os.defpath) or sys.executable
LISTENS = "import http.server, sys; http.server.test(port=int(sys.argv[1]), bind='127.0.0.1')"
# Starts a program, prints its id, and waits.
PARENT = """
import subprocess, sys, time
from resilience.processes import ends_with_parent
child = subprocess.Popen([*ends_with_parent(), "sleep", "600"])
print(child.pid, flush=True)
time.sleep(600)
"""


class TestDocumented:
    @pytest.mark.parametrize(
        ("language", "part"),
        [
            ("nginx", "proxy_pass"),
            ("ini", "pool_mode"),
            ("python", "DISABLE_SERVER_SIDE_CURSORS"),
            ("python", "def client_address"),
        ],
    )
    def test_each_part_of_the_configuration_is_there_once(self, language: str, part: str) -> None:
        assert part in block(language, part)

    def test_what_is_not_there_is_an_error(self) -> None:
        with pytest.raises(LookupError, match="0 blocks of nginx"):
            block("nginx", "fastcgi_pass")
        with pytest.raises(LookupError, match="does not contain 'port 1'"):
            fill_in("port 2", {"port 1": "port 3"})

    def test_what_the_harness_counts_on_is_what_is_documented(self) -> None:
        options = " ".join(deployment.OPTIONS[2:])

        assert f"default_pool_size = {load.POOL}\n" in block("ini", "pool_mode")
        assert options in block("console", "gunicorn product.wsgi")


class TestProcesses:
    def test_a_program_runs_until_the_context_is_left(self, tmp_path: Path) -> None:
        port = free_port()

        with running(tmp_path, [PYTHON, "-c", LISTENS, str(port)], port) as pid:
            assert is_open(port)
            assert pid in children(os.getpid())

        assert not is_open(port)

    def test_what_does_not_start_says_why(self, tmp_path: Path) -> None:
        with (
            pytest.raises(ServerError, match="too bad"),
            running(tmp_path, [PYTHON, "-c", "raise SystemExit('too bad')"], free_port()),
        ):
            pytest.fail("It has not started.")
        with (
            pytest.raises(ServerError, match="nothing-of-the-kind is not installed"),
            running(tmp_path, ["nothing-of-the-kind"], free_port()),
        ):
            pytest.fail("It has not started.")

    def test_a_program_does_not_outlive_a_killed_parent(self) -> None:
        assert ends_with_parent()
        with subprocess.Popen(
            [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            wait_until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n")
            parent.send_signal(signal.SIGKILL)

        wait_until(lambda: not is_alive(child))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether a process runs, and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestWire:
    @pytest.mark.parametrize("pattern", [*wire.SHORT, *wire.ALL])
    def test_there_are_such_tests(self, pattern: str) -> None:
        assert list((ROOT / "tests/wire").glob(pattern))


@pytest.mark.parametrize("name", [*load.LOAD, *load.THROTTLED])
def test_the_names_of_scenarios_fit_in(name: str) -> None:
    assert len(name) < NAME_WIDTH


class TestReport:
    RESULTS = {
        workers: {"GET of a user": Figures(100 * workers, 10, 20, dict.fromkeys(PARTS, 1.0), 0.5)}
        for workers in (1, 2)
    }

    @pytest.fixture
    def document(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "performance.md"
        monkeypatch.setattr(report, "PERFORMANCE", path)
        return path

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="tells PostgreSQL's version")
    def test_what_is_between_the_marks_is_replaced(self, db: None, document: Path) -> None:
        document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")

        report.write(self.RESULTS, {"tiled_scim_userlink": 500})

        text = document.read_text()
        assert text.startswith(f"before\n{report.BEGIN}\n")
        assert text.endswith(f"{report.END}\nafter\n")
        assert "old" not in text
        assert "Other programs used 0.5 cores meanwhile." in text
        assert "| GET of a user | 100 | 200 |" in text
        assert "| GET of a user | 1.00 | 1.00 | 1.00 | 1.00 | 4.00 | 10 | 20 |" in text
        # 40 tenants with 25 requests per second of 1 ms each, and cores that are 70 % busy.
        assert "| 40 | 1,000 | 1.4 | 1.4 | 1.4 | 1.4 |" in text
        assert "| `tiled_scim_userlink` | 500 | 1,000,000 | 0.5 |" in text

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="tells PostgreSQL's version")
    def test_without_marks_nothing_is_written(self, db: None, document: Path) -> None:
        document.write_text("nothing")

        with pytest.raises(LookupError, match=r"performance\.md does not contain"):
            report.write(self.RESULTS, {})

        assert document.read_text() == "nothing"
