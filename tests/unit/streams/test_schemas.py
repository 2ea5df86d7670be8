"""The committed JSON Schemas are the contract, and current."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from streams.schemas import FOLDER, KINDS, render


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_schema_is_current(name: str) -> None:
    """Each committed schema says what the records say; if not: python -m streams.schemas."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == render(name)
    Draft202012Validator.check_schema(json.loads(render(name)))


def test_no_schema_is_left_over() -> None:
    """There is a file for each kind of record and no other."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(KINDS)
