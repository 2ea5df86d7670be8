"""The gate of the shipped rules: no change may lose more on the invented archive than the baseline allows.

    python -m tests.bench.gate_set             compare with the baseline
    python -m tests.bench.gate_set --renew     a better, or a deliberately different, result becomes the baseline
    python -m tests.bench.gate_set --write DIR mentions.jsonl and truth.yaml, to play with: tocsin replay

Renew it only in the change that explains why: its figures are part of the review.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import yaml
from rich.console import Console

from alerts.evaluation.evaluate import evaluate
from alerts.evaluation.gate import figures_only, gate
from alerts.evaluation.matching import fitting
from alerts.evaluation.observed import Observed
from alerts.evaluation.result import Evaluation
from alerts.replay.playback import Playback
from alerts.rule_files import SHIPPED, load_rules
from alerts.rules import Rule
from console.replay.gate import report
from console.replay.results import read_result, write_json
from tests.bench.invented import Archive

BASELINE: Final = Path(__file__).parents[1] / "data" / "gate_baseline.json"
MADE: Final = datetime(2026, 1, 1, tzinfo=UTC)  # a date that does not change: the same result, the same file
SETTLE: Final = 86_400.0


def shipped() -> list[Rule]:
    """The rules in force without settings, about companies: the archive says nothing of topics."""
    return [rule for rule in load_rules(SHIPPED / "default.yaml") if rule.enabled and rule.scope.subject == "entity"]


def measured(rules: Sequence[Rule]) -> Evaluation:
    """The rules over the invented archive."""
    archive = Archive()
    truth = archive.truth
    matching = fitting(truth)
    observed = Observed(truth, matching)
    playback = Playback(rules, lateness=0.0)
    events = []
    for mention in archive.mentions:
        observed.see(mention)
        events += playback.mention(mention)
    events += playback.finish(SETTLE)
    return evaluate(
        events, rules, truth, observed, matching=matching, sources=("invented",), code="gate", made_at=MADE, bootstrap=0
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing is lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate_set")
    parser.add_argument("--renew", action="store_true", help="write the baseline")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the archive and its truth")
    asked = parser.parse_args(arguments)
    if asked.write is not None:
        write(asked.write)
        return 0
    result = measured(shipped())
    if asked.renew:
        write_json(BASELINE, figures_only(result))
        return 0
    return 0 if report(Console(), gate(read_result(BASELINE), result), everything=True) else 1


def write(folder: Path) -> None:
    """The archive as files."""
    archive = Archive()
    folder.mkdir(parents=True, exist_ok=True)
    lines = b"".join(msgspec.json.encode(mention) + b"\n" for mention in archive.mentions)
    (folder / "mentions.jsonl").write_bytes(lines)
    truth = yaml.safe_dump(msgspec.to_builtins(archive.truth), allow_unicode=True, sort_keys=False)
    (folder / "truth.yaml").write_text(truth, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
