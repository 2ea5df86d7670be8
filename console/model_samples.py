"""What versions of a model are compared on, and what a comparison says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from console.messages import say
from models.compare import Sample
from models.data import LANGUAGES, corpus_rows
from models.labels import HEADS
from streams.language import detect

SAMPLE: Final = 300  # texts of our own corpus, enough to see a change of a few per cent


class RowRefused(ValueError):  # noqa: N818 - what happened
    """A line of the data that cannot be used, and why."""


class Line(msgspec.Struct):
    """One text to compare the versions on; labels are optional, other fields are ignored."""

    text: str
    lang: str = ""
    sentiment: str = ""
    topic: str = ""
    risk: str = ""


def read_samples(path: Path) -> list[Sample]:
    """The texts of a JSONL file; a language that is not stated is found. Raises RowRefused with the line."""
    samples = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = msgspec.json.decode(raw, type=Line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise RowRefused(f"{path}:{number}: {error}") from None
            labels = {head: name for head in HEADS if (name := getattr(line, head))}
            for head, name in labels.items():
                if name not in HEADS[head]:
                    raise RowRefused(f"{path}:{number}: {name!r} is no {head}: {', '.join(HEADS[head])}")
            samples.append(Sample(line.text, line.lang.lower() or detect(line.text), labels))
    return samples


def shipped_samples(langs: Sequence[str] = LANGUAGES) -> list[Sample]:
    """Texts of the corpus that no shipped version learnt from, evenly drawn."""
    rows = corpus_rows("dev", langs)
    step = max(1, len(rows) // SAMPLE)
    return [
        Sample(row.text, row.lang, {head: HEADS[head][at] for head, at in row.labels.items()}, row.kind)
        for row in rows[::step]
    ]


def told(report: dict[str, Any]) -> list[str]:
    """A comparison in words, a line each."""
    first, second = report["versions"]
    lines = [say("versions.compared", first=first, second=second, texts=report["texts"], skipped=report["skipped"])]
    for head, share in report["agreement"].items():
        lines.append(say("versions.agreement", head=head, share=f"{share:.1%}", shift=f"{report['shift'][head]:.4f}"))
    for head, found in report["f1"].items():
        one, other = found["macro_f1"]
        lines.append(say("versions.f1", head=head, rows=found["rows"], first=f"{one:.4f}", second=f"{other:.4f}"))
    lines.append(say("versions.changed", count=report["changed"], shown=len(report["examples"])))
    for each in report["examples"]:
        label = f" ({each['label']})" if "label" in each else ""
        lines.append(f"  {each['from']} -> {each['to']}{label}  {each['text']}")
    return lines
