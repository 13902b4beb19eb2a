"""Provisioning requests, and changes by hand, as the admin sees them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tiled_scim.database.fields import ExactCharField
from tiled_scim.models.lengths import (
    ACCOUNT_LENGTH,
    CANONICAL_NAME_LENGTH,
    CLIENT_LENGTH,
    METHOD_LENGTH,
    NAME_LENGTH,
)
from tiled_scim.words import with_words


class Action(models.TextChoices):
    """The effect of a provisioning request, or of a change of the connection."""

    USER_PROVISIONED = "user_provisioned", _("user provisioned")
    USER_UPDATED = "user_updated", _("user updated")
    USER_DEACTIVATED = "user_deactivated", _("user deactivated")
    USER_REACTIVATED = "user_reactivated", _("user reactivated")
    USER_UNLINKED = "user_unlinked", _("user unlinked")
    USER_REPLACED = "user_replaced", _("userName of another person")
    ADMIN_GRANTED = "admin_granted", with_words(_("%(admin)s given"))
    ADMIN_REVOKED = "admin_revoked", with_words(_("%(admin)s taken away"))
    NO_ADMIN_LEFT = "no_admin_left", with_words(_("no active %(admin)s left"))
    LIBRARY_LINKED = "library_linked", _("group linked")
    LIBRARY_RENAMED = "library_renamed", _("group renamed")
    LIBRARY_UPDATED = "library_updated", _("group updated")
    LIBRARY_UNLINKED = "library_unlinked", _("group unlinked")
    LIBRARY_MOVED = "library_moved", _("group moved")
    ROLE_CHANGED = "role_changed", _("role of the group changed")
    ACCESS_CHANGED = "access_changed", _("members changed")
    ACCESS_REPAIRED = "access_repaired", _("access repaired")
    TOKEN_GENERATED = "token_generated", _("token generated")
    TOKEN_REPLACED = "token_replaced", _("token replaced")
    TOKEN_REVOKED = "token_revoked", _("token revoked")
    CLIENT_CREATED = "client_created", _("client created")
    CLIENT_REVOKED = "client_revoked", _("client revoked")
    CLIENT_SECRET_CREATED = "client_secret_created", _("client secret created")
    CLIENT_SECRET_REVOKED = "client_secret_revoked", _("client secret revoked")
    FEDERATION_CHANGED = "federation_changed", _("federation changed")
    SETUP_LINK_CREATED = "setup_link_created", _("setup link created")
    SETUP_LINK_USED = "setup_link_used", _("setup link opened")
    SETUP_LINK_REVOKED = "setup_link_revoked", _("setup link revoked")
    SESSIONS_ENDED = "sessions_ended", _("sessions ended")
    LOGOUT_CONFIGURED = "logout_configured", _("Universal Logout configured")
    LOGOUT_TURNED_OFF = "logout_turned_off", _("Universal Logout turned off")


def actions() -> list[tuple[str, Any]]:
    """Return the choices of actions.

    Migrations refer to this function, because the labels have words of the host.
    """
    return Action.choices


class Outcome(models.TextChoices):
    """The outcome of a request."""

    DONE = "done", _("done")
    UNCHANGED = "unchanged", _("nothing to change")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")


class ScimEvent(models.Model):
    """A provisioning request as the admin sees it: a write, or a refused or failed request.

    Changes that people make by hand are events, too: of links, tokens and clients.

    `changes` contains no secrets. It has `attributes` with their old and new values, and `added`,
    `removed` and `skipped` members with their number and the first names.
    """

    created_at = models.DateTimeField(_("time"), default=timezone.now)
    # Null if the client is unknown.
    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, null=True, blank=True)
    token_last_four = models.CharField(_("token"), max_length=4, blank=True)
    # The User-Agent of the client, which it chose itself.
    client = models.CharField(_("client"), max_length=CLIENT_LENGTH, blank=True)
    # The person who made the change by hand, and where. No client can write this column.
    actor = models.CharField(_("made by"), max_length=CLIENT_LENGTH, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    request_id = ExactCharField(_("request id"), max_length=64, blank=True)
    method = models.CharField(_("method"), max_length=METHOD_LENGTH, blank=True)
    action = models.CharField(_("action"), max_length=32, choices=actions, blank=True)
    # Not foreign keys, because events remain when resources are deleted.
    resource_type = models.CharField(_("resource type"), max_length=16, blank=True)
    resource_id = models.UUIDField(_("resource"), null=True, blank=True)
    resource_name = ExactCharField(_("name"), max_length=NAME_LENGTH, blank=True)
    resource_name_canonical = ExactCharField(max_length=CANONICAL_NAME_LENGTH, blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    scim_type = models.CharField("scimType", max_length=32, blank=True)
    # Why the request was refused, a value of `errors.Cause`, where the status does not tell.
    cause = models.CharField(_("cause"), max_length=32, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    duration = models.PositiveIntegerField(_("duration"), default=0, help_text=_("milliseconds"))
    # Repeated refusals of a client within a short time are one event.
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("created_at", "id"), name="tiled_scim_event_time"),
            # Includes all that is counted of a day, so that only the index is read.
            models.Index(
                fields=("account", "created_at", "id", "outcome", "method"),
                name="tiled_scim_event_account",
            ),
            models.Index(fields=("outcome", "created_at", "id"), name="tiled_scim_event_outcome"),
            models.Index(fields=("action", "created_at", "id"), name="tiled_scim_event_action"),
            models.Index(
                fields=("resource_type", "created_at", "id"), name="tiled_scim_event_type"
            ),
            models.Index(fields=("resource_id", "created_at"), name="tiled_scim_event_resource"),
            models.Index(fields=("resource_name_canonical",), name="tiled_scim_event_name"),
            models.Index(fields=("request_id",), name="tiled_scim_event_request"),
            models.Index(fields=("address", "created_at"), name="tiled_scim_event_address"),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display() or self.method} {self.resource_name}".strip()
