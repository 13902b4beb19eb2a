"""The pages of interventions: a GET shows what one will do, and a POST performs it.

A link that has changed since its page was shown is not changed by the POST.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from tiled_scim.configuration.links import Groups, Links, Users
from tiled_scim.errors import ScimError
from tiled_scim.presentation.interventions import Choice, Intervention, Unlink, read_link


class InterventionPage(Links):
    """The page of an intervention."""

    template_name = "tiled_scim/configuration/intervention.html"

    def get(
        self, request: HttpRequest, link_id: UUID, intervention: str, **arguments: Any
    ) -> HttpResponseBase:
        found = self.find(link_id, intervention)
        if found is None:
            return HttpResponseRedirect(self.urls.to(self.page_name, link_id=link_id))
        if isinstance(found, Choice) and not found.is_made:
            return self.choose(found)
        try:
            return self.show(found)
        except ScimError as error:
            self.say(messages.ERROR, error.detail)
            return HttpResponseRedirect(request.path)

    def post(
        self, request: HttpRequest, link_id: UUID, intervention: str, **arguments: Any
    ) -> HttpResponseBase:
        found = self.find(link_id, intervention)
        if found is None:
            return HttpResponseRedirect(self.urls.to(self.page_name, link_id=link_id))
        try:
            done = found.perform(found.unchanged_since(request.POST.get("version", "")))
        except ScimError as error:
            self.say(messages.ERROR, error.detail)
            return HttpResponseRedirect(request.get_full_path())
        if done:
            self.say(messages.SUCCESS, done)
        else:
            self.say(messages.INFO, gettext("There was nothing left to do."))
        # A link may have been deleted together with its user.
        is_unlinked = isinstance(found, Unlink)
        return HttpResponseRedirect(
            self.urls[self.section] if is_unlinked else self.page_url(found.link)
        )

    def find(self, link_id: UUID, name: str) -> Intervention | None:
        """Return the intervention, or None if SCIM no longer manages the link.

        Raises:
            Http404: There is no such link in the account, or no such intervention.
        """
        kind = self.interventions.get(name)
        if kind is None:
            raise Http404
        link = read_link(self.get_link(link_id))
        if not kind.is_offered(link):
            raise Http404
        if not kind.is_possible(link):
            message = gettext("SCIM no longer manages “%(name)s”.") % {"name": link}
            self.say(messages.WARNING, message)
            return None
        if issubclass(kind, Choice):
            return kind(link, self.actor, self.request.GET)
        return kind(link, self.actor)

    def show(self, intervention: Intervention) -> HttpResponse:
        """Show what the intervention will do, and a form to confirm it."""
        consequences = intervention.consequences()
        context = {
            "title": consequences.title,
            "consequences": consequences,
            "version": intervention.version,
        }
        return self.page(intervention, context)

    def choose(self, choice: Choice) -> HttpResponse:
        """Show what to choose from."""
        self.template_name = f"tiled_scim/configuration/{choice.name}.html"
        return self.page(choice, {"title": choice.label, **choice.choices()})

    def page(self, intervention: Intervention, context: dict[str, Any]) -> HttpResponse:
        link = intervention.link
        shown = {
            "section": self.section,
            "link": link,
            "label": intervention.label,
            "back": self.page_url(link),
        }
        return self.render({**shown, **context})


class UserIntervention(Users, InterventionPage):
    """An intervention in a user."""


class GroupIntervention(Groups, InterventionPage):
    """An intervention in a group."""
