"""The code of docs/runbooks.md, as somebody pastes it into the shell of a product with accounts."""

from __future__ import annotations

import re
import sys
from code import InteractiveConsole
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from tests.documented.pages import ROOT, code_blocks
from tests.hosts.company.customers.models import Account, Membership, Person
from tests.hosts.company.projects.models import Project
from tests.hosts.company.test_company import ACME, ADMIN, ANN, GLOBEX, client_of, push, push_group
from tests.hosts.messages import add_members, person
from tests.wire.client import NOBODY, Scim
from tiled_scim import clients, logout, setup_links
from tiled_scim.clients import NewClient
from tiled_scim.connections import Actor, Connection
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    ScimAccessToken,
    ScimEvent,
    ScimToken,
    UserLink,
)

RUNBOOKS = ROOT / "docs" / "runbooks.md"
PARTS = ["Symptom", "Find out", "Do", "Check"]
TEST = Actor("a test")
KEY = str(ACME)
BOB = "bob@example.com"
OKTA, STRANGER = "198.51.100.1", "203.0.113.7"
# An address to which no server may connect.
UNKNOWN = "https://id.invalid"  # a name that is never resolved (RFC 2606)

pytestmark = pytest.mark.django_db


def sections(level: str) -> dict[str, str]:
    """Return the text below each heading of a level, by title."""
    text = re.split(rf"^{level} (.+)\n", RUNBOOKS.read_text(), flags=re.MULTILINE)
    return dict(zip(text[1::2], text[2::2], strict=True))


def python(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


RUNBOOK = {title: text for title, text in sections("##").items() if title != "The shell"}
ALERTS = sections("###")
[START] = python(sections("##")["The shell"])
[RECENT, *_] = python(RUNBOOK["What to alert on"])


class Shell(InteractiveConsole):
    """A shell into which lines are pasted. Errors are raised."""

    names: dict[str, Any]

    def __init__(self) -> None:
        self.names = {}
        super().__init__(self.names)
        self.paste(START.replace('"acme"', repr(KEY)))

    def paste(self, code: str, **replaced: str) -> None:
        """Enter the lines of a block, in which words are replaced, and press Enter once more."""
        for name, value in replaced.items():
            assert name in code
            code = code.replace(name, value)
        *_, is_incomplete = map(self.push, [*code.splitlines(), ""])
        assert not is_incomplete, code

    def paste_from_sentence(self, code: str) -> None:
        """Enter code that a sentence of the page has."""
        assert f"`{code}`" in RUNBOOKS.read_text()
        self.paste(code)

    def showtraceback(self) -> None:
        raise  # it is called while an error is handled

    def showsyntaxerror(self, *args: Any, **options: Any) -> None:
        raise

    def find(self, alert: str) -> Callable[[str], Any]:
        """Run the query of an alert, and return what gives its variables."""
        for block in (RECENT, *python(ALERTS[alert])):
            self.paste(block)
        return self.names.__getitem__


@pytest.fixture(autouse=True)
def _accounts(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Account.objects.create(pk=ACME, name="Acme Inc.")
    Account.objects.create(pk=GLOBEX, name="Globex Corporation")
    # The hook of Python puts each value into `builtins._`.
    monkeypatch.setattr(sys, "displayhook", lambda value: None)


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def acme() -> Scim:
    return client_of(ACME)


def calling_from(address: str, token: str) -> Scim:
    scim = Scim(f"Bearer {token}")
    scim.client.defaults["REMOTE_ADDR"] = address
    return scim


def blocks(title: str) -> list[str]:
    return python(RUNBOOK[title])


def grown_old(hours: float) -> None:
    ScimEvent.objects.update(created_at=F("created_at") - timedelta(hours=hours))


def test_every_runbook_has_the_same_form() -> None:
    texts = RUNBOOK | ALERTS
    del texts["What to alert on"]

    for title, text in texts.items():
        own = text.partition("\n### ")[0]
        assert re.findall(rf"^\*\*({'|'.join(PARTS)})\b", own, re.MULTILINE) == PARTS, title


def test_there_is_no_other_code() -> None:
    found = [block for text in sections("##").values() for block in python(text)]

    assert found == code_blocks(RUNBOOKS, "python")
    assert len(blocks("What to alert on")) == 1 + sum(len(python(each)) for each in ALERTS.values())


class TestLeak:
    title = "A token or a client secret leaked"

    def leak(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setattr("getpass.getpass", lambda prompt: text)

    def test_what_was_done_with_a_token(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        whose, uses, foreign, undo = blocks(self.title)
        new = Connection(KEY).generate(TEST)
        push(calling_from(OKTA, new.plaintext))
        stranger = calling_from(STRANGER, new.plaintext)
        push_group(stranger, "Own", push(stranger, BOB))
        self.leak(monkeypatch, new.plaintext)
        shell = Shell()

        shell.paste(whose)
        found = capsys.readouterr().out
        shell.paste(uses)
        addresses = [use["address"] for use in shell.names["uses"].order_by("first")]
        capsys.readouterr()
        shell.paste(foreign)
        done = capsys.readouterr().out
        shell.paste(undo)

        assert found == f"ScimToken {KEY} {new.token.last_four} works\n"
        assert addresses == [OKTA, STRANGER]
        assert "user provisioned bob@example.com" in done
        assert "group linked Own" in done
        assert ANN not in done
        assert [link.user_name for link in Connection(KEY).users()] == [ANN]
        assert not Connection(KEY).groups().exists()

        call_command("scim_token", "revoke", account=KEY, token=new.token.last_four)
        assert stranger.get("/Users").status == 401
        attempt = ScimEvent.objects.latest("pk")
        assert (attempt.account, attempt.status, attempt.address) == (KEY, 401, STRANGER)

    @pytest.fixture
    def entra(self) -> NewClient:
        return clients.create(KEY, "Entra ID", TEST)

    def test_a_client_secret(
        self,
        entra: NewClient,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert entra.secret is not None
        access = ScimAccessToken.objects.issue(entra.client, entra.secret.row)[1]
        push(calling_from(STRANGER, access))
        self.leak(monkeypatch, entra.secret.plaintext)
        shell = Shell()

        for block in blocks(self.title)[:3]:
            shell.paste(block)

        found = capsys.readouterr().out
        assert found.startswith(f"ScimClientSecret {KEY} {entra.secret.row.last_four} works\n")
        assert "user provisioned ann@example.com" in found

    def test_an_access_token_ends_with_its_row(
        self, entra: NewClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert entra.secret is not None
        access = ScimAccessToken.objects.issue(entra.client, entra.secret.row)[1]
        thief = calling_from(STRANGER, access)
        assert thief.get("/Users").status == 200
        self.leak(monkeypatch, access)
        shell = Shell()

        shell.paste(blocks(self.title)[0])
        shell.paste_from_sentence("row.delete()")

        assert thief.get("/Users").status == 401
        assert entra.secret.row.is_current

    def test_a_setup_link(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ann = Person.objects.create(email=ANN)
        new = setup_links.create(KEY, Actor("Settings: ann", ann))
        setup_links.use(new.code, STRANGER)
        self.leak(monkeypatch, new.code)
        shell = Shell()

        shell.paste(blocks(self.title)[0])
        shell.paste_from_sentence("setup_links.revoke(link, support)")
        shell.paste(blocks(self.title)[0])

        [events] = re.findall(r"`(Connection\(link.+)`", RUNBOOK[self.title])
        [used] = eval(events, shell.names)  # noqa: S307 (code of our own documentation)
        assert (used.action, used.address) == (Action.SETUP_LINK_USED, STRANGER)
        start = f"SetupLink {KEY} {new.link.pk}"
        assert capsys.readouterr().out == f"{start} works\n{start} has ended\n"


def test_a_customer_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    found, end, unlink, delete = blocks("A customer leaves")
    acme, globex = client_of(ACME), client_of(GLOBEX)
    push_group(acme, "Sales", push(acme))
    push(globex)
    carl = Person.objects.create(email="carl@example.com")
    clients.create(KEY, "Entra ID", TEST)
    logout.configure(KEY, TEST, UNKNOWN)
    setup_links.create(KEY, Actor("Settings: carl", carl))

    shell.paste(found)
    assert "1 users, 1 groups" in capsys.readouterr().out
    shell.paste(end)
    assert acme.get("/Users").status == 401
    assert Membership.objects.get(account=ACME).is_active
    capsys.readouterr()
    shell.paste(unlink)
    shell.paste(found)

    assert capsys.readouterr().out == "[] []\nNone []\n0 users, 0 groups\n"
    assert not Membership.objects.get(account=ACME).is_active
    assert not Project.objects.get().members.exists()
    # The person works for another customer, too.
    assert Person.objects.get(email=ANN).is_active
    assert globex.get("/Users").json["totalResults"] == 1
    assert UserLink.objects.filter(account=KEY, user_name=ANN).exists()

    shell.paste(delete)

    assert not UserLink.objects.filter(account=KEY).exists()
    assert not ScimEvent.objects.filter(account=KEY).exists()
    assert [link.account for link in UserLink.objects.all()] == [str(GLOBEX)]


class TestPerson:
    title = "A person cannot sign in"

    def state(self, shell: Shell, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, str]]:
        """Return what is said of the events, and of the link if there is one."""
        events, link = blocks(self.title)
        shell.paste(events)
        found = capsys.readouterr().out
        if shell.names["link"] is None:
            return found, {}
        shell.paste(link)
        lines = capsys.readouterr().out.splitlines()
        return found, dict(line.split(": ", 1) for line in lines)

    def test_somebody_who_was_refused(
        self, shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ann = Person.objects.create(email=ANN, is_superuser=True)
        Membership.objects.create(person=ann, account_id=ACME, role="member")
        assert acme.post("/Users", person("Ann@Example.com")).status in {403, 409}

        events, state = self.state(shell, capsys)

        assert "refused" in events
        assert "protected" in events
        assert state == {}

    def test_somebody_who_is_active(
        self, shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
    ) -> None:
        push(acme)

        events, state = self.state(shell, capsys)

        assert "user provisioned" in events
        assert state == {
            "username here": f"{ANN} pushed: {ANN}",
            "unlinked": "None",
            "belongs to the account": "True",
            "active in the account": "True",
            "suspended by SCIM": "False",
            "active in the product": "True",
            "protected": "False",
            "in another account, too": "False",
        }

    def test_somebody_who_was_deactivated_in_one_of_two_accounts(
        self, shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
    ) -> None:
        push(client_of(GLOBEX))
        acme.deactivate(push(acme))

        events, state = self.state(shell, capsys)

        assert "user deactivated" in events
        assert state["active in the account"] == "False"
        assert state["active in the product"] == "True"
        assert state["in another account, too"] == "True"

    def test_somebody_who_was_changed_by_hand(
        self, shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
    ) -> None:
        push(acme)
        ann = Person.objects.get()
        Person.objects.update(is_active=False)
        ann.user_permissions.add(Permission.objects.all()[0])

        _, state = self.state(shell, capsys)
        assert state["active in the account"] == "True"
        assert state["active in the product"] == "False"
        assert state["protected"] == "True"

        Membership.objects.all().delete()
        _, state = self.state(shell, capsys)
        assert state["belongs to the account"] == "False"

    def test_somebody_who_was_unlinked(
        self, shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acme.delete(f"/Users/{push(acme)}")

        _, state = self.state(shell, capsys)

        assert state["unlinked"] != "None"

    def test_nobody(self, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.state(shell, capsys) == ("", {})


def test_members_without_access(
    shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
) -> None:
    [find] = blocks("The members of a group have no access")
    key = push_group(acme, "Sales", push(acme))
    acme.send("PATCH", f"/Groups/{key}", add_members(NOBODY))
    project = Project.objects.get()
    project.members.clear()

    shell.paste(find)
    found = capsys.readouterr().out

    assert "managed: True Library: Sales role: \n" in found
    assert f"members: ['{ANN}']" in found
    assert f"without access to its project: {ANN}. Repair: giving them access" in found
    assert NOBODY in found
    assert shell.names["group"] == LibraryGroupLink.objects.get()

    shell.paste_from_sentence("connection.resync(group, support)")
    assert [each.email for each in project.members.all()] == [ANN]


def test_a_request_is_found_by_its_id(
    shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
) -> None:
    [find] = blocks("Find a request by its id")
    [request_id] = re.findall(r'request_id="(\w+)"', find)
    acme.headers["X-Request-ID"] = request_id
    push(acme)
    answer = acme.post("/Users", {"userName": 7})

    shell.paste(find)

    found = capsys.readouterr().out
    assert (answer.status, answer.headers["X-Request-ID"]) == (400, request_id)
    assert "user provisioned ann@example.com" in found
    assert "userName" in found
    assert f"{KEY} " in found


def test_the_credentials_after_a_restore(
    shell: Shell, acme: Scim, capsys: pytest.CaptureFixture[str]
) -> None:
    [find] = blocks("Restore a backup")
    new = clients.create(KEY, "Entra ID", TEST)
    assert new.secret is not None

    shell.paste(find)

    tokens, entra = capsys.readouterr().out.splitlines()
    assert str(ScimToken.objects.get()) in tokens
    assert entra.startswith(f"{KEY} Entra ID {new.client.client_id} ")
    assert new.secret.row.last_four in entra


class TestAlerts:
    def test_refusals_in_a_row(self, shell: Shell, acme: Scim) -> None:
        push(client_of(GLOBEX))
        for _ in range(10):
            acme.post("/Users", {"userName": 7})

        refused = shell.find("Refusals in a row")("refused")
        assert [(row["account"], row["number"]) for row in refused] == [(KEY, 10)]

        push(acme)
        assert not shell.find("Refusals in a row")("refused")

    def test_what_ends_soon(self, shell: Shell) -> None:
        Connection(KEY).generate(TEST, lifetime=timedelta(days=365))
        new = clients.create(KEY, "Entra ID", TEST)
        assert new.secret is not None
        find = shell.find("A token or a client secret ends soon")
        assert not find("ending_tokens")
        assert not find("ending_clients")

        soon = timezone.now() + timedelta(days=13)
        ScimToken.objects.update(expires_at=soon)
        new.client.secrets.update(expires_at=soon)
        find = shell.find("A token or a client secret ends soon")
        assert [token.account for token in find("ending_tokens")] == [KEY]
        assert list(find("ending_clients")) == [new.client]

        # The old token ends by itself, and so does the old secret.
        Connection(KEY).rotate(TEST, keep=timedelta(days=7), lifetime=timedelta(days=365))
        clients.add_secret(new.client, TEST)
        find = shell.find("A token or a client secret ends soon")
        assert not find("ending_tokens")
        assert not find("ending_clients")

        for secret in new.client.secrets.all():
            clients.revoke_secret(secret, TEST)
        find = shell.find("A token or a client secret ends soon")
        assert list(find("ending_clients")) == [new.client]

    def test_nobody_calls(self, shell: Shell, acme: Scim) -> None:
        assert shell.find("Nobody calls")("is_silent")

        acme.get("/Users")
        assert not shell.find("Nobody calls")("is_silent")

        ScimToken.objects.update(last_used_at=timezone.now() - timedelta(hours=2))
        assert shell.find("Nobody calls")("is_silent")
        new = clients.create(KEY, "Entra ID", TEST)
        assert new.secret is not None
        access = ScimAccessToken.objects.issue(new.client, new.secret.row)[1]
        Scim(f"Bearer {access}").get("/Users")
        assert not shell.find("Nobody calls")("is_silent")

    def test_an_account_without_an_active_admin(self, shell: Shell, acme: Scim) -> None:
        key = push(acme, **ADMIN)
        push(acme, BOB)
        title = "An account without an active admin"
        assert shell.find(title)("without_admin") == []

        acme.deactivate(key)
        assert shell.find(title)("without_admin") == [KEY]

        Membership.objects.filter(person__email=BOB).update(role="owner")
        assert shell.find(title)("without_admin") == []

    def test_errors(self, shell: Shell, acme: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
        acme.post("/Users", {"userName": 7})
        assert not shell.find("Errors of your site")("errors")
        monkeypatch.setattr("tiled_scim.accounts.AccountAdapter.find_user", lambda *args: 1 / 0)
        acme.client.raise_request_exception = False
        assert acme.post("/Users", person(ANN)).status == 500

        [(account, request_id, status, _)] = shell.find("Errors of your site")("errors")

        assert (account, status) == (KEY, 500)
        assert request_id

    def test_slow_requests(self, shell: Shell, acme: Scim) -> None:
        push(acme)
        assert not shell.find("Slow requests")("slow")

        ScimEvent.objects.update(duration=6000)
        [event] = shell.find("Slow requests")("slow")
        assert event.resource_name == ANN

    def test_tables(self, shell: Shell, acme: Scim) -> None:
        push(acme)
        find = shell.find("Tables that grow")
        assert find("is_pruned")
        assert find("sizes")["tiled_scim_userlink"] == 1

        grown_old(hours=24 * 100)
        assert not shell.find("Tables that grow")("is_pruned")
        call_command("scim_prune", verbosity=0)
        assert shell.find("Tables that grow")("is_pruned")

    def test_keys_that_cannot_be_fetched(self, shell: Shell) -> None:
        assert shell.find("Stale keys of an identity provider")("stale") == {}
        logout.configure(KEY, TEST, UNKNOWN)
        federation = clients.Federation("https://id.example", f"{UNKNOWN}/entra", "ann", "scim")
        clients.create(KEY, "Entra ID", TEST, federation=federation)

        stale = shell.find("Stale keys of an identity provider")("stale")

        assert set(stale) == {f"{UNKNOWN}/oauth2/v1/keys", f"{UNKNOWN}/entra"}
        assert "cannot be resolved" in stale[f"{UNKNOWN}/entra"]

    def test_what_is_older_than_an_hour_is_no_alert(self, shell: Shell, acme: Scim) -> None:
        for _ in range(10):
            acme.post("/Users", {"userName": 7})
        grown_old(hours=2)

        assert not shell.find("Refusals in a row")("refused")
