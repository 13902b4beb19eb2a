"""Requests that are nearly right, of a client that knows SCIM better than an OpenAPI document."""

from __future__ import annotations

import pytest

from tests.hostile.attacks import attack
from tests.hostile.requests import KINDS
from tests.hostile.server import Server

SHARE = 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_one_of_scims(server: Server, kind: str) -> None:
    attack(server, KINDS[kind], SHARE / len(KINDS))
