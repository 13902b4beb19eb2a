"""Universal Logout: an account's identity provider ends the sessions of the account's people.

This is the Python API for it. Each account has its own URL for the requests, which Okta signs. It
is there once the account's issuer is configured. Configuring it is an event.

    from tiled_scim import logout
    from tiled_scim.connections import Actor

    issuer = logout.configure("acme", Actor("Settings: ann", ann), "https://acme.okta.com")
    logout.path_of(issuer)  # below the SCIM base URL: copy it into Okta
"""

from __future__ import annotations

from typing import Any, cast

from tiled_scim.audit.events import record_by_hand
from tiled_scim.connections import Actor, Connection, UnknownAccountError
from tiled_scim.models import Action, LogoutIssuer
from tiled_scim.oauth.fetching import url_problem

PATH = "global-token-revocation"
# The keys of an Okta org, below its URL.
OKTA_KEYS = "/oauth2/v1/keys"


class InvalidIssuerError(ValueError):
    """The issuer or the URL of its keys cannot be used. The message says why."""


def issuer_of(account: str) -> LogoutIssuer | None:
    """Return the issuer that may end sessions of an account's people, or None if it is off."""
    return LogoutIssuer.objects.of_account(account)


def path_of(issuer: LogoutIssuer) -> str:
    """Return the path for the requests, below the SCIM base URL."""
    return f"{PATH}/{issuer.pk}"


def configure(account: str, actor: Actor, issuer: str, jwks_url: str = "") -> LogoutIssuer:
    """Say who may end sessions of an account's people. The URL for the requests stays the same.

    Args:
        account: The account's key.
        actor: Who configures it.
        issuer: The claim `iss` of the signed requests: the URL of the Okta org.
        jwks_url: The URL of the issuer's public keys. The default is that of an Okta org.

    Raises:
        UnknownAccountError: The host does not have the account.
        InvalidIssuerError: One of the URLs cannot be used.
    """
    if not Connection(account).exists:
        raise UnknownAccountError(account)
    wanted = {"issuer": issuer, "jwks_url": jwks_url or issuer.rstrip("/") + OKTA_KEYS}
    for name, url in wanted.items():
        problem = url_problem(url)
        if problem:
            raise InvalidIssuerError(f"{name}: {problem}")
    with LogoutIssuer.objects.atomic():
        found = LogoutIssuer.objects.for_write().select_for_update().filter(account=account).first()
        old = {name: getattr(found, name) if found else None for name in wanted}
        changed = {name: [old[name], new] for name, new in wanted.items() if old[name] != new}
        if found is not None and not changed:
            return found
        new = {**wanted, "created_by": cast(Any, actor.user)}
        row, _is_new = LogoutIssuer.objects.for_write().update_or_create(
            account=account, defaults=wanted, create_defaults=new
        )
        record_by_hand(row, actor, Action.LOGOUT_CONFIGURED, changed)
    return row


def turn_off(account: str, actor: Actor) -> bool:
    """Turn Universal Logout off for an account. Its URL is not there any more.

    Returns:
        Whether it was on.
    """
    with LogoutIssuer.objects.atomic():
        found = LogoutIssuer.objects.for_write().select_for_update().filter(account=account).first()
        if found is None:
            return False
        record_by_hand(found, actor, Action.LOGOUT_TURNED_OFF)
        found.delete()
    return True
