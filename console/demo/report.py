"""The result of a run as data: one JSON object, made of facts, checks and timings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from console.demo.receiver import Delivery
from console.demo.verdict import Check, Facts, Ring
from streams.records import AlertEvent


def report(
    day: date,
    namespace: str,
    facts: Facts,
    checks: Sequence[Check],
    rings: Sequence[Ring],
    timings: Mapping[str, float],
) -> dict[str, Any]:
    """Everything the run showed. `ok` is what the exit code says."""
    heard = {str(d.alert.get("id")): d for d in facts.deliveries}
    return {
        "demo": True,
        "ok": all(check.ok for check in checks),
        "day": day.isoformat(),
        "namespace": namespace,
        "seconds": {name: round(value, 1) for name, value in timings.items()},
        "balance": facts.balance.as_dict(),
        "unjudged": facts.balance.unjudged,
        "stale": facts.stale,
        "companies": {ring.company: _ring(ring) for ring in rings},
        "alerts": [_event(event, heard.get(event.id)) for event in facts.events],
        "webhooks": {"verified": len(facts.deliveries), "refused": facts.refused},
        "personal_data_found": list(facts.leaks),
        "checks": [{"name": check.name, "ok": check.ok, **check.values} for check in checks],
    }


def _ring(ring: Ring) -> dict[str, Any]:
    return {
        "must_ring": ring.must,
        "because": dict(ring.why),
        "rang_at": _iso(ring.fired),
        "resolved_at": _iso(ring.resolved),
        "ok": ring.ok,
    }


def _event(event: AlertEvent, delivery: Delivery | None) -> dict[str, Any]:
    """An alert event with what the receiver got."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    return data | {"webhook_id": delivery.id if delivery else None}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
