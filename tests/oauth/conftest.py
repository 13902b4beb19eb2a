"""What the tests of identity providers share: a server with their keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from django.core.cache import cache

from tests.oauth.issuer import Issuer, KeyServer, serving

Clock = Callable[[float], None]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """The cache counts refused requests, and outlives a test."""
    cache.clear()


@pytest.fixture(scope="module")
def key_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    with serving(tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
def issuer(
    key_server: KeyServer, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Issuer:
    """An identity provider whose server is on this machine, with a certificate that is trusted."""
    settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = True
    monkeypatch.setenv("SSL_CERT_FILE", str(key_server.certificate))
    return Issuer(key_server)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Move the clock."""
    passed = 0.0

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    for name in ("time", "monotonic"):
        real = getattr(time, name)
        monkeypatch.setattr(time, name, lambda real=real: real() + passed)
    return wait
