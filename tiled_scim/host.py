"""`HostAdapter`: how SCIM reads and changes the host's users and Libraries.

A host with other models (several accounts, a membership model, a profile) sets
`TILED_SCIM_HOST_ADAPTER` to a subclass of `HostAdapter`. Everything here uses plain fields,
`save()` and a many-to-many relation, so that `post_save` and `m2m_changed` are sent and the host's
own code sees the changes.

The module is long, because developers of hosts read here what to override: `HostAdapter` is one
class, and its parts stay next to it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models, router

from tiled_scim import permissions, sessions
from tiled_scim.conf import settings
from tiled_scim.database.bulk import chunks
from tiled_scim.database.compiled import of_keys
from tiled_scim.database.for_write import objects
from tiled_scim.database.host_columns import HostColumn
from tiled_scim.database.host_models import (
    canonical_value,
    has_field,
    host_users,
    library_model,
    lookup_columns,
    membership_accessors,
    normalized_username,
    set_field,
    unique_columns,
    username_column,
)
from tiled_scim.database.library_access import LibraryAccess
from tiled_scim.database.membership_model import membership_model
from tiled_scim.database.unique_values import holder_of_value
from tiled_scim.errors import Cause, ScimError, uniqueness
from tiled_scim.permissions import STAFF_FIELD
from tiled_scim.schemas import TILED_ADMIN
from tiled_scim.scim.domains import is_within
from tiled_scim.scim.text import fold, spellings
from tiled_scim.words import english_words

__all__ = ["ALL_ACCOUNTS", "TILED_ADMIN", "HostAdapter", "chunks", "library_model", "objects"]

logger = logging.getLogger("tiled_scim")


class AllAccounts(Enum):
    """The type of `ALL_ACCOUNTS`."""

    ALL_ACCOUNTS = "all accounts"


# For `HostAdapter.accounts_of`. It is not None, so that a forgotten `return` gives no access.
ALL_ACCOUNTS: Final = AllAccounts.ALL_ACCOUNTS


def adapter_class() -> type[HostAdapter]:
    """Return the class that `TILED_SCIM_HOST_ADAPTER` names."""
    return settings.HOST_ADAPTER


def searched_columns() -> list[HostColumn]:
    """Return the columns that users are looked up by: usernames and email addresses."""
    model = get_user_model()
    paths = [username_column(), adapter_class()().user_fields.get("emails.value")]
    if settings.ADOPT_USERS == "email":
        paths.append(model.get_email_field_name())
    columns = [HostColumn.at(model, path) for path in paths if path]
    return list(dict.fromkeys(columns))


class HostAdapter:
    """The host's users and Libraries, for one account.

    Args:
        account: The key of the account whose token the client uses.
    """

    def __init__(self, account: str = "") -> None:
        self.account = account
        # The fields and canonical values that no user of the host has but the one who is changed.
        self._free: set[tuple[str, str]] = set()

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        """Return the labels of the accounts that may have a token, by key.

        By default, there is one account with an empty key.
        """
        return {"": ""}

    @classmethod
    def account_labels(cls, keys: Collection[str]) -> Mapping[str, str]:
        """Return the labels of the accounts with these keys, without keys that no account has.

        Pages, commands and tokens ask it about the few accounts that they need. By default, it
        takes them from `accounts`.
        """
        accounts = cls.accounts()
        return {key: accounts[key] for key in keys if key in accounts}

    @classmethod
    def find_accounts(cls, term: str = "") -> Sequence[tuple[str, str]]:
        """Return the keys and labels of the accounts that a term finds, in the order of lists.

        Pages take their number and a slice. By default, these are all `accounts` whose label or key
        contains the term.
        """
        return [
            (key, label)
            for key, label in cls.accounts().items()
            if fold(term) in fold(f"{label} {key}")
        ]

    @classmethod
    def missing_accounts(cls, rows: models.QuerySet[Any]) -> Collection[str]:
        """Return the keys of accounts that do not exist any more, of some rows.

        By default, these are keys that are not in `accounts`.

        Args:
            rows: Rows with the key of an account as `account`, such as tokens.
        """
        accounts = cls.accounts()
        return {key for (key,) in rows.values_list("account") if key not in accounts}

    @classmethod
    def accounts_of(cls, user: Any) -> Collection[str] | Literal[AllAccounts.ALL_ACCOUNTS]:
        """Return the keys of the accounts that a user may see and change in the Django admin.

        The user needs the permissions of the pages, too. `ALL_ACCOUNTS` also includes requests of
        unknown callers, and what is left of accounts that no longer exist.

        By default, superusers see all accounts, and others none. A host without accounts is not
        asked: the permissions of its pages decide alone.
        """
        return ALL_ACCOUNTS if getattr(user, "is_superuser", False) else ()

    @property
    def has_accounts(self) -> bool:
        """Return whether the host's customers have accounts, even if there is only one so far."""
        return set(self.accounts()) != {""}

    def domains(self) -> Collection[str] | None:
        """Return the email domains that the account has proven to own, or None for any.

        If there are some, userName and email address must be addresses at one of them: other values
        are refused with 400. A subdomain is another domain.

        By default, any. Without verified domains, an identity provider can push any name, and set
        any address for its users, to which the host may then send a new password.
        """
        return None

    def check_account(self) -> None:
        """Check at the beginning of a request that there can be such an account.

        By default, all accounts are possible.

        Raises:
            ScimError: 403.
        """

    # Users

    @property
    def user_fields(self) -> dict[str, str]:
        """Return the ORM paths, from the host user, of SCIM attributes, by attribute name.

        All other attributes are stored in the link's JSON. `emails.value` is the preferred email
        address. A path may follow a relation (`profile__title`). It is then read and searched, but
        a subclass has to save it in `create_user` and `update_user`.

        With accounts, Tiled Admin is never `is_staff`, which gives access to the Django admin.
        """
        model = get_user_model()
        fields = {
            "name.givenName": "first_name",
            "name.familyName": "last_name",
            "emails.value": model.get_email_field_name(),
            "active": "is_active",
        }
        if not (self.account and settings.ADMIN_FIELD == STAFF_FIELD):
            fields[TILED_ADMIN] = settings.ADMIN_FIELD
        return {name: field for name, field in fields.items() if has_field(model, field)}

    @property
    def membership_fields(self) -> Mapping[str, str]:
        """Return the ORM paths, from the membership, of SCIM attributes that are the account's own.

        There are none without a membership model, see `tiled_scim.accounts.AccountAdapter`.
        """
        return {}

    def membership(self, user: AbstractBaseUser) -> models.Model | None:
        """Return the user's membership in the account, locked, or None if there is none."""
        return None

    def is_shared(self, user: AbstractBaseUser) -> bool:
        """Return whether another account has the user, too: by SCIM, as far as this class knows."""
        links = cast(Any, user).scim_links.model
        others = objects(links).filter(links.live, user=user.pk).exclude(account=self.account)
        accounts = others.values_list("account", flat=True)
        return any(type(self)(account).belonging([user.pk]) for account in accounts)

    def may_change_person(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        """Return whether the account may change values of `user_fields` of a host user.

        By default, it may if no other account has the user. Otherwise the values that its identity
        provider sends are kept on its own link. They are returned as sent, and have no effect.

        Args:
            user: The host user.
            values: The values that the user should have, of `userName` and `user_fields`.
        """
        return not self.is_shared(user)

    def account_users(self) -> models.QuerySet[Any] | None:
        """Return the host users who belong to the account. None if SCIM knows it without.

        Whoever does not belong any more is 404, and a push of the userName looks for a user again.
        It is asked before each read and write, and before an unlinked user is restored.

        Without accounts, everybody belongs, and with `TILED_SCIM_MEMBERSHIP_MODEL`, whoever has a
        membership. With other accounts, these are the `adoptable_users`, if a subclass says who
        that is.
        """
        is_unknown = type(self).adoptable_users is HostAdapter.adoptable_users
        if not self.account or is_unknown or membership_model() is not None:
            return None
        return self.adoptable_users()

    def belonging(self, users: Collection[Any]) -> set[Any]:
        """Return which of these users (primary keys) are among the `account_users`."""
        own = self.account_users()
        if own is None:
            return set(users)
        found = (part.values_list("pk", flat=True) for part in of_keys(own, "pk", users))
        return {user for rows in found for user in rows}

    def adoptable_users(self) -> models.QuerySet[Any]:
        """Return the host users that a push may adopt.

        Without accounts, these are all users. With accounts, there are none: only a subclass knows
        the account of a user, and a customer must not adopt the users of another one. It has to
        include the users that SCIM manages, see `account_users`.
        """
        return host_users().none() if self.has_accounts else host_users()

    def find_user(self, values: Mapping[str, Any]) -> AbstractBaseUser | None:
        """Return the existing host user to adopt for a pushed user, or None.

        A user whom a push may not adopt is none. `create_user` decides about the name then.

        Args:
            values: `userName` and the attributes of `user_fields`.

        Raises:
            ScimError: 409 if several host users match.
        """
        if settings.ADOPT_USERS is None:
            return None
        field, value = self._identity(values)
        everybody = self._spelled(field, value, host_users())
        self._free = set() if everybody else {(field, canonical_value(field, value))}
        found = self._adoptable(everybody)
        if len(found) > 1:
            product, attribute = english_words()["product"], _attribute_of(field)
            raise uniqueness(
                f"{attribute} “{value}” is that of more than one user of {product}, in different "
                f"spellings, so that it is not clear who is meant. Ask an administrator of "
                f"{product} to change {attribute} of one of them.",
                Cause.AMBIGUOUS_USER,
            )
        return found[0] if found else None

    def lookup_identity(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Return the field and the canonical value by which a pushed user is looked up."""
        field, value = self._identity(values)
        return field, canonical_value(field, value)

    def check_identity(
        self, values: Mapping[str, Any], user: AbstractBaseUser | None = None
    ) -> None:
        """Refuse the username of another host user, in any spelling.

        If users are adopted by email address, or if addresses are unique, refuse the address of
        another one, too. All users of the host are compared, whether a push may adopt them or not.

        With accounts, only users that a push may adopt are compared: `create_user` may choose
        another username, so that nobody learns who has an account. `check_saved_user` then compares
        what was saved, if it must be unique among all accounts.

        Args:
            values: The values that the user will have, of `userName` and `user_fields`.
            user: The host user. None if it will be created.

        Raises:
            ScimError: 409.
        """
        if self.account:
            self._check_identity(values, user, self.adoptable_users())
        else:
            self._free |= self._check_identity(values, user, host_users())

    def is_username_taken(self, username: str) -> bool:
        """Return whether any user of the host has a username, in any spelling."""
        column = username_column()
        is_free = (column, canonical_value(column, username)) in self._free
        return not is_free and bool(self._spelled(column, username, host_users()))

    def identities(self, user: AbstractBaseUser) -> set[tuple[str, str]]:
        """Return the fields with values that no two users of the host may have, in any spelling."""
        values = ((column, getattr(user, column)) for column in self._unique_columns())
        return {(column, canonical_value(column, value)) for column, value in values if value}

    def check_saved_user(
        self, user: AbstractBaseUser, before: Collection[tuple[str, str]] = ()
    ) -> None:
        """Refuse a user who was created or changed, and now has the username of another one.

        Args:
            user: The host user, as it was saved.
            before: The user's `identities` before the change.

        Raises:
            ScimError: 409.
        """
        new, self._free = self.identities(user) - set(before) - self._free, set()
        for field, _canonical in sorted(new):
            value = getattr(user, field)
            if any(other.pk != user.pk for other in self._spelled(field, value, host_users())):
                raise _in_use(field, value)

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        """Create a host user, with an unusable password.

        Args:
            values: `userName` and the attributes of `user_fields`.
        """
        user = get_user_model()()
        user.set_unusable_password()
        self._assign(user, values)
        user.save()
        return user

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        """Update the values of a host user that differ.

        Args:
            user: The host user.
            values: Attributes of `user_fields`, and `userName` if the username should change.
        """
        if self._assign(user, values):
            user.save()

    def may_replace_email(self, user: AbstractBaseUser, email: str) -> bool:
        """Return whether the push that adopts a user may replace an email address of the host.

        By default, only by one at the account's `domains`: whoever gets the host's messages can
        usually set a password. Otherwise the user keeps the address that people gave.

        Args:
            user: The host user, who has another email address.
            email: The address that was pushed.
        """
        domains = self.domains()
        return domains is not None and is_within(email, domains)

    def user_adopted(self, user: AbstractBaseUser) -> None:
        """Do what must happen in the same transaction when a push takes over an existing user.

        The user had no live SCIM user in the account before. By default, whoever had the user until
        now cannot sign in any more, because it may be somebody who registered another person's
        name: the password becomes unusable, and sessions and tokens end. Nothing of it happens if
        `TILED_SCIM_ADOPT_PASSWORDS` is on, or if another account has the user, too: no account
        alone decides how a shared user signs in.
        """
        if settings.ADOPT_PASSWORDS or self.is_shared(user):
            return
        self.disable_password(user)
        self.end_sessions(user)

    def user_deactivated(self, user: AbstractBaseUser) -> None:
        """Do what must happen in the same transaction when SCIM ends a user's access.

        The user is inactive in the account now, or was unlinked. By default, nothing else happens.
        """

    def user_reactivated(self, user: AbstractBaseUser) -> None:
        """Do what must happen in the same transaction when a user is active in the account again.

        By default, nothing else happens.
        """

    def end_sessions(self, user: AbstractBaseUser) -> None:
        """End all that a host user is signed in with, for good (`TILED_SCIM_END_SESSIONS`).

        It is called in the same transaction when SCIM ends the access of a user whom no other
        account has active. All of it is rows: after the commit, a crash could leave a session that
        works again once the user is reactivated. What is not in the database, such as sessions of
        an identity provider, belongs into a receiver of `user_deactivated`, after the commit.

        By default, Django sessions end whatever their engine, because the stored password changes:
        a usable one becomes one that nobody knows, which the user can reset by email when active
        again. Tokens of REST framework are deleted, and those of simplejwt blacklisted, where these
        apps are installed. Its access tokens cannot be: they work while the user is active, until
        they expire.
        """
        sessions.end_sessions(user)
        sessions.end_tokens(user)

    def end_account_sessions(self, user: AbstractBaseUser) -> None:
        """End what a host user is signed in with in this account only (Universal Logout).

        It is called in the transaction of the request, instead of `end_sessions`, if another
        account has the user, too: otherwise any account could sign anybody out, by pushing the
        person first. The client does not learn which of the two was called.

        By default, nothing ends, and the log says so, because Django's sessions are those of all
        accounts. A host whose sessions know their account ends them here.
        """
        logger.warning(
            "The user %s was not signed out, because another account has the user, too. Override "
            "HostAdapter.end_account_sessions if sessions know their account.",
            user.pk,
        )

    def disable_password(self, user: AbstractBaseUser) -> None:
        """Make the password of a host user unusable: whoever comes next may be somebody else.

        It is called in the same transaction when SCIM unlinks a user, before `end_sessions`.
        """
        sessions.disable_password(user)

    def is_protected(self, user: AbstractBaseUser) -> bool:
        """Return whether SCIM may neither adopt nor change a user.

        By default, these are superusers, and users to whom people gave other powers: permissions,
        directly or by a group, or `is_staff`. What SCIM gave itself protects nobody: groups that
        are Libraries, and `is_staff` of its users where that is Tiled Admin.
        """
        return (
            bool(getattr(user, "is_superuser", False))
            or (getattr(user, STAFF_FIELD, False) and STAFF_FIELD not in self.user_fields.values())
            or permissions.user_has_powers(user)
        )

    def protected_among(self, users: Collection[Any]) -> set[Any]:
        """Return which of these users (primary keys) are protected, see `is_protected`.

        If a subclass overrides `is_protected`, it is asked for each user.
        """
        rows = host_users()
        if type(self).is_protected is not HostAdapter.is_protected:
            rows = rows.annotate(**{permissions.ATTRIBUTE: permissions.has_powers("pk")})
            parts = of_keys(rows, "pk", users)
            return {user.pk for part in parts for user in part if self.is_protected(user)}
        condition = models.Q(permissions.has_powers("pk"))
        flags = ["is_superuser"]
        if STAFF_FIELD not in self.user_fields.values():
            flags.append(STAFF_FIELD)
        for flag in flags:
            if has_field(rows.model, flag):
                condition |= models.Q(**{flag: True})
        parts = of_keys(rows.filter(condition), "pk", users)
        return {key for part in parts for key in part.values_list("pk", flat=True)}

    def admins(self) -> models.QuerySet[Any]:
        """Return the active admins of the account. SCIM does not remove the last one.

        Without accounts, these are all admins of the host, including superusers. With accounts,
        these are the admins that the account's identity provider manages.
        """
        users = host_users()
        fields = self.user_fields
        if TILED_ADMIN not in fields:
            return users.none()
        is_admin = models.Q(**{fields[TILED_ADMIN]: True})
        if self.has_accounts:
            is_admin &= models.Q(
                scim_links__account=self.account,
                scim_links__unlinked_at__isnull=True,
                scim_links__suspended=False,
            )
        elif has_field(users.model, "is_superuser"):
            is_admin |= models.Q(is_superuser=True)
        is_active = models.Q(**{fields["active"]: True}) if "active" in fields else models.Q()
        own = self.account_users()
        belongs = models.Q() if own is None else models.Q(pk__in=own.values("pk"))
        return users.filter(is_admin, is_active, belongs)

    def delete_user(self, user: AbstractBaseUser) -> None:
        """Delete a host user (`TILED_SCIM_USER_DELETE`)."""
        user.delete()

    # Roles

    def roles(self) -> Mapping[str, str]:
        """Return the labels of the account's roles that SCIM may give, by key.

        Keys have at most 128 characters.

        By default, there are none. Then groups cannot give roles, there is no `/Roles`, and the
        attribute `roles` of users is stored and has no effect. A host with roles overrides
        `roles_of` and `set_roles`, too.
        """
        return {}

    def roles_of(
        self, users: Collection[Any], *, lock: bool = False
    ) -> Mapping[Any, Collection[str]]:
        """Return the keys of the roles that users have in the account, by primary key.

        Args:
            users: The primary keys of the users. Those without a role may be absent in the result.
            lock: Whether to lock what `set_roles` will change.
        """
        return {}

    def set_roles(self, roles: Mapping[Any, Collection[str]]) -> None:
        """Replace the roles of users in the account.

        Args:
            roles: The keys of the roles of each user, by primary key. They are the result of
                `effective_roles`.
        """
        raise NotImplementedError

    def effective_roles(self, roles: Collection[str]) -> Collection[str]:
        """Return the roles that somebody has in the host to whom SCIM and people give these.

        By default, that is all of them. In a host where a person has one role, return the highest.
        """
        return roles

    def admin_roles(self) -> Collection[str]:
        """Return the keys of the roles that mean Tiled Admin.

        If there are none, and the host has a field for `tiledAdmin`, a group can give Tiled Admin
        in place of a role.
        """
        return ()

    def admins_among(self, users: Collection[Any]) -> Collection[Any]:
        """Return which of these users (primary keys) are Tiled Admin, active or not."""
        path = self.user_fields[TILED_ADMIN]
        rows = objects(get_user_model())
        return [
            key
            for part in of_keys(rows.filter(**{path: True}), "pk", users)
            for key in part.values_list("pk", flat=True)
        ]

    # Libraries

    def adoptable_libraries(self) -> models.QuerySet[Any]:
        """Return the Libraries that a push may adopt if `TILED_SCIM_ADOPT_LIBRARIES` is set.

        Without accounts, these are Libraries that no group feeds yet. With accounts, there are
        none, see `adoptable_users`. Django's own groups are never adopted, because they may have
        permissions, which a push must not give.
        """
        libraries = objects(library_model()).filter(scim_links__isnull=True)
        if libraries.model is Group or self.has_accounts:
            return libraries.none()
        return libraries

    def find_library(self, name: str) -> models.Model | None:
        """Return the existing Library to adopt for a pushed group, or None."""
        if not settings.ADOPT_LIBRARIES:
            return None
        field = settings.LIBRARY_NAME_FIELD
        found = self.adoptable_libraries().filter(**{field: name}).order_by("pk")
        # Collations of MariaDB and MySQL find “Sud” for “Süd”.
        return next((library for library in found if getattr(library, field) == name), None)

    def target_libraries(self) -> models.QuerySet[Any]:
        """Return the Libraries that people may move a group of the account to.

        Without accounts, these are all Libraries. With accounts, these are Libraries that a group
        of the account feeds or has fed. If Libraries are Django's own groups, they also must not
        have permissions, because those give more than access to a Library.
        """
        libraries = objects(library_model())
        if libraries.model is not Group and not self.has_accounts:
            return libraries
        own = libraries.filter(scim_links__account=self.account).values("pk")
        if libraries.model is Group:
            libraries = libraries.filter(permissions__isnull=True)
        return libraries.filter(pk__in=own)

    def has_library(self, library: models.Model) -> bool:
        """Return whether a Library that a group feeds still belongs to the account.

        It is asked before each write. If not, the Library counts as deleted: its group is 404,
        nobody's access to it is changed, and a push of the group's name looks for a Library again.
        By default, it does.
        """
        return True

    def library_name(self, library: models.Model) -> str:
        """Return the name of a Library."""
        return str(getattr(library, settings.LIBRARY_NAME_FIELD))

    def create_library(self, name: str) -> models.Model:
        """Create the Library of a new group.

        Raises:
            ScimError: 409 if the names of Libraries are unique and this one is taken.
        """
        library = library_model()()
        self._name_library(library, name)
        return library

    def rename_library(self, library: models.Model, name: str) -> None:
        """Give a Library the new name of its group.

        Raises:
            ScimError: 409 if the names of Libraries are unique and this one is taken.
        """
        self._name_library(library, name)

    def members(self, library: models.Model, users: Collection[Any]) -> set[Any]:
        """Return which of these users (primary keys) have access to the Library."""
        return self._access(library).users_among(users)

    def grant(self, library: models.Model, users: Collection[Any]) -> None:
        """Give these users (primary keys) access to the Library."""
        self._access(library).add(users)

    def revoke(self, library: models.Model, users: Collection[Any]) -> None:
        """Revoke the access of these users (primary keys) to the Library."""
        self._access(library).remove(users)

    # Internals

    def _identity(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Return the field and value to look up a pushed user among the host's users."""
        model = get_user_model()
        if settings.ADOPT_USERS == "email":
            return model.get_email_field_name(), values.get("emails.value") or ""
        return username_column(), self._username(values) or ""

    def _unique_columns(self) -> set[str]:
        """Return the columns in which no two users of the host may have the same value.

        Accounts may have a user each with the same username or address if the host does not forbid
        it. Without accounts, nobody could tell such users apart.
        """
        if self.account:
            return unique_columns()
        username, email = lookup_columns()
        return unique_columns() | {email if settings.ADOPT_USERS == "email" else username, username}

    def _identities(self, values: Mapping[str, Any]) -> set[tuple[str, str]]:
        """Return the fields and values that no two users may share."""
        identities = {(username_column(), name) for name in self._usernames(values)}
        email, column = values.get("emails.value"), get_user_model().get_email_field_name()
        if email and column in unique_columns():
            identities.add((column, email))
        return identities | {self._identity(values)}

    def _check_identity(
        self,
        values: Mapping[str, Any],
        user: AbstractBaseUser | None,
        users: models.QuerySet[Any],
    ) -> set[tuple[str, str]]:
        """Refuse values of other users among some. Return the fields and canonical values."""
        known = self._free if user is None else set()  # `find_user` has found nobody by it
        compared = set()
        for field, value in sorted(self._identities(values)):
            identity = field, canonical_value(field, value)
            if identity not in known:
                holders = self._holders(field, value, users)
                if holders - {user.pk if user else None}:
                    raise _in_use(field, value)
            compared.add(identity)
        return compared

    def _holders(self, field: str, value: str, users: models.QuerySet[Any]) -> set[Any]:
        """Return the users (primary keys) among some who have a value, in any spelling."""
        return {user.pk for user in self._spelled(field, value, users)}

    def _adoptable(self, users: list[AbstractBaseUser]) -> list[AbstractBaseUser]:
        """Return which of these users a push may adopt."""
        if not users:
            return []
        own = self.adoptable_users().filter(pk__in=[user.pk for user in users])
        keys = set(own.values_list("pk", flat=True))
        return [user for user in users if user.pk in keys]

    def _spelled(
        self, field: str, value: str, users: models.QuerySet[Any]
    ) -> list[AbstractBaseUser]:
        """Return the users with a value of a field, in any spelling.

        The database finds the usual spellings, and perhaps others. The canonical form decides which
        of them are equal. So “josé” is not “jose”, whatever the collation.
        """
        if not value:
            return []
        form = canonical_value(field, value)
        texts = spellings(value) | spellings(form)
        found = users.filter(HostColumn(users.model, field, users.db).has_any_of(texts))
        return [user for user in found if canonical_value(field, getattr(user, field)) == form]

    def _usernames(self, values: Mapping[str, Any]) -> set[str]:
        """Return the host username and the userName that a user will have."""
        return {name for name in (self._username(values), values.get("userName")) if name}

    def _username(self, values: Mapping[str, Any]) -> str | None:
        """Return the value for the host's username: userName, or an attribute mapped to it."""
        username_field = username_column()
        username = values.get("userName")
        for name, path in self.user_fields.items():
            if path == username_field:
                username = values[name] or username if name in values else None
        return username or None

    def _assign(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        """Set the values that differ on a user. Return whether any did."""
        columns = {
            path: (name, values[name])
            for name, path in self.user_fields.items()
            if name in values and "__" not in path and path != username_column()
        }
        if username := self._username(values):
            columns[username_column()] = "userName", normalized_username(username)
        changed = [set_field(user, column, *of_name) for column, of_name in columns.items()]
        return any(changed)

    def _name_library(self, library: models.Model, name: str) -> None:
        """Give a Library a name, and save it.

        Raises:
            LibraryNameTaken: if a constraint of the model allows the name only once.
        """
        column = settings.LIBRARY_NAME_FIELD
        holder = holder_of_value(library, column, name)
        if holder is not None:
            raise LibraryNameTaken(name, holder)
        if set_field(library, column, "displayName", name) or library._state.adding:
            library.save()

    def _access(self, library: models.Model) -> LibraryAccess:
        accessor = settings.LIBRARY_MEMBERS_FIELD or membership_accessors(type(library))[0]
        return LibraryAccess(getattr(library, accessor), router.db_for_write(type(library)))


class LibraryNameTaken(ScimError):  # noqa: N818 (named like the other errors of SCIM)
    """A 409 error for a name that the host's constraints allow for one Library only.

    Args:
        name: The name.
        holder: The Library that has it.
    """

    def __init__(self, name: str, holder: models.Model) -> None:
        words = english_words()
        super().__init__(
            409,
            f"displayName “{name}” is already the name of another {words['library']} in "
            f"{words['product']}. Rename the group, or ask an administrator of "
            f"{words['product']} to rename the other {words['library']}.",
            "uniqueness",
            cause=Cause.LIBRARY_EXISTS,
        )
        self.holder = holder


def _attribute_of(field: str) -> str:
    """Return the SCIM attribute of the username or the email address of the host's users."""
    return "userName" if field == username_column() else "emails"


def _in_use(field: str, value: str) -> ScimError:
    """Return the error for a username or an email address of another user."""
    product, attribute = english_words()["product"], _attribute_of(field)
    return uniqueness(
        f"{attribute} “{value}” is already used by another user of {product}. Change {attribute} "
        f"in your identity provider, or ask an administrator of {product} to change that of the "
        "other user.",
        Cause.USERNAME_IN_USE if field == username_column() else Cause.EMAIL_IN_USE,
    )
