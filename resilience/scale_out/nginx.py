"""nginx before the servers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resilience.processes import POLL_SECONDS, ServerError, children, free_port, running

from .documented import block, put_in

CONFIGURATION = "nginx.conf"
DRAINED_SECONDS = 20
# What a distribution's /etc/nginx/nginx.conf says around a site.
AROUND = """
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    log_format servers '$upstream_addr';
    access_log access.log servers;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {site}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx.

    Args:
        port: for http; `tls_port`: for https.
        pid: of the process that watches over the worker.
        certificate: of https, which vouches for itself.
        access_log: has a line for each request, with the server that it went to.
    """

    port: int
    tls_port: int
    pid: int
    certificate: Path
    access_log: Path

    def take_out(self, port: int) -> None:
        """Send no more requests to the server on a port, and wait until it has answered all.

        Raises:
            ServerError: it has not after a while.
        """
        configuration = self.access_log.with_name(CONFIGURATION)
        address = f"server 127.0.0.1:{port}"
        text = configuration.read_text()
        configuration.write_text(text.replace(f"{address};", f"{address} down;"))
        workers = children(self.pid)
        os.kill(self.pid, signal.SIGHUP)
        deadline = time.monotonic() + DRAINED_SECONDS
        while workers & children(self.pid):
            if time.monotonic() > deadline:
                raise ServerError(f"nginx has still requests for the server on port {port}.")
            time.sleep(POLL_SECONDS)

    def requests(self) -> Counter[str]:
        """How many requests each server has got so far."""
        return Counter(self.access_log.read_text().split("\n")[:-1])


@contextmanager
def proxying(folder: Path, ports: Sequence[int]) -> Iterator[Nginx]:
    """Run nginx before the servers on these ports until the context is left.

    Args:
        folder: where a folder for its files is made.

    Raises:
        ServerError: nginx is not installed, or does not start.
    """
    own = folder / "nginx"
    own.mkdir()
    port, tls_port = free_port(), free_port()
    _make_certificate(own)
    servers = "\n    ".join(f"server 127.0.0.1:{each};" for each in ports)
    replacements = {
        "server 127.0.0.1:8001;\n    server 127.0.0.1:8002;": servers,
        "listen 443 ssl;": f"listen 127.0.0.1:{tls_port} ssl; listen 127.0.0.1:{port};",
        "/etc/nginx/product": str(own / "product"),
    }
    site = put_in(block("nginx", "proxy_pass"), replacements)
    (own / CONFIGURATION).write_text(AROUND.format(site=site))
    command = ["nginx", "-p", str(own), "-c", CONFIGURATION, "-e", "stderr", "-g", "daemon off;"]
    with running(own, command, port) as pid:
        yield Nginx(port, tls_port, pid, own / "product.pem", own / "access.log")


def _make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=product"]
    command += ["-keyout", str(folder / "product.key"), "-out", str(folder / "product.pem")]
    subprocess.run(command, check=True, capture_output=True)
