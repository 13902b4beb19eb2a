"""Run `scim_check` in tests."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.simple_project.libraries.models import Library
from tiled_scim.models import LibraryGroupLink, UserLink
from tiled_scim.provider_check.names import names_for

NAMES = names_for()
SECRET = "tscim_only-for-servers-that-take-anything"


class Terminal(StringIO):
    """An output stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Check:
    """Run `scim_check` with a token, and assert that the token is never shown."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.output = ""
        self.errors = ""
        self.error_message = ""
        self.code = 0

    def run(self, url: str, *, on_terminal: bool = False, **options: Any) -> bool:
        """Run the check, and keep its `output`, `errors`, `error_message` and exit `code`.

        Returns:
            Whether the server passed.
        """
        kind = Terminal if on_terminal else StringIO
        stdout, stderr = kind(), kind()
        self.error_message, self.code = "", 0
        try:
            call_command(
                "scim_check", url=url, token=self.token, stdout=stdout, stderr=stderr, **options
            )
        except CommandError as error:
            self.error_message, self.code = str(error), error.returncode
        self.output, self.errors = stdout.getvalue(), stderr.getvalue()
        assert self.token not in self.output + self.errors + self.error_message
        return not self.error_message

    def json(self, url: str, **options: Any) -> Any:
        """Return the JSON document of a run, which must be the only output."""
        self.run(url, is_json=True, **options)
        return json.loads(self.output)


def step_of(document: Any, name: str) -> Any:
    """Return the step with this name in the JSON document."""
    return next(step for step in document["steps"] if step["name"] == name)


def failed_steps(document: Any) -> list[str]:
    """Return the names of the failed steps."""
    return [step["name"] for step in document["steps"] if step["outcome"] == "failed"]


def assert_only_the_deactivated_person_is_left() -> None:
    person = User.objects.get()
    assert (person.username, person.is_active, person.is_staff) == (NAMES.user, False, False)
    assert UserLink.objects.live("").get().user == person
    assert not LibraryGroupLink.objects.live("").exists()
    assert not Library.objects.exists()
