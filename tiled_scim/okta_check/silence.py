"""Why no whole answer came, and what to do, in words for people."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import zlib
from gzip import BadGzipFile
from http.client import IncompleteRead
from typing import NamedTuple


class Reason(NamedTuple):
    """What an error means, and what to do about it."""

    kinds: type[Exception] | tuple[type[Exception], ...]
    sentence: str
    advice: str


# The first that fits: from special to general.
_REASONS = (
    Reason(
        ssl.SSLCertVerificationError,
        "The TLS certificate of {host} is not trusted, and Okta would not trust it either: {cause}",
        "Serve a certificate of a public authority, valid and for this very host name, together "
        "with the intermediate certificates.",
    ),
    Reason(
        ssl.SSLError,
        "TLS with {host} failed. Is it https that answers there? {cause}",
        "Check the port, and that the server speaks TLS 1.2 or newer there.",
    ),
    Reason(
        ConnectionRefusedError,
        "Nothing answers at {host}: the connection was refused.",
        "Start the server, and check host and port of the base URL.",
    ),
    Reason(
        (socket.gaierror, UnicodeError),
        "There is no host of the name in {host}: {cause}",
        "Check the spelling of the base URL, and that the name is in the public DNS, where Okta "
        "looks for it.",
    ),
    Reason(
        TimeoutError,
        "{host} gave no whole answer within {timeout:g} seconds; Okta gives up after 60.",
        "Check that a firewall lets Okta's addresses through; if the server is slow, find in its "
        "log and its database what it waits for.",
    ),
    Reason(
        ConnectionError,
        "{host} closed the connection without an answer: {cause}",
        "Look in the log of the server, and of a proxy before it, for what ended the request.",
    ),
    Reason(
        (IncompleteRead, EOFError),
        "The answer of {host} ends in the middle: {cause}",
        "A proxy in between may cut it: compare its limits with the length of the answer.",
    ),
    Reason(
        (BadGzipFile, zlib.error),
        "What {host} answered is not compressed as it says: {cause}",
        "Let either the server or the proxy compress, and name it in Content-Encoding.",
    ),
    Reason(
        OSError,
        "{host} cannot be reached: {cause}",
        "Check host and port of the base URL, and the network between.",
    ),
    Reason(
        Exception,
        "What {host} answered is not HTTP, or broken: {cause}",
        "Check the port of the base URL: something else answers there.",
    ),
)


def explain(error: Exception, host: str, timeout: float) -> tuple[str, str]:
    """What happened, and what to do about it.

    Args:
        error: what the request raised.
        host: host and port, as in the base URL.
        timeout: the seconds that were waited at most.
    """
    cause = error
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        cause = error.reason
    reason = next(reason for reason in _REASONS if isinstance(cause, reason.kinds))
    return reason.sentence.format(host=host, timeout=timeout, cause=cause), reason.advice
