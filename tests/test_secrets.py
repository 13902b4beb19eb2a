"""Tests that tokens and passwords are never stored: not in rows, logs or cookies."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.admin.browser import GENERATE, PAGE, REVOKE, confirmed, generated, shown_token, signed_in
from tests.wire.client import ANN, BOB, NOBODY, Scim, patch_op, user
from tiled_scim.host import HostAdapter
from tiled_scim.models import ScimEvent, ScimToken

PASSWORD, ANOTHER, BAD, BULK, PATCHED = (
    f"correct horse {name}" for name in ("battery", "staple", "bad", "bulk", "patched")
)
GUESSED = "tscim_guessed-by-a-stranger-and-refused-again-00000"


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.mark.django_db
def test_no_secret_is_left_anywhere(
    admin: Client,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False

    tokens = [generated(admin)]
    push(Scim(f"Bearer {tokens[0]}"), monkeypatch)
    tokens.append(shown_token(admin.post(GENERATE, confirmed(ScimToken.objects.current().newest))))
    Scim(f"Bearer {tokens[0]}").post("/Users", user(BOB, password=PASSWORD))
    Scim(tokens[1]).get("/Users")
    Scim(f"Bearer {GUESSED}").get("/Users")
    Scim(f"Bearer {tokens[1]} {tokens[1]}").get("/Users")
    answers = [admin.get(url).text for url in pages()]
    admin.post(REVOKE, confirmed(ScimToken.objects.current().newest))
    call_command("scim_token", "generate", "--quiet")
    tokens.append(capsys.readouterr().out.strip())
    call_command("scim_token", "list")

    secrets = [*tokens, GUESSED, PASSWORD, ANOTHER, BAD, BULK, PATCHED]
    places = {
        "rows": "\n".join(rows()),
        "log": "\n".join([caplog.text, *(str(vars(record)) for record in caplog.records)]),
        "cookies": str(admin.cookies),
        "sessions": "\n".join(str(session.get_decoded()) for session in Session.objects.all()),
        "pages": "\n".join(answers),
        "output": capsys.readouterr().out,
    }
    found = [
        (place, secret) for place, text in places.items() for secret in secrets if secret in text
    ]
    assert found == []
    assert tokens[0][-4:] in places["rows"]
    assert ScimEvent.objects.filter(outcome="failed").exists()


def push(okta: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send passwords in every request that can contain one: successful, refused and failed."""
    ann = okta.post("/Users", user(ANN, password=PASSWORD)).json["id"]
    okta.put(f"/Users/{ann}", user(ANN, password=ANOTHER))
    change = {"op": "replace", "path": "password", "value": PATCHED}
    okta.send("PATCH", f"/Users/{ann}", patch_op(change))
    okta.send("PATCH", f"/Users/{ann}", patch_op({"op": "add", "value": {"password": PATCHED}}))
    okta.post("/Users", user(BOB, password=BAD, active="maybe"))
    okta.post("/Users", user(ANN, password=BAD))
    okta.put(f"/Users/{NOBODY}", user(BOB, password=BAD))
    data = user(BOB, password=BULK)
    operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": data}
    okta.post("/Bulk", {"schemas": [], "Operations": [operation, {**operation, "bulkId": "2"}]})
    with monkeypatch.context() as patched:
        patched.setattr(HostAdapter, "create_user", fail)
        okta.post("/Users", user("carl@example.com", password=PASSWORD))


def pages() -> Iterator[str]:
    yield PAGE
    yield "/admin/tiled_scim/scimevent/"
    for key in ScimEvent.objects.values_list("pk", flat=True):
        yield f"/admin/tiled_scim/scimevent/{key}/change/"


def rows() -> Iterator[str]:
    """Return every row of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (a name)
            yield from map(str, cursor.fetchall())


def fail(*args: object, **kwargs: object) -> None:
    raise RuntimeError("the host's own fault")
