"""What people can do with a user or group by hand, and what a page shows before they do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import router
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.connections import Actor, Connection
from tiled_scim.errors import precondition_failed
from tiled_scim.models import LibraryGroupLink, Link, UserLink
from tiled_scim.provisioning import drift
from tiled_scim.provisioning.group_members import GroupMembers, own_library
from tiled_scim.provisioning.reading import version_of
from tiled_scim.provisioning.service import Precondition
from tiled_scim.sql.rows import with_groups
from tiled_scim.words import words

NAMES_SHOWN = 100


@dataclass(frozen=True)
class Names:
    """A list of users or groups with a title: their number, and the first names."""

    title: str
    number: int
    names: list[str]

    @classmethod
    def from_names(cls, title: str, names: Iterable[str]) -> Names:
        """Create a list of names, sorted and shortened."""
        ordered = sorted(names, key=str.lower)
        return cls(title, len(ordered), ordered[:NAMES_SHOWN])

    @property
    def more(self) -> int:
        return self.number - len(self.names)


@dataclass(frozen=True)
class Consequences:
    """What an intervention will do.

    Args:
        title: The question that the page asks.
        sentences: What happens, and what does not.
        button: The label of the button, or "" if there is nothing to do.
        lists: The users or groups that are affected.
        is_loss: Whether access or data is lost.
    """

    title: str
    sentences: list[str]
    button: str
    lists: list[Names] = field(default_factory=list)
    is_loss: bool = True


class Intervention:
    """An intervention in one link.

    Args:
        link: The link, from `read_link`.
        actor: The person who intervenes.
    """

    # Templates show labels of the class, and must not create an instance of it.
    do_not_call_in_templates = True

    # The last part of the URL of its page in the admin.
    name: ClassVar[str]
    label: ClassVar[Any]
    help: ClassVar[Any]

    def __init__(self, link: Any, actor: Actor) -> None:
        self.link = link
        self.actor = actor
        self.connection = Connection(link.account)
        self.adapter = self.connection.adapter

    @classmethod
    def is_possible(cls, link: Link) -> bool:
        """Return whether a link is in a state that allows the intervention."""
        return link.unlinked_at is None

    @classmethod
    def deletes_user(cls) -> bool:
        """Return whether the intervention deletes a host user."""
        return False

    @classmethod
    def is_offered(cls, link: Link) -> bool:
        """Return whether the host and the account of a link have the intervention at all."""
        return True

    @property
    def version(self) -> str:
        """Return the version of the link, for the form of the page."""
        return version_of(self.link, self.adapter)

    def consequences(self) -> Consequences:
        """Return what the intervention will do.

        Raises:
            ScimError: It is not possible.
        """
        raise NotImplementedError

    def perform(self, precondition: Precondition) -> str:
        """Intervene, and record an event.

        Returns:
            A message that says what was done, or "" if there was nothing to do.

        Raises:
            ScimError: It is not possible, or the precondition failed.
        """
        raise NotImplementedError

    def unchanged_since(self, seen: str) -> Precondition:
        """Return a precondition that fails if the link has changed.

        Args:
            seen: The version of the link when its page was shown.
        """

        def check(version: str) -> None:
            if version != seen:
                raise precondition_failed(
                    gettext(
                        "Nothing was changed, because “%(name)s” has changed since you opened this "
                        "page. The page now shows the current state."
                    )
                    % {"name": self.link}
                )

        return check


class Choice(Intervention):
    """An intervention for which a person chooses something first, on a page of its own.

    Args:
        link: The link, from `read_link`.
        actor: The person who intervenes.
        query: The query of the page. It has the `parameter` once the person has chosen.
    """

    parameter: ClassVar[str]

    def __init__(self, link: Any, actor: Actor, query: Mapping[str, str]) -> None:
        super().__init__(link, actor)
        self.query = query

    @property
    def is_made(self) -> bool:
        """Return whether the person has chosen."""
        return self.parameter in self.query

    def choices(self) -> dict[str, Any]:
        """Return the context of the page to choose on. Its template has the intervention's name."""
        raise NotImplementedError


class Unlink(Intervention):
    """Unlink a user or group, as a SCIM DELETE does."""

    name = "let-go"  # part of the URL, which stays
    label = _("Unlink")

    def perform(self, precondition: Precondition) -> str:
        self.connection.unlink(self.link, self.actor, precondition)
        return gettext("“%(name)s” has been unlinked.") % {"name": self.link}


class UnlinkUser(Unlink):
    help = _("SCIM stops managing this user and revokes all access that it gave.")

    @classmethod
    def deletes_user(cls) -> bool:
        return settings.USER_DELETE == "delete"

    def consequences(self) -> Consequences:
        groups = [row["display"] for row in self.link.group_rows or ()]
        return Consequences(
            title=gettext("Unlink the user “%(name)s”?") % {"name": self.link},
            sentences=[
                gettext("The user is removed from all groups and loses the access that they gave."),
                gettext("The user is permanently deleted from this site.")
                if self.deletes_user()
                else gettext("The user stays on this site, but is deactivated and loses %(admin)s.")
                % words(),
                gettext(
                    "Okta is not notified. Remove the assignment in Okta as well, or the next "
                    "change that it pushes for this user fails."
                ),
            ],
            button=gettext("Unlink"),
            lists=[Names.from_names(gettext("Groups"), groups)] if groups else [],
        )


class UnlinkGroup(Unlink):
    help = _("SCIM stops managing this group. Its members lose the access that it gave.")

    def consequences(self) -> Consequences:
        losing = GroupMembers(self.link, self.adapter, _database()).losing()
        return Consequences(
            title=gettext("Unlink the group “%(name)s”?") % {"name": self.link},
            sentences=[
                *self._consequences_for_library(),
                gettext(
                    "Okta is not notified. Unlink the group in Okta as well, or the next change "
                    "that it pushes for this group fails."
                ),
            ],
            button=gettext("Unlink"),
            lists=[
                Names.from_names(gettext("Who loses access"), [user.name for user in losing]),
                *self._losing_role(),
            ],
        )

    def _losing_role(self) -> list[Names]:
        if not self.link.role:
            return []
        role = self.connection.roles().get(self.link.role, self.link.role)
        losing = self.connection.losing_role(self.link)
        return [Names.from_names(gettext("Who loses the role “%(role)s”") % {"role": role}, losing)]

    def _consequences_for_library(self) -> list[str]:
        library = own_library(self.link, self.adapter)
        if library is None and self.link.role:
            return [gettext("Roles that were given manually or by another group are kept.")]
        if library is None:
            return [str(drift.without_library(self.link))]
        return [
            gettext("The members lose access that only this group gave them."),
            gettext("The %(library)s “%(old)s” and its contents are kept.")
            % {**words(), "old": self.adapter.library_name(library)},
            gettext("Access that was given manually or by another group is kept."),
        ]


class Resync(Intervention):
    """Repair a group whose members or Library were changed manually."""

    name = "resync"
    label = _("Resync")
    help = _("Fixes differences from what was pushed, such as access that was removed manually.")

    def consequences(self) -> Consequences:
        findings = list(drift.find_in(self.link, self.adapter))
        nothing_found = gettext("Everything matches what was pushed. There is nothing to fix.")
        return Consequences(
            title=gettext("Resync the group “%(name)s”?") % {"name": self.link},
            sentences=[_describe(finding) for finding in findings] or [nothing_found],
            button=gettext("Fix") if findings else "",
            is_loss=False,
        )

    def perform(self, precondition: Precondition) -> str:
        if self.connection.resync(self.link, self.actor, precondition).is_empty:
            return ""
        return gettext("“%(name)s” has been fixed.") % {"name": self.link}


def read_link(link: Link) -> Any:
    """Read a link from the write database, with everything that its version depends on."""
    rows: Any = type(link)._default_manager.using(_database()).filter(pk=link.pk)
    if isinstance(link, UserLink):
        return with_groups(rows.select_related("user")).get()
    return rows.select_related("library").get()


def _describe(finding: drift.Finding) -> str:
    """Describe a finding and how it is repaired, without the names of people of other accounts."""
    problem = str(finding)
    if finding.kind is drift.FOREIGN_USER:
        text = gettext("The group “%(name)s” has members of another account (%(number)s).")
        problem = text % {"name": finding.link, "number": len(finding.people)}
    repair = gettext("It is fixed by %(repair)s.") % {"repair": finding.kind.repair}
    return f"{problem} {repair}"


def _database() -> str:
    return router.db_for_write(LibraryGroupLink)
