"""How the form of a page ended: what the page shows then, or what it says after a redirect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.template.response import TemplateResponse

from tiled_scim.presentation.secrets import show_once
from tiled_scim.secret import Secret


@dataclass(frozen=True)
class FormResult:
    """How a form ended.

    Args:
        status: The HTTP status for the page, or 302 if a page should be shown afresh.
        shown: Additional context for the page.
        plaintext: A new secret, which the page shows once.
        row: What was created or changed.
        message: What has happened, for the next page.
        is_ended: Whether the row was revoked, so that it has no page any more.
    """

    status: int
    shown: dict[str, Any] = field(default_factory=dict)
    plaintext: Secret | None = None
    row: Any = None
    message: str = ""
    is_ended: bool = False

    @property
    def redirects(self) -> bool:
        """Return whether a page should be shown afresh."""
        return self.status == 302

    def show(self, page: Callable[..., TemplateResponse]) -> TemplateResponse:
        """Return the page that shows the result.

        Args:
            page: Takes the `status` and additional context for the page.
        """
        page = partial(page, status=self.status, **self.shown)
        if self.plaintext is None:
            return page()
        return show_once(self.plaintext, lambda placeholder: page(plaintext=placeholder))


# The page was outdated when its form was sent.
OUTDATED = FormResult(409, {"is_outdated": True})
