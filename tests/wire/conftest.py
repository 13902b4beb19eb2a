"""What the wire tests share: a token, and a client that has it.

If SCIM_URL is set, the tests run over HTTP against servers that use the same database. Changes are
then committed, and deleted after each test. Tests that change or inspect this process are marked
with `in_process`, explicitly or because of the fixtures that they use, and are deselected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from pytest_django import DjangoDbBlocker

from resilience import state
from tests.tokens import new_token
from tiled_scim.models import ScimToken

from .client import ANN, Scim
from .state import ADMINISTRATOR
from .transport import SCIM_URL

HERE = Path(__file__).parent
# Fixtures that change or inspect this process.
OF_THIS_PROCESS = {
    "admin_client",
    "caplog",
    "django_assert_max_num_queries",
    "django_assert_num_queries",
    "monkeypatch",
    "settings",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that use such fixtures. Over HTTP, deselect all marked tests."""
    for item in items:
        if item.path.is_relative_to(HERE) and _asked_for(item) & OF_THIS_PROCESS:
            item.add_marker(pytest.mark.in_process)
    if SCIM_URL:
        left_out = [item for item in items if item.get_closest_marker("in_process")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _asked_for(item: pytest.Item) -> set[str]:
    """Return the fixtures that a test and the fixtures of this project use directly."""
    assert isinstance(item, pytest.Function)
    fixtures = item._fixtureinfo
    names = set(fixtures.argnames)
    for definitions in fixtures.name2fixturedefs.values():
        if definitions[-1].func.__module__.startswith("tests."):
            names.update(definitions[-1].argnames)
    return names


if SCIM_URL:

    @pytest.fixture
    def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
        """The database, without a transaction around the test: servers only see commits."""
        with django_db_blocker.unblock():
            yield
            state.wipe()
            for model in (ScimToken, User, Group):
                model._default_manager.all().delete()

    @pytest.fixture
    def transactional_db(db: None) -> None:
        """The same, as there is no transaction anyway."""


@pytest.fixture
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of a server."""
    return SCIM_URL or str(request.getfixturevalue("live_server").url)


@pytest.fixture
def token(db: None) -> str:
    return new_token()[1]


@pytest.fixture
def administrator(db: None) -> User:
    """A superuser, as each real host has one: SCIM may then remove the last Tiled Admin."""
    return User.objects.create_superuser(ADMINISTRATOR, "root@host.example")


@pytest.fixture
def scim(token: str) -> Scim:
    """Okta."""
    return Scim(f"Bearer {token}")


@pytest.fixture
def entra(token: str) -> Scim:
    """Microsoft Entra ID."""
    headers = {"Accept": "application/scim+json", "User-Agent": "Microsoft-Entra-Provisioning"}
    return Scim(f"Bearer {token}", headers, "application/scim+json; charset=utf-8")


@pytest.fixture
def empty_cache() -> Iterator[None]:
    """For what counts requests in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ann(scim: Scim) -> str:
    """The id of one person."""
    return scim.add_user(ANN)


@pytest.fixture
def sales(scim: Scim, ann: str) -> str:
    """The id of a group with Ann in it."""
    return scim.add_group("Sales", ann)
