"""The pages behind a setup link, for a person without an account of the product.

The code of a link is after the `#` of its URL, which browsers do not send. The page that opens
there has a form with the code: its script takes it from the URL, and without a script people paste
it. The POST exchanges the code for a signed cookie that is only sent to these pages. So no server,
proxy, log, Referer header or preview of a chat ever gets the code in a URL, and a preview uses
nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.conf import settings as django_settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from tiled_scim import setup_links
from tiled_scim.api.request_log import address_of
from tiled_scim.configuration.access import Page, account_with_key
from tiled_scim.connections import Actor
from tiled_scim.models import SetupLink
from tiled_scim.presentation.tokens import account_context, replace_token
from tiled_scim.secret import Secret

COOKIE = "tiled_scim_setup"
SALT = "tiled_scim.setup_cookie"
CODE_LENGTH = 500
ENDED = _("This link does not work. It may have expired or been revoked. Ask for another one.")


class CodeForm(forms.Form):
    """The form with the code of a setup link, or with the whole link."""

    code = forms.CharField(
        label=_("Setup link or its code"),
        max_length=CODE_LENGTH,
        widget=forms.PasswordInput({"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def clean_code(self) -> Secret:
        """Return what is after the last `#` of a link. A code is returned as it is."""
        return Secret(self.cleaned_data["code"].rpartition("#")[2].strip())


@method_decorator(login_not_required, name="dispatch")
class SetupPage(Page):
    """A page for people who have opened a setup link. Others are asked for theirs."""

    # Whether the page is shown for an account that may not use SCIM.
    explains_not_enabled = True

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        account = account_with_key(self.link.account) if self.link else None
        if account is None:
            return HttpResponseRedirect(self.urls["setup_open"])
        self.account = account
        if request.method == "POST":
            self.require_enabled()
        elif not (self.explains_not_enabled or account.is_enabled):
            return HttpResponseRedirect(self.urls["setup"])
        return View.dispatch(self, request, *args, **kwargs)

    @cached_property
    def link(self) -> SetupLink | None:
        """Return the setup link that the cookie names if it is still open, or None."""
        key = self.request.get_signed_cookie(COOKIE, default=None, salt=SALT)
        return None if key is None else SetupLink.objects.open_with_key(key)

    @property
    def actor(self) -> Actor:
        if self.link is None:  # pragma: no cover (`answer` has redirected)
            raise PermissionDenied
        return setup_links.actor_of(self.link, address_of(self.request))


class SetupConnection(SetupPage):
    """What a person needs to connect: health, base URL, token and steps. It shows no people."""

    template_name = "tiled_scim/configuration/setup.html"

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.page()

    def page(self, status: int = 200, **shown: Any) -> TemplateResponse:
        health = self.account.connection.health(unknown_callers=self.account.is_only)
        context = {
            **account_context(self.request, health),
            "without_people": True,
            "may_change": True,
            "generate_url": self.urls["setup_generate"],
            "page_url": self.urls["setup"],
            "clients_url": self.urls["setup_clients"],
            "failures": lambda: [(failure, "") for failure in health.failures],
            "setup_link": self.link,
            **shown,
        }
        return self.render(context, status)


class SetupGenerate(SetupConnection):
    """Generate or replace the token. It is only shown in this response."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return HttpResponseRedirect(self.urls["setup"])

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        connection = self.account.connection
        result = replace_token(connection, request.POST, partial(connection.rotate, self.actor))
        return result.show(self.page)


class SetupLeave(SetupPage):
    """End the use of a setup link in this browser. The link still works."""

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return HttpResponseRedirect(self.urls["setup"])

    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        response = HttpResponseRedirect(self.urls["setup_open"])
        response.delete_cookie(COOKIE, path=self.urls["setup"], samesite="Lax")
        return response


@method_decorator(login_not_required, name="dispatch")
class SetupOpen(Page):
    """The page where a setup link leads. Only its form uses the link."""

    template_name = "tiled_scim/configuration/setup_open.html"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return View.dispatch(self, request, *args, **kwargs)

    def get(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        return self.render({"form": CodeForm()})

    @method_decorator(sensitive_post_parameters("code"))
    def post(self, request: HttpRequest, **arguments: Any) -> HttpResponse:
        form = CodeForm(request.POST)
        if form.is_valid():
            try:
                link = setup_links.use(form.cleaned_data["code"], address_of(request))
            except setup_links.SetupLinkEndedError:
                form.add_error("code", ENDED)
            else:
                return self.admit(link)
        return self.render({"form": form}, status=400)

    def admit(self, link: SetupLink) -> HttpResponse:
        """Set the cookie of a link that was opened, and show the page behind it."""
        response = HttpResponseRedirect(self.urls["setup"])
        response.set_signed_cookie(
            COOKIE,
            str(link.pk),
            salt=SALT,
            max_age=link.expires_at - timezone.now(),
            path=self.urls["setup"],
            secure=self.request.is_secure() or django_settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response
