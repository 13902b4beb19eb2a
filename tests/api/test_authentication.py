"""What happens beside a request, and must never break it; and what a host's own code may raise."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.http import Http404
from django.test import Client

from tests.accounts import ACME, Together
from tests.tokens import new_token
from tests.wire.client import ANN, Scim, user
from tests.wire.state import people, refused
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimEvent, ScimToken

pytestmark = pytest.mark.django_db

REDIS = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


def fail(*args: object, **kwargs: object) -> None:
    raise ConnectionError("nobody answers")


def test_a_throttle_whose_cache_is_down_lets_requests_through(
    scim: Scim,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.TILED_SCIM_THROTTLE = "1/min"
    settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": "redis://127.0.0.1:1"}}

    assert scim.get("/Users").status == 200
    assert scim.post("/Users", user(ANN)).status == 201
    assert people() == {ANN: "active"}
    assert "throttle" in caplog.text


def test_a_last_use_that_cannot_be_noted_breaks_nothing(
    scim: Scim, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ScimToken, "mark_used", fail)

    assert scim.get("/Users").status == 200
    assert "last use" in caplog.text
    assert ScimToken.objects.get().last_used_at is None


def test_each_use_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(headers={"Authorization": f"Bearer {new_token()[1]}"})

    for _ in range(2):
        request = client.get("/scim/v2/Users").wsgi_request
        assert request.user.is_authenticated
    token = ScimToken.objects.get()
    assert (token.last_used_from, token.last_used_at is None) == ("127.0.0.1", False)
    assert "last use" not in caplog.text


def test_some_accounts_may_use_scim(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together
    settings.TILED_SCIM_ENABLED = ACME.__eq__

    statuses = [Scim(new_token(key)[1]).get("/Users").status for key in (ACME, "globex")]

    assert statuses == [200, 403]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", " BEARER   {} ", "{}", " {} "])
def test_forms_of_the_header(form: str) -> None:
    assert Scim(form.format(new_token()[1])).get("/Users").status == 200


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "No token was sent"),
        (" ", "No token was sent"),
        ("Bearer ", "No token was sent"),
        ("Bearer tscim_x", "under SCIM Configuration"),
        ("Bearer tscimat_x", "from the token endpoint"),
    ],
)
def test_what_is_wrong_with_it(header: str | None, detail: str) -> None:
    answer = refused(Scim(header), "GET", "/Users")

    assert answer.error == (401, None)
    assert detail in answer.json["detail"]
    assert ScimEvent.objects.get().status == 401


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (PermissionDenied(), 403),
        (Http404(), 404),
        (RequestDataTooBig(), 413),
        (TooManyFieldsSent(), 400),
        (SuspiciousOperation(), 400),
    ],
)
def test_what_djangos_own_errors_mean_is_kept(
    scim: Scim, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    def refuse(*args: object) -> None:
        raise raised

    monkeypatch.setattr(HostAdapter, "create_user", refuse)

    assert refused(scim, "POST", "/Users", user(ANN)).status == status
