"""What each kind of rule says about its window, in words: its condition, its severity, the history it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from alerts.baseline import CERTAIN_WINDOWS
from alerts.detect import COLD
from alerts.false_alarms import p_for
from alerts.rules import (
    Coordination,
    Deviation,
    Duration,
    FirstSeen,
    Leaf,
    Share,
    Shift,
    Silence,
    Spike,
    Surge,
    Threshold,
)
from console.rule_phrases import amount, least, most, number, odds, percent, word


def condition(leaf: Leaf) -> str:
    """The condition of one window, without what keeps it quiet."""
    told = _CONDITIONS[type(leaf)]
    return told(leaf)


def _threshold(leaf: Threshold) -> str:
    return word("begins.threshold", amount=_amount(leaf, leaf.at_least), window=leaf.window)


def _share(leaf: Share) -> str:
    values = {} if leaf.at_least is None else {"least": percent(leaf.at_least)}
    values |= {} if leaf.over_baseline is None else {"over": number(leaf.over_baseline)}
    bound = word(f"begins.share_{'both' if len(values) > 1 else next(iter(values))}", **values)
    counted = word(f"unit.judged.{leaf.count}")
    confidence = percent(leaf.confidence)
    return word("begins.share", confidence=confidence, bound=bound, counted=counted, window=leaf.window)


def _surge(leaf: Surge) -> str:
    values = {
        "unit": word(f"unit.{leaf.of}.stories"),
        "window": word("or").join(str(each.window) for each in leaf.lengths),
        "amount": _amount(leaf, leaf.min_count),
        "ratio": number(leaf.min_ratio),
    }
    if leaf.false_per_week is None:
        said = word("begins.surge", p=odds(leaf.p), **values)
    else:
        p = p_for(cast(float, leaf.lengths[0].false_per_week), leaf.among, leaf.window.seconds)
        budget = number(leaf.false_per_week)
        said = word("begins.surge_budget", p=odds(p), among=leaf.among, budget=budget, **values)
    if leaf.also:
        said = word("gap").join((said, word("begins.surge_lengths")))
    if leaf.allowance:
        said = word("gap").join((said, word("begins.surge_allowance", allowance=number(leaf.allowance))))
    return said


def _shift(leaf: Shift) -> str:
    return word(
        "begins.shift",
        unit=word(f"unit.{leaf.of}.stories"),
        window=leaf.window,
        ratio=number(leaf.ratio),
        sum=number(leaf.at_least),
        amount=_amount(leaf, leaf.min_count),
    )


def _silence(leaf: Silence) -> str:
    values = {"window": leaf.window, "expected": number(leaf.min_expected), "p": odds(leaf.p)}
    if not leaf.at_most:
        return word("begins.silence", **values)
    return word("begins.silence_most", most=leaf.at_most, **values)


def _first_seen(leaf: FirstSeen) -> str:
    found, what = _amount(leaf, leaf.at_least), word(f"what.{leaf.what}")
    return word("begins.first_seen", amount=found, window=leaf.window, what=what, memory=leaf.memory)


def _coordination(leaf: Coordination) -> str:
    return word(
        "begins.coordination",
        tone=word(f"tone.{leaf.of}"),
        least=leaf.at_least,
        window=leaf.window,
        share=percent(leaf.max_author_share),
        few=most(leaf.at_least * leaf.max_author_share),
    )


def _spike(leaf: Spike) -> str:
    said = word(
        "begins.spike",
        amount=_amount(leaf, leaf.min_count),
        window=leaf.window,
        ratio=number(leaf.ratio),
        reference=Duration(leaf.before),
    )
    if not leaf.min_reference:
        return said
    return word("gap").join((said, word("begins.spike_reference", amount=_amount(leaf, leaf.min_reference))))


def _deviation(leaf: Deviation) -> str:
    return word(
        "begins.deviation_apart" if leaf.apart else "begins.deviation",
        amount=_amount(leaf, leaf.min_count),
        window=leaf.window,
        k=number(leaf.k),
        reference=leaf.reference,
    )


_CONDITIONS: Final[Mapping[type, Callable[[Any], str]]] = {
    Threshold: _threshold,
    Share: _share,
    Surge: _surge,
    Shift: _shift,
    Silence: _silence,
    FirstSeen: _first_seen,
    Coordination: _coordination,
    Spike: _spike,
    Deviation: _deviation,
}


def reached(leaf: Leaf, at: float) -> str:
    """The figure at which a window is `at` times beyond its bound; empty where no figure can be."""
    match leaf:
        case Share(at_least=None, over_baseline=over):
            return word("severity.share_over", over=number(at * cast(float, over)))
        case Share(at_least=bound, over_baseline=over):
            share = at * cast(float, bound)
            key = "severity.share" if over else "severity.share_least"
            return word(key, share=percent(share)) if share < 1.0 else ""
        case Shift():
            return word("severity.shift", sum=number(at * leaf.at_least))
        case Silence():
            return word("severity.silence", expected=number(at * leaf.min_expected))
        case Coordination():
            return word("severity.coordination", count=least(at * leaf.at_least))
        case Surge():
            return word("severity.surge", amount=_amount(leaf, least(at * leaf.min_count)))
        case Spike() | Deviation():
            return word("severity.compared", amount=_amount(leaf, least(at * leaf.min_count)))
    return word(f"severity.{leaf.type}", amount=_amount(leaf, least(at * leaf.at_least)))


def history(leaf: Leaf) -> Iterator[str]:
    """What it must know of the past."""
    match leaf:
        case Surge():
            yield word("needs.surge", amount=_amount(leaf, 2 * leaf.min_count), cold=number(1 / COLD))
        case Share(over_baseline=float()):
            yield word("needs.share")
        case Shift():
            yield word("needs.shift", time=Duration(CERTAIN_WINDOWS * leaf.window.seconds))
        case Silence():
            yield word("needs.silence")
        case FirstSeen():
            yield word("needs.first_seen", time=leaf.learn)
        case Spike() | Deviation() if leaf.learn.seconds:
            yield word("needs.learn", time=leaf.learn)
        case Spike(min_reference=0) | Deviation():
            yield word("needs.compared")


def of_negative(leaf: Leaf) -> bool:
    """Whether it counts what is negative."""
    return not isinstance(leaf, Silence) and getattr(leaf, "of", "negative") == "negative"


def _amount(leaf: Leaf, count: int) -> str:
    return amount(getattr(leaf, "of", "negative"), leaf.count, count)
