"""Requests that schemathesis makes of the OpenAPI document, right and wrong, to every operation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from tests.hostile.attacks import attack
from tests.hostile.server import MINE, Request, Server
from tests.hostile.values import Strategy, any_of
from tests.wire.client import MOUNT

SHARE = 0.2


def _operations() -> dict[str, Any]:
    """Every path and method of the document."""
    import_module("tiled_scim.api.openapi")
    document = SchemaGenerator().get_schema(request=None, public=True)
    schema: Any = schemathesis.openapi.from_dict(document)
    operations = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in operations}


OPERATIONS = _operations()


def _request(case: Any, key: str | None) -> Request:
    """What a case sends; with an id that there is, if one is given."""
    parameters = {**case.path_parameters, **({"key": key} if key else {})}
    path = case.path.format(**parameters).removeprefix(MOUNT)
    headers = {name: value for name, value in case.headers.items() if name != "Authorization"}
    return Request(case.method, path, _query(case.query), _body(case.body), headers)


def _query(query: Mapping[str, Any]) -> str:
    pairs = {name.encode(errors="replace"): value for name, value in query.items()}
    return urlencode(pairs, doseq=True, errors="replace")


def _body(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is NOT_SET else json.dumps(body).encode()


def _requests(operation: Any) -> Strategy:
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])
    keys = st.one_of(st.none(), any_of(MINE)) if "{key}" in operation.path else st.none()
    return st.builds(_request, cases, keys)


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_of_scims(server: Server, label: str) -> None:
    attack(server, _requests(OPERATIONS[label]), SHARE / len(OPERATIONS))
