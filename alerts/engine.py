"""The pure fold from mentions and ticks to alert events, shared by the live detector, replay and the tests of rules.

Nothing here reads a clock or a network. The same log gives the same events wherever it was stopped and restored and
whatever was delivered twice; and where nothing is late, whatever the density of ticks and the interleaving of channels:

1. a mention waits until the watermark (the least tick of all channels, less the allowed lateness) has passed it;
2. waiting mentions are released in order of (collected_at, document, subject), so arrival order does not matter;
3. a document counts once for a subject as long as any window could hold it;
4. rules are evaluated on a fixed grid of event time, once a minute, over what was released by then. An episode can
   begin only at a minute that brought something new about its subject: time passing, and good news growing old, ring no
   bell. Only a rule about silence is asked without that, every five minutes.

A mention at or before its own channel's tick less the lateness is late. It begins nothing; where an alert about its
subject is open and its window still reaches back to it, it is counted and the alert amended. So is an alert when a
source replaces a document that was counted: of all revisions of an item only the newest counts, a late one as well.

A subject's alerts depend on no other subject: nothing in here is pooled over subjects.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, cast

from msgspec.structs import replace

from alerts import evidence, lifecycle, snapshots
from alerts.decisions import Decision
from alerts.evidence import Scene
from alerts.judge import Judge
from alerts.lifecycle import Alert, Amended
from alerts.moments import HOUR, MINUTE, SECOND, micros
from alerts.rules import Rule
from alerts.shares import Rates
from alerts.snapshots import EngineState, SubjectState
from alerts.stories import entry_of
from alerts.subject import Subject
from streams.records import AlertEvent, Mention, Signal, Tick

LEAST_MEMORY: Final = 2 * HOUR  # copies are recognised at least this long, however short the windows are
SILENCE_EVERY: Final = 5 * MINUTE
NO_RATES: Final[Mapping[str, Rates]] = MappingProxyType({})

Waiting = tuple[int, str, str, Mention]


class Engine:
    """The detector of one partition of `mentions`.

    `channels` are the raw partitions that must all have ticked before anything is evaluated; a tick of another channel
    adds it. `counters` counts signals by outcome: released, late, duplicate, skipped, forgotten, evaluated.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        lateness: float,
        channels: Collection[str],
        rates: Mapping[str, Rates] = NO_RATES,
        state: EngineState | None = None,
    ) -> None:
        """`rates`: how often each model version takes what for negative, for the correction of shares."""
        self._rules = tuple(rules)
        self._rates = rates
        self._lateness = round(lateness * SECOND)
        self._expected = frozenset(channels)
        self._memory = max([LEAST_MEMORY, *(rule.reach * SECOND for rule in rules)])
        self._state = state or EngineState()
        self._waiting: list[Waiting] = [_waiting(m) for m in self._state.waiting]
        heapq.heapify(self._waiting)
        self._known = {w[:3] for w in self._waiting}
        self._subjects = {n: Subject(n, s, self._rules, rates) for n, s in self._state.subjects.items()}
        self._patient = {name for name, subject in self._subjects.items() if subject.patient}
        self._alerts: dict[tuple[str, str], Alert] = {(a.rule, a.subject): a for a in self._state.alerts}
        self._fresh: set[str] = set()
        # When each subject has something to let go of; so that a sweep asks few of many.
        self._due: list[tuple[int, str]] = [(s.due(self._memory), n) for n, s in self._subjects.items()]
        heapq.heapify(self._due)
        self._orphans = lifecycle.orphans(self._alerts.values(), self._rules)
        self.counters: Counter[str] = Counter(self._state.counters)

    @classmethod
    def restore(
        cls,
        data: bytes,
        rules: Sequence[Rule],
        *,
        lateness: float,
        channels: Collection[str],
        rates: Mapping[str, Rates] = NO_RATES,
    ) -> Engine:
        """The engine as it was when `data` was taken; SnapshotError otherwise.

        Other rules than then are allowed: mentions and baselines are kept, and alerts whose rule is gone or was changed
        are resolved with the reason `rule_removed` at the next minute.
        """
        return cls(rules, lateness=lateness, channels=channels, rates=rates, state=snapshots.unpack(data))

    def snapshot(self) -> bytes:
        """The whole state, with the position it contains."""
        state = self._state
        state.waiting = [w[3] for w in sorted(self._waiting, key=lambda w: w[:3])]
        state.alerts = list(self._alerts.values())
        state.counters = dict(self.counters)
        return snapshots.pack(state)

    @property
    def next_offset(self) -> int:
        """The first offset of `mentions` that is not contained yet."""
        return self._state.next_offset

    @property
    def watermark(self) -> int | None:
        """Event time (microseconds) that every channel has passed; None while a channel has not ticked."""
        ticks = self._state.ticks
        if not ticks or not self._expected <= ticks.keys():
            return None
        return min(ticks.values()) - self._lateness

    @property
    def behind(self) -> list[str]:
        """The channels that hold the watermark back: those that never ticked, else those with the oldest tick."""
        ticks = self._state.ticks
        oldest = min(ticks.values(), default=0)
        return sorted(self._expected - ticks.keys()) or sorted(c for c, at in ticks.items() if at == oldest)

    @property
    def evaluated(self) -> int | None:
        """Event time (microseconds) up to which rules were evaluated."""
        return self._state.evaluated

    @property
    def waiting(self) -> int:
        """Mentions that the watermark has not passed."""
        return len(self._waiting)

    @property
    def subjects(self) -> int:
        """Subjects in memory."""
        return len(self._subjects)

    def feed(self, signal: Signal, offset: int) -> list[AlertEvent]:
        """Take in the record at `offset`; the alert events it leads to, in order. A contained offset does nothing."""
        if offset < self._state.next_offset:
            self.counters["skipped"] += 1
            return []
        self._state.next_offset = offset + 1
        if isinstance(signal, Tick):
            return self._tick(signal)
        self._take(signal)
        return []

    def skip(self, offset: int) -> None:
        """Nothing before `offset` is to come: the records up to there were no signals."""
        self._state.next_offset = max(self._state.next_offset, offset)

    def asked(self, subject: str, rule: str) -> tuple[Decision, Judge, Subject] | None:
        """What a rule says of a subject it covers at the minute up to which everything was evaluated, whether it was
        asked then or not; None where nothing is known of the subject. Changes no event."""
        known, now = self._subjects.get(subject), self._state.evaluated
        if known is None or now is None:
            return None
        judge = known.judge(rule)
        judge.slide(now)
        return judge.decide(now, known)[0], judge, known

    def _take(self, mention: Mention) -> None:
        item = _waiting(mention)
        tick = self._state.ticks.get(mention.channel)
        passed = self._state.evaluated  # also guards against a channel that appears while others are far ahead
        if (tick is not None and item[0] <= tick - self._lateness) or (passed is not None and item[0] <= passed):
            subject = self._subjects.get(mention.subject)
            if subject is not None and passed is not None:
                subject.forget(passed - self._memory)  # as it was, however long ago the last mention was released
            again = subject is not None and mention.document in subject.documents
            if again or item[:3] in self._known:
                self.counters["duplicate"] += 1
            else:
                self.counters["late_used" if subject is not None and self._amend(subject, mention) else "late"] += 1
        elif item[:3] in self._known:
            self.counters["duplicate"] += 1
        else:
            self._known.add(item[:3])
            heapq.heappush(self._waiting, item)

    def _amend(self, subject: Subject, mention: Mention) -> bool:
        """Count a late mention for the open alerts of its subject that reach back to it, and for what counted an
        earlier revision of it; whether there are any."""
        now = self._state.evaluated
        opened = {judge.rule.name for judge in subject.judges if (judge.rule.name, subject.id) in self._alerts}
        if now is None or not (opened or subject.has_item(mention.item)):
            return False
        at = micros(mention.collected_at)
        story, _ = subject.stories.assign(at, mention.document, mention.signature)
        return subject.take_late(entry_of(at, mention, story), opened, now)

    def _tick(self, tick: Tick) -> list[AlertEvent]:
        at = micros(tick.at)
        ticks = self._state.ticks
        if at <= ticks.get(tick.channel, at - 1):
            return []
        ticks[tick.channel] = at
        watermark = self.watermark
        return [] if watermark is None else self._advance(watermark // MINUTE * MINUTE)

    def _advance(self, end: int) -> list[AlertEvent]:
        """Evaluate every minute of the grid up to `end` at which something can change."""
        events: list[AlertEvent] = []
        before = self._state.evaluated
        while self._state.evaluated is None or self._state.evaluated < end:
            now = self._next(end)
            self._state.evaluated = now
            while self._waiting and self._waiting[0][0] <= now:
                at, document, subject, mention = heapq.heappop(self._waiting)
                self._known.discard((at, document, subject))
                self._release(at, mention)
            events += self._evaluate(now)
        if before is None or end // HOUR > before // HOUR:
            self._sweep(end)
        return events

    def _next(self, end: int) -> int:
        """The next minute to evaluate: of the next mention, or of what time alone may bring; `end` at the latest."""
        last = self._state.evaluated
        if last is not None and self._patient:
            end = min(end, (last // SILENCE_EVERY + 1) * SILENCE_EVERY)
        if self._waiting:
            end = min(end, -(-self._waiting[0][0] // MINUTE) * MINUTE)
        return end if last is None or not self._alerts else self._live(last + MINUTE, end)

    def _live(self, first: int, end: int) -> int:
        """The first minute of [first, end] at which an open alert may change. They lived through those before."""
        if first >= end or self._orphans:
            return first
        judges = [(alert, self._subjects[alert.subject].judge(alert.rule)) for alert in self._alerts.values()]
        for alert, judge in judges:
            decision = judge.kept(first)
            if decision is None:
                return first
            end = min(end, judge.until + MINUTE, lifecycle.next_step(alert, decision, judge.rule))
        end = max(first, end // MINUTE * MINUTE)
        for alert, judge in judges if end > first else ():
            self._goes_on(alert, judge, end - MINUTE)
        return end

    def _subject(self, name: str, at: int) -> Subject:
        """The subject as known at a moment: a new one, too, where the old was forgotten before."""
        subject = self._subjects.get(name)
        if subject is not None:
            subject.forget(at - self._memory)
            if subject.state.entries or not self._forgotten(subject, at):
                return subject
        subject = Subject(name, SubjectState(), self._rules, self._rates)
        if name not in self._subjects:
            heapq.heappush(self._due, (at, name))
        self._subjects[name] = subject
        self._state.subjects[name] = subject.state
        if subject.patient:
            self._patient.add(subject.id)
        return subject

    def _forgotten(self, subject: Subject, now: int) -> bool:
        """Whether nothing is remembered of a subject any more, after what is old was let go of."""
        subject.forget_history(now)
        return subject.idle and not any((judge.rule.name, subject.id) in self._alerts for judge in subject.judges)

    def _release(self, at: int, mention: Mention) -> None:
        subject = self._subject(mention.subject, at)
        if mention.document in subject.documents:
            self.counters["duplicate"] += 1
            return
        story, _ = subject.stories.assign(at, mention.document, mention.signature)
        entry = entry_of(at, mention, story)
        subject.state.name = mention.name
        if subject.take(entry):
            self._fresh.add(subject.id)
        self.counters["forgotten"] += subject.shorten()
        self.counters["released"] += 1

    def _evaluate(self, now: int) -> list[AlertEvent]:
        events = self._close_orphans(now)
        alerted = {name for _, name in self._alerts}
        names = self._fresh | alerted
        self._fresh = set()
        asked = now % SILENCE_EVERY == 0
        evaluated = 0
        for name in sorted(names | self._patient if asked else names):
            subject = self._subjects[name]
            for judge in subject.judges:
                alert = self._alerts.get((judge.rule.name, name)) if name in alerted else None
                if alert is not None or judge.fresh or (asked and judge.patient):
                    evaluated += 1
                    if alert is not None or subject.within_reach(judge):
                        events += self._judge(subject, judge, now, alert)
            subject.settle()
        self.counters["evaluated"] += evaluated
        return events

    def _judge(self, subject: Subject, judge: Judge, now: int, alert: Alert | None) -> list[AlertEvent]:
        rule = judge.rule
        if alert is not None and self._goes_on(alert, judge, now):
            return []
        judge.slide(now)
        if alert is None and not judge.possible:
            return []
        decision, window = judge.decide(now, subject)
        if alert is None and not judge.begins(decision):
            return []
        after, steps = lifecycle.step(alert, decision, rule, subject.id, now, cast(Amended, judge.amended))
        scene = Scene(judge, window, decision, subject.state.name, subject.state.entries, subject, now)
        events: list[AlertEvent] = []
        for said in steps:
            last = events[-1] if events else alert.event if alert else None
            events.append(evidence.tell(said, scene, last))
        if after is None:
            self._alerts.pop((rule.name, subject.id), None)
        else:
            self._alerts[rule.name, subject.id] = replace(after, event=events[-1]) if events else after
            if not judge.fresh:
                judge.keep(decision, now, subject)
        return events

    def _goes_on(self, alert: Alert, judge: Judge, now: int) -> bool:
        """Whether an alert lives through this minute by a decision that was made before, with nothing to tell."""
        decision = judge.kept(now)
        if decision is None:
            return False
        after, steps = lifecycle.step(alert, decision, judge.rule, alert.subject, now)
        if after is None or steps:
            return False
        self._alerts[alert.rule, alert.subject] = after
        return True

    def _close_orphans(self, now: int) -> list[AlertEvent]:
        gone, self._orphans = self._orphans, []
        for alert in gone:
            del self._alerts[alert.rule, alert.subject]
        return [event for alert in gone if (event := evidence.close(alert, now)) is not None]

    def _sweep(self, now: int) -> None:
        """Let go of what no window and no baseline needs. Changes no result: it would go at the next mention anyway."""
        while self._due and self._due[0][0] <= now:
            _, name = heapq.heappop(self._due)
            subject = self._subjects[name]
            due = subject.due(self._memory)  # later than it was, where the subject was mentioned again
            subject.slide(now)  # windows of rules that are out of reach move on here alone
            if due <= now:
                subject.forget(now - self._memory)
                if self._forgotten(subject, now):
                    del self._subjects[name], self._state.subjects[name]
                    self._patient.discard(name)
                    continue
                due = subject.due(self._memory)
            heapq.heappush(self._due, (max(now + 1, due), name))


def _waiting(mention: Mention) -> Waiting:
    return micros(mention.collected_at), mention.document, mention.subject, mention
