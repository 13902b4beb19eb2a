"""The throttle counts for several server processes together, in a cache that they share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
REDIS = "redis://127.0.0.1:6379"
PROCESSES, REQUESTS = 4, 50

# Counts requests as a server process does, and prints how many were let through.
SERVER = """
import sys
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "tiled_scim"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
                        "LOCATION": sys.argv[1], "KEY_PREFIX": sys.argv[2]}},
    TILED_SCIM_THROTTLE="100/day",
)
django.setup()
from types import SimpleNamespace
from tiled_scim.api.throttling import CredentialThrottle
request = SimpleNamespace(auth=SimpleNamespace(throttle_key="token:1"))
print(sum(CredentialThrottle().allow_request(request, None) for _ in range(int(sys.argv[3]))))
"""


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not is_open(6379), reason="Redis is not here")
def test_no_request_is_counted_by_one_process_alone() -> None:
    prefix = uuid.uuid4().hex
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVER, REDIS, prefix, str(REQUESTS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]

    let_through = [int(server.communicate(timeout=120)[0]) for server in servers]

    assert sum(let_through) == 100
