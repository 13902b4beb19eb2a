"""Feeding a group into another Library by hand: a choice of Library, and then a confirmation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.admin.interventions import Consequences, Intervention, Names, client_of
from tiled_scim.conf import settings
from tiled_scim.errors import ScimError
from tiled_scim.host import HostAdapter, has_field, library_model
from tiled_scim.models import LibraryGroupLink
from tiled_scim.provisioning.moving import GroupMoving, move
from tiled_scim.provisioning.service import Precondition

LIBRARIES_SHOWN = 20


class Move(Intervention):
    name = "move"
    label = _("Feed into another Library")
    help = _("Moves the access of the members to another Library. The old one stays as it is.")

    def page(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        if "library" not in request.GET:
            return self._choice(request, adapter, link)
        try:
            return super().page(request, adapter, link)
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def consequences(
        self, request: HttpRequest, adapter: HostAdapter, link: LibraryGroupLink
    ) -> Consequences:
        key = _key(request)
        preview = GroupMoving(adapter).preview(link.pk, key)
        old = adapter.library_name(link.library) if link.library else ""
        names = {"group": link, "old": old, "new": _library_name(adapter, key)}
        gaining = Names.of(gettext("Who gains access to “%(new)s”") % names, preview.gaining)
        losing = Names.of(gettext("Who loses access to “%(old)s”") % names, preview.losing)
        stays = [
            gettext("The Library “%(old)s” stays, with all that is in it.") % names,
            gettext("Access to it that people gave by hand, or that another group gives, stays."),
        ]
        return Consequences(
            title=gettext("Feed “%(group)s” into the Library “%(new)s”?") % names,
            sentences=[
                *(stays if old else []),
                gettext("The Library “%(new)s” keeps its name, and everybody who has access.")
                % names,
            ],
            button=gettext("Move the access"),
            lists=[gaining, *([losing] if old else [])],
            is_loss=bool(preview.losing),
        )

    def perform(
        self, request: HttpRequest, adapter: HostAdapter, link: Any, precondition: Precondition
    ) -> str:
        key = _key(request)
        move(link, key, client_of(request), precondition)
        names = {"group": link, "library": _library_name(adapter, key)}
        return gettext("“%(group)s” feeds the Library “%(library)s” now.") % names

    def _choice(self, request: HttpRequest, adapter: HostAdapter, link: Any) -> HttpResponse:
        """The Libraries that there are to choose from, by their names."""
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
    """The Libraries that a group may be moved to, whose names have the text in them."""
    libraries = adapter.target_libraries().exclude(pk=link.library_id)
    field = settings.LIBRARY_NAME_FIELD
    if not has_field(library_model(), field):  # the host's adapter knows the names
        return libraries.order_by("pk")
    found = libraries.filter(**{f"{field}__icontains": search}) if search else libraries
    return found.order_by(field, "pk")


def _key(request: HttpRequest) -> Any:
    """The primary key of the Library in the query.

    Raises:
        ScimError: it cannot be one.
    """
    field: Any = library_model()._meta.pk
    text = request.GET.get("library", "")
    try:
        ProhibitNullCharactersValidator()(text)  # PostgreSQL cannot even look for one
        return field.to_python(text)
    except ValidationError:
        raise ScimError(409, gettext("There is no such Library.")) from None


def _library_name(adapter: HostAdapter, key: Any) -> str:
    return adapter.library_name(adapter.target_libraries().get(pk=key))
