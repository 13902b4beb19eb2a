"""Tests of which spellings of an id are read as the UUID."""

from __future__ import annotations

from uuid import UUID

import pytest

from tiled_scim.scim.identifiers import as_canonical_uuid, as_uuid, canonical_id

ID = "0d3f9a52-9c3d-4f5e-8a64-1c8a3f6b2d10"


@pytest.mark.parametrize("text", [ID, ID.upper(), ID.replace("-", "")])
def test_letter_case_and_hyphens_make_no_difference(text: str) -> None:
    assert as_uuid(text) == UUID(ID)
    assert canonical_id(text) == ID
    assert as_canonical_uuid(text) == (UUID(ID) if text == ID else None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ID[1:],
        f"{ID}0",
        f" {ID[1:]}",
        f"+{ID[1:]}",
        f"{ID[0]}_{ID[2:]}",
        f"{ID}\n",
        ID.replace("9", "\N{FULLWIDTH DIGIT NINE}", 1),
        ID.replace("9", "\N{ARABIC-INDIC DIGIT NINE}", 1),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert as_uuid(text) is None
    assert as_canonical_uuid(text) is None
    assert canonical_id(text) == text
