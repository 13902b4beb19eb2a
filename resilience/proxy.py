"""A proxy before a database, over which the database can go away and come back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

BLOCK_BYTES = 65536
# Where a database listens whose URL has no port.
PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306}


class Proxy:
    """Passes on what comes, until it is told not to.

    Args:
        url: of the database behind it.
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
        """The database's, by way of the proxy."""
        credentials, at, _ = self._behind.netloc.rpartition("@")
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        return self._behind._replace(netloc=credentials + at + address).geturl()

    def refuse(self) -> None:
        """The database is down: connections break, and no new one comes about."""
        self._refuses = True
        self.hang_up()

    def fall_silent(self) -> None:
        """The network swallows everything: nothing breaks, and nothing is answered."""
        self._flows.clear()

    def hang_up(self) -> None:
        """All connections break."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def recover(self) -> None:
        """The database is there again; connections from before silence are not."""
        if not self._flows.is_set():
            self.hang_up()
        self._refuses = False
        self._flows.set()

    def serve(self) -> None:
        """Take connections until `close`."""
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
        self.hang_up()

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
    """A proxy before the database with this URL."""
    proxy = Proxy(url)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
