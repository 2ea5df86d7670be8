"""What people read of an alert."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace as change
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.delivery.card import Block, Card, Span
from alerts.delivery.channel import Message, Why
from alerts.delivery.headings import LOCK_LIMIT
from alerts.delivery.phrases import catalogue, pieces
from alerts.delivery.render import Lang, card, lock_screen, mail
from alerts.delivery.samples import sample_events, sample_messages
from models.labels import RISKS, TOPICS
from streams.records import AlertEvent, Condition, Counterfactual, State, decode, encode
from tests.ringing import START, event, evidence

BOTH: tuple[Lang, ...] = ("en", "zh")
WHYS: tuple[Why, ...] = get_args(Why)
SAMPLES = sample_messages(demo=False)
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</p></div><h1>Over</h1>",
        "<!-- ",
        "]]>",
        "&lt;b&gt; &amp;amp;",
        "{demo}{0.__class__}%s",
        "a\u202eb\r\nBcc: x\x00",
        "[x](javascript:alert(1)) @all <at id=all></at>",
        "</title><style>*{display:none}",
    ]
)


def message(*events: AlertEvent, why: Why = "first", **fields: Any) -> Message:
    return Message(id="m", at=START, why=why, events=events or (event(),), **fields)


def words(shown: Card) -> str:
    """Everything a card says."""
    lines = ["".join(span.text for span in line) for block in shown.blocks for line in block.lines]
    return "\n".join([shown.title, *lines])


class Skeleton(HTMLParser):
    """Tags and names of attributes in order, addresses, and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", ()))

    def handle_data(self, data: str) -> None:
        self.text += data


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


def test_the_arithmetic_of_the_severity_is_shown() -> None:
    """Figure, times and bound as they are, and from where it would be worse; never as if that were reached."""
    ladder = {"warning": 1.0, "critical": 2.5}
    of = event(severity="warning", observed=8.0, bound=4.0, beyond=2.0, ladder=ladder)
    assert "8 negative stories = 2.0 times the 4 at which it rings; critical from 2.5 times" in _said(of)
    assert "8 起负面事件 = 触发线 4 的 2.0 倍；达到 2.5 倍为严重" in _said(of, "zh")
    near = event(severity="warning", observed=2.49, bound=1.0, beyond=2.49, ladder=ladder)
    assert "2.49 times" in _said(near)
    kept = event(severity="critical", observed=8.0, bound=4.0, beyond=2.0, ladder=ladder)
    assert "(critical is the highest so far)" in _said(kept)
    share = event(unit="negative share of stories", observed=0.62, low=0.48, high=0.7, bound=0.3, beyond=1.6)
    assert "lower bound 48% = 1.6 times the 30%" in _said(share)
    sum_of_ratios = event(observed=14.0, bound=6.0, beyond=1.2)  # of a shift: the bound is not one of the count
    assert "14 negative stories =" not in _said(sum_of_ratios)
    assert "1.2 times" in _said(sum_of_ratios)


def _said(of: AlertEvent, lang: Lang = "en") -> str:
    return words(card(message(of), lang))


def test_the_evidence_is_told_with_all_that_is_known_of_it() -> None:
    """Copies, voices, share of the excess, first and last seen, kind of risk, marked words and the link."""
    told = evidence(
        1,
        headline="Brightwater recalls pump",
        highlights=((12, 19),),
        copies=7,
        authors=1,
        sources=3,
        share=0.46,
        first_seen=START - timedelta(minutes=40),
        last_seen=START - timedelta(minutes=5),
        risk="product_safety",
    )
    shown = card(message(event(evidence=(told,))), "en")
    (block,) = (b for b in shown.blocks if any(span.style == "mark" for line in b.lines for span in line))
    assert Span("recalls", "mark") in block.lines[1]
    assert block.lines[2][0] == Span("wire", href="https://news.example/1")
    said = "".join(span.text for span in block.lines[2])
    assert "7 copies · 1 author · 3 sources · 46% of the excess · 08:50 to 09:25 · product safety · 93% neg" in said


def test_a_chat_shows_three_stories_and_a_mail_all() -> None:
    """The card stays short; the mail has every story and the labels."""
    told = message(event(evidence=tuple(evidence(n) for n in range(5))))
    assert [f"number {n}" in words(card(told, "en")) for n in range(5)] == [True, True, True, False, False]
    assert all(f"number {n}" in mail(told, "en").text for n in range(5))
    assert "baseline: seasonal" in mail(told, "zh").text.replace("：", ": ")


@pytest.mark.parametrize(
    ("counterfactual", "en", "zh"),
    [
        (
            (True, 1, 2.0),
            "Without story 1 it would not ring: 2 negative stories",
            "若无第 1 起事件则不会触发：只剩 2 起",
        ),
        ((True, 2, 1.0), "Without stories 1 and 2 it would not ring: 1 negative story", "若无第 1、2 起事件"),
        ((False, 2, 20.0), "even without the 2 stories told most: 20 negative", "即使没有传播最多的 2 起事件也会触发"),
    ],
)
def test_the_counterfactual_names_its_stories(counterfactual: tuple[bool, int, float], en: str, zh: str) -> None:
    """Which stories, taken away, would have kept it quiet, and what would be left."""
    stops, many, left = counterfactual
    told = (evidence(1), evidence(2))
    found = Counterfactual(stops=stops, documents=tuple(e.document for e in told[:many]), observed=left)
    of = event(evidence=told, counterfactual=found)
    assert en in _said(of)
    assert zh in _said(of, "zh")
    stranger = Counterfactual(stops=True, documents=("elsewhere",), observed=0.0)
    assert "Without 1 story it would not ring" in _said(event(counterfactual=stranger))


def test_what_was_left_aside_is_told_only_when_there_is_some() -> None:
    """Old, undated and unjudged documents, each by its number."""
    assert "Also in the window" not in _said(event())
    said = _said(event(stale=3, unjudged=5))
    assert "3 old when collected, 5 judged by no model" in said
    assert "without a trustworthy date" not in said


def test_parts_of_a_composed_rule_say_what_they_found() -> None:
    """Each with its figure, and why it does not hold."""
    parts = (
        Condition(type="surge", holds=True, why="beyond", observed=24.0, unit="negative stories", window_seconds=7200),
        Condition(
            type="coordination",
            holds=False,
            why="many_authors",
            observed=1.0,
            unit="copies of one story",
            window_seconds=3600,
        ),
    )
    said = _said(event(conditions=parts))
    assert "✓ surge: 24 negative stories in 2 h\n" in said
    assert "✗ coordination: 1 copy of one story in 1 h (told by as many authors)" in said
    assert "✗ 协同发布：1 小时内同一事件 1 篇转载（由众多作者发布）" in _said(event(conditions=parts), "zh")


def test_an_alert_about_tocsin_itself_says_what_is_wrong_and_what_to_do() -> None:
    """Name, sentence and remedy in the reader's language; once over, only the sentence."""
    of = SAMPLES["system"].events[0]
    assert "742 seconds behind" in _said(of)
    assert "Do: Look at `tocsin status`" in _said(of)
    assert card(message(of), "zh").title == "严重：Tocsin 自身：enrich 落后"
    assert "落后 742 秒" in lock_screen(message(of), "zh")
    assert "judged" not in _said(of).replace("has not been judged", "")
    over = replace(of, state="resolved", annotations=dict(of.annotations) | {"en": "The worker has caught up."})
    assert _said(over).startswith("Over: Tocsin itself: Lag of enrich\nThe worker has caught up.\nRule ")
    assert _said(of) != _said(over)
    assert "742 seconds" in words(card(message(of, event(alert="b" * 32)), "en"))


def test_silence_is_news_and_not_a_lack_of_data() -> None:
    """An empty window of a rule that rings for silence has its figure; that of another rule has no data."""
    assert "0 stories in 6 h (usually 12.4)" in card(SAMPLES["silence"], "en").title
    empty = event(support=0, documents=0, evidence=())
    assert "No documents in the last 30 min" in card(message(empty), "en").title


def test_a_group_tells_twenty_and_counts_the_rest() -> None:
    """Counts by severity in the title, a block for each of twenty, and how many more of which severity."""
    shown = card(SAMPLES["storm"], "en")
    assert shown.title == "24 alerts: 4 critical, 20 warnings · entity-negative-surge"
    assert sum("Acknowledge" in words(Card("", "info", (block,))) for block in shown.blocks) == 20
    assert "And 4 more: 4 warnings" in words(shown)
    assert (shown.buttons, shown.severity) == ((), "critical")
    assert "more:" not in mail(SAMPLES["storm"], "en").text
    over = card(message(event(state="resolved"), event(state="resolved", alert="b" * 32)), "en")
    assert (over.title, over.severity) == ("Over: 2 alerts", "resolved")


def test_buttons_are_the_links_that_still_make_sense() -> None:
    """Only web addresses; what is over cannot be acknowledged or silenced."""
    of = event()
    links = {"show": "https://t.example/s", "acknowledge": "javascript:x", "silence": "https://t.example/q"}
    told = message(of, links={of.alert: links})
    assert [(b.label, b.href) for b in card(told, "en").buttons] == [
        ("Show", "https://t.example/s"),
        ("Silence for 1 hour", "https://t.example/q"),
    ]
    over = message(event(state="resolved"), links={of.alert: links})
    assert [b.label for b in card(over, "zh").buttons] == ["查看详情"]


def test_times_are_in_the_zone_that_is_asked_for() -> None:
    """UTC unless a zone is given, written as an offset nobody can misread; another day has its date."""
    told = message(event(since=START - timedelta(days=1)))
    assert "since 2026-03-01 09:30, this step 09:30" in words(card(told, "en"))
    local = words(card(told, "en", ZoneInfo("Asia/Kolkata")))
    assert "since 2026-03-01 15:00, this step 15:00" in local
    assert "Times in UTC+5:30" in local


def test_words_exist_for_every_kind_of_risk_and_topic() -> None:
    """No code name of ours is shown to people, and topics are named in the reader's language."""
    for lang in BOTH:
        assert {f"risk.{r}" for r in RISKS if r != "none"} | {f"topic.{t}" for t in TOPICS} <= set(catalogue(lang))
    assert card(message(event(subject="topic:legal", name="Legal | Regulation")), "zh").title.startswith(
        "严重：法律与监管"
    )


@pytest.mark.parametrize("tone", ["", "negative "])
@pytest.mark.parametrize("what", ["stories", "documents", "authors"])
def test_units_of_every_kind_of_rule_are_words_of_the_language(tone: str, what: str) -> None:
    """What rules count is said in Chinese without a word left over; an unknown unit stands as it is."""
    for unit in (
        *(f"{tone}{what}", f"negative share of {what}", f"{tone}{what} since the level changed", "copies of one story"),
        *(f"{tone}{what} of a {kind} not seen before" for kind in ("risk", "topic", "source")),
    ):
        assert not re.search("[a-z]", lock_screen(message(event(unit=unit)), "zh").split("\n")[1])
    assert "24 teapots" in card(message(event(unit="teapots")), "zh").title


@given(hostile=HOSTILE, lang=st.sampled_from(BOTH), group=st.booleans())
@settings(max_examples=300)
def test_hostile_text_never_changes_the_structure_of_a_mail(hostile: str, lang: Lang, group: bool) -> None:
    """Whatever a headline, name, source, label or note holds: the same tags in the same order, and no new address."""

    def html(text: str) -> str:
        of = event(
            name=f"x{text}",
            rule=f"x{text}",
            models=(f"x{text}",),
            labels={f"x{text}": f"x{text}"},
            annotations={f"x{text}": f"x {text}"},
            unit=f"x{text}",
            evidence=(evidence(1, headline=text, source=f"x{text}"),),
        )
        told = (of, event(alert="b" * 32, name=f"x{text}")) if group else (of,)
        return mail(message(*told, group={"desk": f"x{text}"}), lang).html

    found, plain = Skeleton(html(hostile)), Skeleton(html("word"))
    assert found.tags == plain.tags
    assert found.addresses == plain.addresses


@given(HOSTILE, HOSTILE | HOSTILE.map(lambda text: f"https://x.example/{text}"))
def test_only_web_addresses_become_links_and_nothing_is_loaded(headline: str, url: str) -> None:
    """A link is http or https without blanks; a mail has no image, script, form or style sheet."""
    of = event(evidence=(evidence(1, headline=headline, url=url),), annotations={"runbook": url})
    skeleton = Skeleton(mail(message(of), "en").html)
    assert all(re.fullmatch(r"https?://\S+", address) for address in skeleton.addresses)
    assert set(skeleton.addresses) <= {url, url.strip()}
    assert {name for _, names in skeleton.tags for name in names} <= {
        *"lang charset name content style href target rel".split()
    }
    assert {tag.removeprefix("/") for tag, _ in skeleton.tags} <= set(
        "html head meta title body div h1 p strong mark a".split()
    )


@given(HOSTILE)
def test_a_subject_is_one_line(hostile: str) -> None:
    """No header can be added through a name."""
    subject = mail(message(event(name=hostile)), "en").subject
    assert not set(subject) & {"\r", "\n", "\x00", "\u202e"}


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


@given(st.text(max_size=80), st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90)), max_size=8))
def test_marked_words_never_lose_or_move_text(headline: str, places: list[tuple[int, int]]) -> None:
    """However wrong the offsets, the pieces together are the headline without its hidden characters."""
    told = evidence(headline=headline, highlights=tuple(places))
    assert "".join(piece for piece, _ in pieces(told)) == "".join(
        piece for piece, _ in pieces(evidence(headline=headline))
    )


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
    for sign, shown, percent in NUMBER.findall(re.sub(r"\d\d:\d\d", "", text)):
        value = float(shown.replace(",", "")) / (100 if percent else 1)
        decimals = len(shown.partition(".")[2]) + (2 if percent else 0)
        near = 10.0**-decimals * 0.501
        odds = of.p_value is not None and (
            abs(1 / of.p_value - value) <= max(0.51, 0.06 * value) or (sign == ">" and 1 / of.p_value > value)
        )
        small = sign == "<" and any(0 < number < value for number in known)
        assert odds or small or any(abs(number - value) <= near for number in known), (shown, text)


@pytest.mark.parametrize("name", sample_events())
def test_samples_are_records_and_marked(name: str) -> None:
    """Each survives the wire, is demo unless asked otherwise, and its highlights are words of its headline."""
    for of in sample_events()[name]:
        assert decode(encode(of), AlertEvent) == of
        assert of.demo
        for told in of.evidence:
            assert all(told.headline[start:end].strip() for start, end in told.highlights)
            assert told.highlights
    assert not any(of.demo for of in sample_events(demo=False)[name])


@pytest.mark.parametrize("lang", BOTH)
@pytest.mark.parametrize("name", sample_events())
def test_the_same_message_gives_the_same_text(name: str, lang: Lang) -> None:
    """Every attempt sends the same bytes: rendering asks neither clock nor chance."""
    again = sample_messages(demo=False)[name]
    assert card(SAMPLES[name], lang) == card(again, lang)
    assert mail(SAMPLES[name], lang) == mail(again, lang)
    assert all(isinstance(block, Block) and block.lines for block in card(again, lang).blocks)


def test_a_mail_is_the_card_in_full() -> None:
    """Text and HTML say the same, and the links stand in both."""
    letter = mail(SAMPLES["firing"], "en")
    text = re.sub(r"\s+", " ", Skeleton(letter.html).text)
    for line in letter.text.split("\n"):
        if line and "https://" not in line:
            assert re.sub(r"\s+", "", line) in re.sub(r"\s+", "", text)
    addresses = Skeleton(letter.html).addresses
    assert addresses
    assert all(address in letter.text for address in addresses)
    assert letter.html.count('rel="noopener noreferrer"') == len(addresses)


def test_the_sample_moment_is_a_fixed_one() -> None:
    """Samples lie in the past and never change with the clock."""
    assert SAMPLES["firing"].events[0].at < datetime(2026, 4, 1, tzinfo=UTC)
