"""axe-core, which finds what people cannot see, reach or understand on a page."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

FOLDER = Path(__file__).parent
INSTALLED = FOLDER / "node_modules" / "axe-core"
# The rules of WCAG 2.2 up to level AA, and those that axe-core recommends besides.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "async tags => (await axe.run({runOnly: tags})).violations"


def check(page: Page, kind: str) -> None:
    """Fail the test where something is wrong with a page as this kind of window shows it now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    violations = [_described(violation) for violation in page.evaluate(RUN, TAGS)]
    if violations:
        pytest.fail("\n".join([f"axe-core on {page.url} ({kind}):", *violations]))


def _described(violation: dict[str, Any]) -> str:
    """The rule that is broken, and for each element that breaks it how it does so."""
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    for node in violation["nodes"]:
        selector = " ".join(map(str, node["target"]))
        reason = " ".join(node["failureSummary"].split())
        lines.append(f"    {selector}: {reason}")
    return "\n".join(lines)


def install() -> None:
    """Install axe-core, where it is not there as it is pinned."""
    if _installed_version() != _pinned_version():
        # npm is where the machine has it.
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=FOLDER, check=True)  # noqa: S607 (npm is where PATH has it)


@cache
def _script() -> str:
    return (INSTALLED / "axe.min.js").read_text()


def _installed_version() -> str:
    package = INSTALLED / "package.json"
    return str(json.loads(package.read_text())["version"]) if package.exists() else ""


def _pinned_version() -> str:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/axe-core"]["version"])
