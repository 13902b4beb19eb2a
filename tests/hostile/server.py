"""A host that somebody with a token is hostile to, by WSGI: test clients are too polite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import unquote_to_bytes
from wsgiref.headers import Headers
from wsgiref.util import setup_testing_defaults

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from tests.apart import ACCOUNTS, KINDS, Host, populate, undone
from tests.wire.client import MOUNT, Answer, checked
from tiled_scim.provisioning.drift import find

# What stands in a request for an id, a version or a cursor, which are others every time.
KNOWN = re.compile(rb"known-(\w+)")
MINE = [f"known-{kind}{n}" for kind in KINDS for n in range(4)]
THEIRS = [f"known-Their{kind}{n}" for kind in KINDS for n in range(2)]
VERSIONS = ["known-Version0", "known-Version1"]
CURSORS = ["known-Cursor0", "known-Cursor1"]

# Not offered, as the design says: `/Me`.
NOT_OFFERED = 501


@dataclass(frozen=True)
class Request:
    """What is sent.

    Args:
        path: below the mount, or all of it where it begins with the mount; percent-encoded.
        query: as it goes over the wire, without the question mark.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep Django from closing the connection between requests: the test's transaction is in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


class Server:
    """One account's side of a host with three, and the number of requests that it got."""

    def __init__(self) -> None:
        self.host = Host({account: populate(account) for account in ACCOUNTS})
        self.application = get_wsgi_application()
        scim, mine = self.host.clients[ACCOUNTS[0]]
        theirs = self.host.theirs(ACCOUNTS[0])
        self.token = scim.headers["Authorization"]
        known = {f"{kind}{n}": key for kind in KINDS for n, key in enumerate(mine.keys[kind])}
        for name, values in (
            *((f"Their{kind}", theirs.keys[kind]) for kind in KINDS),
            ("Version", list(mine.versions.values())),
            ("Cursor", mine.cursors),
        ):
            known |= {f"{name}{n}": value for n, value in enumerate(values)}
        self.known = {name.encode(): value.encode() for name, value in known.items()}
        self.others = self.host.rows(ACCOUNTS[0])
        self.sent = 0

    def attack(self, requests: Iterable[Request]) -> None:
        """Send requests: each gets an answer of SCIM's, and no row is wrong or another account's.

        Afterwards the host is what it was.
        """
        with undone(), one_connection():
            for request in requests:
                self._check(request)
            assert [str(finding) for finding in find()] == []
            assert self.host.rows(ACCOUNTS[0]) == self.others

    def _check(self, request: Request) -> None:
        try:
            answer = self.send(request)
            assert answer.status < 500 or answer.status == NOT_OFFERED, answer.text
        except Exception as error:
            error.add_note(repr(request))
            raise

    def send(self, request: Request) -> Answer:
        """The answer, which is one of SCIM's."""
        self.sent += 1
        status, headers, body = self._answer(self._environ(request))
        assert "X-Injected" not in headers
        return checked(int(status.split()[0]), dict(headers.items()), body.decode())

    def _answer(self, environ: dict[str, object]) -> tuple[str, Headers, bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return written.append

        response = self.application(environ, start_response)
        try:
            body = b"".join([*written, *response])
        finally:
            getattr(response, "close", lambda: None)()
        [(status, sent)] = started
        headers = Headers(sent)
        return status, headers, body

    def _environ(self, request: Request) -> dict[str, object]:
        body = self._filled(request.body)
        environ: dict[str, object] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": _latin(unquote_to_bytes(self._filled_text(MOUNT + request.path))),
            "QUERY_STRING": self._filled_text(request.query),
            "CONTENT_TYPE": "application/scim+json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "testserver",
            "HTTP_AUTHORIZATION": self.token,
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": BytesIO(body),
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            prefix = "" if key.startswith("CONTENT_") and key != "CONTENT_ENCODING" else "HTTP_"
            environ[prefix + key] = self._filled_text(value)
        setup_testing_defaults(environ)
        return environ

    def _filled_text(self, text: str) -> str:
        return _latin(self._filled(text.encode(errors="surrogatepass")))

    def _filled(self, sent: bytes) -> bytes:
        return KNOWN.sub(lambda match: self.known.get(match[1], match[0]), sent)


def _latin(sent: bytes) -> str:
    """Bytes as WSGI has them."""
    return sent.decode("latin-1")
