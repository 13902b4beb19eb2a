"""Lead links out of docs/ to the repository, since the site has only this folder."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"\]\(\.\./([^)]+)\)")


def on_page_markdown(markdown: str, *, config: Any, **_: Any) -> str:
    """Replace `](../NAME)` by the address of the file. MkDocs calls this for every page."""
    return OUTSIDE.sub(rf"]({config['repo_url']}/blob/main/\1)", markdown)
