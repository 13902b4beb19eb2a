"""Runs nginx, the servers and PgBouncer, with a key prefix of their own in Redis."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from resilience.server import ROOT, Server, serving
from resilience.stage import Extent, Stage
from resilience.tally import Tally
from tiled_scim.connections import Actor, Connection

from .documented import block, fill_in
from .nginx import Nginx, proxying
from .pgbouncer import PgBouncer, pooling

REDIS_VARIABLE, REDIS = "REDIS_URL", "redis://127.0.0.1:6379"
# The host name that the wire tests use.
HOST = "testserver"
THREADS = 4
# The options of gunicorn in docs/operations.md.
OPTIONS = ("--worker-class", "gthread", "--threads", str(THREADS), "--limit-request-line", "0")
SETTINGS = """
import os
from tests.simple_project.settings import *
from tests.simple_project.settings import DATABASES, MIDDLEWARE
{documented}
CACHES["default"]["KEY_PREFIX"] = os.environ["KEY_PREFIX"]
TILED_SCIM_THROTTLE = os.environ["THROTTLE"] or None
"""


@dataclass(frozen=True)
class Deployment:
    """A running deployment.

    Args:
        nginx: The entry point for clients.
        servers: The servers behind it.
        pgbouncer: The connection pool of the servers.
    """

    nginx: Nginx
    servers: list[Server]
    pgbouncer: PgBouncer

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"http://127.0.0.1:{self.nginx.port}"

    def stage(self, folder: Path, url: str, crowd: int, seed: int = 0, rounds: int = 1) -> Stage:
        """Create a stage whose server is nginx.

        Args:
            folder: The folder for files.
            url: The URL of the database, without PgBouncer.
            crowd: The number of concurrent clients.
            seed: The seed of the random number generator.
            rounds: How often each concurrency scenario runs.
        """
        return Stage(
            server=replace(self.servers[0], port=self.nginx.port, pid=self.nginx.pid),
            token=Connection().rotate(Actor("Resilience")).plaintext,
            url=url,
            folder=folder,
            extent=Extent(rounds, kills=0, outage_seconds=0, cuts=0),
            chance=random.Random(seed),
            tally=Tally(""),
            crowd=crowd,
        )

    def shares(self) -> list[int]:
        """Count the requests of each server."""
        requests = self.nginx.requests()
        return [requests[f"127.0.0.1:{server.port}"] for server in self.servers]


@contextmanager
def deployed(folder: Path, url: str, workers: int, throttle: str = "") -> Iterator[Deployment]:
    """Run a deployment, and stop it at the end.

    Args:
        folder: The parent of the folder for its files.
        url: The URL of a PostgreSQL database.
        workers: The number of worker processes, split between two servers if there are several.
        throttle: The value of TILED_SCIM_THROTTLE, such as "100/minute". Empty for no limit.

    Raises:
        ServerError: A program is not installed or does not start.
    """
    own = folder / f"deployment-{secrets.token_hex(4)}"
    own.mkdir()
    # Programs without privileges must reach their folders in it.
    own.chmod(0o755)
    environment = {
        "DJANGO_SETTINGS_MODULE": _make_settings(own),
        "PYTHONPATH": os.pathsep.join([str(own), str(ROOT)]),
        "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "KEY_PREFIX": own.name,
        "THROTTLE": throttle,
    }
    shares = [workers] if workers == 1 else [workers - workers // 2, workers // 2]
    with ExitStack() as stack:
        pgbouncer = stack.enter_context(pooling(own, url))
        servers = [
            stack.enter_context(serving(own, pgbouncer.url, share, *OPTIONS, **environment))
            for share in shares
        ]
        nginx = stack.enter_context(proxying(own, [server.port for server in servers]))
        yield Deployment(nginx, servers, pgbouncer)


def _make_settings(folder: Path) -> str:
    """Write the documented settings, based on the simple project's. Return the module's name."""
    product = folder / "product"
    product.mkdir()
    (product / "__init__.py").touch()
    (product / "middleware.py").write_text(block("python", "def client_address"))
    redis = {REDIS: os.environ.get(REDIS_VARIABLE, REDIS)}
    documented = fill_in(block("python", "DISABLE_SERVER_SIDE_CURSORS"), redis)
    (product / "settings.py").write_text(SETTINGS.format(documented=documented))
    return "product.settings"
