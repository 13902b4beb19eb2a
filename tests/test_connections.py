"""Tests of `tiled_scim.connections`: what each method returns, stores and records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from tests.accounts import ACME, GLOBEX, Together, client_of
from tests.audit.test_dashboard import make_refusal
from tests.simple_project.libraries.models import Library
from tests.tokens import new_token
from tests.wire.client import ANN, BOB, Scim
from tiled_scim.audit.dashboard import State
from tiled_scim.connections import (
    Actor,
    Connection,
    NewToken,
    TokenChangedError,
    UnknownAccountError,
    all_tokens,
    seen_key,
    tokens_without_account,
)
from tiled_scim.errors import ScimError, precondition_failed
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    LibraryGroupMember,
    Outcome,
    ScimEvent,
    ScimToken,
    Slot,
    UserLink,
)

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent
JOB = Actor("nightly job")
DAY = timedelta(days=1)


@pytest.fixture
def two_accounts(settings: LazySettings) -> None:
    settings.TILED_SCIM_HOST_ADAPTER = Together


@pytest.fixture
def admin() -> User:
    return User.objects.create_user("ann")


def events() -> list[tuple[str | None, str, str, str]]:
    """Return account, action, name and actor of each event, in order."""
    fields = ("account", "action", "resource_name", "actor")
    return list(ScimEvent.objects.order_by("pk").values_list(*fields))


def current(account: str = "") -> list[ScimToken]:
    """Return the rows of the account's current tokens, the newest first."""
    return list(ScimToken.objects.filter(account=account).exclude(slot=None).order_by("slot"))


def expire(token: ScimToken) -> None:
    ScimToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def status_of(plaintext: str) -> int:
    return Scim(f"Bearer {plaintext}").get("/Users").status


class TestStatus:
    def test_an_account_that_has_nothing_is_no_error(self) -> None:
        connection = Connection("nobody")

        assert not connection.exists
        assert connection.current_tokens() == (None, None)
        assert connection.health().state == State.NO_TOKEN
        assert not connection.health().state.is_connected
        assert [*connection.tokens(), *connection.events(), *connection.users()] == []
        assert not connection.groups().exists()

    def test_it_follows_the_token_and_its_last_use(self) -> None:
        connection = Connection()
        new = connection.generate(JOB)
        assert connection.health().state == State.UNUSED

        assert status_of(new.plaintext) == 200

        health = connection.health()
        assert health.state == State.CONNECTED
        assert health.token == new.token
        assert health.token.last_used_at is not None
        assert health.last_call_ago == "just now"

    def test_whether_the_account_may_use_scim_is_the_setting(self, settings: LazySettings) -> None:
        settings.TILED_SCIM_ENABLED = lambda account: account == ACME

        assert Connection(ACME).is_enabled
        assert not Connection(GLOBEX).is_enabled

    def test_unknown_callers_are_included_only_in_a_host_without_accounts(
        self, settings: LazySettings
    ) -> None:
        make_refusal(account=None)
        assert len(Connection().health().failures) == 1
        assert Connection().health(unknown_callers=False).failures == []

        settings.TILED_SCIM_HOST_ADAPTER = Together

        assert Connection(ACME).health().failures == []
        assert len(Connection(ACME).health(unknown_callers=True).failures) == 1

    @pytest.mark.usefixtures("two_accounts")
    def test_each_account_has_its_own(self) -> None:
        acme, globex = client_of(ACME), client_of(GLOBEX)
        ann = acme.add_user(ANN)
        acme.add_group("Sales", ann)
        globex.add_user(BOB)

        assert [link.user_name for link in Connection(ACME).users()] == [ANN]
        assert [link.user_name for link in Connection(GLOBEX).users()] == [BOB]
        assert [link.display_name for link in Connection(ACME).groups()] == ["Sales"]
        assert not Connection(GLOBEX).groups().exists()
        assert {token.account for token in Connection(ACME).tokens()} == {ACME}
        newest_first = [event.resource_name for event in Connection(ACME).events()]
        assert newest_first == ["Sales", ANN]

    @pytest.mark.usefixtures("two_accounts")
    def test_tokens_without_an_account_are_those_that_are_still_current(self) -> None:
        Connection(ACME).generate(JOB)
        former, _ = new_token("initech")
        new_token("hooli")
        Connection("hooli").revoke(JOB)

        assert tokens_without_account() == [former]
        assert all_tokens().count() == 3


class TestGenerate:
    def test_the_token_works_and_its_event_says_who_made_it(self, admin: User) -> None:
        new = Connection().generate(Actor("Settings: ann", admin, "192.0.2.1"))

        (token,) = current()
        assert new.token == token
        assert new.replaced is None
        assert token.created_by == admin
        assert status_of(new.plaintext) == 200
        event = ScimEvent.objects.get()
        assert (event.account, event.actor) == ("", "Settings: ann")
        assert (event.action, event.outcome) == (Action.TOKEN_GENERATED, Outcome.DONE)
        assert (event.resource_name, event.address) == (f"…{token.last_four}", "192.0.2.1")
        assert (event.resource_type, event.method, event.changes) == ("", "", {})

    def test_a_token_that_works_is_kept(self) -> None:
        earlier = Connection().generate(JOB)

        with pytest.raises(TokenChangedError):
            Connection().generate(JOB)

        assert current() == [earlier.token]
        assert ScimEvent.objects.count() == 1

    def test_a_token_that_has_expired_is_replaced(self) -> None:
        earlier = Connection().generate(JOB, lifetime=timedelta(days=1))
        expire(earlier.token)

        new = Connection().generate(JOB)

        assert new.replaced == earlier.token
        assert current() == [new.token]
        assert events()[-1][1] == Action.TOKEN_REPLACED

    def test_the_lifetime_is_the_given_one_or_that_of_the_setting(
        self, settings: LazySettings
    ) -> None:
        settings.TILED_SCIM_TOKEN_LIFETIME = timedelta(days=30)
        days = [
            Connection().rotate(JOB, lifetime=lifetime).token.expires_at
            for lifetime in (None, timedelta(days=7))
        ]

        assert [(day - timezone.now()).days for day in days if day] == [29, 6]

    @pytest.mark.usefixtures("two_accounts")
    @pytest.mark.parametrize("method", [Connection.generate, Connection.rotate])
    @pytest.mark.parametrize("account", ["nobody", ""])
    def test_an_unknown_account_gets_none(
        self, method: Callable[..., NewToken], account: str
    ) -> None:
        with pytest.raises(UnknownAccountError):
            method(Connection(account), JOB)

        assert not ScimToken.objects.exists()
        assert not ScimEvent.objects.exists()

    def test_the_plaintext_is_not_in_a_description(self) -> None:
        new = Connection().generate(JOB)

        assert new.plaintext not in repr(new)
        assert new.plaintext not in str(new)


class TestRotate:
    def test_the_earlier_token_ends_and_the_event_names_both(self) -> None:
        earlier = Connection().generate(JOB)

        new = Connection().rotate(Actor("Settings: bob"), seen=seen_key(earlier.token))

        assert new.replaced == earlier.token
        assert current() == [new.token]
        assert status_of(earlier.plaintext) == 401
        assert status_of(new.plaintext) == 200
        event = ScimEvent.objects.filter(method="").latest("pk")
        old, fresh = f"…{earlier.token.last_four}", f"…{new.token.last_four}"
        assert (event.action, event.actor) == (Action.TOKEN_REPLACED, "Settings: bob")
        assert (event.resource_name, event.changes) == (
            fresh,
            {"attributes": {"token": [old, fresh]}},
        )

    def test_without_a_token_it_creates_the_first(self) -> None:
        new = Connection().rotate(JOB, seen="")

        assert current() == [new.token]
        assert events() == [("", Action.TOKEN_GENERATED, str(new.token), "nightly job")]

    def test_any_token_is_replaced_if_none_was_seen(self) -> None:
        Connection().rotate(JOB)

        new = Connection().rotate(JOB)

        assert current() == [new.token]
        assert ScimToken.objects.count() == 2

    def test_nothing_is_done_if_another_token_was_seen(self) -> None:
        seen = [seen_key(None), seen_key(Connection().rotate(JOB).token), "no key"]
        new = Connection().rotate(JOB)
        before = events()

        for key in seen:
            with pytest.raises(TokenChangedError):
                Connection().rotate(JOB, seen=key)
            with pytest.raises(TokenChangedError):
                Connection().revoke(JOB, seen=key)

        assert current() == [new.token]
        assert status_of(new.plaintext) == 200
        assert events() == before

    @pytest.mark.usefixtures("two_accounts")
    def test_the_token_of_another_account_is_not_touched(self) -> None:
        acme, globex = Connection(ACME).generate(JOB), Connection(GLOBEX).generate(JOB)

        for act in (Connection(GLOBEX).rotate, Connection(GLOBEX).revoke):
            with pytest.raises(TokenChangedError):
                act(JOB, seen=seen_key(acme.token))
        Connection(GLOBEX).rotate(JOB, seen=seen_key(globex.token))

        assert current(ACME) == [acme.token]
        assert {account for account, *_rest in events()[2:]} == {GLOBEX}


class TestRevoke:
    def test_the_token_ends_and_the_event_says_who_did_it(self, admin: User) -> None:
        new = Connection().generate(JOB)

        revoked = Connection().revoke(Actor("Settings: ann", admin), seen=seen_key(new.token))

        assert revoked == [new.token]
        assert current() == []
        row = ScimToken.objects.get()
        assert row.revoked_at is not None
        assert row.created_by is None
        assert status_of(new.plaintext) == 401
        assert ("", Action.TOKEN_REVOKED, str(new.token), "Settings: ann") in events()

    def test_without_a_token_nothing_is_recorded(self) -> None:
        assert Connection().revoke(JOB) == []
        with pytest.raises(TokenChangedError):
            Connection().revoke(JOB, seen="")
        assert not ScimEvent.objects.exists()

    @pytest.mark.usefixtures("two_accounts")
    def test_the_token_of_an_account_that_no_longer_exists_can_be_revoked(self) -> None:
        former, _ = new_token("initech")

        assert Connection("initech").revoke(JOB) == [former]

        assert tokens_without_account() == []
        assert events() == [("initech", Action.TOKEN_REVOKED, str(former), "nightly job")]


class TestKeep:
    """The token that is replaced works for some time beside the new one."""

    @pytest.fixture
    def old(self) -> NewToken:
        return Connection().generate(JOB)

    def test_both_work_until_the_old_one_is_revoked(self, old: NewToken) -> None:
        new = Connection().rotate(JOB, keep=DAY)

        assert Connection().current_tokens() == (new.token, old.token)
        assert status_of(old.plaintext) == status_of(new.plaintext) == 200
        assert new.replaced == old.token
        assert new.kept_until is not None
        assert timedelta(hours=23) < new.kept_until - timezone.now() <= DAY
        assert Connection().revoke(JOB, seen=seen_key(old.token)) == [old.token]
        assert Connection().current_tokens() == (new.token, None)
        assert status_of(old.plaintext) == 401
        assert status_of(new.plaintext) == 200

    def test_the_event_says_until_when(self, old: NewToken) -> None:
        new = Connection().rotate(JOB, keep=DAY)

        event = Connection().events()[0]
        assert new.kept_until is not None
        assert event.action == Action.TOKEN_REPLACED
        assert event.changes["attributes"] == {
            "token": [str(old.token), str(new.token)],
            "kept until": [None, new.kept_until.isoformat(timespec="minutes")],
        }

    @pytest.mark.parametrize("keep", [None, timedelta(), timedelta(days=1)])
    def test_the_one_that_was_kept_before_ends_with_the_next_replacement(
        self, old: NewToken, keep: timedelta | None
    ) -> None:
        middle = Connection().rotate(JOB, keep=DAY)

        new = Connection().rotate(JOB, keep=keep)

        assert new.dropped == old.token
        assert current() == [new.token, middle.token][: 2 if keep else 1]
        assert status_of(old.plaintext) == 401
        assert status_of(middle.plaintext) == (200 if keep else 401)
        changes = Connection().events().exclude(action="")[0].changes["attributes"]
        assert changes["kept before"] == [str(old.token), None]
        assert ("kept until" in changes) == bool(keep)

    def test_one_that_has_ended_by_itself_leaves_its_place(self, old: NewToken) -> None:
        middle = Connection().rotate(JOB, keep=DAY)
        expire(old.token)
        assert Connection().current_tokens() == (middle.token, None)

        new = Connection().rotate(JOB, keep=DAY)

        assert new.dropped is None
        assert current() == [new.token, middle.token]
        ended = ScimToken.objects.get(pk=old.token.pk)
        assert ended.revoked_at is None

    def test_it_does_not_live_longer_than_it_would_have_or_than_the_new_one(self) -> None:
        hours = timedelta(hours=1), timedelta(hours=2)
        for old_lifetime, new_lifetime in (hours, hours[::-1]):
            Connection().rotate(JOB, lifetime=old_lifetime)
            new = Connection().rotate(JOB, lifetime=new_lifetime, keep=DAY)

            assert new.kept_until is not None
            assert timedelta() < new.kept_until - timezone.now() <= hours[0]

    def test_one_that_has_expired_is_not_kept(self, old: NewToken) -> None:
        expire(old.token)

        new = Connection().rotate(JOB, keep=DAY)

        assert (new.replaced, new.kept_until) == (old.token, None)
        assert current() == [new.token]

    @pytest.mark.parametrize("keep", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
    def test_more_than_a_week_is_refused(self, old: NewToken, keep: timedelta) -> None:
        with pytest.raises(ValueError, match="can be kept for 7 days at most, not for"):
            Connection().rotate(JOB, keep=keep)

        assert current() == [old.token]

    def test_the_new_one_can_be_revoked_and_the_old_one_is_the_newest_again(
        self, old: NewToken
    ) -> None:
        new = Connection().rotate(JOB, keep=DAY)

        assert Connection().revoke(JOB, seen=seen_key(new.token)) == [new.token]

        (token,) = current()
        assert (token, token.slot, token.expires_at) == (old.token, Slot.NEWEST, new.kept_until)
        assert status_of(old.plaintext) == 200
        assert status_of(new.plaintext) == 401
        newer = Connection().rotate(JOB, seen=seen_key(old.token), keep=DAY)
        assert current() == [newer.token, old.token]

    def test_both_are_revoked_with_an_event_each(self, old: NewToken) -> None:
        new = Connection().rotate(JOB, keep=DAY)

        assert Connection().revoke(JOB) == [new.token, old.token]

        assert current() == []
        assert [status_of(each.plaintext) for each in (old, new)] == [401, 401]
        revoked = Connection().events().filter(action=Action.TOKEN_REVOKED)
        assert {event.resource_name for event in revoked} == {str(new.token), str(old.token)}

    def test_the_old_one_is_not_the_one_that_a_replacement_is_for(self, old: NewToken) -> None:
        Connection().rotate(JOB, keep=DAY)

        with pytest.raises(TokenChangedError):
            Connection().rotate(JOB, seen=seen_key(old.token))

        assert len(current()) == 2

    @pytest.mark.usefixtures("two_accounts")
    def test_other_accounts_keep_theirs(self) -> None:
        for account in (ACME, GLOBEX):
            Connection(account).generate(JOB)
            Connection(account).rotate(JOB, keep=DAY)

        Connection(ACME).revoke(JOB)

        assert [len(current(account)) for account in (ACME, GLOBEX)] == [0, 2]

    @pytest.mark.usefixtures("two_accounts")
    def test_those_of_accounts_that_no_longer_exist_are_listed_while_they_work(self) -> None:
        former, _ = new_token("initech")
        new = ScimToken.objects.renew("initech", keep=DAY).token
        assert set(tokens_without_account()) == {new, former}

        expire(former)

        assert tokens_without_account() == [new]


class TestTransaction:
    """A change of the token and its event are saved together, or not at all."""

    @pytest.mark.parametrize("method", [Connection.rotate, Connection.revoke])
    def test_both_are_rolled_back(self, method: Callable[..., Any]) -> None:
        new = Connection().generate(JOB)
        before = events()

        with transaction.atomic():
            method(Connection(), JOB)
            assert len(events()) == len(before) + 1
            transaction.set_rollback(True)

        assert events() == before
        assert current() == [new.token]
        assert status_of(new.plaintext) == 200


@pytest.mark.usefixtures("two_accounts")
class TestLinks:
    @pytest.fixture
    def acme(self) -> Scim:
        return client_of(ACME)

    @pytest.fixture
    def sales(self, acme: Scim) -> LibraryGroupLink:
        acme.add_group("Sales", acme.add_user(ANN))
        return LibraryGroupLink.objects.get()

    def test_a_user_is_unlinked_with_an_event(self, acme: Scim, sales: LibraryGroupLink) -> None:
        ann = Connection(ACME).users().get(user_name=ANN)

        change = Connection(ACME).unlink(ann, Actor("Support"))

        assert change.action == Action.USER_UNLINKED
        assert events()[-1] == (ACME, Action.USER_UNLINKED, ANN, "Support")
        assert not Connection(ACME).users().exists()
        assert not LibraryGroupMember.objects.exists()
        assert not Library.objects.get().members.exists()
        assert acme.get(f"/Users/{ann.pk}").status == 404

    def test_a_group_is_unlinked_and_its_library_stays(
        self, acme: Scim, sales: LibraryGroupLink
    ) -> None:
        Connection(ACME).unlink(sales, Actor("Support"))

        assert not Connection(ACME).groups().exists()
        assert Library.objects.get().name == "Sales"
        assert events()[-1] == (ACME, Action.LIBRARY_UNLINKED, "Sales", "Support")

    def test_a_group_is_repaired_and_moved(self, sales: LibraryGroupLink) -> None:
        library = Library.objects.get()
        library.members.clear()

        assert Connection(ACME).resync(sales, Actor("Support")).added == [ANN]
        assert Connection(ACME).resync(sales, Actor("Support")).is_empty
        assert library.members.count() == 1
        assert events()[-1] == (ACME, Action.ACCESS_REPAIRED, "Sales", "Support")

    def test_a_group_is_moved_after_a_preview(self, acme: Scim, sales: LibraryGroupLink) -> None:
        assert acme.add_group("Maps")
        maps = Library.objects.get(name="Maps")

        preview = Connection(ACME).preview_move(sales, maps.pk)
        assert (preview.losing, preview.gaining) == ([ANN], [ANN])
        Connection(ACME).move(sales, maps.pk, Actor("Support"))

        sales.refresh_from_db()
        assert sales.library == maps
        assert [user.username for user in maps.members.all()] == [ANN]
        assert events()[-1] == (ACME, Action.LIBRARY_MOVED, "Sales", "Support")

    def test_links_of_another_account_are_not_found(self, sales: LibraryGroupLink) -> None:
        globex, ann = Connection(GLOBEX), UserLink.objects.get()
        before = events()
        requests: list[Callable[[], object]] = [
            lambda: globex.unlink(ann, JOB),
            lambda: globex.unlink(sales, JOB),
            lambda: globex.resync(ann, JOB),
            lambda: globex.resync(sales, JOB),
            lambda: globex.move(sales, sales.library_id, JOB),
            lambda: globex.preview_move(sales, sales.library_id),
        ]

        for request in requests:
            with pytest.raises(ScimError) as refused:
                request()
            assert refused.value.status == 404
            assert any(str(link.pk) in refused.value.detail for link in (ann, sales))

        assert UserLink.objects.get().is_live
        assert LibraryGroupLink.objects.get().is_live
        assert LibraryGroupMember.objects.count() == 1
        assert events() == before

    def test_a_precondition_that_fails_leaves_everything(
        self, acme: Scim, sales: LibraryGroupLink
    ) -> None:
        ann = UserLink.objects.get()
        for link, path in ((sales, f"/Groups/{sales.pk}"), (ann, f"/Users/{ann.pk}")):
            shown = acme.get(path).json["meta"]["version"]

            def refuse(version: str, shown: str = shown) -> None:
                assert version == shown
                raise precondition_failed("changed")

            for act in (Connection(ACME).unlink, Connection(ACME).resync):
                with pytest.raises(ScimError) as refused:
                    act(link, JOB, refuse)
                assert refused.value.status == 412
        assert LibraryGroupLink.objects.get().is_live
        assert UserLink.objects.get().is_live


ACTORS = 8


def at_once(act: Callable[[Actor], object]) -> Counter[str]:
    """Have several actors do something at the same time. Return how it ended, with numbers."""
    barrier = Barrier(ACTORS)

    def run(number: int) -> str:
        barrier.wait()
        try:
            return type(act(Actor(f"actor {number}"))).__name__
        except TokenChangedError as error:
            return type(error).__name__
        finally:
            databases.close_all()

    with ThreadPoolExecutor(ACTORS) as pool:
        return Counter(pool.map(run, range(ACTORS)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite has one writer at a time")
class TestAtOnce:
    ONE_WINS = Counter({"NewToken": 1, "TokenChangedError": ACTORS - 1})

    def test_a_first_token_is_generated_once(self) -> None:
        assert at_once(Connection().generate) == self.ONE_WINS
        assert len(current()) == ScimToken.objects.count() == ScimEvent.objects.count() == 1

    @pytest.mark.parametrize("has_token", [False, True])
    def test_a_token_that_all_have_seen_is_replaced_once(self, has_token: bool) -> None:
        seen = seen_key(Connection().generate(JOB).token) if has_token else ""

        ended = at_once(lambda actor: Connection().rotate(actor, seen=seen))

        assert ended == self.ONE_WINS
        assert len(current()) == 1
        assert ScimToken.objects.count() == ScimEvent.objects.count() == 1 + has_token

    @pytest.mark.parametrize("has_token", [False, True])
    def test_each_replacement_of_any_token_has_its_event(self, has_token: bool) -> None:
        if has_token:
            Connection().generate(JOB)

        assert at_once(Connection().rotate) == Counter({"NewToken": ACTORS})

        assert len(current()) == 1
        assert ScimToken.objects.filter(revoked_at=None).count() == 1
        assert ScimToken.objects.count() == ScimEvent.objects.count() == ACTORS + has_token
        replaced = ScimEvent.objects.filter(action=Action.TOKEN_REPLACED)
        pairs = [event.changes["attributes"]["token"] for event in replaced]
        ended = [str(token) for token in ScimToken.objects.exclude(revoked_at=None)]
        assert sorted(old for old, _new in pairs) == sorted(ended)

    def test_no_more_than_two_are_current_however_many_are_kept(self) -> None:
        Connection().generate(JOB)

        ended = at_once(lambda actor: Connection().rotate(actor, keep=DAY))

        assert ended == Counter({"NewToken": ACTORS})
        newest, previous = current()
        assert (newest.slot, previous.slot) == (Slot.NEWEST, Slot.PREVIOUS)
        assert ScimToken.objects.count() == ScimEvent.objects.count() == ACTORS + 1
        replaced = ScimEvent.objects.filter(action=Action.TOKEN_REPLACED)
        changes = [event.changes["attributes"] for event in replaced]
        dropped = [change["kept before"][0] for change in changes if "kept before" in change]
        gone = ScimToken.objects.filter(slot=None)
        assert sorted(dropped) == sorted(map(str, gone))

    def test_there_is_no_previous_one_without_a_newest_one(self) -> None:
        Connection().generate(JOB)
        Connection().rotate(JOB, keep=DAY)

        def act(actor: Actor) -> object:
            connection = Connection()
            if int(actor.name[-1]) % 2:
                return connection.rotate(actor, keep=DAY)
            return connection.revoke(actor, seen=seen_key(connection.current_tokens().newest))

        at_once(act)

        slots = [token.slot for token in current()]
        assert slots in ([], [Slot.NEWEST], [Slot.NEWEST, Slot.PREVIOUS])

    def test_a_token_is_revoked_once(self) -> None:
        seen = seen_key(Connection().generate(JOB).token)

        ended = at_once(lambda actor: Connection().revoke(actor, seen=seen))

        assert ended == Counter({"list": 1, "TokenChangedError": ACTORS - 1})
        assert current() == []
        assert ScimEvent.objects.filter(action=Action.TOKEN_REVOKED).count() == 1

    def test_it_is_either_replaced_or_revoked(self) -> None:
        seen = seen_key(Connection().generate(JOB).token)
        acts: list[Callable[..., object]] = [Connection().rotate, Connection().revoke]

        ended = at_once(lambda actor: acts[int(actor.name[-1]) % 2](actor, seen=seen))

        assert ended["TokenChangedError"] == ACTORS - 1
        assert len(current()) == ended["NewToken"]
        assert ScimEvent.objects.count() == 2


def test_no_other_code_changes_tokens() -> None:
    changes = re.compile(r"ScimToken\.objects\.(renew|locked)\b|\btoken\.revoke\(")
    modules = [*ROOT.glob("tiled_scim/**/*.py"), *ROOT.glob("example_project/**/*.py")]

    changing = {path.name for path in modules if changes.search(path.read_text())}

    assert changing == {"connections.py"}
