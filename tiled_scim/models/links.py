"""The SCIM identities of users and groups."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar, cast

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone
from django.utils.functional import classproperty
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.fields import ExactCharField, ExactJSONField
from tiled_scim.database.library_account import library_account
from tiled_scim.database.membership_model import membership_model
from tiled_scim.models.lengths import (
    ACCOUNT_LENGTH,
    CANONICAL_NAME_LENGTH,
    NAME_LENGTH,
    ROLE_LENGTH,
)
from tiled_scim.schemas import GROUP, USER
from tiled_scim.scim.cleaning import check_length
from tiled_scim.scim.elements import preferred
from tiled_scim.scim.text import canonical, fold
from tiled_scim.words import with_words


class LinkQuerySet(models.QuerySet["AnyLink"]):
    def live(self, account: str) -> Self:
        """Return the live links of an account."""
        return self.filter(self.model.live, account=account)

    def named(self, account: str, name: str) -> Self:
        """Return the link with a userName or displayName, in any spelling, live or not."""
        column = f"{self.model.name_field}_canonical"
        return self.filter(**{"account": account, column: self.model.lookup_name(name)})


AnyLink = TypeVar("AnyLink", bound="Link", covariant=True)


class Link(models.Model):
    """The SCIM identity of a row of the host.

    `attributes` contains the values that are stored neither in a column nor on the host's row.
    """

    # The column of the name. The column with its canonical form is unique in an account. It is null
    # for an unlinked link whose name another one has taken.
    name_field: ClassVar[str]
    # The condition for live links.
    live: ClassVar[models.Q] = models.Q(unlinked_at=None)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = ExactCharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    external_id = ExactCharField(
        _("external id"), max_length=NAME_LENGTH, null=True, blank=True, default=None
    )
    attributes = ExactJSONField(_("attributes"), default=dict, blank=True)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now, editable=False)
    # When a client's request last changed it. What people change by hand is only an update.
    pushed_at = models.DateTimeField(_("last push"), default=timezone.now, editable=False)
    unlinked_at = models.DateTimeField(_("unlinked"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the userName or displayName."""
        return cast(str, getattr(self, self.name_field))

    @property
    def canonical_name(self) -> str | None:
        """Return the stored canonical form of the name. None if the link has given it up."""
        return cast("str | None", getattr(self, f"{self.name_field}_canonical"))

    @staticmethod
    def lookup_name(name: str) -> str:
        """Return the canonical form of a name, for lookups."""
        return canonical(name)

    @property
    def holds_name(self) -> bool:
        """Return whether lookups find the link by its name. Another link may have taken it."""
        return self.canonical_name == self.lookup_name(self.name)

    @property
    def is_live(self) -> bool:
        """Return whether SCIM manages the resource now."""
        return self.unlinked_at is None

    def rename(self, name: str) -> None:
        """Set the userName or displayName and its canonical form.

        Raises:
            ScimError: 400 if the canonical form is too long.
        """
        form = self.lookup_name(name)
        field = cast("models.Field[Any, Any]", self._meta.get_field(self.name_field))
        label = f"The canonical form of {field.verbose_name}"
        check_length(label, form, CANONICAL_NAME_LENGTH)
        setattr(self, self.name_field, name)
        setattr(self, f"{self.name_field}_canonical", form)

    def give_up_name(self) -> None:
        """Give up the name, so that another link can take it."""
        setattr(self, f"{self.name_field}_canonical", None)

    def touch(self, *, is_push: bool = False) -> None:
        """Increment the version and set the time of the last change.

        Args:
            is_push: Whether a client's request changes it.
        """
        self.version += 1
        self.updated_at = timezone.now()
        if is_push:
            self.pushed_at = self.updated_at


class UserLink(Link):
    """The SCIM identity of one host user in one account."""

    name_field = "user_name"

    # The `value` and `display` of each of the user's groups, where it was read `with_groups`.
    group_rows: list[dict[str, str]] | None = None
    # The membership of the user in the account, where it was read. None if there is none.
    membership: Any = None

    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="scim_links",
        verbose_name=_("user"),
    )
    user_name = ExactCharField("userName", max_length=NAME_LENGTH)
    user_name_canonical = ExactCharField(
        max_length=CANONICAL_NAME_LENGTH, null=True, editable=False, default=None
    )
    # Whether the user is inactive in this account although the host user may be active for another
    # one, see `provisioning.multi_account`.
    suspended = models.BooleanField(_("suspended"), default=False, editable=False)
    # Whether the account's values of the person, such as names and email address, are in
    # `attributes` and not on the host user, because another account has the person, too.
    keeps_own_values = models.BooleanField(default=False, editable=False)
    # The last externalId that a client gave the person, also after it was removed. Another one is
    # another person's, see `provisioning.leaving`.
    last_external_id = ExactCharField(
        max_length=NAME_LENGTH, null=True, default=None, editable=False
    )
    # Booleans of the host that a client removed or never sent, with the host's values. They are
    # hidden until the host changes them.
    hidden_values = models.JSONField(default=dict, blank=True, editable=False)

    # The JSON in the database, to which the rows of `StoredEmail` belong. None if it is unknown.
    # Replace `attributes` and do not change it in place, so that `save()` notices.
    saved_attributes: Mapping[str, Any] | None = None

    objects = LinkQuerySet["UserLink"].as_manager()

    class Meta:
        verbose_name = _("user link")
        verbose_name_plural = _("users")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "user_name_canonical"), name="tiled_scim_user_name"
            ),
            models.UniqueConstraint(fields=("account", "user"), name="tiled_scim_user"),
        )
        indexes = (
            # The order of lists, with all columns that decide which links are listed. Skipping and
            # counting links reads the index only. See `sql.pages`.
            models.Index(
                fields=("account", "created_at", "id", "unlinked_at"), name="tiled_scim_user_order"
            ),
            models.Index(fields=("account", "external_id"), name="tiled_scim_user_external"),
        )

    def save(self, *args: Any, **options: Any) -> None:
        """Save the link, and the email addresses of its JSON if that was replaced."""
        is_new, fields = self._state.adding, options.get("update_fields")
        super().save(*args, **options)
        is_saved = fields is None or "attributes" in fields
        if is_saved and self.saved_attributes is not self.attributes:
            StoredEmail.objects.update_for(self, {} if is_new else self.saved_attributes)
            self.saved_attributes = self.attributes

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any
    ) -> UserLink:
        link = super().from_db(db, field_names, values, **options)
        link.saved_attributes = link.__dict__.get("attributes")
        return link

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: Any = None,
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        if fields is None or "attributes" in fields:
            self.saved_attributes = self.__dict__.get("attributes")

    @property
    def own_email(self) -> str | None:
        """Return the email address of a link that `keeps_own_values`, or None."""
        element = preferred(self.attributes.get("emails", ()), "value")
        return cast(str, element["value"]) if element else None

    @staticmethod
    def may_keep_email(addresses: Iterable[str]) -> models.Q:
        """Return the condition for links that may keep one of these addresses, see `own_email`."""
        folded = {folded_email(address) for address in addresses}
        # No join, which could find a link twice: DISTINCT cannot compare all columns of a host.
        stored = StoredEmail.objects.filter(folded__in=folded).values("link")
        return models.Q(keeps_own_values=True, pk__in=stored)

    @property
    def belongs(self) -> bool:
        """Return whether the user still belongs to the account. Set `membership` before."""
        return self.membership is not None or membership_model() is None

    @classproperty
    def live(cls) -> models.Q:
        """Return the condition for live links. Their users must still belong to the account."""
        memberships = membership_model()
        is_linked = models.Q(unlinked_at=None)
        return is_linked & memberships.exists("user", "account") if memberships else is_linked


class StoredEmailManager(models.Manager["StoredEmail"]):
    def update_for(self, link: UserLink, before: Mapping[str, Any] | None) -> None:
        """Update the rows of a link to its JSON. Runs no statement if no address changed.

        Args:
            link: The link, which has been saved.
            before: The JSON that the rows belong to, or None if it is unknown.
        """
        old, new = stored_emails(before or {}), stored_emails(link.attributes)
        rows = self.using(link._state.db)
        if before is None or old - new:
            rows.filter(link=link).exclude(folded__in=new).delete()
        if new - old:
            added = [StoredEmail(link=link, folded=folded) for folded in sorted(new)]
            rows.bulk_create(added, ignore_conflicts=True)


class StoredEmail(models.Model):
    """An email address in a link's JSON, folded for comparisons.

    It lets filters find links that may have an address. The filter then checks the JSON.
    """

    link = models.ForeignKey(UserLink, on_delete=models.CASCADE, related_name="stored_emails")
    # The beginning of the address: an index has no room for any length.
    folded = ExactCharField(max_length=NAME_LENGTH, editable=False)

    objects: ClassVar[StoredEmailManager] = StoredEmailManager()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("folded", "link"), name="tiled_scim_stored_email"),
        )

    def __str__(self) -> str:
        return str(self.folded)


def stored_emails(attributes: Mapping[str, Any]) -> set[str]:
    """Return the `StoredEmail.folded` of each email address in a link's JSON."""
    values = (element.get("value") for element in attributes.get("emails", ()))
    return {folded_email(value) for value in values if value}


def folded_email(address: str) -> str:
    """Return the `StoredEmail.folded` of an email address."""
    return fold(address)[:NAME_LENGTH]


def keeping_library(library: str, account: str) -> models.Q:
    """Return the condition that a Library exists and still belongs to an account."""
    owner = library_account()
    exists = models.Q(**{f"{library}__isnull": False})
    return exists & owner.exists(library, account) if owner else exists


class LibraryGroupLink(Link):
    """The SCIM identity of a group in one account, and the Library and the role that it gives."""

    name_field = "display_name"

    # Null if the group only gives a role, or if the Library was deleted in the host. Without a role
    # SCIM responds with 404 then, and a push of the same name creates a new Library. The same is
    # true for a Library that another account has now.
    library = models.ForeignKey(
        settings.LIBRARY_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="scim_links",
    )
    display_name = ExactCharField("displayName", max_length=NAME_LENGTH)
    display_name_canonical = ExactCharField(
        max_length=CANONICAL_NAME_LENGTH, null=True, editable=False, default=None
    )
    # The key of the role that members get, see `provisioning.roles`. Empty if they get none.
    role = ExactCharField(_("role"), max_length=ROLE_LENGTH, blank=True, default="", editable=False)

    objects = LinkQuerySet["LibraryGroupLink"].as_manager()

    class Meta:
        verbose_name = _("group link")
        verbose_name_plural = _("groups")  # the host's words follow, see `name_in_host_words`
        constraints = (
            models.UniqueConstraint(
                fields=("account", "display_name_canonical"), name="tiled_scim_display_name"
            ),
        )
        indexes = (
            models.Index(
                fields=("account", "created_at", "id", "unlinked_at", "library", "role"),
                name="tiled_scim_group_order",
            ),
            models.Index(fields=("account", "external_id"), name="tiled_scim_group_external"),
        )

    @property
    def is_live(self) -> bool:
        return super().is_live and (self.keeps_library or bool(self.role))

    @property
    def keeps_library(self) -> bool:
        """Return whether the Library exists and still belongs to the account."""
        owner = library_account()
        if owner is None or self.library_id is None:
            return self.library_id is not None
        return bool(owner.key(cast(Any, self.library)) == self.account)

    @classproperty
    def keeping(cls) -> models.Q:
        """Return the condition for links whose Library exists and still belongs to the account."""
        return keeping_library("library", "account")

    @classproperty
    def live(cls) -> models.Q:
        """Return the condition for live links."""
        return models.Q(unlinked_at=None) & (cls.keeping | ~models.Q(role=""))


# The links of each resource type, by its name.
LINKS: Mapping[str, type[UserLink | LibraryGroupLink]] = {
    USER.name: UserLink,
    GROUP.name: LibraryGroupLink,
}


def name_in_host_words() -> None:
    """Name the list of groups after the host's Library.

    Migrations have the names in `Meta`, which are the same in each host.
    """
    LibraryGroupLink._meta.verbose_name_plural = with_words(_("groups and %(libraries)s"))
