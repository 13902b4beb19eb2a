"""The access tokens of OAuth clients."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.compiled import Parameter, compiled
from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.clients import (
    ClientChangedError,
    ScimClient,
    ScimClientSecret,
)
from tiled_scim.models.last_use import LastUse
from tiled_scim.models.managers import WriteManager
from tiled_scim.secret import Secret, digest, new_secret

# The prefix that secret scanners look for.
ACCESS_TOKEN_PREFIX = "tscimat_"  # noqa: S105 (not a secret)
# How many access tokens a client may have. The oldest are deleted, so that a client that asks for
# one before each request does not fill the table. No client has so many requests at once.
MOST_ACCESS_TOKENS = 500
# How long expired access tokens are kept, to tell whose they were.
EXPIRED_KEPT = timedelta(days=1)


class ScimAccessTokenManager(WriteManager["ScimAccessToken"]):
    """Issues and finds access tokens."""

    def issue(
        self, client: ScimClient, secret: ScimClientSecret | None = None
    ) -> tuple[ScimAccessToken, Secret]:
        """Create an access token, and delete those of the client that nobody needs any more.

        Args:
            client: The client.
            secret: The secret by which it proved who it is. None for a federation.

        Returns:
            The row, and the token, which is not stored. It expires no later than the secret.

        Raises:
            ClientChangedError: What it proved who it is by is no longer valid.
        """
        plaintext = new_secret(ACCESS_TOKEN_PREFIX)
        now = timezone.now()
        expires_at = now + settings.ACCESS_TOKEN_LIFETIME
        token = self.model(
            client=client,
            secret=secret,
            digest=digest(plaintext),
            created_at=now,
            expires_at=min(expires_at, secret.expires_at) if secret else expires_at,
        )
        using = self.write_alias
        with self.atomic():
            # Two requests that delete the same rows would be a deadlock. And fetching the keys of a
            # federation may take seconds, in which it is changed.
            current = ScimClient.objects.locked(client)
            if not current.is_current or current.federation != client.federation:
                raise ClientChangedError
            self._prune(client, now)
            token.save(using=using, force_insert=True)
        return token, plaintext

    def with_plaintext(self, plaintext: str) -> ScimAccessToken | None:
        """Return the access token with this plaintext, current or not, or None."""
        return self.with_digest(digest(plaintext))

    def with_digest(self, digest: str) -> ScimAccessToken | None:
        """Return the access token with a digest, with its client and secret, in one query."""
        using = self.write_alias
        names = {prefix: _columns(model) for prefix, model in _JOINED.items()}
        columns = [f"{prefix}{name}" for prefix, each in names.items() for name in each]
        query = compiled(("access token", using), lambda: self._by_digest().values_list(*columns))
        row = query.row(digest=digest)
        if row is None:
            return None
        values = iter(row)
        token, client, secret = (
            model.from_db(using, names[prefix], [next(values) for _ in names[prefix]])
            for prefix, model in _JOINED.items()
        )
        found: ScimAccessToken = token
        found.client = client
        found.secret = secret if token.secret_id else None
        return found

    def expired_before(self, moment: datetime) -> models.QuerySet[ScimAccessToken]:
        """Return the access tokens that expired before a time."""
        return self.for_write().filter(expires_at__lt=moment)

    def _prune(self, client: ScimClient, now: datetime) -> None:
        """Delete access tokens of a client.

        They are deleted by primary key: for a range of them or of dates, MariaDB would lock those
        of other clients, which is a deadlock.
        """
        rows = self.for_write().filter(client=client)
        expired = rows.filter(expires_at__lt=now - EXPIRED_KEPT).values_list("pk", flat=True)
        newest_first = rows.order_by("-pk").values_list("pk", flat=True)
        surplus = newest_first[MOST_ACCESS_TOKENS - 1 :]
        keys = {*expired, *surplus}
        if keys:
            self.for_write().filter(pk__in=keys).delete()

    def _by_digest(self) -> models.QuerySet[ScimAccessToken]:
        parameter = Parameter("digest", self.model._meta.get_field("digest"))
        return self.for_write().filter(digest=parameter)


class ScimAccessToken(models.Model):
    """An access token of a client. Only its digest is stored."""

    client = models.ForeignKey(
        ScimClient, on_delete=models.CASCADE, editable=False, related_name="access_tokens"
    )
    secret = models.ForeignKey(
        ScimClientSecret,
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="access_tokens",
    )
    digest = ExactCharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(editable=False, db_index=True)

    objects: ClassVar[ScimAccessTokenManager] = ScimAccessTokenManager()

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        default_permissions = ()

    def __str__(self) -> str:
        return f"access token {self.pk}"

    @property
    def account(self) -> str:
        return str(self.client.account)

    @property
    def last_four(self) -> str:
        """Return what events show of the credential: nothing of the access token itself."""
        return str((self.secret or self.client).last_four)

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        """Return whether the client, and the secret if it has one, would get an access token."""
        return self.client.is_current and (self.secret is None or self.secret.is_current)

    @property
    def is_current(self) -> bool:
        """Return whether the access token is valid."""
        return not self.is_expired and self.is_usable

    @property
    def throttle_key(self) -> str:
        return self.client.throttle_key

    def read_again(self) -> ScimAccessToken | None:
        """Return the access token as it is now, or None."""
        return type(self).objects.with_digest(self.digest)

    def mark_used(
        self, now: datetime, interval: timedelta, *, address: str | None = None, client: str = ""
    ) -> None:
        """Store that the client and its secret were used, see `LastUse.mark_used`."""
        used: list[LastUse] = [self.client, self.secret] if self.secret else [self.client]
        for each in used:
            each.mark_used(now, interval, address=address, client=client)


# What one query reads for a request, by the prefix of the names.
_JOINED: dict[str, type[Any]] = {
    "": ScimAccessToken,
    "client__": ScimClient,
    "secret__": ScimClientSecret,
}


def _columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
