"""The host's users and Libraries, as SCIM uses them: the only module that touches them.

A host that keeps them in other shapes (several accounts, a membership model, a profile row) gives a
subclass in `TILED_SCIM_HOST_ADAPTER`. Everything here goes through plain fields, `save()` and a
many-to-many manager, so that `post_save` and `m2m_changed` fire and the host's own code sees the
changes.

Over 400 lines, a third of them docstrings, since a host's developer reads here what to override:
`HostAdapter` is one class, and what it is made of stays beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router

from tiled_scim.conf import settings
from tiled_scim.database.compiled import chunks
from tiled_scim.database.host_columns import HostColumn
from tiled_scim.database.memberships import Memberships
from tiled_scim.errors import uniqueness
from tiled_scim.schemas import TILED_USER
from tiled_scim.scim.cleaning import check_length
from tiled_scim.scim.text import canonical, spellings

__all__ = ["TILED_ADMIN", "HostAdapter", "chunks", "library_model", "objects"]

TILED_ADMIN = f"{TILED_USER}:tiledAdmin"


def adapter_class() -> type[HostAdapter]:
    """The class that `TILED_SCIM_HOST_ADAPTER` names."""
    return settings.HOST_ADAPTER


def library_model() -> type[models.Model]:
    """The model that pushed groups become."""
    return apps.get_model(settings.LIBRARY_MODEL)


def objects(model: type[models.Model]) -> models.QuerySet[Any]:
    """A model's rows, in the database that is written to: a replica may lag behind a write."""
    return model._default_manager.using(router.db_for_write(model))


def username_column() -> str:
    """The user model's USERNAME_FIELD."""
    return get_user_model().USERNAME_FIELD


def normalized(username: str) -> str:
    """Return a username as the host's user model keeps it (Unicode NFKC, by default)."""
    return str(get_user_model().normalize_username(username))


def canonical_username(username: str) -> str:
    """Return the form in which usernames of the host are the same.

    It is the canonical form of what the host's user model makes of a username.
    """
    return canonical(normalized(username))


def searched_columns() -> list[HostColumn]:
    """Return the columns that people are looked up by: usernames and email addresses."""
    model = get_user_model()
    paths = [username_column(), adapter_class()().user_fields.get("emails.value")]
    if settings.ADOPT_USERS == "email":
        paths.append(model.get_email_field_name())
    columns = [HostColumn.at(model, path) for path in paths if path]
    return list(dict.fromkeys(columns))


def membership_accessors(model: type[models.Model]) -> list[str]:
    """The names under which a model reaches users through a many-to-many, from either side."""
    user_model = get_user_model()
    forward = [
        field.name for field in model._meta.many_to_many if field.related_model is user_model
    ]
    reverse = [
        relation.get_accessor_name()
        for relation in model._meta.related_objects
        if relation.many_to_many and relation.related_model is user_model
    ]
    return forward + [name for name in reverse if name]


def has_field(model: type[models.Model], name: str) -> bool:
    """Whether a model has a column of this name."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return field.concrete and not field.many_to_many


class HostAdapter:
    """The host's users and Libraries, for one account.

    Args:
        account: the key of the account whose token is calling.
    """

    def __init__(self, account: str = "") -> None:
        self.account = account

    @classmethod
    def accounts(cls) -> Mapping[str, str]:
        """The accounts that may have a token: key to label. One, with an empty key, by default."""
        return {"": ""}

    @property
    def has_accounts(self) -> bool:
        """Whether the host has customers with accounts of their own, be it one so far."""
        return set(self.accounts()) != {""}

    # Users

    @property
    def user_fields(self) -> dict[str, str]:
        """Where the host user keeps SCIM attributes: attribute name to ORM path from the user.

        An attribute that is not here is kept in the link's JSON. `emails.value` stands for the
        preferred e-mail address. A path may lead over a relation (`profile__title`): then it is
        read and searched here, and a subclass saves it in `create_user` and `update_user`.
        """
        model = get_user_model()
        fields = {
            "name.givenName": "first_name",
            "name.familyName": "last_name",
            "emails.value": model.get_email_field_name(),
            "active": "is_active",
            TILED_ADMIN: settings.ADMIN_FIELD,
        }
        return {name: field for name, field in fields.items() if has_field(model, field)}

    def adoptable_users(self) -> models.QuerySet[Any]:
        """The host users whom a push may take over.

        Without accounts, everybody. With some, nobody: only a subclass can tell whose a user is,
        and one customer must not take over another's people.
        """
        users = objects(get_user_model())
        return users.none() if self.has_accounts else users

    def find_user(self, values: Mapping[str, Any]) -> AbstractBaseUser | None:
        """The host user that a pushed person is, if one exists already.

        Args:
            values: `userName` and the attributes of `user_fields`.

        Raises:
            ScimError: 409, where more than one fits.
        """
        if settings.ADOPT_USERS is None:
            return None
        field, value = self._identity(values)
        found = self._spelled(field, value)
        if len(found) > 1:
            raise uniqueness(
                f"More than one user of the host has “{value}” as {field}, in different spellings, "
                "so that it is not clear which one is meant. Change one of them in the host."
            )
        return found[0] if found else None

    def check_identity(
        self, values: Mapping[str, Any], user: AbstractBaseUser | None = None
    ) -> None:
        """Refuse what another host user is known by, in any spelling: two stay two.

        That is the username, and the e-mail address where people are adopted by it. Looked at are
        those whom a push may take over, as in `find_user`.

        Args:
            values: what the user is about to have, of `userName` and `user_fields`.
            user: the host user; None for one who is about to be made.

        Raises:
            ScimError: 409.
        """
        identities = {(username_column(), name) for name in self._usernames(values)}
        if user is not None or settings.ADOPT_USERS is None:
            identities.add(self._identity(values))
        else:
            identities.discard(self._identity(values))  # `find_user` has found nobody by it
        for field, value in sorted(identities):
            if any(user is None or other.pk != user.pk for other in self._spelled(field, value)):
                raise uniqueness(
                    f"Another user of the host has “{value}” as {field} already. Send another "
                    "value, or change theirs in the host."
                )

    def create_user(self, values: Mapping[str, Any]) -> AbstractBaseUser:
        """Make a host user, who cannot sign in with a password.

        Args:
            values: `userName` and the attributes of `user_fields`.
        """
        user = get_user_model()()
        user.set_unusable_password()
        self._assign(user, values)
        user.save()
        return user

    def update_user(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> None:
        """Give a host user the values that differ from what it has.

        Args:
            values: attributes of `user_fields`, and `userName` where the host's own should follow.
        """
        if self._assign(user, values):
            user.save()

    def is_protected(self, user: AbstractBaseUser) -> bool:
        """Whether SCIM may neither adopt nor change this user: superusers, by default."""
        return bool(getattr(user, "is_superuser", False))

    def admins(self) -> models.QuerySet[Any]:
        """The active administrators of the account, of whom SCIM does not remove the last one.

        Without accounts, all those of the host, superusers included; with some, those whom the
        account's identity provider manages.
        """
        users = objects(get_user_model())
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
        return users.filter(is_admin, is_active)

    def delete_user(self, user: AbstractBaseUser) -> None:
        """Delete a host user for good (`TILED_SCIM_USER_DELETE`)."""
        user.delete()

    # Libraries

    def adoptable_libraries(self) -> models.QuerySet[Any]:
        """The Libraries that a push may take over, where `ADOPT_LIBRARIES` lets it.

        Without accounts, those that no group feeds yet. With some, none: see `adoptable_users`.
        Of Django's own groups none either: they carry permissions, which no push may give.
        """
        libraries = objects(library_model()).filter(scim_links__isnull=True)
        if libraries.model is Group or self.has_accounts:
            return libraries.none()
        return libraries

    def find_library(self, name: str) -> models.Model | None:
        """The Library that a pushed group is, if one exists already and may be taken over."""
        if not settings.ADOPT_LIBRARIES:
            return None
        field = settings.LIBRARY_NAME_FIELD
        found = self.adoptable_libraries().filter(**{field: name}).order_by("pk")
        # The collations of MariaDB and MySQL find “Sud” for “Süd”.
        return next((library for library in found if getattr(library, field) == name), None)

    def target_libraries(self) -> models.QuerySet[Any]:
        """The Libraries that people may move a group of the account to.

        Without accounts, all. With some, those that the account's groups feed or have fed. Of
        Django's own groups, never one that people made or that holds permissions: what it opens
        is more than a Library.
        """
        libraries = objects(library_model())
        if libraries.model is not Group and not self.has_accounts:
            return libraries
        own = libraries.filter(scim_links__account=self.account).values("pk")
        if libraries.model is Group:
            libraries = libraries.filter(permissions__isnull=True)
        return libraries.filter(pk__in=own)

    def library_name(self, library: models.Model) -> str:
        """The name that `create_library` and `rename_library` gave, or people since."""
        return str(getattr(library, settings.LIBRARY_NAME_FIELD))

    def create_library(self, name: str) -> models.Model:
        """Make the Library of a new group.

        Raises:
            ScimError: 409, where the host's Libraries have unique names and this one is taken.
        """
        library = library_model()()
        self._name_library(library, name)
        return library

    def rename_library(self, library: models.Model, name: str) -> None:
        """Give a Library its group's new name.

        Raises:
            ScimError: 409, where the host's Libraries have unique names and this one is taken.
        """
        self._name_library(library, name)

    def members(self, library: models.Model, users: Collection[Any]) -> set[Any]:
        """Return which of these users (primary keys) have access to the Library."""
        return self._memberships(library).users_among(users)

    def grant(self, library: models.Model, users: Collection[Any]) -> None:
        """Give these users (primary keys) access to the Library."""
        self._memberships(library).add(users)

    def revoke(self, library: models.Model, users: Collection[Any]) -> None:
        """Take access to the Library away from these users (primary keys)."""
        self._memberships(library).remove(users)

    # Inside

    def _identity(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """The field and value by which a pushed person is looked up among the host's users."""
        model = get_user_model()
        if settings.ADOPT_USERS == "email":
            return model.get_email_field_name(), values.get("emails.value") or ""
        return username_column(), self._username(values) or ""

    def _spelled(self, field: str, value: str) -> list[Any]:
        """The users whom a push may take over with this value of a field, in any spelling.

        The database finds the usual spellings, and more than those; which of them are the same, the
        canonical form says. So “josé” is not “jose”, whatever the collation.
        """
        if not value:
            return []
        users = self.adoptable_users()
        form = canonical_username if field == username_column() else canonical
        texts = spellings(value) | spellings(form(value))
        found = users.filter(HostColumn(users.model, field, users.db).has_any_of(texts))
        return [user for user in found if form(getattr(user, field)) == form(value)]

    def _usernames(self, values: Mapping[str, Any]) -> set[str]:
        """What a user is about to be known by to whoever asks for a username."""
        return {name for name in (self._username(values), values.get("userName")) if name}

    def _username(self, values: Mapping[str, Any]) -> str | None:
        """What the host's username is made of: userName, or the e-mail where it is that."""
        username_field = username_column()
        username = values.get("userName")
        for name, path in self.user_fields.items():
            if path == username_field:
                username = values[name] or username if name in values else None
        return username or None

    def _assign(self, user: AbstractBaseUser, values: Mapping[str, Any]) -> bool:
        """Set what differs on the instance; tell whether anything did."""
        columns = {
            path: (name, values[name])
            for name, path in self.user_fields.items()
            if name in values and "__" not in path and path != username_column()
        }
        if username := self._username(values):
            columns[username_column()] = "userName", normalized(username)
        changed = [_set(user, column, name, value) for column, (name, value) in columns.items()]
        return any(changed)

    def _name_library(self, library: models.Model, name: str) -> None:
        field = library._meta.get_field(settings.LIBRARY_NAME_FIELD)
        taken = objects(library_model()).filter(**{field.name: name}).exclude(pk=library.pk)
        if getattr(field, "unique", False) and taken.exists():
            raise uniqueness(
                f"There is a Library named “{name}” already. Rename that Library, or the group."
            )
        if _set(library, field.name, "displayName", name) or library._state.adding:
            library.save()

    def _memberships(self, library: models.Model) -> Memberships:
        accessor = settings.LIBRARY_MEMBERS_FIELD or membership_accessors(type(library))[0]
        return Memberships(getattr(library, accessor), router.db_for_write(type(library)))


def _set(instance: models.Model, column: str, name: str, value: Any) -> bool:
    """Set one field to the value of the attribute with this name; tell whether it changed.

    Raises:
        ScimError: 400, where the host has no room for the value.
    """
    field = cast("models.Field[Any, Any]", instance._meta.get_field(column))
    if value is None or value == "":
        value = None if field.null else field.get_default()
    check_length(name, value, field.max_length)
    if getattr(instance, column) == value:
        return False
    setattr(instance, column, value)
    return True
