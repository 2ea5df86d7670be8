from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.keywords import pattern
from alerts.rule_files import RuleError, parse_rules
from alerts.rules import Scope
from tests.unit.alerts.signals import engine, fold, mention, rule, tick


@pytest.mark.parametrize(
    ("keyword", "headline", "found"),
    [
        ("fraud", "Regulator alleges FRAUD at Halden", True),
        ("fraud", "Halden sells antifraud software", False),
        ("fraud", "Halden sells fraudproof software", False),
        ("fraud", "fraud", True),
        ("class action", "A class  action is filed", True),
        ("class action", "A class of action films", False),
        ("立案调查", "公司被立案调查，股价跌停", True),
        ("ST", "该股被ST处理", True),  # Latin between Chinese stands for itself
        ("ST", "BEST year yet", False),
        ("S&P", "downgraded by s&p today", True),
        ("$BRW", "sell $brw now", True),
        ("$BRW", "sell $BRWX now", False),
        ("c++", "a c++ bug", True),
        ("3.5%", "falls 3.5% at once", True),
        ("Ärger", "großer ÄRGER bei Halden", True),
    ],
)
def test_latin_words_are_whole_and_chinese_ones_anywhere(keyword: str, headline: str, found: bool) -> None:
    """In any case, blanks of any length, and no keyword is a pattern."""
    assert (pattern((keyword,)).search(headline) is not None) is found


@given(st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip())), st.text(max_size=60))
def test_any_keyword_is_taken_literally(keyword: str, headline: str) -> None:
    """Whatever it holds it is found where it stands alone, and no headline makes a fault."""
    assert pattern((keyword,)).search(f"… {keyword} …")
    pattern((keyword,)).search(headline)


def test_one_of_several_keywords_is_enough() -> None:
    """An order of them has no meaning."""
    assert pattern(("fraud", "probe")).search("a probe begins")
    assert not pattern(("fraud", "probe")).search("a product begins")


def test_a_rule_counts_only_headlines_with_a_keyword() -> None:
    """Another headline about the same company is not in its scope."""
    signals = [
        mention(1, "a", headline="Halden: fraud alleged"),
        mention(2, "b", headline="Halden opens a plant"),
        mention(3, "c", headline="FRAUD, says the regulator"),
    ]
    looking = rule("type: threshold, at_least: 2, window: 30m", "{subject: entity, keywords: [fraud]}")
    events = fold(engine(looking), *signals, tick(5))
    assert [(e.state, e.observed, e.documents) for e in events] == [("firing", 2.0, 2)]


def test_keywords_have_a_history_of_their_own_and_change_the_rule() -> None:
    """What is usual is that of the headlines looked for; a rule without keywords is the rule it was."""
    assert Scope(subject="entity").filter() == ""
    assert Scope(subject="entity", keywords=("a",)).filter() != Scope(subject="entity", keywords=("b",)).filter()
    body = "type: threshold, at_least: 2, window: 30m"
    plain, looking = rule(body), rule(body, "{subject: entity, keywords: [fraud]}")
    assert plain.hash == "1b60f4fe76a7ba2c"  # of the rule before there were keywords: an upgrade ends no alert
    assert looking.hash != plain.hash


def test_a_blank_keyword_is_refused() -> None:
    """It would be found in every headline that has a blank."""
    text = "rules: [{name: r, type: threshold, at_least: 1, window: 1h, scope: {subject: entity, keywords: [' ']}}]"
    with pytest.raises(RuleError, match=r"scope\.keywords\[0\]: a keyword needs a letter"):
        parse_rules(text)
