"""States as badges."""

from __future__ import annotations

from typing import Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

# A kind sets the color of a badge.
Kind = Literal["good", "warn", "bad", ""]


def badge(text: object, kind: Kind = "") -> SafeString:
    """Return a state as a badge."""
    style = f" tiled-scim-{kind}" if kind else ""
    return format_html('<span class="tiled-scim-state{}">{}</span>', style, text)
