"""A real Chromium in front of the simple project and the demo: `make browser`, `tox -e browser`.

It takes Chromium and npm (Debian: chromium, npm). Playwright downloads no browser, and npm installs
axe-core once, into this folder.

    pytest tests/browser                          # the tests
    pytest tests/browser --screenshots FOLDER     # and write screenshots there, to be looked at
    make images                                   # take the screenshots of docs/ again

A test asks for windows. Each is a browser of its own, with its own cookies, and of desktop size:

    page        an admin is signed in who may change the token
    visit       opens any other: visit(user), visit(None, java_script_enabled=False)
    look        opens a page with look.open(user, path), and checks it in the light, in the dark and
                on a phone with look.inspect(page, "name"), which makes FOLDER/name.png
    example     is the example project, as `make demo` serves it
    okta        has pushed the people and groups of `directory.py`, over HTTP

`people.py` has what people do in a window, and the Okta that they set up: their database is that of
the test, so it can be filled before, and asked after.

Whatever a test is about, it fails, too, if in one of its windows a script fails, the console has an
error or a warning, a file is missing, or anything is asked of another host.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.admin.browser import signed_in
from tests.tokens import new_token
from tiled_scim.provider_check.client import OktaClient
from tiled_scim.provider_check.session import Session

from . import axe
from .example import Example, running_example
from .looks import Look, Visit
from .people import member_of_staff, push_directory
from .watch import Watch

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = [
    # Names for this machine that browsers trust less than localhost.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--no-sandbox",  # root cannot have it
    "--disable-gpu",
    # Chromium asks its maker's hosts for one thing and another.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For what comes by itself a little later: much, since no test is about time.
PATIENCE_SECONDS = 30
DESKTOP = {"viewport": {"width": 1280, "height": 720}, "locale": "en-US"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        type=Path,
        metavar="FOLDER",
        help="write the screenshots of the browser tests to this folder",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Install what the tests share, before there are several processes of them."""
    if not hasattr(config, "workerinput"):
        axe.install()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path is not None, "Install Chromium (Debian: apt-get install chromium)."
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which stands still while a test's own code
        # runs. Django sees that there is one, takes the code for async, and refuses its queries.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, live_server: LiveServer, transactional_db: None) -> Iterator[Visit]:
    """Opens a window, in which a user is signed in, with the options of a browser context."""
    windows: list[tuple[BrowserContext, Watch]] = []

    def open_window(user: User | None, **options: Any) -> Page:
        options = {**DESKTOP, "base_url": live_server.url, **options}
        context = chromium.new_context(**options)
        windows.append((context, Watch(context, urlsplit(options["base_url"]).netloc)))
        if user is not None:
            _sign_in(context, user, options["base_url"])
        return context.new_page()

    yield open_window
    for context, _ in windows:
        context.close()
    assert [problem for _, watch in windows for problem in watch.problems] == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """The window of an admin who may do everything with the token."""
    return visit(member_of_staff("change_scimtoken"))


@pytest.fixture
def look(visit: Visit, screenshots: Path | None) -> Look:
    return Look(visit, screenshots)


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path | None:
    """The folder for screenshots, if there should be any."""
    folder: Path | None = request.config.getoption("--screenshots")
    return folder


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with running_example(tmp_path_factory.mktemp("example")) as running:
        yield running


@pytest.fixture
def okta(live_server: LiveServer) -> Session:
    """An Okta that is connected, and has pushed the people and groups of `directory.py`."""
    _, plaintext = new_token()
    client = OktaClient(f"{live_server.url}/scim/v2", plaintext)
    push_directory(client)
    return Session(client)


def _sign_in(context: BrowserContext, user: User, url: str) -> None:
    """Give the window the session of one who has signed in."""
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": signed_in(user).cookies[name].value, "url": url}])
