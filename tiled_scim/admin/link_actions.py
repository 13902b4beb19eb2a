"""The pages of interventions in the admin.

A GET shows what the intervention will do, and a POST performs it. A link that has changed since its
page was shown is not changed by the POST. Each intervention is recorded as an event and in the
admin's log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from tiled_scim.admin.actors import actor_of
from tiled_scim.admin.lists import may_delete
from tiled_scim.errors import ScimError
from tiled_scim.models import Link
from tiled_scim.presentation.interventions import Choice, Intervention, Unlink, read_link

if TYPE_CHECKING:
    from tiled_scim.admin.links import LinkAdmin


class LinkAction:
    """The page of an intervention for links of one model.

    Args:
        model_admin: The admin of the model.
        intervention: The intervention.
    """

    def __init__(self, model_admin: LinkAdmin, intervention: type[Intervention]) -> None:
        self.model_admin = model_admin
        self.intervention = intervention
        self.label, self.help = intervention.label, intervention.help

    @property
    def url_name(self) -> str:
        opts = self.model_admin.opts
        return f"{opts.app_label}_{opts.model_name}_{self.intervention.name.replace('-', '_')}"

    def url(self, link: Link) -> str:
        """Return the URL of the page for a link."""
        site = self.model_admin.admin_site
        return reverse(f"admin:{self.url_name}", args=[link.pk], current_app=site.name)

    def is_allowed(self, request: HttpRequest, link: Any) -> bool:
        """Return whether the user has the permissions for the intervention in a link."""
        if not self.model_admin.may_change_links(request):
            return False
        if not self.intervention.deletes_user():
            return True
        return may_delete(self.model_admin.admin_site, request, link.user)

    def view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the intervention will do (GET) or perform it (POST)."""
        if not self.model_admin.may_change_links(request):
            raise PermissionDenied
        row = self.model_admin.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.is_allowed(request, row):
            raise PermissionDenied
        link = read_link(row)
        if not self.intervention.is_offered(link):
            raise Http404
        if not self.intervention.is_possible(link):
            message = gettext("SCIM no longer manages “%(name)s”.") % {"name": link}
            self.model_admin.message_user(request, message, messages.WARNING)
            return HttpResponseRedirect(self.model_admin.url(link))
        intervention = self.intervene(request, link)
        if request.method == "POST":
            return self.submit(request, intervention)
        return self.page(request, intervention)

    def intervene(self, request: HttpRequest, link: Any) -> Intervention:
        """Return the intervention in a link."""
        return self.intervention(link, actor_of(request))

    def page(self, request: HttpRequest, intervention: Any) -> HttpResponse:
        """Show what the intervention will do, and a form to confirm it."""
        consequences = intervention.consequences()
        context = {
            "title": consequences.title,
            "consequences": consequences,
            "version": intervention.version,
        }
        return self.render(request, intervention.link, "link_action", context)

    def submit(self, request: HttpRequest, intervention: Intervention) -> HttpResponse:
        """Perform the intervention, or show why it failed."""
        link = intervention.link
        try:
            message = intervention.perform(
                intervention.unchanged_since(request.POST.get("version", ""))
            )
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        if message:
            self.model_admin.log_change(request, link, message)
            self.model_admin.message_user(request, message, messages.SUCCESS)
        else:
            nothing = gettext("There was nothing left to do.")
            self.model_admin.message_user(request, nothing, messages.INFO)
        # A link may have been deleted together with its user.
        is_unlinked = isinstance(intervention, Unlink)
        return HttpResponseRedirect(
            self.model_admin.list_url if is_unlinked else self.model_admin.url(link)
        )

    def render(
        self, request: HttpRequest, link: Link, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Render a page of the intervention."""
        site = self.model_admin.admin_site
        context = {
            **site.each_context(request),
            "opts": self.model_admin.opts,
            "link": link,
            "label": self.label,
            "title": self.label,
            "list": self.model_admin.list_url,
            "back": self.model_admin.url(link),
            **context,
        }
        request.current_app = site.name
        return TemplateResponse(request, f"tiled_scim/admin/{template}.html", context)


class ChoiceAction(LinkAction):
    """The pages of an intervention with a choice: choose, then confirm."""

    def intervene(self, request: HttpRequest, link: Any) -> Choice:
        intervention = cast("type[Choice]", self.intervention)
        return intervention(link, actor_of(request), request.GET)

    def page(self, request: HttpRequest, intervention: Any) -> HttpResponse:
        if not intervention.is_made:
            template = intervention.name
            return self.render(request, intervention.link, template, intervention.choices())
        try:
            return super().page(request, intervention)
        except ScimError as error:
            self.model_admin.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.path)
