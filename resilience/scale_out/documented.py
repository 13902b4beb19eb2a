"""The configuration in docs/operations.md, with the addresses and names of a run put in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from resilience.server import ROOT

OPERATIONS = ROOT / "docs" / "operations.md"


def block(language: str, part: str) -> str:
    """The code block in a language that has a part.

    Raises:
        LookupError: there is none, or more than one.
    """
    pattern = rf"^```{language}\n(.*?)^```$"
    blocks = re.findall(pattern, OPERATIONS.read_text(), re.MULTILINE | re.DOTALL)
    found = [each for each in blocks if part in each]
    if len(found) != 1:
        raise LookupError(f"{OPERATIONS.name} has {len(found)} blocks of {language} with {part!r}.")
    return str(found[0])


def put_in(text: str, replacements: Mapping[str, str]) -> str:
    """A block with what stands for a reader's own values replaced.

    Raises:
        LookupError: something that is to be replaced is not there.
    """
    for example, value in replacements.items():
        if example not in text:
            raise LookupError(f"{OPERATIONS.name} does not say {example!r} any more.")
        text = text.replace(example, value)
    return text
