"""When, from where and by whom a credential was last used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from tiled_scim.models.lengths import CLIENT_LENGTH

# Pages show when a credential was last used, to the minute.
USED_INTERVAL = timedelta(minutes=1)


class LastUse(models.Model):
    """The columns of a credential's first and last use."""

    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    last_used_from = models.GenericIPAddressField(
        _("last used from"), null=True, blank=True, editable=False
    )
    last_used_by = models.CharField(
        _("last used by"), max_length=CLIENT_LENGTH, blank=True, editable=False
    )

    class Meta:
        abstract = True

    def mark_used(
        self, now: datetime, interval: timedelta, *, address: str | None = None, client: str = ""
    ) -> None:
        """Store that the credential was used, at most once in each interval.

        Args:
            now: The current time.
            interval: The interval.
            address: The IP address of the client.
            client: The User-Agent of the client.
        """
        if self.last_used_at is not None and now - self.last_used_at < interval:
            return
        # Only the first of several concurrent requests stores it.
        rows = type(self)._default_manager.filter(pk=self.pk, last_used_at=self.last_used_at)
        used: dict[str, Any] = {
            "first_used_at": self.first_used_at or now,
            "last_used_at": now,
            "last_used_from": address,
            "last_used_by": client[:CLIENT_LENGTH],
        }
        rows.update(**used)
        for name, value in used.items():
            setattr(self, name, value)
