"""An identity provider for tests: keys, what it signs, and a server that publishes the keys."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tiled_scim.oauth.assertions import Trust

ISSUER = "https://id.example/v2.0"
APP = "2f5c1d5e-2f5b-4a7b-9c0e-6a4f1f0b7c11"
SUBJECT = "8a1e2b3c-provisioning"
# The names of the server. The second is that of no real one.
HOST, OTHER_HOST = "localhost", "keys.example"

Answer = Callable[["Handler"], None]


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key, which is slow to make."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str | None = "one", **members: object) -> dict[str, Any]:
    """The public part of a key, as a key set has it."""
    algorithm = jwt.algorithms.RSAAlgorithm if hasattr(key, "key_size") else None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = jwt.algorithms.ECAlgorithm  # type: ignore[assignment]
    assert algorithm is not None
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    found.pop("key_ops", None)
    named = {} if kid is None else {"kid": kid}
    return {**found, "use": "sig", **named, **members}


def key_set(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(keys)}


def encoded(part: object) -> str:
    """A part of a token."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def hmac_signed(header: object, claims: object, secret: bytes) -> str:
    """A token that is signed with a secret, or with a public key as if it were one."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def claims(**changes: object) -> dict[str, Any]:
    """The claims of an assertion of Entra, with changes. None leaves one out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": f"api://{APP}",
        "iat": now,
        "nbf": now,
        "exp": now + 65 * 60,
        "appid": "00000014-0000-0000-c000-000000000000",
        "ver": "2.0",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


class Issuer:
    """An identity provider, whose keys have a URL of their own."""

    def __init__(self, server: KeyServer) -> None:
        self.server = server
        self.path = f"/{uuid.uuid4()}/keys"
        self.publish(public(rsa_key()))

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.server.port}{self.path}"

    @property
    def asked(self) -> int:
        """How often the keys were fetched."""
        return self.server.asked[self.path]

    def trust(self, **changes: Any) -> Trust:
        audiences = frozenset({f"api://{APP}/.default", f"api://{APP}", APP})
        good = {"issuer": ISSUER, "jwks_url": self.url, "subject": SUBJECT, "audiences": audiences}
        return Trust(**{**good, **changes})

    def publish(self, *keys: dict[str, Any]) -> None:
        self.answer(document(key_set(*keys)))

    def answer(self, answer: Answer) -> None:
        self.server.answers[self.path] = answer

    def sign(
        self,
        changed: dict[str, Any] | None = None,
        *,
        key: Any = None,
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
        **changes: object,
    ) -> str:
        """An assertion. A header that is None is left out."""
        given = {"kid": "one", **(headers or {})}
        named = {name: value for name, value in given.items() if value is not None}
        content = claims(**changes) if changed is None else changed
        return jwt.encode(content, key or rsa_key(), algorithm, headers=named)


class Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.answers.get(self.path, status(404))(self)

    def log_message(self, *args: object) -> None:
        """Log nothing."""


class KeyServer(ThreadingHTTPServer):
    """A server with TLS, which answers each path in its own way."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        # Set when those that never end may end.
        self.closing = threading.Event()
        self.certificate = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def port(self) -> int:
        return self.server_port

    def handle_error(self, *args: object) -> None:
        """Say nothing of clients that hang up, or do not trust the certificate."""


@contextmanager
def serving(folder: Path) -> Iterator[KeyServer]:
    server = KeyServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> Path:
    """A certificate of the server, and its key, in one file."""
    key = ec_key(99)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keys")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(OTHER_HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "keys.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


# Answers


def document(content: object) -> Answer:
    """Answer with a JSON document."""
    return body(json.dumps(content).encode())


def body(content: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def status(number: int, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(number)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def silent(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.server.closing.wait()


def dribbling_headers(handler: Handler) -> None:
    """Send a header byte by byte, without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.closing.wait(0.01):
        handler.wfile.write(b"x")


def dribbling_body(handler: Handler) -> None:
    """Send the body byte by byte, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.closing.wait(0.01):
        handler.wfile.write(b" ")


def hanging_up(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
