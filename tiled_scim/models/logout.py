"""The identity providers that may end the sessions of an account's people."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.created import Created
from tiled_scim.models.lengths import ACCOUNT_LENGTH, URL_LENGTH
from tiled_scim.models.managers import WriteManager


class LogoutIssuerManager(WriteManager["LogoutIssuer"]):
    """Finds the issuer of an account. `logout` changes it for people, and writes events."""

    def of_account(self, account: str) -> LogoutIssuer | None:
        """Return the issuer of an account, or None if Universal Logout is off for it."""
        return self.for_write().filter(account=account).first()

    def with_key(self, key: uuid.UUID) -> LogoutIssuer | None:
        """Return the issuer to whose URL a request came, or None."""
        return self.for_write().filter(pk=key).first()


class LogoutIssuer(Created):
    """The identity provider whose signed requests end sessions of an account's people.

    The key is part of the URL for the requests. So each account has a URL of its own, which the
    signature covers: what is signed for one account is not valid for another, even if the identity
    provider is the same.
    """

    # The last four characters of a token, in logs and events. An issuer has none.
    last_four = ""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True, unique=True)
    issuer = ExactCharField(_("issuer"), max_length=URL_LENGTH)
    jwks_url = ExactCharField(_("URL of the keys"), max_length=URL_LENGTH)

    objects: ClassVar[LogoutIssuerManager] = LogoutIssuerManager()

    class Meta:
        verbose_name = _("issuer for Universal Logout")
        verbose_name_plural = _("issuers for Universal Logout")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.issuer)

    @property
    def throttle_key(self) -> str:
        """Return the key under which the throttle counts the requests of the issuer."""
        return f"logout:{self.pk}"
