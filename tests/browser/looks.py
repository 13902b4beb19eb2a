"""The ways in which people look at a page, and what must hold in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize

from . import axe

Visit = Callable[..., Page]

# When things happened, on a page that shall look the same on each day.
CREATED = datetime(2026, 3, 2, 9, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """A kind of window.

    Args:
        name: What screenshots and failures call it.
        color_scheme: The colors that the user has chosen.
        phone: The size of its screen, for a phone.
    """

    name: str
    color_scheme: Literal["light", "dark"] = "light"
    phone: ViewportSize | None = None


LIGHT = Kind("light")
DARK = Kind("dark", "dark")
PHONE = Kind("phone", phone={"width": 390, "height": 844})
KINDS = (LIGHT, DARK, PHONE)
# Django's admin takes a moment from one color to the next.
END_TRANSITIONS = "document.getAnimations().forEach(animation => animation.finish())"


class Look:
    """Opens pages, and inspects them in each kind of window.

    Args:
        visit: Opens a window.
        folder: Where screenshots go; None for nowhere. Those in the dark and of a phone have a
            folder of their kind in it.
        kinds: What pages are inspected in.
    """

    def __init__(self, visit: Visit, folder: Path | None, kinds: Iterable[Kind] = KINDS) -> None:
        self._visit = visit
        self._folder = folder
        self._kinds = kinds

    def open(self, user: User, path: str) -> Page:
        """A page at this path, in a window in which the user is signed in."""
        page = self._visit(user)
        page.goto(path)
        assert page.url.endswith(path)  # and not at the form for signing in
        return page

    def inspect(self, page: Page, name: str) -> None:
        """Check a page as it is shown now, and keep screenshots of this name.

        Everybody can use it, as far as axe-core can tell, and it is no wider than its window.
        """
        page.wait_for_load_state()
        for kind in self._kinds:
            with shown_as(kind, page):
                page.evaluate(END_TRANSITIONS)
                axe.check(page, kind.name)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), kind
                if self._folder is not None:
                    folder = self._folder if kind is LIGHT else self._folder / kind.name
                    path = folder / f"{name}.png"
                    page.screenshot(path=path, full_page=True, animations="disabled")


@contextmanager
def shown_as(kind: Kind, page: Page) -> Iterator[None]:
    """Show a page in this kind of window, as if the user changed the colors or took a phone."""
    page.emulate_media(color_scheme=kind.color_scheme)
    if kind.phone is None:
        yield
        return
    desktop = page.viewport_size
    assert desktop is not None
    page.set_viewport_size(kind.phone)
    device = page.context.new_cdp_session(page)
    screen = {**kind.phone, "deviceScaleFactor": 1, "mobile": True}
    device.send("Emulation.setDeviceMetricsOverride", screen)
    device.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield
    device.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    device.send("Emulation.clearDeviceMetricsOverride")
    device.detach()
    page.set_viewport_size(desktop)
