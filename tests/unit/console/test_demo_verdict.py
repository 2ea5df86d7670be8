"""The demo's verdict: every wrong is found, and only wrongs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec.structs
import pytest

from console.demo.compose import clock
from console.demo.contents import manifest
from console.demo.receiver import Delivery
from console.demo.report import report
from console.demo.texts import companies
from console.demo.verdict import Facts, checks, rings
from streams.balance import Difference, Result
from streams.records import AlertEvent, State

DAY = date(2026, 1, 15)
STATED = manifest()
TIMES = {"quenlith": ("11:44", "14:30"), "ostrevane": ("15:41", "17:30")}


def event(key: str, state: State, at: str, sequence: int) -> AlertEvent:
    """One step of an alert about a company."""
    number = f"{sorted(companies()).index(key):032x}"
    return AlertEvent(
        id=f"{number}.{sequence}",
        alert=number,
        sequence=sequence,
        state=state,
        reason="",
        rule="demo-negative-surge",
        rule_hash="",
        severity="critical",
        subject=f"entity:demo-{key}",
        name=key,
        at=clock(DAY, at),
        since=clock(DAY, at),
        window_seconds=1800,
        observed=8,
        expected=0.1,
        low=None,
        high=None,
        unit="negative stories",
        p_value=None,
        support=9,
        documents=9,
        stories=8,
        sources=4,
        authors=7,
        evidence=(),
        models=(),
        labels={},
        demo=True,
    )


def delivery(step: AlertEvent) -> Delivery:
    """The notification of a step."""
    return Delivery(f"msg_{step.id}", {"data": {"id": step.id, "state": step.state}})


RIGHT = [
    step
    for key, (fired, over) in TIMES.items()
    for step in (event(key, "firing", fired, 0), event(key, "updated", fired, 1), event(key, "resolved", over, 2))
]
BALANCE = Result(
    received=STATED["lines"],
    indexed=STATED["documents"],
    duplicates=STATED["duplicates"],
    rejected=dict(STATED["rejected"]),
    expired=0,
    retried=0,
    unjudged=330,
    ticks=1,
    missing=Difference(),
    unexpected=Difference(),
    doubled=Difference(),
    unread=Difference(),
)
GOOD = Facts(
    lines=STATED["lines"],
    balance=BALANCE,
    marked=STATED["documents"],
    stale=STATED["parts"]["stale"],
    events=RIGHT,
    deliveries=[delivery(step) for step in RIGHT if step.state != "updated"],
    refused=0,
)
FALSE = event("jorvanta", "firing", "10:50", 0)
MORE = STATED["rejected"] | {"bad_json": STATED["rejected"]["bad_json"] + 1}


def wrongs(facts: Facts) -> set[str]:
    """Names of the checks that fail."""
    return {check.name for check in checks(STATED, companies(), facts, DAY) if not check.ok}


def test_a_right_run_passes_every_check() -> None:
    """Nothing is wrong when everything came as stated."""
    assert not wrongs(GOOD)


def without(*ids: str) -> list[AlertEvent]:
    """The right events but some."""
    return [step for step in RIGHT if step.id not in ids]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"lines": STATED["lines"] + 1}, {"balance"}),
        ({"balance": replace(BALANCE, missing=Difference(1, ("x",)))}, {"balance"}),
        ({"balance": replace(BALANCE, duplicates=29, received=BALANCE.received - 1)}, {"balance", "documents"}),
        ({"balance": replace(BALANCE, rejected=MORE, indexed=1723)}, {"documents", "reasons", "marked"}),
        ({"events": without(RIGHT[0].id), "deliveries": GOOD.deliveries}, {"rang"}),
        ({"events": without(RIGHT[2].id)}, {"rang"}),
        ({"events": [*RIGHT, FALSE]}, {"silent", "webhooks"}),
        ({"events": [*RIGHT, msgspec.structs.replace(FALSE, subject="entity:XYZ")]}, {"silent", "webhooks"}),
        ({"events": [*RIGHT, msgspec.structs.replace(FALSE, state="pending", demo=False)]}, {"marked"}),
        ({"deliveries": GOOD.deliveries[1:]}, {"webhooks"}),
        ({"deliveries": []}, {"webhooks"}),
        ({"refused": 1}, {"webhooks"}),
        ({"leaks": ["phone in x/1"]}, {"personal"}),
        ({"marked": 1723}, {"marked"}),
        ({"stale": 0}, {"stale"}),
    ],
)  # fmt: skip
def test_each_wrong_is_found(changes: dict[str, Any], wrong: set[str]) -> None:
    """A run that differs in one thing fails the checks about that thing and no others."""
    assert wrongs(replace(GOOD, **changes)) == wrong


@pytest.mark.parametrize(("at", "ok"), [("11:19", False), ("11:21", True), ("12:30", True), ("12:31", False)])
def test_a_bell_too_early_or_too_late_is_wrong(at: str, ok: bool) -> None:
    """A company must ring between the beginning of its crisis and the stated time."""
    events = [event("quenlith", "firing", at, 0), event("quenlith", "resolved", "14:00", 1)]
    (ring,) = [r for r in rings(STATED, companies(), events, DAY) if r.company == "quenlith"]
    assert ring.ok is ok


def test_an_alert_that_never_ends_is_wrong() -> None:
    """A second alert that still fires at the end of the day is found, whatever came of the first."""
    again = msgspec.structs.replace(event("quenlith", "firing", "15:00", 0), alert="f" * 32, id="f.0")
    (ring,) = [r for r in rings(STATED, companies(), [*RIGHT, again], DAY) if r.company == "quenlith"]
    assert ring.fired == clock(DAY, "11:44")
    assert ring.resolved is None


def test_report_is_plain_data_and_says_whether_all_is_well() -> None:
    """The JSON object can be written, names every company, and is not ok when one check fails."""
    answers = rings(STATED, companies(), RIGHT, DAY)
    good = report(DAY, "demo-1", GOOD, checks(STATED, companies(), GOOD, DAY), answers, {"day": 1.234})
    assert json.loads(json.dumps(good)).keys() == good.keys()
    assert good["ok"]
    assert good["demo"]
    assert good["seconds"] == {"day": 1.2}
    assert set(good["companies"]) == set(companies())
    assert good["companies"]["quenlith"]["rang_at"] == datetime(2026, 1, 15, 11, 44, tzinfo=UTC).isoformat()
    bad = replace(GOOD, refused=2)
    assert not report(DAY, "demo-1", bad, checks(STATED, companies(), bad, DAY), answers, {})["ok"]
