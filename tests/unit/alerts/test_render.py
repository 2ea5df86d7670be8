"""What people read of an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts.delivery import facts
from alerts.delivery.card import Card, Span
from alerts.delivery.render import card, lock_screen, mail
from streams.records import Condition, Counterfactual
from tests.ringing import START, event, evidence
from tests.unit.alerts.reading import SAMPLES, message, said, words


def test_the_arithmetic_of_the_severity_is_shown() -> None:
    """Figure, times and bound as they are, and from where it would be worse; never as if that were reached."""
    ladder = {"warning": 1.0, "critical": 2.5}
    of = event(severity="warning", observed=8.0, bound=4.0, beyond=2.0, ladder=ladder)
    assert "8 negative stories = 2.0 times the 4 at which it rings; critical from 2.5 times" in said(of)
    assert "8 起负面事件 = 触发线 4 的 2.0 倍；达到 2.5 倍为严重" in said(of, "zh")
    near = event(severity="warning", observed=2.49, bound=1.0, beyond=2.49, ladder=ladder)
    assert "2.49 times" in said(near)
    kept = event(severity="critical", observed=8.0, bound=4.0, beyond=2.0, ladder=ladder)
    assert "(critical is the highest so far)" in said(kept)
    share = event(unit="negative share of stories", observed=0.62, low=0.48, high=0.7, bound=0.3, beyond=1.6)
    assert "lower bound 48% = 1.6 times the 30%" in said(share)
    sum_of_ratios = event(observed=14.0, bound=6.0, beyond=1.2)  # of a shift: the bound is not one of the count
    assert "14 negative stories =" not in said(sum_of_ratios)
    assert "1.2 times" in said(sum_of_ratios)


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
    assert en in said(of)
    assert zh in said(of, "zh")
    stranger = Counterfactual(stops=True, documents=("elsewhere",), observed=0.0)
    assert "Without 1 story it would not ring" in said(event(counterfactual=stranger))


def test_what_was_left_aside_is_told_only_when_there_is_some() -> None:
    """Old, undated and unjudged documents, each by its number."""
    assert "Also in the window" not in said(event())
    text = said(event(stale=3, unjudged=5))
    assert "3 old when collected, 5 judged by no model" in text
    assert "without a trustworthy date" not in text


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
    text = said(event(conditions=parts))
    assert "✓ surge: 24 negative stories in 2 h\n" in text
    assert "✗ coordination: 1 copy of one story in 1 h (told by as many authors)" in text
    assert "✗ 协同发布：1 小时内同一事件 1 篇转载（由众多作者发布）" in said(event(conditions=parts), "zh")


def test_an_alert_about_tocsin_itself_says_what_is_wrong_and_what_to_do() -> None:
    """Name, sentence and remedy in the reader's language; once over, only the sentence."""
    of = SAMPLES["system"].events[0]
    assert "742 seconds behind" in said(of)
    assert "Do: Look at `tocsin status`" in said(of)
    assert card(message(of), "zh").title == "严重：Tocsin 自身：enrich 落后"
    assert "落后 742 秒" in lock_screen(message(of), "zh")
    assert "judged" not in said(of).replace("has not been judged", "")
    over = replace(of, state="resolved", annotations=dict(of.annotations) | {"en": "The worker has caught up."})
    assert said(over).startswith("Over: Tocsin itself: Lag of enrich\nThe worker has caught up.\nRule ")
    assert said(of) != said(over)
    assert "742 seconds" in words(card(message(of, event(alert="b" * 32)), "en"))


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


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://wire.example/a@b?c=d", True),
        ("http://wire.example:8080", True),
        ("https://bank.example@evil.example/", False),
        ("https://bank.example\\@evil.example/", False),
        ("https://user:word@evil.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_address_leads_where_it_says(url: str, kept: bool) -> None:
    """What stands before an @ reads like the host and is none."""
    assert bool(facts.address(url)) is kept
