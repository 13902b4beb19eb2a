"""Tests of `manage.py demo`. Those of what it pushes are in `tests/hosts/example`."""

from __future__ import annotations

import fcntl
import re
import signal
import socket
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from tests.end_to_end.demo_process import copy_project, demo, free_port, is_free, read_until
from tiled_scim.provider_check.client import OktaClient

COMPANIES = ("Acme Inc.", "Globex Corporation")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path)


@pytest.fixture
def port() -> int:
    return free_port()


class TestDemo:
    def test_it_shows_everything_and_serves_until_it_is_ended(
        self, project: Path, port: int
    ) -> None:
        (project / "demo.sqlite3").write_text("an old demo's database")

        with demo(project, "--port", str(port)) as process:
            said = read_until(process, "Serving at")
            assert f"Serving at http://127.0.0.1:{port} until Ctrl-C" in said, said
            self.assert_summary(said)
            self.assert_people_can_sign_in(port, said)
            self.assert_api_can_be_called(said)

            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0

        assert is_free(port)

    def assert_summary(self, said: str) -> None:
        assert said.count("The server is ready for Okta") == len(COMPANIES)
        for company in COMPANIES:
            assert f"{company}: pushing a small directory as Okta does" in said
        assert "pushed the group Research: Ada Lovelace, Emmy Noether, Alan Turing" in said
        assert re.search(r"^  Alan Turing +deactivated +Researcher +opens nothing$", said, re.M)
        assert re.search(r"^  Grace Hopper +Member +Consultant +opens Engineering$", said, re.M)
        assert re.search(r"^  Grace Hopper +Member +Interim Manager +opens", said, re.M)

    def assert_people_can_sign_in(self, port: int, said: str) -> None:
        """Try all sign-ins that it has printed, and the Django admin with its stylesheet."""
        site = f"http://127.0.0.1:{port}"
        people = re.findall(r"^  (\w.*?)  +(\S+), password (\S+)$", said, re.M)
        assert [name for name, _, _ in people] == [
            *(f"Admin of {company}" for company in COMPANIES),
            "Member of both",
            "Emmy Noether of Acme Inc.",
            "Dorothy Vaughan of Globex Corporation",
            "Staff of the product",
        ]
        for name, user_name, password in people:
            browser = build_opener(HTTPCookieProcessor(CookieJar()))
            path = "/admin/" if name == "Staff of the product" else "/"
            with browser.open(f"{site}{path}") as login:
                page = login.read().decode()
            csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
            assert csrf is not None
            form = {"csrfmiddlewaretoken": csrf[1], "username": user_name, "password": password}
            with browser.open(login.url, urlencode(form | {"next": path}).encode()) as home:
                page = home.read().decode()
            library = "Research" if name.startswith("Emmy") else "Engineering"
            assert ("Site administration" if path == "/admin/" else library) in page
            if path == "/":
                self.assert_library_opens(browser, site, page)
            assert ("Account Settings" in page) is name.startswith("Admin of")
        with build_opener().open(f"{site}/static/admin/css/base.css") as styles:
            assert styles.status == 200

    def assert_library_opens(self, browser: OpenerDirector, site: str, page: str) -> None:
        link = re.search(r'href="(/libraries/\d+/)"', page)
        assert link is not None
        with browser.open(f"{site}{link[1]}") as library:
            assert library.status == 200

    def assert_api_can_be_called(self, said: str) -> None:
        tokens = re.findall(r"Token of (.+?) +(tscim_\S+)", said)
        address = re.search(r"Base URL +(\S+)", said)
        assert address is not None
        assert [company for company, _ in tokens] == list(COMPANIES)
        people = []
        for _, token in tokens:
            assert said.count(token) == 1
            answer = OktaClient(address[1], token).send("GET", "/Users")
            people.append((answer.status, answer.json["totalResults"]))
        assert people == [(200, 4), (200, 3)]

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

        assert said.count(", with the existing password") == 6
        assert not (project / "demo.sqlite3").exists()
