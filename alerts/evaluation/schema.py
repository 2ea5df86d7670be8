"""JSON Schema of what `tocsin replay --json` writes: `python -m alerts.evaluation.schema` writes schema.json anew.

It is the contract for programs that read results. A test fails when it is not what `result` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from alerts.evaluation.result import Evaluation

FILE: Final = Path(__file__).with_name("schema.json")


def render() -> str:
    """The schema as indented JSON with sorted keys."""
    schema = _tidy(msgspec.json.schema(Evaluation))
    text = msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2)
    return text.decode() + "\n"


def _tidy(part: Any) -> Any:
    """Descriptions on one line: where a docstring breaks its lines is nothing to a reader of the schema."""
    if isinstance(part, dict):
        told = (
            {"description": " ".join(part["description"].split())} if isinstance(part.get("description"), str) else {}
        )
        return {name: _tidy(value) for name, value in part.items()} | told
    return [_tidy(each) for each in part] if isinstance(part, list) else part


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
