"""Invented alerts, complete in every field, to see what a receiver would see: `tocsin alerts preview` and tests.

Companies, sources and headlines are made up; every event is marked as demo unless the caller wants it plain.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alerts.delivery.channel import Message, Why
from streams.records import AlertEvent, Condition, Counterfactual, Evidence, digest

NOON: Final = datetime(2026, 3, 2, 4, 12, tzinfo=UTC)  # a Monday: 12:12 in Shanghai
LADDER: Final = {"warning": 1.0, "critical": 2.5}
TOLD: Final[dict[str, Why]] = {"storm": "more", "resolved": "resolved", "amended": "amended"}


def sample_events(demo: bool = True) -> dict[str, tuple[AlertEvent, ...]]:
    """By name, the events of one message each; those of the storm are grouped."""
    return {
        "firing": (_firing(demo),),
        "share": (_share(demo),),
        "storm": _storm(demo),
        "resolved": (_resolved(demo),),
        "amended": (_amended(demo),),
        "composed": (_composed(demo),),
        "silence": (_silence(demo),),
        "system": (_system(demo),),
    }


def sample_messages(demo: bool = True) -> dict[str, Message]:
    """The same as messages, with links and with something suppressed, by the same names."""
    return {name: _message(name, events) for name, events in sample_events(demo).items()}


def _message(name: str, events: tuple[AlertEvent, ...]) -> Message:
    address = "https://tocsin.example/act/"
    return Message(
        id=f"sample_{name}",
        at=max(event.at for event in events) + timedelta(seconds=30),
        why=TOLD.get(name, "first"),
        events=events,
        group={"rule": events[0].rule} if len(events) > 1 else {},
        suppressed=37 if name in ("firing", "storm") else 0,
        suppressed_since=NOON - timedelta(hours=2, minutes=10) if name in ("firing", "storm") else None,
        links={
            e.alert: {
                "show": f"{address}show-{e.alert[:12]}",
                "acknowledge": f"{address}ack-{e.alert[:12]}",
                "silence": f"{address}silence-{e.alert[:12]}",
                "wrong": f"{address}wrong-{e.alert[:12]}",
            }
            for e in events
        },
    )


def _event(rule: str, subject: str, name: str, sequence: int = 0, **fields: Any) -> AlertEvent:
    alert = digest("sample", rule, subject)
    given: dict[str, Any] = {
        "id": f"{alert}.{sequence}",
        "alert": alert,
        "sequence": sequence,
        "state": "firing",
        "reason": "held",
        "rule": rule,
        "rule_hash": digest("sample", rule)[:16],
        "severity": "warning",
        "subject": subject,
        "name": name,
        "at": NOON,
        "since": NOON - timedelta(minutes=5),
        "window_seconds": 7200,
        "expected": None,
        "low": None,
        "high": None,
        "p_value": None,
        "models": ("opinion-en@1-ef43e735", "opinion-zh@1-0b7d3a52"),
        "labels": {"desk": "risk", "baseline": "seasonal"},
        "ladder": LADDER,
    }
    return AlertEvent(**(given | fields))


def _evidence(source: str, headline: str, *words: str, **fields: Any) -> Evidence:
    document = digest("sample", headline)
    given: dict[str, Any] = {
        "document": document,
        "headline": headline,
        "url": f"https://{source}.example/{document[:8]}",
        "source": source,
        "collected_at": NOON - timedelta(minutes=40),
        "first_seen": NOON - timedelta(minutes=40),
        "last_seen": NOON - timedelta(minutes=6),
        "highlights": tuple(sorted((headline.index(word), headline.index(word) + len(word)) for word in words)),
    }
    return Evidence(**(given | fields))


def _recall() -> tuple[Evidence, ...]:
    return (
        _evidence(
            "harbourwire",
            "Corvane recalls 40,000 heaters over a fire risk",
            "recalls",
            "fire",
            negative=0.97,
            copies=11,
            authors=6,
            sources=4,
            share=0.46,
            risk="product_safety",
        ),
        _evidence(
            "caibao-flash",
            "远岭旗下科凡取暖器被曝起火，消费者集体要求退款",
            "起火",
            "退款",
            negative=0.94,
            copies=7,
            authors=5,
            sources=3,
            share=0.29,
            risk="consumer_backlash",
        ),
        _evidence(
            "streetboard",
            "Second $CRVN heater fire in a week, nobody answers the hotline",
            "fire",
            negative=0.88,
            copies=3,
            authors=3,
            sources=1,
            share=0.13,
            risk="accident",
        ),
        _evidence(
            "harbourwire",
            "Regulator asks Corvane for its test records",
            "Regulator",
            negative=0.71,
            copies=2,
            authors=2,
            sources=2,
            share=0.08,
            risk="regulatory_action",
        ),
    )


def _firing(demo: bool, **changes: Any) -> AlertEvent:
    told = _recall()
    fields: dict[str, Any] = {
        "kind": "surge",
        "severity": "critical",
        "observed": 24.0,
        "expected": 2.1,
        "low": 0.0,
        "high": 7.0,
        "unit": "negative stories",
        "p_value": 3.2e-7,
        "support": 31,
        "documents": 40,
        "stories": 24,
        "sources": 9,
        "authors": 17,
        "evidence": told,
        "bound": 9.0,
        "beyond": 24 / 9,
        "stale": 3,
        "unknown_dates": 2,
        "unjudged": 5,
        "risks": {"product_safety": 21, "consumer_backlash": 12, "accident": 4, "regulatory_action": 2, "none": 1},
        "counterfactual": Counterfactual(stops=False, documents=tuple(e.document for e in told), observed=20.0),
        "annotations": {"runbook": "https://desk.example/runbooks/recall"},
        "demo": demo,
    }
    return _event("entity-negative-surge", "entity:CRVN", "Corvane", **(fields | changes))


def _share(demo: bool) -> AlertEvent:
    told = _recall()[1:]
    return _event(
        "entity-negative-share",
        "entity:301999.SZ",
        "远岭生物",
        kind="share",
        observed=0.62,
        expected=0.21,
        low=0.48,
        high=0.74,
        unit="negative share of stories",
        support=42,
        documents=51,
        stories=26,
        sources=5,
        authors=19,
        window_seconds=21_600,
        evidence=told,
        bound=0.315,
        beyond=0.48 / 0.315,
        ladder={"warning": 1.0, "critical": 2.0},
        corrected=True,
        labels={"desk": "risk", "baseline": "warming"},
        risks={"consumer_backlash": 19, "product_safety": 7},
        counterfactual=Counterfactual(stops=True, documents=(told[0].document,), observed=0.41),
        demo=demo,
    )


def _storm(demo: bool) -> tuple[AlertEvent, ...]:
    names = ("Corvane", "禾川控股", "Tessquill Bank", "Ostrevane Motors", "岫澜新能源", "Skarnholt Shipping")
    found = [
        _event(
            "entity-negative-surge",
            f"entity:demo-{n}",
            name if n < len(names) else f"{name} {n // len(names) + 1}",
            kind="surge",
            severity="critical" if n < 5 else "warning",
            observed=float(30 - n),
            expected=2.5,
            low=0.0,
            high=7.0,
            unit="negative stories",
            p_value=1e-6,
            support=34 - n,
            documents=60 - 2 * n,
            stories=30 - n,
            sources=6,
            authors=14,
            bound=11.0,
            beyond=(30 - n) / 11,
            evidence=(_recall()[n % 4],),
            risks={"default_liquidity": 30 - n},
            demo=demo,
        )
        for n, name in enumerate(names * 4)
    ]
    return tuple(found)


def _resolved(demo: bool) -> AlertEvent:
    return _firing(
        demo,
        sequence=3,
        state="resolved",
        reason="ended",
        at=NOON + timedelta(hours=3),
        observed=2.0,
        p_value=None,
        support=14,
        documents=2,
        stories=2,
        sources=2,
        authors=2,
        beyond=2 / 9,
        evidence=_recall()[3:],
        risks={"regulatory_action": 2},
        counterfactual=None,
        stale=0,
        unknown_dates=0,
        unjudged=0,
    )


def _amended(demo: bool) -> AlertEvent:
    told = _recall()[:2]
    return _firing(
        demo,
        sequence=2,
        state="amended",
        reason="revised",
        severity="critical",
        at=NOON + timedelta(minutes=20),
        observed=13.0,
        p_value=2.4e-4,
        support=20,
        documents=21,
        stories=13,
        sources=6,
        authors=11,
        beyond=13 / 9,
        evidence=told,
        counterfactual=Counterfactual(stops=True, documents=tuple(e.document for e in told), observed=7.0),
    )


def _composed(demo: bool) -> AlertEvent:
    return _firing(
        demo,
        kind="all",
        rule="anger-and-halt",
        ladder={"critical": 1.0},
        bound=9.0,
        beyond=1.25,
        conditions=(
            Condition(
                type="surge", holds=True, why="beyond", observed=24.0, unit="negative stories", window_seconds=7200
            ),
            Condition(
                type="first_seen",
                holds=True,
                why="beyond",
                observed=3.0,
                unit="negative stories of a risk not seen before",
                window_seconds=86_400,
            ),
            Condition(
                type="coordination",
                holds=False,
                why="many_authors",
                observed=11.0,
                unit="copies of one story",
                window_seconds=3600,
            ),
        ),
        annotations={"summary": "Corvane: more bad news than usual, and of a kind it did not have before."},
    )


def _silence(demo: bool) -> AlertEvent:
    return _event(
        "source-silent",
        "source:harbourwire",
        "harbourwire",
        kind="silence",
        observed=0.0,
        expected=12.4,
        low=5.0,
        high=22.0,
        unit="stories",
        p_value=6e-5,
        support=0,
        documents=0,
        stories=0,
        sources=0,
        authors=0,
        window_seconds=21_600,
        bound=0.0,
        beyond=2.48,
        evidence=(),
        models=(),
        demo=demo,
    )


def _system(demo: bool) -> AlertEvent:
    return _event(
        "tocsin-lag",
        "system:lag/enrich",
        "enrich",
        kind="system",
        severity="critical",
        observed=742.0,
        unit="seconds",
        support=0,
        documents=0,
        stories=0,
        sources=0,
        authors=0,
        window_seconds=0,
        evidence=(),
        models=(),
        labels={},
        ladder={},
        annotations={
            "en": "The worker enrich is 742 seconds behind: what happened since then has not been judged.",
            "zh": "enrich 处理进程落后 742 秒：此后的内容尚未判读。",
            "fix_en": "See `tocsin status`; start a second worker with `tocsin worker enrich`.",
            "fix_zh": "查看 `tocsin status`；用 `tocsin worker enrich` 再启动一个进程。",
        },
        demo=demo,
    )
