"""`application/scim+json`: how answers go out (RFC 7644 section 3.1).

The classes pin what a host's `REST_FRAMEWORK` settings would change for DRF's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from tiled_scim.api.parsers import SCIM_JSON
from tiled_scim.api.rendering import encode


class ScimNegotiation(BaseContentNegotiation):
    """One parser and one renderer, whatever the client says: `Accept` is never a reason for 406."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return next(iter(renderers)), SCIM_JSON


class ScimRenderer(BaseRenderer):
    """Compact UTF-8 JSON. What a view has encoded itself stays as it is."""

    media_type = SCIM_JSON
    format = "scim"
    charset = None  # JSON has none but UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return data if isinstance(data, bytes) else encode(data)
