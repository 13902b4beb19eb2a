"""Tests of `scim_token`: its output, and the resulting database state."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from tests.tokens import new_token
from tiled_scim.host import HostAdapter
from tiled_scim.models import Action, Outcome, ScimEvent, ScimToken, Slot

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r"tscim_[\w-]{43}")


class TwoAccounts(HostAdapter):
    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        return {"acme": "Acme Inc.", "globex": ""}


@pytest.fixture
def two_accounts(settings: Settings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = TwoAccounts


def scim_token(*arguments: str) -> str:
    output = StringIO()
    call_command("scim_token", *arguments, stdout=output)
    return output.getvalue()


def table(output: str) -> list[list[str]]:
    """Return the cells of a printed table without the header."""
    return [re.split(r"  +", line) for line in output.splitlines()[1:]]


class TestGenerate:
    def test_quiet_prints_the_token_and_nothing_else(self) -> None:
        printed = scim_token("generate", "--quiet")

        assert TOKEN.fullmatch(printed.rstrip("\n"))
        assert ScimToken.objects.with_plaintext(printed.strip()) == ScimToken.objects.get()

    def test_the_token_is_shown_with_its_end_and_that_it_will_not_be_shown_again(self) -> None:
        printed = scim_token("generate")

        assert len(TOKEN.findall(printed)) == 1
        assert "without expiry" in printed
        assert "cannot be shown again" in printed
        assert "stopped working" not in printed

    def test_the_earlier_token_ends_and_is_named(self) -> None:
        earlier, plaintext = new_token()

        printed = scim_token("generate")

        earlier.refresh_from_db()
        assert f"The token ending in {earlier.last_four}" in printed
        assert "has stopped working" in printed
        assert not earlier.is_current
        assert plaintext not in printed

    def test_the_earlier_token_can_be_kept_for_days(self) -> None:
        earlier, _ = new_token()

        printed = scim_token("generate", "--keep", "7")

        earlier.refresh_from_db()
        assert earlier.is_current
        assert earlier.expires_at is not None
        assert 6 <= (earlier.expires_at - timezone.now()).days <= 7
        works = f"works until {timezone.localtime(earlier.expires_at):%Y-%m-%d %H:%M}."
        assert printed.startswith(f"The token ending in {earlier.last_four}, created on ")
        assert works in printed
        assert "stopped working" not in printed
        printed = scim_token("generate", "--keep", "1")
        assert f"The token ending in {earlier.last_four}" in printed
        assert "has stopped working." in printed
        assert len(ScimToken.objects.current().all()) == 2

    def test_kept_for_no_day_it_ends(self) -> None:
        earlier, _ = new_token()

        scim_token("generate", "--keep", "0")

        assert ScimToken.objects.current().previous is None
        assert not ScimToken.objects.get(pk=earlier.pk).is_current

    @pytest.mark.parametrize("keep", ["8", "-1", "1.5", "soon", "", "9" * 20, "٣"])
    def test_it_cannot_be_kept_for_longer_than_a_week(self, keep: str) -> None:
        new_token()

        with pytest.raises(CommandError, match="whole number of days from 0 to 7"):
            scim_token("generate", f"--keep={keep}")

        assert ScimToken.objects.count() == 1

    def test_a_lifetime_is_counted_in_days(self) -> None:
        before = timezone.now()

        printed = scim_token("generate", "--lifetime", "30")

        expires_at = ScimToken.objects.get().expires_at
        assert expires_at is not None
        assert before + timedelta(days=30) <= expires_at <= timezone.now() + timedelta(days=30)
        assert f"valid until {expires_at:%Y-%m-%d}" in printed

    def test_without_a_lifetime_the_setting_counts(self, settings: Settings) -> None:
        settings.TILED_SCIM_TOKEN_LIFETIME = timedelta(days=7)

        scim_token("generate", "--quiet")

        assert ScimToken.objects.get().expires_at is not None

    @pytest.mark.parametrize("lifetime", ["0", "-1", "1.5", "soon", "", "36501", "9" * 20, "٣"])
    def test_a_lifetime_that_is_no_number_of_days_is_refused(self, lifetime: str) -> None:
        with pytest.raises(CommandError, match="whole number of days from 1 to 36500"):
            scim_token("generate", f"--lifetime={lifetime}")

        assert not ScimToken.objects.exists()

    @pytest.mark.usefixtures("two_accounts")
    def test_accounts_have_tokens_of_their_own(self) -> None:
        acme = scim_token("generate", "--account", "acme", "--quiet").strip()
        globex = scim_token("generate", "--account", "globex")

        assert "for the account globex" in globex
        assert "stopped working" not in globex
        current = ScimToken.objects.with_plaintext(acme)
        assert current is not None
        assert current.account == "acme"

    @pytest.mark.usefixtures("two_accounts")
    @pytest.mark.parametrize("action", ["generate", "list", "revoke"])
    def test_an_unknown_account_is_refused_with_the_known_ones(self, action: str) -> None:
        with pytest.raises(CommandError) as refusal:
            scim_token(action, "--account", "acne")

        assert str(refusal.value) == (
            "There is no account 'acne'. The accounts are: acme (Acme Inc.), globex."
        )
        assert not ScimToken.objects.exists()

    @pytest.mark.usefixtures("two_accounts")
    def test_where_there_are_several_accounts_one_must_be_named(self) -> None:
        with pytest.raises(CommandError, match="Choose an account: --account KEY"):
            scim_token("generate")

    def test_an_account_is_refused_where_there_is_only_one(self) -> None:
        with pytest.raises(CommandError, match="the only account, without --account"):
            scim_token("generate", "--account", "acme")


class TestList:
    def test_no_tokens_are_said_to_be_none(self) -> None:
        assert scim_token("list") == "There are no tokens.\n"

    def test_tokens_are_listed_newest_first_with_their_state_and_without_the_secret(self) -> None:
        admin = User.objects.create_superuser("admin")
        ended, _ = new_token(created_by=admin)
        used_at = timezone.now()
        expired, _ = new_token(lifetime=timedelta(days=1))
        ScimToken.objects.filter(pk=expired.pk).update(
            expires_at=used_at, last_used_at=used_at, slot=None
        )
        current, plaintext = new_token()

        printed = scim_token("list")

        now = f"{used_at:%Y-%m-%d}"
        rows = table(printed)
        assert [row[1] for row in rows] == [
            f"...{token.last_four}" for token in (current, expired, ended)
        ]
        assert [row[-1] for row in rows] == ["current", "expired", "ended"]
        assert [row[3] for row in rows] == ["-", "-", "admin"]
        assert rows[0][4:6] == ["-", "-"]
        assert all(cell.startswith(now) for cell in rows[1][4:6])
        assert plaintext not in printed
        assert current.digest not in printed

    def test_both_current_tokens_are_listed_with_their_states(self) -> None:
        new_token()
        new_token(keep=timedelta(days=1))

        rows = table(scim_token("list"))

        assert [row[-1] for row in rows] == ["current", "previous"]
        assert [row[4] == "-" for row in rows] == [True, False]

        ScimToken.objects.filter(slot=Slot.PREVIOUS).update(expires_at=timezone.now())
        assert [row[-1] for row in table(scim_token("list"))] == ["current", "expired"]

    @pytest.mark.usefixtures("two_accounts")
    def test_one_accounts_tokens_can_be_asked_for(self) -> None:
        new_token("acme")
        globex, _ = new_token("globex")

        assert len(table(scim_token("list"))) == 2
        assert [row[:2] for row in table(scim_token("list", "--account", "globex"))] == [
            ["globex", f"...{globex.last_four}"]
        ]

    @pytest.mark.usefixtures("two_accounts")
    def test_tokens_of_accounts_that_do_not_exist_are_marked(self) -> None:
        new_token("initech")
        new_token()
        new_token("acme")

        printed = scim_token("list")

        rows = printed.splitlines()[1:-1]
        assert [re.split(r"  +", row)[0] for row in rows] == [
            *("acme", "- (does not exist)", "initech (does not exist)"),
        ]
        assert printed.splitlines()[-1].startswith("A token is current although its account")
        assert "initech (does not exist)" in scim_token("list", "--account", "initech")
        scim_token("revoke", "--account", "initech")
        scim_token("revoke", "--account", "")
        assert "A token is current" not in scim_token("list")
        assert "initech (does not exist)" in scim_token("list")

    @pytest.mark.usefixtures("two_accounts")
    def test_a_known_account_may_have_none(self) -> None:
        assert scim_token("list", "--account", "acme") == "There are no tokens.\n"


class TestRevoke:
    def test_the_token_ends_and_is_named(self) -> None:
        token, plaintext = new_token()

        printed = scim_token("revoke")

        assert printed.startswith(f"The token ending in {token.last_four}, created on ")
        assert printed.endswith("has stopped working.\n")
        ended = ScimToken.objects.with_plaintext(plaintext)
        assert ended == token
        assert not ended.is_current
        assert ended.revoked_at is not None

    def test_both_end_and_are_named(self) -> None:
        tokens = [new_token()[0], new_token(keep=timedelta(days=1))[0]]

        printed = scim_token("revoke")

        assert printed.count("has stopped working.") == 2
        assert all(f"The token ending in {token.last_four}" in printed for token in tokens)
        assert ScimToken.objects.current() == (None, None)

    def test_one_of_them_is_revoked_by_its_last_four_characters(self) -> None:
        earlier, _ = new_token()
        newest, _ = new_token(keep=timedelta(days=1))

        # Argparse takes a value that starts with a hyphen for an option.
        printed = scim_token("revoke", f"--token={earlier.last_four}")

        assert f"The token ending in {earlier.last_four}" in printed
        assert ScimToken.objects.current() == (newest, None)

    def test_other_characters_are_refused_with_those_of_the_current_tokens(self) -> None:
        with pytest.raises(CommandError, match="There is no current token"):
            scim_token("revoke", "--token", "abcd")
        ended, _ = new_token()
        newest, _ = new_token()

        with pytest.raises(CommandError) as refusal:
            scim_token("revoke", f"--token={ended.last_four}")

        assert str(refusal.value) == (
            f"No current token ends in {ended.last_four!r}. The current tokens end in: "
            f"{newest.last_four}."
        )
        assert ScimToken.objects.current() == (newest, None)

    def test_characters_in_which_both_end_are_refused(self) -> None:
        new_token()
        new_token(keep=timedelta(days=1))
        ScimToken.objects.update(last_four="abcd")

        with pytest.raises(CommandError, match="Both current tokens end in 'abcd'"):
            scim_token("revoke", "--token", "abcd")

        assert len(ScimToken.objects.current().all()) == 2

    def test_nothing_to_revoke_is_said(self) -> None:
        assert scim_token("revoke") == "There is no token to revoke.\n"

    @pytest.mark.usefixtures("two_accounts")
    def test_only_the_named_accounts_token_ends(self) -> None:
        new_token("acme")
        new_token("globex")

        scim_token("revoke", "--account", "globex")

        assert ScimToken.objects.current("acme").newest is not None
        assert ScimToken.objects.current("globex").newest is None
        assert "for the account globex" in scim_token("revoke", "--account", "globex")

    @pytest.mark.usefixtures("two_accounts")
    def test_the_token_of_an_account_that_the_host_no_longer_has_can_be_ended(self) -> None:
        new_token("initech")

        assert "has stopped working" in scim_token("revoke", "--account", "initech")
        assert not ScimToken.objects.get().is_current


class TestEvents:
    """What is done in a shell is an event that names the shell's user."""

    def test_of_generating_replacing_and_revoking(self) -> None:
        scim_token("generate", "--quiet")
        first = ScimToken.objects.get()
        scim_token("generate")
        second = ScimToken.objects.current().newest
        scim_token("revoke")
        scim_token("revoke")  # finds nothing to do

        events = ScimEvent.objects.order_by("pk")
        assert [(event.action, event.resource_name) for event in events] == [
            (Action.TOKEN_GENERATED, str(first)),
            (Action.TOKEN_REPLACED, str(second)),
            (Action.TOKEN_REVOKED, str(second)),
        ]
        assert {(event.account, event.outcome) for event in events} == {("", Outcome.DONE)}
        who = f"scim_token (shell user {getpass.getuser()})"
        assert {event.actor for event in events} == {who}
        assert {token.created_by for token in ScimToken.objects.all()} == {None}

    @pytest.mark.usefixtures("two_accounts")
    def test_of_an_account(self) -> None:
        new_token("initech")

        scim_token("generate", "--account", "acme")
        scim_token("revoke", "--account", "initech")

        events = ScimEvent.objects.order_by("pk").values_list("account", "action")
        assert list(events) == [
            ("acme", Action.TOKEN_GENERATED),
            ("initech", Action.TOKEN_REVOKED),
        ]

    def test_the_shells_user_may_be_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> str:
            raise KeyError("getpwuid(): uid not found: 1000")  # in a container

        monkeypatch.setattr(getpass, "getuser", fail)

        scim_token("generate")

        assert ScimEvent.objects.get().actor == "scim_token"

    @pytest.mark.usefixtures("two_accounts")
    def test_what_is_refused_leaves_none(self) -> None:
        for action in ("generate", "revoke"):
            with pytest.raises(CommandError):
                scim_token(action, "--account", "acne")

        assert not ScimEvent.objects.exists()


def test_an_action_must_be_given() -> None:
    with pytest.raises(CommandError, match="action"):
        scim_token()
