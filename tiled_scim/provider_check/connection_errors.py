"""Explain to users why a request got no complete response, and what to do about it."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import zlib
from gzip import BadGzipFile
from http.client import IncompleteRead
from typing import NamedTuple

from tiled_scim.provider_check.providers import Provider


class Explanation(NamedTuple):
    """The message and the advice for some types of exception."""

    types: type[Exception] | tuple[type[Exception], ...]
    message: str
    advice: str


# The first match is used, so specific exceptions come before general ones.
_EXPLANATIONS = (
    Explanation(
        ssl.SSLCertVerificationError,
        "The TLS certificate of {host} is not trusted. {provider} will not trust it either: "
        "{cause}",
        "Use a valid certificate of a public authority for this host name, and serve the "
        "intermediate certificates with it.",
    ),
    Explanation(
        ssl.SSLError,
        "The TLS connection to {host} failed. Does the server use https? {cause}",
        "Check the port, and that the server supports TLS 1.2 or newer.",
    ),
    Explanation(
        ConnectionRefusedError,
        "{host} refused the connection.",
        "Start the server, and check the host and port of the base URL.",
    ),
    Explanation(
        (socket.gaierror, UnicodeError),
        "The host name in {host} cannot be resolved: {cause}",
        "Check the spelling of the base URL, and that the name is in the public DNS, which "
        "{provider} uses.",
    ),
    Explanation(
        TimeoutError,
        "{host} did not respond completely within {timeout:g} seconds. {patience}",
        "Check that the firewall allows {provider}'s IP addresses. If the server is slow, look in "
        "its log and its database for the cause.",
    ),
    Explanation(
        ConnectionError,
        "{host} closed the connection without a response: {cause}",
        "Look for the cause in the logs of the server and of any proxy in front of it.",
    ),
    Explanation(
        (IncompleteRead, EOFError),
        "The response of {host} is incomplete: {cause}",
        "A proxy may have cut it off: compare the proxy's limits with the size of the response.",
    ),
    Explanation(
        (BadGzipFile, zlib.error),
        "The response of {host} does not match its Content-Encoding: {cause}",
        "Compress responses in the server or in the proxy, not in both.",
    ),
    Explanation(
        OSError,
        "{host} cannot be reached: {cause}",
        "Check the host and port of the base URL, and the network connection.",
    ),
    Explanation(
        Exception,
        "The response of {host} is not valid HTTP: {cause}",
        "Check the port of the base URL: another service may be using it.",
    ),
)


def explain(error: Exception, host: str, timeout: float, provider: Provider) -> tuple[str, str]:
    """Explain why a request failed.

    Args:
        error: The exception that the request raised.
        host: The host and port of the base URL.
        timeout: The timeout in seconds.
        provider: The provider that the check plays.

    Returns:
        A message that says what happened, and advice on what to do.
    """
    cause = error
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        cause = error.reason
    found = next(each for each in _EXPLANATIONS if isinstance(cause, each.types))
    message = found.message.format(
        host=host,
        timeout=timeout,
        cause=cause,
        provider=provider.name,
        patience=provider.patience,
    )
    return message, found.advice.format(provider=provider.name)
