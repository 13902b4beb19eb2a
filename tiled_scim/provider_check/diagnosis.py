"""Explain what a failure looks like in the provider, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from tiled_scim.provider_check.client import Exchange
from tiled_scim.provider_check.providers import Place, Provider

if TYPE_CHECKING:
    from tiled_scim.provider_check.session import Step


@dataclass(frozen=True)
class Diagnosis:
    """What a failure means in the provider, and what to do about it."""

    explanation: str
    advice: str


class Cause(NamedTuple):
    """A cause that can be recognized from the response alone."""

    matches: Callable[[Exchange], bool]
    advice: str


def diagnose(provider: Provider, step: Step, exchange: Exchange) -> Diagnosis:
    """Explain why a step failed.

    Args:
        provider: The provider that the check plays.
        step: The step that failed.
        exchange: The last request and response of the step.
    """
    causes = () if exchange.status == step.expected_error else _causes(step.place)
    advice = next((cause.advice for cause in causes if cause.matches(exchange)), step.remedy)
    shown = _shown(provider, exchange, step.place)
    return Diagnosis(f"{step.consequence} {shown}", advice.format(provider=provider.name))


def _causes(place: Place) -> tuple[Cause, ...]:
    """Return the causes to consider. A wrong base URL can only be noticed on the first requests."""
    return (*_CAUSES, *_ADDRESS_CAUSES) if place is Place.FORM else _CAUSES


def _shown(provider: Provider, exchange: Exchange, place: Place) -> str:
    """Return what the provider shows to its admin: the name of the status and the `detail`."""
    if exchange.status < 300 and (exchange.status == 204 or isinstance(exchange.json, dict)):
        return f"{provider.name} may show no error, because the status indicates success."
    message = provider.error_message.format(
        phrase=_phrase(exchange.status), reason=_reason(exchange)
    )
    return f"{provider.name} shows {provider.places[place]}: “{message}”"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return str(status)


def _reason(exchange: Exchange) -> str:
    is_unreadable = exchange.text and exchange.json is None
    return "Invalid JSON …" if is_unreadable else exchange.detail or "null"


def _status(*statuses: int) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.status in statuses


def _redirects_to_login(exchange: Exchange) -> bool:
    target = exchange.headers.get("Location", "").lower()
    return exchange.is_redirect and any(word in target for word in _LOGIN_WORDS)


def _is_unknown_path(exchange: Exchange) -> bool:
    return exchange.status == 404 and "/Users" in exchange.url


def _is_blocked(exchange: Exchange) -> bool:
    """Return whether something in front of the server rejected the method.

    A SCIM server would return the error as JSON.
    """
    return exchange.status in {405, 501} and exchange.json is None


def _is_broken_json(exchange: Exchange) -> bool:
    """Return whether the content type is JSON, but the body is not."""
    return "json" in exchange.content_type and bool(exchange.text) and exchange.json is None


_LOGIN_WORDS = ("login", "signin", "sign-in", "sso", "saml", "auth")

# The first match is used, so specific causes come before general ones.
_CAUSES = (
    Cause(
        _redirects_to_login,
        "Exempt the SCIM URLs from the login page, in the product and in any proxy: {provider} "
        "only has its token.",
    ),
    Cause(
        lambda exchange: exchange.is_redirect,
        "Use the URL that the server redirects to as the base URL, or serve SCIM without a "
        "redirect: {provider} may not follow it, or not with its token.",
    ),
    Cause(
        _status(401),
        "The token is wrong, was replaced or revoked, or has expired: generate a new one and paste "
        "it into {provider}. If it is right, check whether a proxy removes the Authorization "
        "header.",
    ),
    Cause(
        _status(403),
        "The token is valid but may not do this: enable SCIM for this customer, whose plan may not "
        "include it, or allow the request in the firewall.",
    ),
    Cause(
        _is_blocked,
        "Support this method in the server, and check whether a proxy or firewall blocks PUT, "
        "PATCH or DELETE.",
    ),
    Cause(
        _status(406, 415),
        "Accept and return application/scim+json, with and without a charset (RFC 7644 section "
        "3.1).",
    ),
    Cause(
        _status(412, 428),
        "Accept requests without If-Match: {provider} does not send it.",
    ),
    Cause(
        _status(413),
        "Raise the limit for the size of a request body, in the server or the proxy.",
    ),
    Cause(
        _status(429),
        "Raise the rate limit, or send Retry-After with a whole number of seconds, after "
        "which {provider} tries again.",
    ),
    Cause(
        _status(502, 503, 504),
        "The proxy got no response from the server: check that the server runs and has free "
        "workers, and read the logs of both.",
    ),
    Cause(
        lambda exchange: exchange.status >= 500,
        "Find this request in the server's log: it is a bug in the server, not a mistake in "
        "{provider}.",
    ),
    Cause(
        _is_broken_json,
        "Send the request to the server without its proxies: one of them may cut off or replace "
        "the body.",
    ),
)
_ADDRESS_CAUSES = (
    Cause(
        _is_unknown_path,
        "Check the path of the base URL, such as https://example.com/scim/v2: {provider} appends "
        "/Users, and the server does not know that URL.",
    ),
    Cause(
        lambda exchange: exchange.is_html,
        "Check the path of the base URL, such as https://example.com/scim/v2: this URL returns a "
        "web page.",
    ),
)
