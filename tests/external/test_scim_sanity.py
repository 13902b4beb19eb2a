"""scim-sanity: its probe finds nothing but what was chosen, and the documentation names that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROTOCOL = Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.md"

# The checks that want 200 where RFC 7644 section 3.5.2 lets a server answer 204, and this one does.
WITHOUT_A_BODY = {
    "PATCH /Groups/{id}",
    "PATCH /Groups/{id} add member",
    "PATCH /Groups/{id} remove members",
}
# What is no part of SCIM 2.0, but of a draft for agents.
DRAFTS = {
    "Agent CRUD Lifecycle",
    "AgenticApplication CRUD Lifecycle",
    "Agent Rapid Lifecycle",
}


@pytest.mark.parametrize("options", [[], ["--profile", "entra"]], ids=["plain", "entra"])
def test_only_what_was_chosen_is_found(scim_url: str, token: str, options: list[str]) -> None:
    command = [sys.executable, "-m", "scim_sanity", "probe", scim_url, "--token", token]
    probe = subprocess.run(
        [*command, "--i-accept-side-effects", "--json-output", *options],
        env={**os.environ, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert probe.stdout, probe.stderr
    results = json.loads(probe.stdout)["results"]
    found = [result for result in results if result["status"] not in {"pass", "skip"}]
    assert {result["name"] for result in found} == WITHOUT_A_BODY, found
    assert all("200, got 204" in result["message"] for result in found), found
    assert {result["name"] for result in results if result["status"] == "skip"} == DRAFTS


def test_the_documentation_names_what_was_chosen() -> None:
    section = PROTOCOL.read_text().split("## Independent tools")[1]

    assert [name for name in WITHOUT_A_BODY if f"`{name}`" not in section] == []
