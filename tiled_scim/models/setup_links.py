"""The links with which somebody without an account of the product connects one account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.core.signing import BadSignature, Signer
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.lengths import ACCOUNT_LENGTH
from tiled_scim.models.managers import WriteManager
from tiled_scim.secret import Secret, digest, new_secret

SETUP_PREFIX = "tscimsetup_"


class SetupLinkManager(WriteManager["SetupLink"]):
    """Creates and finds setup links. `setup_links` does so for people, and writes events."""

    def issue(
        self, account: str, *, created_by: Any, lifetime: timedelta
    ) -> tuple[SetupLink, Secret]:
        """Create a setup link.

        Returns:
            The row, and the code of the link, which is not stored.
        """
        secret = new_secret(SETUP_PREFIX)
        code = Secret(_setup_signer().sign(secret))
        link = self.model(
            account=account,
            digest=digest(secret),
            created_by=created_by,
            expires_at=timezone.now() + lifetime,
        )
        link.save(using=self.write_alias, force_insert=True)
        return link, code

    def with_code(self, code: str) -> SetupLink | None:
        """Return the link with this code, open or not, or None. Forged codes take no query."""
        try:
            secret = Secret(_setup_signer().unsign(code))
        except BadSignature:
            return None
        return self.for_write().filter(digest=digest(secret)).first()

    def open_with_key(self, key: str) -> SetupLink | None:
        """Return the link with this primary key if it is open, or None."""
        link = self.for_write().filter(pk=key).first()
        return link if link is not None and link.is_open else None

    def open_links(self, account: str) -> list[SetupLink]:
        """Return the open links of an account, the newest first."""
        links = self.for_write().filter(account=account, revoked_at=None)
        links = links.filter(expires_at__gt=timezone.now())
        return [link for link in links if link.is_open]

    def for_write(self) -> models.QuerySet[SetupLink]:
        """Return all links, with the users who created them."""
        return super().for_write().select_related("created_by")

    def ended_before(self, moment: datetime) -> models.QuerySet[SetupLink]:
        """Return the links that expired or were revoked before a time."""
        ended = models.Q(expires_at__lt=moment) | models.Q(revoked_at__lt=moment)
        return super().for_write().filter(ended)


class SetupLink(models.Model):
    """A link with which a person without an account of the product connects one account.

    Only the digest of its secret is stored. It ends with the user who created it.
    """

    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    digest = ExactCharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    expires_at = models.DateTimeField(_("expires"), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    uses = models.PositiveIntegerField(_("uses"), default=0, editable=False)

    objects: ClassVar[SetupLinkManager] = SetupLinkManager()

    class Meta:
        verbose_name = _("setup link")
        verbose_name_plural = _("setup links")
        default_permissions = ()
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=("account", "expires_at"), name="tiled_scim_setup_link"),)

    def __str__(self) -> str:
        return f"setup link {self.pk}"

    @property
    def is_open(self) -> bool:
        """Return whether the link can be used now."""
        return not self.why_ended

    @property
    def why_ended(self) -> str:
        """Return why the link cannot be used any more, or "" if it can."""
        if self.revoked_at is not None:
            return f"The link was revoked at {self.revoked_at.isoformat(timespec='minutes')}."
        if self.expires_at <= timezone.now():
            return f"The link expired at {self.expires_at.isoformat(timespec='minutes')}."
        if not getattr(self.created_by, "is_active", True):
            return "The user who created the link is not active any more."
        return ""


def _setup_signer() -> Signer:
    return Signer(salt="tiled_scim.setup_link")
