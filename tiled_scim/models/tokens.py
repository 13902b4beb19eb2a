"""The bearer tokens of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.compiled import Parameter, compiled
from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.created import Created
from tiled_scim.models.last_use import LastUse
from tiled_scim.models.lengths import ACCOUNT_LENGTH
from tiled_scim.models.managers import WriteManager
from tiled_scim.secret import Secret, digest, new_secret

TOKEN_PREFIX = "tscim_"  # noqa: S105 (the prefix that secret scanners look for, not a secret)


class Slot(models.IntegerChoices):
    """The place of a current token in its account. Each place has room for one token."""

    NEWEST = 1
    # It was replaced by the newest one, and is kept for some time.
    PREVIOUS = 2


@dataclass(frozen=True)
class NewToken:
    """A token that was just created.

    Args:
        token: The row.
        plaintext: The token itself, which is not stored.
        replaced: The token that it replaces, if the account had one.
        dropped: A token that an earlier replacement had kept, and that has ended now.
    """

    token: ScimToken
    plaintext: Secret
    replaced: ScimToken | None = None
    dropped: ScimToken | None = None

    @property
    def kept_until(self) -> datetime | None:
        """Return when the replaced token ends, or None if it has ended."""
        replaced = self.replaced
        return replaced.expires_at if replaced is not None and replaced.is_current else None


class CurrentTokens(NamedTuple):
    """The current tokens of an account.

    Args:
        newest: The newest one, expired or not.
        previous: The one that it replaced, if that was kept and has not expired.
    """

    newest: ScimToken | None = None
    previous: ScimToken | None = None

    @classmethod
    def of(cls, tokens: Iterable[ScimToken]) -> CurrentTokens:
        """Sort tokens of one account by their slots."""
        by_slot = {token.slot: token for token in tokens}
        return cls(by_slot.get(Slot.NEWEST), by_slot.get(Slot.PREVIOUS))

    def all(self) -> list[ScimToken]:
        """Return the tokens, the newest first."""
        return [token for token in self if token is not None]


class ScimTokenManager(WriteManager["ScimToken"]):
    """Creates and finds tokens. `connections.Connection` does so for people, and writes events."""

    def renew(
        self,
        account: str = "",
        *,
        created_by: Any = None,
        lifetime: timedelta | None = None,
        keep: timedelta | None = None,
        check: Callable[[ScimToken | None], None] = lambda newest: None,
    ) -> NewToken:
        """Create a new token for an account, and end its current ones, or keep the newest of them.

        Args:
            account: The account's key.
            created_by: The host user who creates it, if there is one.
            lifetime: How long the token is valid. The default is `TILED_SCIM_TOKEN_LIFETIME`.
            keep: How long the token that is replaced stays valid. It never outlives the new one.
            check: Takes the newest current token, which is locked, or None. It raises an error if
                that token must not be replaced.

        Raises:
            IntegrityError: if another transaction creates the account's first token meanwhile.
        """
        plaintext = new_secret(TOKEN_PREFIX)
        lifetime = lifetime or settings.TOKEN_LIFETIME
        using = self.write_alias
        with self.atomic():
            replaced, dropped = self.locked(account)
            check(replaced)
            token = self.model(
                account=account,
                slot=Slot.NEWEST,
                digest=digest(plaintext),
                last_four=plaintext[-4:],
                created_by=created_by,
                expires_at=timezone.now() + lifetime if lifetime else None,
            )
            if dropped is not None:
                dropped.revoke()
            if replaced is not None:
                replaced.make_way(token, keep)
            token.save(using=using, force_insert=True)
        return NewToken(token, plaintext, replaced, dropped)

    def current(self, account: str = "") -> CurrentTokens:
        """Return the account's current tokens."""
        return CurrentTokens.of(self.all_current().filter(account=account))

    def locked(self, account: str = "") -> CurrentTokens:
        """Return the account's current tokens, locked until the end of the transaction.

        A previous one that has expired leaves its slot.

        Without a first token, it does not look for a current one that another transaction may
        create now. It would be locked in another order, which is a deadlock on MariaDB.
        """
        if not self.take_turn(account):
            return CurrentTokens()
        rows = list(
            self.for_write().select_for_update().filter(account=account, slot__in=Slot.values)
        )
        for token in rows:
            if token.slot == Slot.PREVIOUS and token.is_expired:
                token.leave_slot()
        return CurrentTokens.of(rows)

    def all_current(self) -> models.QuerySet[ScimToken]:
        """Return the current tokens of all accounts. The newest of an account may have expired."""
        current = self.for_write().exclude(slot=None)
        return current.exclude(slot=Slot.PREVIOUS, expires_at__lte=timezone.now())

    def take_turn(self, account: str = "") -> bool:
        """Wait for other transactions of the account that take turns, until they have ended.

        It locks the account's first token, which stays the same. A lock on the current one would
        not wait any more after that was replaced.

        Returns:
            Whether the account has had a token. Without one, nothing is locked.
        """
        rows = self.for_write().select_for_update().filter(account=account).order_by("pk")
        return bool(rows.values_list("pk")[:1])

    def with_plaintext(self, plaintext: str) -> ScimToken | None:
        """Return the token with this plaintext, current or not, or None. Takes one query."""
        using = self.write_alias
        names = [field.attname for field in self.model._meta.concrete_fields]
        query = compiled(("token", using), lambda: self._with_digest().values_list(*names))
        row = query.row(digest=digest(plaintext))
        return None if row is None else self.model.from_db(using, names, row)

    def _with_digest(self) -> models.QuerySet[ScimToken]:
        parameter = Parameter("digest", self.model._meta.get_field("digest"))
        return self.for_write().filter(digest=parameter)


class ScimToken(Created, LastUse):
    """The bearer token of an account. Only its digest is stored."""

    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    # Null once the token has ended. The unique constraint allows any number of nulls, so it limits
    # the current tokens on each database, also on MariaDB, which has no partial constraints.
    slot = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    digest = ExactCharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(_("last four characters"), max_length=4, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    objects: ClassVar[ScimTokenManager] = ScimTokenManager()

    class Meta:
        verbose_name = _("SCIM token")
        verbose_name_plural = _("connection and token")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("account", "id"), name="tiled_scim_token_account"),)
        constraints = (
            # The slot comes first, so that MariaDB does not use the index for `take_turn`. It would
            # lock all tokens of the account in another order, which is a deadlock.
            models.UniqueConstraint(fields=("slot", "account"), name="tiled_scim_token_slot"),
            models.CheckConstraint(
                condition=models.Q(slot__in=Slot.values), name="tiled_scim_token_slots"
            ),
        )

    def __str__(self) -> str:
        return f"…{self.last_four}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_current(self) -> bool:
        """Return whether the token is valid."""
        return self.slot is not None and not self.is_expired

    def revoke(self) -> None:
        """End the token immediately."""
        self.slot = None
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["slot", "revoked_at"])

    def make_way(self, successor: ScimToken, keep: timedelta | None) -> None:
        """End the token because of a new one, or keep it for some time.

        It does not outlive the new one, so that the newest token is the last to end.

        Args:
            successor: The new token.
            keep: How long the token stays valid if it does not expire before. None ends it.
        """
        if not keep or self.is_expired:
            self.revoke()
            return
        ends = (self.expires_at, successor.expires_at, timezone.now() + keep)
        self.expires_at = min(end for end in ends if end is not None)
        self.slot = Slot.PREVIOUS
        self.save(update_fields=["slot", "expires_at"])

    def step_forward(self) -> None:
        """Become the newest token again, because the newest was revoked. The expiry stays."""
        self.slot = Slot.NEWEST
        self.save(update_fields=["slot"])

    def leave_slot(self) -> None:
        """Make room for another previous token, because this one has expired."""
        self.slot = None
        self.save(update_fields=["slot"])

    @property
    def throttle_key(self) -> str:
        """Return the key under which the throttle counts the requests of the token."""
        return f"token:{self.pk}"

    def read_again(self) -> ScimToken | None:
        """Return the token as it is now, or None."""
        return type(self).objects.for_write().filter(pk=self.pk).first()
