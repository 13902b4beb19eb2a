"""Tests of search terms, and that a search tells nothing of rows beyond those that are searched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.audit.test_dashboard import make_event, make_link
from tests.wire.client import NOBODY
from tiled_scim.models import ScimEvent, UserLink
from tiled_scim.presentation.searching import CappedPaginator, found_events, found_links

pytestmark = pytest.mark.django_db


def named(rows: Any) -> list[str]:
    return sorted(rows.values_list("resource_name", flat=True))


class TestEvents:
    @pytest.mark.parametrize(
        ("term", "found"),
        [
            ("", ["Ann", "by id", "from there"]),
            ("ANN", ["Ann"]),
            ("nn", []),
            ("10.0.0.1", ["from there"]),
            ("::ffff:a00:1", ["from there"]),
            (NOBODY.upper(), ["by id"]),
            ("request-1", ["Ann"]),
        ],
    )
    def test_are_found_by_the_column_that_fits(self, term: str, found: list[str]) -> None:
        make_event(resource_name="Ann", resource_name_canonical="ann", request_id="request-1")
        make_event(resource_name="by id", resource_id=NOBODY)
        make_event(resource_name="from there", address="10.0.0.1")

        assert named(found_events(ScimEvent.objects.all(), term)) == found

    @pytest.mark.parametrize("term", ["ann", NOBODY, "10.0.0.1"])
    def test_one_whose_request_id_a_client_chose_hides_no_others(self, term: str) -> None:
        common: dict[str, Any] = {
            "resource_name_canonical": "ann",
            "resource_id": NOBODY,
            "address": "10.0.0.1",
        }
        make_event(resource_name="wanted", **common)
        make_event(resource_name="forged", request_id=term)

        assert named(found_events(ScimEvent.objects.all(), term)) == ["forged", "wanted"]

    @pytest.mark.parametrize("name", ["10.0.0.1", NOBODY])
    def test_a_name_that_looks_like_something_else_is_found(self, name: str) -> None:
        make_event(resource_name=name, resource_name_canonical=name)

        assert named(found_events(ScimEvent.objects.all(), name)) == [name]

    def test_a_request_of_another_account_does_not_change_what_is_found(self) -> None:
        make_event(account="acme", resource_name="same", resource_name_canonical="same")
        make_event(account="globex", resource_name="other", request_id="same")

        assert named(found_events(ScimEvent.objects.filter(account="acme"), "same")) == ["same"]


class TestLinks:
    @pytest.mark.parametrize("term", ["", "AN", "external", "ID"])
    def test_are_found_by_name_id_and_external_id(self, term: str) -> None:
        link = make_link("Ann", external_id="external")
        link.rename("Ann")
        link.save()
        term = str(link.pk) if term == "ID" else term

        assert list(found_links(UserLink.objects.all(), UserLink, term)) == [link]
        assert not found_links(UserLink.objects.all(), UserLink, "nn")


def test_a_paginator_counts_no_further_than_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CappedPaginator, "MOST", 2)
    for _ in range(3):
        make_event()

    paginator = CappedPaginator(ScimEvent.objects.all(), 1)

    assert (paginator.count, paginator.num_pages, paginator.is_capped) == (2, 2, True)
