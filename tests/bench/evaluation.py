"""The evaluation tables of the documents: `python -m tests.bench.evaluation`, or `make evaluate`.

The shipped rules against the formulas that other products publish, on public data (`TOCSIN_DATA` or ../shared/data), by
the commands that anybody can run: each is printed before it runs. Texts are judged once, by a Triton of its own; what
was said of them is kept in the state folder, so that a second run needs some minutes. JSON and reports go to `--out`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alerts.evaluation.report import render
from alerts.evaluation.report.wording import Lang
from alerts.evaluation.result import Evaluation
from alerts.evaluation.truth import Truth
from alerts.evaluation.truth_files import read_truth, write_truth
from alerts.rule_files import PRESET, SHIPPED, load_rules
from console.replay.results import read_result
from deploy.stack import Stack
from models.data import data_folder
from streams.settings import Settings
from tests.bench.evaluation_table import END, SHORT_END, SHORT_START, START, short, tables
from tests.bench.report import put

ROOT: Final = Path(__file__).parents[2]
STATE: Final = ROOT / ".tocsin" / "evaluation"
RULES: Final = SHIPPED / "default.yaml"
DROP: Final = "4.5%"
TEXTS: Final = 8  # distinct ones about the company, or a fall says nothing about what people wrote
LANGUAGES: Final[tuple[tuple[str, str, Lang], ...]] = (
    ("README.md", "docs/measured.md", "en"),
    ("README.zh-CN.md", "docs/measured.zh-CN.md", "zh"),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """An archive, how its rows are read, and the word by which events.json knows it."""

    name: str
    files: tuple[str, ...]
    how: tuple[str, ...]
    prices: str = ""  # a folder: then events are falls in price, and of the list only the controls


STREAMS: Final = (
    Stream("stocknet", ("stocknet.jsonl",), ("--kind", "chat"), "stocknet_prices"),
    Stream("headlines", ("headlines_cnbc.jsonl", "headlines_guardian.jsonl"), ("--kind", "news", "--zone", "UTC")),
    Stream("weibo", ("weibo_entity_titles.jsonl",), ("--kind", "news", "--zone", "Asia/Shanghai")),
)


class Failed(RuntimeError):  # noqa: N818 - what happened
    """A command ended with a fault; it said why."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything lies."""

    data: Path
    out: Path
    state: Path
    rules: Path

    def evaluate(self, stream: Stream) -> Evaluation:
        """Truth, replay, result and reports of one stream."""
        for command in self.truth(stream):
            self._run(command)
        if stream.prices:
            write_controls(self._file(stream, "dated.yaml"), self._file(stream, "controls.yaml"))
        self._run(self.replay(stream))
        result = read_result(self._file(stream, "json"))
        for _, _, lang in LANGUAGES:
            page = self._file(stream, f"{lang}.html")
            page.write_text(render(result, lang), encoding="utf-8")
        return result

    def truth(self, stream: Stream) -> Iterator[list[str]]:
        """The commands that make its truth files."""
        again = ["--force"]
        dated = ["truth", "import", "events", str(self.data / "events.json"), "--stream", stream.name]
        yield [*dated, "--out", str(self._file(stream, "dated.yaml")), *again]
        if stream.prices:
            falls = ["truth", "import", "prices", str(self._streams / stream.prices), "--drop", DROP]
            falls += ["--min-messages", str(TEXTS), *_each("--messages", self._rows(stream))]
            yield [*falls, "--out", str(self._file(stream, "falls.yaml")), *again]

    def replay(self, stream: Stream) -> list[str]:
        """The command that replays it, with every setting of every rule."""
        truths = ("falls.yaml", "controls.yaml") if stream.prices else ("dated.yaml",)
        command = ["replay", *self._rows(stream), *stream.how]
        command += ["--rules", str(self.rules), "--rules", f"{PRESET}formulas"]
        command += _each("--truth", [str(self._file(stream, name)) for name in truths])
        return [*command, "--curve", "--json", str(self._file(stream, "json"))]

    @property
    def _streams(self) -> Path:
        return self.data / "streams"

    def _rows(self, stream: Stream) -> list[str]:
        return [str(self._streams / name) for name in stream.files]

    def _file(self, stream: Stream, what: str) -> Path:
        return self.out / f"{stream.name}.{what}"

    def _run(self, command: Sequence[str]) -> None:
        print(f"$ tocsin {shlex.join(command)}", file=sys.stderr, flush=True)
        program = [str(Path(sys.executable).with_name("tocsin")), *command]
        if subprocess.run(program, env=self._environment(), stdout=sys.stderr, check=False).returncode:
            raise Failed(f"tocsin {shlex.join(command)}")

    def _environment(self) -> Mapping[str, str]:
        """That of this process without settings of somebody's own: the table is of what ships."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        cache = {name: os.environ[name] for name in ("TOCSIN_CACHE_DIR",) if name in os.environ}
        return kept | cache | {"TOCSIN_STATE_DIR": str(self.state), "TOCSIN_LANG": "en"}


def write_controls(dated: Path, out: Path) -> None:
    """The controls of a list of dated events: its negative ones stand in the prices."""
    truth = read_truth(dated)
    write_truth(Truth(events=tuple(event for event in truth.events if event.kind == "control")), out)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


@contextmanager
def triton(state: Path) -> Iterator[None]:
    """A Triton of its own, found by the commands through the state folder."""
    local: dict[str, Any] = {"state_dir": state, "kafka_bootstrap": "", "elasticsearch_url": "", "triton_url": ""}
    stack = Stack(Settings(**local), preferred=False, owned=True)
    stack.start("triton")
    try:
        yield
    finally:
        stack.down()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    names = [stream.name for stream in STREAMS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.evaluation", description=__doc__)
    parser.add_argument("--streams", nargs="+", choices=names, default=names)
    parser.add_argument("--rules", type=Path, default=RULES, help="instead of the shipped ones")
    parser.add_argument("--out", type=Path, default=STATE / "results", help="folder for JSON and reports")
    parser.add_argument("--state", type=Path, default=STATE, help="folder for Triton and what it said of texts")
    parser.add_argument("--readme", action="store_true", help="write the tables into the READMEs and docs/measured.md")
    parser.add_argument("--kept", action="store_true", help="the results that are in --out already: measure nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate, print the tables; the exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    options.state.mkdir(parents=True, exist_ok=True)
    bench = Bench(data_folder(), options.out.resolve(), options.state.resolve(), options.rules.resolve())
    ours = [rule.name for rule in load_rules(bench.rules)]
    try:
        results = kept(bench, options.streams) if options.kept else measured(bench, options.streams)
    except Failed as failed:
        print(f"ended with a fault: {failed}", file=sys.stderr)
        return 1
    print(tables(results, ours, "en"))
    if options.readme:
        write(results, ours, ROOT)
    return 0


def measured(bench: Bench, streams: Sequence[str]) -> dict[str, Evaluation]:
    """Each stream judged, replayed and evaluated now. Raises Failed."""
    with triton(bench.state):
        return {stream.name: bench.evaluate(stream) for stream in STREAMS if stream.name in streams}


def kept(bench: Bench, streams: Sequence[str]) -> dict[str, Evaluation]:
    """What an earlier run wrote. Raises Failed where it wrote none of a stream."""
    paths = {stream.name: bench.out / f"{stream.name}.json" for stream in STREAMS if stream.name in streams}
    if missing := [str(path) for path in paths.values() if not path.exists()]:
        raise Failed(f"{', '.join(missing)}: not there; run it without --kept first")
    return {name: read_result(path) for name, path in paths.items()}


def write(results: Mapping[str, Evaluation], ours: Sequence[str], root: Path) -> None:
    """The few lines into the READMEs, all tables into the documents they lead to."""
    for readme, document, lang in LANGUAGES:
        put(short(results, ours, lang), root / readme, SHORT_START, SHORT_END)
        put(tables(results, ours, lang), root / document, START, END)


if __name__ == "__main__":
    sys.exit(main())
