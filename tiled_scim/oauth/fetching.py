"""Fetch a small JSON document over https, from a URL that somebody typed in.

The server may be slow, huge or inside of the host's own network. So the document is small, comes
within a few seconds, by one request, and from the address that was checked: its name is resolved
once.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tiled_scim.conf import PREFIX, settings

MAX_URL_LENGTH = 1024
MAX_BYTES = 512 * 1024
# A request waits no longer, whatever takes the time: the name, the connection or the body.
SECONDS = 3.0
# A name may have several addresses, of which some cannot be reached from here.
MAX_ADDRESSES = 4
HTTPS_PORT = 443
# Addresses that stand for an IPv4 address where a network has only IPv6 (RFC 6052).
NAT64 = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class FetchError(Exception):
    """The document could not be fetched. The message says why, and has no part of the document."""


def url_problem(url: str) -> str | None:
    """Return what is wrong with a URL to fetch from, or None.

    It does not resolve the name, whose addresses are checked when it is fetched.
    """
    if len(url) > MAX_URL_LENGTH:
        return f"The URL is longer than {MAX_URL_LENGTH} characters."
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "The URL has a character that URLs cannot have. Write it percent-encoded."
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "The URL cannot be read. Give a complete one, such as https://id.example/keys."
    if parts.scheme != "https" or not parts.hostname:
        return "The URL does not begin with https:// and the name of a server."
    if parts.username is not None or parts.fragment:
        return "The URL has a user name, a password or a fragment (#). Leave it out."
    return None


def is_refused(url: str) -> bool:
    """Return whether a valid URL has a private address that is not allowed, and no name.

    The addresses of names are checked when the URL is fetched.
    """
    host = urlsplit(url).hostname or ""
    if settings.JWKS_PRIVATE_ADDRESSES:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(ip_address(host.partition("%")[0]))
    except ValueError:  # it is a name
        return False


def fetch_json(url: str) -> Any:
    """Return the JSON document at a URL. It takes at most `SECONDS`, and follows no redirect.

    Raises:
        FetchError: The URL, its address or the answer is not acceptable, or there was none in time.
    """
    problem = url_problem(url)
    if problem:
        raise FetchError(problem)
    download = Download(url)
    body = download.result()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise FetchError("The answer is not a JSON document.") from None


class Download(threading.Thread):
    """One GET request in a thread of its own.

    Only so is there a limit for everything together: resolving a name has no timeout of its own,
    and that of a socket begins anew with each byte.
    """

    def __init__(self, url: str) -> None:
        super().__init__(name="tiled_scim fetch", daemon=True)
        self.parts = urlsplit(url)
        self.deadline = time.monotonic() + SECONDS
        self.connection: PinnedConnection | None = None
        self.body: bytes | None = None
        self.problem = "The server did not answer in a form that can be read."

    def result(self) -> bytes:
        """Run the request and return the body of its answer.

        Raises:
            FetchError: There is none.
        """
        self.start()
        self.join(SECONDS)
        if self.is_alive():
            if self.connection is not None:
                self.connection.abort()
            raise FetchError(_late())
        if self.body is None:
            raise FetchError(self.problem)
        return self.body

    def run(self) -> None:
        try:
            self.body = self._get()
        except FetchError as error:
            self.problem = str(error)
        except TimeoutError:
            self.problem = _late()
        except ssl.SSLCertVerificationError as error:
            self.problem = f"The server's certificate is not valid: {error.verify_message}."
        except OSError as error:
            self.problem = f"The server could not be reached ({type(error).__name__})."
        except (HTTPException, ValueError) as error:
            self.problem = f"The answer is not HTTP ({type(error).__name__})."

    def _get(self) -> bytes:
        self.connection = connection = PinnedConnection(self.parts, self.deadline)
        target = self.parts.path or "/"
        query = f"?{self.parts.query}" if self.parts.query else ""
        try:
            connection.request("GET", target + query, headers={"Accept": "application/json"})
            # A response that ends with its connection keeps the socket until it is closed itself.
            with connection.getresponse() as response:
                if response.status != 200:
                    raise FetchError(
                        f"The server answered with the status {response.status}. It has to be 200; "
                        "redirects are not followed."
                    )
                body = response.read(MAX_BYTES + 1)
        finally:
            connection.close()
        if len(body) > MAX_BYTES:
            raise FetchError(f"The answer is larger than {MAX_BYTES} bytes.")
        return body


def _late() -> str:
    return f"The server did not answer completely within {SECONDS:g} seconds."


class PinnedConnection(HTTPSConnection):
    """A connection to an address that was checked. The name is resolved only for the check.

    Unlike libraries with more comfort, `http.client` knows neither proxies of the environment nor
    redirects.
    """

    def __init__(self, parts: SplitResult, deadline: float) -> None:
        super().__init__(parts.hostname or "", parts.port or HTTPS_PORT)
        self.tls = ssl.create_default_context()
        self.deadline = deadline
        self.connected: ssl.SSLSocket | None = None

    def connect(self) -> None:
        raw = self._connected()
        # The handshake comes after the assignment, so that `abort` ends it, too.
        self.sock = self.connected = self.tls.wrap_socket(
            raw, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.connected.do_handshake()

    def abort(self) -> None:
        """End what the thread of the connection waits for.

        `sock` is None already while the body of some answers is read.
        """
        if self.connected is not None:
            with suppress(OSError):  # it is closed already
                self.connected.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        problem: OSError = TimeoutError()
        for address in allowed_addresses(self.host, self.port)[:MAX_ADDRESSES]:
            remaining = self.deadline - time.monotonic()
            if remaining <= 0:
                break
            try:
                return socket.create_connection((str(address), self.port), timeout=remaining)
            except OSError as error:
                problem = error
        raise problem


def allowed_addresses(host: str, port: int) -> list[Address]:
    """Return the addresses of a server to which a connection may be made.

    Raises:
        FetchError: The server has none.
    """
    found = list(dict.fromkeys(_resolved(host, port)))
    if settings.JWKS_PRIVATE_ADDRESSES:
        return found
    public = [address for address in found if is_public(address)]
    if not public:
        raise FetchError(
            "The server has no public address. If its address may be private, set "
            f"{PREFIX}JWKS_PRIVATE_ADDRESSES."
        )
    return public


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet, however it is written."""
    reached = _reached(address)
    is_special = (
        reached.is_multicast or reached.is_reserved or getattr(reached, "is_site_local", False)
    )
    return reached.is_global and not is_special


def _reached(address: Address) -> Address:
    """Return the IPv4 address to which packets for an IPv6 address go, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _resolved(host: str, port: int) -> Iterator[Address]:
    """Yield the addresses of a server in the order of preference.

    Raises:
        FetchError: The name has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError("The name of the server cannot be resolved.") from None
    for *_, address in found:
        # Without the name of a network interface, such as in fe80::1%eth0.
        yield ip_address(str(address[0]).partition("%")[0])
