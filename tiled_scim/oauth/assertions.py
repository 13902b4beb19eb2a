"""Verify the assertions of identity providers: JSON Web Tokens that they have signed.

An assertion proves who sends a request (RFC 7523 section 3). The algorithm, the key and all claims
are those that an account was configured with: an assertion chooses none of them (RFC 8725).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tiled_scim.models import UsedAssertion
from tiled_scim.oauth.jwks import (
    ALGORITHMS,
    Key,
    KeysUnavailableError,
    UnknownKeyError,
    find_key,
)
from tiled_scim.scim.identifiers import as_uuid
from tiled_scim.secret import Secret

try:
    import jwt
    from jwt import exceptions
except ImportError:  # the extra is not installed
    IS_AVAILABLE = False
else:
    # PyJWT alone has no algorithms with public keys.
    IS_AVAILABLE = jwt.algorithms.has_crypto

EXTRA = "tiled-scim[federation]"
# Those of Okta have about 1,000 characters, and those of Entra 1,500.
MAX_LENGTH = 16 * 1024
# Three parts in base64url. Older releases of PyJWT pass over other characters.
FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
NOT_SIGNED = (
    "The assertion is not a signed JSON Web Token: three parts in base64url with dots between "
    "them, of which the first is a valid header."
)
# Seconds by which the clocks of two servers may differ.
LEEWAY = 60
# Seconds. Those of Entra are valid for 65 minutes, and those of Okta for 5.
MAX_LIFETIME = 24 * 60 * 60
# Seconds since 1970. JSON may have larger numbers, with which nothing can be computed.
MAX_TIME = 2**53
# The header `typ` of assertions that authenticate clients. RFC 7523 asks for none.
CLIENT_TYPES = frozenset({"jwt", "client-authentication+jwt"})


class InvalidAssertion(Exception):  # noqa: N818 (it says what the assertion is)
    """An assertion that proves nothing.

    Args:
        reason: What is wrong and what would be right, for logs. It contains nothing of the
            assertion.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(InvalidAssertion):
    """The keys of the issuer cannot be fetched now. The same assertion may be valid later."""


class Claims(dict[str, Any]):
    """The claims of an assertion. Like a `Secret`, error reports do not show them."""

    def __repr__(self) -> str:
        return "<claims>"


@dataclass(frozen=True)
class Trust:
    """Whose assertions are accepted, and for what.

    Args:
        issuer: The claim `iss`.
        jwks_url: The URL of the issuer's public keys (JWKS).
        subject: The claim `sub`. None accepts any, and also none.
        audiences: The claim `aud` has to name one of these.
        types: The header `typ`, if there is one, in lower case and without “application/”.
    """

    issuer: str
    jwks_url: str
    subject: str | None
    audiences: frozenset[str]
    types: frozenset[str] = CLIENT_TYPES

    @property
    def required(self) -> list[str]:
        """Return the claims that an assertion must have (RFC 7523 section 3)."""
        return ["iss", "aud", "exp", *(["sub"] if self.subject is not None else [])]


def is_available() -> bool:
    """Return whether the optional extra is installed."""
    return IS_AVAILABLE


def audience_spellings(audience: str) -> frozenset[str]:
    """Return the spellings of the audience of one app of Entra, which sends any of them.

    The administrator copies `api://{appid}/.default`. Tokens have `api://{appid}` or `{appid}`,
    after the version of the app's manifest. Any other audience has only one spelling.
    """
    app = audience.removesuffix("/.default").removeprefix("api://")
    if not app or not (audience.startswith("api://") or as_uuid(app)):
        return frozenset({audience})
    return frozenset({f"api://{app}/.default", f"api://{app}", app})


def verify(assertion: str, trust: Trust) -> Claims:
    """Return the claims of an assertion. One with a `jti` is valid only once.

    It may fetch the keys of the issuer, so call it outside of a transaction.

    Args:
        assertion: The JSON Web Token.
        trust: What it has to be.

    Raises:
        InvalidAssertion: The assertion is not valid, or was used before.
        KeysUnavailable: Nobody knows, because the keys of the issuer cannot be fetched now.
    """
    assertion = Secret(assertion)
    header = _header(assertion, trust)
    try:
        key = find_key(trust.jwks_url, header["alg"], header.get("kid"))
    except UnknownKeyError as error:
        raise InvalidAssertion(str(error)) from None
    except KeysUnavailableError as error:
        raise KeysUnavailable(str(error)) from None
    claims = _claims(assertion, header["alg"], key, trust)
    remaining = _remaining(claims)
    _use(claims, trust, remaining)
    return claims


# The header


def _header(assertion: str, trust: Trust) -> Mapping[str, Any]:
    """Return the header of an assertion, which is not verified yet.

    What names a key in it (`jwk`, `jku`, `x5c`, `x5u`) is never used: whoever signs could put their
    own there.
    """
    if not is_available():
        raise InvalidAssertion(f"Assertions cannot be verified here. Install {EXTRA}.")
    if len(assertion) > MAX_LENGTH:
        raise InvalidAssertion(f"The assertion is longer than {MAX_LENGTH} characters.")
    if not FORM.fullmatch(assertion):
        raise InvalidAssertion(NOT_SIGNED)
    try:
        header = jwt.get_unverified_header(assertion)
    except (exceptions.InvalidTokenError, ValueError, RecursionError):
        raise InvalidAssertion(NOT_SIGNED) from None
    problem = _header_problem(header, trust)
    if problem:
        raise InvalidAssertion(problem)
    return header


def _header_problem(header: Mapping[str, Any], trust: Trust) -> str | None:
    if "crit" in header:
        return "The header “crit” asks for extensions, and there are none."
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return f"The header “alg” is none of {_listed(ALGORITHMS)}."
    given = header.get("typ")
    if given is not None and _type(given) not in trust.types:
        return f"The header “typ” is none of {_listed(trust.types)}."
    return None


def _type(given: object) -> str:
    return given.lower().removeprefix("application/") if isinstance(given, str) else ""


# The claims


def _claims(assertion: str, algorithm: str, key: Key, trust: Trust) -> Claims:
    """Return the claims, after the signature and each of them was checked."""
    try:
        return Claims(
            jwt.decode(
                assertion,
                jwt.PyJWK.from_dict(dict(key), algorithm).key,
                algorithms=[algorithm],
                issuer=trust.issuer,
                subject=trust.subject,
                audience=sorted(trust.audiences),
                leeway=LEEWAY,
                options={"require": trust.required},
            )
        )
    except (exceptions.PyJWTError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidAssertion(_reason(error, trust)) from None


def _reason(error: Exception, trust: Trust) -> str:
    """Return what an error of the library means. Its own text may quote the assertion."""
    if isinstance(error, exceptions.MissingRequiredClaimError):
        return f"The claim “{error.claim}” is missing."
    reasons: dict[type[Exception], str] = {
        exceptions.InvalidSignatureError: "The signature is not of the issuer's key.",
        exceptions.ExpiredSignatureError: (
            f"The claim “exp” is more than {LEEWAY} seconds ago. Compare the clocks."
        ),
        exceptions.ImmatureSignatureError: (
            f"The claim “nbf” or “iat” is more than {LEEWAY} seconds ahead. Compare the clocks."
        ),
        exceptions.InvalidIssuedAtError: "The claim “iat” is not a number of seconds.",
        exceptions.InvalidIssuerError: f"The claim “iss” is not {trust.issuer}.",
        exceptions.InvalidSubjectError: f"The claim “sub” is not {trust.subject or 'a string'}.",
        exceptions.InvalidAudienceError: f"The claim “aud” is none of {_listed(trust.audiences)}.",
        exceptions.InvalidJTIError: "The claim “jti” is not a string.",
    }
    known = (reason for kind, reason in reasons.items() if type(error) is kind)
    return next(known, "The claims are not a JSON object with times as numbers, or the key is bad.")


def _remaining(claims: Mapping[str, Any]) -> float:
    """Return the seconds until an assertion expires.

    Raises:
        InvalidAssertion: It is valid for too long, so that somebody who finds it could use it.
    """
    now = time.time()
    expires, issued = claims["exp"], claims.get("iat", now)
    if not (_is_time(expires) and _is_time(issued)):
        raise InvalidAssertion("The claim “exp” or “iat” is not a number of seconds.")
    if expires - min(issued, now) > MAX_LIFETIME + LEEWAY:
        raise InvalidAssertion(
            f"The claim “exp” is more than {MAX_LIFETIME // 3600} hours after “iat”, or from now."
        )
    return float(expires - now)


def _use(claims: Mapping[str, Any], trust: Trust, remaining: float) -> None:
    """Note that an assertion was used, if it has an id.

    The server may do so (RFC 7523 section 3, item 7). An assertion without an id, such as those of
    Entra, may be sent again for as long as it is valid.
    """
    identifier = Secret(claims.get("jti", ""))
    if not identifier:
        return
    expires_at = timezone.now() + timedelta(seconds=remaining + LEEWAY)
    if not UsedAssertion.objects.use(trust.issuer, trust.jwks_url, identifier, expires_at):
        raise InvalidAssertion("The assertion was used before: its “jti” is known.")


def _is_time(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -MAX_TIME < value < MAX_TIME  # type: ignore[operator]


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
