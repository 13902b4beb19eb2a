"""The SCIM connection of an account: its health, its tokens, and what people change by hand.

This is the Python API for all of that. The pages, the commands and the demo use it, and hosts can:

    from tiled_scim.connections import Actor, Connection

    connection = Connection("acme")
    connection.health().state.is_connected  # whether the identity provider calls
    new = connection.generate(Actor("Sign-up of Acme"))
    show_once(new.plaintext)  # it is not stored
    connection.rotate(Actor(f"Settings: {user}", user))  # the current token stops working
    connection.rotate(Actor("nightly job"), keep=timedelta(days=1))  # it works for another day
    connection.revoke(Actor("nightly job"))
    for event in connection.events()[:20]: ...

    ann = connection.users().get(user=user)
    connection.unlink(ann, Actor("Support"))

The module is long, because hosts import one class.

Each change is one transaction, with an event in it that says who made the change. An account that
has nothing is no error: its connection has no token, no events and no users.

Whether somebody may see or change a connection is decided by those who call this, and so is whether
the account may use SCIM at all (`is_enabled`). An account that is not enabled may have a token; its
requests are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.db import IntegrityError
from django.db.models import QuerySet

from tiled_scim.audit.dashboard import Health
from tiled_scim.audit.events import Actor, Change, record_by_hand
from tiled_scim.conf import settings
from tiled_scim.database.errors import is_taken
from tiled_scim.database.for_write import objects
from tiled_scim.errors import not_found
from tiled_scim.host import HostAdapter, adapter_class
from tiled_scim.models import (
    Action,
    CurrentTokens,
    LibraryGroupLink,
    LinkQuerySet,
    NewToken,
    ScimEvent,
    ScimToken,
    UserLink,
)
from tiled_scim.provisioning.group_roles import GroupRoles, RolePreview
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.moving import GroupMoving, Preview, move
from tiled_scim.provisioning.repair import repair
from tiled_scim.provisioning.role_keys import role_labels
from tiled_scim.provisioning.service import Precondition
from tiled_scim.provisioning.users import UserService

__all__ = [
    "KEPT_AT_MOST",
    "Actor",
    "Connection",
    "CurrentTokens",
    "NewToken",
    "TokenChangedError",
    "UnknownAccountError",
    "all_current_tokens",
    "all_tokens",
    "seen_key",
    "tokens_without_account",
]

# The longest time for which a token can be kept that was replaced.
KEPT_AT_MOST = timedelta(weeks=1)

SERVICES: dict[type, type[UserService | GroupService]] = {
    UserLink: UserService,
    LibraryGroupLink: GroupService,
}


class TokenChangedError(Exception):
    """The account's current token is not the one that the caller expected."""


class UnknownAccountError(LookupError):
    """The host has no account with this key."""


class Connection:
    """The SCIM connection of one account.

    Creating one is free: it reads nothing, and the account does not have to exist.

    Args:
        account: The account's key. Empty for a host without accounts.
    """

    def __init__(self, account: str = "") -> None:
        self.account = account

    # Status

    @property
    def adapter(self) -> HostAdapter:
        """Return the host adapter for the account."""
        return adapter_class()(self.account)

    @property
    def exists(self) -> bool:
        """Return whether the host has the account. A token can outlive its account."""
        return self.account in adapter_class().account_labels([self.account])

    @property
    def is_enabled(self) -> bool:
        """Return whether the account may use SCIM (`TILED_SCIM_ENABLED`)."""
        return settings.ENABLED(self.account)

    def health(self, *, unknown_callers: bool | None = None) -> Health:
        """Return the connection as it is now: tokens, last call, state, counts and failures.

        It reads the current tokens at once, and everything else when it is first asked for it.

        Args:
            unknown_callers: Whether to include refused requests without a token of any account. By
                default, they are included only in a host without accounts.
        """
        if unknown_callers is None:
            unknown_callers = not self.adapter.has_accounts
        return Health(self.account, self.current_tokens(), unknown_callers)

    def current_tokens(self) -> CurrentTokens:
        """Return the `newest` current token, and the `previous` one if that was kept.

        The newest one may have expired. Each is None if there is none.
        """
        return CurrentTokens.of(all_current_tokens().filter(account=self.account))

    def tokens(self) -> QuerySet[ScimToken]:
        """Return all tokens that the account has had, the newest first."""
        return all_tokens().filter(account=self.account)

    def events(self) -> QuerySet[ScimEvent]:
        """Return the events of the account, the newest first. Slice it: there may be many."""
        return objects(ScimEvent).filter(account=self.account)

    def users(self) -> LinkQuerySet[UserLink]:
        """Return the users that SCIM manages in the account."""
        return cast("LinkQuerySet[UserLink]", objects(UserLink)).live(self.account)

    def groups(self) -> LinkQuerySet[LibraryGroupLink]:
        """Return the groups that SCIM manages in the account, with their Libraries."""
        return cast("LinkQuerySet[LibraryGroupLink]", objects(LibraryGroupLink)).live(self.account)

    # The tokens

    def generate(self, actor: Actor, *, lifetime: timedelta | None = None) -> NewToken:
        """Create the account's token. A token that has expired is replaced.

        Args:
            actor: Who creates it.
            lifetime: How long the token is valid. The default is `TILED_SCIM_TOKEN_LIFETIME`.

        Returns:
            The token. Its plaintext cannot be read again.

        Raises:
            UnknownAccountError: The host does not have the account.
            TokenChangedError: The account has a token that works. `rotate` would replace it.
        """

        def check(newest: ScimToken | None) -> None:
            if newest is not None and newest.is_current:
                raise TokenChangedError("The account has a token already.")

        return self._renew(actor, check, lifetime=lifetime)

    def rotate(
        self,
        actor: Actor,
        *,
        seen: str | None = None,
        lifetime: timedelta | None = None,
        keep: timedelta | None = None,
    ) -> NewToken:
        """Create a new token. The newest one stops working immediately, or after some time.

        A token that an earlier replacement had kept stops working immediately in any case, so that
        an account never has more than two.

        Args:
            actor: Who replaces it.
            seen: The `seen_key` of the token that the actor saw as the newest one, so that a form
                that was sent twice, or opened before another person's change, has no effect. None
                replaces any.
            lifetime: How long the token is valid. The default is `TILED_SCIM_TOKEN_LIFETIME`.
            keep: How long the token that is replaced works beside the new one, a week at most. It
                ends earlier if it expires, or if the new one does. None ends it immediately.

        Returns:
            The new token, and the one that it replaces. Its plaintext cannot be read again.

        Raises:
            UnknownAccountError: The host does not have the account.
            TokenChangedError: Another token is the newest one than the actor saw.
            ValueError: The token cannot be kept so long.
        """
        _require_keepable(keep)
        check = partial(_require_seen, seen)
        try:
            return self._renew(actor, check, lifetime=lifetime, keep=keep)
        except TokenChangedError:
            if seen is not None:
                raise
        # Another transaction has created the account's first token, which can be replaced now.
        return self._renew(actor, check, lifetime=lifetime, keep=keep)

    def revoke(self, actor: Actor, *, seen: str | None = None) -> list[ScimToken]:
        """Revoke the current tokens, or one of them. They stop working immediately.

        If the newest one is revoked, the previous one is the newest again. It ends when it would
        have ended. It also works for an account that the host no longer has.

        Args:
            actor: Who revokes them.
            seen: The `seen_key` of the token to revoke, which the actor saw as a current one. None
                revokes all.

        Returns:
            The tokens that were revoked, the newest first. Empty if there is no current token.

        Raises:
            TokenChangedError: The token that the actor saw is not a current one.
        """
        with ScimToken.objects.atomic():
            newest, previous = current = ScimToken.objects.locked(self.account)
            revoked = [token for token in current.all() if seen in {None, seen_key(token)}]
            if seen is not None and not revoked:
                raise TokenChangedError("The token has been replaced or revoked meanwhile.")
            for token in revoked:
                token.revoke()
                record_by_hand(token, actor, Action.TOKEN_REVOKED)
            if previous is not None and revoked == [newest]:
                previous.step_forward()
        return revoked

    # Users and groups

    def unlink(
        self,
        link: UserLink | LibraryGroupLink,
        actor: Actor,
        precondition: Precondition | None = None,
    ) -> Change:
        """Unlink a user or a group, as a DELETE of the client does.

        A user loses the access that SCIM gave, and is deactivated in the account. The Library of a
        group stays. The next push of the same user or group links them again.

        Args:
            link: One of the account's `users` or `groups`. A group without its Library, too.
            actor: Who unlinks it.
            precondition: Takes the version of the locked link, and may raise an error.

        Raises:
            ScimError: 404 if the account does not have the link, or if it is unlinked already; the
                errors of the precondition. Nothing is changed then.
        """
        service = SERVICES[type(link)].by_hand(self.account, actor.name)
        return service.unlink(link.pk, precondition).change

    def resync(
        self,
        link: UserLink | LibraryGroupLink,
        actor: Actor,
        precondition: Precondition | None = None,
    ) -> Change:
        """Repair what differs from what the client has pushed, such as access that is missing.

        Args:
            link: A user or group of the account.
            actor: Who repairs it.
            precondition: See `unlink`.

        Returns:
            What was changed. It is empty if nothing differed.

        Raises:
            ScimError: 404 if the account does not have the link; the errors of the precondition.
        """
        self._require_own(link)
        return repair(link, actor.name, precondition)

    def move(
        self,
        group: LibraryGroupLink,
        library: Any,
        actor: Actor,
        precondition: Precondition | None = None,
    ) -> Change:
        """Move a group to another Library. Its members get access to that one instead.

        Args:
            group: One of the account's `groups`.
            library: The primary key of the Library, one of `HostAdapter.target_libraries`.
            actor: Who moves it.
            precondition: See `unlink`.

        Raises:
            ScimError: 404 if the account does not have the group, 409 if it cannot be moved there;
                the errors of the precondition. Nothing is changed then.
        """
        self._require_own(group)
        return move(group, library, actor.name, precondition)

    def preview_move(self, group: LibraryGroupLink, library: Any) -> Preview:
        """Return who would lose and who would gain access by `move`. Nothing is changed.

        Args:
            group: One of the account's `groups`.
            library: The primary key of the Library.

        Raises:
            ScimError: The errors of `move`.
        """
        return GroupMoving.by_hand(self.account).preview(group.pk, library)

    def roles(self) -> dict[str, str]:
        """Return the labels of the roles that a group of the account can give, by key.

        Empty if the host offers no roles, see `HostAdapter.roles`.
        """
        return role_labels(self.adapter)

    def give_role(
        self,
        group: LibraryGroupLink,
        role: str,
        actor: Actor,
        *,
        keeps_library: bool = True,
        precondition: Precondition | None = None,
    ) -> Change:
        """Set the role that the members of a group get.

        Args:
            group: One of the account's `groups`.
            role: A key of `roles`. Empty for none.
            actor: Who sets it.
            keeps_library: Whether the group still gives access to its Library.
            precondition: See `unlink`.

        Raises:
            ScimError: 404 if the account does not have the group; 409 if it cannot give the role;
                403 if the account would lose its last active Tiled Admin; the errors of the
                precondition. Nothing is changed then.
        """
        self._require_own(group)
        service = GroupRoles.by_hand(self.account, actor.name)
        return service.give(
            group.pk, role, keeps_library=keeps_library, precondition=precondition
        ).change

    def preview_role(
        self, group: LibraryGroupLink, role: str, *, keeps_library: bool = True
    ) -> RolePreview:
        """Return who would lose and who would gain a role or access by `give_role`.

        Nothing is changed.

        Raises:
            ScimError: The errors of `give_role`, except the 403.
        """
        service = GroupRoles.by_hand(self.account)
        return service.preview(group.pk, role, keeps_library=keeps_library)

    def losing_role(self, group: LibraryGroupLink) -> list[str]:
        """Return the userNames of those who would lose the role of a group without it."""
        return GroupRoles.by_hand(self.account).losing(group)

    # Internals

    def _renew(
        self, actor: Actor, check: Callable[[ScimToken | None], None], **options: Any
    ) -> NewToken:
        if not self.exists:
            raise UnknownAccountError(self.account)
        try:
            with ScimToken.objects.atomic():
                new = ScimToken.objects.renew(
                    self.account, created_by=actor.user, check=check, **options
                )
                action = Action.TOKEN_REPLACED if new.replaced else Action.TOKEN_GENERATED
                record_by_hand(new.token, actor, action, _described(new))
        except IntegrityError as error:
            if not is_taken(error):
                raise
            raise TokenChangedError("The account's first token was created meanwhile.") from error
        return new

    def _require_own(self, link: UserLink | LibraryGroupLink) -> None:
        if link.account != self.account:
            raise not_found(f"The account has no link with the id {link.pk}.")


def seen_key(token: ScimToken | None) -> str:
    """Return what identifies a current token in a form, for `Connection.rotate` and `revoke`."""
    return "" if token is None else str(token.pk)


def all_tokens() -> QuerySet[ScimToken]:
    """Return the tokens of all accounts, the newest first."""
    return ScimToken.objects.for_write().select_related("created_by")


def all_current_tokens() -> QuerySet[ScimToken]:
    """Return the current tokens of all accounts, the newest first. The newest may have expired."""
    return ScimToken.objects.all_current().select_related("created_by")


def tokens_without_account() -> list[ScimToken]:
    """Return the current tokens of accounts that the host no longer has, the newest first.

    `Connection.revoke` ends them.
    """
    current = all_current_tokens()
    former = adapter_class().missing_accounts(current)
    return list(current.filter(account__in=former)) if former else []


def _require_seen(seen: str | None, newest: ScimToken | None) -> None:
    """Require that the newest token is the one that somebody saw. None allows any."""
    if seen is not None and seen != seen_key(newest):
        raise TokenChangedError("The token has been replaced or revoked meanwhile.")


def _require_keepable(period: timedelta | None) -> None:
    if period is not None and not timedelta() <= period <= KEPT_AT_MOST:
        raise ValueError(
            f"A token that is replaced can be kept for {KEPT_AT_MOST.days} days at most, "
            f"not for {period}."
        )


def _described(new: NewToken) -> dict[str, list[Any]]:
    """Return what the event of a new token says of the tokens before it."""
    attributes: dict[str, list[Any]] = {}
    if new.replaced is not None:
        attributes["token"] = [str(new.replaced), str(new.token)]
    if new.kept_until is not None:
        attributes["kept until"] = [None, new.kept_until.isoformat(timespec="minutes")]
    if new.dropped is not None:
        attributes["kept before"] = [str(new.dropped), None]
    return attributes
