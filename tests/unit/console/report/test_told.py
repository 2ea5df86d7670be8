"""What a report says, in both languages: complete sentences, right numbers, and nothing that no record holds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from console.messages import catalogue
from console.opinion.counts import Counts
from console.report.contents import Move, Usual
from console.report.noise import Tally, number_moved, share_moved
from console.report.sheet import words_of
from console.report.summary_told import alerts_line, summary_lines
from console.report.told import speaker_of
from streams.records import Acknowledgement, Mark
from tests.ringing import ALERT, START, event
from tests.unit.console.report.parts import EMPTY, counts, links_of, opinion, rang, report, sheet, story, text_of
from tests.unit.console.report.test_happenings import receipt

SUMMARY = yaml.safe_load((Path(__file__).parent / "summary.yaml").read_text(encoding="utf-8"))
BOTH = ("en", "zh")


def said(lang: str, **changes: object) -> list[str]:
    made = report(**changes)
    return [words_of(line) for line in summary_lines(made, speaker_of(made, lang))]


@pytest.mark.parametrize("lang", BOTH)
def test_the_first_lines_read_as_written_down(lang: str) -> None:
    """A whole invented day, word by word: what a change of a sentence looks like is seen here."""
    told = said(lang, rang=rang(event(1, "resolved", at=START + timedelta(hours=1), reason="ended")), rang_before=2)
    assert told == SUMMARY[lang]


@pytest.mark.parametrize("lang", BOTH)
def test_an_empty_day_says_that_it_is_empty_and_how_complete_that_is(lang: str) -> None:
    """And nothing else."""
    found = sheet(lang, opinion=EMPTY)
    assert [section.id for section in found.sections] == ["summary", "quality"]
    assert catalogue(lang)["report.empty.daily"] in text_of(found)


@pytest.mark.parametrize("lang", BOTH)
def test_without_elasticsearch_it_says_what_is_missing(lang: str) -> None:
    """Alerts are told, figures of documents are not pretended to be zero."""
    found = sheet(lang, opinion=None, missing=("opinion",), rang=rang())
    assert found.warnings == (catalogue(lang)["report.missing.opinion"],)
    assert [section.id for section in found.sections] == ["summary", "alerts", "quality", "method"]
    assert "Brightwater" in text_of(found)


@pytest.mark.parametrize("lang", BOTH)
def test_demo_data_is_unmistakable(lang: str) -> None:
    """In the title and in a note above everything."""
    found = sheet(lang, opinion=opinion(demo=3))
    assert found.title.startswith(catalogue(lang)["report.mark"])
    assert found.demo == catalogue(lang)["report.demo"]


def test_a_day_without_history_compares_with_nothing() -> None:
    """It says so, and calls nothing a move."""
    told = text_of(sheet(opinion=opinion(before=None, usual=None), rang_before=None))
    assert "Nothing had been collected before, so there is nothing to compare with." in told
    assert "nothing can be said to have moved" in told
    assert "no history" in told


def test_one_earlier_weekday_is_not_called_usual() -> None:
    """What happened once is no habit."""
    told = text_of(sheet(opinion=opinion(usual=Usual(1, counts(10, 30)))))
    assert "The Monday a week earlier, the only one with history: 40 documents, 25% negative." in told
    assert "mean of the last" not in told


def test_a_share_that_rose_by_chance_is_not_said_to_have_risen() -> None:
    """Two of ten after one of ten."""
    told = " ".join(said("en", opinion=opinion(now=counts(2, 8), before=counts(1, 9), usual=None)))
    assert "does not differ by more than chance" in told
    assert "higher" not in told


def test_a_share_that_fell_is_said_to_have_fallen() -> None:
    """With its interval."""
    told = " ".join(said("en", opinion=opinion(now=counts(10, 190), before=counts(60, 40), usual=None)))
    assert "The negative share is 55 percentage points lower, more than chance explains" in told


def test_who_did_what_is_told_with_name_time_and_reason() -> None:
    """Acknowledged by whom, refused by which receiver and why, and what came after the day."""
    ack = Acknowledgement(id="a", alert=ALERT, author="Wei", at=START, reason="calling the company")
    late = Mark(id="m", alert=ALERT, right=False, author="Mara", at=START + timedelta(days=1))
    answers = (receipt("desk-ding", "refused", meaning="wrong keyword"), receipt("desk-mail", "delivered"))
    told = text_of(sheet(rang=rang(operations=(ack, late), receipts=answers)))
    assert "Acknowledged by Wei, 09:30 (“calling the company”)." in told
    assert "Told: desk-ding refused it (wrong keyword), desk-mail 09:30." in told
    assert "After the time covered: marked wrong by Mara, 2026-03-03 09:30." in told


def test_nobody_told_is_told() -> None:
    """An alert without a receipt reached nobody."""
    assert "Told to nobody: it was held back, or no receiver is set for it." in text_of(sheet(rang=rang()))


def test_a_move_is_told_with_its_numbers_and_documents() -> None:
    """Share and number, with intervals, and the stories behind them."""
    now, before = Tally(40, 30), Tally(40, 4)
    by_share, by_number = share_moved(now, before, 10), number_moved(now, before, 10)
    assert by_share is not None
    assert by_number is not None
    moves = tuple(
        Move("entity:BRW", "Brightwater", what, by, now, before, counts(30, 10), (story(),))
        for what, by in (("share", by_share), ("number", by_number))
    )
    told = text_of(sheet(opinion=opinion(moves=moves)))
    assert "**Brightwater**: negative share of its stories up from 10% to 75% (30 of 40); the difference is +3" in told
    assert "**Brightwater**: 30 negative stories, 4 before; 1.9 times as many at least." in told
    assert "Moved by more than noise: Brightwater." in told
    assert story().document[:8] in told


def test_every_number_leads_to_its_documents() -> None:
    """With the console's address each count, subject, story and alert has a link with the filters and times of it."""
    addresses = links_of(sheet(public_url="https://tocsin.example", rang=rang()))
    when = "from=2026-03-02T00%3A00%3A00Z&to=2026-03-03T00%3A00%3A00Z"
    paths = (
        "documents?",
        "documents?sentiment=negative&",
        "documents?subject=entity%3ABRW&",
        "documents?risk=product_safety&",
    )
    assert {f"https://tocsin.example/#/{path}{when}" for path in paths} <= addresses
    assert {
        f"https://tocsin.example/#/{at}" for at in (f"documents/{story().document}", f"alerts/{ALERT}")
    } <= addresses


def test_without_the_console_s_address_there_are_only_links_to_sources() -> None:
    """Nobody knows where it is."""
    assert links_of(sheet(rang=rang())) == {story().url, "https://news.example/1", "https://news.example/2"}


@pytest.mark.parametrize(("many", "words"), [(1, "1 alert began to ring"), (2, "2 alerts began to ring")])
def test_one_is_singular(many: int, words: str) -> None:
    """Of alerts as of everything that is counted."""
    made = report(rang=rang()[:1] * many)
    assert alerts_line(made, speaker_of(made, "en")).startswith(words)


@given(
    negative=st.integers(0, 3000), other=st.integers(0, 3000), abstained=st.integers(0, 300),
    unjudged=st.integers(0, 300), before=st.none() | st.builds(counts, st.integers(0, 40), st.integers(0, 40)),
    lang=st.sampled_from(BOTH),
)  # fmt: skip
def test_whatever_the_numbers_sentences_are_whole(
    negative: int, other: int, abstained: int, unjudged: int, before: Counts | None, lang: str
) -> None:
    """No open placeholder, no bare bar between forms, no doubled stop, no `1 documents`, no None or nan."""
    now = counts(negative, other, abstained, unjudged)
    made = opinion(now=now, before=before, stale=min(3, now.documents))
    told = "\n".join(said(lang, opinion=made))
    assert not re.search(r"[{}|]|\bNone\b|\bnan\b|\.\.|。。|，，|\b1 (documents|stories|alerts)\b", told), told


@pytest.mark.parametrize("lang", BOTH)
def test_every_sentence_in_the_catalogue_is_used(lang: str) -> None:
    """A sentence that no code says is a promise that nothing keeps."""
    code = "\n".join(p.read_text(encoding="utf-8") for p in Path("console/report").glob("*.py"))
    unused = []
    for key in catalogue(lang):
        if key.startswith("report."):
            parts = key.removeprefix("report.").split(".")
            stem = ".".join(parts)
            generic = any(
                re.search(re.escape(".".join(parts[:n])) + r"[._]\{", code) or f'"{".".join(parts[:n])}.' in code
                for n in range(1, len(parts))
            )
            dynamic = re.search(re.escape(parts[0]) + r"\.\{", code) or re.search(
                re.escape(".".join([*parts[:-1], ""])) + r"\w*\{", code
            )
            if f'"{stem}"' not in code and f"report.{stem}" not in code and not generic and not dynamic:
                unused.append(stem)
    assert unused == []


def test_a_long_list_of_alerts_is_cut_and_counted() -> None:
    """Thirty are told, the rest is counted."""
    many = tuple(replace(rang()[0], alert=f"{n:032d}") for n in range(33))
    assert "3 alerts more" in text_of(sheet(rang=many))
