"""Move a group to another Library: choose the Library, then confirm."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.link_actions import Consequences, LinkAction, Names, client_of
from tiled_scim.audit.events import Source
from tiled_scim.conf import settings
from tiled_scim.errors import ScimError
from tiled_scim.host import HostAdapter, has_field, library_model
from tiled_scim.models import LibraryGroupLink
from tiled_scim.provisioning.moving import GroupMoving, move
from tiled_scim.provisioning.service import Precondition, record_of
from tiled_scim.words import with_words, words

LIBRARIES_SHOWN = 20


class Move(LinkAction):
    name = "move"
    label = with_words(_("Move to another %(library)s"))
    help = with_words(
        _(
            "Gives the members access to another %(library)s instead. The current %(library)s is "
            "kept."
        )
    )

    def page(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        if "library" not in request.GET:
            return self._choice_page(request, adapter, link)
        try:
            return super().page(request, adapter, link)
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        key = _key(request)
        source = Source(link.account, client=client_of(request))
        preview = GroupMoving(adapter, record_of(source)).preview(link.pk, key)
        old = adapter.library_name(link.library) if link.library else ""
        names = {**words(), "group": link, "old": old, "new": _library_name(adapter, key)}
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

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        key = _key(request)
        move(link, key, client_of(request), precondition)
        names = {**words(), "group": link, "new": _library_name(adapter, key)}
        return gettext("“%(group)s” is now linked to the %(library)s “%(new)s”.") % names

    def _choice_page(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """Show the Libraries to choose from."""
        search = request.GET.get("q", "").strip()
        libraries = list(_libraries(adapter, link, search)[: LIBRARIES_SHOWN + 1])
        context = {
            "search": search,
            "libraries": [
                (adapter.library_name(library), urlencode({"library": library.pk}))
                for library in libraries[:LIBRARIES_SHOWN]
            ],
            "has_more": len(libraries) > LIBRARIES_SHOWN,
        }
        return self.render(request, link, "move", context)


def _libraries(adapter: HostAdapter, link: LibraryGroupLink, search: str) -> Any:
    """Return the Libraries that a group can be moved to and whose names contain the text."""
    libraries = adapter.target_libraries().exclude(pk=link.library_id)
    field = settings.LIBRARY_NAME_FIELD
    if not has_field(library_model(), field):  # only the host's adapter knows the names
        return libraries.order_by("pk")
    found = libraries.filter(**{f"{field}__icontains": search}) if search else libraries
    return found.order_by(field, "pk")


def _key(request: HttpRequest) -> Any:
    """Return the primary key of the Library in the query string.

    Raises:
        ScimError: It is not a valid primary key.
    """
    field: Any = library_model()._meta.pk
    text = request.GET.get("library", "")
    try:
        ProhibitNullCharactersValidator()(text)  # an error in PostgreSQL queries
        return field.to_python(text)
    except ValidationError:
        raise ScimError(409, gettext("There is no such %(library)s.") % words()) from None


def _library_name(adapter: HostAdapter, key: Any) -> str:
    return adapter.library_name(adapter.target_libraries().get(pk=key))
