"""The example project as `make demo` serves it, and the people who sign in there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.end_to_end.demo_process import ROOT, copy_project, demo, free_port, read_until

from .looks import Visit

ACME_ADMIN, GLOBEX_ADMIN = "Admin of Acme Inc.", "Admin of Globex Corporation"
MEMBER_OF_BOTH = "Member of both"

# A customer who has just signed up, and has no token yet.
SIGN_UP = """
from django.contrib.auth.models import User
from example_project.customers.models import Account, Membership
names = {{"first_name": "Bill", "last_name": "Lumbergh"}}
user = User.objects.create_user("{name}", "{name}", "{password}", **names)
account = Account.objects.create(name="{company}")
Membership.objects.create(user=user, account=account, role="admin")
"""


@dataclass(frozen=True)
class Example:
    """The running demo: its folder and URL, and what it has printed."""

    folder: Path
    url: str
    said: str

    def sign_in(self, visit: Visit, who: str, **options: Any) -> Page:
        """Sign in as one of the people in the output of the demo, in another window."""
        login = re.search(rf"{re.escape(who)} +(\S+), password (\S+)", self.said)
        assert login is not None
        return self.sign_in_with(visit, login[1], login[2], **options)

    def sign_in_with(self, visit: Visit, name: str, password: str, **options: Any) -> Page:
        page = visit(None, base_url=self.url, **options)
        page.goto("/")
        page.get_by_label("Email address").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Libraries")).to_be_visible()
        return page

    def sign_up(self, visit: Visit, company: str, name: str) -> Page:
        """Make a company a customer without a token, and sign in as its admin."""
        password = "a long pass phrase"
        code = SIGN_UP.format(company=company, name=name, password=password)
        command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
        subprocess.run(command, cwd=self.folder, env={"PYTHONPATH": str(ROOT)}, check=True)
        return self.sign_in_with(visit, name, password)

    def token_of(self, account: str) -> str:
        token = re.search(rf"Token of {re.escape(account)} +(\S+)", self.said)
        assert token is not None
        return token[1]


@contextmanager
def running_example(folder: Path) -> Iterator[Example]:
    """Run the demo in this folder."""
    port = free_port()
    project = copy_project(folder)
    with demo(project, "--port", str(port)) as process:
        said = read_until(process, "Serving at")
        assert "Serving at" in said, said
        yield Example(project, f"http://127.0.0.1:{port}", said)


def open_settings(page: Page) -> None:
    """Go to SCIM Configuration as an admin finds it."""
    page.get_by_role("link", name="Account Settings").first.click()
    page.get_by_role("link", name=re.compile("SCIM Configuration")).click()
    expect(page.get_by_role("heading", name="SCIM Configuration")).to_be_visible()
