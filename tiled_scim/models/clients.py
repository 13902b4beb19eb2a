"""OAuth clients of accounts: their secrets, federations and access tokens (RFC 6749)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.fields import ExactCharField
from tiled_scim.database.for_write import locked
from tiled_scim.models.created import Created
from tiled_scim.models.last_use import LastUse
from tiled_scim.models.lengths import ACCOUNT_LENGTH, NAME_LENGTH
from tiled_scim.models.managers import WriteManager
from tiled_scim.secret import Secret, digest, new_secret

# The prefix that secret scanners look for.
CLIENT_SECRET_PREFIX = "tscimsecret_"  # noqa: S105 (not a secret)

CLIENT_ID_LENGTH = 36
FEDERATION_LENGTH = 500
# One secret that is used, and one that replaces it.
SLOTS = (1, 2)


@dataclass(frozen=True)
class Federation:
    """The identity provider whose signed assertions prove who a client is (RFC 7523 section 2.2).

    Args:
        issuer: The claim `iss` of the assertions.
        jwks_url: The URL of the issuer's public keys.
        subject: The claim `sub`.
        audience: The claim `aud`. Of an app of Entra, any spelling.
    """

    issuer: str
    jwks_url: str
    subject: str
    audience: str


class ClientChangedError(Exception):
    """The client is not as it was read: it was revoked, or got another secret or federation."""


class TooManySecretsError(Exception):
    """The client has two secrets that work. One has to be revoked first."""


def new_client_id() -> str:
    """Return a new client id. It is random, but no secret."""
    return str(uuid4())


class ScimClientManager(WriteManager["ScimClient"]):
    """Finds clients. `tiled_scim.clients` creates and changes them for people, with events."""

    def current(self, account: str = "") -> models.QuerySet[ScimClient]:
        """Return the account's clients that were not revoked, the oldest first."""
        return self.all_current().filter(account=account)

    def all_current(self) -> models.QuerySet[ScimClient]:
        """Return the clients of all accounts that were not revoked, the oldest first."""
        return self.for_write().filter(revoked_at=None).order_by("pk")

    def with_client_id(self, client_id: str) -> ScimClient | None:
        """Return the client with this id, revoked or not, or None."""
        return self.for_write().filter(client_id=client_id).first()

    def locked(self, client: ScimClient) -> ScimClient:
        """Return a client as it is now, locked until the end of the transaction."""
        found: ScimClient = locked(self.for_write()).get(pk=client.pk)
        return found

    def take_turn(self, account: str) -> None:
        """Wait for other transactions of the account that take turns, until they have ended.

        It locks the account's first client, whose row stays. Without one, nothing is locked.
        """
        rows = locked(self.for_write().filter(account=account).order_by("pk"))
        list(rows.values_list("pk")[:1])


class ScimClient(Created, LastUse):
    """A client of an account, which gets access tokens from the token endpoint.

    It proves who it is by one of its secrets, or by the assertions of its federation.
    """

    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    client_id = ExactCharField(
        _("client id"),
        max_length=CLIENT_ID_LENGTH,
        default=new_client_id,
        unique=True,
        editable=False,
    )
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    # All four are blank in a client that has secrets.
    issuer = models.CharField(_("issuer"), max_length=FEDERATION_LENGTH, blank=True)
    jwks_url = models.CharField(_("JWKS URL"), max_length=FEDERATION_LENGTH, blank=True)
    subject = models.CharField(_("subject"), max_length=FEDERATION_LENGTH, blank=True)
    audience = models.CharField(_("audience"), max_length=FEDERATION_LENGTH, blank=True)

    objects: ClassVar[ScimClientManager] = ScimClientManager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        default_permissions = ()
        ordering = ("pk",)
        indexes = (models.Index(fields=("account", "id"), name="tiled_scim_client_account"),)
        constraints = (
            models.CheckConstraint(
                name="tiled_scim_client_federation",
                condition=Q(issuer="", jwks_url="", subject="", audience="")
                | ~(Q(issuer="") | Q(jwks_url="") | Q(subject="") | Q(audience="")),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_current(self) -> bool:
        """Return whether the client was not revoked."""
        return self.revoked_at is None

    @property
    def federation(self) -> Federation | None:
        """Return the client's federation, or None if it has secrets."""
        if not self.issuer:
            return None
        return Federation(self.issuer, self.jwks_url, self.subject, self.audience)

    @property
    def last_four(self) -> str:
        """Return the end of the client id, which events show if no secret was used."""
        return str(self.client_id)[-4:]

    @property
    def throttle_key(self) -> str:
        """Return the key under which the throttle counts the requests of the client."""
        return f"client:{self.pk}"

    def revoke(self) -> None:
        """End the client, its secrets and its access tokens immediately."""
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["revoked_at"])


class ScimClientSecretManager(WriteManager["ScimClientSecret"]):
    """Finds secrets. `tiled_scim.clients` creates and ends them for people, with events."""

    def of_client_id(self, client_id: str) -> list[ScimClientSecret]:
        """Return the secrets of a client that were not ended, expired or not, with the client.

        It takes one query, whether there is such a client or not.
        """
        rows = self.for_write().filter(client__client_id=client_id).exclude(slot=None)
        return list(rows.select_related("client").order_by("slot"))

    def create_in(
        self, client: ScimClient, *, created_by: Any, lifetime: timedelta
    ) -> tuple[ScimClientSecret, Secret]:
        """Create a secret of a locked client in a free slot. Expired secrets give up theirs.

        Returns:
            The row, and the secret, which is not stored.

        Raises:
            TooManySecretsError: The client has no free slot.
        """
        plaintext = new_secret(CLIENT_SECRET_PREFIX)
        taken = self.for_write().filter(client=client).exclude(slot=None)
        taken.filter(expires_at__lte=timezone.now()).update(slot=None)
        free = set(SLOTS).difference(taken.values_list("slot", flat=True))
        if not free:
            raise TooManySecretsError
        secret = self.model(
            client=client,
            slot=min(free),
            digest=digest(plaintext),
            last_four=plaintext[-4:],
            created_by=created_by,
            expires_at=timezone.now() + lifetime,
        )
        secret.save(using=self.write_alias, force_insert=True)
        return secret, plaintext


class ScimClientSecret(Created, LastUse):
    """A secret of a client. Only its digest is stored."""

    client = models.ForeignKey(
        ScimClient,
        on_delete=models.CASCADE,
        editable=False,
        related_name="secrets",
        verbose_name=_("client"),
    )
    # Null once the secret has ended. The unique constraint allows as many current secrets as there
    # are slots on each database, also on MariaDB, which has no partial constraints.
    slot = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    digest = ExactCharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(_("last four characters"), max_length=4, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects: ClassVar[ScimClientSecretManager] = ScimClientSecretManager()

    class Meta:
        verbose_name = _("client secret")
        verbose_name_plural = _("client secrets")
        default_permissions = ()
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("client", "slot"), name="tiled_scim_client_secret_slot"
            ),
            models.CheckConstraint(
                name="tiled_scim_client_secret_slots",
                condition=Q(slot=None) | Q(slot__in=SLOTS),
            ),
        )

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_current(self) -> bool:
        """Return whether the secret is valid, if its client is."""
        return self.slot is not None and not self.is_expired

    @property
    def account(self) -> str:
        return str(self.client.account)

    def revoke(self) -> None:
        """End the secret and its access tokens immediately."""
        self.slot, self.revoked_at = None, self.revoked_at or timezone.now()
        self.save(update_fields=["slot", "revoked_at"])
