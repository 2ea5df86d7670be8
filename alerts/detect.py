"""What a rule says about a subject at one moment: a decision with its reason and its numbers. One function a kind."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from alerts import baseline, comparisons
from alerts.baseline import interval, tail, terms
from alerts.decisions import BaselineState, Decision, Known, Why
from alerts.false_alarms import p_for
from alerts.gates import short
from alerts.moments import HOUR, SECOND
from alerts.rules import Coordination, Deviation, FirstSeen, Leaf, Share, Shift, Silence, Spike, Surge, Threshold
from alerts.shares import Rates, corrected, mixed
from alerts.shifts import shift
from alerts.stories import Entry
from alerts.voices import voices
from alerts.windows import Window, lacking

COLD: Final = 0.01  # of a rule's p, while a subject has no history of its own


def decide(window: Window, now: int, known: Known) -> Decision:
    """What the window's rule says at `now`. What is known is asked for only when the cheap conditions hold."""
    answer: Callable[[Window, int, Known], Decision] = _KINDS[type(window.rule)]
    return answer(window, now, known)


def followed(rule: FirstSeen) -> str:
    """Key of the run that tells how long a first_seen rule has followed a subject."""
    return f"{rule.sight}/"


def seen(rule: FirstSeen, value: str) -> str:
    """Key of the run of one value of a first_seen rule."""
    return f"{rule.sight}/{value}"


def _threshold(window: Window, _now: int, _known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, Threshold)  # noqa: S101 - chosen by its type
    amount = window.amount
    why = short(window, rule.at_least)
    tone = "negative " if rule.of == "negative" else ""
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=f"{tone}{rule.count}",
        support=window.judged,
        bound=float(rule.at_least),
        beyond=amount / rule.at_least,
    )


def _share(window: Window, now: int, known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, Share)  # noqa: S101
    judged, negative = window.judged, window.negative
    rates = _rates(window, known) if rule.corrected else None
    share = corrected(negative, judged, rule.confidence, rates)
    why = short(window, 1)
    expected: float | None = None
    state: BaselineState = ""
    bound = rule.at_least or 0.0
    if why == "beyond" and rule.over_baseline is not None:
        found = known.profile(window.filter, _start(rule, now))
        expected, state = found.share, found.state(rule.window.seconds)
        bound = max(bound, min(expected * rule.over_baseline, 0.95))  # a multiple above 1 could never be reached
    if why == "beyond" and share.low < bound:
        why = "uncertain" if share.share >= bound else "below"
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=negative,
        observed=share.share,
        unit=f"negative share of {rule.count}",
        support=judged,
        expected=expected,
        low=share.low if judged else None,
        high=share.high if judged else None,
        bound=bound,
        beyond=share.low / bound if bound else 0.0,
        baseline=state,
        corrected=share.corrected,
    )


def _rates(window: Window, known: Known) -> Rates | None:
    """The rates of the models that judged what is in the window, weighed by how much each judged."""
    return mixed((known.rates.get(model), count) for model, count in sorted(window.models.items()))


@dataclass(frozen=True, slots=True)
class Usual:
    """What a surge is measured against at one moment: the count that is expected, and the least that rings."""

    mean: float
    size: float  # of the negative binomial
    bound: int
    state: BaselineState


def expectation(window: Window, now: int, known: Known) -> Usual:
    """The expectation of a surge rule for its window, whatever was counted in it."""
    rule = window.rule
    assert isinstance(rule, Surge)  # noqa: S101
    start = _start(rule, now)
    found = known.profile(window.filter, start)
    of = _column(rule.of)
    mean, size = beside(found.expected(of, start, now), found.size(of), rule.allowance)
    rarest = rule.p if rule.false_per_week is None else p_for(rule.false_per_week, rule.among, rule.window.seconds)
    state = found.state(rule.window.seconds)
    if state == "none":  # the prior speaks: what subjects of its kind have. A busy one is no news on the first day
        rarest *= COLD
    floor = max(rule.min_count * (1 if state == "seasonal" else 2), math.ceil(rule.min_ratio * mean))
    return Usual(mean, size, enough(floor, mean, size, rarest), state)


def _surge(window: Window, now: int, known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, Surge)  # noqa: S101
    amount, unit = window.amount, _stories(rule.of)
    why = short(window, math.ceil(rule.min_count * rule.clear_at))
    if why == "few_authors" and rule.unsigned_news == "story" and voices(window.counted()) >= rule.min_authors:
        why = "beyond"
    if why != "beyond":
        return Decision(False, why, amount, float(amount), unit, window.judged)
    against = expectation(window, now, known)
    if amount < against.bound:
        why = "usual" if against.state != "none" else "no_baseline"
    low, high = interval(against.mean, against.size)
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=unit,
        support=window.judged,
        expected=against.mean,
        low=float(low),
        high=float(high),
        p=tail(amount, against.mean, against.size),
        bound=float(against.bound),
        beyond=amount / against.bound,
        baseline=against.state,
    )


def _shift(window: Window, now: int, known: Known) -> Decision:
    """The sum runs over whole hours of the window; the hour that has just begun would look too quiet."""
    rule = window.rule
    assert isinstance(rule, Shift)  # noqa: S101
    amount, unit = window.amount, _stories(rule.of)
    why = short(window, math.ceil(rule.min_count * rule.clear_at))
    if why != "beyond":
        return Decision(False, why, amount, float(amount), unit, window.judged)
    start, last = _start(rule, now), now // HOUR
    found = known.profile(window.filter, start)
    first = start // HOUR + 1
    if window.summed is None or window.summed[:2] != (first, last):  # forgotten when an hour that is over changes
        of = _column(rule.of)
        counts = known.hourly(window.filter, of, first, last, window.gone)
        usual = found.by_hour(of, first, last)
        change = shift(counts, usual, found.size(of), rule.ratio)
        began = change.began_index
        window.summed = first, last, change.statistic, began, sum(counts[began:]), sum(usual[began:])
    _, _, statistic, began, amount, expected = window.summed
    state = found.state(rule.window.seconds)
    if state == "none":
        why = "no_baseline"
    elif statistic < rule.at_least or amount < rule.min_count:
        why = "usual"
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=f"{unit} since the level changed",
        support=window.judged,
        expected=expected,
        bound=rule.at_least,
        beyond=0.0 if why == "no_baseline" else statistic / rule.at_least,
        baseline=state,
        since=(first + began) * HOUR,
        until=last * HOUR,
    )


def _silence(window: Window, now: int, known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, Silence)  # noqa: S101
    amount = len(window.units)
    quiet = Decision(False, "usual", amount, float(amount), "stories", window.judged, bound=float(rule.at_most))
    if amount > rule.at_most:
        return quiet
    start = _start(rule, now)
    found = known.profile(window.filter, start)
    mean, size = found.expected(baseline.ALL, start, now), found.size(baseline.ALL)
    p = 1.0 - tail(amount + 1, mean, size)
    why: Why = "beyond"
    state = found.state(rule.window.seconds)
    if state != "seasonal":
        why = "no_baseline"
    elif mean < rule.min_expected or p > rule.p:
        why = "usual"
    low, high = interval(mean, size)
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit="stories",
        support=window.judged,
        expected=mean,
        low=float(low),
        high=float(high),
        p=p,
        bound=float(rule.at_most),
        beyond=mean / rule.min_expected if why == "beyond" else 0.0,
        baseline=state,
    )


def _first_seen(window: Window, now: int, known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, FirstSeen)  # noqa: S101
    unit = f"{'negative ' if rule.of == 'negative' else ''}{rule.count} of a {rule.what} not seen before"
    why = short(window, rule.at_least)
    since = known.run(followed(rule))
    if why == "beyond" and (since is None or now - since[0] < rule.learn.seconds * SECOND):
        why = "learning"
    if why != "beyond":
        return Decision(False, why, 0, 0.0, unit, window.judged, bound=float(rule.at_least))
    found: dict[str, list[Entry]] = {name: [] for name in known.new(seen(rule, ""), _start(rule, now)) if name}
    for entry in window.counted() if found else ():
        if (name := window.value(entry)) in found:
            found[name].append(entry)
    units = {name: len({window.key(e) for e in entries}) for name, entries in found.items()}
    value = min(units, key=lambda name: (-units[name], name), default="")
    behind, amount = found.get(value, []), units.get(value, 0)
    if amount < rule.at_least:
        why = "below" if amount else "known"
    else:
        why = lacking(behind, rule.min_sources, rule.min_authors) or "beyond"
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=amount,
        observed=float(amount),
        unit=unit,
        support=window.judged,
        bound=float(rule.at_least),
        beyond=amount / rule.at_least,
        value=value,
    )


def _coordination(window: Window, _now: int, _known: Known) -> Decision:
    rule = window.rule
    assert isinstance(rule, Coordination)  # noqa: S101
    unit = "copies of one story"
    why = short(window, 1)
    most = max((each.documents for each in window.units.values()), default=0)
    if why == "beyond" and most < rule.at_least:
        why = "below"
    if why != "beyond":
        return Decision(False, why, most, float(most), unit, window.judged, bound=float(rule.at_least))
    told: dict[str, list[Entry]] = defaultdict(list)
    for entry in window.counted():
        told[entry.story].append(entry)
    few = {
        story: len({e.person for e in entries}) <= rule.max_author_share * len(entries)
        for story, entries in told.items()
    }
    # Of the stories told often by few the largest; without one, the largest of all, to say why not.
    story = min(told, key=lambda s: (not (few[s] and len(told[s]) >= rule.at_least), -len(told[s]), s))
    copies = told[story]
    if len(copies) < rule.at_least:
        why = "below"
    elif not few[story]:
        why = "many_authors"
    else:
        why = lacking(copies, rule.min_sources, rule.min_authors) or "beyond"
    return Decision(
        holds=why == "beyond",
        why=why,
        amount=len(copies),
        observed=float(len(copies)),
        unit=unit,
        support=window.judged,
        bound=float(rule.at_least),
        beyond=len(copies) / rule.at_least if few[story] else 0.0,
        story=story,
    )


_KINDS: Final[Mapping[type, Callable[[Window, int, Known], Decision]]] = {
    Threshold: _threshold,
    Share: _share,
    Surge: _surge,
    Shift: _shift,
    Silence: _silence,
    FirstSeen: _first_seen,
    Coordination: _coordination,
    Spike: comparisons.spike,
    Deviation: comparisons.deviation,
}


def _start(rule: Leaf, now: int) -> int:
    return now - rule.window.seconds * SECOND


def _stories(of: str) -> str:
    return "stories" if of == "all" else "negative stories"


def _column(of: str) -> int:
    return baseline.ALL if of == "all" else baseline.NEGATIVE


def beside(mean: float, size: float, allowance: float) -> tuple[float, float]:
    """Mean and size of a negative binomial and of `allowance` more that come one by one (Poisson), together: those of
    the negative binomial with the mean and the variance of their sum."""
    whole = mean + allowance
    return whole, size * (whole / mean) ** 2


def enough(floor: int, mean: float, size: float, p: float) -> int:
    """The smallest count, from `floor` on, whose tail probability is no more than `p`."""
    count = max(floor, 1)
    left = tail(count, mean, size)
    if left <= p:
        return count
    # From each count to the next the tail loses one term: near enough, and the tail itself has the last word.
    for each in terms(count, mean, size):
        left -= each
        count += 1
        if left <= p or each < p * 1e-6:
            break
    while tail(count, mean, size) > p:
        count += 1
    while count > max(floor, 1) and tail(count - 1, mean, size) <= p:
        count -= 1
    return count
