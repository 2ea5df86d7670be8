"""JSON Schema of what `tocsin replay --json` writes: `python -m alerts.evaluation.schema` writes schema.json anew.

It is the contract for programs that read results. A test fails when it is not what `result` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from alerts.evaluation.result import Evaluation

FILE: Final = Path(__file__).with_name("schema.json")


def render() -> str:
    """The schema as indented JSON with sorted keys."""
    schema = msgspec.json.schema(Evaluation)
    text = msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2)
    return text.decode() + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
