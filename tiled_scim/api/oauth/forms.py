"""Parse the body of a token request: a form (RFC 6749 section 3.2 and appendix B)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from django.utils.http import parse_header_parameters
from rest_framework.request import Request

from tiled_scim.api.oauth.errors import invalid_request
from tiled_scim.errors import too_large
from tiled_scim.secret import Secret

FORM = "application/x-www-form-urlencoded"
# An assertion has a few thousand characters.
MAX_FORM_BYTES = 32 * 1024
MAX_PARAMETERS = 50

Form = Mapping[str, Secret]


def form_of(request: Request) -> Form:
    """Return the parameters in the body of a request, without those that have no value.

    The values are secrets in error reports, as some of them are. They are not kept in the request,
    whose form an error report would show.

    Raises:
        OAuthError: invalid_request.
        ScimError: 413.
    """
    content_type, _parameters = parse_header_parameters(request.content_type)
    if content_type != FORM:
        raise invalid_request(f"Send the parameters in the body, as {FORM}.")
    if request.META.get("QUERY_STRING"):
        raise invalid_request("Send the parameters in the body, and none in the URL.")
    return _parsed(_body(request))


def _body(request: Request) -> Secret:
    stream = request.stream
    raw = stream.read(MAX_FORM_BYTES + 1) if stream is not None else b""
    if len(raw) > MAX_FORM_BYTES:
        raise too_large(f"The body is larger than {MAX_FORM_BYTES} bytes.")
    try:
        return Secret(raw.decode())
    except UnicodeError:
        raise invalid_request("The body is not a form in UTF-8.") from None


def _parsed(body: Secret) -> Form:
    try:
        pairs = parse_qsl(body, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeError:
        raise invalid_request("The body is not a form in UTF-8.") from None
    except ValueError:
        raise invalid_request(f"The body has more than {MAX_PARAMETERS} parameters.") from None
    form = {name: Secret(value) for name, value in pairs}
    if len(form) < len(pairs):
        raise invalid_request("A parameter is given twice.")
    return form
