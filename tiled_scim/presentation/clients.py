"""The pages about the OAuth clients of an account, for the admin and for customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import Http404, HttpRequest, QueryDict
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tiled_scim import clients
from tiled_scim.api.base_url import token_url
from tiled_scim.audit.client_use import ClientUse, uses
from tiled_scim.clients import Federation, InvalidClientError
from tiled_scim.conf import settings
from tiled_scim.connections import Actor
from tiled_scim.models import FEDERATION_LENGTH, NAME_LENGTH, ScimClient, ScimClientSecret
from tiled_scim.oauth import assertions
from tiled_scim.presentation.form_results import OUTDATED, FormResult
from tiled_scim.presentation.tokens import shown_base_url

YEAR = timedelta(days=365)
LONGEST_YEARS = 3
CONFIRM = _("Please confirm to continue.")


def _years() -> list[tuple[int, str]]:
    return [
        (number, ngettext("%(number)s year", "%(number)s years", number) % {"number": number})
        for number in range(1, LONGEST_YEARS + 1)
    ]


def _default_years() -> int:
    return max(1, min(LONGEST_YEARS, round(settings.CLIENT_SECRET_LIFETIME / YEAR)))


class LifetimeField(forms.TypedChoiceField):
    """How long a client secret is valid."""

    def __init__(self) -> None:
        super().__init__(
            label=_("The client secret is valid for"),
            coerce=lambda years: YEAR * int(years),
            choices=_years,
            initial=_default_years,
        )


class NewClientForm(forms.Form):
    """What the forms for a new client have in common."""

    # The client id of the client to create. So a form that is sent twice creates one client.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        help_text=_("What tells people which client it is, such as “Entra ID”."),
    )


class SecretClientForm(NewClientForm):
    """The form to add a client with a secret."""

    lifetime = LifetimeField()


class FederationForm(forms.Form):
    """The four values of a federation. `clients` checks them."""

    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=FEDERATION_LENGTH,
        help_text=_(
            "The claim “iss”. Entra ID: https://login.microsoftonline.com/TENANT/v2.0 with the ID "
            "of your tenant."
        ),
    )
    jwks_url = forms.CharField(
        label=_("JWKS URL"),
        max_length=FEDERATION_LENGTH,
        help_text=_(
            "The URL of the issuer's public keys. Entra ID: "
            "https://login.microsoftonline.com/TENANT/discovery/v2.0/keys"
        ),
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=FEDERATION_LENGTH,
        help_text=_(
            "The claim “sub”. Entra ID: the subject that Entra shows beside the issuer, the object "
            "ID of a service principal."
        ),
    )
    audience = forms.CharField(
        label=_("Audience"),
        max_length=FEDERATION_LENGTH,
        help_text=_(
            "The claim “aud”. Entra ID: api://APPLICATION/.default with the ID of the application. "
            "Its other spellings are accepted, too."
        ),
    )

    @property
    def federation(self) -> Federation:
        """Return what was typed in, of a valid form."""
        names = ("issuer", "jwks_url", "subject", "audience")
        return Federation(**{name: self.cleaned_data[name] for name in names})


class FederatedClientForm(FederationForm, NewClientForm):
    """The form to add a client with a federation."""


class SeenForm(forms.Form):
    """A form about a client that the page has shown."""

    # What `seen_key` returns. A form that is sent twice, or that was opened before another person's
    # change, has no effect.
    seen = forms.CharField(widget=forms.HiddenInput)


class SecretForm(SeenForm):
    """The form to add a second secret."""

    lifetime = LifetimeField()


class ChangeFederationForm(FederationForm, SeenForm):
    """The form to change a federation."""


class RevokeSecretForm(forms.Form):
    """The form to revoke one of a client's secrets."""

    secret = forms.IntegerField(widget=forms.HiddenInput)
    confirm = forms.BooleanField(
        label=_("I understand that this secret and its access tokens stop working immediately."),
        error_messages={"required": CONFIRM},
    )


class RevokeClientForm(forms.Form):
    """The form to revoke a client."""

    confirm = forms.BooleanField(
        label=_("I understand that this client cannot connect any more."),
        error_messages={"required": CONFIRM},
    )


ENDED = FormResult(409, {"is_outdated": True}, is_ended=True)


@dataclass(frozen=True)
class ClientForms:
    """The forms of the pages, as a person sends them for an account.

    Args:
        account: The key of the account.
        actor: The person.
    """

    account: str
    actor: Actor

    def add(self, data: QueryDict) -> FormResult:
        """Add a client with a secret, which is shown once."""
        form = SecretClientForm(data, auto_id="add-%s")
        if not form.is_valid():
            return _wrong("add_form", form)
        return self._create("add_form", form, lifetime=form.cleaned_data["lifetime"])

    def add_federated(self, data: QueryDict) -> FormResult:
        """Add a client with a federation."""
        form = FederatedClientForm(data, auto_id="federated-%s")
        if not form.is_valid():
            return _wrong("federated_form", form)
        return self._create("federated_form", form, federation=form.federation)

    def add_secret(self, client: ScimClient, data: QueryDict) -> FormResult:
        """Add another secret, which is shown once."""
        form = SecretForm(data, auto_id="secret-%s")
        if not form.is_valid():
            return _wrong("secret_form", form)
        lifetime, seen = form.cleaned_data["lifetime"], form.cleaned_data["seen"]
        try:
            new = clients.add_secret(client, self.actor, lifetime=lifetime, seen=seen)
        except clients.ClientEndedError:
            return ENDED
        except (clients.ClientChangedError, clients.TooManySecretsError):
            return OUTDATED
        return FormResult(200, {"new_secret": new.row}, new.plaintext, client)

    def change_federation(self, client: ScimClient, data: QueryDict) -> FormResult:
        """Change the federation of a client."""
        form = ChangeFederationForm(data, auto_id="federation-%s")
        if not form.is_valid():
            return _wrong("federation_form", form)
        seen = form.cleaned_data["seen"]
        try:
            is_new = clients.change_federation(client, form.federation, self.actor, seen=seen)
        except clients.ClientEndedError:
            return ENDED
        except clients.ClientChangedError:
            return OUTDATED
        except InvalidClientError as error:
            form.add_error(error.field, str(error))
            return _wrong("federation_form", form)
        message = (
            gettext("The federation has been changed.")
            if is_new
            else gettext("The federation is as it was.")
        )
        return FormResult(302, row=client, message=message)

    def revoke_secret(self, client: ScimClient, data: QueryDict) -> FormResult:
        """Revoke one of a client's secrets."""
        form = RevokeSecretForm(data, auto_id="revoke-secret-%s")
        is_confirmed = form.is_valid()
        secrets: Any = ScimClientSecret.objects.for_write().filter(client=client)
        secret = secrets.filter(pk=form.cleaned_data.get("secret")).first()
        if secret is None or secret.slot is None:
            return OUTDATED
        if not is_confirmed:
            return FormResult(400, {"unconfirmed": secret, "unconfirmed_form": form})
        if not clients.revoke_secret(secret, self.actor):
            return OUTDATED
        message = gettext("The client secret ending in %(last_four)s has been revoked.")
        return FormResult(302, row=client, message=message % {"last_four": secret.last_four})

    def revoke(self, client: ScimClient, data: QueryDict) -> FormResult:
        """Revoke a client."""
        form = RevokeClientForm(data, auto_id="revoke-%s")
        if not form.is_valid():
            return _wrong("revoke_form", form)
        if not clients.revoke(client, self.actor):
            return ENDED
        message = gettext("The client “%(name)s” has been revoked.") % {"name": client}
        return FormResult(302, row=client, message=message, is_ended=True)

    def _create(self, name: str, form: NewClientForm, **credential: Any) -> FormResult:
        key, given = form.cleaned_data["key"], form.cleaned_data["name"]
        try:
            new = clients.create(self.account, given, self.actor, client_id=key, **credential)
        except clients.ClientExistsError:
            return OUTDATED
        except InvalidClientError as error:
            form.add_error(error.field, str(error))
            return _wrong(name, form)
        except clients.TooManyClientsError:
            many = gettext("There are %(number)d clients. Revoke one before you add another.")
            form.add_error(None, many % {"number": clients.MOST_CLIENTS})
            return _wrong(name, form)
        except clients.FederationUnavailableError:
            return OUTDATED
        if new.secret is None:
            message = gettext("The client has been added. Copy the values below.")
            return FormResult(302, row=new.client, message=message)
        shown = {"new_client": new.client, "new_secret": new.secret.row}
        return FormResult(200, shown, new.secret.plaintext, new.client)


def client_of(account: str, client_id: UUID) -> ScimClient:
    """Return a client of an account, revoked or not.

    Raises:
        Http404: The account does not have it.
    """
    client = ScimClient.objects.with_client_id(str(client_id))
    if client is None or client.account != account:
        raise Http404(gettext("This client does not exist."))
    return client


def list_context(
    request: HttpRequest, account: str, address: Callable[[ScimClient], str]
) -> dict[str, Any]:
    """Return what the fragment `clients.html` shows, except for links and permissions.

    Args:
        request: The current request.
        account: The key of the account.
        address: Returns the URL of the page of a client.
    """
    rows = [(use, address(use.client)) for use in uses([account])[account]]
    return {
        **_urls_to_copy(request),
        "rows": rows,
        "is_full": len(rows) >= clients.MOST_CLIENTS,
        "add_form": SecretClientForm(auto_id="add-%s"),
        "federated_form": FederatedClientForm(auto_id="federated-%s"),
        "offers_federation": assertions.is_available(),
    }


def client_context(request: HttpRequest, client: ScimClient) -> dict[str, Any]:
    """Return what the fragment `client.html` shows, except for links and permissions."""
    found = uses([client.account])[client.account]
    use = next((each for each in found if each.client == client), ClientUse(client))
    seen = {"seen": clients.seen_key(client)}
    return {
        **_urls_to_copy(request),
        "use": use,
        "client": use.client,
        "secret_form": SecretForm(initial=seen, auto_id="secret-%s"),
        "federation_form": _federation_form(use.client, seen),
        "revoke_form": RevokeClientForm(auto_id="revoke-%s"),
        "secrets": [(secret, _revoke_secret_form(use, secret.pk)) for secret in use.secrets],
        "may_add_secret": len(use.current_secrets) < len(use.secrets) or len(use.secrets) < 2,
    }


def _federation_form(client: ScimClient, seen: Mapping[str, str]) -> ChangeFederationForm | None:
    federation = client.federation
    if federation is None or not assertions.is_available():
        return None
    return ChangeFederationForm(initial={**asdict(federation), **seen}, auto_id="federation-%s")


def _revoke_secret_form(use: ClientUse, key: int) -> RevokeSecretForm:
    return RevokeSecretForm(initial={"secret": key}, auto_id=f"revoke-secret-{key}-%s")


def _urls_to_copy(request: HttpRequest) -> dict[str, str | None]:
    base_url = shown_base_url(request)
    return {"base_url": base_url, "token_url": token_url(base_url) if base_url else None}


def _wrong(name: str, form: forms.Form) -> FormResult:
    """Return that people have to correct a form. Nobody can correct what they do not see."""
    if any(field.errors for field in form.hidden_fields()):
        return OUTDATED
    return FormResult(400, {name: form})
