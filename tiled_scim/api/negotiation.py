"""Respond with `application/scim+json` (RFC 7644 section 3.1).

A host's `REST_FRAMEWORK` settings do not affect these classes.
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
    """Use one parser and one renderer, whatever the client accepts. There is no 406 response."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ScimRenderer(BaseRenderer):
    """Render compact JSON in UTF-8. Bytes are already encoded by the view."""

    media_type = SCIM_JSON
    format = "scim"
    charset = None  # JSON is always UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return data if isinstance(data, bytes) else encode(data)


class JsonRenderer(ScimRenderer):
    """Render JSON that is not SCIM."""

    media_type = "application/json"
    format = "json"
