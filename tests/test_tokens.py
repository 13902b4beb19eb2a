"""Tokens: what they are, how many an account has, and that nothing tells of one that has ended."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tokens import new_token
from tests.wire.client import ANN, Answer, Scim, user
from tiled_scim.models import TOKEN_PREFIX, USED_INTERVAL, ScimEvent, ScimToken, Slot

pytestmark = pytest.mark.django_db


def test_a_token_is_256_random_bits_after_a_prefix_and_kept_as_a_digest() -> None:
    token, plaintext = new_token()

    prefix, _, secret = plaintext.partition("_")
    assert f"{prefix}_" == TOKEN_PREFIX
    assert len(base64.urlsafe_b64decode(f"{secret}=")) * 8 == 256
    assert token.digest == hashlib.sha256(plaintext.encode()).hexdigest()
    row = ScimToken.objects.values().get()
    assert not any(secret in str(value) for value in row.values())
    assert len({new_token()[1] for _ in range(50)}) == 50


@pytest.mark.parametrize("slot", [Slot.NEWEST, Slot.PREVIOUS, 0, 3])
def test_the_database_itself_refuses_an_account_a_third_current_token(slot: int) -> None:
    new_token("acme")
    ScimToken.objects.renew("acme", keep=timedelta(days=1))

    with pytest.raises(IntegrityError), transaction.atomic():
        ScimToken.objects.create(account="acme", slot=slot, digest="0" * 64)

    ScimToken.objects.create(account="acme", slot=None, digest="0" * 64)
    ScimToken.objects.create(account="acme", slot=None, digest="1" * 64)
    slots = ScimToken.objects.filter(account="acme").values_list("slot", flat=True)
    assert sorted(slots, key=str) == [Slot.NEWEST, Slot.PREVIOUS, None, None]


def test_a_token_that_is_kept_works_beside_the_new_one_until_it_ends_by_itself() -> None:
    earlier, old = new_token()
    new = ScimToken.objects.renew(keep=timedelta(days=1)).plaintext
    assert [Scim(f"Bearer {each}").get("/Users").status for each in (old, new)] == [200, 200]

    ScimToken.objects.filter(pk=earlier.pk).update(expires_at=timezone.now())

    assert Scim(f"Bearer {old}").get("/Users").error == (401, None)
    assert Scim(f"Bearer {new}").get("/Users").status == 200


def _ended() -> dict[str, str]:
    """A token of each kind that opens nothing, each of an account of its own."""
    tokens = {name: new_token(name) for name in ("expired", "revoked", "replaced")}
    tokens["expired"][0].expires_at = timezone.now() - timedelta(seconds=1)
    tokens["expired"][0].save()
    tokens["revoked"][0].revoke()
    new_token("replaced")
    plaintexts = {name: plaintext for name, (_, plaintext) in tokens.items()}
    return {"never one": TOKEN_PREFIX + "x" * 43, "no word of ours": "x", **plaintexts}


def _visible(answer: Answer) -> tuple[object, ...]:
    """All that a client sees of an answer, but for the number of the request."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status, headers, answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/Users", None),
        ("POST", "/Users", user(ANN)),
        ("DELETE", "/Users/x", None),
        ("GET", "/Me", None),
        ("GET", "/nothing", None),
        ("BREW", "/Users", None),
        ("POST", "/Bulk", b"{"),
    ],
)
def test_tokens_that_open_nothing_are_answered_alike_with_as_many_queries(
    method: str, path: str, body: object
) -> None:
    seen: dict[str, tuple[object, ...]] = {}

    for name, plaintext in _ended().items():
        ScimEvent.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            answer = Scim(f"Bearer {plaintext}").send(method, path, body)
        seen[name] = (*_visible(answer), len(queries))

    assert len(set(map(str, seen.values()))) == 1, seen
    assert seen["expired"][0] == 401


def test_a_token_ends_when_it_expires() -> None:
    token, plaintext = new_token(lifetime=timedelta(days=1))
    scim = Scim(f"Bearer {plaintext}")
    assert scim.get("/Users").status == 200

    ScimToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())

    assert scim.get("/Users").error == (401, None)


class TestLastUse:
    def test_it_is_noted_once_a_minute(self) -> None:
        token, plaintext = new_token()
        scim = Scim(f"Bearer {plaintext}")
        scim.get("/Users")
        token.refresh_from_db()
        first = token.last_used_at
        assert first is not None

        scim.get("/Users")
        token.refresh_from_db()
        assert token.last_used_at == first

        earlier = first - USED_INTERVAL
        ScimToken.objects.update(last_used_at=earlier)
        scim.get("/Users")
        token.refresh_from_db()
        assert token.last_used_at is not None
        assert token.last_used_at > earlier

    def test_requests_at_once_note_it_once(self) -> None:
        token, _plaintext = new_token()
        first, second = (ScimToken.objects.get(pk=token.pk) for _ in range(2))
        now = timezone.now()

        first.mark_used(now, USED_INTERVAL, client="first")
        second.mark_used(now, USED_INTERVAL, client="second")

        assert ScimToken.objects.get(pk=token.pk).last_used_by == "first"

    def test_it_is_noted_of_a_request_that_leaves_nothing_else(self) -> None:
        token, plaintext = new_token()
        scim = Scim(f"Bearer {plaintext}")
        scim.add_user(ANN)
        ScimToken.objects.update(last_used_at=None)

        assert scim.post("/Users", user(ANN)).status == 409

        token.refresh_from_db()
        assert token.last_used_at is not None

    def test_it_is_written_before_the_transaction_of_the_request(self) -> None:
        _token, plaintext = new_token()

        with CaptureQueriesContext(connection) as queries:
            assert Scim(f"Bearer {plaintext}").post("/Users", user(ANN)).status == 201

        said = [query["sql"] for query in queries]
        noted = next(n for n, sql in enumerate(said) if "last_used_at" in sql and "UPDATE" in sql)
        begun = next(n for n, sql in enumerate(said) if sql.startswith(("SAVEPOINT", "BEGIN")))
        assert noted < begun
