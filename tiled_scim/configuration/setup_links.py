"""The page on which an account's admin creates and revokes setup links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tiled_scim import setup_links
from tiled_scim.audit.times import ago
from tiled_scim.configuration.access import ConfigurationPage
from tiled_scim.models import SetupLink
from tiled_scim.presentation.secrets import show_once

HOUR = timedelta(hours=1)


def _lifetimes() -> list[tuple[int, str]]:
    hours = [lifetime // HOUR for lifetime in setup_links.LIFETIMES]
    return [(number, _duration(number)) for number in hours]


def _duration(number: int) -> str:
    return ngettext("%(number)s hour", "%(number)s hours", number) % {"number": number}


class SetupLinkForm(forms.Form):
    """The form to create a setup link."""

    hours = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=_lifetimes,
        initial=setup_links.DEFAULT_LIFETIME // HOUR,
    )

    @property
    def lifetime(self) -> timedelta:
        return HOUR * int(self.cleaned_data["hours"])


class SetupLinkList(ConfigurationPage):
    """The open setup links, and the form to create one. A new one is only shown once."""

    template_name = "tiled_scim/configuration/setup_links.html"

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.page(SetupLinkForm())

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        form = SetupLinkForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=400)
        new = setup_links.create(self.account.key, self.actor, form.lifetime)
        address = request.build_absolute_uri(self.urls["setup_open"])

        def page(placeholder: str) -> TemplateResponse:
            return self.page(SetupLinkForm(), new_link=f"{address}#{placeholder}", new=new.link)

        return show_once(new.code, page)

    def page(self, form: SetupLinkForm, status: int = 200, **shown: Any) -> TemplateResponse:
        """Show the page.

        Args:
            form: The form to create a link.
            status: The HTTP status.
            shown: Additional context: the URL of a `new_link`, with a placeholder for its code,
                and its row as `new`.
        """
        context = {
            "section": "setup_links",
            "form": form,
            "open_links": [
                {
                    "link": link,
                    "used_ago": ago(link.last_used_at),
                    "revoke_url": self.urls.to("revoke_setup_link", setup_link_id=link.pk),
                }
                for link in SetupLink.objects.open_links(self.account.key)
            ],
            **shown,
        }
        return self.render(context, status)


class RevokeSetupLink(ConfigurationPage):
    """Revoke a setup link of the account."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return HttpResponseRedirect(self.urls["setup_links"])

    def post(self, request: HttpRequest, setup_link_id: int, **arguments: Any) -> HttpResponseBase:
        links = SetupLink.objects.for_write().filter(account=self.account.key)
        link = links.filter(pk=setup_link_id).first()
        if link is None:
            raise Http404
        if setup_links.revoke(link, self.actor):
            self.say(messages.SUCCESS, gettext("The setup link has been revoked."))
        else:
            self.say(messages.INFO, gettext("The setup link had ended already."))
        return HttpResponseRedirect(self.urls["setup_links"])
