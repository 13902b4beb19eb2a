"""A minimal HTTP client, since it shares the processors with the servers."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Longer than the slowest answer, a group of 100,000 members.
TIMEOUT_SECONDS = 300
CHUNK = 1 << 18
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """A request.

    Args:
        path: the path below the SCIM base URL.
        document: the body, if any.
    """

    method: str
    path: str
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """An answer, parsed only when needed."""

    content: bytes

    @property
    def status(self) -> int:
        return int(self.content[9:12])

    @property
    def is_good(self) -> bool:
        return self.content[9:10] == b"2"

    @cached_property
    def _parts(self) -> tuple[bytes, bytes]:
        head, _, body = self.content.partition(b"\r\n\r\n")
        return head, body

    @property
    def json(self) -> Any:
        """The body, or None if there is none."""
        return json.loads(self._parts[1]) if self._parts[1] else None

    @property
    def text(self) -> str:
        return self._parts[1].decode(errors="replace")

    def header(self, name: str) -> str:
        for line in self._parts[0].decode("latin-1").split("\r\n"):
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        raise KeyError(name)


def encoded(request: Request, base: str, token: str) -> bytes:
    """Return the bytes of a request, to be prepared before the measurement.

    Args:
        base: the path of the SCIM base URL.
    """
    lines = [
        f"{request.method} {base}{request.path} HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {token}",
        "Accept: application/scim+json",
        "User-Agent: Okta SCIM Client 1.0.0",
        "Connection: close",
    ]
    body = b""
    if request.document is not None:
        body = json.dumps(request.document).encode()
        lines += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(port: int, content: bytes) -> Answer:
    """Send a request on a new connection, since gunicorn's sync workers have no keep-alive."""
    with socket.create_connection((HOST, port), TIMEOUT_SECONDS) as connection:
        connection.sendall(content)
        chunks = []
        while chunk := connection.recv(CHUNK):
            chunks.append(chunk)
    return Answer(b"".join(chunks))
