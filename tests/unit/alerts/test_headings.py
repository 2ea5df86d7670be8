"""Titles, lock screens, and the words of each language."""

from __future__ import annotations

import re
from dataclasses import replace as change
from datetime import timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import decisions
from alerts.delivery.channel import Why
from alerts.delivery.headings import LOCK_LIMIT
from alerts.delivery.phrases import catalogue
from alerts.delivery.render import Lang, card, lock_screen, mail
from alerts.delivery.samples import sample_events
from alerts.rules import KINDS
from models.labels import RISKS, TOPICS
from streams.records import State
from tests.ringing import START, event
from tests.unit.alerts.reading import BOTH, HOSTILE, SAMPLES, WHYS, message, words


@pytest.mark.parametrize("lang", BOTH)
@pytest.mark.parametrize("why", WHYS)
@pytest.mark.parametrize("state", get_args(State))
def test_every_state_and_occasion_has_words(state: str, why: Why, lang: Lang) -> None:
    """A title with the name, a lock screen, a mail; no blank is left unfilled."""
    told = message(event(state=state), why=why)
    shown, letter = card(told, lang), mail(told, lang)
    assert "Brightwater" in shown.title
    assert "Brightwater" in lock_screen(told, lang)
    assert letter.subject == shown.title
    assert not re.search(r"[{}|]", words(shown) + letter.text + lock_screen(told, lang))


@pytest.mark.parametrize(
    ("why", "state", "reason", "en", "zh"),
    [
        ("first", "firing", "held", "Critical: B", "严重：B"),
        ("worse", "updated", "severity", "Now Critical: B", "升级为严重：B"),
        ("amended", "amended", "late", "Amended, Critical: B", "更正，严重：B"),
        ("resolved", "resolved", "ended", "Over: B", "已解除：B"),
        ("resolved", "resolved", "rule_removed", "Rule gone or changed: B", "规则已删除或修改：B"),
        ("repeat", "updated", "severity", "Still firing. Critical: B", "仍在持续｜严重：B"),
        ("escalated", "firing", "held", "Nobody acknowledged. Critical: B", "无人确认｜严重：B"),
        ("resumed", "firing", "held", "No longer held back. Critical: B", "恢复通知｜严重：B"),
        ("digest", "resolved", "ended", "From quiet hours. Over: B", "免打扰时段汇总｜已解除：B"),
        ("test", "firing", "held", "[TEST] Critical: B", "【测试】严重：B"),
    ],
)
def test_a_title_says_what_happened(why: Why, state: str, reason: str, en: str, zh: str) -> None:
    """Why it is told and what became of it come first, in titles, subjects and on lock screens."""
    told = message(event(state=state, reason=reason), why=why)
    for lang, start in zip(BOTH, (en, zh), strict=True):
        assert card(told, lang).title.startswith(start)
        assert lock_screen(told, lang).startswith(start)


@pytest.mark.parametrize(
    ("by", "why", "en", "zh"),
    [
        ("li.wei", "", "li.wei wants you to know of it now.", "li.wei 要求立即通知您。"),
        ("li\n<b>", "a | {b}", "li <b> wants you to know of it now: “a | {b}”", "li <b> 要求立即通知您：“a | {b}”"),
    ],
)
def test_who_asked_that_it_is_told_is_named_with_the_reason(by: str, why: str, en: str, zh: str) -> None:
    """And nothing is said of an acknowledgement that is not missing."""
    told = message(why="escalated", asked_by=by, asked_why=why)
    for lang, sentence, start in zip(BOTH, (en, zh), ("escalated. Critical: B", "升级通知｜严重：B"), strict=True):
        text = words(card(told, lang))
        assert sentence in text
        assert start in text.replace(" 升级通知", "升级通知")
        assert catalogue(lang)["reason.escalated"] not in text
        assert catalogue(lang)["why.escalated"] not in text


@pytest.mark.parametrize("lang", BOTH)
@given(by=st.text(min_size=1, max_size=128), why=st.text(max_size=1000))
@settings(max_examples=50)
def test_whoever_asked_the_severity_is_on_the_lock_screen(lang: Lang, by: str, why: str) -> None:
    """However long a name, it takes no room from what the screen must say."""
    told = message(why="escalated", asked_by=by, asked_why=why)
    shown = lock_screen(told, lang)
    assert len(shown) <= LOCK_LIMIT[lang]
    assert catalogue(lang)["severity.critical"] in shown


@pytest.mark.parametrize("lang", BOTH)
def test_demo_and_history_are_marked_before_anything_else(lang: Lang) -> None:
    """The mark begins title, subject and lock screen; some of several are not taken for all."""
    demo, replay, some = (catalogue(lang)[key] for key in ("demo", "replay", "demo.some"))
    for told, start in (
        (message(event(demo=True), why="escalated"), demo),
        (message(event(replay=True)), replay),
        (message(event(demo=True, replay=True)), demo + replay),
        (message(event(demo=True), event(alert="b" * 32)), some),
    ):
        for text in (card(told, lang).title, mail(told, lang).subject, lock_screen(told, lang)):
            assert text.startswith(start)
    assert not mail(message(), lang).subject.startswith(("[", "【"))


@pytest.mark.parametrize("lang", BOTH)
@pytest.mark.parametrize("name", sample_events())
def test_what_was_suppressed_is_always_told(name: str, lang: Lang) -> None:
    """The number and since when, on every kind of message."""
    since = SAMPLES[name].at - timedelta(hours=2)
    told = change(SAMPLES[name], suppressed=1234, suppressed_since=since)
    clock = f"{since:%H:%M} UTC"
    for text in (lock_screen(told, lang), words(card(told, lang)), mail(told, lang).text, mail(told, lang).html):
        assert "1,234" in text
        assert clock in text
    assert "1,234" in words(card(change(told, suppressed_since=None), lang))


def test_a_crowded_lock_screen_keeps_the_name() -> None:
    """Where there is no room for since when, the number alone is told, rather than half a name."""
    told = message(event(demo=True, replay=True), why="resumed", suppressed=10**6)
    text = lock_screen(change(told, suppressed_since=START - timedelta(days=3)), "zh")
    assert text.split("\n")[0] == "【演示】【回放】恢复通知｜严重：Brightwater"
    assert text.endswith("另有 1,000,000 条未通知")


def test_silence_is_news_and_not_a_lack_of_data() -> None:
    """An empty window of a rule that rings for silence has its figure; that of another rule has no data."""
    assert "0 stories in 6 h (usually 12.4)" in card(SAMPLES["silence"], "en").title
    empty = event(support=0, documents=0, evidence=())
    assert "No documents in the last 30 min" in card(message(empty), "en").title


def test_times_are_in_the_zone_that_is_asked_for() -> None:
    """UTC unless a zone is given, written as an offset nobody can misread; another day has its date."""
    told = message(event(since=START - timedelta(days=1)))
    assert "since 2026-03-01 09:30, this step 09:30" in words(card(told, "en"))
    local = words(card(told, "en", ZoneInfo("Asia/Kolkata")))
    assert "since 2026-03-01 15:00, this step 15:00" in local
    assert "Times in UTC+5:30" in local


def test_words_exist_for_every_code_name() -> None:
    """No code name of ours is shown to people, and topics are named in the reader's language."""
    for lang in BOTH:
        assert {f"said.{why}" for why in get_args(decisions.Why)} | {f"type.{kind}" for kind in KINDS} <= set(
            catalogue(lang)
        )
        assert {f"risk.{r}" for r in RISKS if r != "none"} | {f"topic.{t}" for t in TOPICS} <= set(catalogue(lang))
    assert card(message(event(subject="topic:legal", name="Legal | Regulation")), "zh").title.startswith(
        "严重：法律与监管"
    )


@pytest.mark.parametrize("tone", ["", "negative "])
@pytest.mark.parametrize("what", ["stories", "documents", "authors", "sources"])
def test_units_of_every_kind_of_rule_are_words_of_the_language(tone: str, what: str) -> None:
    """What rules count is said in Chinese without a word left over; an unknown unit stands as it is."""
    for unit in (
        *(f"{tone}{what}", f"negative share of {what}", f"{tone}{what} since the level changed", "copies of one story"),
        *(f"{tone}{what} of a {kind} not seen before" for kind in ("risk", "topic", "source")),
    ):
        assert not re.search("[a-z]", lock_screen(message(event(unit=unit)), "zh").split("\n")[1])
    assert "24 teapots" in card(message(event(unit="teapots")), "zh").title


@given(
    name=HOSTILE,
    unit=st.text(max_size=80),
    lang=st.sampled_from(BOTH),
    why=st.sampled_from(WHYS),
    state=st.sampled_from(["firing", "updated", "amended", "resolved"]),
    reason=st.sampled_from(["held", "severity", "rule_removed"]),
    marks=st.tuples(st.booleans(), st.booleans()),
    suppressed=st.integers(0, 10**6),
    days=st.integers(0, 3),
    many=st.integers(1, 40),
)
@settings(max_examples=300)
def test_a_lock_screen_stays_within_its_limits(
    name: str,
    unit: str,
    lang: Lang,
    why: Why,
    state: str,
    reason: str,
    marks: tuple[bool, bool],
    suppressed: int,
    days: int,
    many: int,
) -> None:
    """Three lines and the limit of the language at most; severity and what was suppressed are never cut away."""
    of = [
        event(
            state=state,
            reason=reason,
            name=name,
            unit=unit,
            demo=marks[0],
            replay=marks[1],
            alert=f"{n:032x}",
        )
        for n in range(many)
    ]
    since = START - timedelta(days=days)
    text = lock_screen(message(*of, why=why, suppressed=suppressed, suppressed_since=since), lang)
    assert len(text) <= LOCK_LIMIT[lang]
    assert len(text.split("\n")) <= 3
    if suppressed:
        assert f"{suppressed:,}" in text
    if many == 1 and state != "resolved":
        assert catalogue(lang)["severity.critical"] in text
