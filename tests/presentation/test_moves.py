"""Tests of what a page says before a group is moved."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from tests.accounts import Together, client_of
from tests.factories import make_library
from tiled_scim.connections import Actor
from tiled_scim.errors import ScimError
from tiled_scim.models import LibraryGroupLink, ScimEvent
from tiled_scim.presentation.interventions import read_link
from tiled_scim.presentation.moves import Move

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(settings: LazySettings) -> LibraryGroupLink:
    """A group of acme, beside one of globex."""
    settings.TILED_SCIM_HOST_ADAPTER = Together
    client_of("globex").add_group("Secret lair")
    key = client_of("acme").add_group("Sales")
    return LibraryGroupLink.objects.get(pk=key)


def move(group: LibraryGroupLink, library: object) -> Move:
    return Move(read_link(group), Actor("a test"), {"library": str(library)})


def choices(group: LibraryGroupLink, search: str) -> Any:
    return Move(read_link(group), Actor("a test"), {"q": search}).choices()["libraries"]


def test_a_library_of_another_account_is_not_named(group: LibraryGroupLink) -> None:
    secret = LibraryGroupLink.objects.get(account="globex").library_id
    before = ScimEvent.objects.count()

    for attempt in (
        lambda: move(group, secret).consequences(),
        lambda: move(group, secret).perform(lambda version: None),
        lambda: move(group, make_library("Handbook").pk).consequences(),
        lambda: move(group, "x").consequences(),
        lambda: move(group, "\0").consequences(),
    ):
        with pytest.raises(ScimError) as raised:
            attempt()
        assert raised.value.detail == "There is no such Library."
    assert ScimEvent.objects.count() == before


def test_the_choices_are_the_libraries_that_the_adapter_offers(
    group: LibraryGroupLink, settings: LazySettings
) -> None:
    handbook = make_library("Handbook")

    class Offering(Together):
        def target_libraries(self) -> Any:
            return type(handbook).objects.exclude(name="Secret lair")

    settings.TILED_SCIM_HOST_ADAPTER = Offering

    assert choices(group, "") == [("Handbook", f"library={handbook.pk}")]
    assert choices(group, " HAND") == [("Handbook", f"library={handbook.pk}")]
    assert choices(group, "x") == []
