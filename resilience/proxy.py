"""A proxy in front of a database that can make the database unavailable and available again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

BLOCK_BYTES = 65536
# The default ports.
PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306}


class Proxy:
    """Forward data in both directions until told to stop.

    Args:
        url: The URL of the database.
    """

    def __init__(self, url: str) -> None:
        self._behind = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the URL of the database through the proxy."""
        credentials, at, _ = self._behind.netloc.rpartition("@")
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        return self._behind._replace(netloc=credentials + at + address).geturl()

    def refuse(self) -> None:
        """Break all connections and refuse new ones, as if the database was down."""
        self._refuses = True
        self.break_connections()

    def stop_forwarding(self) -> None:
        """Keep connections open without forwarding data, as if the network lost all packets."""
        self._flows.clear()

    def break_connections(self) -> None:
        """Break all connections."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def recover(self) -> None:
        """Make the database available again, and break connections that were not forwarded."""
        if not self._flows.is_set():
            self.break_connections()
        self._refuses = False
        self._flows.set()

    def serve(self) -> None:
        """Accept connections until `close` is called."""
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refuses:
                    near.close()
                else:
                    self._connect(near)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flows.set()
        self.break_connections()

    def _connect(self, near: socket.socket) -> None:
        port = self._behind.port or PORTS[self._behind.scheme]
        far = socket.create_connection((self._behind.hostname, port))
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(BLOCK_BYTES):
                self._flows.wait()
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """Run a proxy for the database with this URL."""
    proxy = Proxy(url)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
