"""Servers for tests of clients: a proxy that adds faults to a real server, and invalid servers."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Headers = dict[str, str]


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: Headers
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def with_json(self, content: Any) -> Call:
        return replace(self, body=json.dumps(content).encode())


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def with_json(self, content: Any) -> Reply:
        return replace(self, body=json.dumps(content).encode())

    def with_header(self, name: str, value: str) -> Reply:
        return replace(self, headers={**self.headers, name.lower(): value})


HTML = Reply(500, {"content-type": "text/html"}, b"<html>Oh no</html>")

Forward = Callable[[Call], Reply]
Fault = Callable[[Call, Forward], Reply]


class Recorder:
    """Return the same response to every call, and record the calls."""

    def __init__(self, reply: Reply) -> None:
        self.calls: list[Call] = []
        self._reply = reply

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return self._reply


@contextmanager
def answering(answer: Callable[[Call], Reply]) -> Iterator[str]:
    """Serve on a free port with a function that answers every call, and yield the server's URL.

    If the function raises ConnectionAbortedError, the connection is closed without a response.
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_call(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                reply = answer(Call(self.command, self.path, headers, self.rfile.read(length)))
            except ConnectionAbortedError:
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_call  # noqa: N815 (http.server calls these names)

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def faulty(url: str, fault: Fault) -> Iterator[str]:
    """Serve what the server at `url` serves, with a fault, and yield the URL to use instead."""
    target = urlsplit(url)

    def forward(call: Call) -> Reply:
        connection = HTTPConnection(target.netloc)
        try:
            connection.request(call.method, call.path, call.body or None, _end_to_end(call.headers))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, _end_to_end(headers), response.read())
        finally:
            connection.close()

    with answering(lambda call: fault(call, forward)) as base:
        yield base + target.path


def _end_to_end(headers: Headers) -> Headers:
    """Return the headers without those that are specific to a connection."""
    own = {"connection", "content-length", "date", "server", "transfer-encoding"}
    return {name: value for name, value in headers.items() if name not in own}


@contextmanager
def speaking(said: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Listen, send the same bytes to every client and close the connection. Yield an http URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the listener or the client closed the connection
            while True:
                peer, _ = listener.accept()
                with peer, suppress(OSError):
                    if tls is not None:
                        peer = tls.wrap_socket(peer, server_side=True)
                    peer.recv(65536)
                    peer.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a TLS context for a server with an untrusted certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=test"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
