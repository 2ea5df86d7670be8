"""Why an alert is not told now: a silence, an inhibition, quiet hours, flapping. And who has taken it in hand.

Silences and inhibitions act on the telling and never on the alert itself, as in Prometheus' Alertmanager. Flapping
follows Kibana: at least four ends within the last twenty changes of one rule on one subject; told once, then held
back until it was quiet for an hour, or grows more severe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.delivery.routing import Route, Routing, value_of
from alerts.delivery.standing import Flap, Held, InHand, Quieting, Row, Shelf
from alerts.matchers import matches
from alerts.rules import LEVELS
from streams.records import Acknowledgement, AlertEvent, Operation, Severity, Silence, SilenceEnd

LOOK_BACK: Final = 20  # changes, Kibana's default
ENDS: Final = 4  # among them, Kibana's default threshold
WITHIN: Final = timedelta(days=1)
CALM: Final = timedelta(hours=1)
UNKNOWN_KEPT: Final = timedelta(days=90)  # acknowledgements of alerts that never came


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds an alert back, and when to look again; None: when an alert or an operation says so."""

    reason: Held
    until: datetime | None


class Holds:
    """All of it, as a fold over alerts and operations. Doing the same operation again changes nothing."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._silences: Shelf[Quieting] = Shelf("silence", Quieting)
        self._acks: Shelf[InHand] = Shelf("ack", InHand)
        self._flaps: Shelf[Flap] = Shelf("flap", Flap)
        self._sources: dict[tuple[str, ...], set[str]] = {}  # firing alerts that inhibit, by what must be equal
        self._inhibiting: dict[str, set[tuple[str, ...]]] = {}  # the same, by alert
        self.shelves = (self._silences, self._acks, self._flaps)

    # What comes in

    def operate(self, operation: Operation, severity: Severity | None) -> None:
        """Take an operation in; `severity` is that of the acknowledged alert now."""
        if isinstance(operation, Silence):
            if self._silences.get(operation.id) is None:
                until = operation.until
                quieting = Quieting(match=operation.match, at=operation.at, until=until, forget=until)
                self._silences.put(operation.id, quieting)
        elif isinstance(operation, SilenceEnd):
            found = self._silences.get(operation.silence)
            if found is not None and not found.over:
                found.until = min(found.until, max(operation.at, found.at))
                self._silences.touch(operation.silence)
        elif isinstance(operation, Acknowledgement):
            known = self._acks.get(operation.alert)
            ids = known.ids if known else ()
            if operation.id not in ids:
                self._acks.put(
                    operation.alert,
                    InHand(ids=(*ids, operation.id), severity=severity, at=operation.at, until=operation.until),
                )

    def see(self, event: AlertEvent) -> bool:
        """Take a step in; True when an alert inhibits no more, so that others may be told."""
        known = self._acks.get(event.alert)
        if known is not None and known.severity is None:
            known.severity = event.severity
            self._acks.touch(event.alert)
        if self._routing.flapping and event.state in ("firing", "resolved"):
            self._flap(event)
        return self.index(event)

    def index(self, event: AlertEvent) -> bool:
        """Note which alerts fire that inhibit others; True when one ceased to."""
        before = self._inhibiting.pop(event.alert, set())
        after = {
            self._key(number, rule.equal, event)
            for number, rule in enumerate(self._routing.inhibit)
            if event.state != "resolved" and rule.source.holds(event)
        }
        for key in before - after:
            self._sources[key].discard(event.alert)
        for key in after:
            self._sources.setdefault(key, set()).add(event.alert)
        if after:
            self._inhibiting[event.alert] = after
        return bool(before - after)

    def _flap(self, event: AlertEvent) -> None:
        key = _flap_key(event)
        flap = self._flaps.get(key) or Flap()
        if flap.on and flap.until is not None and flap.until <= event.at:
            flap = Flap()  # it was quiet for an hour: a new count
        recent = [step for step in flap.steps if step[0] > event.at - WITHIN]
        flap.steps = [*recent, (event.at, event.state == "firing")][-LOOK_BACK:]
        if not flap.on and sum(not fired for _, fired in flap.steps) >= ENDS:
            flap.on, flap.notices = True, {}
        flap.until = event.at + CALM
        self._flaps.put(key, flap)

    # What is asked

    def hold(self, event: AlertEvent, route: Route, receiver: str, now: datetime) -> Hold | None:
        """What keeps this receiver from being told of the alert now."""
        for _, silence in self._silences.items():
            if silence.at <= now < silence.until and matches(silence.match, event):
                return Hold("silence", silence.until)
        if self.inhibited(event):
            return Hold("inhibition", None)
        quiet = self._routing.quiet_until(route, event, now)
        if quiet is not None:
            return Hold("quiet", quiet)
        flap = self._flapping(event, now)
        told = flap.notices.get(receiver) if flap else None
        if flap is not None and told is not None and LEVELS.index(event.severity) <= LEVELS.index(told):
            return Hold("flapping", flap.until)
        return None

    def inhibited(self, event: AlertEvent) -> bool:
        """Whether an alert fires that keeps this one from being told."""
        return any(
            rule.target.holds(event)
            and not rule.source.holds(event)
            and self._sources.get(self._key(number, rule.equal, event))
            for number, rule in enumerate(self._routing.inhibit)
        )

    def _key(self, number: int, equal: Iterable[str], event: AlertEvent) -> tuple[str, ...]:
        # Invented data holds back invented data only.
        return (str(number), str(event.demo), *(value_of(event, name) for name in equal))

    def _flapping(self, event: AlertEvent, now: datetime) -> Flap | None:
        flap = self._flaps.get(_flap_key(event))
        return flap if flap is not None and flap.on and flap.until is not None and now < flap.until else None

    def notice(self, event: AlertEvent, receiver: str, now: datetime) -> bool:
        """Note that the receiver is being told; True when it must hear that the alert flaps."""
        flap = self._flapping(event, now)
        if flap is None or event.state == "resolved":
            return False
        flap.notices[receiver] = event.severity
        self._flaps.touch(_flap_key(event))
        return True

    def acknowledged(self, event: AlertEvent, now: datetime) -> bool:
        """Whether somebody has it in hand: until then, and no more severe than it was."""
        known = self._acks.get(event.alert)
        if known is None or known.severity is None or (known.until is not None and now >= known.until):
            return False
        return LEVELS.index(event.severity) <= LEVELS.index(known.severity)

    def in_hand_until(self, event: AlertEvent, now: datetime) -> datetime | None:
        """When somebody has it in hand no more; None when nobody has, or without end."""
        known = self._acks.get(event.alert)
        return known.until if known is not None and self.acknowledged(event, now) else None

    # Time

    def begun(self, now: datetime) -> list[Quieting]:
        """Silences that have begun since the last call."""
        found: list[Quieting] = []
        for key, silence in self._silences.items():
            if not silence.begun and silence.at <= now < silence.until:
                silence.begun = True
                self._silences.touch(key)
                found.append(silence)
        return found

    def ended(self, now: datetime) -> bool:
        """Whether a silence has ended since the last call."""
        found = False
        for key, silence in self._silences.items():
            if silence.until <= now and not silence.over:
                silence.over = found = True
                self._silences.touch(key)
        return found

    def next_due(self) -> datetime | None:
        """When a silence next begins or ends."""
        silences = [silence for _, silence in self._silences.items() if not silence.over]
        moments = [silence.until if silence.begun else silence.at for silence in silences]
        return min(moments, default=None)

    def closed(self, alert: str) -> None:
        """The alert is over for everybody."""
        self._acks.drop(alert)

    def prune(self, now: datetime) -> None:
        """Forget what can matter no more."""
        for key, silence in self._silences.items():
            if silence.over and silence.forget < now:
                self._silences.drop(key)
        for key, ack in self._acks.items():
            if ack.at < now - UNKNOWN_KEPT:
                self._acks.drop(key)
        for key, flap in self._flaps.items():
            if not flap.steps or flap.steps[-1][0] < now - WITHIN:
                self._flaps.drop(key)
            elif flap.on and flap.until is not None and flap.until <= now:
                self._flaps.put(key, Flap())

    def load(self, row: Row) -> bool:
        """Take a stored row in, when it is one of ours."""
        for shelf in self.shelves:
            if shelf.kind == row.kind:
                shelf.load(row)
                return True
        return False


def _flap_key(event: AlertEvent) -> str:
    return f"{event.rule}\n{event.subject}"
