"""What a failure looks like in Okta, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from tiled_scim.okta_check.client import Exchange

if TYPE_CHECKING:
    from tiled_scim.okta_check.conversation import Step


class Place(Enum):
    """Where Okta's admin reads of a failure."""

    FORM = "below the button Test API Credentials"
    TASKS = "under Dashboard > Tasks"
    GROUPS = "on the tab Push Groups"
    IMPORT = "on the tab Import"


@dataclass(frozen=True)
class Diagnosis:
    """What Okta does and shows, and one sentence on what to do."""

    explanation: str
    advice: str


class Cause(NamedTuple):
    """What an answer shows by itself, whatever was asked."""

    fits: Callable[[Exchange], bool]
    advice: str


def diagnose(step: Step, exchange: Exchange) -> Diagnosis:
    """What it means that a step failed.

    Args:
        exchange: the last one, which shows the failure.
    """
    causes = () if exchange.status == step.refusal else _causes(step.place)
    advice = next((cause.advice for cause in causes if cause.fits(exchange)), step.remedy)
    return Diagnosis(f"{step.consequence} {_shown(exchange, step.place)}", advice)


def _causes(place: Place) -> tuple[Cause, ...]:
    """The address can only be wrong before anything was right."""
    return (*_CAUSES, *_ADDRESS_CAUSES) if place is Place.FORM else _CAUSES


def _shown(exchange: Exchange, place: Place) -> str:
    """Okta gives the status in words, and what it finds in `detail`."""
    if exchange.status < 300 and (exchange.status == 204 or isinstance(exchange.json, dict)):
        return "Okta may show no error, since the status says that all is well."
    return f"Its admin reads, {place.value}: “{_phrase(exchange.status)}. {_reason(exchange)}”"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return str(status)


def _reason(exchange: Exchange) -> str:
    is_unreadable = exchange.text and exchange.json is None
    reason = "Invalid JSON …" if is_unreadable else exchange.detail or "null"
    return f"Errors reported by remote server: {reason}"


def _status(*statuses: int) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.status in statuses


def _is_login(exchange: Exchange) -> bool:
    target = exchange.headers.get("Location", "").lower()
    return exchange.is_redirect and any(word in target for word in _LOGIN_WORDS)


def _is_nowhere(exchange: Exchange) -> bool:
    return exchange.status == 404 and "/Users" in exchange.url


def _is_blocked(exchange: Exchange) -> bool:
    """A server that speaks SCIM says so in JSON: this came from something before it."""
    return exchange.status in {405, 501} and exchange.json is None


def _is_cut(exchange: Exchange) -> bool:
    """JSON by its name, and not by its body."""
    return "json" in exchange.content_type and bool(exchange.text) and exchange.json is None


_LOGIN_WORDS = ("login", "signin", "sign-in", "sso", "saml", "auth")

# The first that fits: from special to general.
_CAUSES = (
    Cause(
        _is_login,
        "Exempt the SCIM paths from the sign-in that people go through, in the product and in any "
        "proxy: Okta has only its token.",
    ),
    Cause(
        lambda exchange: exchange.is_redirect,
        "Take the address that the server redirects to as the base URL, or serve SCIM without a "
        "redirect: Okta follows none.",
    ),
    Cause(
        _status(401),
        "The token is wrong, was replaced or revoked, or has expired: make a new one and paste it "
        "into Okta. If it is right, see whether a proxy drops the header Authorization.",
    ),
    Cause(
        _status(403),
        "The token is known and may not do this: turn SCIM on for this customer, whose plan may "
        "not have it, or have a firewall before the server let the request through.",
    ),
    Cause(
        _is_blocked,
        "Make the server carry this method out, and see whether a proxy or firewall before it "
        "stops PUT, PATCH or DELETE.",
    ),
    Cause(
        _status(406, 415),
        "Take and give application/scim+json, with a charset and without (RFC 7644 section 3.1).",
    ),
    Cause(
        _status(412, 428),
        "Take requests without If-Match: Okta sends none.",
    ),
    Cause(
        _status(413),
        "Raise the limit on the length of a body, in the server or in the proxy before it.",
    ),
    Cause(
        _status(429),
        "Raise the limit, or say in Retry-After in how many whole seconds to come again: Okta then "
        "waits.",
    ),
    Cause(
        _status(502, 503, 504),
        "A proxy answers for a server that does not: see whether it runs and has workers free, and "
        "read the logs of both.",
    ),
    Cause(
        lambda exchange: exchange.status >= 500,
        "Find this request in the server's log: it is a bug there, which Okta's admin cannot mend.",
    ),
    Cause(
        _is_cut,
        "See what the server sends without the proxies before it: one of them may cut or replace "
        "the body.",
    ),
)
_ADDRESS_CAUSES = (
    Cause(
        _is_nowhere,
        "Check the path of the base URL, such as https://example.com/scim/v2: Okta adds /Users to "
        "it, and nothing is found there.",
    ),
    Cause(
        lambda exchange: exchange.is_html,
        "Check the path of the base URL, such as https://example.com/scim/v2: a page for people "
        "answers there.",
    ),
)
