"""Whom, when and how often: timelines on a virtual clock, each also with a process that dies after every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alerts.delivery.holds import Holds
from alerts.delivery.message import notification_id
from alerts.delivery.routing import Routing
from streams.records import AlertEvent
from tests.ringing import START
from tests.unit.alerts.desk import Desk, Party, ack, escalation, routing, seconds, silence, step, unsilence

ROUTE: dict[str, Any] = {"receivers": ["desk"], "group_by": ["rule"]}
NIGHTS = {"nights": {"from": "22:00", "to": "07:00"}}
Making = Callable[..., Desk]


@pytest.fixture(params=[False, True], ids=["lives", "dies"])
def making(request: pytest.FixtureRequest) -> Making:
    """Makes a desk; in the second run its process is killed after every step."""

    def make(rules: Routing, *parties: Party) -> Desk:
        return Desk(rules, parties or (Party("desk"),), dies=request.param)

    return make


def after(text: str) -> Any:
    """A moment so long after the start."""
    return START + timedelta(seconds=seconds(text))


def test_a_group_waits_and_then_keeps_its_interval(making: Making) -> None:
    """The first message waits group_wait for company; what joins later waits until group_interval is over."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("10s").take(step("b"))
    desk.at("60s").take(step("c"))
    desk.at("4m").take(step("d"))
    desk.at("1h")
    assert desk.said == [(30, "desk", "first", "a.0 b.0"), (330, "desk", "more", "c.0 d.0")]


def test_groups_are_apart_by_what_they_are_grouped_by(making: Making) -> None:
    """Alerts that differ in a field or label of group_by never share a message."""
    desk = making(routing({"receivers": ["desk"], "group_by": ["severity", "labels.desk"]}))
    desk.take(step("a", labels={"desk": "x"}), step("b", labels={"desk": "y"}), step("c", labels={"desk": "x"}))
    desk.at("1m")
    assert sorted(said[3] for said in desk.said) == ["a.0 c.0", "b.0"]
    assert desk.told[0][2].group["labels.desk"] in "xy"


def test_what_ends_before_it_was_told_is_counted_and_not_told(making: Making) -> None:
    """An alert that resolves before group_wait rings nobody; the group's next message says so."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("10s").take(step("a", 1, "resolved"))
    desk.at("1h")
    assert desk.said == []
    desk.take(step("b"))
    desk.at("2h")
    assert desk.said == [(3630, "desk", "first", "b.0 +2")]
    assert desk.told[0][2].suppressed_since == START


def test_the_end_is_told_to_whoever_was_told_of_the_beginning(making: Making) -> None:
    """Resolved is told after the interval, once, and to nobody else."""
    desk = making(routing(ROUTE), Party("desk"), Party("other"))
    desk.take(step("a"))
    desk.at("1m").take(step("a", 1, "resolved"), step("a", 1, "resolved"))
    desk.at("8h")
    assert desk.said == [(30, "desk", "first", "a.0"), (330, "desk", "resolved", "a.1")]
    assert not any(kind in ("alert", "ack") for kind, _ in desk.rows)


def test_what_grows_graver_than_all_before_does_not_wait(making: Making) -> None:
    """A rise above everything the group was told goes out after group_wait, not after group_interval."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("1m").take(step("a", 1, "updated"))
    desk.at("1h")
    assert desk.said == [(30, "desk", "first", "a.0"), (90, "desk", "worse", "a.1")]


def test_steps_overtaken_while_waiting_are_counted(making: Making) -> None:
    """Of several steps of one alert the newest is told, and how many came before it."""
    desk = making(routing(ROUTE))
    desk.take(step("a"), step("a", 1, "updated", severity="warning"), step("a", 2, "updated"))
    desk.at("1m")
    assert desk.said == [(30, "desk", "first", "a.2 +2")]


def test_silent_steps_are_nobodys_news(making: Making) -> None:
    """Pending, doubled and lapsed steps neither ring nor count."""
    desk = making(routing(ROUTE))
    desk.take(step("a", 0, "pending"), step("a", 1, "resolved", reason="lapsed"))
    desk.take(step("b"), step("b", 1, "updated", reason="doubled"))
    desk.at("1h")
    assert desk.said == [(30, "desk", "first", "b.0")]


def test_repeats_until_somebody_has_it_in_hand(making: Making) -> None:
    """What still fires is repeated every repeat_interval; an acknowledgement ends that until it grows more severe."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("9h").take(ack("a", after("9h")))
    desk.at("24h").take(step("a", 1, "updated"))
    desk.at("30h")
    four = 4 * 3600
    assert desk.said == [
        (30, "desk", "first", "a.0"),
        (30 + four, "desk", "repeat", "a.0"),
        (30 + 2 * four, "desk", "repeat", "a.0"),
        (24 * 3600 + 30, "desk", "worse", "a.1"),
        (24 * 3600 + 30 + four, "desk", "repeat", "a.1"),
    ]
    assert len({message.id for _, _, message in desk.told}) == 5


def test_an_acknowledgement_may_end_by_itself(making: Making) -> None:
    """After its `until` an acknowledgement holds back no more; delivered twice it holds no longer than once."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    taken = ack("a", after("1m"), after("5h"))
    desk.at("1m").take(taken)
    desk.at("2m").take(step("a", 1, "updated"), taken)
    desk.at("5h")
    assert [said[2] for said in desk.said] == ["first", "worse", "repeat"]


def test_a_silence_holds_back_the_telling_and_its_end_tells(making: Making) -> None:
    """State goes on under a silence; when it ends what still fires is told, with the number of steps held back."""
    desk = making(routing(ROUTE))
    desk.take(silence(START, "2h", subject="entity:A"))
    desk.take(step("a"), step("b"))
    desk.at("1h").take(step("a", 1, "updated"))
    desk.at("3h")
    assert desk.said == [(30, "desk", "first", "b.0 +1"), (7200, "desk", "resumed", "a.1 +1")]
    assert desk.told[1][2].suppressed_since == after("1h")


@pytest.mark.parametrize("ended", ["until", "by hand"])
def test_what_was_told_before_a_silence_is_recalled_after_it(making: Making, ended: str) -> None:
    """Whoever was told before the silence is told again when it ends and the alert still fires."""
    desk = making(routing(ROUTE))
    desk.take(step("a"), step("b"))
    desk.at("10m").take(silence(after("10m"), "1h", subject="entity:A"))
    desk.at("20m").take(step("b", 1, "resolved"))
    if ended == "by hand":
        desk.at("30m").take(unsilence(after("30m")))
    desk.at("3h")
    end = 1800 if ended == "by hand" else 4200
    assert desk.said == [
        (30, "desk", "first", "a.0 b.0"),
        (1230, "desk", "resolved", "b.1"),
        (end, "desk", "resumed", "a.0"),
    ]


def test_an_alert_that_ends_under_a_silence(making: Making) -> None:
    """Begun and ended under it: counted, never told. Told before it: the end is told when the silence is over."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("10m").take(silence(after("10m"), "1h", rule="negative-surge"))
    desk.take(step("b"))
    desk.at("20m").take(step("b", 1, "resolved"), step("a", 1, "resolved"))
    desk.at("3h")
    assert desk.said == [(30, "desk", "first", "a.0"), (4200, "desk", "resolved", "a.1 +3")]


def test_a_silence_that_was_ended_does_not_begin_again(making: Making) -> None:
    """The record of a silence may be delivered again after its end."""
    desk = making(routing(ROUTE))
    quiet = silence(START, "2h", rule="negative-surge")
    desk.take(quiet, unsilence(after("1s")))
    desk.at("1m").take(quiet, step("a"))
    desk.at("2m")
    assert desk.said == [(90, "desk", "first", "a.0")]


def test_a_silence_may_begin_later(making: Making) -> None:
    """Until it begins everything is told."""
    desk = making(routing(ROUTE))
    desk.take(silence(after("1h"), "1h", rule="negative-surge"), step("a"))
    desk.at("61m").take(step("b"))
    desk.at("3h")
    assert [(at, why) for at, _, why, _ in desk.said] == [(30, "first"), (7200, "resumed")]


def test_inhibition_holds_the_lesser_alert_back_while_the_greater_fires(making: Making) -> None:
    """What is equal in the named fields is held back while a source fires, and told when it ended."""
    inhibit = [{"source": {"severity": "critical"}, "target": {"severity": "warning"}, "equal": ["subject"]}]
    desk = making(routing(ROUTE, inhibit=inhibit))
    desk.take(step("a", severity="critical", subject="entity:X"), step("b", subject="entity:X"), step("c"))
    desk.at("1h").take(step("a", 1, "resolved", subject="entity:X", severity="critical"))
    desk.at("2h")
    assert desk.said == [
        (30, "desk", "first", "a.0 c.0 +1"),
        (3600, "desk", "resumed", "a.1 b.0"),
    ]


def test_quiet_hours_end_with_a_digest(making: Making) -> None:
    """At night warnings wait for the morning, what came and went among them; what is critical rings."""
    desk = making(routing({**ROUTE, "quiet": ["nights"], "repeat_interval": "0"}, schedules=NIGHTS))
    night = seconds_until(22)
    desk.at(f"{night}s").take(step("a"), step("b"), step("c", severity="critical"))
    desk.at(f"{night + 3600}s").take(step("b", 1, "resolved"))
    desk.at("24h")
    assert desk.said == [
        (night + 30, "desk", "first", "c.0 +2"),
        (night + 9 * 3600, "desk", "digest", "a.0 b.1 +1"),
    ]


def seconds_until(hour: int) -> int:
    """From the start to that hour of the first day."""
    return int((START.replace(hour=hour, minute=0) - START).total_seconds())


def test_a_route_may_hold_in_certain_hours_only(making: Making) -> None:
    """Outside its schedules a route matches nothing and the next one is tried."""
    rules = routing(
        {"receivers": ["desk"], "only": ["days"]},
        {"receivers": ["duty"]},
        schedules={"days": {"from": "08:00", "to": "18:00"}},
    )
    desk = making(rules, Party("desk"), Party("duty"))
    desk.take(step("a"))
    desk.at("12h").take(step("b"))
    desk.at("13h")
    assert [(name, text) for _, name, why, text in desk.said if why != "repeat"] == [("desk", "a.0"), ("duty", "b.0")]


def test_escalation_when_nobody_acknowledges(making: Making) -> None:
    """Further receivers are told after `after`, and of the end too; an acknowledgement in time prevents it."""
    rules = routing({**ROUTE, "escalate": {"after": "15m", "to": ["duty"], "at_least": "warning"}})
    desk = making(rules, Party("desk"), Party("duty"))
    desk.take(step("a"), step("b"))
    desk.at("10m").take(ack("b", after("10m")))
    desk.at("1h").take(step("a", 1, "resolved"), step("b", 1, "resolved"))
    desk.at("2h")
    assert desk.said == [
        (30, "desk", "first", "a.0 b.0"),
        (930, "duty", "escalated", "a.0"),
        (3630, "desk", "resolved", "a.1 b.1"),
        (3630, "duty", "resolved", "a.1"),
    ]


def test_a_call_of_a_person_tells_further_people_at_once_and_once(making: Making) -> None:
    """Those of the route's escalation, whatever the severity; they are not told again when its own time comes."""
    rules = routing({**ROUTE, "repeat_interval": "0", "escalate": {"after": "15m", "to": ["duty"]}})
    desk = making(rules, Party("desk"), Party("duty"))
    desk.take(step("a"))
    desk.at("2m").take(escalation("a", after("2m")), escalation("a", after("2m")))
    desk.at("3m").take(step("a", 1, "updated"))  # critical: its own time would begin
    desk.at("2h").take(escalation("a", after("2m")))
    assert [said for said in desk.said if said[1] == "duty"] == [
        (120, "duty", "escalated", "a.0"),
        (210, "duty", "worse", "a.1"),
    ]
    (message,) = [m for _, name, m in desk.told if m.why == "escalated"]
    assert (message.asked_by, message.asked_why) == ("li", "the press calls")
    assert message.id == notification_id(escalation("a", after("2m")).id, "id-duty")


@pytest.mark.parametrize("grouped", [True, False])
def test_without_further_people_a_call_tells_all_again(making: Making, grouped: bool) -> None:
    """Whoever knows of it and whoever the routes name, under an identity of its own; two calls are two messages."""
    desk = making(routing({**ROUTE, "receivers": ["desk", "wall"]}), Party("desk", grouped), Party("wall", grouped))
    desk.take(step("a"))
    desk.at("1m").take(escalation("a", after("1m")), escalation("a", after("1m"), "again"))
    told = sorted((name, m.why) for at, name, m in desk.told if at == 60)
    assert told == [("desk", "escalated")] * 2 + [("wall", "escalated")] * 2
    assert len({m.id for _, _, m in desk.told}) == 6
    desk.at("2m").take(step("a", 1, "resolved"))
    desk.at("1h")
    assert [said[1:] for said in desk.said[6:]] == [(name, "resolved", "a.1") for name in ("desk", "wall")]


@pytest.mark.parametrize("held", ["silence", "inhibition", "quiet", "acknowledged"])
def test_nothing_holds_back_what_a_person_asks_for(making: Making, held: str) -> None:
    """Whoever asks knows the alert; what holds others back, and who has it in hand, stays as it is."""
    more: dict[str, Any] = {"schedules": {"nights": {"from": "00:00", "to": "24:00"}}}
    if held == "inhibition":
        more["inhibit"] = [{"source": {"rule": "big"}, "target": {"rule": "negative-surge"}}]
    quiet = {"quiet": ["nights"]} if held == "quiet" else {}
    desk = making(routing({**ROUTE, **quiet, "group_wait": "5m"}, **more))
    if held == "inhibition":
        desk.take(step("b", rule="big"))
    if held == "silence":
        desk.take(silence(START, "8h", subject="entity:A"))
    desk.take(step("a"))
    if held == "acknowledged":
        desk.take(ack("a", START))
    desk.at("1m").take(escalation("a", after("1m")))
    assert [said for said in desk.said if "a.0" in said[3]] == [(60, "desk", "escalated", "a.0")]
    desk.at("7h")
    assert [said[2] for said in desk.said if "a.0" in said[3] and said[2] != "repeat"] == ["escalated"]
    assert held != "acknowledged" or len(desk.said) == 1


def test_a_call_about_what_is_over_tells_nobody(making: Making) -> None:
    """Nor one about an alert that never was; both are forgotten after a day."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("1m").take(step("a", 1, "resolved"))
    desk.at("10m").take(escalation("a", after("10m")), escalation("c", after("10m")))
    assert [said[2] for said in desk.said] == ["first", "resolved"]
    assert sum(kind == "call" for kind, _ in desk.rows) == 2
    desk.now = after("26h")
    desk.policy.prune(desk.now)
    desk.store([])
    assert not any(kind == "call" for kind, _ in desk.rows)


def test_a_call_that_is_read_before_its_alert_waits_for_it(making: Making) -> None:
    """Two topics have no common order: after an outage what people did may be read first."""
    desk = making(routing({**ROUTE, "escalate": {"after": "1h", "to": ["duty"]}}), Party("desk"), Party("duty"))
    desk.take(escalation("a", START), step("a", state="pending"))
    assert desk.said == []
    desk.take(step("a", 1))
    assert desk.said == [(0, "duty", "escalated", "a.1")]


def test_a_call_tells_nobody_who_must_not_hear(making: Making) -> None:
    """Neither a live receiver of invented data, nor a broken channel of itself, nor who was told before a loss."""
    route = {"receivers": ["live", "stage"], "escalate": {"after": "1h", "to": ["boss", "stage"], "at_least": "info"}}
    desk = making(routing(route), Party("live"), Party("stage", demo=True), Party("boss"))
    desk.take(step("a", demo=True), escalation("a", START))
    assert [said[1:] for said in desk.said] == [("stage", "escalated", "a.0")]
    ours = step("b", kind="system", rule="tocsin-channel", subject="system:channel/boss")
    desk.take(ours, escalation("b", START))
    assert [said[1:] for said in desk.said[1:]] == [("stage", "escalated", "b.0")]
    desk.take(step("c"), told_to=("id-live",))
    desk.take(escalation("c", START), told_to=("id-boss",))
    desk.take(escalation("c", START, "long ago"), old=True)
    assert [said[1:] for said in desk.said[2:]] == [("stage", "escalated", "c.0")]


def test_escalation_begins_with_its_severity(making: Making) -> None:
    """A warning does not escalate where critical is asked for; when it becomes critical the time begins."""
    rules = routing({**ROUTE, "escalate": {"after": "15m", "to": ["duty"]}})
    desk = making(rules, Party("desk"), Party("duty"))
    desk.take(step("a"))
    desk.at("2h").take(step("a", 1, "updated"))
    desk.at("3h")
    assert [said for said in desk.said if said[1] == "duty"] == [(7200 + 930, "duty", "escalated", "a.1")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"severity": "info"}, ["first", "amended"]),
        ({"bound": 4.0, "beyond": 0.8}, ["first", "amended"]),
        ({"observed": 23.0}, ["first"]),
    ],
)
def test_an_amendment_is_told_when_it_matters(making: Making, changes: dict[str, Any], why: list[str]) -> None:
    """A correction is news when severity or the holding changed, else it is counted."""
    desk = making(routing({**ROUTE, "repeat_interval": "0"}))
    desk.take(step("a"))
    desk.at("1h").take(step("a", 1, "amended", **changes))
    desk.at("2h").take(step("b"))
    desk.at("3h")
    assert [said[2] for said in desk.said] == [*why, "more"]
    assert desk.told[-1][2].suppressed == (len(why) == 1)


def test_what_flaps_is_told_once_and_then_held_back(making: Making) -> None:
    """After four ends within a day the next firing is told as flapping; then nothing until an hour of quiet."""
    desk = making(routing(ROUTE, flapping=True))
    subject = {"subject": "entity:X"}
    for number, name in enumerate("abcdefg"):
        start = number * 20
        desk.at(f"{start}m").take(step(name, 0, at=after(f"{start}m"), **subject))
        desk.at(f"{start + 10}m").take(step(name, 1, "resolved", at=after(f"{start + 10}m"), **subject))
    desk.at("140m").take(step("h", 0, at=after("140m"), **subject))
    desk.at("5h")
    told = [(why, text) for _, _, why, text in desk.said]
    assert told[:8] == [(why, f"{name}.{n}") for name in "abcd" for n, why in enumerate(["first", "resolved"])]
    flagged = [m.events[0] for _, _, m in desk.told if "flapping" in m.events[0].labels]
    assert [e.alert for e in flagged] == [step("e").alert]
    assert told[8:] == [("first", "e.0"), ("resumed", "e.1 h.0 +6")]
    assert desk.said[-1][0] == 200 * 60


def test_what_flaps_and_grows_more_severe_is_told(making: Making) -> None:
    """Flapping holds nothing back that is graver than what was told."""
    desk = making(routing({**ROUTE, "repeat_interval": "0"}, flapping=True))
    subject = {"subject": "entity:X"}
    for number, name in enumerate("abcdef"):
        start = number * 20
        desk.at(f"{start}m").take(step(name, 0, at=after(f"{start}m"), **subject))
        desk.at(f"{start + 10}m").take(step(name, 1, "resolved", at=after(f"{start + 10}m"), **subject))
    desk.at("2h").take(step("g", 0, severity="critical", at=after("2h"), **subject))
    desk.at("121m")
    assert desk.said[-1][:3] == (7230, "desk", "first")
    assert desk.told[-1][2].events[0].labels["flapping"] == "yes"


def test_routes_are_tried_in_order(making: Making) -> None:
    """The first that matches is taken; with `continue` the next ones too, and no receiver is told twice."""
    rules = routing(
        {"match": {"subject": "entity:A"}, "receivers": ["one"]},
        {"match": {"severity": {"at_least": "warning"}}, "receivers": ["two", "one"], "continue": True},
        {"match": {"labels": {"desk": "risk*"}}, "receivers": ["three"]},
        {"receivers": ["two", "four"]},
    )
    desk = making(rules, *(Party(name) for name in ("one", "two", "three", "four")))
    desk.take(step("a"), step("b", labels={"desk": "risk-hk"}), step("c"), step("d", severity="info"))
    desk.at("1m")
    heard = sorted((name, text) for _, name, _, text in desk.said)
    assert heard == [
        *(("four", "c.0 d.0"), ("one", "a.0"), ("one", "b.0 c.0"), ("three", "b.0")),
        *(("two", "b.0 c.0"), ("two", "d.0")),
    ]


def test_a_plain_webhook_gets_every_ringing_step_at_once(making: Making) -> None:
    """Ungrouped, each step is a message of its own under the id it always had, and nothing is repeated."""
    desk = making(Routing(everything=("hook",)), Party("hook", grouped=False))
    desk.take(step("a", 0, "pending"), step("a", 1), step("a", 2, "updated", severity="warning"))
    desk.take(step("a", 2, "updated", reason="doubled"), step("a", 3, "resolved"), step("a", 3, "resolved"))
    desk.at("24h")
    assert [(at, text) for at, _, _, text in desk.said] == [(0, "a.1"), (0, "a.2"), (0, "a.3")]
    assert [m.id for _, _, m in desk.told] == [notification_id(m.events[0].id, "id-hook") for _, _, m in desk.told]


def test_silences_hold_for_a_plain_webhook_too(making: Making) -> None:
    """What fires at the end of a silence is told under the id of its step; what ended is not."""
    desk = making(Routing(everything=("hook",)), Party("hook", grouped=False))
    desk.take(silence(START, "1h", rule="negative-surge"), step("a"), step("b"))
    desk.at("10m").take(step("b", 1, "resolved"))
    desk.at("2h").take(step("a", 1, "resolved"))
    assert desk.said == [(3600, "hook", "resumed", "a.0 +1"), (7200, "hook", "resolved", "a.1")]
    assert desk.told[0][2].id == notification_id(step("a").id, "id-hook")


@pytest.mark.parametrize(
    ("changes", "heard"),
    [({}, {"live", "stage"}), ({"demo": True}, {"stage"}), ({"replay": True}, set()),
     ({"replay": True, "demo": True}, set())],
)  # fmt: skip
def test_history_and_invented_data_reach_no_live_channel(
    making: Making, changes: dict[str, Any], heard: set[str]
) -> None:
    """Replay is told to nobody, demo data to receivers that asked for it: by any route, escalation and grouping."""
    route = {"receivers": ["live", "stage"], "escalate": {"after": "1m", "to": ["boss"], "at_least": "info"}}
    parties = (Party("live"), Party("stage", demo=True), Party("boss"), Party("hook", grouped=False))
    desk = making(routing(route, everything=("hook",)), *parties)
    desk.take(step("a", **changes))
    desk.at("1h").take(step("a", 1, "resolved", **changes))
    desk.at("2h")
    expected = heard | ({"boss", "hook"} if "live" in heard else set())
    assert {name for _, name, _, _ in desk.said} == expected


def test_a_demo_inhibits_nothing_real(making: Making) -> None:
    """An invented alert must not hold a true one back."""
    inhibit = [{"source": {"severity": "critical"}, "target": {"severity": "warning"}}]
    desk = making(routing(ROUTE, inhibit=inhibit))
    desk.take(step("a", severity="critical", demo=True), step("b"))
    desk.at("1m")
    assert [said[3] for said in desk.said] == ["b.0"]


def test_a_broken_channel_is_told_of_to_the_others(making: Making) -> None:
    """The alert about a channel goes to others, by its route or, without one, to all of them; never to itself."""
    about = {"kind": "system", "rule": "tocsin-channel", "subject": "system:channel/desk", "severity": "critical"}
    desk = making(routing({"match": {"kind": "system"}, "receivers": ["desk"]}), Party("desk"), Party("duty"))
    desk.take(step("a", **about))
    desk.at("1m")
    assert [(name, text) for _, name, _, text in desk.said] == [("duty", "a.0")]


def test_what_a_receiver_is_known_to_have_been_told_is_not_told_again(making: Making) -> None:
    """After a rebuild receipts speak for what was told; its end is news all the same, and what is too old is not."""
    desk = making(routing(ROUTE), Party("desk"), Party("lost"))
    desk.take(step("a"), told_to=("id-desk",))
    desk.take(step("b"), old=True)
    desk.take(step("c"))
    desk.at("1h").take(step("a", 1, "resolved"), step("b", 1, "resolved"))
    desk.at("2h")
    assert desk.said == [(30, "desk", "more", "c.0"), (3630, "desk", "resolved", "a.1 b.1")]


def test_another_file_loses_nothing_that_waits(making: Making) -> None:
    """With other routes after a restart what waited is told, to receivers that are still there."""
    desk = making(routing({"receivers": ["desk", "gone"]}), Party("desk"), Party("gone"))
    desk.take(step("a"))
    desk.routing, desk.parties = routing({"receivers": ["desk"], "group_by": ["subject"]}), (Party("desk"),)
    desk.reload()
    desk.at("1m").take(step("a", 1, "resolved"))
    desk.at("1h")
    assert [(name, text) for _, name, _, text in desk.said] == [("desk", "a.0"), ("desk", "a.1")]


def test_what_is_over_leaves_nothing_behind(making: Making) -> None:
    """Days later the rows hold no more than which alerts were seen, and who has which name."""
    desk = making(routing(ROUTE, flapping=True))
    desk.take(silence(START, "1h", name="Nobody"), step("a"), ack("a", START), step("b"))
    desk.at("1h").take(step("a", 1, "resolved"))
    desk.at("2000h")
    desk.take(step("b", 1, "resolved"))
    desk.at("4400h").policy.prune(desk.now)
    desk.store([])
    assert {kind for kind, _ in desk.rows} == {"seen", "name"}


def test_an_alert_of_long_ago_that_comes_again_rings_nobody(making: Making) -> None:
    """A detector that folds its whole log anew sends old steps once more, with new offsets."""
    desk = making(routing(ROUTE, everything=("hook",)), Party("desk"), Party("hook", grouped=False))
    life = [step("a"), step("a", 1, "updated"), step("a", 2, "resolved")]
    desk.take(*life)
    desk.at("4400h").policy.prune(desk.now)
    desk.store([])
    before = len(desk.told)
    desk.take(*life)
    desk.at("4500h")
    assert len(desk.told) == before


def test_what_an_inhibition_held_back_is_told_when_the_file_knows_it_no_more(making: Making) -> None:
    """Nothing else would ever look at it again."""
    inhibit = [{"source": {"severity": "critical"}, "target": {"severity": "warning"}}]
    desk = making(routing(ROUTE, inhibit=inhibit))
    desk.take(step("a", severity="critical"), step("b"))
    desk.at("1h").routing = routing(ROUTE)
    desk.reload()
    desk.at("61m")
    assert desk.said == [(30, "desk", "first", "a.0 +1"), (3600, "desk", "resumed", "b.0")]


def test_a_lost_source_inhibits_no_more(making: Making) -> None:
    """An alert that is forgotten because its end was lost holds nothing back."""
    inhibit = [{"source": {"severity": "critical"}, "target": {"severity": "warning"}}]
    desk = making(routing({**ROUTE, "repeat_interval": "0"}, inhibit=inhibit))
    desk.take(step("a", severity="critical"))
    desk.at("2000h").take(step("b"))
    desk.at("2200h").policy.prune(desk.now)
    desk.store([])
    desk.at("2201h")
    assert desk.said[-1][2:] == ("resumed", "b.0 +1")


@pytest.mark.parametrize("held", ["silence", "inhibition", "acknowledgement"])
def test_an_escalation_that_was_held_back_is_made_up_for(making: Making, held: str) -> None:
    """What nobody has in hand any more when a silence, an inhibition or an acknowledgement ends is told further."""
    inhibit = [{"source": {"subject": "entity:B"}, "target": {"subject": "entity:A"}}]
    route = {**ROUTE, "repeat_interval": "0", "escalate": {"after": "15m", "to": ["duty"], "at_least": "warning"}}
    desk = making(routing(route, inhibit=inhibit), Party("desk"), Party("duty"))
    desk.take(step("a"))
    desk.at("1m")
    if held == "silence":
        desk.take(silence(after("1m"), "1h", subject="entity:A"))
    elif held == "inhibition":
        desk.take(step("b", severity="info"))
    else:
        desk.take(ack("a", after("1m"), after("61m")))
    desk.at("60m")
    if held == "inhibition":
        desk.take(step("b", 1, "resolved", severity="info"))
    assert not any(name == "duty" for _, name, _, _ in desk.said)
    desk.at("2h")
    (told,) = [said for said in desk.said if said[1] == "duty"]
    assert told[2:] == ("escalated", "a.0")
    assert told[0] <= 61 * 60 + 2 * 900


def test_reminders_go_on_when_an_acknowledgement_ends(making: Making) -> None:
    """Not a whole interval later."""
    desk = making(routing(ROUTE))
    desk.take(step("a"))
    desk.at("1m").take(ack("a", after("1m"), after("5h")))
    desk.at("6h")
    assert desk.said[1:] == [(5 * 3600, "desk", "repeat", "a.0")]


def test_a_clock_that_was_wrong_delays_nothing_when_it_is_set_back(making: Making) -> None:
    """A machine that believed it was tomorrow tells, reminds and escalates as if it had always known better."""
    route = {**ROUTE, "escalate": {"after": "15m", "to": ["duty"], "at_least": "warning"}}
    desk = making(routing(route), Party("desk"), Party("duty"))
    desk.at("8h").take(step("a"))
    desk.at("481m").take(step("b"))
    desk.now = after("1m")
    desk.take()
    desk.store(desk.policy.tick(desk.now))
    desk.at("2m").take(step("c"))
    desk.at("5h")
    told = {(name, why): at for at, name, why, _ in reversed(desk.said) if at < 8 * 3600}
    assert told["desk", "more"] <= 2 * 60 + 30 + 300
    assert told["duty", "escalated"] <= 17 * 60
    assert told["desk", "repeat"] <= 4 * 3600 + 600


def test_what_moves_to_another_group_leaves_nothing_behind(making: Making) -> None:
    """A group whose last alert went on to another route begins anew, and what it had counted is told with the alert."""
    rules = routing({"match": {"severity": "critical"}, "receivers": ["desk"], "group_by": ["severity"]}, ROUTE)
    desk = making(rules)
    desk.take(step("a"), step("b"))
    desk.at("10s").take(step("b", 1, "resolved"))
    desk.at("10m").take(step("c"))
    desk.at("612s").take(step("c", 1, "resolved"))
    desk.at("20m").take(step("a", 1, "updated"))
    desk.at("30m").take(step("d"))
    desk.at("40m")
    assert desk.said == [
        (30, "desk", "first", "a.0 +2"),
        (1230, "desk", "worse", "a.1 +2"),
        (1830, "desk", "first", "d.0"),
    ]


def test_a_receiver_with_a_new_address_is_the_same_receiver(making: Making) -> None:
    """What waited is told there, and the end of what was told at the old one."""
    desk = making(routing(ROUTE), Party("desk", address="old"))
    desk.take(step("a"))
    desk.at("10m").take(step("b"))
    desk.parties = (Party("desk", address="new"),)
    desk.reload()
    desk.at("610s").take(step("a", 1, "resolved"))
    desk.at("1h")
    assert [said[2:] for said in desk.said] == [("first", "a.0"), ("more", "a.1 b.0")]


def test_what_moves_to_another_group_takes_no_steps_of_others_along(making: Making) -> None:
    """What still waits in the group that it leaves is counted there."""
    rules = routing({"match": {"severity": "critical"}, "receivers": ["desk"], "group_by": ["severity"]}, ROUTE)
    desk = making(rules)
    desk.take(step("b"), step("b", 1, "resolved"), step("a"), step("a", 1, "updated"))
    desk.at("10m").take(step("c"))
    desk.at("20m")
    assert desk.said == [(30, "desk", "first", "a.1 +1"), (630, "desk", "first", "c.0 +2")]


def test_a_group_that_fails_keeps_no_other_from_being_told(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put off, and told when the fault is mended."""
    hold = Holds.hold
    broken = True

    def failing(self: Holds, told: AlertEvent, *more: Any) -> Any:
        if broken and told.subject == "entity:A":
            raise RuntimeError("a bug")
        return hold(self, told, *more)

    monkeypatch.setattr(Holds, "hold", failing)
    desk = making(routing({"receivers": ["desk"], "group_by": ["subject"]}))
    desk.take(step("a"), step("b"))
    desk.at("6m")
    assert desk.said == [(30, "desk", "first", "b.0")]
    broken = False
    desk.at("11m")
    assert desk.said[1:] == [(630, "desk", "first", "a.0")]
