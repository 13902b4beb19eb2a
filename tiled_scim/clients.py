"""OAuth clients: what an account creates for identity providers that take no long-lived token.

This is the Python API for them. The pages and the command use it, and hosts can:

    from tiled_scim import clients
    from tiled_scim.connections import Actor

    new = clients.create("acme", "Entra ID", Actor(f"Settings: {user}", user))
    show_once(new.client.client_id, new.secret)  # the secret is not stored

    second = clients.add_secret(new.client, Actor("Support"))
    show_once(second.plaintext)  # both secrets work
    clients.revoke_secret(old, Actor("Support"))  # and its access tokens end

    federation = clients.Federation(issuer, jwks_url, subject, audience)
    clients.create("acme", "Entra ID", Actor("Support"), federation=federation)

A client proves who it is either by secrets or by the signed assertions of a federation, and gets
access tokens for that. A client has at most two secrets that work, so that one can replace the
other without a gap. Each change is one transaction, with an event in it that says who made it.

Whether somebody may see or change clients is decided by those who call this.

The module is long, because hosts import all of it from one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from tiled_scim.audit.events import record_by_hand
from tiled_scim.conf import SECRET_LIFETIMES, settings
from tiled_scim.connections import Actor, Connection, UnknownAccountError
from tiled_scim.database.errors import is_taken
from tiled_scim.models import (
    FEDERATION_LENGTH,
    NAME_LENGTH,
    Action,
    ClientChangedError,
    Federation,
    ScimAccessToken,
    ScimClient,
    ScimClientSecret,
    TooManySecretsError,
)
from tiled_scim.oauth import assertions
from tiled_scim.oauth.fetching import is_refused, url_problem
from tiled_scim.secret import Secret, digest

__all__ = [
    "MOST_CLIENTS",
    "ClientChangedError",
    "ClientEndedError",
    "ClientExistsError",
    "Federation",
    "FederationUnavailableError",
    "InvalidClientError",
    "NewClient",
    "NewClientSecret",
    "TooManyClientsError",
    "TooManySecretsError",
    "add_secret",
    "change_federation",
    "create",
    "find",
    "of_account",
    "of_all_accounts",
    "revoke",
    "revoke_secret",
    "seen_key",
]

# How many clients of an account may be current at once. An account has one or two identity
# providers.
MOST_CLIENTS = 10
SEEN_LENGTH = 16


@dataclass(frozen=True)
class NewClientSecret:
    """A client secret that was just created.

    Args:
        row: The row.
        plaintext: The secret itself, which is not stored.
    """

    row: ScimClientSecret
    plaintext: Secret


@dataclass(frozen=True)
class NewClient:
    """A client that was just created.

    Args:
        client: The row.
        secret: Its first secret. None if it has a federation.
    """

    client: ScimClient
    secret: NewClientSecret | None


class InvalidClientError(ValueError):
    """A value that a client cannot have.

    Args:
        field: Which value: `name`, `lifetime`, or a field of `Federation`.
        problem: What is wrong and what would be right, for people.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


class TooManyClientsError(Exception):
    """The account has as many clients as it may have. One has to be revoked first."""


class ClientEndedError(Exception):
    """The client was revoked, or has the other kind of credential."""


class ClientExistsError(Exception):
    """There is a client with this client id already."""


class FederationUnavailableError(Exception):
    """The package's extra that verifies assertions is not installed."""


def of_account(account: str) -> QuerySet[ScimClient]:
    """Return the clients of an account that were not revoked, the oldest first.

    `client.secrets.all()` has all secrets that a client ever had, the newest first.
    """
    return of_all_accounts().filter(account=account)


def of_all_accounts() -> QuerySet[ScimClient]:
    """Return the clients of all accounts that were not revoked, see `of_account`."""
    secrets = ScimClientSecret.objects.for_write().select_related("created_by")
    clients = ScimClient.objects.all_current().select_related("created_by")
    return clients.prefetch_related(Prefetch("secrets", secrets))


def find(account: str, client_id: str) -> ScimClient | None:
    """Return the client of an account with a client id, or None if it has none or was revoked."""
    return of_account(account).filter(client_id=client_id).first()


def seen_key(client: ScimClient) -> str:
    """Return what a form keeps of the client that its page showed.

    It tells whether the client has got another secret or federation since.
    """
    newest = ScimClientSecret.objects.for_write().filter(client=client).order_by("-pk")
    shown = [*newest.values_list("pk", flat=True)[:1], client.federation]
    return digest(repr(shown))[:SEEN_LENGTH]


def create(
    account: str,
    name: str,
    actor: Actor,
    *,
    federation: Federation | None = None,
    lifetime: timedelta | None = None,
    client_id: UUID | None = None,
) -> NewClient:
    """Create a client, with its first secret or with a federation.

    Args:
        account: The account's key.
        name: A name that tells people which client it is.
        actor: Who creates it.
        federation: Whose assertions prove who the client is. None creates a secret instead.
        lifetime: How long the secret is valid, from one to three years. The default is
            `TILED_SCIM_CLIENT_SECRET_LIFETIME`.
        client_id: The client id, so that a form that was sent twice creates one client. By default
            it is a new one.

    Raises:
        UnknownAccountError: The host does not have the account.
        InvalidClientError: The name, the federation or the lifetime is not valid.
        FederationUnavailableError: The extra for federations is not installed.
        TooManyClientsError: The account has as many clients as it may have.
        ClientExistsError: There is a client with this client id already.
    """
    name = _checked_name(name)
    if federation is not None:
        _check_federation(federation)
    lifetime = _checked_lifetime(lifetime)
    if not Connection(account).exists:
        raise UnknownAccountError(account)
    creator: Any = actor.user
    values: dict[str, Any] = asdict(federation) if federation is not None else {}
    client = ScimClient(account=account, name=name, created_by=creator, **values)
    if client_id is not None:
        client.client_id = str(client_id)
    with ScimClient.objects.atomic():
        ScimClient.objects.take_turn(account)
        _insert(client)
        if ScimClient.objects.current(account).count() > MOST_CLIENTS:
            raise TooManyClientsError
        secret = None if federation is not None else _new_secret(client, actor, lifetime)
        changes = _of_secret(secret.row) if secret else _of_federation(None, federation)
        record_by_hand(client, actor, Action.CLIENT_CREATED, changes)
    return NewClient(client, secret)


def add_secret(
    client: ScimClient,
    actor: Actor,
    *,
    lifetime: timedelta | None = None,
    seen: str | None = None,
) -> NewClientSecret:
    """Create another secret of a client. The current one keeps working.

    Args:
        client: The client.
        actor: Who creates it.
        lifetime: See `create`.
        seen: The `seen_key` of the client that the actor saw, so that a form that was sent twice
            has no effect. None accepts any.

    Raises:
        InvalidClientError: The lifetime is not valid.
        ClientEndedError: The client was revoked, or has a federation.
        ClientChangedError: The client is not as the actor saw it.
        TooManySecretsError: The client has two secrets that work.
    """
    lifetime = _checked_lifetime(lifetime)
    with ScimClient.objects.atomic():
        now = _locked(client)
        if now.federation is not None:
            raise ClientEndedError
        _require_seen(now, seen)
        secret = _new_secret(now, actor, lifetime)
        record_by_hand(now, actor, Action.CLIENT_SECRET_CREATED, _of_secret(secret.row))
    return secret


def revoke_secret(secret: ScimClientSecret, actor: Actor) -> bool:
    """Revoke a secret. It and the access tokens that were issued for it stop working immediately.

    It also works for an account that the host no longer has.

    Returns:
        Whether the secret had not ended.
    """
    with ScimClient.objects.atomic():
        client = ScimClient.objects.locked(secret.client)
        row = ScimClientSecret.objects.for_write().filter(pk=secret.pk).exclude(slot=None).first()
        if row is None or not client.is_current:
            return False
        row.revoke()
        record_by_hand(client, actor, Action.CLIENT_SECRET_REVOKED, {"secret": [str(row), None]})
    return True


def change_federation(
    client: ScimClient, federation: Federation, actor: Actor, *, seen: str | None = None
) -> bool:
    """Change the federation of a client. Its access tokens stop working immediately.

    Args:
        client: A client with a federation.
        federation: The new one.
        actor: Who changes it.
        seen: See `add_secret`.

    Returns:
        Whether anything differs.

    Raises:
        InvalidClientError: The federation is not valid.
        FederationUnavailableError: The extra for federations is not installed.
        ClientEndedError: The client was revoked, or has secrets.
        ClientChangedError: The client is not as the actor saw it.
    """
    _check_federation(federation)
    with ScimClient.objects.atomic():
        now = _locked(client)
        before = now.federation
        if before is None:
            raise ClientEndedError
        _require_seen(now, seen)
        if before == federation:
            return False
        values = asdict(federation)
        ScimClient.objects.for_write().filter(pk=now.pk).update(**values)
        ScimAccessToken.objects.for_write().filter(client=now).delete()
        record_by_hand(now, actor, Action.FEDERATION_CHANGED, _of_federation(before, federation))
    return True


def revoke(client: ScimClient, actor: Actor) -> bool:
    """Revoke a client. Its secrets and access tokens stop working immediately.

    It also works for an account that the host no longer has.

    Returns:
        Whether the client was current.
    """
    with ScimClient.objects.atomic():
        now = ScimClient.objects.locked(client)
        if not now.is_current:
            return False
        now.revoke()
        record_by_hand(now, actor, Action.CLIENT_REVOKED)
    return True


def _insert(client: ScimClient) -> None:
    """Store a new client.

    Raises:
        ClientExistsError: There is one with its client id.
    """
    try:
        with ScimClient.objects.atomic():
            client.save(using=ScimClient.objects.write_alias, force_insert=True)
    except IntegrityError as error:
        if not is_taken(error):
            raise
        raise ClientExistsError from None


def _require_seen(client: ScimClient, seen: str | None) -> None:
    """Check that a locked client is as somebody saw it.

    Raises:
        ClientChangedError: It is not.
    """
    if seen is not None and seen != seen_key(client):
        raise ClientChangedError


def _locked(client: ScimClient) -> ScimClient:
    """Return a client, locked until the end of the transaction.

    Raises:
        ClientEndedError: The client was revoked.
    """
    now = ScimClient.objects.locked(client)
    if not now.is_current:
        raise ClientEndedError
    return now


def _new_secret(client: ScimClient, actor: Actor, lifetime: timedelta) -> NewClientSecret:
    row, plaintext = ScimClientSecret.objects.create_in(
        client, created_by=actor.user, lifetime=lifetime
    )
    return NewClientSecret(row, plaintext)


def _checked_name(name: str) -> str:
    """Return a name without spaces around it.

    Raises:
        InvalidClientError: It is empty, long, or has control characters.
    """
    name = name.strip()
    if not name:
        raise InvalidClientError("name", _("Enter a name, such as “Entra ID”."))
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidClientError(
            "name",
            _("Enter a name of at most %(number)d characters, on one line.")
            % {"number": NAME_LENGTH},
        )
    return name


def _checked_lifetime(lifetime: timedelta | None) -> timedelta:
    """Return how long a secret is valid.

    Raises:
        InvalidClientError: It is shorter or longer than secrets may be valid.
    """
    if lifetime is None:
        return settings.CLIENT_SECRET_LIFETIME
    shortest, longest = SECRET_LIFETIMES
    if not shortest <= lifetime <= longest:
        raise InvalidClientError(
            "lifetime",
            _("A client secret is valid for %(shortest)d to %(longest)d days.")
            % {"shortest": shortest.days, "longest": longest.days},
        )
    return lifetime


def _check_federation(federation: Federation) -> None:
    """Check that a federation can be one.

    Raises:
        InvalidClientError: A value is not valid.
        FederationUnavailableError: The extra for federations is not installed.
    """
    if not assertions.is_available():
        raise FederationUnavailableError
    for field, value in asdict(federation).items():
        if not value or value.split() != [value] or not value.isprintable():
            raise InvalidClientError(
                field, _("Copy the value from the identity provider. It has no spaces.")
            )
        if len(value) > FEDERATION_LENGTH:
            raise InvalidClientError(
                field,
                _("The value has more than %(number)d characters.") % {"number": FEDERATION_LENGTH},
            )
    for field in ("issuer", "jwks_url"):
        if url_problem(getattr(federation, field)) is not None:
            raise InvalidClientError(
                field, _("Enter the complete URL. It begins with https:// and has no password.")
            )
    if is_refused(federation.jwks_url):
        raise InvalidClientError(
            "jwks_url", _("Enter a URL of the public internet. This one has a private address.")
        )


def _of_secret(secret: ScimClientSecret) -> Mapping[str, list[Any]]:
    """Return what the event of a new secret says."""
    expires = secret.expires_at.isoformat(timespec="minutes")
    return {"secret": [None, str(secret)], "expires": [None, expires]}


def _of_federation(before: Federation | None, after: Federation | None) -> Mapping[str, list[Any]]:
    """Return what the event of a federation says."""
    old, new = (asdict(each) if each is not None else {} for each in (before, after))
    return {name: [old.get(name), new[name]] for name in new if old.get(name) != new[name]}
