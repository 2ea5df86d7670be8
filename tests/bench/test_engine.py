"""The benchmark of the engine, in small: its shape and its figures, no times."""

from __future__ import annotations

import pytest

from tests.bench import engine, report
from tests.bench.opinion_year import Amount, days

SMALL = Amount(days=4, documents=60, busy=6, rare=40, rare_share=0.2)


def test_the_invented_year_is_the_same_every_time_and_in_order() -> None:
    """Seeded, in order of collection, with about as many mentions of a document as StockNet has."""
    mentions = [mention for day in days(SMALL) for mention in day]
    assert mentions == [mention for day in days(SMALL) for mention in day]
    assert [m.collected_at for m in mentions] == sorted(m.collected_at for m in mentions)
    assert 2 <= len(mentions) / len({m.document for m in mentions}) <= 5


def test_both_rule_sets_see_every_mention() -> None:
    """Every mention is decoded, folded and timed, and memory is noted."""
    found = engine.measure(SMALL)
    mentions = sum(len(day) for day in days(SMALL))
    for pace in (found.shipped, found.surge):
        assert (pace.mentions, pace.days) == (mentions, SMALL.days)
        assert pace.rate > 0
        assert pace.speed > 1
        assert len(pace.memory) == len(pace.subjects) == 1
    assert found.shipped.rules > found.surge.rules == 1


def test_a_process_of_its_own_gives_the_figures_that_the_table_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON for the report, in words for a person."""
    found = engine.apart(1)
    assert found.shipped.days == 1
    assert engine.main(["--days", "1", "--documents", "20"]) == 0
    assert capsys.readouterr().out.count("mentions/s in the engine") == 2
    for lang, words in report.WORDS.items():
        table = report._engine(found, lang)
        assert table.count("\n") == 3
        assert words["surge"] in table
