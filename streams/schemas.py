"""JSON Schemas of everything that crosses Kafka: `python -m streams.schemas` writes them to streams/schemas/.

They are the contract for programs in other languages. A test fails when they are not what `records` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from streams import records

FOLDER: Final = Path(__file__).with_name("schemas")
# File name -> what lies on the topics of that name.
KINDS: Final[dict[str, Any]] = {
    "raw": records.Raw,
    "document": records.Document,
    "mention": records.Signal,
    "alert": records.AlertEvent,
    "receipt": records.Receipt,
    "feedback": records.Opinion,
    "health": records.Heartbeat,
    "deadletter": records.DeadLetter,
    "report": records.Bulletin,
}


def render(name: str) -> str:
    """The schema of one kind of record as indented JSON with sorted keys."""
    schema = msgspec.json.schema(KINDS[name])
    text = msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2)
    return text.decode() + "\n"


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for name in KINDS:
        (FOLDER / f"{name}.json").write_text(render(name), encoding="utf-8")


if __name__ == "__main__":
    main()
