"""Universal Logout: who may end whose sessions, and what everybody else learns."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.factories import make_user
from tests.oauth.issuer import Issuer, public, rsa_key, status
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, CARL, NOBODY, Answer, Scim
from tests.wire.transport import HOST
from tiled_scim import logout
from tiled_scim.connections import Actor, UnknownAccountError
from tiled_scim.errors import Cause
from tiled_scim.logout import InvalidIssuerError, configure, issuer_of, path_of, turn_off
from tiled_scim.models import Action, LogoutIssuer, Outcome, ScimEvent, UsedAssertion
from tiled_scim.oauth import assertions

pytestmark = pytest.mark.django_db

ORG = "https://acme.okta.example"
PATH = "/global-token-revocation"
JOB = Actor("nightly job")
OKTA_ID = "00u1a2b3c4d5e6f7g8h9"
TYP = {"typ": "global-token-revocation+jwt"}
PASSWORD = "correct horse battery staple"


def subject(**identifier: object) -> dict[str, object]:
    return {"sub_id": identifier}


ANN_BY_EMAIL = subject(format="email", email=ANN)


class Okta:
    """The Okta of an account, which signs its requests for Universal Logout.

    Args:
        issuer: Its keys.
        row: What the account has configured.
    """

    def __init__(self, issuer: Issuer, row: LogoutIssuer) -> None:
        self.issuer, self.row = issuer, row
        self.path = f"/{path_of(row)}"

    @property
    def url(self) -> str:
        return f"http://{HOST}/scim/v2{self.path}"

    def assertion(self, key: Any = None, headers: Any = None, **changes: object) -> str:
        now = int(time.time())
        good = {
            "jti": str(uuid.uuid4()),
            "iss": self.row.issuer,
            "sub": "0oa1client",
            "aud": self.url,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
        }
        sent = {name: value for name, value in {**good, **changes}.items() if value is not None}
        return self.issuer.sign(sent, key=key, headers={**TYP, **(headers or {})})

    def send(self, body: object, path: str = "", **changes: Any) -> Answer:
        return post(f"Bearer {self.assertion(**changes)}", path or self.path, body)


def post(authorization: str | None, path: str, body: object) -> Answer:
    headers = {"User-Agent": "Okta-Integrations", "Accept": "application/json"}
    return Scim(authorization, headers, "application/json").post(path, body)


class Browser:
    """Somebody who is signed in."""

    def __init__(self, user: User) -> None:
        user.set_password(PASSWORD)
        user.save()
        self.client = Client()
        self.client.force_login(user)

    @property
    def is_signed_in(self) -> bool:
        return self.client.get("/").status_code == 200


def browser_of(user_name: str) -> Browser:
    return Browser(User.objects.get(username=user_name))


@pytest.fixture(autouse=True)
def _quick_passwords(settings: LazySettings) -> None:
    """What passwords are hashed with is not what is tested here."""
    hashers = ("MD5PasswordHasher", "PBKDF2PasswordHasher")
    settings.PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}" for name in hashers]


@pytest.fixture
def scim() -> Scim:
    return Scim(f"Bearer {new_token()[1]}")


@pytest.fixture
def ann(scim: Scim) -> Browser:
    scim.add_user(ANN, externalId=OKTA_ID)
    return browser_of(ANN)


@pytest.fixture
def okta(issuer: Issuer) -> Okta:
    return Okta(issuer, configure("", JOB, ORG, issuer.url))


def last_event() -> ScimEvent:
    return ScimEvent.objects.latest("pk")


class TestLogout:
    def test_a_person_is_signed_out_at_once(self, okta: Okta, scim: Scim, ann: Browser) -> None:
        scim.add_user(BOB)
        bob = browser_of(BOB)
        browsers = [ann, bob]
        assert [browser.is_signed_in for browser in browsers] == [True, True]

        answer = okta.send(ANN_BY_EMAIL)

        assert (answer.status, answer.text) == (204, "")
        assert [browser.is_signed_in for browser in browsers] == [False, True]
        assert not Client().login(username=ANN, password=PASSWORD)

    def test_the_person_stays_active(self, okta: Okta, scim: Scim, ann: Browser) -> None:
        [before] = scim.get("/Users").json["Resources"]

        okta.send(ANN_BY_EMAIL)

        assert scim.get("/Users").json["Resources"] == [before]
        assert User.objects.get(username=ANN).is_active

    def test_it_is_an_event(self, okta: Okta, ann: Browser) -> None:
        okta.send(ANN_BY_EMAIL)

        event = last_event()
        assert (event.action, event.outcome, event.status) == (
            Action.SESSIONS_ENDED,
            Outcome.DONE,
            204,
        )
        assert (event.resource_name, event.client, event.method) == (
            ANN,
            "Okta-Integrations",
            "POST",
        )
        assert (event.account, event.token_last_four, event.changes) == ("", "", {})

    @pytest.mark.parametrize(
        "body",
        [
            {"subject": {"format": "email", "email": ANN}},
            {"sub_id": {"format": "email", "email": ANN}},
            {"sub_id": {"format": "email", "email": ANN.upper()}},
            {name: {"format": "email", "email": ANN} for name in ("sub_id", "subject")},
            {"subject": {"format": "iss_sub", "iss": ORG, "sub": OKTA_ID}},
            {"subject": {"format": "iss_sub", "iss": f"{ORG}/oauth2/default", "sub": OKTA_ID}},
            {"subject": {"format": "iss_sub", "iss": "http://www.okta.com/exk1", "sub": ANN}},
            {"subject": {"format": "opaque", "id": OKTA_ID}},
            {"subject": {"format": "opaque", "id": ANN}},
            {**ANN_BY_EMAIL, "reason": "suspicious"},
        ],
    )
    def test_each_format_finds_the_person(self, okta: Okta, ann: Browser, body: object) -> None:
        assert okta.send(body).status == 204
        assert not ann.is_signed_in

    def test_the_scim_id_finds_the_person(self, okta: Okta, scim: Scim) -> None:
        key = scim.add_user(ANN)
        ann = browser_of(ANN)

        assert okta.send(subject(format="opaque", id=key)).status == 204
        assert not ann.is_signed_in

    def test_the_email_address_may_differ_from_the_user_name(self, okta: Okta, scim: Scim) -> None:
        emails = [
            {"value": "ann@home.example", "type": "home"},
            {"value": "ann@work.example", "type": "work", "primary": True},
        ]
        scim.add_user("ann", emails=emails)
        ann = browser_of("ann")

        assert okta.send(subject(format="email", email="ann@home.example")).status == 404
        assert ann.is_signed_in
        assert okta.send(subject(format="email", email="Ann@Work.example")).status == 204
        assert not ann.is_signed_in

    @pytest.mark.parametrize(
        "emails",
        [
            [{"value": "host@x.example"}, {"value": "other@x.example"}],
            [{"value": "other@x.example"}, {"value": "host@x.example", "type": "work"}],
            [
                {"type": "home", "primary": True},
                {"value": "other@x.example", "type": "home"},
                {"value": "host@x.example", "type": "work"},
            ],
        ],
        ids=["the first", "the first for work", "the primary one has no value"],
    )
    def test_the_address_that_the_host_has_counts(
        self, okta: Okta, scim: Scim, emails: list[dict[str, object]]
    ) -> None:
        scim.add_user("ann", emails=emails)
        ann = browser_of("ann")
        assert User.objects.get(username="ann").email == "host@x.example"

        assert okta.send(subject(format="email", email="other@x.example")).status == 404
        assert ann.is_signed_in
        assert okta.send(subject(format="email", email="Host@x.example")).status == 204
        assert not ann.is_signed_in

    def test_somebody_who_is_deactivated_is_found(self, okta: Okta, scim: Scim) -> None:
        scim.deactivate(scim.add_user(ANN))

        assert okta.send(ANN_BY_EMAIL).status == 204

    def test_the_url_of_the_setting_is_the_audience(
        self, okta: Okta, ann: Browser, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_BASE_URL = "https://scim.example/v2/"

        assert okta.send(ANN_BY_EMAIL).status == 401
        assert okta.send(ANN_BY_EMAIL, aud=f"https://scim.example/v2{okta.path}/").status == 204

    def test_it_works_where_deactivation_ends_no_sessions(
        self, okta: Okta, ann: Browser, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_END_SESSIONS = False

        assert okta.send(ANN_BY_EMAIL).status == 204
        assert not ann.is_signed_in


class TestSubjects:
    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            "ann@example.com",
            {},
            {"sub_id": None},
            {"sub_id": ANN},
            {"sub_id": [{"format": "email", "email": ANN}]},
            {"sub_id": {}},
            {"sub_id": {"email": ANN}},
            {"sub_id": {"format": "phone_number", "phone_number": "+12065550100"}},
            {"sub_id": {"format": ["email"], "email": ANN}},
            {"sub_id": {"format": "email"}},
            {"sub_id": {"format": "email", "email": ""}},
            {"sub_id": {"format": "email", "email": [ANN]}},
            {"sub_id": {"format": "email", "id": ANN}},
            {"sub_id": {"format": "email", "email": "x" * 1025}},
            {"sub_id": {"format": "iss_sub", "sub": OKTA_ID}},
            {"sub_id": {"format": "iss_sub", "iss": ORG}},
            {"sub_id": {"format": "opaque", "id": 5}},
            {"sub_id": {"format": "opaque", "id": "\0"}},
            {"sub_id": {"format": "email", "email": "ann@example.com\0"}},
            {"sub_id": {"format": "email", "email": "\ud800"}},
            {"sub_id": {"format": "iss_sub", "iss": "\ud800", "sub": OKTA_ID}},
            {
                "sub_id": {"format": "email", "email": ANN},
                "subject": {"format": "email", "email": BOB},
            },
        ],
    )
    def test_a_bad_one_is_refused(self, okta: Okta, ann: Browser, body: object) -> None:
        assert okta.send(body).error == (400, "invalidValue")
        assert ann.is_signed_in

    def test_what_is_no_json_is_refused(self, okta: Okta, ann: Browser) -> None:
        assert okta.send(b"sub_id=ann").error == (400, "invalidSyntax")
        assert ann.is_signed_in

    @pytest.mark.parametrize(
        "identifier",
        [
            {"format": "email", "email": CARL},
            {"format": "email", "email": '" or userName pr or "" eq "'},
            {"format": "email", "email": "%"},
            {"format": "opaque", "id": NOBODY},
            {"format": "iss_sub", "iss": ORG, "sub": OKTA_ID.upper()},
        ],
    )
    def test_nobody_is_not_found(
        self, okta: Okta, ann: Browser, identifier: dict[str, object]
    ) -> None:
        answer = okta.send(subject(**identifier))

        assert answer.error == (404, None)
        assert answer.json["detail"] == "The account has no such user."
        assert ann.is_signed_in
        assert last_event().outcome == Outcome.REFUSED

    def test_a_user_that_scim_does_not_manage_is_not_found(self, okta: Okta) -> None:
        make_user(BOB, email=BOB)
        bob = browser_of(BOB)

        assert okta.send(subject(format="email", email=BOB)).status == 404
        assert bob.is_signed_in

    def test_somebody_who_was_unlinked_is_not_found(self, okta: Okta, scim: Scim) -> None:
        scim.delete(f"/Users/{scim.add_user(ANN)}")

        assert okta.send(ANN_BY_EMAIL).status == 404

    def test_if_several_people_fit_nobody_is_signed_out(self, okta: Okta, scim: Scim) -> None:
        scim.add_user("ann", emails=[{"value": "all@example.com", "primary": True}])
        scim.add_user("bob", emails=[{"value": "all@example.com", "primary": True}])
        browsers = [browser_of("ann"), browser_of("bob")]

        answer = okta.send(subject(format="email", email="all@example.com"))

        assert answer.status == 422
        assert "fits 2 users" in answer.json["detail"]
        assert last_event().cause == Cause.CLIENT
        assert all(browser.is_signed_in for browser in browsers)


class TestPeople:
    def test_a_superuser_is_not_signed_out(self, okta: Okta, ann: Browser) -> None:
        User.objects.filter(username=ANN).update(is_superuser=True)

        answer = okta.send(ANN_BY_EMAIL)

        assert answer.status == 403
        assert "protected" in answer.json["detail"]
        assert ann.is_signed_in

    def test_neither_is_somebody_with_permissions(self, okta: Okta, ann: Browser) -> None:
        permission = Permission.objects.get(codename="change_user")
        User.objects.get(username=ANN).user_permissions.add(permission)

        assert okta.send(ANN_BY_EMAIL).status == 403
        assert ann.is_signed_in


class TestSignature:
    """Who is not the account's issuer learns nothing, and ends nothing."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"iss": "https://other.okta.example"}, "“iss” is not"),
            ({"iss": None}, "“iss” is missing"),
            ({"aud": "https://other.example/scim/v2" + PATH}, "“aud” is none of"),
            ({"aud": ORG}, "“aud” is none of"),
            ({"aud": None}, "“aud” is missing"),
            ({"exp": 1}, "“exp” is more than"),
            ({"exp": None}, "“exp” is missing"),
            ({"nbf": 2**33}, "ahead"),
            ({"headers": {"typ": "at+jwt"}}, "“typ” is none of"),
            ({"headers": {"kid": "two"}}, "“kid” is of none"),
            ({"key": rsa_key(1)}, "The signature is not"),
        ],
    )
    def test_a_wrong_one_is_refused(
        self,
        okta: Okta,
        ann: Browser,
        caplog: pytest.LogCaptureFixture,
        changes: dict[str, Any],
        reason: str,
    ) -> None:
        answer = okta.send(ANN_BY_EMAIL, **changes)

        assert answer.error == (401, None)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert reason in caplog.text
        assert reason not in answer.text
        assert ann.is_signed_in

    def test_the_answer_is_the_same_whatever_is_wrong(
        self, okta: Okta, scim: Scim, ann: Browser
    ) -> None:
        wrong = [
            okta.send(ANN_BY_EMAIL, iss="https://other.example"),
            okta.send(subject(format="email", email="nobody@example.com"), exp=1),
            okta.send([], key=rsa_key(1)),
            post("Bearer a.b.c", okta.path, ANN_BY_EMAIL),
            post("Bearer tscim_guess", okta.path, ANN_BY_EMAIL),
            post(scim.headers["Authorization"], okta.path, ANN_BY_EMAIL),
            post(None, okta.path, ANN_BY_EMAIL),
        ]

        assert len({answer.text for answer in wrong}) == 1
        assert {answer.status for answer in wrong} == {401}
        assert ann.is_signed_in

    def test_a_signed_request_is_valid_once(self, okta: Okta, ann: Browser) -> None:
        authorization = f"Bearer {okta.assertion()}"

        assert post(authorization, okta.path, ANN_BY_EMAIL).status == 204
        assert post(authorization, okta.path, ANN_BY_EMAIL).status == 401
        assert UsedAssertion.objects.count() == 1

    def test_while_the_keys_cannot_be_fetched_okta_shall_retry(
        self, okta: Okta, ann: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        okta.issuer.answer(status(503))

        answer = okta.send(ANN_BY_EMAIL)

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert (last_event().status, last_event().account) == (503, "")
        assert "could not be fetched" in caplog.text
        assert ann.is_signed_in

    def test_what_is_signed_for_logout_opens_nothing_else(self, okta: Okta, ann: Browser) -> None:
        authorization = f"Bearer {okta.assertion()}"

        assert Scim(authorization).get("/Users").status == 401
        assert post(authorization, PATH, ANN_BY_EMAIL).status == 401

    def test_a_refusal_is_an_event_of_the_account_and_no_old_token(
        self, okta: Okta, scim: Scim, ann: Browser
    ) -> None:
        okta.send(ANN_BY_EMAIL, exp=1)

        event = last_event()
        assert (event.status, event.cause, event.account) == (401, "not_signed", "")
        assert event.resource_name == ""

    def test_strangers_are_throttled_and_fill_no_table(
        self, okta: Okta, ann: Browser, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_THROTTLE = "3/day"
        before = ScimEvent.objects.count()

        statuses = [post("Bearer guess", okta.path, ANN_BY_EMAIL).status for _ in range(5)]

        assert statuses == [401, 401, 401, 429, 429]
        assert ScimEvent.objects.count() == before + 2

    def test_the_issuer_is_throttled(
        self, okta: Okta, ann: Browser, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_THROTTLE = "2/day"

        statuses = [okta.send(ANN_BY_EMAIL).status for _ in range(3)]

        assert statuses == [204, 204, 429]

    def test_no_assertion_is_left_anywhere(
        self, okta: Okta, ann: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sent = [okta.assertion(), okta.assertion(), okta.assertion(exp=1)]
        for assertion in (*sent, sent[0]):
            post(f"Bearer {assertion}", okta.path, ANN_BY_EMAIL)

        lines = [caplog.text, *(str(vars(record)) for record in caplog.records)]
        kept = [str(row) for table in tables() for row in rows_of(table)]
        for text in (*lines, *kept):
            assert not any(part in text for each in sent for part in each.split("."))


class TestOff:
    """Until it is configured, the endpoint is not there."""

    @pytest.fixture
    def somewhere(self) -> str:
        return f"{PATH}/{uuid.uuid4()}"

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_it_is_as_any_path_that_does_not_exist(
        self, scim: Scim, ann: Browser, somewhere: str, method: str
    ) -> None:
        for caller in (scim, Scim(None), Scim("Bearer guess"), Scim("Bearer a.b.c")):
            unknown = caller.send(method, "/Nothing", ANN_BY_EMAIL)
            for path in (PATH, somewhere, f"{PATH}/nothing"):
                answer = caller.send(method, path, ANN_BY_EMAIL)
                expected = unknown.text.replace("/Nothing", path)
                assert (answer.status, answer.text) == (unknown.status, expected)
        assert ann.is_signed_in

    def test_it_is_off_again_after_it_was_turned_off(self, okta: Okta, ann: Browser) -> None:
        assert turn_off("", JOB)

        assert okta.send(ANN_BY_EMAIL).status == 401
        assert ann.is_signed_in
        assert not turn_off("", JOB)

    def test_it_is_off_without_the_extra(
        self, okta: Okta, scim: Scim, ann: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(assertions, "IS_AVAILABLE", False)

        assert okta.send(ANN_BY_EMAIL).status == 401
        assert post(scim.headers["Authorization"], okta.path, ANN_BY_EMAIL).status == 404
        assert ann.is_signed_in

    def test_it_is_off_while_the_account_may_not_use_scim(
        self, okta: Okta, ann: Browser, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_ENABLED = False

        assert okta.send(ANN_BY_EMAIL).status == 403
        assert ann.is_signed_in

    def test_only_post_is_there(self, okta: Okta) -> None:
        caller = Scim(f"Bearer {okta.assertion()}")

        assert caller.get(okta.path).status == 405


class TestOwnCredentials:
    @pytest.fixture
    def _allowed(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_LOGOUT_WITH_TOKEN = True

    @pytest.mark.usefixtures("_allowed")
    def test_the_accounts_token_works_if_a_setting_says_so(self, scim: Scim, ann: Browser) -> None:
        assert scim.post(PATH, ANN_BY_EMAIL).status == 204
        assert not ann.is_signed_in
        assert last_event().token_last_four == scim.headers["Authorization"][-4:]

    @pytest.mark.usefixtures("_allowed")
    def test_other_spellings_of_the_path_work(self, scim: Scim, ann: Browser) -> None:
        for path in (f"{PATH}/", f"/{PATH}", PATH.upper()):
            assert scim.post(path, ANN_BY_EMAIL).status == 204

    @pytest.mark.usefixtures("_allowed")
    def test_a_replaced_token_does_not(self, scim: Scim, ann: Browser) -> None:
        new_token()

        assert scim.post(PATH, ANN_BY_EMAIL).status == 401
        assert ann.is_signed_in

    def test_without_the_setting_it_does_not(self, scim: Scim, ann: Browser) -> None:
        assert scim.post(PATH, ANN_BY_EMAIL).status == 404
        assert ann.is_signed_in


class TestAccounts:
    """Two accounts, with one Okta each, or with the same."""

    @pytest.fixture(autouse=True)
    def _two_accounts(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_HOST_ADAPTER = Together
        settings.TILED_SCIM_LOGOUT_WITH_TOKEN = True

    @pytest.fixture
    def okta_of(self, issuer: Issuer) -> Callable[[str], Okta]:
        return lambda account: Okta(issuer, configure(account, JOB, ORG, issuer.url))

    def test_an_issuer_reaches_its_account_only(self, okta_of: Callable[[str], Okta]) -> None:
        client_of(ACME).add_user(ANN)
        client_of(GLOBEX).add_user(BOB)
        ann, bob = browser_of(ANN), browser_of(BOB)
        acme = okta_of(ACME)

        other = acme.send(subject(format="email", email=BOB))
        nobody = acme.send(subject(format="email", email="nobody@example.com"))

        assert (other.status, other.text) == (nobody.status, nobody.text)
        assert other.status == 404
        assert bob.is_signed_in
        assert acme.send(ANN_BY_EMAIL).status == 204
        assert not ann.is_signed_in

    def test_what_is_signed_for_one_account_is_not_for_another(
        self, okta_of: Callable[[str], Okta]
    ) -> None:
        """Both have the same Okta org, whose keys sign for both."""
        client_of(GLOBEX).add_user(BOB)
        bob = browser_of(BOB)
        acme, globex = okta_of(ACME), okta_of(GLOBEX)
        body = subject(format="email", email=BOB)

        assert acme.send(body, path=globex.path).status == 401
        assert bob.is_signed_in
        assert globex.send(body).status == 204

    def test_naming_anothers_issuer_gives_nothing(
        self, okta_of: Callable[[str], Okta], issuer: Issuer
    ) -> None:
        """Globex configures Acme's issuer, with keys of its own."""
        client_of(ACME).add_user(ANN)
        ann, acme = browser_of(ANN), okta_of(ACME)
        mallory = Issuer(issuer.server)
        mallory.publish(public(rsa_key(1)))
        globex = Okta(mallory, configure(GLOBEX, JOB, ORG, mallory.url))

        assert globex.send(ANN_BY_EMAIL, path=acme.path, key=rsa_key(1), aud=acme.url).status == 401
        assert globex.send(ANN_BY_EMAIL, key=rsa_key(1)).status == 404
        assert ann.is_signed_in
        assert acme.send(ANN_BY_EMAIL).status == 204

    def test_an_account_does_not_sign_out_a_user_of_another_account(
        self, okta_of: Callable[[str], Okta], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor does it learn of the other one: it may have pushed the person to find out."""
        for account in (ACME, GLOBEX):
            client_of(account).add_user(ANN)
        client_of(ACME).add_user(BOB)
        ann, acme = browser_of(ANN), okta_of(ACME)
        password = User.objects.get(username=ANN).password

        answers = [acme.send(subject(format="email", email=name)) for name in (ANN, BOB)]

        assert [(answer.status, answer.text) for answer in answers] == [(204, "")] * 2
        assert ann.is_signed_in
        assert User.objects.get(username=ANN).password == password
        assert "was not signed out" in caplog.text
        events = ScimEvent.objects.filter(action=Action.SESSIONS_ENDED)
        assert len(set(events.values_list("account", "outcome", "status", "detail"))) == 1

    def test_an_adapter_ends_the_sessions_of_one_account(
        self, okta_of: Callable[[str], Okta], settings: LazySettings
    ) -> None:
        ended: list[tuple[str, str]] = []

        class WithSessions(Together):
            def end_account_sessions(self, user: Any) -> None:
                ended.append((self.account, user.username))

        settings.TILED_SCIM_HOST_ADAPTER = WithSessions
        for account in (ACME, GLOBEX):
            client_of(account).add_user(ANN)

        assert okta_of(ACME).send(ANN_BY_EMAIL).status == 204
        assert ended == [(ACME, ANN)]

    def test_a_token_reaches_its_account_only(self) -> None:
        client_of(ACME).add_user(ANN)
        ann = browser_of(ANN)

        assert client_of(GLOBEX).post(PATH, ANN_BY_EMAIL).status == 404
        assert ann.is_signed_in


class TestConfiguring:
    def test_it_is_an_event_with_who_did_it(self) -> None:
        root = make_user("root")
        issuer = configure("", Actor("Settings: root", root, "192.0.2.1"), ORG)

        event = last_event()
        assert (event.action, event.actor, event.address) == (
            Action.LOGOUT_CONFIGURED,
            "Settings: root",
            "192.0.2.1",
        )
        keys = f"{ORG}/oauth2/v1/keys"
        assert event.changes["attributes"] == {"issuer": [None, ORG], "jwks_url": [None, keys]}
        assert (issuer.jwks_url, issuer.created_by) == (keys, root)

    def test_the_url_stays_the_same(self) -> None:
        first = configure("", JOB, ORG)
        second = configure("", JOB, "https://other.okta.example/")

        assert path_of(first) == path_of(second)
        assert second.jwks_url == "https://other.okta.example/oauth2/v1/keys"
        assert issuer_of("") == LogoutIssuer.objects.get()

    def test_the_same_again_is_no_event(self) -> None:
        configure("", JOB, ORG)
        before = ScimEvent.objects.count()

        configure("", JOB, ORG)

        assert ScimEvent.objects.count() == before

    def test_turning_it_off_is_an_event(self) -> None:
        configure("", JOB, ORG)
        turn_off("", JOB)

        assert last_event().action == Action.LOGOUT_TURNED_OFF
        assert issuer_of("") is None

    @pytest.mark.parametrize(
        ("issuer", "keys", "expected"),
        [
            ("", "", "issuer: The URL does not begin with https://"),
            ("http://acme.okta.example", "", "issuer: The URL does not begin with https://"),
            (ORG, "http://acme.okta.example/keys", "jwks_url: The URL does not begin with"),
            (ORG, "https://ann@acme.okta.example/keys", "jwks_url: The URL has a user name"),
        ],
    )
    def test_a_bad_url_is_refused(self, issuer: str, keys: str, expected: str) -> None:
        with pytest.raises(InvalidIssuerError, match=expected):
            configure("", JOB, issuer, keys)

        assert not LogoutIssuer.objects.exists()

    def test_an_account_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(UnknownAccountError):
            configure("nobody", JOB, ORG)

    def test_the_issuer_outlives_its_creator(self) -> None:
        root = make_user("root")
        configure("", Actor("root", root), ORG)

        root.delete()

        assert LogoutIssuer.objects.get().created_by is None


class TestCommand:
    def test_it_configures_shows_and_turns_off(self, settings: LazySettings) -> None:
        assert command("show") == "Universal Logout is off.\n"

        shown = command("configure", "--issuer", ORG)

        path = logout.path_of(LogoutIssuer.objects.get())
        assert f"Issuer: {ORG}\nKeys: {ORG}/oauth2/v1/keys\nLogout endpoint: {path}\n" in shown
        assert "below the SCIM base URL" in shown
        settings.TILED_SCIM_BASE_URL = "https://scim.example/v2"
        assert f"Logout endpoint: https://scim.example/v2/{path}\n" in command("show")
        assert last_event().actor.startswith("scim_logout")
        assert command("off") == "Universal Logout is off now.\n"
        assert command("off") == "Universal Logout was off already.\n"

    def test_it_says_what_is_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(CommandError, match="https://"):
            command("configure", "--issuer", "acme")
        with pytest.raises(CommandError, match="no account 'nobody'"):
            command("show", "--account", "nobody")
        monkeypatch.setattr(assertions, "IS_AVAILABLE", False)
        with pytest.raises(CommandError, match="Install tiled-scim"):
            command("configure", "--issuer", ORG)


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("scim_logout", *arguments, stdout=output)
    return output.getvalue()


def tables() -> list[str]:
    names = connection.introspection.table_names()
    return [name for name in names if name.startswith("tiled_scim_")]


def rows_of(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 (a name of the database's own)
        return list(cursor.fetchall())
