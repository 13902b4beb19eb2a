"""Read the visible text of the admin's lists and pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any


def text(html: str) -> str:
    """Return the visible text on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(response: Any) -> list[list[str]]:
    """Return the cells of each row of a list."""
    assert response.status_code == 200, response
    found = re.findall(r'<tr>(<th class="field-.*?)</tr>', response.text, re.DOTALL)
    return [[text(cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in found]


def column(response: Any, number: int) -> list[str]:
    """Return one cell of each row of a list."""
    return [row[number] for row in rows(response)]


def read(response: Any) -> str:
    """Return the content of a page without its header and navigation."""
    assert response.status_code == 200, response
    _, _, html = response.text.partition('<div id="content"')
    html, _, _ = html.partition("</main>")
    return text(f"<{html}")


def messages(response: Any) -> list[str]:
    """Return the messages on a page."""
    return [str(message) for message in response.context["messages"]]
