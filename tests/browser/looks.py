"""The ways in which people look at a page, and what must hold in each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from playwright.sync_api import Page

from . import axe

Visit = Callable[..., Page]

# When things happened, on a page that shall look the same on each day.
CREATED = datetime(2026, 3, 2, 9, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """A kind of window: its name, and the options of its browser context."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


LIGHT = Kind("light")
DARK = Kind("dark", {"color_scheme": "dark"})
PHONE = Kind(
    "phone", {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
)
KINDS = (LIGHT, DARK, PHONE)


class Look:
    """Opens pages in one kind of window, and inspects them there.

    Args:
        folder: where screenshots go; None for nowhere. Those in the dark and of a phone have a
            folder of their kind in it.
    """

    def __init__(self, kind: Kind, visit: Visit, folder: Path | None) -> None:
        self._kind = kind
        self._visit = visit
        self._folder = folder

    def open(self, user: User, path: str) -> Page:
        """A page at this path, in a window in which the user is signed in."""
        page = self._visit(user, **self._kind.options)
        page.goto(path)
        assert page.url.endswith(path)  # and not at the form for signing in
        return page

    def inspect(self, page: Page, name: str) -> None:
        """Check a page as it is shown now, and keep a screenshot of this name.

        Everybody can use it, as far as axe-core can tell, and it is no wider than its window.
        """
        page.wait_for_load_state()
        axe.check(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if self._folder is None:
            return
        folder = self._folder if self._kind is LIGHT else self._folder / self._kind.name
        page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")
