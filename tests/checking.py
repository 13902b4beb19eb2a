"""Running `scim_check` in tests."""

from __future__ import annotations

from io import StringIO

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from example_project.libraries.models import Library
from tiled_scim.conformance.groups import GROUP_NAME
from tiled_scim.conformance.users import USER_NAME
from tiled_scim.models import LibraryGroupLink, UserLink

SECRET = "tscim_only-for-servers-that-take-anything"


class Check:
    """Runs `scim_check` with a token, and sees to it that the token is never shown."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.output = ""
        self.refusal = ""

    def run(self, url: str, **options: object) -> bool:
        """Whether the server passed; `output` and `refusal` have what was said."""
        stdout = StringIO()
        self.refusal = ""
        try:
            call_command("scim_check", url=url, token=self.token, stdout=stdout, **options)
        except CommandError as error:
            self.refusal = str(error)
        self.output = stdout.getvalue()
        assert self.token not in self.output + self.refusal
        return not self.refusal


def assert_only_the_deactivated_person_is_left() -> None:
    person = User.objects.get()
    assert (person.username, person.is_active, person.is_staff) == (USER_NAME, False, False)
    assert UserLink.objects.live("").get().user == person
    assert not LibraryGroupLink.objects.live("").exists()
    library = Library.objects.get()
    assert (library.name, library.members.count()) == (GROUP_NAME, 0)
