"""Tests of the Python API for setup links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tests.factories import make_user
from tiled_scim import setup_links
from tiled_scim.connections import Actor, UnknownAccountError
from tiled_scim.models import ScimEvent, SetupLink
from tiled_scim.setup_links import SetupLinkEndedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor() -> Actor:
    return Actor("Settings: ann", make_user("ann"), "10.0.0.1")


def events() -> list[tuple[str, str, Any]]:
    found = ScimEvent.objects.order_by("pk")
    return [(event.action, event.actor, event.address) for event in found]


def test_a_link_is_created_used_and_revoked_with_events(actor: Actor) -> None:
    new = setup_links.create("", actor)
    assert new.link.expires_at > timezone.now() + timedelta(hours=23)
    assert SetupLink.objects.open_links("") == [new.link]

    used = setup_links.use(new.code, "10.0.0.2")
    assert (used, SetupLink.objects.get().uses) == (new.link, 1)

    assert setup_links.revoke(new.link, actor)
    assert SetupLink.objects.open_links("") == []
    assert events() == [
        ("setup_link_created", "Settings: ann", "10.0.0.1"),
        ("setup_link_used", f"Setup link {new.link.pk} of ann", "10.0.0.2"),
        ("setup_link_revoked", "Settings: ann", "10.0.0.1"),
    ]


def test_revoking_again_does_nothing(actor: Actor) -> None:
    new = setup_links.create("", actor)

    assert setup_links.revoke(new.link, actor)
    assert not setup_links.revoke(new.link, actor)
    assert len(events()) == 2


def test_an_expired_link_cannot_be_revoked(actor: Actor) -> None:
    new = setup_links.create("", actor, timedelta(seconds=-1))

    assert not setup_links.revoke(new.link, actor)
    assert len(events()) == 1


class TestAfterItsEnd:
    """To open a link that has ended changes nothing, and is an event of its account."""

    @pytest.mark.parametrize(
        ("how", "detail"),
        [
            ("revoked", "The link was revoked at "),
            ("expired", "The link expired at "),
            ("creator left", "The user who created the link is not active any more."),
        ],
    )
    def test_it_is_refused(self, actor: Actor, how: str, detail: str) -> None:
        new = ended(actor, how)
        before = ScimEvent.objects.count()

        with pytest.raises(SetupLinkEndedError):
            setup_links.use(new.code, "10.0.0.2")

        assert SetupLink.objects.get().uses == 0
        assert ScimEvent.objects.count() == before + 1
        event = ScimEvent.objects.latest("pk")
        assert (event.outcome, event.status, event.cause) == ("refused", 410, "setup_link_ended")
        assert (event.account, event.resource_name) == ("", f"setup link {new.link.pk}")
        assert (event.actor, event.address) == (f"Setup link {new.link.pk} of ann", "10.0.0.2")
        assert event.detail.startswith(detail)
        assert new.code not in str(vars(event))

    def test_repetitions_are_one_event(self, actor: Actor) -> None:
        new = ended(actor, "expired")

        for _ in range(5):
            with pytest.raises(SetupLinkEndedError):
                setup_links.use(new.code, "10.0.0.2")

        assert ScimEvent.objects.get(outcome="refused").times == 5

    def test_what_is_no_link_is_no_event(self, actor: Actor) -> None:
        new = ended(actor, "expired")
        SetupLink.objects.all().delete()
        before = ScimEvent.objects.count()

        for code in (new.code, f"{new.code}x", "tscimsetup_x:y"):
            with pytest.raises(SetupLinkEndedError):
                setup_links.use(code)

        assert ScimEvent.objects.count() == before


def ended(actor: Actor, how: str) -> setup_links.NewSetupLink:
    """Create a setup link that does not work any more."""
    lifetime = timedelta(seconds=-1) if how == "expired" else timedelta(hours=1)
    new = setup_links.create("", actor, lifetime)
    if how == "revoked":
        setup_links.revoke(new.link, actor)
    if how == "creator left":
        User.objects.filter(username="ann").update(is_active=False)
    return new


def test_an_account_that_the_host_does_not_have_gets_none(actor: Actor) -> None:
    with pytest.raises(UnknownAccountError):
        setup_links.create("initech", actor)
    assert not SetupLink.objects.exists()


def test_what_is_rolled_back_leaves_neither_a_link_nor_an_event(actor: Actor) -> None:
    with transaction.atomic():
        setup_links.create("", actor)
        transaction.set_rollback(True)

    assert not SetupLink.objects.exists()
    assert events() == []


def test_the_code_is_in_no_representation(actor: Actor) -> None:
    new = setup_links.create("", actor)
    secret, _, signature = new.code.partition(":")

    assert secret.startswith("tscimsetup_")
    for text in (repr(new), repr(new.link), str(vars(new.link))):
        assert secret not in text
        assert signature not in text


def test_a_forged_code_takes_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert SetupLink.objects.with_code("tscimsetup_x:y") is None


def test_a_link_goes_with_its_creator(actor: Actor) -> None:
    setup_links.create("", actor)

    User.objects.get(username="ann").delete()

    assert not SetupLink.objects.exists()
