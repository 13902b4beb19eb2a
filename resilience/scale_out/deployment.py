"""All of it together: nginx, the servers, PgBouncer, and a prefix of this run's own in Redis."""

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
from tiled_scim.models import ScimToken

from .documented import block, put_in
from .nginx import Nginx, proxying
from .pgbouncer import PgBouncer, pooling

REDIS_VARIABLE, REDIS = "REDIS_URL", "redis://127.0.0.1:6379"
# What the wire tests call the host.
HOST = "testserver"
THREADS = 4
# As docs/operations.md starts gunicorn.
OPTIONS = ("--worker-class", "gthread", "--threads", str(THREADS), "--limit-request-line", "0")
SETTINGS = """
import os
from example_project.settings import *
from example_project.settings import DATABASES, MIDDLEWARE
{documented}
CACHES["default"]["KEY_PREFIX"] = os.environ["KEY_PREFIX"]
TILED_SCIM_THROTTLE = os.environ["THROTTLE"] or None
"""


@dataclass(frozen=True)
class Deployment:
    """What is running.

    Args:
        nginx: what clients talk to.
        servers: behind it.
    """

    nginx: Nginx
    servers: list[Server]
    pgbouncer: PgBouncer

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.nginx.port}"

    def stage(self, folder: Path, url: str, crowd: int, seed: int = 0, rounds: int = 1) -> Stage:
        """Where scenarios play that take nginx for the server.

        Args:
            url: of the database, without PgBouncer.
            crowd: how many clients there are at once.
            seed: of all that is random.
            rounds: how often each scenario of concurrency is played.
        """
        return Stage(
            server=replace(self.servers[0], port=self.nginx.port, pid=self.nginx.pid),
            token=ScimToken.objects.generate()[1],
            url=url,
            folder=folder,
            extent=Extent(rounds, kills=0, outage_seconds=0, cuts=0),
            chance=random.Random(seed),
            tally=Tally(""),
            crowd=crowd,
        )

    def shares(self) -> list[int]:
        """How many requests each server has got so far."""
        requests = self.nginx.requests()
        return [requests[f"127.0.0.1:{server.port}"] for server in self.servers]


@contextmanager
def deployed(folder: Path, url: str, workers: int, throttle: str = "") -> Iterator[Deployment]:
    """Run everything until the context is left.

    Args:
        folder: where everything keeps its files, in one of its own.
        url: of the database, which is PostgreSQL's.
        workers: processes of all servers together. From two on there are two servers.
        throttle: the value of the setting; without it nothing is counted.

    Raises:
        ServerError: something is not installed, or does not start.
    """
    own = folder / f"deployment-{secrets.token_hex(4)}"
    own.mkdir()
    # Programs without privileges look for their own folders in here.
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
    """Write the documented settings on top of the example project's; returns their name."""
    product = folder / "product"
    product.mkdir()
    (product / "__init__.py").touch()
    (product / "middleware.py").write_text(block("python", "def client_address"))
    redis = {REDIS: os.environ.get(REDIS_VARIABLE, REDIS)}
    documented = put_in(block("python", "DISABLE_SERVER_SIDE_CURSORS"), redis)
    (product / "settings.py").write_text(SETTINGS.format(documented=documented))
    return "product.settings"
