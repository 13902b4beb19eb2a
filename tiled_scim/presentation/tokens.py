"""The account page: the base URL, the tokens and their forms, and health."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tiled_scim.api.base_url import base_url
from tiled_scim.audit.advice import NOT_ENABLED
from tiled_scim.audit.dashboard import FAILURE_DAYS, Failure, Health, failures_since
from tiled_scim.conf import settings
from tiled_scim.connections import Connection, NewToken, TokenChangedError, seen_key
from tiled_scim.models import ScimToken
from tiled_scim.oauth import assertions
from tiled_scim.presentation.chart import Chart
from tiled_scim.presentation.form_results import OUTDATED, FormResult
from tiled_scim.schemas import TILED_ADMIN

# How long the token that is replaced can be kept, in days.
KEPT = {0: _("Immediately"), 1: _("In one day"), 7: _("In one week")}


class TokenForm(forms.Form):
    """The form to revoke a current token.

    Args:
        current: The token that the form is for. If it still works, a confirmation is required.
    """

    # The token that the page showed. A form that is sent twice, or that was opened before another
    # person's change, does not match a current token and has no effect.
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    confirm = forms.BooleanField(
        label=_("I understand that this token stops working immediately."),
        error_messages={"required": _("Please confirm to continue.")},
    )

    def __init__(self, *args: Any, current: ScimToken | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current_key = seen_key(current)
        self.fields["token"].initial = self.current_key
        self.fields["confirm"].required = current is not None and current.is_current

    @property
    def seen(self) -> str:
        """Return what the form says of the token that the page showed."""
        return self["token"].data or ""

    @property
    def is_outdated(self) -> bool:
        """Return whether the token has been replaced or revoked since the page was shown."""
        return self.seen != self.current_key


class ReplaceForm(TokenForm):
    """The form to replace the newest token, at once or with some time for the change."""

    keep = forms.ChoiceField(
        label=_("When does the current token stop working?"),
        choices=list(KEPT.items()),
        initial=0,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirm"].label = _("I understand that the current token stops working then.")

    @property
    def kept(self) -> timedelta:
        """Return how long the token that is replaced is kept."""
        return timedelta(days=int(self.cleaned_data["keep"] or 0))


def replace_token(
    connection: Connection, data: QueryDict, rotate: Callable[..., NewToken]
) -> FormResult:
    """Generate or replace a token, as the form asks.

    Args:
        connection: The connection of the account.
        data: The data of the form.
        rotate: Takes `seen` and `keep`, and replaces the token as `Connection.rotate` does.
    """
    newest = connection.current_tokens().newest
    form = ReplaceForm(data, current=newest, auto_id="replace-%s")
    if form.is_outdated:
        return OUTDATED
    if not form.is_valid():
        return FormResult(400, {"replace_form": form})
    try:
        new = rotate(seen=form.seen, keep=form.kept)
    except TokenChangedError:
        return OUTDATED
    return FormResult(200, {"replaced": new.replaced, "dropped": new.dropped}, new.plaintext)


def revoke_token(
    connection: Connection, data: QueryDict, revoke: Callable[..., object]
) -> FormResult:
    """Revoke one of the current tokens, as the form asks. See `replace_token`."""
    tokens = connection.current_tokens()
    token = next((each for each in tokens.all() if seen_key(each) == data.get("token")), None)
    if token is None:
        return OUTDATED
    name = "revoke_previous" if token == tokens.previous else "revoke"
    form = _revoke_form(name, token, data)
    if not form.is_valid():
        return FormResult(400, {f"{name}_form": form})
    try:
        revoke(seen=form.seen)
    except TokenChangedError:
        return OUTDATED
    return FormResult(302, message=revoked_message(token))


def revoked_message(token: ScimToken) -> str:
    """Return the message after a token was revoked."""
    message = gettext("The token ending in %(last_four)s has been revoked.")
    return message % {"last_four": token.last_four}


def account_context(request: HttpRequest, health: Health) -> dict[str, Any]:
    """Return what the fragment `account.html` shows, except for links and permissions.

    A page adds `may_change`, `generate_url`, `revoke_url`, `page_url`, `lists` and `failures`.
    """
    account, (newest, previous) = health.account, health.tokens
    return {
        "not_enabled": "" if settings.ENABLED(account) else gettext(NOT_ENABLED),
        "base_url": shown_base_url(request),
        "token": newest,
        "previous": previous,
        "replace_form": ReplaceForm(current=newest, auto_id="replace-%s"),
        "revoke_form": _revoke_form("revoke", newest),
        "revoke_previous_form": _revoke_form("revoke_previous", previous),
        "health": health,
        # Evaluated when the template is rendered.
        "chart": lambda: Chart(health.days),
        "failure_days": FAILURE_DAYS,
        "tiled_admin": _tiled_admin(account),
        "offers_federation": assertions.is_available(),
    }


def failure_query(failure: Failure, **more: Any) -> str:
    """Return the query string that makes a list of events show these failures."""
    event = failure.example
    values = {
        "outcome": event.outcome,
        "status": event.status,
        "scim_type": event.scim_type,
        "cause": event.cause,
        "resource_type": event.resource_type,
        **more,
    }
    return urlencode({name: value for name, value in values.items() if value})


def recent_period() -> dict[str, str]:
    """Return the part of a query string for the time for which failures are shown."""
    return {"created_at__gte": failures_since().isoformat(timespec="seconds")}


def _revoke_form(name: str, token: ScimToken | None, data: QueryDict | None = None) -> TokenForm:
    return TokenForm(data, current=token, auto_id=f"{name}-%s")


def _tiled_admin(account: str) -> tuple[str, str] | None:
    """Return the name and namespace of the attribute Tiled Admin, or None without support."""
    adapter = settings.HOST_ADAPTER(account)
    if TILED_ADMIN not in {*adapter.user_fields, *adapter.membership_fields}:
        return None
    namespace, _separator, name = TILED_ADMIN.rpartition(":")
    return name, namespace


def shown_base_url(request: HttpRequest) -> str | None:
    """Return the base URL for Okta, or None if the host does not include the SCIM URLs."""
    try:
        return base_url(request)
    except NoReverseMatch:
        return None
