"""Which baseline rings less for nothing: `python -m tests.bench.usual`; two and a half minutes on one core, seeded.

Invented subjects of the A-share market over twelve weeks with National Day week in them: hours of the trading week,
quiet weekends and holidays, bursts (Gamma multipliers that last hours), two old incidents of one to three days that
neither baseline should learn, and surges planted in the last seven weeks. Judged each hour over a window of two hours,
as the shipped rule does (four stories, twice the expected). The first baseline of Tocsin is kept here to compare with.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from alerts.baseline import ALL, History, profile, tail
from alerts.calendars import calendar
from alerts.moments import HOUR, moment

ZONE: Final = ZoneInfo("Asia/Shanghai")
BEGAN: Final = round(datetime(2025, 7, 28, tzinfo=ZONE).timestamp()) // 3600
DAYS: Final = 84  # to 19 October: the holiday (1 to 8 October) and the return from it are judged
LEARNT: Final = 35 * 24  # hours before anything is judged
WINDOW: Final = 2
MIN_COUNT, MIN_RATIO, P = 4, 2.0, 1e-3
FACTOR: Final = 6.0  # of a planted surge
SURGE_HOURS: Final = 3
RATES: Final = (3.0, 12.0, 48.0, 192.0)  # stories a day
SEEDS: Final = 40


@dataclass(slots=True)
class Subject:
    """Counts by hour from BEGAN, and the hours at which surges were planted."""

    counts: list[int]
    surges: list[int] = field(default_factory=list)
    incidents: set[int] = field(default_factory=set)  # hours of old incidents: whether they ring is not judged


def invented(rate: float, seed: int) -> Subject:
    """A subject with this many stories a day on average."""
    rng = random.Random(f"{rate} {seed}")
    subject = Subject([])
    hours = DAYS * 24
    for _ in range(2):
        start, length = rng.randrange(7 * 24, LEARNT), rng.choice((24, 48, 72))
        subject.incidents |= set(range(start, min(start + length, hours)))
    free = LEARNT
    while (free := free + rng.randrange(48, 120)) < hours - 12:
        subject.surges.append(free)
    surging = {start + n for start in subject.surges for n in range(SURGE_HOURS)}
    burst = 1.0
    for hour in range(hours):
        if hour % 6 == 0:  # a burst lasts some hours; size 2 of the negative binomial, as hourly counts of tweets have
            burst = rng.gammavariate(2.0, 0.5)
        mean = rate / 24 * season(BEGAN + hour) * burst
        mean *= FACTOR if hour in surging else 10.0 if hour in subject.incidents else 1.0
        subject.counts.append(poisson(rng, mean))
    return subject


def season(hour: int) -> float:
    """How much is said at an hour of the A-share week: by day, most in the session, a third on days without one."""
    local = datetime.fromtimestamp(hour * 3600, ZONE)
    usual = 2.2 if 9 <= local.hour < 16 else 1.0 if 16 <= local.hour < 23 else 0.2
    return usual * (1.0 if calendar("cn").kind(local.date()) == "session" else 0.33)


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson count, by adding up waiting times."""
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count += 1
        at += rng.expovariate(1.0)
    return count


Judge = Callable[[History, int, int], float]


def new(history: History, hour: int, count: int) -> float:
    """The p-value of a count in the window that ends at `hour`, by today's baseline; 1 below twice the expected."""
    start, end = (hour - WINDOW) * HOUR, hour * HOUR
    found = profile(history, BEGAN * HOUR, start, "cn")
    mean = found.expected(ALL, start, end)
    return tail(count, mean, found.size(ALL)) if count >= MIN_RATIO * mean else 1.0


def first(history: History, hour: int, count: int) -> float:
    """The same by the first baseline: weekdays and weekends in UTC, one wild hour in 200 cut, size 4, no incidents."""
    last = hour - WINDOW
    begin = max(BEGAN, last - 28 * 24)
    rows = [(h, c[ALL]) for h, c in sorted(history.hours.items()) if begin <= h < last]
    ranked = sorted((c for _, c in rows), reverse=True)
    spared = math.ceil(0.005 * (last - begin))
    cap = max(1, ranked[spared] if spared < len(ranked) else 1)
    total = sum(min(c, cap) for _, c in rows)
    level = (total + 0.5) / (last - begin + 1.0)
    seen, stories = [0] * 48, [0] * 48
    for h in range(begin, last):
        seen[_slot(h)] += 1
    for h, c in rows:
        stories[_slot(h)] += min(c, cap)
    mean = sum(level * (stories[s] + 5.0) / (seen[s] * level + 5.0) for s in (_slot(hour - 2), _slot(hour - 1)))
    size = 1.0 / (1.0 / 4.0 + 1.0 / (total + 0.5))
    return tail(count, mean, size) if count >= MIN_RATIO * mean else 1.0


def _slot(hour: int) -> int:
    return hour % 24 + (24 if moment(hour * HOUR).weekday() >= 5 else 0)


def judged(subject: Subject, judge: Judge) -> tuple[list[float], list[tuple[int, float]]]:
    """The smallest p-value of each planted surge, and (hour, p-value) wherever else the count was enough."""
    history = History()
    caught = dict.fromkeys(subject.surges, 1.0)
    quiet: list[tuple[int, float]] = []
    for hour in range(len(subject.counts)):
        count = sum(subject.counts[max(0, hour - WINDOW) : hour])
        if hour >= LEARNT and count >= MIN_COUNT and hour not in subject.incidents:
            near = [start for start in subject.surges if start < hour <= start + SURGE_HOURS + WINDOW]
            p = judge(history, BEGAN + hour, count)
            if near:
                caught[near[0]] = min(caught[near[0]], p)
            else:
                quiet.append((hour, p))
        if subject.counts[hour]:
            history.hours[BEGAN + hour] = [0, 0, subject.counts[hour]]
    return list(caught.values()), quiet


def episodes(quiet: list[tuple[int, float]], p: float) -> int:
    """Alerts: hours beyond p, those within three hours of the last taken together."""
    found, last = 0, -100
    for hour, value in quiet:
        if value <= p:
            found += hour - last > 3
            last = hour
    return found


@dataclass(frozen=True, slots=True)
class Result:
    """What one baseline does at one p-value: the share of planted surges that ring, and false episodes a day."""

    baseline: str
    p: float
    recall: float
    false: float


def compared(rate: float, seeds: int) -> list[Result]:
    """Both baselines at the shipped p-value, then the new one at the p-value that gives the recall of the first."""
    subjects = [invented(rate, seed) for seed in range(seeds)]
    days = seeds * (DAYS - LEARNT / 24)
    found = {}
    for name, judge in (("first", first), ("new", new)):
        parts = [judged(subject, judge) for subject in subjects]
        found[name] = [p for caught, _ in parts for p in caught], [quiet for _, quiet in parts]
    rung = sum(p <= P for p in found["first"][0])
    equal = sorted(found["new"][0])[rung - 1] if rung else 0.0
    return [
        Result(
            name,
            p,
            recall=sum(least <= p for least in found[name][0]) / len(found[name][0]),
            false=sum(episodes(quiet, p) for quiet in found[name][1]) / days,
        )
        for name, p in (("first", P), ("new", P), ("new", equal))
    ]


def main() -> None:
    """Print recall and false episodes a subject-day of both, and those of the new at the old one's recall."""
    print(f"{'a day':>6} {'baseline':>9} {'p':>8} {'recall':>7} {'false a day':>12}")
    for rate in RATES:
        for result in compared(rate, SEEDS):
            print(f"{rate:6.0f} {result.baseline:>9} {result.p:8.1g} {result.recall:7.2f} {result.false:12.3f}")


if __name__ == "__main__":
    main()
