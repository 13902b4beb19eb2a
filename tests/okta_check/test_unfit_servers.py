"""Okta's requests, sent to what is no SCIM server, or does not answer: what is said of it."""

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

from tests.checking import SECRET, Check
from tests.servers import HTML, Reply, answering, self_signed, speaking
from tiled_scim.okta_check.sequence import SEQUENCE


@pytest.fixture
def check_anything() -> Check:
    """For servers that take any token; without the database, which the command does not need."""
    return Check(SECRET)


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

# An answer, what is found wrong, what Okta's admin reads, and the advice.
ANSWERS = [
    (
        Reply(200, AS_HTML, PAGE),
        "The content type is text/html, not application/scim+json. The answer is an HTML page.",
        "“OK. Errors reported by remote server: Invalid JSON …”",
        "Check the path of the base URL",
    ),
    (
        Reply(404, {}, b"  " + PAGE),
        "The status is 404, not 200. The answer is an HTML page.",
        "“Not Found. Errors reported by remote server: Invalid JSON",
        "Check the path of the base URL",
    ),
    (
        scim_error(404, "No such endpoint."),
        "The status is 404, not 200. The server says: No such endpoint.",
        "“Not Found. Errors reported by remote server: No such endpoint.”",
        "Okta adds /Users to it, and nothing is found there.",
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
        "Take the address that the server redirects to as the base URL",
    ),
    (
        Reply(302, LOGIN | AS_HTML, PAGE),
        "The server redirects to https://example.com/accounts/login/?next=/scim/v2/Users.",
        "“Found. ",
        "Exempt the SCIM paths from the sign-in that people go through",
    ),
    (
        scim_error(403, "SCIM is not in your plan.\nAsk sales."),
        "The server says: SCIM is not in your plan. Ask sales.",
        "“Forbidden. Errors reported by remote server: SCIM is not in your plan. Ask sales.”",
        "turn SCIM on for this customer, whose plan may not have it",
    ),
    (
        Reply(403, AS_HTML, PAGE),
        "The status is 403, not 200. The answer is an HTML page.",
        "“Forbidden. ",
        "or have a firewall before the server let the request through",
    ),
    (Reply(405), "The status is 405, not 200.", "“Method Not Allowed. ", "PUT, PATCH or DELETE."),
    (Reply(406), "The status is 406, not 200.", "“Not Acceptable. ", "with a charset and without"),
    (Reply(412), "The status is 412", "“Precondition Failed. ", "Okta sends none."),
    (Reply(413), "The status is 413", "Too Large. ", "Raise the limit on the length of a body"),
    (Reply(429), "The status is 429", "“Too Many Requests. ", "say in Retry-After"),
    (Reply(500, AS_HTML, PAGE), "The status is 500", "“Internal Server Error. ", "a bug there"),
    (
        Reply(502, {"content-type": "text/plain"}, b"error code: 502"),
        "The status is 502, not 200.",
        "“Bad Gateway. Errors reported by remote server: Invalid JSON …”",
        "A proxy answers for a server that does not",
    ),
    (Reply(599), "The status is 599, not 200.", "“599. Errors reported by", "a bug there"),
    (
        Reply(200, {}, b"{}"),
        "The content type is missing, not application/scim+json.",
        "Okta may show no error",
        "Answer both lists with a ListResponse",
    ),
    (
        Reply(200, AS_JSON, b'{"totalResults": 1, "Resources": [{"id": "on'),
        "The body is not JSON: it ends with",
        "“OK. Errors reported by remote server: Invalid JSON",
        "one of them may cut or replace the body",
    ),
    (
        Reply(200, AS_JSON, b"[" * 100_000),
        "The body is not JSON: it ends with '[[",
        "Invalid JSON",
        "one of them may cut or replace the body",
    ),
    (
        Reply(200, AS_JSON, b"[1]"),
        "The body is not a JSON object.",
        "“OK. Errors reported by remote server: null”",
        "Answer both lists with a ListResponse",
    ),
]


@contextmanager
def dripping() -> Iterator[str]:
    """A server whose answer never ends, and comes byte by byte."""
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
    """Each ends the run at its first request, in a sentence that says what is the matter."""

    def assert_refused(
        self, check: Check, url: str, sentence: str, advice: str = "", **options: Any
    ) -> None:
        assert not check.run(url, **options)
        assert re.search(r"^  2  FAILED +\d+  Test API Credentials$", check.output, re.M)
        assert sentence in check.output
        [told] = re.findall(r"^  What to do: (.+\.)$", check.output, re.M)
        assert advice in told
        assert "Nothing was changed on the server." in check.output
        assert check.refusal == (
            f"The server is not ready for Okta: 1 passed, 1 failed, {len(SEQUENCE) - 2} not tried."
        )

    @pytest.mark.parametrize(("reply", "finding", "shown", "advice"), ANSWERS)
    def test_an_answer_that_is_not_scim(
        self, check_anything: Check, reply: Reply, finding: str, shown: str, advice: str
    ) -> None:
        with answering(lambda call: reply) as url:
            self.assert_refused(check_anything, url, shown, advice)
            step = check_anything.record(url)["steps"][1]

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
            self.assert_refused(check_anything, url, " is ", "Answer both lists")

    def test_nobody_listens(self, check_anything: Check) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            self.assert_refused(
                check_anything, url, "the connection was refused.", "Start the server"
            )

    @pytest.mark.parametrize("host", ["scim.invalid", "a..invalid"])
    def test_there_is_no_such_host(self, check_anything: Check, host: str) -> None:
        self.assert_refused(
            check_anything, f"http://{host}", "There is no host of the name", "the spelling"
        )

    def test_no_answer_comes(self, check_anything: Check) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.assert_refused(
                check_anything, url, "no whole answer within 0.1 s", "a firewall", timeout=0.1
            )

    def test_an_answer_comes_without_end(self, check_anything: Check) -> None:
        with dripping() as url:
            self.assert_refused(
                check_anything, url, "no whole answer within 0.3 s", "a firewall", timeout=0.3
            )

    @pytest.mark.parametrize(
        ("said", "sentence", "advice"),
        [
            (b"", "closed the connection without an answer", "for what ended the request"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP, or broken", "something else answers"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
                "ends in the middle: IncompleteRead(2 bytes read, 7 more expected)",
                "A proxy in between may cut it",
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
                "ends in the middle: ",
                "A proxy in between may cut it",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
                + gzip.compress(b"{}", mtime=0)[:-4],
                "ends in the middle: ",
                "A proxy in between may cut it",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot compressed",
                "is not compressed as it says: Not a gzipped file",
                "Let either the server or the proxy compress",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\nnot compressed",
                "is not compressed as it says: ",
                "Let either the server or the proxy compress",
            ),
        ],
    )
    def test_what_answers_is_no_whole_answer(
        self, check_anything: Check, said: bytes, sentence: str, advice: str
    ) -> None:
        with speaking(said) as url:
            self.assert_refused(check_anything, url, sentence, advice)

    def test_https_where_there_is_only_http(self, check_anything: Check) -> None:
        with answering(lambda call: HTML) as url:
            self.assert_refused(
                check_anything,
                url.replace("http:", "https:"),
                "Is it https that answers there?",
                "Check the port",
            )

    @pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
    def test_a_certificate_that_nobody_trusts(self, check_anything: Check, tmp_path: Path) -> None:
        with speaking(b"", self_signed(tmp_path)) as url:
            self.assert_refused(
                check_anything,
                url.replace("http:", "https:"),
                "is not trusted, and Okta would not",
                "Serve a certificate of a public authority",
            )

    def test_http_through_the_open_is_noted(self, check_anything: Check) -> None:
        check_anything.run("http://scim.invalid")

        assert "Note: The base URL is http" in check_anything.output
