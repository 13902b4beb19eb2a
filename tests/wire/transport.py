"""How requests get to the server: to Django in this process, or over HTTP.

SCIM_URL    the address of a server that has this process's database; without it there is none
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
# What Django's test client calls the server; the tests name it in what they expect.
HOST = "testserver"
# Longer than any answer may take.
TIMEOUT_SECONDS = 60


class Reply(NamedTuple):
    """What came back."""

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
    """Send a request to a server, as `in_process` would: without a body there is no type of it."""
    sent = {"Host": HOST, **headers}
    if not data:
        del sent["Content-Type"]
    connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        # What cannot stand in an address is escaped, and all else left as it is.
        address = quote(path, safe=string.punctuation)
        octets = {name: value.encode() for name, value in sent.items()}
        connection.request(method, address, data or None, octets)
        response = connection.getresponse()
        names: Mapping[str, str] = CaseInsensitiveMapping(response.getheaders())
        return Reply(response.status, names, response.read())
    finally:
        connection.close()
