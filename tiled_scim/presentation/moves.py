"""Moving a group to another Library: the Libraries to choose from, and what the move will do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.conf import settings
from tiled_scim.database.host_models import has_field, library_model
from tiled_scim.errors import ScimError
from tiled_scim.presentation.interventions import Choice, Consequences, Names
from tiled_scim.provisioning.group_members import own_library
from tiled_scim.provisioning.service import Precondition
from tiled_scim.words import with_words, words

LIBRARIES_SHOWN = 20


class Move(Choice):
    """Move a group to another Library.

    The query has the primary key of the chosen `library`, or `q` to search for one.
    """

    name = "move"
    parameter = "library"
    label = with_words(_("Move to another %(library)s"))
    help = with_words(
        _(
            "Gives the members access to another %(library)s instead. The current %(library)s is "
            "kept."
        )
    )

    def consequences(self) -> Consequences:
        key = self._target()
        preview = self.connection.preview_move(self.link, key)
        library = own_library(self.link, self.adapter)
        old = "" if library is None else self.adapter.library_name(library)
        names = {**words(), "group": self.link, "old": old, "new": self._library_name}
        gains = Names.from_names(gettext("Who gains access to “%(new)s”") % names, preview.gaining)
        losses = Names.from_names(gettext("Who loses access to “%(old)s”") % names, preview.losing)
        kept = [
            gettext("The %(library)s “%(old)s” and its contents are kept.") % names,
            gettext("Access to it that was given manually or by another group is kept."),
        ]
        return Consequences(
            title=gettext("Move “%(group)s” to the %(library)s “%(new)s”?") % names,
            sentences=[
                *(kept if old else []),
                gettext(
                    "The %(library)s “%(new)s” keeps its name and all users who already have "
                    "access."
                )
                % names,
            ],
            button=gettext("Move"),
            lists=[gains, *([losses] if old else [])],
            is_loss=bool(preview.losing),
        )

    def perform(self, precondition: Precondition) -> str:
        self.connection.move(self.link, self._target(), self.actor, precondition)
        names = {**words(), "group": self.link, "new": self._library_name}
        return gettext("“%(group)s” is now linked to the %(library)s “%(new)s”.") % names

    def choices(self) -> dict[str, Any]:
        """Return the Libraries to choose from, as `libraries` with their query, and `has_more`."""
        search = self.query.get("q", "").strip()
        libraries = list(self._libraries(search)[: LIBRARIES_SHOWN + 1])
        return {
            "search": search,
            "libraries": [
                (self.adapter.library_name(library), urlencode({self.parameter: library.pk}))
                for library in libraries[:LIBRARIES_SHOWN]
            ],
            "has_more": len(libraries) > LIBRARIES_SHOWN,
        }

    def _libraries(self, search: str) -> Any:
        """Return the Libraries that the group can be moved to and whose names contain the text."""
        libraries = self.adapter.target_libraries().exclude(pk=self.link.library_id)
        name = settings.LIBRARY_NAME_FIELD
        if not has_field(library_model(), name):  # only the host's adapter knows the names
            return libraries.order_by("pk")
        found = libraries.filter(**{f"{name}__icontains": search}) if search else libraries
        return found.order_by(name, "pk")

    def _target(self) -> Any:
        """Return the primary key of the chosen Library.

        The errors of the move itself tell the names of Libraries, also of those of other accounts.
        So a Library that is not among the choices is refused here, as one that does not exist.

        Raises:
            ScimError: 409 if there is no such Library among the choices.
        """
        key = self._key
        if not self.adapter.target_libraries().filter(pk=key).exists():
            raise _unknown_library()
        return key

    @property
    def _chosen(self) -> str:
        return self.query.get(self.parameter, "")

    @property
    def _key(self) -> Any:
        """Return the primary key of the chosen Library.

        Raises:
            ScimError: It is not a valid primary key.
        """
        field: Any = library_model()._meta.pk
        try:
            ProhibitNullCharactersValidator()(self._chosen)  # an error in PostgreSQL queries
            return field.to_python(self._chosen)
        except ValidationError:
            raise _unknown_library() from None

    @property
    def _library_name(self) -> str:
        return self.adapter.library_name(self.adapter.target_libraries().get(pk=self._key))


def _unknown_library() -> ScimError:
    return ScimError(409, gettext("There is no such %(library)s.") % words())
