"""The keys of identity providers: what is fetched, from where, how often, and what is kept."""

from __future__ import annotations

import gc
import json
import socket
import ssl
import threading
from ipaddress import ip_address
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache

from tests.oauth.conftest import Clock
from tests.oauth.issuer import (
    HOST,
    OTHER_HOST,
    Answer,
    Issuer,
    body,
    document,
    dribbling_body,
    dribbling_headers,
    ec_key,
    hanging_up,
    key_set,
    public,
    rsa_key,
    silent,
    status,
)
from tiled_scim.oauth import fetching, jwks
from tiled_scim.oauth.fetching import MAX_BYTES, FetchError, fetch_json, is_public, url_problem
from tiled_scim.oauth.jwks import (
    FRESH,
    INTERVAL,
    MAX_FETCHING,
    MAX_KEYS,
    STALE,
    KeysUnavailableError,
    UnknownKeyError,
    find_key,
    usable_keys,
)

NAMES = {"RSA": {"kid", "kty", "n", "e"}, "EC": {"kid", "kty", "crv", "x", "y"}}


def found(issuer: Issuer, kid: str | None = "one", algorithm: str = "RS256") -> dict[str, str]:
    return find_key(issuer.url, algorithm, kid)


def problem(issuer: Issuer) -> str:
    """Why nothing can be fetched from the issuer."""
    with pytest.raises(FetchError) as error:
        fetch_json(issuer.url)
    return str(error.value)


def open_connections() -> int:
    """How many connections of clients are open."""
    found = (each for each in gc.get_objects() if type(each) is ssl.SSLSocket)
    return sum(not each.server_side and each.fileno() != -1 for each in found)


class TestKeys:
    def test_public_keys_of_both_types_are_used(self) -> None:
        keys = usable_keys(key_set(public(rsa_key(), "a"), public(ec_key(), "b", alg="ES256")))

        assert [key["kid"] for key in keys] == ["a", "b"]
        assert all(set(key) == NAMES[key["kty"]] for key in keys)

    def test_what_is_private_or_else_in_a_key_is_dropped(self) -> None:
        with_more = public(rsa_key(), d="secret", x5c=["chain"], x5u="https://evil.example")

        [key] = usable_keys(key_set(with_more))

        assert set(key) == NAMES["RSA"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"use": "enc"},
            {"key_ops": ["sign"]},
            {"key_ops": "verify"},
            {"alg": "RS512"},
            {"alg": "PS256"},
            {"alg": "ES256"},
            {"alg": ["RS256"]},
            {"kid": 1},
            {"kid": ""},
            {"kid": "x" * 300},
            {"kty": "oct", "k": "c2VjcmV0"},
            {"kty": "OKP"},
            {"kty": ["RSA"]},
            {"kty": None},
            {"n": 5},
            {"n": ""},
            {"n": "é" * 300},
            {"n": "A" * 400},
            {"n": "_" * 1367},
            {"e": "_" * 12},
            {"e": None},
        ],
    )
    def test_a_key_for_something_else_is_not_used(self, changes: dict[str, Any]) -> None:
        assert usable_keys(key_set({**public(rsa_key()), **changes})) == []

    def test_a_short_key_is_not_used(self) -> None:
        assert usable_keys(key_set(public(rsa_key(bits=1024)))) == []

    def test_another_curve_is_not_used(self) -> None:
        assert usable_keys(key_set({**public(ec_key()), "crv": "P-384"})) == []

    @pytest.mark.parametrize("key", [None, "key", 1, [], {}])
    def test_what_is_no_key_is_not_used(self, key: Any) -> None:
        assert usable_keys({"keys": [key]}) == []

    @pytest.mark.parametrize("content", [None, [], "keys", {}, {"keys": None}, {"keys": {}}])
    def test_what_is_no_key_set_is_refused(self, content: Any) -> None:
        with pytest.raises(FetchError, match="not a key set"):
            usable_keys(content)

    def test_very_many_keys_are_refused(self) -> None:
        with pytest.raises(FetchError, match=f"has {MAX_KEYS + 1} keys"):
            usable_keys(key_set(*[public(rsa_key())] * (MAX_KEYS + 1)))


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://id.example/keys", "https://"),
            ("ftp://id.example/keys", "https://"),
            ("file:///etc/passwd", "https://"),
            ("id.example/keys", "https://"),
            ("https:///keys", "https://"),
            ("https://ann:secret@id.example/keys", "user name"),
            ("https://id.example/keys#one", "fragment"),
            ("https://id.example/ke ys", "character"),
            ("https://id.example/ke\r\nys", "character"),
            ("https://idé.example/keys", "character"),
            ("https://id.example:99999/keys", "cannot be read"),
            ("https://id.example:one/keys", "cannot be read"),
            ("https://[::1/keys", "cannot be read"),
            ("https://id.example/" + "x" * 1024, "longer"),
            ("", "https://"),
        ],
    )
    def test_a_bad_url_is_refused_before_anything_is_asked(self, url: str, expected: str) -> None:
        assert expected in str(url_problem(url))
        with pytest.raises(FetchError):
            fetch_json(url)

    def test_a_good_url_is_not(self) -> None:
        assert url_problem("https://login.example/common/v2.0/keys?appid=1") is None

    @pytest.mark.parametrize(
        "text", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
    )
    def test_addresses_of_the_internet_are_public(self, text: str) -> None:
        assert is_public(ip_address(text))

    @pytest.mark.parametrize(
        "text",
        [
            *("0.0.0.1", "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
            *("169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
            *("255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1"),
            *("ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
            *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::"),
        ],
    )
    def test_others_are_not(self, text: str) -> None:
        assert not is_public(ip_address(text))

    @pytest.mark.parametrize(
        "host",
        ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"],
    )
    def test_no_spelling_of_this_machine_is_asked(
        self, issuer: Issuer, settings: LazySettings, host: str
    ) -> None:
        settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = False

        with pytest.raises(FetchError, match=r"no public address.*JWKS_PRIVATE_ADDRESSES"):
            fetch_json(issuer.url.replace(HOST, host))

        assert issuer.asked == 0

    def test_a_setting_allows_private_addresses(self, issuer: Issuer) -> None:
        assert fetch_json(issuer.url) == key_set(public(rsa_key()))

    def test_the_address_that_was_checked_is_the_one_that_is_asked(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name server may give another address to whoever asks again (DNS rebinding)."""
        asked: list[str] = []
        real = socket.getaddrinfo

        def resolve(host: str, *args: Any, **options: Any) -> Any:
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "192.0.2.1", *args, **options)

        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *a, **o: (
                resolve(host, *a, **o) if host == OTHER_HOST else real(host, *a, **o)
            ),
        )

        assert fetch_json(issuer.url.replace(HOST, OTHER_HOST))["keys"]
        assert asked == [OTHER_HOST]

    def test_of_several_addresses_only_public_ones_are_asked(
        self, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_JWKS_PRIVATE_ADDRESSES = False
        answers = [(0, 0, 0, "", (text, 443)) for text in ("127.0.0.1", "8.8.8.8", "10.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: answers)

        assert fetching.allowed_addresses("keys.example", 443) == [ip_address("8.8.8.8")]

    def test_a_name_that_does_not_exist_is_named_as_the_reason(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def resolve(*args: object, **options: object) -> object:
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", resolve)

        with pytest.raises(FetchError, match="cannot be resolved"):
            fetch_json("https://keys.invalid/keys")

    def test_no_proxy_of_the_environment_is_used(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert fetch_json(issuer.url)["keys"]


class TestServers:
    """A server that is slow, huge, redirecting, down or not the right one."""

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching, "SECONDS", 0.3)

    @pytest.mark.parametrize("answer", [silent, dribbling_headers, dribbling_body])
    @pytest.mark.usefixtures("impatient")
    def test_one_that_is_slow_is_given_up(self, issuer: Issuer, answer: Answer) -> None:
        issuer.answer(answer)

        assert problem(issuer) == "The server did not answer completely within 0.3 seconds."
        for thread in threading.enumerate():
            if thread.name == "tiled_scim fetch":
                thread.join(10)
                assert not thread.is_alive()

    @pytest.mark.usefixtures("impatient")
    def test_one_whose_name_takes_long_is_given_up(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolved = threading.Event()
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *args, **options: resolved.wait(10) and []
        )

        assert "within 0.3 seconds" in problem(issuer)

        resolved.set()
        assert issuer.asked == 0

    def test_one_that_is_huge_is_not_read_to_the_end(self, issuer: Issuer) -> None:
        issuer.answer(body(b" " * MAX_BYTES + b"{}"))

        assert problem(issuer) == f"The answer is larger than {MAX_BYTES} bytes."

    def test_one_that_redirects_is_not_followed(self, issuer: Issuer) -> None:
        target = Issuer(issuer.server)
        issuer.answer(status(302, Location=target.url))

        assert "redirects are not followed" in problem(issuer)
        assert target.asked == 0

    @pytest.mark.parametrize("number", [204, 404, 500, 503])
    def test_one_with_another_status_is_refused(self, issuer: Issuer, number: int) -> None:
        issuer.answer(status(number))

        assert f"status {number}" in problem(issuer)

    def test_the_connection_to_one_that_is_refused_does_not_wait_for_garbage_collection(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error of an address that does not answer keeps the response, unless it is closed."""
        issuer.answer(status(503))
        real = socket.getaddrinfo
        names = {HOST: ("::1", "127.0.0.1")}
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *a, **o: [
                found for text in names.get(host, (host,)) for found in real(text, *a, **o)
            ],
        )
        gc.collect()
        gc.disable()

        try:
            assert "status 503" in problem(issuer)
            assert open_connections() == 0
        finally:
            gc.enable()

    @pytest.mark.parametrize(
        "content", [b"", b"<html>", b"\xff", b"[" * 100_000, b"1" * 5000, b'{"keys": [}']
    )
    def test_one_without_json_is_refused(self, issuer: Issuer, content: bytes) -> None:
        issuer.answer(body(content))

        assert problem(issuer) == "The answer is not a JSON document."

    def test_one_that_hangs_up_is_refused(self, issuer: Issuer) -> None:
        issuer.answer(hanging_up)

        assert problem(issuer)

    def test_one_that_is_down_is_refused(self, issuer: Issuer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        with pytest.raises(FetchError, match="could not be reached"):
            fetch_json(f"https://localhost:{port}/keys")

    def test_one_with_the_certificate_of_another_name_is_refused(self, issuer: Issuer) -> None:
        with pytest.raises(FetchError, match="certificate is not valid"):
            fetch_json(issuer.url.replace(HOST, "127.0.0.1"))

        assert issuer.asked == 0

    def test_one_with_a_certificate_that_nobody_trusts_is_refused(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")

        assert "certificate is not valid" in problem(issuer)


class TestKeeping:
    def test_keys_are_fetched_once(self, issuer: Issuer) -> None:
        assert found(issuer) == found(issuer) == usable_keys(key_set(public(rsa_key())))[0]
        assert issuer.asked == 1

    def test_each_algorithm_gets_a_key_of_its_type(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key()), public(ec_key()))

        assert [found(issuer, "one", name)["kty"] for name in ("RS256", "ES256")] == ["RSA", "EC"]

    def test_the_only_key_needs_no_name(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key(), None))

        assert found(issuer, None)["kty"] == "RSA"
        with pytest.raises(UnknownKeyError, match="none of the issuer's 1 keys for RS256"):
            found(issuer, "one")

    def test_one_of_several_keys_needs_a_name(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key(), "a"), public(ec_key(), "b"))

        with pytest.raises(UnknownKeyError, match="“kid” is missing, and the issuer has 2 keys"):
            found(issuer, None)

    def test_an_unknown_key_is_fetched_at_most_once_a_minute(
        self, issuer: Issuer, later: Clock
    ) -> None:
        found(issuer)
        issuer.publish(public(rsa_key(1), "two"))
        for _ in range(3):
            with pytest.raises(UnknownKeyError, match="at most once in 60 seconds"):
                found(issuer, "two")
        assert issuer.asked == 1

        later(INTERVAL)

        assert found(issuer, "two")
        for name in ("three", "four"):
            with pytest.raises(UnknownKeyError):
                found(issuer, name)
        assert issuer.asked == 2

    def test_a_key_that_was_withdrawn_stops_working(self, issuer: Issuer, later: Clock) -> None:
        found(issuer)
        issuer.publish(public(rsa_key(1), "two"))
        later(FRESH - 5)
        assert found(issuer)

        later(10)

        with pytest.raises(UnknownKeyError):
            found(issuer)

    @pytest.mark.parametrize("answer", [status(503), document({"error": "away"}), hanging_up])
    def test_known_keys_are_used_while_the_issuer_is_unavailable(
        self, issuer: Issuer, later: Clock, answer: Answer
    ) -> None:
        found(issuer)
        issuer.answer(answer)

        later(STALE - 10)
        assert found(issuer)
        assert found(issuer)
        assert issuer.asked == 2

        later(INTERVAL)
        with pytest.raises(KeysUnavailableError, match="could not be fetched"):
            found(issuer)

    def test_an_issuer_that_is_back_is_asked_again(self, issuer: Issuer, later: Clock) -> None:
        issuer.answer(status(503))
        for _ in range(2):
            with pytest.raises(KeysUnavailableError):
                found(issuer)
        assert issuer.asked == 1
        issuer.publish(public(rsa_key()))

        later(INTERVAL)

        assert found(issuer)

    def test_requests_at_once_fetch_once(self, issuer: Issuer) -> None:
        waiting = threading.Barrier(8)
        keys: list[Any] = []

        def ask() -> None:
            waiting.wait()
            keys.append(found(issuer))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(keys) == 8
        assert issuer.asked == 1

    def test_slow_issuers_do_not_stop_all_threads(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jwks, "WAITING", 0.01)
        other = Issuer(issuer.server)
        assert found(other)
        for _ in range(MAX_FETCHING):
            assert jwks._fetching.acquire(blocking=False)
        try:
            with pytest.raises(KeysUnavailableError):
                found(issuer)
            with pytest.raises(UnknownKeyError):
                found(other, "two")
            assert found(other)
        finally:
            for _ in range(MAX_FETCHING):
                jwks._fetching.release()

        assert (issuer.asked, other.asked) == (0, 1)
        assert found(issuer)

    def test_another_process_takes_the_keys_from_the_cache(self, issuer: Issuer) -> None:
        found(issuer)
        forget()

        assert found(issuer)
        with pytest.raises(UnknownKeyError):
            found(issuer, "two")
        assert issuer.asked == 1

    def test_without_a_cache_the_process_remembers(
        self, issuer: Issuer, settings: LazySettings
    ) -> None:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

        assert found(issuer)
        with pytest.raises(UnknownKeyError):
            found(issuer, "two")
        assert issuer.asked == 1

    def test_an_unavailable_cache_stops_no_request(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("add", "get", "set"):
            monkeypatch.setattr(type(cache._connections["default"]), name, failing)  # type: ignore[attr-defined]

        assert found(issuer)
        assert found(issuer)
        assert issuer.asked == 1
        assert "The cache does not answer" in caplog.text

    @pytest.mark.django_db
    def test_fetching_uses_no_database(
        self, issuer: Issuer, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            found(issuer)

    def test_what_is_kept_is_text(self, issuer: Issuer) -> None:
        """A cache may serialize with JSON."""
        found(issuer)
        kept = jwks._memories[issuer.url].keys

        assert kept is not None
        assert json.loads(json.dumps(kept.keys)) == kept.keys

    def test_a_process_does_not_remember_without_end(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jwks, "MAX_MEMORIES", 3)
        others = [Issuer(issuer.server) for _ in range(5)]

        for each in (issuer, *others):
            assert found(each)

        assert list(jwks._memories) == [each.url for each in others[-3:]]
        assert found(issuer)
        assert issuer.asked == 1


def forget() -> None:
    """Do what a new process does, which has only the cache."""
    jwks._memories.clear()


def failing(*args: object, **options: object) -> object:
    raise ConnectionError
