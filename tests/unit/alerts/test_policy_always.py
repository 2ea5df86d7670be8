"""What holds for the policy whatever happens: nothing lost, nothing told twice, a crash changes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.delivery.outbox import Outbox, open_outbox
from alerts.delivery.routing import Routing
from streams.records import AlertEvent, Operation
from tests.ringing import START
from tests.unit.alerts.desk import Desk, Party, ack, escalation, routing, silence, step, unsilence

PARTIES = (Party("desk"), Party("duty"), Party("hook", grouped=False), Party("boss"))
NAMES = "abcd"
NEWS = ("first", "more", "worse", "amended", "resolved")
Action = tuple[str, str, int]

actions = st.lists(
    st.tuples(
        st.sampled_from(["step"] * 6 + ["wait"] * 4 + ["again", "ack", "call", "silence", "unsilence", "lost"]),
        st.sampled_from(NAMES),
        st.integers(0, 5),
    ),
    max_size=40,
)


def rules(flapping: bool) -> Routing:
    """Everything at once: groups, continue, quiet hours, escalation, inhibition, a plain webhook."""
    return routing(
        {
            "match": {"severity": "critical"},
            "receivers": ["desk", "duty"],
            "continue": True,
            "escalate": {"after": "10m", "to": ["boss"]},
        },
        {"receivers": ["desk"], "group_by": ["rule"], "quiet": ["noon"], "repeat_interval": "1h"},
        schedules={"noon": {"from": "10:00", "to": "11:00"}},
        inhibit=[{"source": {"subject": "entity:A"}, "target": {"subject": "entity:B"}}],
        flapping=flapping,
        everything=("hook",),
    )


@dataclass(slots=True)
class World:
    """What happens, as records: episodes of four alerts one after the other, and what people do."""

    episodes: Counter[str] = field(default_factory=Counter)
    next: dict[str, list[str]] = field(default_factory=dict)
    sequence: Counter[str] = field(default_factory=Counter)
    sent: list[AlertEvent | Operation] = field(default_factory=list)

    def make(self, kind: str, name: str, number: int, now: Any) -> list[AlertEvent | Operation]:
        """The records of one action."""
        made: list[AlertEvent | Operation] = []
        alert = f"{name}{self.episodes[name]}"
        if kind == "step":
            made.append(self._step(name, alert, number, now))
        elif kind == "again" and self.sent:
            made.append(self.sent[number % len(self.sent)])
        elif kind == "ack":
            made.append(ack(alert, now, now + timedelta(hours=1) if number % 2 else None))
        elif kind == "call":
            made.append(escalation(alert, now, str(number)))
        elif kind == "silence":
            made.append(silence(now, f"{10 + 20 * number}m", f"s{name}", subject=f"entity:{name.upper()}"))
        elif kind == "unsilence":
            made.append(unsilence(now, f"s{name}"))
        self.sent += made
        return made

    def _step(self, name: str, alert: str, number: int, now: Any) -> AlertEvent:
        sequence = self.sequence[alert]
        states = ["updated", "amended", "updated", "resolved", "resolved", "resolved"]
        state = "firing" if sequence == 0 else states[number]
        severity = "critical" if number % 3 == 0 or (sequence and state != "amended") else "warning"
        self.sequence[alert] += 1
        if state == "resolved":
            self.episodes[name] += 1
        return step(alert, sequence, state, severity=severity, subject=f"entity:{name.upper()}", at=now)


def play(script: list[Action], flapping: bool, *, dies: bool, outbox: Outbox | None = None) -> tuple[Desk, World]:
    """The script on a desk; with `dies`, every action is first taken by a process that is killed before it stores."""
    desk, world = Desk(rules(flapping), PARTIES, outbox=outbox), World()
    for kind, name, number in script:
        if kind == "wait":
            passed = (desk.now - START).total_seconds()
            desk.at(f"{int(passed) + (1, 20, 40, 400, 3000, 9000)[number]}s")
        records = world.make(kind, name, number, desk.now)
        if dies or kind == "lost":
            for record in records:
                desk.policy.take(record, desk.now)
            desk.policy.tick(desk.now)
            desk.reload()
        desk.take(*records)
        if dies:
            desk.reload()
    if world.sequence[f"a{world.episodes['a']}"]:  # what inhibits others would hold them back for ever
        desk.take(*world.make("step", "a", 5, desk.now))
    passed = (desk.now - START).total_seconds()
    desk.at(f"{int(passed) + 86_400}s")
    return desk, world


@settings(max_examples=150, deadline=None)
@given(actions, st.booleans())
def test_a_crash_at_any_point_changes_nothing(script: list[Action], flapping: bool) -> None:
    """A process that dies at every step, before or after it has stored, tells exactly what one that lives tells."""
    lives, _ = play(script, flapping, dies=False)
    dies, _ = play(script, flapping, dies=True)
    key = [(at, name, m.id, m.why, m.suppressed) for at, name, m in lives.told]
    assert sorted(key) == sorted((at, name, m.id, m.why, m.suppressed) for at, name, m in dies.told)
    assert lives.rows == dies.rows


@settings(max_examples=25, deadline=None)
@given(actions)
def test_the_same_holds_for_the_rows_of_the_outbox(script: list[Action]) -> None:
    """Reloaded from SQLite after every step; no two notifications share an id."""
    with TemporaryDirectory() as folder:
        outbox = open_outbox(Path(folder) / "outbox.sqlite")
        outbox.enrol({party.id: "1" for party in PARTIES})
        dies, _ = play(script, True, dies=True, outbox=outbox)
        lives, _ = play(script, True, dies=False)
        assert sorted(m.id for _, _, m in dies.told) == sorted(m.id for _, _, m in lives.told)
        assert outbox.waiting()[0] == len(dies.told)
        outbox.close()


@settings(max_examples=300, deadline=None)
@given(actions, st.booleans())
def test_nothing_is_lost_and_nothing_is_told_twice(script: list[Action], flapping: bool) -> None:
    """Each step is told once as news or counted; in the end every receiver knows how each alert it heard of stands."""
    desk, world = play(script, flapping, dies=False)
    ids = [(name, m.id) for _, name, m in desk.told]
    assert len(ids) == len(set(ids))
    newest: dict[str, AlertEvent] = {}
    for event in {e.id: e for e in world.sent if isinstance(e, AlertEvent)}.values():
        if event.alert not in newest or event.sequence > newest[event.alert].sequence:
            newest[event.alert] = event
    heard: dict[tuple[str, str], list[AlertEvent]] = defaultdict(list)
    for _, name, message in desk.told:
        for event in message.events:
            known = heard[name, event.alert]
            assert message.why not in NEWS or event.id not in {e.id for e in known}, "told twice as news"
            known.append(event)
    for (name, alert), events in heard.items():
        sequences = [event.sequence for event in events]
        assert sequences == sorted(sequences), "an older step after a newer one"
        ended = [event for event in events if event.state == "resolved"]
        assert len(ended) == (newest[alert].state == "resolved"), f"{name} was not told of the end once"


@settings(max_examples=200, deadline=None)
@given(actions)
def test_every_step_is_told_or_counted(script: list[Action]) -> None:
    """For a receiver that everything is routed to, told and counted steps together are all steps."""
    desk, world = play(script, False, dies=False)
    rang = {e.id for e in world.sent if isinstance(e, AlertEvent)}
    told = {e.id for _, name, m in desk.told if name == "desk" for e in m.events}
    groups = [group for _, group in desk.policy._book.groups.items() if group.receiver == "id-desk"]
    standing = [s.receivers["id-desk"] for _, s in desk.policy._book.alerts.items() if "id-desk" in s.receivers]
    counted = sum(m.suppressed for _, name, m in desk.told if name == "desk")
    waiting = sum(group.held for group in groups) + sum(known.steps for known in standing)
    assert len(rang) <= len(told) + counted + waiting
    assert counted + waiting <= len(rang)
