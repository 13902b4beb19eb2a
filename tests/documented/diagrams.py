"""The diagrams of docs/: Mermaid in the pages, and the images that `make images` draws of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

from tests.documented.pages import DOCUMENTS, ROOT

# The hook of the site, which is in no package.
HOOKS = run_path(str(ROOT / "docs" / "hooks.py"))
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TITLE = re.compile(r"^ *accTitle: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Diagram:
    """A diagram on a page."""

    source: str

    @property
    def title(self) -> str:
        title: str = TITLE.findall(self.source)[0]
        return title

    @property
    def image(self) -> Path:
        path: str = HOOKS["image_of"](self.title)
        return ROOT / "docs" / path

    @property
    def mark(self) -> str:
        """Return the end of the image, which tells what it was drawn from."""
        return f"<!-- {hashlib.sha256(self.source.encode()).hexdigest()} -->"


def diagrams() -> Iterator[Diagram]:
    for document in DOCUMENTS:
        for source in BLOCK.findall(document.read_text()):
            yield Diagram(source)


def diagram(title: str) -> Diagram:
    """Return the diagram with a title."""
    return next(each for each in diagrams() if each.title == title)
