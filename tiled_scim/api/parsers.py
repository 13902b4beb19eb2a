"""`application/scim+json`: what bodies may come in (RFC 7644 section 3.1).

The classes pin what a host's `REST_FRAMEWORK` settings would change for DRF's own.
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import IO, Any, cast

from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from tiled_scim.errors import ScimError, invalid_syntax, too_large, unsupported
from tiled_scim.scim.grammar import quoted

SCIM_JSON = "application/scim+json"
# Okta sends both; some clients send none.
ACCEPTED = frozenset({SCIM_JSON, "application/json", ""})
# A wizard app's PUT of a group of 100,000 members has about 10 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024
# The deepest message, a PATCH in a bulk request, has 12; what walks through a body recurs as deep.
MAX_DEPTH = 32
# Codecs of Python's own, which are no charsets.
NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})


class ScimParser(BaseParser):
    """JSON in any charset, with nothing that JSON does not have, and no name given twice."""

    media_type = SCIM_JSON

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = cast(Mapping[str, Any], parser_context)["request"]
        charset = _charset(request)
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise too_large(f"The body is larger than {MAX_BODY_BYTES} bytes; send it in parts.")
        try:
            body = json.loads(
                _decoded(raw, charset), object_pairs_hook=_object, parse_constant=_constant
            )
        except RecursionError:
            raise _too_deep() from None
        except json.JSONDecodeError as error:
            raise invalid_syntax(f"The body is not valid JSON: {error}.") from None
        except ValueError:
            # Python refuses very long ones, which it would take very long to read.
            raise invalid_syntax("The JSON in the body has a number of too many digits.") from None
        _check_depth(body)
        return body


def check_length(request: Request) -> None:
    """That a body says how long it is: Django passes over one in chunks, and all that is in it.

    Raises:
        ScimError: 411.
    """
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise ScimError(411, "The body came in chunks; send it whole, with a Content-Length.")


def _charset(request: Request) -> str:
    """The body's charset, as the client names it.

    Raises:
        ScimError: 415, the body is of another type, or compressed.
    """
    content_type, parameters = parse_header_parameters(request.content_type)
    if content_type not in ACCEPTED:
        raise unsupported(content_type)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding != "identity":
        raise unsupported(f"{content_type} compressed with {encoding}")
    return parameters.get("charset") or "utf-8"


def _decoded(raw: bytes, charset: str) -> str:
    """The text of a body.

    Raises:
        ScimError: 415 for a charset that is none, invalidSyntax for bytes that it does not have.
    """
    try:
        if codecs.lookup(charset).name in NO_CHARSETS:
            raise LookupError
        return raw.decode(charset).removeprefix("\ufeff")
    except LookupError:  # of codecs that are not of text, such as base64, too
        raise unsupported(f"JSON in the charset {charset}") from None
    except UnicodeError:
        raise invalid_syntax(f"The body is not JSON in {charset}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise invalid_syntax(f"{quoted(twice)} is given twice in one object.")
    return result


def _constant(name: str) -> Any:
    raise invalid_syntax(f"The body is not valid JSON: {name} is no value of it.")


def _check_depth(body: object) -> None:
    """That no object or array is in too many others.

    Raises:
        ScimError: invalidSyntax.
    """
    level = [body]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _parts(value)]
        if not level:
            return
    raise _too_deep()


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ScimError:
    return invalid_syntax(f"The JSON in the body is nested more than {MAX_DEPTH} levels deep.")
