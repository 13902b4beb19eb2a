"""The metadata of the token endpoint (RFC 8414)."""

from __future__ import annotations

from typing import Any

from tiled_scim.api.base_url import token_url
from tiled_scim.oauth import assertions
from tiled_scim.oauth.jwks import ALGORITHMS

GRANT_TYPE = "client_credentials"
# An access token allows all that the account may do with SCIM.
SCOPE = "scim"


def metadata(base_url: str) -> dict[str, Any]:
    """Return what a client can find out about the token endpoint.

    Args:
        base_url: The SCIM base URL. It is the issuer.
    """
    return {
        "issuer": base_url,
        "token_endpoint": token_url(base_url),
        "grant_types_supported": [GRANT_TYPE],
        # Required, although there is no authorization endpoint.
        "response_types_supported": [],
        "scopes_supported": [SCOPE],
        **_methods(),
    }


def _methods() -> dict[str, list[str]]:
    """Return how clients can authenticate."""
    methods = ["client_secret_basic", "client_secret_post"]
    if not assertions.is_available():
        return {"token_endpoint_auth_methods_supported": methods}
    return {
        "token_endpoint_auth_methods_supported": [*methods, "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS),
    }
