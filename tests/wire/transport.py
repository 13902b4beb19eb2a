"""Sends requests to Django in this process, or to a server over HTTP.

SCIM_URL    the URL of a server that uses the same database; without it, Django in this process
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from django.test import Client
from django.utils.datastructures import CaseInsensitiveMapping

SCIM_URL = os.environ.get("SCIM_URL")
# The host name of Django's test client, which the tests expect in locations.
HOST = "testserver"
# Longer than any response takes.
TIMEOUT_SECONDS = 60


class Reply(NamedTuple):
    """A response."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def in_process(
    client: Client, method: str, path: str, data: bytes, headers: Mapping[str, str]
) -> Reply:
    """Send a request to Django in this process."""
    others = {name: value for name, value in headers.items() if name != "Content-Type"}
    response = client.generic(
        method, path, data, content_type=headers["Content-Type"], headers=others
    )
    return Reply(response.status_code, response.headers, response.content)


def over_http(url: str, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Reply:
    """Send a request over HTTP. Like Django's test client, omit the type of an empty body."""
    sent = {"Host": HOST, **headers}
    if not data:
        del sent["Content-Type"]
    connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        # Escape only what is not allowed in a URL.
        address = quote(path, safe=string.punctuation)
        octets = {name: value.encode() for name, value in sent.items()}
        connection.request(method, address, data or None, octets)
        response = connection.getresponse()
        names: Mapping[str, str] = CaseInsensitiveMapping(response.getheaders())
        return Reply(response.status, names, response.read())
    finally:
        connection.close()
