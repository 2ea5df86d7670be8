"""No number is made up."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.delivery.phrases import percent
from alerts.delivery.render import Lang, card, lock_screen, mail
from models.labels import RISKS
from streams.records import AlertEvent, Counterfactual
from tests.ringing import event, evidence
from tests.unit.alerts.reading import BOTH, message, words

NUMBER = re.compile(r"(?<![A-Za-z0-9.])([<>]?)(\d[\d,]*(?:\.\d+)?)(%?)")
FIGURE = st.integers(0, 5000).map(float) | st.floats(0, 5000, allow_nan=False)
COUNT = st.integers(0, 20_000)
SHARE = st.floats(0, 1)


@st.composite
def figures(draw: Callable[..., Any]) -> AlertEvent:
    """An event whose every number is drawn and whose words hold none."""
    told = tuple(
        evidence(
            n,
            headline="pump recalled",
            copies=draw(st.integers(1, 500)),
            authors=draw(st.integers(1, 500)),
            sources=draw(COUNT),
            share=draw(SHARE),
            negative=draw(SHARE),
            url="",
        )
        for n in range(draw(st.integers(0, 5)))
    )
    share = draw(st.booleans())
    value = SHARE if share else FIGURE
    return event(
        draw(st.integers(0, 50)),
        draw(st.sampled_from(["firing", "amended", "resolved"])),
        alert="a" * 32,
        rule_hash="abcdefab",
        unit="negative share of stories" if share else "negative stories",
        models=("opinion",),
        observed=draw(value),
        expected=draw(st.none() | value),
        low=draw(st.none() | value),
        high=draw(st.none() | value),
        p_value=draw(st.none() | st.floats(1e-12, 1)),
        support=draw(COUNT),
        documents=draw(COUNT),
        stories=draw(COUNT),
        sources=draw(COUNT),
        authors=draw(COUNT),
        window_seconds=draw(st.sampled_from([60, 90, 1800, 7200, 86_400, 604_800])),
        bound=draw(st.none() | value),
        beyond=draw(st.floats(0, 100)),
        ladder={"warning": 1.0, "critical": draw(st.sampled_from([1.5, 2.5, 40.0]))},
        stale=draw(COUNT),
        unknown_dates=draw(COUNT),
        unjudged=draw(COUNT),
        risks={risk: draw(COUNT) for risk in draw(st.sets(st.sampled_from(RISKS)))},
        evidence=told,
        counterfactual=draw(
            st.none()
            | st.builds(
                Counterfactual,
                stops=st.booleans(),
                documents=st.just(tuple(e.document for e in told[:2])),
                observed=value,
            )
        ),
    )


def _known(of: AlertEvent) -> list[float]:
    """Every number that a message about this event may show."""
    found: list[float | None] = [of.observed, of.expected, of.low, of.high, of.bound, of.beyond, of.sequence + 1]
    found.append(math.floor(of.beyond * 100) / 100)  # just below a step of the severity it is rounded down
    found += [of.support, of.documents, of.stories, of.sources, of.authors, of.stale, of.unknown_dates, of.unjudged]
    found += [*of.ladder.values(), *of.risks.values()]
    found.append(sum(count > 0 for risk, count in of.risks.items() if risk != "none") - 5)
    found += [of.window_seconds / size for size in (60, 3600, 86_400)]
    for position, told in enumerate(of.evidence, 1):
        found += [position, told.copies, told.authors, told.sources, told.share, told.negative]
    if of.counterfactual is not None:
        found += [of.counterfactual.observed, len(of.counterfactual.documents)]
    return [float(value) for value in found if value is not None]


@given(of=figures(), lang=st.sampled_from(BOTH))
@settings(max_examples=200)
def test_no_number_is_made_up(of: AlertEvent, lang: Lang) -> None:
    """Each number in card, mail and lock screen is one of the event, rounded; times are times of the event."""
    told = message(of)
    text = "\n".join([words(card(told, lang)), mail(told, lang).text, lock_screen(told, lang)])
    times = {f"{at:%H:%M}" for at in (of.at, of.since, *(e.collected_at for e in of.evidence))}
    assert set(re.findall(r"\d\d:\d\d", text)) <= times
    known = _known(of)
    for sign, shown, share in NUMBER.findall(re.sub(r"\d\d:\d\d", "", text)):
        value = float(shown.replace(",", "")) / (100 if share else 1)
        decimals = len(shown.partition(".")[2]) + (2 if share else 0)
        near = 10.0**-decimals * 0.501
        odds = of.p_value is not None and (
            abs(1 / of.p_value - value) <= max(0.51, 0.06 * value) or (sign == ">" and 1 / of.p_value > value)
        )
        small = sign == "<" and any(0 < number < value for number in known)
        large = sign == ">" and share and any(value < number < 1 for number in known)
        assert odds or small or large or any(abs(number - value) <= near for number in known), (shown, text)


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0%"), (0.0001, "<0.1%"), (0.004, "0.4%"), (0.41, "41%"), (0.996, "99.6%"), (0.9999, ">99.9%"), (1, "100%")],
)
def test_neither_a_little_nor_nearly_all_reads_as_none_or_all(share: float, shown: str) -> None:
    """Whoever reads 0 % or 100 % may take it at its word."""
    assert percent(share) == shown
