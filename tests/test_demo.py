"""Tests of the demo: its directory, pushed as Okta does, and `manage.py demo`."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.live_server_helper import LiveServer

from example_project.libraries.management import directory, summary
from tests.simple_project.libraries.models import Library
from tiled_scim.models import ScimToken
from tiled_scim.okta_check.client import OktaClient
from tiled_scim.okta_check.session import Session

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def okta(live_server: LiveServer, transactional_db: None) -> Session:
    return Session(OktaClient(f"{live_server.url}/scim/v2", ScimToken.objects.generate()[1]))


def openers() -> dict[str, list[str]]:
    """Return the first names of the active members of each Library."""
    return {
        library.name: sorted(
            library.members.filter(is_active=True).values_list("first_name", flat=True)
        )
        for library in Library.objects.all()
    }


class TestDirectory:
    def test_people_and_groups_become_users_and_libraries(self, okta: Session) -> None:
        said = list(directory.push(okta))

        assert len(said) == 9
        assert openers() == {
            "Engineering": ["Ada", "Grace", "Katherine"],
            "Research": ["Ada", "Emmy"],
            "Sales & Operations": ["Katherine"],
        }
        assert [user.first_name for user in User.objects.filter(is_staff=True)] == ["Ada"]
        assert [user.first_name for user in User.objects.filter(is_active=False)] == ["Alan"]
        assert not any(user.has_usable_password() for user in User.objects.all())

    def test_pushing_it_again_changes_nothing(self, okta: Session) -> None:
        list(directory.push(okta))
        before = openers(), list(User.objects.order_by("pk").values_list("pk", "is_active"))

        list(directory.push(okta))

        assert before == (
            openers(),
            list(User.objects.order_by("pk").values_list("pk", "is_active")),
        )

    def test_the_summary_says_who_can_open_what(self, okta: Session) -> None:
        list(directory.push(okta))
        Library.objects.create(name="Empty")
        User.objects.create_superuser("admin")

        users, libraries = "\n".join(summary.users()), "\n".join(summary.libraries())

        assert re.search(
            r"^ada.lovelace@example.com +Ada Lovelace +active, Tiled Admin$", users, re.M
        )
        assert re.search(r"^alan.turing@example.com +Alan Turing +deactivated", users, re.M)
        assert re.search(r"^admin .*superuser", users, re.M)
        assert re.search(r"^Research +Ada Lovelace, Emmy Noether$", libraries, re.M)
        assert re.search(r"^Empty +nobody$", libraries, re.M)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example project with its own demo database."""
    shutil.copytree(ROOT / "example_project", tmp_path / "example_project")
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


@contextmanager
def demo(project: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start `manage.py demo` with these environment variables, without those of the tests."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def read_until(process: subprocess.Popen[str], end: str) -> str:
    """Return the output up to the line that starts with `end`, or all of it."""
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line.startswith(end):
            break
    return "".join(said)


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class TestDemo:
    def test_it_shows_everything_and_serves_until_it_is_ended(
        self, project: Path, port: int
    ) -> None:
        (project / "demo.sqlite3").write_text("an old demo's database")

        with demo(project, "--port", str(port)) as process:
            said = read_until(process, "Serving at")
            assert f"Serving at http://127.0.0.1:{port} until Ctrl-C" in said, said
            self.assert_summary(said)
            self.assert_admin_can_sign_in(port, said)
            self.assert_api_can_be_called(port, said)

            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0

        assert is_free(port)

    def assert_summary(self, said: str) -> None:
        assert "The server is ready for Okta" in said
        assert "pushed the group Research: Ada Lovelace, Emmy Noether, Alan Turing" in said
        assert re.search(r"^  Research +Ada Lovelace, Emmy Noether$", said, re.M)

    def assert_admin_can_sign_in(self, port: int, said: str) -> None:
        password = re.search(r"Sign in +admin, password (\S+)", said)
        address = re.search(r"Admin +(\S+)", said)
        assert password is not None
        assert address is not None
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        with browser.open(address[1]) as login:
            page = login.read().decode()
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        style = re.search(r'href="(/static/admin/css/base[^"]*)"', page)
        assert csrf is not None
        assert style is not None
        with browser.open(f"http://127.0.0.1:{port}{style[1]}") as styles:
            assert styles.status == 200
        form = {"csrfmiddlewaretoken": csrf[1], "username": "admin", "password": password[1]}
        with browser.open(f"{address[1]}login/?next=/admin/", urlencode(form).encode()) as home:
            assert "Site administration" in home.read().decode()

    def assert_api_can_be_called(self, port: int, said: str) -> None:
        token = re.search(r"Token +(tscim_\S+)", said)
        address = re.search(r"Base URL +(\S+)", said)
        assert token is not None
        assert address is not None
        assert said.count(token[1]) == 1
        answer = OktaClient(address[1], token[1]).send("GET", "/Users")
        assert (answer.status, answer.json["totalResults"]) == (200, 6)

    def test_a_taken_port_is_said_before_anything_is_done(self, project: Path) -> None:
        database = project / "demo.sqlite3"
        database.write_text("untouched")

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with demo(project, "--port", str(port)) as process:
                said = read_until(process, "Serving at")
                assert process.wait() == 1

        suggestion = re.fullmatch(
            rf"CommandError: Port {port} is in use; run make demo PORT=(\d+)\n", said
        )
        assert suggestion is not None
        assert is_free(int(suggestion[1]))
        assert database.read_text() == "untouched"

    def test_the_database_of_a_running_demo_is_left_alone(self, project: Path, port: int) -> None:
        database = project / "demo.sqlite3"
        database.write_text("in use")

        with (project / "demo.sqlite3.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with demo(project, "--port", str(port)) as process:
                said = read_until(process, "Serving at")
                assert process.wait() == 1

        assert said == "CommandError: Another demo is running here: stop it first with Ctrl-C.\n"
        assert database.read_text() == "in use"

    def test_a_database_of_ones_own_is_used_and_not_emptied(self, project: Path, port: int) -> None:
        url = f"sqlite:///{project / 'own.sqlite3'}"
        said = ""
        for _attempt in range(2):
            with demo(project, "--port", str(port), DATABASE_URL=url) as process:
                said = read_until(process, "Serving at")
                process.send_signal(signal.SIGINT)
                assert process.wait() == 0, said

        assert "Sign in   admin, with the existing password" in said
        assert not (project / "demo.sqlite3").exists()

    @pytest.mark.parametrize("number", ["0", "65536", "http", "-1", ""])
    def test_a_port_that_is_none_is_refused(self, number: str) -> None:
        with pytest.raises(CommandError, match=f"from 1 to 65535, not {number!r}"):
            call_command("demo", f"--port={number}")
