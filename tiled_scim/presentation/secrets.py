"""Show a secret once, without a trace of it in error reports.

Rendering a page can fail: a host overrides templates, and its database may be unavailable. Error
reports then show the variables of the template, and what was rendered so far. So a page is rendered
with a placeholder, which is replaced in the finished page.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.utils.html import escape

from tiled_scim.secret import Secret

PLACEHOLDER_BYTES = 32


def show_once(secret: Secret, page: Callable[[str], TemplateResponse]) -> TemplateResponse:
    """Return a page with a secret.

    Args:
        secret: The secret.
        page: Takes the placeholder of the secret, and returns the page, which is not rendered yet.
    """
    placeholder = f"placeholder-{secrets.token_hex(PLACEHOLDER_BYTES)}"
    response = page(placeholder)
    response.add_post_render_callback(partial(_reveal, placeholder, secret))
    return response


def _reveal(placeholder: str, secret: Secret, response: SimpleTemplateResponse) -> None:
    response.content = response.content.replace(placeholder.encode(), escape(secret).encode())
