"""The bearer tokens of accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.db import models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.compiled import Parameter, compiled
from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.last_use import LastUse
from tiled_scim.models.lengths import ACCOUNT_LENGTH
from tiled_scim.secret import Secret, digest, new_secret

TOKEN_PREFIX = "tscim_"  # noqa: S105 (the prefix that secret scanners look for, not a secret)


@dataclass(frozen=True)
class NewToken:
    """A token that was just created.

    Args:
        token: The row.
        plaintext: The token itself, which is not stored.
        replaced: The token that it replaces, if the account had one.
    """

    token: ScimToken
    plaintext: Secret
    replaced: ScimToken | None = None


class ScimTokenManager(models.Manager["ScimToken"]):
    """Creates and finds tokens. `connections.Connection` does so for people, and writes events."""

    def renew(
        self,
        account: str = "",
        *,
        created_by: Any = None,
        lifetime: timedelta | None = None,
        check: Callable[[ScimToken | None], None] = lambda current: None,
    ) -> NewToken:
        """Create a new token for an account, and end its current one.

        Args:
            account: The account's key.
            created_by: The host user who creates it, if there is one.
            lifetime: How long the token is valid. The default is `TILED_SCIM_TOKEN_LIFETIME`.
            check: Takes the current token, which is locked, or None. It raises an error if that
                token must not be replaced.

        Raises:
            IntegrityError: if another transaction creates the account's first token meanwhile.
        """
        plaintext = new_secret(TOKEN_PREFIX)
        lifetime = lifetime or settings.TOKEN_LIFETIME
        using = router.db_for_write(self.model)
        with transaction.atomic(using=using):
            current = self.locked(account)
            check(current)
            if current is not None:
                current.revoke()
            token = self.model(
                account=account,
                current_account=account,
                digest=digest(plaintext),
                last_four=plaintext[-4:],
                created_by=created_by,
                expires_at=timezone.now() + lifetime if lifetime else None,
            )
            token.save(using=using, force_insert=True)
        return NewToken(token, plaintext, current)

    def current(self, account: str = "") -> ScimToken | None:
        """Return the account's current token, expired or not, or None."""
        return self.written().filter(current_account=account).first()

    def locked(self, account: str = "") -> ScimToken | None:
        """Return the account's current token, locked until the end of the transaction, or None.

        Without a first token, it does not look for a current one that another transaction may
        create now. It would be locked in another order, which is a deadlock on MariaDB.
        """
        if not self.take_turn(account):
            return None
        return self.written().select_for_update().filter(current_account=account).first()

    def take_turn(self, account: str = "") -> bool:
        """Wait for other transactions of the account that take turns, until they have ended.

        It locks the account's first token, which stays the same. A lock on the current one would
        not wait any more after that was replaced.

        Returns:
            Whether the account has had a token. Without one, nothing is locked.
        """
        rows = self.written().select_for_update().filter(account=account).order_by("pk")
        return bool(rows.values_list("pk")[:1])

    def with_plaintext(self, plaintext: str) -> ScimToken | None:
        """Return the token with this plaintext, current or not, or None. Takes one query."""
        using = router.db_for_write(self.model)
        names = [field.attname for field in self.model._meta.concrete_fields]
        query = compiled(("token", using), lambda: self._with_digest().values_list(*names))
        row = query.row(digest=digest(plaintext))
        return None if row is None else self.model.from_db(using, names, row)

    def written(self) -> models.QuerySet[ScimToken]:
        """Return all tokens, from the database for writes: a replica may have outdated tokens."""
        return self.using(router.db_for_write(self.model))

    def _with_digest(self) -> models.QuerySet[ScimToken]:
        parameter = Parameter("digest", self.model._meta.get_field("digest"))
        return self.written().filter(digest=parameter)


class ScimToken(LastUse):
    """The bearer token of an account. Only its digest is stored."""

    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    # The account while the token is current, else null. Its unique constraint allows one current
    # token per account on each database, also on MariaDB, which has no partial constraints.
    current_account = ExactCharField(
        max_length=ACCOUNT_LENGTH, null=True, blank=True, unique=True, editable=False
    )
    digest = ExactCharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(_("last four characters"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    objects: ClassVar[ScimTokenManager] = ScimTokenManager()

    class Meta:
        verbose_name = _("SCIM token")
        verbose_name_plural = _("connection and token")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("account", "id"), name="tiled_scim_token_account"),)

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_current(self) -> bool:
        """Return whether the token is valid."""
        return self.current_account is not None and not self.is_expired

    def revoke(self) -> None:
        """End the token immediately."""
        self.current_account = None
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["current_account", "revoked_at"])

    @property
    def throttle_key(self) -> str:
        """Return by what the requests of the token are counted."""
        return f"token:{self.pk}"

    def read_again(self) -> ScimToken | None:
        """Return the token as it is now, or None."""
        return type(self).objects.written().filter(pk=self.pk).first()
