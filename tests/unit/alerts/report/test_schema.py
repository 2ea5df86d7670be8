"""The JSON Schema of a result is committed, current, and accepts what is written."""

from __future__ import annotations

import json
import re

import msgspec
from jsonschema import Draft202012Validator

from alerts.evaluation import result
from alerts.evaluation.result import Evaluation
from alerts.evaluation.schema import FILE, render
from tests.unit.alerts.report import sample


def test_the_schema_is_current() -> None:
    """The committed schema says what the types say; if not: python -m alerts.evaluation.schema."""
    assert FILE.read_text(encoding="utf-8") == render()
    Draft202012Validator.check_schema(json.loads(render()))


def test_a_result_is_valid_and_comes_back() -> None:
    """What is written is accepted by the schema, and read again it is the same."""
    for given in (sample.evaluation(2), sample.empty()):
        written = msgspec.json.encode(given)
        Draft202012Validator(json.loads(render())).validate(json.loads(written))
        assert msgspec.json.decode(written, type=Evaluation) == given


def test_every_field_of_a_result_is_documented() -> None:
    """A field that a program may find in a result stands in the table of the document."""
    text = (FILE.parent / "README.md").read_text(encoding="utf-8")
    part = text[text.index("## The JSON") : text.index("## Our own table")]
    told = {word.rpartition(".")[2] for row in part.splitlines() for word in re.findall(r"`([^`]+)`", row)}
    kinds = [kind for kind in vars(result).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    fields = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}
    assert {"precision", "judged", "low", "code"} <= fields
    assert fields - told == set()
