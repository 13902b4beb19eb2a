"""The tables: tokens, setup links, links of users and groups, members and events.

The module is long, because Django looks for all models of an app in one place.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar, cast

from django.conf import settings as django_settings
from django.core.signing import BadSignature, Signer
from django.db import models, router, transaction
from django.utils import timezone
from django.utils.functional import classproperty
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.compiled import Parameter, compiled
from tiled_scim.database.fields import ExactCharField
from tiled_scim.database.library_account import library_account
from tiled_scim.database.membership_model import membership_model
from tiled_scim.scim.cleaning import check_length
from tiled_scim.scim.text import canonical, fold
from tiled_scim.secret import Secret
from tiled_scim.words import with_words

ACCOUNT_LENGTH = 128
ROLE_LENGTH = 128
NAME_LENGTH = 255
CLIENT_LENGTH = 255
METHOD_LENGTH = 8
# The canonical form can be longer than the name: “İ” becomes two characters, and a few other
# characters up to 18. A name is refused if its form is too long.
CANONICAL_NAME_LENGTH = 2 * NAME_LENGTH

TOKEN_PREFIX = "tscim_"  # noqa: S105 (the prefix that secret scanners look for, not a secret)
TOKEN_BYTES = 32
SETUP_PREFIX = "tscimsetup_"


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
        plaintext = Secret(TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES))
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


class ScimToken(models.Model):
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
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    last_used_from = models.GenericIPAddressField(
        _("last used from"), null=True, blank=True, editable=False
    )
    last_used_by = models.CharField(
        _("last used by"), max_length=CLIENT_LENGTH, blank=True, editable=False
    )

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

    def mark_used(
        self, now: datetime, interval: timedelta, *, address: str | None = None, client: str = ""
    ) -> None:
        """Store that the token was used, at most once in each interval.

        Args:
            now: The current time.
            interval: The interval.
            address: The IP address of the client.
            client: The User-Agent of the client.
        """
        if self.last_used_at is not None and now - self.last_used_at < interval:
            return
        # Only the first of several concurrent requests stores it.
        unchanged = type(self).objects.filter(pk=self.pk, last_used_at=self.last_used_at)
        self.last_used_at, self.last_used_from = now, address
        self.last_used_by = client[:CLIENT_LENGTH]
        unchanged.update(last_used_at=now, last_used_from=address, last_used_by=self.last_used_by)


def digest(plaintext: str) -> str:
    """Return the digest of a token. 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(plaintext.encode()).hexdigest()


class SetupLinkManager(models.Manager["SetupLink"]):
    """Creates and finds setup links. `setup_links` does so for people, and writes events."""

    def issue(
        self, account: str, *, created_by: Any, lifetime: timedelta
    ) -> tuple[SetupLink, Secret]:
        """Create a setup link.

        Returns:
            The row, and the code of the link, which is not stored.
        """
        secret = Secret(SETUP_PREFIX + secrets.token_urlsafe(TOKEN_BYTES))
        code = Secret(_setup_signer().sign(secret))
        link = self.model(
            account=account,
            digest=digest(secret),
            created_by=created_by,
            expires_at=timezone.now() + lifetime,
        )
        link.save(using=router.db_for_write(self.model), force_insert=True)
        return link, code

    def with_code(self, code: str) -> SetupLink | None:
        """Return the link with this code, open or not, or None. Forged codes take no query."""
        try:
            secret = Secret(_setup_signer().unsign(code))
        except BadSignature:
            return None
        return self.written().filter(digest=digest(secret)).first()

    def open_with_key(self, key: str) -> SetupLink | None:
        """Return the link with this primary key if it is open, or None."""
        link = self.written().filter(pk=key).first()
        return link if link is not None and link.is_open else None

    def open_links(self, account: str) -> list[SetupLink]:
        """Return the open links of an account, the newest first."""
        links = self.written().filter(account=account, revoked_at=None)
        links = links.filter(expires_at__gt=timezone.now())
        return [link for link in links if link.is_open]

    def written(self) -> models.QuerySet[SetupLink]:
        """Return all links, from the database for writes: a replica may have outdated links."""
        return self.using(router.db_for_write(self.model)).select_related("created_by")

    def ended_before(self, moment: datetime) -> models.QuerySet[SetupLink]:
        """Return the links that expired or were revoked before a time."""
        ended = models.Q(expires_at__lt=moment) | models.Q(revoked_at__lt=moment)
        return self.using(router.db_for_write(self.model)).filter(ended)


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
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
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
            StoredEmail.objects.follow(self, {} if is_new else self.saved_attributes)
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
    def belongs(self) -> bool:
        """Return whether the user still belongs to the account, once `membership` was read."""
        return self.membership is not None or membership_model() is None

    @classproperty
    def live(cls) -> models.Q:
        """Return the condition for live links. Their users must still belong to the account."""
        memberships = membership_model()
        is_linked = models.Q(unlinked_at=None)
        return is_linked & memberships.exists("user", "account") if memberships else is_linked


class StoredEmailManager(models.Manager["StoredEmail"]):
    def follow(self, link: UserLink, before: Mapping[str, Any] | None) -> None:
        """Update the rows of a link to its JSON. Runs no statement if no address changed.

        Args:
            link: The link, which has been saved.
            before: The JSON that the rows belong to, or None if it is unknown.
        """
        old, new = stored_emails(before or {}), stored_emails(link.attributes)
        rows = self.using(link._state.db).filter(link=link)
        if before is None or old - new:
            rows.exclude(folded__in=new).delete()
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


def _keeping_library(library: str, account: str) -> models.Q:
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
        return _keeping_library("library", "account")

    @classproperty
    def live(cls) -> models.Q:
        """Return the condition for live links."""
        return models.Q(unlinked_at=None) & (cls.keeping | ~models.Q(role=""))


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
        keeping = _keeping_library("group__library", "group__account")
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
    SETUP_LINK_CREATED = "setup_link_created", _("setup link created")
    SETUP_LINK_USED = "setup_link_used", _("setup link opened")
    SETUP_LINK_REVOKED = "setup_link_revoked", _("setup link revoked")


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

    Changes that people make by hand are events, too: of links, and of tokens.

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


def name_in_host_words() -> None:
    """Name the list of groups after the host's Library.

    Migrations have the names in `Meta`, which are the same in each host.
    """
    LibraryGroupLink._meta.verbose_name_plural = with_words(_("groups and %(libraries)s"))
