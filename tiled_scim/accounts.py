"""`AccountAdapter`: the host adapter for products that are sold to companies.

Users belong to accounts through a membership model, and each Library belongs to an account. The
settings name the model and its fields, so that such a host needs no code:

    TILED_SCIM_LIBRARY_MODEL = "projects.Project"
    TILED_SCIM_MEMBERSHIP_MODEL = "customers.Membership"
    TILED_SCIM_MEMBERSHIP_FIELDS = {"active": "is_active", "tiledAdmin": "role=admin"}
    TILED_SCIM_MEMBERSHIP_DEFAULTS = {"role": "member"}

The module is long, because developers of hosts read here what to override, as in `host.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, cast
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, router

from tiled_scim.conf import settings
from tiled_scim.database import account_model
from tiled_scim.database.compiled import of_keys
from tiled_scim.database.for_write import locked, objects
from tiled_scim.database.host_models import (
    canonical_value,
    follow_path,
    host_users,
    library_model,
    set_field,
    username_column,
)
from tiled_scim.database.library_account import LibraryAccount, library_account
from tiled_scim.database.membership_fields import (
    ROLES,
    attribute_columns,
    is_true,
    split_choices,
)
from tiled_scim.database.membership_model import MembershipModel, membership_model
from tiled_scim.database.membership_roles import RoleColumn, choices_of
from tiled_scim.errors import Cause, ScimError, forbidden
from tiled_scim.host import ALL_ACCOUNTS, AllAccounts, HostAdapter
from tiled_scim.schemas import TILED_ADMIN
from tiled_scim.words import english_words

__all__ = ["AccountAdapter"]

# Nobody can have an address there (RFC 6761 section 6.4).
NO_DOMAIN = "user.invalid"


class AccountAdapter(HostAdapter):
    """The users and Libraries of one account, whose key is the primary key of its row.

    - A membership's values are the account's own: whether the user is active and Tiled Admin, and
      all other attributes of `TILED_SCIM_MEMBERSHIP_FIELDS`.
    - The host user's username, email address and names are only changed while no other account has
      the user.
    - A push of a username that exists in the host adds a membership to that user.
    """

    # The column that people search accounts by. Without it, they enter a complete key.
    account_name_field = "name"

    def __init__(self, account: str = "") -> None:
        super().__init__(account)
        # The memberships that were locked and not saved yet, and those of new users, by user.
        self._locked: dict[Any, models.Model | None] = {}
        self._created: dict[Any, models.Model] = {}

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        """Return the names of all accounts, by primary key."""
        return dict(account_model.found(cls._accounts(), "", cls.account_name_field))

    @classmethod
    def account_labels(cls, keys: Collection[str]) -> Mapping[str, str]:
        return account_model.labels(cls._accounts(), keys)

    @classmethod
    def find_accounts(cls, term: str = "") -> Sequence[tuple[str, str]]:
        return account_model.found(cls._accounts(), term, cls.account_name_field)

    @classmethod
    def missing_accounts(cls, rows: models.QuerySet[Any]) -> Collection[str]:
        return account_model.missing(cls._accounts(), rows)

    @classmethod
    def memberships(cls) -> MembershipModel:
        """Return the membership model.

        Raises:
            LookupError: if the settings name none.
        """
        memberships = membership_model()
        if memberships is None:
            raise LookupError("AccountAdapter needs TILED_SCIM_MEMBERSHIP_MODEL")
        return memberships

    @property
    def has_accounts(self) -> bool:
        return True

    @classmethod
    def accounts_of(cls, user: Any) -> Collection[str] | Literal[AllAccounts.ALL_ACCOUNTS]:
        """Return the accounts of which a user is an active admin; all for superusers."""
        if getattr(user, "is_superuser", False):
            return ALL_ACCOUNTS
        memberships = cls.memberships()
        rows = cls._admin_memberships().filter(**{memberships.user.attname: user.pk})
        return {str(key) for key in rows.values_list(memberships.account.attname, flat=True)}

    def check_account(self) -> None:
        _ = self._account_key

    # Users

    @cached_property
    def membership_fields(self) -> Mapping[str, str]:
        return attribute_columns()

    def membership(self, user: AbstractBaseUser) -> models.Model | None:
        self._locked[user.pk] = self._created.pop(user.pk, None) or self._lock_membership(user)
        return self._locked[user.pk]

    def is_shared(self, user: AbstractBaseUser) -> bool:
        """Return whether another account has the user, by SCIM or by hand."""
        return self._others(user).exists() or super().is_shared(user)

    def is_active_elsewhere(self, user: AbstractBaseUser) -> bool:
        """Return whether a membership of the user in another account is active."""
        return self._others(user).filter(**is_true(self.membership_fields["active"])).exists()

    def may_change_person(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        """Return whether no other account has the user, and nobody outside has these names.

        A user who was no member before is not changed by the push that adds the membership, if the
        account would see or replace what it may not, see `_has_private_values`.
        """
        return (
            super().may_change_person(user, values)
            and not self._taken_elsewhere(user, values)
            and not self._has_private_values(user, values)
        )

    def adoptable_users(self) -> models.QuerySet[Any]:
        """Return all users. Those of other accounts are shared, see `is_shared`."""
        return host_users()

    def find_user(self, values: Mapping[str, Any]) -> AbstractBaseUser | None:
        """Return the existing host user to adopt, or None.

        A protected user outside the account is not found, so that nobody learns who is protected. A
        user is also found by an address that only the account's link keeps.
        """
        if settings.ADOPT_USERS is None:
            return None
        links = self._links_keeping(*self._identity(values))
        if links:
            return cast(AbstractBaseUser, links[0].user)
        user = super().find_user(values)
        if user is None or self._is_member(user) or not self.is_protected(user):
            return user
        return None

    def check_identity(
        self, values: Mapping[str, Any], user: AbstractBaseUser | None = None
    ) -> None:
        """Refuse the username of another member of the account, in any spelling.

        Names of users outside the account are no conflict, so that nobody learns who they are: see
        `create_user` and `may_change_person`. Nor are names that members only have elsewhere: the
        account sees those that their links keep instead.

        Raises:
            ScimError: 409.
        """
        self._check_identity(values, user, self._members_with_own_names())

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        """Create a host user with a membership.

        If somebody outside the account has the username or the address, the new user gets a random
        one, and the account keeps what it sent on its link.
        """
        person = dict(values)
        if "active" in self.membership_fields and not settings.DEACTIVATE_HOST_USERS:
            person["active"] = True
        login = {"userName": self._username(values), "emails.value": values.get("emails.value")}
        for column in self._taken_elsewhere(None, login):
            person = self._with_random(person, column)
        user = super().create_user(person)
        self._locked[user.pk] = None
        self._created[user.pk] = self._save_membership(user, values)
        return user

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        """Update a host user and its membership. A user without a membership gets one."""
        own = self.membership_fields
        super().update_user(
            user, {name: value for name, value in values.items() if name not in own}
        )
        self._save_membership(user, values)
        if "active" in own and "active" in values:
            self._follow_membership(user, active=bool(values["active"]))

    def admins(self) -> models.QuerySet[Any]:
        """Return the active users whose membership is active and Tiled Admin."""
        if TILED_ADMIN not in self.membership_fields:
            return super().admins()
        memberships = self.memberships()
        own = {memberships.account.attname: self._account_key}
        users = self._admin_memberships().filter(**own).values(memberships.user.attname)
        active = self.user_fields.get("active")
        conditions = {active: True} if active else {}
        return host_users().filter(pk__in=users, **conditions)

    # Roles

    def roles(self) -> Mapping[str, str]:
        return self._role_column.labels if self._role_column else {}

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        column, rows = cast(RoleColumn, self._role_column), self._memberships()
        return column.read(rows, self.memberships().user.attname, users, lock=lock)

    def set_roles(self, roles: Mapping[Any, Collection[str]]) -> None:
        column = cast(RoleColumn, self._role_column)
        column.write(self._memberships(), self.memberships().user.attname, roles)

    def effective_roles(self, roles: Collection[str]) -> Collection[str]:
        return self._role_column.highest(roles) if self._role_column else roles

    def admin_roles(self) -> Collection[str]:
        column, choices = split_choices(self.membership_fields.get(TILED_ADMIN, ""))
        return choices if self._role_column and column == self._role_column.name else ()

    def admins_among(self, users: Collection[Any]) -> Collection[Any]:
        if TILED_ADMIN not in self.membership_fields:
            return super().admins_among(users)
        user = self.memberships().user.attname
        rows = self._memberships().filter(**is_true(self.membership_fields[TILED_ADMIN]))
        return [
            key for part in of_keys(rows, user, users) for key in part.values_list(user, flat=True)
        ]

    # Libraries

    def adoptable_libraries(self) -> models.QuerySet[Any]:
        # A group of the account that a Library had before feeds it no more.
        return self.target_libraries().exclude(scim_links__account=self.account)

    def target_libraries(self) -> models.QuerySet[Any]:
        """Return the Libraries of the account."""
        own = {self._library_account.field.name: self.account}
        return objects(library_model()).filter(**own)

    def has_library(self, library: models.Model) -> bool:
        return self._library_account.key(library) == self.account

    def create_library(self, name: str) -> models.Model:
        self._require_account()
        library = library_model()(**{self._library_account.field.attname: self._account_key})
        self._name_library(library, name)
        return library

    # Internals

    @classmethod
    def _accounts(cls) -> models.QuerySet[Any]:
        return objects(cls.memberships().account_model)

    @classmethod
    def _admin_memberships(cls) -> models.QuerySet[Any]:
        """Return the memberships that are active and Tiled Admin."""
        columns = attribute_columns()
        rows = objects(cls.memberships().model)
        if TILED_ADMIN not in columns:
            return rows.none()
        for name in (TILED_ADMIN, "active"):
            if name in columns:
                rows = rows.filter(**is_true(columns[name]))
        return rows

    @property
    def _using(self) -> str:
        return router.db_for_write(self.memberships().model)

    @property
    def _account_key(self) -> Any:
        try:
            return self.memberships().account.target_field.to_python(self.account)
        except ValidationError:
            raise _no_account() from None

    @property
    def _library_account(self) -> LibraryAccount:
        return cast(LibraryAccount, library_account())  # there is a membership model

    def _require_account(self) -> None:
        """Refuse to create something for an account that people have deleted."""
        if not self._accounts().filter(pk=self._account_key).exists():
            raise _no_account()

    def _members(self) -> models.QuerySet[Any]:
        """Return the users with a membership in the account."""
        own = self._memberships().values(self.memberships().user.attname)
        return host_users().filter(pk__in=own)

    def _members_with_own_names(self) -> models.QuerySet[Any]:
        """Return the members whose names in the host are those that the account sees.

        For the others, the links keep the names that the account sent, see `may_change_person`.
        """
        own = {"scim_links__account": self.account, "scim_links__keeps_own_values": True}
        return self._members().exclude(pk__in=host_users().filter(**own).values("pk"))

    def _holders(self, field: str, value: str, users: models.QuerySet[Any]) -> set[Any]:
        links = self._links_keeping(field, value)
        return super()._holders(field, value, users) | {link.user_id for link in links}

    def _links_keeping(self, field: str, value: str) -> list[Any]:
        """Return the members' links that keep a value for the account, in any spelling.

        Only email addresses are searched: a constraint already keeps userNames unique.
        """
        is_email = field == self.user_fields.get("emails.value")
        if not (value and is_email) or "emails.value" in self.membership_fields:
            return []
        links = cast(Any, host_users().model).scim_links.rel.related_model
        form = canonical_value(field, value)
        found = objects(links).filter(
            links.may_keep_email({value, form}), account=self.account, user__in=self._members()
        )
        return [
            link
            for link in found.select_related("user")
            if canonical_value(field, link.own_email or "") == form
        ]

    def _memberships(self) -> models.QuerySet[Any]:
        """Return the memberships of the account."""
        memberships = self.memberships()
        return memberships.rows(self._using, **{memberships.account.attname: self._account_key})

    @cached_property
    def _role_column(self) -> RoleColumn | None:
        """Return the column with a person's role, or None if the settings name none."""
        if ROLES not in settings.MEMBERSHIP_FIELDS:
            return None
        column, choices = split_choices(settings.MEMBERSHIP_FIELDS[ROLES])
        labels = choices_of(self.memberships().model, column, choices)
        return RoleColumn(column, labels, self._default_of(column))

    def _default_of(self, column: str) -> Any:
        """Return the value of a column of a new membership."""
        field: Any = self.memberships().model._meta.get_field(column)
        return settings.MEMBERSHIP_DEFAULTS.get(column, field.get_default())

    def _has_private_values(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        """Return whether a user outside the account has values that a push must leave alone.

        These are values that it does not send, so that the account does not learn them, and an
        email address that it may not replace.
        """
        is_member = user.pk not in self._locked or self._locked[user.pk] is not None
        if is_member:
            return False
        names = self.user_fields.keys() - self.membership_fields.keys() - {"active"}
        current = {name: follow_path(user, self.user_fields[name]) for name in names}
        if any(current[name] and not values.get(name) for name in names):
            return True
        old, new = current.get("emails.value"), values.get("emails.value")
        return bool(old) and old != new and not self.may_replace_email(user, str(new))

    def _is_member(self, user: AbstractBaseUser) -> bool:
        return self._members().filter(pk=user.pk).exists()

    def _with_random(self, values: Mapping[str, Any], column: str) -> dict[str, Any]:
        """Return values with a random username or address, at a domain that cannot exist."""
        names = [name for name, path in self.user_fields.items() if path == column]
        if column == username_column():
            names.append("userName")
        return {**values, **dict.fromkeys(names, f"{uuid4()}@{NO_DOMAIN}")}

    def _taken_elsewhere(
        self, user: AbstractBaseUser | None, values: Mapping[str, Any]
    ) -> set[str]:
        """Return the columns in which somebody has one of these values, unknown to the account."""
        outside = host_users().exclude(pk__in=self._members_with_own_names().values("pk"))
        if user is not None:
            outside = outside.exclude(pk=user.pk)
        known = self._free if user is None else set()  # `find_user` has found nobody by it
        return {
            column
            for column, value in self._identities(values)
            if (column, canonical_value(column, value)) not in known
            and self._spelled(column, value, outside)
        }

    def _key(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Return the columns that identify the user's membership in the account."""
        memberships = self.memberships()
        return {memberships.user.attname: user.pk, memberships.account.attname: self._account_key}

    def _others(self, user: AbstractBaseUser) -> models.QuerySet[Any]:
        """Return the user's memberships in other accounts."""
        memberships = self.memberships()
        rows = memberships.rows(self._using, **{memberships.user.attname: user.pk})
        return rows.exclude(**{memberships.account.attname: self._account_key})

    def _lock_membership(self, user: AbstractBaseUser) -> models.Model | None:
        memberships = self.memberships()
        rows = locked(memberships.rows(self._using, **self._key(user)))
        return cast("models.Model | None", rows.first())

    def _save_membership(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> models.Model:
        """Save the values that differ. A user without a membership gets one."""
        if user.pk not in self._locked:
            self.membership(user)
        membership = self._locked.pop(user.pk)
        is_new = membership is None
        if membership is None:
            self._require_account()
            columns = {**settings.MEMBERSHIP_DEFAULTS, **self._key(user)}
            membership = self.memberships().model(**columns)
        changed = [
            set_field(membership, column, name, self._column_value(column, choices, values[name]))
            for name, column, choices in self._columns()
            if name in values and self._differs(membership, column, choices, values[name])
        ]
        if is_new or any(changed):
            membership.save()
        return membership

    def _columns(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return the name, column and choices of each attribute of the membership."""
        return [
            (name, *split_choices(column))
            for name, column in self.membership_fields.items()
            if "__" not in column
        ]

    def _differs(
        self, membership: models.Model, column: str, choices: tuple[str, ...], value: Any
    ) -> bool:
        """Return whether a value must be set. Several choices may mean the same boolean."""
        if not choices:
            return True
        current = getattr(membership, column)
        if value and self._is_from_people(column, current):
            return False
        return bool(value) != (current in choices)

    def _is_from_people(self, column: str, value: Any) -> bool:
        """Return whether a value is a role that SCIM may not give, and so does not replace."""
        roles = self._role_column
        if roles is None or roles.name != column:
            return False
        return bool(roles.as_roles(value)) and value not in roles.labels

    def _column_value(self, column: str, choices: tuple[str, ...], value: Any) -> Any:
        """Return the value of a column for an attribute: the first choice means true."""
        if not choices:
            return value
        return choices[0] if value else self._default_of(column)

    def _follow_membership(self, user: AbstractBaseUser, *, active: bool) -> None:
        """Activate or deactivate the host user, if no other account decides it.

        People deactivated a user who is inactive in the host, but active in another account.
        """
        if not settings.DEACTIVATE_HOST_USERS or self.is_active_elsewhere(user):
            return
        HostAdapter.update_user(self, user, {"active": active})


def _no_account() -> ScimError:
    """Return the error for a token that outlives its account."""
    product = english_words()["product"]
    return forbidden(
        f"The account of this token does not exist any more in {product}. Remove the application "
        f"from your identity provider, and ask an administrator of {product} to revoke the token.",
        Cause.NO_ACCOUNT,
    )


def active_links(adapter: HostAdapter) -> models.Q:
    """Return the condition for links whose user is active in the account of the link.

    Users are always active if the host has no field for it.
    """
    if column := adapter.membership_fields.get("active"):
        return AccountAdapter.memberships().exists("user", "account", **is_true(column))
    if path := adapter.user_fields.get("active"):
        return models.Q(("suspended", False), (f"user__{path}", True))
    return ~models.Q(pk__in=[])


def is_suspended(link: str = "") -> models.Q:
    """Return the condition for suspended links whose membership people have not reactivated.

    Args:
        link: The ORM path from the row to the link, ending with `__`. Empty for links.
    """
    suspended = models.Q(**{f"{link}suspended": True})
    memberships = membership_model()
    column = attribute_columns().get("active")
    if memberships is None or column is None:
        return suspended
    is_active = memberships.exists(f"{link}user", f"{link}account", **is_true(column))
    return suspended & ~is_active
