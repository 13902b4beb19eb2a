"""The page on which people configure Universal Logout, for the admin and for customers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim import logout
from tiled_scim.connections import Actor
from tiled_scim.models import URL_LENGTH, LogoutIssuer
from tiled_scim.oauth import assertions
from tiled_scim.oauth.fetching import is_refused, url_problem
from tiled_scim.presentation.form_results import OUTDATED, FormResult
from tiled_scim.presentation.tokens import shown_base_url


class LogoutForm(forms.Form):
    """The form to say who signs the requests."""

    # The issuer that the page showed. A form that was opened before another person's change has no
    # effect.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=URL_LENGTH,
        help_text=_("The URL of your Okta org, such as https://acme.okta.com"),
    )
    jwks_url = forms.CharField(
        label=_("JWKS URL"),
        max_length=URL_LENGTH,
        required=False,
        help_text=_("The URL of the issuer's public keys. Leave it empty for Okta."),
    )

    def clean_issuer(self) -> str:
        return _checked(self.cleaned_data["issuer"])

    def clean_jwks_url(self) -> str:
        url = self.cleaned_data["jwks_url"]
        return _checked(url) if url else ""


class TurnOffForm(forms.Form):
    """The form to turn Universal Logout off."""

    confirm = forms.BooleanField(
        label=_("I understand that Okta cannot end sessions any more."),
        error_messages={"required": _("Please confirm to continue.")},
    )


def is_offered() -> bool:
    """Return whether Universal Logout can be configured: signatures can be verified here."""
    return assertions.is_available()


def configure(account: str, actor: Actor, data: QueryDict) -> FormResult:
    """Say who signs the requests for an account, as the form asks."""
    if not is_offered() or data.get("seen", "") != _seen(logout.issuer_of(account)):
        return OUTDATED
    form = LogoutForm(data, auto_id="logout-%s")
    if not form.is_valid():
        return FormResult(400, {"form": form})
    issuer, jwks_url = form.cleaned_data["issuer"], form.cleaned_data["jwks_url"]
    try:
        row = logout.configure(account, actor, issuer, jwks_url)
    except logout.InvalidIssuerError:  # the URL of the keys is made of the issuer's, and too long
        form.add_error("jwks_url", gettext("Enter the URL of the issuer's public keys."))
        return FormResult(400, {"form": form})
    return FormResult(302, message=gettext("Universal Logout has been configured."), row=row)


def turn_off(account: str, actor: Actor, data: QueryDict) -> FormResult:
    """Turn Universal Logout off for an account, as the form asks."""
    issuer = logout.issuer_of(account)
    if issuer is None:
        return OUTDATED
    form = TurnOffForm(data, auto_id="off-%s")
    if not form.is_valid():
        return FormResult(400, {"off_form": form})
    if not logout.turn_off(account, actor):
        return OUTDATED
    return FormResult(302, message=gettext("Universal Logout is off."), row=issuer)


def context(request: HttpRequest, account: str) -> dict[str, Any]:
    """Return what the fragment `logout.html` shows, except for links and permissions."""
    issuer, base_url = logout.issuer_of(account), shown_base_url(request)
    known = {"issuer": issuer.issuer, "jwks_url": issuer.jwks_url} if issuer else {}
    return {
        "issuer": issuer,
        "endpoint": f"{base_url}/{logout.path_of(issuer)}" if issuer and base_url else "",
        "form": LogoutForm(initial={**known, "seen": _seen(issuer)}, auto_id="logout-%s"),
        "off_form": TurnOffForm(auto_id="off-%s"),
    }


def _seen(issuer: LogoutIssuer | None) -> str:
    return f"{issuer.issuer} {issuer.jwks_url}" if issuer else ""


def _checked(url: str) -> str:
    """Return a URL from which keys may be fetched.

    Raises:
        ValidationError: It is none.
    """
    if url_problem(url):
        raise forms.ValidationError(
            _("Enter the complete URL. It begins with https:// and has no password.")
        )
    if is_refused(url):
        raise forms.ValidationError(
            _("Enter a URL of the public internet. This one has a private address.")
        )
    return url
