"""Whether the demo did what the day's manifest says it must. Pure: facts in, answers with figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from console.demo.compose import clock
from console.demo.receiver import Delivery
from console.demo.texts import Company
from streams.balance import Result
from streams.records import AlertEvent

PREFIX: Final = "entity:"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the run left behind."""

    lines: int  # sent in, broken ones included
    balance: Result
    marked: int  # documents in Elasticsearch that are marked as demo data
    stale: int
    events: Sequence[AlertEvent]
    deliveries: Sequence[Delivery]  # verified ones
    refused: int  # deliveries whose signature did not match
    leaks: Sequence[str] = ()  # where planted personal data was found, by kind and place; never the value


@dataclass(frozen=True, slots=True)
class Check:
    """One question about the run. `values` fill the sentence `demo.check.<name>`."""

    name: str
    ok: bool
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ring:
    """What became of one company: when it rang and when that was over, if it did."""

    company: str  # key
    must: bool
    why: Mapping[str, str]  # by language
    fired: datetime | None
    resolved: datetime | None
    in_time: bool

    @property
    def ok(self) -> bool:
        """Whether it rang in time and ended, or stayed silent, as it must."""
        return (self.in_time and self.resolved is not None) if self.must else self.fired is None


def subject(company: Company) -> str:
    """The subject of a company's mentions and alerts."""
    return f"{PREFIX}{company.id}"


def rings(
    manifest: Mapping[str, Any], companies: Mapping[str, Company], events: Sequence[AlertEvent], day: date
) -> list[Ring]:
    """One answer per company, those that must ring first."""
    found = []
    for key, stated in manifest["must_ring"].items():
        fired, resolved = _episode(events, subject(companies[key]))
        begins, by = clock(day, stated["begins"]), clock(day, stated["rings_by"])
        in_time = fired is not None and begins <= fired <= by
        found.append(Ring(key, True, stated["why"], fired, resolved, in_time))
    for key, why in manifest["must_not_ring"].items():
        fired, resolved = _episode(events, subject(companies[key]))
        found.append(Ring(key, False, why, fired, resolved, False))
    return found


def _episode(events: Sequence[AlertEvent], name: str) -> tuple[datetime | None, datetime | None]:
    """The first firing about a subject, and the end of its last alert; None while one is still firing."""
    mine = [e for e in events if e.subject == name]
    fired = min((e.at for e in mine if e.state == "firing"), default=None)
    rang = {e.alert for e in mine if e.state == "firing"}
    over = {e.alert: e.at for e in mine if e.state == "resolved"}
    resolved = max(over.values()) if rang and rang <= over.keys() else None
    return fired, resolved


def checks(manifest: Mapping[str, Any], companies: Mapping[str, Company], facts: Facts, day: date) -> list[Check]:
    """Every question the demo answers about itself."""
    balance = facts.balance
    known = {subject(company) for company in companies.values()}
    fired = {e.subject for e in facts.events if e.state == "firing"}
    answers = rings(manifest, companies, facts.events, day)
    heard = {str(d.alert.get("id")) for d in facts.deliveries}
    missing = unheard(facts.events, heard)
    right_rings = [r for r in answers if r.must and r.ok]
    right_silence = [r for r in answers if not r.must and r.ok]
    return [
        Check(
            "balance",
            balance.ok and balance.received == facts.lines,
            {
                "received": balance.received,
                "indexed": balance.indexed,
                "duplicates": balance.duplicates,
                "rejected": sum(balance.rejected.values()),
            },
        ),
        Check(
            "documents",
            (balance.indexed, balance.duplicates) == (manifest["documents"], manifest["duplicates"]),
            {"documents": manifest["documents"], "duplicates": manifest["duplicates"]},
        ),
        Check("reasons", balance.rejected == manifest["rejected"], {"reasons": reasons(balance.rejected)}),
        Check("rang", len(right_rings) == len(manifest["must_ring"]), {"count": len(right_rings)}),
        Check(
            "silent",
            len(right_silence) == len(manifest["must_not_ring"]) and fired <= known,
            {"count": len(right_silence)},
        ),
        Check(
            "webhooks",
            not missing and not facts.refused and bool(heard),
            {"heard": len(heard), "missing": len(missing), "refused": facts.refused},
        ),
        Check(
            "personal",
            not facts.leaks,
            {"planted": sum(manifest["planted"].values()), "found": len(facts.leaks)},
        ),
        Check(
            "marked",
            facts.marked == balance.indexed and all(e.demo for e in facts.events),
            {"marked": facts.marked, "indexed": balance.indexed},
        ),
        Check("stale", facts.stale == manifest["parts"]["stale"], {"stale": facts.stale}),
    ]


def unheard(events: Sequence[AlertEvent], heard: set[str]) -> list[AlertEvent]:
    """Events that a receiver should have been told of and was not: firing and the end of what fired."""
    rang = {e.alert for e in events if e.state == "firing"}
    told = [e for e in events if e.state in ("firing", "resolved") and e.alert in rang]
    return [e for e in told if e.id not in heard]


def reasons(rejected: Mapping[str, int]) -> str:
    """`bad_json 2, bad_time 1`."""
    return ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items())) or "-"
