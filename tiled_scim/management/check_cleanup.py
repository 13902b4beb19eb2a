"""Delete the empty Library that a run of `scim_check` made, if it ran inside the host's project.

A SCIM server never deletes Libraries. The command may, but only the one that its own group made:
never one that people made, renamed or gave to somebody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, models, router, transaction
from django.db.models import ProtectedError, RestrictedError

from tiled_scim.api import credentials
from tiled_scim.conf import settings
from tiled_scim.database.for_write import objects
from tiled_scim.database.host_models import has_field, library_model
from tiled_scim.errors import ScimError
from tiled_scim.host import adapter_class
from tiled_scim.models import Action, LibraryGroupLink, ScimEvent
from tiled_scim.provider_check.names import Names
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.secret import Secret
from tiled_scim.words import english_words


def account_of(token: str) -> str | None:
    """Return the account of a token or access token of this project, or None if it is no such."""
    with suppress(DatabaseError, ImproperlyConfigured):
        found = credentials.find(Secret(token))
        return None if found is None else str(found.account)
    return None


class LibraryCleanup:
    """Delete what the test group of one run made. Create it before the run.

    Args:
        account: The key of the account.
        names: The names of the test user and group.
    """

    def __init__(self, account: str, names: Names) -> None:
        self.account = account
        self.names = names
        self.adapter = adapter_class()(account)
        self.existing = set(self._existing())

    def has_user(self) -> bool:
        """Return whether people, and not this check, made a user with the test user's name."""
        name = self.names.user
        try:
            user: Any = self.adapter.find_user({"userName": name, "emails.value": name})
        except ScimError:  # there are several
            return True
        return user is not None and not user.scim_links.filter(account=self.account).exists()

    def run(self, groups: Collection[str]) -> list[str]:
        """Delete the Libraries that the test groups made.

        Args:
            groups: The SCIM ids of the groups that the run deleted.

        Returns:
            What was deleted and what was not, as sentences. None about Libraries that the host
            deleted itself.
        """
        keys = [key for key in map(as_uuid, groups) if key is not None]
        links = objects(LibraryGroupLink).filter(pk__in=keys, account=self.account)
        rows = links.filter(library__isnull=False).select_related("library")
        return [self._delete(link) for link in rows]

    def _delete(self, link: LibraryGroupLink) -> str:
        library: Any = link.library
        what = f"{english_words()['library']} “{self.adapter.library_name(library)}”"
        with transaction.atomic(using=router.db_for_write(type(library))):
            # The lock stops requests of SCIM from giving somebody access meanwhile.
            locked = objects(type(library)).select_for_update().filter(pk=library.pk).first()
            if locked is None or not self._is_ours(link, locked):
                return f"Left on the server: the {what}, which is not only this check's."
            try:
                with transaction.atomic(using=router.db_for_write(type(library))):
                    locked.delete()
            except (ProtectedError, RestrictedError):
                return f"Left on the server: the {what}, which other rows refer to."
        return f"Deleted the empty {what}, which the check had made."

    def _is_ours(self, link: LibraryGroupLink, library: models.Model) -> bool:
        """Return whether the check made the Library, and nobody uses it."""
        if link.unlinked_at is None or self.adapter.library_name(library) not in self.names.groups:
            return False
        if library.pk not in self.existing:
            return not _is_used(library, link, by_people=True)
        return _was_made_for(link) and not _is_used(library, link, by_people=False)

    def _existing(self) -> Iterator[Any]:
        """Yield the keys of Libraries that the push of the test group may use."""
        field = settings.LIBRARY_NAME_FIELD
        if has_field(library_model(), field):
            named = objects(library_model()).filter(**{f"{field}__in": self.names.groups})
            yield from named.values_list("pk", flat=True)
        for name in self.names.groups:
            if found := self.adapter.find_library(name):
                yield found.pk
            rows: Any = objects(LibraryGroupLink)
            links = rows.named(self.account, name)
            yield from links.values_list("library", flat=True)


def _was_made_for(link: LibraryGroupLink) -> bool:
    """Return whether an earlier run made the Library of a group, because nothing else could."""
    moves = objects(ScimEvent).filter(resource_id=link.pk, action=Action.LIBRARY_MOVED)
    return not settings.ADOPT_LIBRARIES and not moves.exists()


def _is_used(library: models.Model, link: LibraryGroupLink, *, by_people: bool) -> bool:
    """Return whether another group feeds a Library, or other rows refer to it.

    Args:
        library: The Library.
        link: The group that may refer to it.
        by_people: Whether to consider only rows that also refer to a user, such as memberships.
            The host may add others to each new Library.
    """
    others = objects(LibraryGroupLink).filter(library=library.pk).exclude(pk=link.pk)
    if others.exists():
        return True
    return any(
        objects(model).filter(**{name: library.pk}).exists()
        for model, name in _references(type(library))
        if not by_people or _refers_to_users(model)
    )


def _references(model: type[models.Model]) -> Iterator[tuple[type[models.Model], str]]:
    """Yield the models that refer to a model, except links of groups, and their fields."""
    relations: Any = model._meta.get_fields(include_hidden=True)
    for relation in relations:
        is_reference = relation.one_to_many or relation.one_to_one
        if relation.auto_created and is_reference and relation.related_model != LibraryGroupLink:
            yield relation.related_model, relation.field.name


def _refers_to_users(model: type[models.Model]) -> bool:
    return any(field.related_model is get_user_model() for field in model._meta.concrete_fields)
