"""The admin's lists and pages as a person reads them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any


def text(html: str) -> str:
    """What can be read, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(response: Any) -> list[list[str]]:
    """The cells of each row of a list."""
    assert response.status_code == 200, response
    found = re.findall(r'<tr>(<th class="field-.*?)</tr>', response.text, re.DOTALL)
    return [[text(cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in found]


def column(response: Any, number: int) -> list[str]:
    """One cell of each row of a list."""
    return [row[number] for row in rows(response)]


def read(response: Any) -> str:
    """What is in the middle of a page."""
    assert response.status_code == 200, response
    _, _, html = response.text.partition('<div id="content"')
    html, _, _ = html.partition("</main>")
    return text(f"<{html}")


def messages(response: Any) -> list[str]:
    """What a page says of what was done just before."""
    return [str(message) for message in response.context["messages"]]
