"""Tests of the check against servers that do not implement SCIM or do not respond."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import HTML, Reply, answering, self_signed, speaking
from tiled_scim.provider_check.okta.sequence import SEQUENCE

from .checking import Check


def scim_error(status: int, detail: str) -> Reply:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": detail,
    }
    return Reply(status, {"content-type": "application/scim+json"}).with_json(body)


LOGIN = {"location": "https://example.com/accounts/login/?next=/scim/v2/Users"}
PAGE = b"<!doctype html><title>Hello</title>"
AS_HTML = {"content-type": "text/html; charset=utf-8"}
AS_JSON = {"content-type": "application/json"}

# The response, the finding, what Okta shows to its admin, and the advice.
ANSWERS = [
    (
        Reply(200, AS_HTML, PAGE),
        "The content type is text/html, not application/scim+json. The response is an HTML page.",
        "“OK. Errors reported by remote server: Invalid JSON …”",
        "Check the path of the base URL",
    ),
    (
        Reply(404, {}, b"  " + PAGE),
        "The status is 404, not 200. The response is an HTML page.",
        "“Not Found. Errors reported by remote server: Invalid JSON",
        "Check the path of the base URL",
    ),
    (
        scim_error(404, "No such endpoint."),
        "The status is 404, not 200. The server says: No such endpoint.",
        "“Not Found. Errors reported by remote server: No such endpoint.”",
        "Okta appends /Users, and the server does not know that URL.",
    ),
    (
        Reply(401, AS_JSON, b"{}"),
        "The status is 401, not 200.",
        "“Unauthorized. Errors reported by remote server: null”",
        "The token is wrong, was replaced or revoked, or has expired",
    ),
    (
        Reply(301, {"location": "https://example.com/scim/v2/Users"}),
        "The server redirects to https://example.com/scim/v2/Users.",
        "“Moved Permanently. ",
        "Use the URL that the server redirects to as the base URL",
    ),
    (
        Reply(302, LOGIN | AS_HTML, PAGE),
        "The server redirects to https://example.com/accounts/login/?next=/scim/v2/Users.",
        "“Found. ",
        "Exempt the SCIM URLs from the login page",
    ),
    (
        scim_error(403, "SCIM is not in your plan.\nAsk sales."),
        "The server says: SCIM is not in your plan. Ask sales.",
        "“Forbidden. Errors reported by remote server: SCIM is not in your plan. Ask sales.”",
        "enable SCIM for this customer, whose plan may not include it",
    ),
    (
        Reply(403, AS_HTML, PAGE),
        "The status is 403, not 200. The response is an HTML page.",
        "“Forbidden. ",
        "or allow the request in the firewall.",
    ),
    (Reply(405), "The status is 405, not 200.", "“Method Not Allowed. ", "PUT, PATCH or DELETE."),
    (Reply(406), "The status is 406, not 200.", "“Not Acceptable. ", "with and without a charset"),
    (Reply(412), "The status is 412", "“Precondition Failed. ", "Okta does not send it."),
    (
        Reply(413),
        "The status is 413",
        "Too Large. ",
        "Raise the limit for the size of a request body",
    ),
    (Reply(429), "The status is 429", "“Too Many Requests. ", "or send Retry-After"),
    (
        Reply(500, AS_HTML, PAGE),
        "The status is 500",
        "“Internal Server Error. ",
        "a bug in the server",
    ),
    (
        Reply(502, {"content-type": "text/plain"}, b"error code: 502"),
        "The status is 502, not 200.",
        "“Bad Gateway. Errors reported by remote server: Invalid JSON …”",
        "The proxy got no response from the server",
    ),
    (Reply(599), "The status is 599, not 200.", "“599. Errors reported by", "a bug in the server"),
    (
        Reply(200, {}, b"{}"),
        "The content type is missing, not application/scim+json.",
        "Okta may show no error",
        "Respond to both requests with a ListResponse",
    ),
    (
        Reply(200, AS_JSON, b'{"totalResults": 1, "Resources": [{"id": "on'),
        "The body is not JSON: it ends with",
        "“OK. Errors reported by remote server: Invalid JSON",
        "one of them may cut off or replace the body",
    ),
    (
        Reply(200, AS_JSON, b"[" * 100_000),
        "The body is not JSON: it ends with '[[",
        "Invalid JSON",
        "one of them may cut off or replace the body",
    ),
    (
        Reply(200, AS_JSON, b"[1]"),
        "The body is not a JSON object.",
        "“OK. Errors reported by remote server: null”",
        "Respond to both requests with a ListResponse",
    ),
]


@contextmanager
def dripping() -> Iterator[str]:
    """Serve a response that never ends and is sent byte by byte."""
    is_over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not is_over.wait(0.01):
                peer.sendall(b" ")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        is_over.set()
        thread.join()
        listener.close()


class TestAgainstServersThatAreNotScim:
    """Each of these servers ends the run at its first request, with an explanation."""

    def assert_refused(
        self, check: Check, url: str, sentence: str, advice: str = "", **options: Any
    ) -> None:
        assert not check.run(url, **options)
        assert re.search(r"^  2  FAILED +\d+  Test API Credentials$", check.output, re.M)
        assert sentence in check.output
        [advices] = re.findall(r"^  What to do: (.+\.)$", check.output, re.M)
        assert advice in advices
        assert "Nothing was changed on the server." in check.output
        assert check.error_message == (
            f"The server is not ready for Okta: 1 passed, 1 failed, {len(SEQUENCE) - 2} not tried."
        )

    @pytest.mark.parametrize(("reply", "finding", "shown", "advice"), ANSWERS)
    def test_a_response_that_is_not_scim(
        self, check_anything: Check, reply: Reply, finding: str, shown: str, advice: str
    ) -> None:
        with answering(lambda call: reply) as url:
            self.assert_refused(check_anything, url, shown, advice)
            step = check_anything.json(url)["steps"][1]

        assert finding in step["problem"]
        assert shown in step["explanation"]
        assert step["explanation"].startswith("Test API Credentials fails in Okta")
        assert advice in step["advice"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"Resources": {}},
            {"Resources": None},
            {"Resources": [1]},
            {"Resources": [{}]},
            {"Resources": [{"id": 1, "schemas": "User", "meta": []}]},
            {"Resources": [], "totalResults": True, "startIndex": 1, "itemsPerPage": 0},
            {"Resources": [], "totalResults": 0, "startIndex": 1.0, "itemsPerPage": None},
        ],
    )
    def test_json_of_another_shape(self, check_anything: Check, body: object) -> None:
        reply = Reply(200, {"content-type": "application/scim+json"}).with_json(body)
        with answering(lambda call: reply) as url:
            self.assert_refused(check_anything, url, " is ", "Respond to both requests")

    def test_a_refused_connection(self, check_anything: Check) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            self.assert_refused(check_anything, url, "refused the connection.", "Start the server")

    @pytest.mark.parametrize("host", ["scim.invalid", "a..invalid"])
    def test_an_unknown_host(self, check_anything: Check, host: str) -> None:
        self.assert_refused(check_anything, f"http://{host}", "cannot be resolved", "the spelling")

    def test_a_timeout(self, check_anything: Check) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.assert_refused(
                check_anything,
                url,
                "did not respond completely within 0.1 s",
                "the firewall",
                timeout=0.1,
            )

    def test_a_response_that_never_ends(self, check_anything: Check) -> None:
        with dripping() as url:
            self.assert_refused(
                check_anything,
                url,
                "did not respond completely within 0.3 s",
                "the firewall",
                timeout=0.3,
            )

    @pytest.mark.parametrize(
        ("content", "sentence", "advice"),
        [
            (b"", "closed the connection without a response", "Look for the cause in the logs"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "is not valid HTTP", "another service may be using it"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
                "is incomplete: IncompleteRead(2 bytes read, 7 more expected)",
                "A proxy may have cut it off",
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
                "is incomplete: ",
                "A proxy may have cut it off",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
                + gzip.compress(b"{}", mtime=0)[:-4],
                "is incomplete: ",
                "A proxy may have cut it off",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot compressed",
                "does not match its Content-Encoding: Not a gzipped file",
                "Compress responses in the server or in the proxy, not in both.",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\nnot compressed",
                "does not match its Content-Encoding: ",
                "Compress responses in the server or in the proxy, not in both.",
            ),
        ],
    )
    def test_an_invalid_or_incomplete_response(
        self, check_anything: Check, content: bytes, sentence: str, advice: str
    ) -> None:
        with speaking(content) as url:
            self.assert_refused(check_anything, url, sentence, advice)

    def test_https_to_a_server_that_only_supports_http(self, check_anything: Check) -> None:
        with answering(lambda call: HTML) as url:
            self.assert_refused(
                check_anything,
                url.replace("http:", "https:"),
                "Does the server use https?",
                "Check the port",
            )

    @pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
    def test_an_untrusted_certificate(self, check_anything: Check, tmp_path: Path) -> None:
        with speaking(b"", self_signed(tmp_path)) as url:
            self.assert_refused(
                check_anything,
                url.replace("http:", "https:"),
                "is not trusted. Okta will not trust it either",
                "Use a valid certificate of a public authority",
            )

    def test_unencrypted_http_is_noted(self, check_anything: Check) -> None:
        check_anything.run("http://scim.invalid")

        assert "Note: The base URL uses http" in check_anything.output
