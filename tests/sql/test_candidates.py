"""Candidates: the few links that an index finds for a filter that no index serves by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tiled_scim.host import HostAdapter
from tiled_scim.models import UserLink
from tiled_scim.schemas import USER
from tiled_scim.scim.grammar import parse
from tiled_scim.sql.candidates import by_email
from tiled_scim.sql.filtering import condition
from tiled_scim.sql.host_fields import HostField, host_fields

BY_NAME = "USING INDEX sqlite_autoindex_tiled_scim_userlink_2 (account=? AND user_name_canonical=?)"
BY_ADDRESS = "USING COVERING INDEX sqlite_autoindex_tiled_scim_storedemail_1 (folded=?)"
BY_USER = "(user_id=?)"

# What is read for a filter. A filter that has an index itself needs no candidates.
READ = {
    'emails.value eq "x"': {BY_ADDRESS, BY_USER},
    'emails eq "x"': {BY_ADDRESS, BY_USER},
    'emails[type eq "work" and value eq "x"]': {BY_ADDRESS, BY_USER},
    'emails[type eq "work"].value eq "x"': {BY_ADDRESS, BY_USER},
    'title pr and emails.value eq "x"': {BY_ADDRESS, BY_USER},
    'userName eq "a" or emails.value eq "x"': {BY_NAME, BY_ADDRESS, BY_USER},
    'emails.value eq "x" or userName eq "a"': {BY_NAME, BY_ADDRESS, BY_USER},
    'userName eq "a"': {BY_NAME},
    'userName eq "a" and emails.value eq "x"': {BY_NAME},
    'emails.value eq "x" and userName eq "a"': {BY_NAME},
    'userName eq "a" or userName eq "b"': set(),
    'emails.value eq "x" or title pr': set(),
    'emails.value ne "x"': set(),
    'not (emails.value eq "x")': set(),
    "emails.value eq null": set(),
    'phoneNumbers.value eq "x"': set(),
    'emails.display eq "x"': set(),
}


class HostWithoutEmails(HostAdapter):
    """A host whose users have no field for an email address."""

    @property
    def user_fields(self) -> dict[str, str]:
        return {"userName": "username"}


def plan(text: str, adapter: HostAdapter) -> str:
    rows: Any = UserLink.objects.live("").filter(condition(parse(text), USER, adapter))
    return str(rows.explain())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by what is in the table")
@pytest.mark.parametrize("text", READ)
def test_a_search_by_address_reads_what_indexes_have(db: None, text: str) -> None:
    found = plan(text, HostAdapter())

    assert {each for each in (BY_NAME, BY_ADDRESS, BY_USER) if each in found} == READ[text]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by what is in the table")
def test_a_host_without_addresses_has_those_that_are_stored(db: None) -> None:
    found = plan('emails.value eq "x"', HostWithoutEmails())

    assert BY_ADDRESS in found
    assert BY_USER not in found


def test_an_address_that_is_no_text_of_the_user_has_no_candidates() -> None:
    [email] = (field for field in host_fields(HostAdapter()) if field.name == "emails.value")
    path = email.path

    assert by_email("x", email) is not None
    assert by_email("x", HostField("emails.value", path, "person", "date_joined")) is None
    assert by_email("x", HostField("emails.value", path, "membership", "email")) is None
