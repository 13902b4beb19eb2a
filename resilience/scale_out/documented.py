"""Reads the configuration in docs/operations.md and fills in the addresses and names of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from resilience.server import ROOT

OPERATIONS = ROOT / "docs" / "operations.md"


def block(language: str, part: str) -> str:
    """Find a code block.

    Args:
        language: The language of the block.
        part: Text that only this block contains.

    Raises:
        LookupError: There is no such block, or more than one.
    """
    pattern = rf"^```{language}\n(.*?)^```$"
    blocks = re.findall(pattern, OPERATIONS.read_text(), re.MULTILINE | re.DOTALL)
    found = [each for each in blocks if part in each]
    if len(found) != 1:
        raise LookupError(f"{OPERATIONS.name} has {len(found)} blocks of {language} with {part!r}.")
    return str(found[0])


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Replace the example values of a block.

    Args:
        text: The block.
        values: The values of this run, by the example value that each replaces.

    Raises:
        LookupError: The block does not contain an example value.
    """
    for example, value in values.items():
        if example not in text:
            raise LookupError(f"{OPERATIONS.name} does not contain {example!r}.")
        text = text.replace(example, value)
    return text
