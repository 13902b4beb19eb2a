"""Setting the role that a group gives: the roles to choose from, and what the change will do."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.connections import Connection
from tiled_scim.errors import ScimError
from tiled_scim.models import Link
from tiled_scim.presentation.interventions import Choice, Consequences, Names
from tiled_scim.provisioning.group_members import own_library
from tiled_scim.provisioning.service import Precondition
from tiled_scim.words import with_words, words


class GiveRole(Choice):
    """Set the role that a group gives, instead of its Library or beside it.

    The query has the key of the chosen `role`, which is empty for none, and `keep` if the group
    keeps its Library.
    """

    name = "role"
    parameter = "role"
    label = _("Set the role")
    help = with_words(
        _("Gives the members a role instead of access to a %(library)s, or in addition to it.")
    )

    @classmethod
    def is_offered(cls, link: Link) -> bool:
        return bool(Connection(link.account).roles())

    def consequences(self) -> Consequences:
        preview = self.connection.preview_role(
            self.link, self._role, keeps_library=self._keeps_library
        )
        names = self._names
        if self._role:
            title = gettext("Give the role “%(role)s” to the members of “%(group)s”?")
        else:
            title = gettext("Take the role “%(old_role)s” away from the members of “%(group)s”?")
        gains = Names.from_names(gettext("Who gains the role “%(role)s”") % names, preview.gaining)
        losses = Names.from_names(
            gettext("Who loses the role “%(old_role)s”") % names, preview.losing
        )
        losing_access = Names.from_names(
            gettext("Who loses access to “%(old)s”") % names, preview.losing_access
        )
        has_lists = {"gains": self._role, "losses": self.link.role, "access": self._drops_library}
        lists = {"gains": gains, "losses": losses, "access": losing_access}
        return Consequences(
            title=title % names,
            sentences=[sentence % names for sentence in self._sentences()],
            button=gettext("Give the role") if self._role else gettext("Take the role away"),
            lists=[lists[name] for name, is_shown in has_lists.items() if is_shown],
            is_loss=bool(preview.losing or preview.losing_access),
        )

    def perform(self, precondition: Precondition) -> str:
        if not self.is_made:
            raise ScimError(409, gettext("There is no such role."))
        self.connection.give_role(
            self.link,
            self._role,
            self.actor,
            keeps_library=self._keeps_library,
            precondition=precondition,
        )
        if self._role:
            done = gettext("The members of “%(group)s” now have the role “%(role)s”.")
        else:
            done = gettext("“%(group)s” no longer gives a role.")
        return done % self._names

    def choices(self) -> dict[str, Any]:
        """Return the roles to choose from, as `roles` with their keys, and the Library's name."""
        roles = [(key, label) for key, label in self._labels.items() if key != self.link.role]
        return {
            "roles": roles,
            "old_role": self._names["old_role"],
            "library_name": self._names["old"],
        }

    def _sentences(self) -> list[str]:
        sentences = []
        if self._drops_library:
            sentences = [
                gettext("The group no longer gives access to the %(library)s “%(old)s”."),
                gettext("The %(library)s “%(old)s” and its contents are kept."),
                gettext("Access to it that was given manually or by another group is kept."),
            ]
        elif self._library:
            sentences = [gettext("The group still gives access to the %(library)s “%(old)s”.")]
        if self._role:
            sentences.append(
                gettext(
                    "Users who become active members later get the role, too. Users who leave the "
                    "group or are deactivated lose it."
                )
            )
        return [*sentences, gettext("Roles that were given manually or by another group are kept.")]

    @property
    def _role(self) -> str:
        return self.query.get("role", "")

    @property
    def _keeps_library(self) -> bool:
        return "keep" in self.query

    @cached_property
    def _library(self) -> Any:
        return own_library(self.link, self.adapter)  # that of another account is not named

    @property
    def _drops_library(self) -> bool:
        return self._library is not None and not self._keeps_library

    @property
    def _labels(self) -> dict[str, str]:
        return self.connection.roles()

    @property
    def _names(self) -> dict[str, str]:
        labels, library = self._labels, self._library
        return {
            **words(),
            "group": str(self.link),
            "role": labels.get(self._role, self._role),
            "old_role": labels.get(self.link.role, self.link.role),
            "old": self.adapter.library_name(library) if library else "",
        }
