"""How fast the engine folds stored mentions, and in how much memory: `python -m tests.bench.engine`; one core.

A year of invented mentions like StockNet's (tests/bench/opinion_year.py) goes through a fresh engine, day by day: as
bytes that are decoded, with a tick every hour of event time. Making them is not counted. CPU time is counted rather
than the time of day, so that other work on the machine disturbs less. Memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from alerts import rules as kinds
from alerts.engine import Engine
from alerts.rule_files import parse_rules
from alerts.rules import Rule
from console.replay.garbage import seldom_collected
from streams.records import Mention, Tick, decode, encode
from tests.bench import procfs
from tests.bench.opinion_year import BEGIN, Amount, days

SHIPPED: Final = Path(kinds.__file__).with_name("rules") / "default.yaml"
SURGE: Final = "rules: [{name: surge, type: surge, scope: {subject: entity}, window: 2h}]"
CHANNEL: Final = "archive/0"
TICK: Final = timedelta(hours=1)
SETTLE: Final = 7  # days after the last mention, in which alerts end
YEAR: Final = 365


class Pace(Struct, kw_only=True):
    """What the engine took with some rules: CPU seconds, and MiB of the process at the end of each year."""

    rules: int
    days: int
    documents: int = 0
    mentions: int = 0
    events: int = 0
    decode_s: float = 0.0
    engine_s: float = 0.0
    memory: list[float] = []
    subjects: list[int] = []  # remembered at the end of each year

    @property
    def rate(self) -> float:
        """Mentions a second in the engine."""
        return self.mentions / self.engine_s

    @property
    def year_s(self) -> float:
        """CPU seconds of a year, decoding included."""
        return (self.decode_s + self.engine_s) * YEAR / self.days

    @property
    def speed(self) -> float:
        """Event time over CPU time."""
        return self.days * 86_400 / (self.decode_s + self.engine_s)


class Engines(Struct, kw_only=True):
    """The shipped rules, and one surge rule alone."""

    shipped: Pace
    surge: Pace


def fold(rules: Sequence[Rule], amount: Amount) -> Pace:
    """Fold invented mentions, and measure."""
    engine = Engine(rules, lateness=5.0, channels=(CHANNEL,))
    pace = Pace(rules=len(rules), days=amount.days)
    for number, mentions in enumerate(chain(days(amount), repeat([], SETTLE)), 1):
        lines = [encode(mention) for mention in mentions]
        started = time.process_time()
        read = [decode(line, Mention) for line in lines]
        decoded = time.process_time()
        pace.events += play(engine, read, BEGIN + timedelta(days=number - 1))
        pace.decode_s += decoded - started
        pace.engine_s += time.process_time() - decoded
        pace.documents += len({mention.document for mention in read})
        pace.mentions += len(read)
        if number % YEAR == 0 or number == amount.days:
            pace.memory.append(round(procfs.resident(os.getpid()), 1))
            pace.subjects.append(engine.subjects)
    return pace


def play(engine: Engine, mentions: Sequence[Mention], begin: datetime) -> int:
    """Feed one day, with its ticks; how many events it leads to."""
    events, due = 0, begin + TICK
    for mention in mentions:
        while mention.collected_at > due:
            events += len(engine.feed(Tick(channel=CHANNEL, offset=0, at=due), engine.next_offset))
            due += TICK
        engine.feed(mention, engine.next_offset)
    while due <= begin + timedelta(days=1):
        events += len(engine.feed(Tick(channel=CHANNEL, offset=0, at=due), engine.next_offset))
        due += TICK
    return events


def measure(amount: Amount) -> Engines:
    """Both rule sets, one after the other, as a replay runs them."""
    with seldom_collected():
        surge = fold(parse_rules(SURGE), amount)  # first: it needs less memory
        return Engines(surge=surge, shipped=fold(parse_rules(SHIPPED.read_text(encoding="utf-8")), amount))


def apart(length: int) -> Engines:
    """So many days in a process of their own, so that its memory is the engine's."""
    command = [sys.executable, "-m", "tests.bench.engine", "--json", "--days", str(length)]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Engines)


def text(found: Engines) -> str:
    """The figures in words."""
    shipped = f"the {found.shipped.rules} shipped rules"
    return f"{line('one surge rule', found.surge)}\n{line(shipped, found.shipped)}"


def line(name: str, pace: Pace) -> str:
    """One rule set as a line of text."""
    memory = ", ".join(f"{used:.0f}" for used in pace.memory)
    return (
        f"{name}: {pace.rate:,.0f} mentions/s in the engine ({pace.mentions:,} of {pace.documents:,} documents in "
        f"{pace.engine_s:.2f} s, {pace.decode_s:.2f} s to decode); a year in {pace.year_s:.1f} s, "
        f"{pace.speed:,.0f} times real time; {pace.events} events; {memory} MiB"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    usual = Amount()
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engine", description=__doc__)
    parser.add_argument(
        "--days", type=int, default=YEAR, help="of event time; several years show that memory is bounded"
    )
    parser.add_argument("--documents", type=float, default=usual.documents, help="a day")
    parser.add_argument("--rare", type=int, default=usual.rare, help="subjects that come and go in a year")
    parser.add_argument("--rare-share", type=float, default=usual.rare_share, help="of the mentions of companies")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args(arguments)
    amount = Amount(days=given.days, documents=given.documents, rare=given.rare, rare_share=given.rare_share)
    found = measure(amount)
    if given.json:
        print(msgspec.json.encode(found).decode())
    else:
        print(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
