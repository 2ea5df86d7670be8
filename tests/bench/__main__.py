"""The benchmark: `python -m tests.bench [run]`, and `python -m tests.bench table FILE` for docs/measured.md.

Bare inference, Tocsin and two peers take turns over the same texts on engines of its own. The figures are ratios to
the bare runs before and after. Then a year of stored mentions goes through the detector alone. Ends with 1 when a run
was wrong, for then its figures mean nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from deploy.lock import read as read_lock
from streams import clock
from tests.bench import corpus as texts
from tests.bench import engine, latency, procfs, report
from tests.bench.bed import Bed, bed
from tests.bench.contest import Void, run, warm_engines
from tests.bench.report import Report, Section
from tests.bench.result import OURS, PEERS, Run

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
SHORT = 2  # headlines are several times quicker: so many times more of them
PEER_SHARE = 0.5  # of the items: the peers are several times slower, and steady
SHARES = (0.3, 0.6, 0.8)  # of the measured capacity
PACED_SECONDS = 20.0
RINGS = 10


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


async def contest(place: Bed, kind: str, items: int, rounds: int, seed: int) -> Section:
    """All rounds of one corpus: bare, ours, bare, one peer, the other, and so on, bare at both ends."""
    chosen = texts.corpus(kind, items, seed)
    part = texts.corpus(kind, max(1, round(items * PEER_SHARE)), seed, label="peer")
    with np.load(await place.tokens(chosen)) as file:
        tokens = float(file["lengths"].mean())
    section = Section(items=items, peer_items=len(part.items), tokens_mean=round(tokens, 1), runs=[])

    def note(done: Run) -> None:
        section.runs.append(done)
        extra = f"; {'; '.join(done.problems)}" if done.problems else ""
        say(f"{kind} round {done.round} {done.contestant}: {done.rate:.1f} items/s{extra}")

    _, part_expected = await place.run_bare(part, 0)  # the peers' reference; not counted
    for order in ("bucketed", "fifo"):
        note((await place.run_bare(chosen, 0, order))[0])
    bare, expected = await place.run_bare(chosen, 1)
    note(bare)
    for number in range(1, rounds + 1):
        note(await run(place, OURS, number, chosen, expected))
        note((await place.run_bare(chosen, number))[0])
        for peer in PEERS if number % 2 else reversed(PEERS):
            note(await run(place, peer, number, part, part_expected))
        note((await place.run_bare(chosen, number + 1))[0])
    return section


async def measure(options: argparse.Namespace, state: Path) -> Report:
    """Everything: corpora, rounds, paced runs, alerts."""
    load = procfs.load()
    if load > 0.5:
        say(f"load {load:.1f}: something else is running here; the figures will be noisier")
    async with bed(state) as place:
        result = Report(
            commit=_git("rev-parse", "HEAD"),
            clean=not _git("status", "--porcelain", "--untracked-files=no"),
            date=clock.now().isoformat(timespec="seconds"),
            machine=procfs.processor(),
            load_before=load,
            versions=_versions(),
            model=place.served.metadata.version,
            runtime=place.bare.runtime,
            threads=place.bare.threads,
            rounds=options.rounds,
            seed=options.seed,
            corpora={},
        )
        await _warm(place, options)
        for kind in options.corpora:
            items = options.items * (SHORT if kind == "HEAD" else 1)
            result.corpora[kind] = await contest(place, kind, items, options.rounds, options.seed)
        capacity = [r.rate for s in result.corpora.values() for r in s.runs if r.contestant == OURS]
        if "MIX" in result.corpora:
            capacity = [r.rate for r in result.corpora["MIX"].runs if r.contestant == OURS]
        rate = sorted(capacity)[len(capacity) // 2]
        for share in options.shares:
            result.latency.append(await latency.open_loop(place, share, share * rate, options.seconds))
            say(f"paced at {share:.0%}: {report.latency_line(result.latency[-1])}")
        if options.rings:
            result.ring = await latency.ring(place, options.rings)
    result.engine = await asyncio.to_thread(engine.apart, options.days)
    say(engine.text(result.engine))
    report.finish(result)
    return result


async def _warm(place: Bed, options: argparse.Namespace) -> None:
    """Let the engines compile what they will need, and run the whole path once, uncounted."""
    say("warming up")
    chosen = texts.corpus("MIX", min(options.items, 512), options.seed, label="warm-up")
    await warm_engines(place, options.warm)
    _, expected = await place.run_bare(chosen, 0)
    await run(place, OURS, 0, chosen, expected)


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    names = ("faust-streaming", "aiokafka", "elasticsearch", "tritonclient", "tokenizers", "msgspec", "numpy")
    return {name: version(name) for name in names} | dict(read_lock().versions)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; `--quick` sets small numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="measure, write the result as JSON, print the table")
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--items", type=int, default=2000, help="MIX and NEWS items a run; HEAD takes twice as many")
    command.add_argument("--corpora", nargs="+", choices=texts.KINDS, default=["MIX", "HEAD"])
    command.add_argument("--seed", type=int, default=7)
    command.add_argument("--shares", nargs="*", type=float, default=SHARES, help="paced runs, as shares of capacity")
    command.add_argument("--seconds", type=float, default=PACED_SECONDS, help="length of a paced run")
    command.add_argument("--rings", type=int, default=RINGS, help="companies that get bad news, for the alert path")
    command.add_argument("--days", type=int, default=engine.YEAR, help="of stored mentions through the engine")
    command.add_argument("--out", type=Path, help="result file; default: tests/bench/results/<date>-<commit>.json")
    command.add_argument("--state", type=Path, help="folder for engines and logs, kept; default: a temporary one")
    command.add_argument("--quick", action="store_true", help="a smoke run: few items, one round; no figures to quote")
    shown = commands.add_parser("table", help="write the table of a result into docs/measured.md, in both languages")
    shown.add_argument("file", type=Path)
    given = list(arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "run")  # what `make bench` means
    options = parser.parse_args(given)
    if options.command == "run":
        options.warm = 15_000
        if options.quick:
            options.rounds, options.items, options.warm = 1, min(options.items, 80), 500
            options.shares, options.seconds, options.rings, options.days = (0.5,), 3.0, 1, 3
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    if options.command == "table":
        result = report.read(options.file)
        report.put_table(result, ROOT / "docs" / "measured.md", "en")
        report.put_table(result, ROOT / "docs" / "measured.zh-CN.md", "zh")
        return 0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic made a moment ago has no leader yet
    state = options.state or Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    state.mkdir(parents=True, exist_ok=True)
    try:
        result = asyncio.run(measure(options, state))
    except Void as error:
        say(f"void: {error}")
        say(f"logs are kept in {state}")
        return 1
    if options.state is None and not result.void:
        shutil.rmtree(state, ignore_errors=True)
    out = options.out or RESULTS / f"{result.date[:10]}-{result.commit[:12]}.json"
    report.write(result, out)
    print(report.table(result, "en"))
    say(f"written: {out}")
    for problem in result.void:
        say(f"void: {problem}")
    return 1 if result.void else 0


if __name__ == "__main__":
    sys.exit(main())
