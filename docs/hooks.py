"""Adapt the pages to the site: links out of docs/, and diagrams."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"\]\(\.\./([^)]+)\)")
DIAGRAM = re.compile(r"```mermaid\n.*?accTitle: (?P<title>[^\n]+)\n.*?```", re.DOTALL)


def on_page_markdown(markdown: str, *, config: Any, **_: Any) -> str:
    """Replace what only GitHub can show. MkDocs calls this for every page.

    `](../NAME)` becomes the address of the file, since the site has only this folder. A diagram
    becomes the image that `make images` has drawn: Mermaid would be a script from another site.
    """
    markdown = DIAGRAM.sub(_image, markdown)
    return OUTSIDE.sub(rf"]({config['repo_url']}/blob/main/\1)", markdown)


def image_of(title: str) -> str:
    """Return the path of the image of a diagram, below docs/."""
    return f"images/{re.sub('[^a-z0-9]+', '-', title.lower())}.svg"


def _image(diagram: re.Match[str]) -> str:
    return f"![{diagram['title']}]({image_of(diagram['title'])})"
