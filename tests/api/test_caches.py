"""Tests that no cache keeps an answer, so that a revoked token reads nothing from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from django.conf import LazySettings
from django.core.cache import cache

from tests.tokens import new_token
from tests.wire.client import ANN, NOBODY, Scim
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimToken

pytestmark = pytest.mark.django_db

CACHE = "django.middleware.cache."
DISCOVERY = ("/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas")


@pytest.fixture(autouse=True)
def _caching_host(settings: LazySettings) -> Iterator[None]:
    """A host that caches its pages, as Django's documentation says."""
    settings.MIDDLEWARE = [
        f"{CACHE}UpdateCacheMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        *settings.MIDDLEWARE,
        f"{CACHE}FetchFromCacheMiddleware",
    ]
    settings.CACHE_MIDDLEWARE_SECONDS = 600
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


def fail(*args: object, **kwargs: object) -> None:
    raise RuntimeError("a fault of the host")


def is_private(headers: Mapping[str, str]) -> bool:
    directives = set(headers["Cache-Control"].split(", "))
    return directives == {"no-store", "private"} and "Authorization" in headers["Vary"]


def test_a_revoked_token_reads_nothing(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    paths = ("/Users", f"/Users/{ann}", "/Groups", "/", *DISCOVERY)
    assert [scim.get(path).status for path in paths] == [200] * len(paths)

    ScimToken.objects.get().revoke()

    assert [scim.get(path).status for path in paths] == [401] * len(paths)


def test_a_token_reads_what_has_changed(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    scim.get(f"/Users/{ann}")

    scim.patch(f"/Users/{ann}", {"op": "replace", "path": "title", "value": "Boss"})

    assert scim.get(f"/Users/{ann}").json["title"] == "Boss"


def test_an_unchanged_resource_is_not_sent_again(scim: Scim) -> None:
    ann = scim.add_user(ANN)
    first = scim.get(f"/Users/{ann}")

    answer = scim.send("GET", f"/Users/{ann}", headers={"If-None-Match": first.headers["ETag"]})

    assert (answer.status, answer.text) == (304, "")
    assert answer.headers["ETag"] == first.headers["ETag"]
    assert is_private(answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Users", 200),
        ("GET", "/", 200),
        ("HEAD", "/Users", 200),
        *(("GET", path, 200) for path in DISCOVERY),
        ("GET", f"/Users/{NOBODY}", 404),
        ("GET", "/nowhere/at/all", 404),
        ("GET", "/Schemas/unknown", 404),
        ("GET", "/Schemas?filter=id+pr", 403),
        ("GET", "/Users?filter=nonsense", 400),
        ("GET", "/Me", 501),
        ("DELETE", "/Users", 405),
        ("OPTIONS", "/Users", 405),
        ("POST", "/Schemas", 405),
    ],
)
def test_every_answer_forbids_caches(scim: Scim, method: str, path: str, status: int) -> None:
    reply = scim.exchange(method, path)

    assert (reply.status, is_private(reply.headers)) == (status, True)


def test_whatever_the_client_accepts(scim: Scim) -> None:
    reply = scim.exchange("GET", "/Users", headers={"Accept": "text/html"})

    assert (reply.status, is_private(reply.headers)) == (200, True)


@pytest.mark.parametrize("path", ["/Users", "/nowhere", *DISCOVERY])
def test_neither_does_a_refusal_stay(path: str) -> None:
    for authorization in (None, "Bearer tscim_unknown"):
        reply = Scim(authorization).exchange("GET", path)
        assert (reply.status, is_private(reply.headers)) == (401, True)


def test_nor_does_one_for_too_many_requests(scim: Scim, settings: LazySettings) -> None:
    settings.TILED_SCIM_THROTTLE = "1/day"
    scim.get("/Users")

    reply = scim.exchange("GET", "/Users")

    assert (reply.status, is_private(reply.headers)) == (429, True)


def test_nor_does_a_failure(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HostAdapter, "check_account", fail)

    reply = scim.exchange("GET", "/Users")

    assert (reply.status, is_private(reply.headers)) == (500, True)
