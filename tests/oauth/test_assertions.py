"""Assertions of identity providers: which are accepted, and what is said of the others."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from django.views.debug import ExceptionReporter

from tests.oauth.conftest import Clock
from tests.oauth.issuer import (
    APP,
    ISSUER,
    SUBJECT,
    Issuer,
    claims,
    ec_key,
    encoded,
    hmac_signed,
    public,
    rsa_key,
    status,
)
from tiled_scim.models import UsedAssertion
from tiled_scim.oauth import assertions
from tiled_scim.oauth.assertions import (
    LEEWAY,
    MAX_LENGTH,
    MAX_LIFETIME,
    InvalidAssertion,
    KeysUnavailable,
    audience_spellings,
    is_available,
    verify,
)
from tiled_scim.oauth.jwks import INTERVAL
from tiled_scim.secret import Secret

# What is in no reason, whatever is wrong: a value of the assertion's own.
MARK = "mark-of-the-assertion"
KEYS = "https://id.example/keys"

pytestmark = pytest.mark.django_db


def reason(issuer: Issuer, assertion: str, **trust: Any) -> str:
    """Why an assertion is refused."""
    with pytest.raises(InvalidAssertion) as error:
        verify(assertion, issuer.trust(**trust))
    assert error.value.reason == str(error.value)
    assert MARK not in error.value.reason
    return error.value.reason


class TestGood:
    def test_the_claims_of_entras_are_returned(self, issuer: Issuer) -> None:
        sent = claims()

        assert verify(issuer.sign(sent), issuer.trust()) == sent

    @pytest.mark.parametrize("audience", [APP, f"api://{APP}", f"api://{APP}/.default"])
    def test_each_spelling_of_the_audience_is_taken(self, issuer: Issuer, audience: str) -> None:
        configured = audience_spellings(f"api://{APP}/.default")

        assert verify(issuer.sign(aud=audience), issuer.trust(audiences=configured))

    def test_one_of_several_audiences_is_enough(self, issuer: Issuer) -> None:
        assert verify(issuer.sign(aud=["api://other", APP]), issuer.trust())

    def test_es256_is_taken(self, issuer: Issuer) -> None:
        issuer.publish(public(ec_key()))

        assert verify(issuer.sign(key=ec_key(), algorithm="ES256"), issuer.trust())

    @pytest.mark.parametrize(
        "typ", [None, "JWT", "jwt", "application/jwt", "client-authentication+jwt"]
    )
    def test_the_type_may_be_missing(self, issuer: Issuer, typ: str | None) -> None:
        assert verify(issuer.sign(headers={"typ": typ}), issuer.trust())

    def test_no_name_of_the_key_is_needed_if_there_is_one(self, issuer: Issuer) -> None:
        assert verify(issuer.sign(headers={"kid": None}), issuer.trust())

    @pytest.mark.parametrize("missing", ["iat", "nbf"])
    def test_what_the_rfc_leaves_to_the_issuer_may_be_missing(
        self, issuer: Issuer, missing: str
    ) -> None:
        sent = {name: value for name, value in claims().items() if name != missing}

        assert verify(issuer.sign(sent), issuer.trust())

    def test_any_subject_is_taken_where_none_is_configured(self, issuer: Issuer) -> None:
        trust = issuer.trust(subject=None)

        assert verify(issuer.sign(sub="whoever"), trust)
        assert verify(issuer.sign(sub=None), trust)


class TestClaims:
    """One wrong claim after the other."""

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"iss": f"https://{MARK}.example/v2.0"}, f"The claim “iss” is not {ISSUER}."),
            ({"iss": f"{ISSUER}/"}, f"The claim “iss” is not {ISSUER}."),
            ({"iss": [ISSUER]}, f"The claim “iss” is not {ISSUER}."),
            ({"iss": None}, "The claim “iss” is missing."),
            ({"sub": MARK}, f"The claim “sub” is not {SUBJECT}."),
            ({"sub": SUBJECT.upper()}, f"The claim “sub” is not {SUBJECT}."),
            ({"sub": [SUBJECT]}, f"The claim “sub” is not {SUBJECT}."),
            ({"sub": None}, "The claim “sub” is missing."),
            (
                {"aud": MARK},
                f"The claim “aud” is none of {APP}, api://{APP}, api://{APP}/.default.",
            ),
            ({"aud": [MARK]}, "The claim “aud” is none of"),
            ({"aud": [APP, 1]}, "The claim “aud” is none of"),
            ({"aud": {APP: 1}}, "The claim “aud” is none of"),
            ({"aud": f"{APP} "}, "The claim “aud” is none of"),
            ({"aud": None}, "The claim “aud” is missing."),
            ({"aud": []}, "The claim “aud” is missing."),
            ({"exp": None}, "The claim “exp” is missing."),
            ({"exp": MARK}, "times as numbers"),
            ({"exp": {}}, "times as numbers"),
            ({"exp": str(int(time.time()) + 600)}, "“exp” or “iat” is not a number"),
            ({"exp": float("inf")}, "times as numbers"),
            ({"exp": 10**400}, "“exp” or “iat” is not a number"),
            ({"iat": -(10**400)}, "“exp” or “iat” is not a number"),
            ({"nbf": MARK}, "times as numbers"),
            ({"iat": MARK}, "The claim “iat” is not a number of seconds."),
            ({"jti": 5}, "The claim “jti” is not a string."),
            ({"jti": [MARK]}, "The claim “jti” is not a string."),
        ],
    )
    def test_a_wrong_claim_is_named(
        self, issuer: Issuer, changes: dict[str, Any], expected: str
    ) -> None:
        sent = {**claims(), **changes}
        sent = {name: value for name, value in sent.items() if value is not None}

        # PyJWT refuses to sign some of them.
        assertion = signed(issuer, {"alg": "RS256", "kid": "one"}, sent)

        assert expected in reason(issuer, assertion)

    @pytest.mark.parametrize("content", [[], "claims", 1, None])
    def test_claims_that_are_no_object_are_refused(self, issuer: Issuer, content: Any) -> None:
        assertion = signed(issuer, {"alg": "RS256", "kid": "one"}, content)

        assert "not a JSON object" in reason(issuer, assertion)

    def test_claims_that_are_no_json_are_refused(self, issuer: Issuer) -> None:
        for content in (b"{", b"[" * 9000, b"\xff"):
            assertion = signed(issuer, {"alg": "RS256", "kid": "one"}, content)
            assert "not a JSON object" in reason(issuer, assertion)


class TestClocks:
    @pytest.mark.parametrize(
        "skew",
        [
            {"exp": 5 - LEEWAY},
            {"nbf": LEEWAY - 5},
            {"iat": LEEWAY - 5},
            {"nbf": LEEWAY - 5, "iat": LEEWAY - 5},
        ],
    )
    def test_a_little_skew_is_tolerated(self, issuer: Issuer, skew: dict[str, int]) -> None:
        assert verify(issuer.sign(**at(skew)), issuer.trust())

    @pytest.mark.parametrize(
        ("skew", "expected"),
        [
            ({"exp": -LEEWAY - 5}, "“exp” is more than 60 seconds ago"),
            ({"nbf": LEEWAY + 30}, "“nbf” or “iat” is more than 60 seconds ahead"),
            ({"iat": LEEWAY + 30}, "“nbf” or “iat” is more than 60 seconds ahead"),
        ],
    )
    def test_more_is_not(self, issuer: Issuer, skew: dict[str, int], expected: str) -> None:
        assert expected in reason(issuer, issuer.sign(**at(skew)))

    @pytest.mark.parametrize(
        "period",
        [
            {"exp": MAX_LIFETIME + LEEWAY + 30},
            {"iat": None, "exp": MAX_LIFETIME + LEEWAY + 30},
            {"iat": -MAX_LIFETIME, "exp": 300},
        ],
    )
    def test_one_that_is_valid_for_days_is_refused(
        self, issuer: Issuer, period: dict[str, int | None]
    ) -> None:
        assert "more than 24 hours" in reason(issuer, issuer.sign(**at(period)))

    def test_one_that_is_valid_for_a_day_is_not(self, issuer: Issuer) -> None:
        assert verify(issuer.sign(**at({"exp": MAX_LIFETIME})), issuer.trust())


class TestSignatures:
    """Algorithm confusion, and keys of others."""

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
    def test_none_is_no_algorithm(self, issuer: Issuer, name: str) -> None:
        for signature in ("", encoded(b"x" * 256)):
            header = {"alg": name, "kid": "one", "typ": "JWT"}
            assertion = f"{encoded(header)}.{encoded(claims())}.{signature}"
            assert reason(issuer, assertion) == "The header “alg” is none of ES256, RS256."

    def test_the_public_key_is_no_secret(self, issuer: Issuer) -> None:
        """HS256 with what everybody can read: the key in its usual forms."""
        key = rsa_key().public_key()
        secrets = [
            key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            key.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
            key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            json.dumps(public(rsa_key())).encode(),
        ]
        for secret in secrets:
            assertion = hmac_signed({"alg": "HS256", "kid": "one"}, claims(), secret)
            assert "“alg” is none of" in reason(issuer, assertion)
            renamed = hmac_signed({"alg": "RS256", "kid": "one"}, claims(), secret)
            assert reason(issuer, renamed) == "The signature is not of the issuer's key."

    def test_a_secret_in_the_key_set_is_no_key(self, issuer: Issuer) -> None:
        issuer.publish({"kty": "oct", "kid": "one", "k": encoded(b"x" * 32)})

        assertion = hmac_signed({"alg": "HS256", "kid": "one"}, claims(), b"x" * 32)

        assert "“alg” is none of" in reason(issuer, assertion)

    @pytest.mark.parametrize("name", ["RS384", "RS512", "PS256"])
    def test_other_algorithms_are_refused(self, issuer: Issuer, name: str) -> None:
        assert "“alg” is none of" in reason(issuer, issuer.sign(algorithm=name))

    @pytest.mark.parametrize("given", [None, 1, ["RS256"], {"RS256": 1}])
    def test_an_algorithm_that_is_no_text_is_refused(self, issuer: Issuer, given: Any) -> None:
        assert "“alg” is none of" in reason(issuer, signed(issuer, {"alg": given}, claims()))

    def test_the_key_must_fit_the_algorithm(self, issuer: Issuer) -> None:
        assertion = issuer.sign(key=ec_key(), algorithm="ES256")

        assert "none of the issuer's 0 keys for ES256" in reason(issuer, assertion)

    def test_another_key_with_the_same_name_is_refused(self, issuer: Issuer) -> None:
        assertion = issuer.sign(key=rsa_key(1))

        assert reason(issuer, assertion) == "The signature is not of the issuer's key."

    def test_another_key_of_the_issuer_is_refused(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key(), "one"), public(rsa_key(1), "two"))

        assertion = issuer.sign(headers={"kid": "two"})

        assert reason(issuer, assertion) == "The signature is not of the issuer's key."

    def test_a_short_key_is_not_used(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key(bits=1024)))
        header = {"alg": "RS256", "kid": "one"}

        assertion = signed(issuer, header, claims(), rsa_key(bits=1024))

        assert "none of the issuer's 0 keys" in reason(issuer, assertion)

    def test_one_of_several_keys_must_be_named(self, issuer: Issuer) -> None:
        issuer.publish(public(rsa_key(), "one"), public(rsa_key(1), "two"))

        assertion = issuer.sign(headers={"kid": None})

        assert "“kid” is missing, and the issuer has 2 keys" in reason(issuer, assertion)

    def test_a_key_in_the_assertion_is_never_used(self, issuer: Issuer) -> None:
        attacker = Issuer(issuer.server)
        attacker.publish(public(rsa_key(1), "own"))
        headers = {
            "kid": "own",
            "jwk": public(rsa_key(1), "own"),
            "jku": attacker.url,
            "x5u": attacker.url,
        }

        refused = reason(issuer, issuer.sign(key=rsa_key(1), headers=headers))

        assert "“kid” is of none of the issuer's 1 keys" in refused
        assert attacker.asked == 0

    def test_a_changed_claim_breaks_the_signature(self, issuer: Issuer) -> None:
        header, _payload, signature = issuer.sign().split(".")

        forged = f"{header}.{encoded(claims(exp=int(time.time()) + 900))}.{signature}"

        assert reason(issuer, forged) == "The signature is not of the issuer's key."

    def test_critical_extensions_are_refused(self, issuer: Issuer) -> None:
        for extension in (["exp"], ["b64"], [], MARK):
            header = {"alg": "RS256", "kid": "one", "crit": extension, "exp": 1, "b64": True}
            refused = reason(issuer, signed(issuer, header, claims()))
            assert "“crit”" in refused or "a valid header" in refused

    @pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", MARK, 1, ["JWT"]])
    def test_a_token_for_something_else_is_refused(self, issuer: Issuer, typ: Any) -> None:
        header = {"alg": "RS256", "kid": "one", "typ": typ}

        refused = reason(issuer, signed(issuer, header, claims()))

        assert refused == "The header “typ” is none of client-authentication+jwt, jwt."


class TestForms:
    @pytest.mark.parametrize(
        "assertion",
        [
            "",
            "tscim_token",
            "a.b",
            "a.b.c",
            "a.b.c.d.e",
            "..",
            "é.é.é",
            "\ud800.a.b",
            "\0.a.b",
            f"{encoded([])}.{encoded({})}.x",
            f"{encoded(b'[' * 9000)}.{encoded({})}.x",
            f"{encoded(b'1' * 9000)}.{encoded({})}.x",
            f"{encoded({'alg': 'RS256', 'kid': 1})}.{encoded({})}.x",
            f"{encoded({'alg': 'RS256'})}.{encoded({})}.!",
        ],
    )
    def test_what_is_no_assertion_is_refused(self, issuer: Issuer, assertion: str) -> None:
        assert "not a signed JSON Web Token" in reason(issuer, assertion)
        assert issuer.asked == 0

    def test_a_very_long_one_is_not_even_read(self, issuer: Issuer) -> None:
        assertion = issuer.sign(padding="x" * MAX_LENGTH)

        assert reason(issuer, assertion) == f"The assertion is longer than {MAX_LENGTH} characters."
        assert issuer.asked == 0

    @pytest.mark.parametrize(
        ("configured", "spellings"),
        [
            (f"api://{APP}/.default", {f"api://{APP}/.default", f"api://{APP}", APP}),
            (f"api://{APP}", {f"api://{APP}/.default", f"api://{APP}", APP}),
            (APP, {f"api://{APP}/.default", f"api://{APP}", APP}),
            ("https://scim.example/oauth/token", {"https://scim.example/oauth/token"}),
            ("api:///.default", {"api:///.default"}),
            ("", {""}),
        ],
    )
    def test_an_app_has_three_spellings(self, configured: str, spellings: set[str]) -> None:
        assert audience_spellings(configured) == spellings


class TestKeys:
    def test_a_new_key_works_as_soon_as_it_may_be_fetched(
        self, issuer: Issuer, later: Clock
    ) -> None:
        """Rotation: the issuer publishes the next key before it signs with it, or at once."""
        assert verify(issuer.sign(), issuer.trust())
        issuer.publish(public(rsa_key(), "one"), public(rsa_key(1), "two"))
        rotated = issuer.sign(key=rsa_key(1), headers={"kid": "two"})
        assert "at most once in 60 seconds" in reason(issuer, rotated)

        later(INTERVAL)

        assert verify(rotated, issuer.trust())
        assert verify(issuer.sign(), issuer.trust())
        assert issuer.asked == 2

    def test_while_the_issuer_is_unavailable(self, issuer: Issuer, later: Clock) -> None:
        issuer.answer(status(503))
        with pytest.raises(KeysUnavailable, match="could not be fetched"):
            verify(issuer.sign(), issuer.trust())
        issuer.publish(public(rsa_key()))

        later(INTERVAL)

        assert verify(issuer.sign(), issuer.trust())


class TestReplay:
    def test_one_with_an_id_is_valid_once(self, issuer: Issuer) -> None:
        assertion = issuer.sign(jti=MARK)

        assert verify(assertion, issuer.trust())
        assert reason(issuer, assertion) == "The assertion was used before: its “jti” is known."
        assert reason(issuer, issuer.sign(jti=MARK)) == reason(issuer, assertion)

    def test_another_issuer_may_use_the_same_id(self, issuer: Issuer) -> None:
        other = "https://other.example"

        assert verify(issuer.sign(jti="1"), issuer.trust())
        assert verify(issuer.sign(jti="1", iss=other), issuer.trust(issuer=other))

    def test_nobody_uses_up_the_ids_of_another_one(self, issuer: Issuer) -> None:
        """Another account configures the same issuer, with keys of its own, and guesses ids."""
        mallory = Issuer(issuer.server)
        mallory.publish(public(rsa_key(1)))

        assert verify(mallory.sign(jti="1", key=rsa_key(1)), mallory.trust())
        assert verify(issuer.sign(jti="1"), issuer.trust())

    @pytest.mark.parametrize("identifier", [None, ""])
    def test_one_without_an_id_may_be_sent_again(
        self, issuer: Issuer, identifier: str | None
    ) -> None:
        """Entra sends an assertion again for as long as it is valid."""
        assertion = issuer.sign(jti=identifier)

        assert verify(assertion, issuer.trust()) == verify(assertion, issuer.trust())

    def test_one_that_is_refused_is_not_used_up(self, issuer: Issuer) -> None:
        assertion = issuer.sign(jti="1")
        reason(issuer, assertion, audiences=frozenset({"other"}))

        assert UsedAssertion.objects.count() == 0
        assert verify(assertion, issuer.trust())

    def test_only_a_digest_is_kept_until_it_expires(self, issuer: Issuer) -> None:
        verify(issuer.sign(jti=MARK, **at({"exp": 300})), issuer.trust())

        used = UsedAssertion.objects.get()
        assert len(used.digest) == 64
        assert MARK not in str(vars(used))
        remaining = used.expires_at - timezone.now()
        assert timedelta(seconds=300) < remaining <= timedelta(seconds=300 + LEEWAY)

    def test_the_database_decides_which_of_two_is_the_first(self) -> None:
        """As two requests at once: both have found none before."""
        expires_at = timezone.now() + timedelta(minutes=5)

        assert UsedAssertion.objects.use(ISSUER, KEYS, "1", expires_at)
        assert not UsedAssertion.objects.use(ISSUER, KEYS, "1", expires_at)
        assert UsedAssertion._meta.get_field("digest").unique

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif(
        connection.vendor == "sqlite", reason="threads cannot share SQLite's database in memory"
    )
    def test_of_several_requests_at_once_one_is_the_first(self, issuer: Issuer) -> None:
        assertion, trust = issuer.sign(jti=MARK), issuer.trust()
        waiting = Barrier(6)

        def use(_number: int) -> str:
            waiting.wait()
            try:
                verify(assertion, trust)
            except InvalidAssertion as error:
                return error.reason
            else:
                return "valid"
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            results = sorted(pool.map(use, range(6)))
        refused = "The assertion was used before: its “jti” is known."
        assert results == [refused] * 5 + ["valid"]

    def test_expired_ones_are_deleted_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiled_scim.models.assertions.PRUNED_EVERY", 1)
        past, future = (timezone.now() + timedelta(minutes=number) for number in (-5, 5))
        UsedAssertion.objects.create(digest="old", expires_at=past)

        UsedAssertion.objects.use(ISSUER, KEYS, "1", future)

        assert [used.expires_at for used in UsedAssertion.objects.all()] == [future]

    def test_scim_prune_deletes_expired_ones(self) -> None:
        for number in (-5, -4, 5):
            expires_at = timezone.now() + timedelta(minutes=number)
            UsedAssertion.objects.create(digest=str(number), expires_at=expires_at)
        output = StringIO()

        call_command("scim_prune", stdout=output)

        assert "0 events older than 90 days and 2 used assertions" in output.getvalue()
        assert UsedAssertion.objects.get().digest == "5"


class TestTraces:
    def test_nothing_of_an_assertion_is_in_a_row_or_a_line(
        self, issuer: Issuer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        good, bad = issuer.sign(jti=MARK), issuer.sign(jti=MARK, aud=MARK)
        verify(good, issuer.trust())
        for assertion in (good, bad):
            reason(issuer, assertion)

        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM tiled_scim_usedassertion")
            kept = str(cursor.fetchall())
        for text in (kept, caplog.text):
            assert MARK not in text
            assert not any(part in text for part in good.split("."))

    def test_nothing_of_an_assertion_is_in_an_error_report(self, issuer: Issuer) -> None:
        """Django's reports, and those of Sentry, show local variables."""

        def away(execute: Any, sql: str, *args: Any) -> Any:
            if "tiled_scim_usedassertion" in sql:
                raise OperationalError("the database is away")
            return execute(sql, *args)

        trust, secret = issuer.trust(), Secret(issuer.sign(jti=MARK, oid=MARK))
        with connection.execute_wrapper(away), pytest.raises(OperationalError) as error:
            verify(secret, trust)

        reporter = ExceptionReporter(None, error.type, error.value, error.tb)
        report = reporter.get_traceback_html() + reporter.get_traceback_text()
        assert "the database is away" in report
        assert not any(part in report for part in (*secret.split("."), MARK))


class TestWithoutTheExtra:
    def test_it_is_here(self) -> None:
        assert is_available()

    def test_nothing_is_verified(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(assertions, "IS_AVAILABLE", False)

        assert not is_available()
        assert "Install tiled-scim[federation]" in reason(issuer, issuer.sign())


def at(offsets: dict[str, Any]) -> dict[str, Any]:
    """Claims with times, from their distance to now."""
    now = int(time.time())
    return {name: value if value is None else now + value for name, value in offsets.items()}


def signed(issuer: Issuer, header: object, content: object, key: Any = None) -> str:
    """A token with any header and any claims, which a library may refuse to make."""
    signing = f"{encoded(header)}.{encoded(content)}"
    signature = (key or rsa_key()).sign(signing.encode(), PKCS1v15(), hashes.SHA256())
    return f"{signing}.{encoded(signature)}"
