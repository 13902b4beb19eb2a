"""The SCIM connection of an account: its health, its token, and what people change by hand.

This is the Python API for all of that. The pages, the commands and the demo use it, and hosts can:

    from tiled_scim.connections import Actor, Connection

    connection = Connection("acme")
    connection.health().state.is_connected  # whether the identity provider calls
    new = connection.generate(Actor("Sign-up of Acme"))
    show_once(new.plaintext)  # it is not stored
    connection.rotate(Actor(f"Settings: {user}", user))  # the current token stops working
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

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet

from tiled_scim.audit.dashboard import Health
from tiled_scim.audit.events import Change, Source, keep, record
from tiled_scim.conf import settings
from tiled_scim.database.errors import is_taken
from tiled_scim.errors import not_found
from tiled_scim.host import HostAdapter, adapter_class, objects
from tiled_scim.models import (
    Action,
    LibraryGroupLink,
    LinkQuerySet,
    NewToken,
    ScimEvent,
    ScimToken,
    UserLink,
)
from tiled_scim.provisioning.group_roles import GroupRoles, RolePreview, give_role
from tiled_scim.provisioning.groups import GroupService
from tiled_scim.provisioning.moving import GroupMoving, Preview, move
from tiled_scim.provisioning.repair import repair
from tiled_scim.provisioning.role_keys import role_labels
from tiled_scim.provisioning.service import Precondition, record_of
from tiled_scim.provisioning.users import UserService

__all__ = [
    "Actor",
    "Connection",
    "NewToken",
    "TokenChangedError",
    "UnknownAccountError",
    "all_tokens",
    "seen_key",
    "tokens_without_account",
]

SERVICES: dict[type, type[UserService | GroupService]] = {
    UserLink: UserService,
    LibraryGroupLink: GroupService,
}


@dataclass(frozen=True)
class Actor:
    """Who makes a change by hand, for its event.

    Args:
        name: The name that events show, with the place: "Django admin: ann".
        user: The host user, if there is one. A token keeps who created it.
        address: The IP address, if it is known. Events of tokens have it.
    """

    name: str
    user: AbstractBaseUser | None = None
    address: str | None = None


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
        """Return the connection as it is now: token, last call, state, counts and failures.

        It reads the current token at once, and everything else when it is first asked for it.

        Args:
            unknown_callers: Whether to include refused requests without a token of any account. By
                default, they are included only in a host without accounts.
        """
        if unknown_callers is None:
            unknown_callers = not self.adapter.has_accounts
        current = self.tokens().filter(current_account=self.account).first()
        return Health(self.account, current, unknown_callers)

    def current_token(self) -> ScimToken | None:
        """Return the current token, expired or not, or None."""
        return ScimToken.objects.current(self.account)

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

    # The token

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

        def check(current: ScimToken | None) -> None:
            if current is not None and current.is_current:
                raise TokenChangedError("The account has a token already.")

        return self._renew(actor, lifetime, check)

    def rotate(
        self, actor: Actor, *, seen: str | None = None, lifetime: timedelta | None = None
    ) -> NewToken:
        """Create a new token. The current one stops working immediately, if there is one.

        Args:
            actor: Who replaces it.
            seen: The `seen_key` of the token that the actor saw as the current one, so that a form
                that was sent twice, or opened before another person's change, has no effect. None
                replaces any.
            lifetime: How long the token is valid. The default is `TILED_SCIM_TOKEN_LIFETIME`.

        Returns:
            The new token, and the one that it replaces. Its plaintext cannot be read again.

        Raises:
            UnknownAccountError: The host does not have the account.
            TokenChangedError: Another token is the current one than the actor saw.
        """
        check = partial(_require_seen, seen)
        try:
            return self._renew(actor, lifetime, check)
        except TokenChangedError:
            if seen is not None:
                raise
        # Another transaction has created the account's first token, which can be replaced now.
        return self._renew(actor, lifetime, check)

    def revoke(self, actor: Actor, *, seen: str | None = None) -> ScimToken | None:
        """Revoke the current token. It stops working immediately.

        It also works for an account that the host no longer has.

        Args:
            actor: Who revokes it.
            seen: See `rotate`.

        Returns:
            The token that was revoked. None if there is no current token.

        Raises:
            TokenChangedError: Another token is the current one than the actor saw.
        """
        with transaction.atomic(using=router.db_for_write(ScimToken)):
            token = ScimToken.objects.locked(self.account)
            _require_seen(seen, token)
            if token is None:
                return None
            token.revoke()
            self._record(actor, Action.TOKEN_REVOKED, token)
        return token

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
        source = Source(self.account, actor=actor.name)
        service = SERVICES[type(link)](self.adapter, record_of(source))
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
        source = Source(self.account)
        return GroupMoving(self.adapter, record_of(source)).preview(group.pk, library)

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
            keeps_library: Whether the group goes on to give access to its Library.
            precondition: See `unlink`.

        Raises:
            ScimError: 404 if the account does not have the group; 409 if it cannot give the role;
                403 if the account would lose its last active Tiled Admin; the errors of the
                precondition. Nothing is changed then.
        """
        self._require_own(group)
        return give_role(
            group, role, actor.name, keeps_library=keeps_library, precondition=precondition
        )

    def preview_role(
        self, group: LibraryGroupLink, role: str, *, keeps_library: bool = True
    ) -> RolePreview:
        """Return who would lose and who would gain a role or access by `give_role`.

        Nothing is changed.

        Raises:
            ScimError: The errors of `give_role`, except the 403.
        """
        source = Source(self.account)
        service = GroupRoles(self.adapter, record_of(source))
        return service.preview(group.pk, role, keeps_library=keeps_library)

    def losing_role(self, group: LibraryGroupLink) -> list[str]:
        """Return the userNames of those who would lose the role of a group without it."""
        return GroupRoles(self.adapter, record_of(Source(self.account))).losing(group)

    # Inside

    def _renew(self, actor: Actor, lifetime: timedelta | None, check: Any) -> NewToken:
        if not self.exists:
            raise UnknownAccountError(self.account)
        try:
            with transaction.atomic(using=router.db_for_write(ScimToken)):
                new = ScimToken.objects.renew(
                    self.account, created_by=actor.user, lifetime=lifetime, check=check
                )
                action = Action.TOKEN_REPLACED if new.replaced else Action.TOKEN_GENERATED
                self._record(actor, action, new.token, new.replaced)
        except IntegrityError as error:
            if not is_taken(error):
                raise
            raise TokenChangedError("The account's first token was created meanwhile.") from error
        return new

    def _record(
        self, actor: Actor, action: Action, token: ScimToken, replaced: ScimToken | None = None
    ) -> None:
        """Write an event in the transaction of the change."""
        source = Source(self.account, actor=actor.name, address=actor.address)
        attributes = {"token": [str(replaced), str(token)]} if replaced else {}
        change = Change(name=str(token), action=action, attributes=attributes)
        keep(partial(record, source, change), router.db_for_write(ScimToken))

    def _require_own(self, link: UserLink | LibraryGroupLink) -> None:
        if link.account != self.account:
            raise not_found(f"The account has no link with the id {link.pk}.")


def seen_key(token: ScimToken | None) -> str:
    """Return what identifies the current token in a form, for `Connection.rotate` and `revoke`."""
    return "" if token is None else str(token.pk)


def all_tokens() -> QuerySet[ScimToken]:
    """Return the tokens of all accounts, the newest first."""
    return ScimToken.objects.written().select_related("created_by")


def tokens_without_account() -> list[ScimToken]:
    """Return the current tokens of accounts that the host no longer has, the newest first.

    `Connection.revoke` ends them.
    """
    current = all_tokens().exclude(current_account=None)
    former = adapter_class().missing_accounts(current)
    return list(current.filter(account__in=former)) if former else []


def _require_seen(seen: str | None, current: ScimToken | None) -> None:
    """Require that the current token is the one that somebody saw. None allows any."""
    if seen is not None and seen != seen_key(current):
        raise TokenChangedError("The token has been replaced or revoked meanwhile.")
