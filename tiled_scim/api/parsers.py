"""Parse bodies of `application/scim+json` (RFC 7644 section 3.1).

A host's `REST_FRAMEWORK` settings do not affect the parser.
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, cast

from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from tiled_scim.errors import ScimError, invalid_syntax, too_large, unsupported
from tiled_scim.scim.grammar import quoted

SCIM_JSON = "application/scim+json"
# Okta sends both. Some clients send none.
ACCEPTED = frozenset({SCIM_JSON, "application/json", ""})
# A PUT of a group of 100,000 members has about 10 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024
# A member has up to four. In Python, a value takes up to twenty times the memory of its JSON.
MAX_VALUES = 450_000
# Objects have less than a hundred names, and each takes a look.
MAX_NAMES = 100_000
# The deepest message, a PATCH in a bulk request, has 12 levels. Functions recurse as deep.
MAX_DEPTH = 32
# Python codecs that are not charsets.
NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})


class ScimParser(BaseParser):
    """Parse strict JSON in any charset. Each name may only occur once in an object."""

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
            raise too_large(
                f"The body is larger than {MAX_BODY_BYTES} bytes. Push fewer members at once."
            )
        text = _decoded(raw, charset)
        if text.count(",") >= MAX_VALUES:
            raise too_large(f"The body has more than {MAX_VALUES} values. Send fewer at once.")
        try:
            body = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        except RecursionError:
            raise _too_deep() from None
        except json.JSONDecodeError as error:
            raise invalid_syntax(f"The body is not valid JSON: {error}.") from None
        except ValueError:
            # Python refuses numbers with very many digits, because converting them takes too long.
            raise invalid_syntax("The JSON in the body has a number of too many digits.") from None
        _check_depth(body)
        return body


def check_length(request: Request) -> None:
    """Refuse a chunked body without Content-Length, because Django would read it as empty.

    Raises:
        ScimError: 411.
    """
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise ScimError(411, "The body came in chunks; send it whole, with a Content-Length.")


def _charset(request: Request) -> str:
    """Return the charset of the body.

    Raises:
        ScimError: 415 if the body has another type, or is compressed.
    """
    content_type, parameters = parse_header_parameters(request.content_type)
    if content_type not in ACCEPTED:
        raise unsupported(content_type)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding != "identity":
        raise unsupported(f"{content_type} compressed with {encoding}")
    return parameters.get("charset") or "utf-8"


def _decoded(raw: bytes, charset: str) -> str:
    """Return the text of a body.

    Raises:
        ScimError: 415 for an unknown charset; invalidSyntax for bytes that are invalid in it.
    """
    try:
        if codecs.lookup(charset).name in NO_CHARSETS:
            raise LookupError
        return raw.decode(charset).removeprefix("\ufeff")
    except LookupError:  # also raised for codecs such as base64, which are not for text
        raise unsupported(f"JSON in the charset {charset}") from None
    except UnicodeError:
        raise invalid_syntax(f"The body is not JSON in {charset}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise too_large(f"An object in the body has more than {MAX_NAMES} names.")
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise invalid_syntax(f"{quoted(twice)} is given twice in one object.")
    return result


def _constant(name: str) -> Any:
    raise invalid_syntax(f"The body is not valid JSON: {name} is no value of it.")


def _check_depth(body: object) -> None:
    """Refuse a body with too many levels of objects and arrays.

    Raises:
        ScimError: invalidSyntax.
    """
    level: list[Any] = [body] if isinstance(body, dict | list) else []
    for _ in range(MAX_DEPTH - 1):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
    if any(level):
        raise _too_deep()


def _too_deep() -> ScimError:
    return invalid_syntax(f"The JSON in the body is nested more than {MAX_DEPTH} levels deep.")
