"""The members of groups, and what people gave them before SCIM did."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone
from django.utils.functional import classproperty
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.fields import ExactCharField
from tiled_scim.database.membership_model import membership_model
from tiled_scim.models.lengths import (
    NAME_LENGTH,
)
from tiled_scim.models.links import LibraryGroupLink, UserLink, keeping_library


class LibraryGroupMember(models.Model):
    """A user in a pushed group."""

    group = models.ForeignKey(
        LibraryGroupLink, on_delete=models.CASCADE, related_name="members", verbose_name=_("group")
    )
    user = models.ForeignKey(
        UserLink, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    # The display name that the client sent, or else the userName.
    display = ExactCharField(_("display"), max_length=NAME_LENGTH, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("group member")
        verbose_name_plural = _("group members")
        constraints = (
            models.UniqueConstraint(fields=("group", "user"), name="tiled_scim_group_member"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"

    @classproperty
    def live(cls) -> models.Q:
        """Return the condition for members of live groups."""
        keeping = keeping_library("group__library", "group__account")
        return models.Q(group__unlinked_at=None) & (keeping | ~models.Q(group__role=""))

    @classproperty
    def belonging(cls) -> models.Q:
        """Return the condition for members who still belong to the account."""
        memberships = membership_model()
        return memberships.exists("user__user", "user__account") if memberships else models.Q()


class PriorAccess(models.Model):
    """Access of a group's member to its Library that people had given before SCIM did.

    SCIM never revokes it. All other access of members is SCIM's.
    """

    library = models.ForeignKey(
        settings.LIBRARY_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
    )
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )

    class Meta:
        verbose_name = _("prior access")
        verbose_name_plural = _("prior access")
        constraints = (
            models.UniqueConstraint(fields=("library", "user"), name="tiled_scim_prior_access"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.library_id}"


class PriorRoles(models.Model):
    """The roles of a user to whom SCIM gives roles, apart from those. See `provisioning.roles`."""

    link = models.OneToOneField(
        UserLink, on_delete=models.CASCADE, primary_key=True, related_name="prior_roles"
    )
    # The keys of the roles that people had given. The user has them again when SCIM gives none.
    prior = models.JSONField(default=list, editable=False)
    # The keys of the roles that the user had in the host after SCIM last set them. If the user has
    # others now, people have changed them.
    left = models.JSONField(default=list, editable=False)

    class Meta:
        verbose_name = _("prior roles")
        verbose_name_plural = _("prior roles")
        default_permissions = ()

    def __str__(self) -> str:
        return ", ".join(self.prior)
