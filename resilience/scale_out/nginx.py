"""Runs nginx in front of the servers."""

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

from .documented import block, fill_in

CONFIGURATION = "nginx.conf"
DRAINED_SECONDS = 20
# The rest of the configuration, which distributions have in /etc/nginx/nginx.conf.
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
        port: The port for http.
        tls_port: The port for https.
        pid: The id of the master process.
        certificate: The self-signed certificate for https.
        access_log: The log, with one line for each request: the address of the server it went to.
    """

    port: int
    tls_port: int
    pid: int
    certificate: Path
    access_log: Path

    def remove(self, port: int) -> None:
        """Stop sending requests to a server, and wait until it has answered all of them.

        Args:
            port: The port of the server.

        Raises:
            ServerError: It has not answered them in time.
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
                raise ServerError(f"The server on port {port} still has requests.")
            time.sleep(POLL_SECONDS)

    def requests(self) -> Counter[str]:
        """Count the requests of each server, by address."""
        return Counter(self.access_log.read_text().split("\n")[:-1])


@contextmanager
def proxying(folder: Path, ports: Sequence[int]) -> Iterator[Nginx]:
    """Run nginx, and stop it at the end.

    Args:
        folder: The parent of the folder for its files.
        ports: The ports of the servers.

    Raises:
        ServerError: nginx is not installed or does not start.
    """
    own = folder / "nginx"
    own.mkdir()
    port, tls_port = free_port(), free_port()
    _make_certificate(own)
    servers = "\n    ".join(f"server 127.0.0.1:{each};" for each in ports)
    values = {
        "server 127.0.0.1:8001;\n    server 127.0.0.1:8002;": servers,
        "listen 443 ssl;": f"listen 127.0.0.1:{tls_port} ssl; listen 127.0.0.1:{port};",
        "/etc/nginx/product": str(own / "product"),
    }
    site = fill_in(block("nginx", "proxy_pass"), values)
    (own / CONFIGURATION).write_text(AROUND.format(site=site))
    command = ["nginx", "-p", str(own), "-c", CONFIGURATION, "-e", "stderr", "-g", "daemon off;"]
    with running(own, command, port) as pid:
        yield Nginx(port, tls_port, pid, own / "product.pem", own / "access.log")


def _make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=product"]
    command += ["-keyout", str(folder / "product.key"), "-out", str(folder / "product.pem")]
    subprocess.run(command, check=True, capture_output=True)
