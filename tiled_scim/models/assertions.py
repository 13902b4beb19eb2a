"""The assertions of identity providers that were used, so that nobody uses them again."""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.errors import is_taken
from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.managers import WriteManager
from tiled_scim.secret import Secret, digest

# Each so many assertions, those that have expired are deleted.
PRUNED_EVERY = 100
# How many are deleted then, in one statement.
PRUNED_AT_ONCE = 1000


class UsedAssertionManager(WriteManager["UsedAssertion"]):
    """Remembers assertions until they expire."""

    def use(self, issuer: str, jwks_url: str, identifier: str, expires_at: datetime) -> bool:
        """Remember an assertion.

        Args:
            issuer: The claim `iss`.
            jwks_url: The URL of the keys that have signed it. An account may configure the issuer
                of another one, with keys of its own, and must not use up that one's ids.
            identifier: The claim `jti`, which is unique for the issuer.
            expires_at: When nobody could use the assertion any more anyway.

        Returns:
            Whether this is its first use. Of several requests at once, it is for one only.
        """
        named = Secret(json.dumps([issuer, jwks_url, identifier]))
        used = self.model(digest=digest(named), expires_at=expires_at)
        try:
            with self.atomic():
                used.save(using=self.write_alias, force_insert=True)
        except IntegrityError as error:
            if not is_taken(error):
                raise
            return False
        if used.pk % PRUNED_EVERY == 0:
            self._prune()
        return True

    def expired_before(self, moment: datetime) -> models.QuerySet[UsedAssertion]:
        """Return the assertions that expired before a time."""
        return self.for_write().filter(expires_at__lt=moment)

    def _prune(self) -> None:
        """Delete assertions that have expired.

        They are deleted by primary key: deleting a range of dates would block requests that write
        new ones.
        """
        expired = self.expired_before(timezone.now()).order_by("expires_at")
        keys = list(expired.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
        self.for_write().filter(pk__in=keys).delete()


class UsedAssertion(models.Model):
    """An assertion that was used. Only a digest of what identifies it is stored."""

    digest = ExactCharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)

    objects: ClassVar[UsedAssertionManager] = UsedAssertionManager()

    class Meta:
        verbose_name = _("used assertion")
        verbose_name_plural = _("used assertions")
        default_permissions = ()
        indexes = (models.Index(fields=("expires_at",), name="tiled_scim_used_assertion"),)

    def __str__(self) -> str:
        return f"used assertion {self.pk}"
