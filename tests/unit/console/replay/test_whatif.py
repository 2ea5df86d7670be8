"""Rules as they are against rules as they would be: what is gained, lost, moved, and how much history there was."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.evaluation.matching import episodes
from alerts.replay.playback import Playback
from alerts.rule_files import parse_rules
from console.replay import whatif
from console.replay.whatif import MOST, Result, TooMuch, ask, differing
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.records import Document
from streams.settings import Settings
from tests.unit.alerts.signals import at
from tests.unit.console.replay import past
from tests.unit.console.replay.stored import document, stored

DAY = 1440
SURGE = "rules:\n  - {name: surge, type: surge, scope: {subject: entity}, window: 1h, min_count: 4, p: 0.01}\n"
THREE = "  - {name: three, type: threshold, scope: {subject: entity}, window: 30m, at_least: 3, keep_firing_for: 10m}\n"


def past_of(mine: Settings) -> list[Document]:
    """A quiet month of a document every ten hours, then a crisis, and one just before the last day."""
    quiet = [document(mine, 600 * n, n, 0.05) for n in range(72)]
    eve = [document(mine, 29 * DAY - 30 + 4 * n, 500 + n) for n in range(3)]
    crisis = [document(mine, 29 * DAY + 300 + 5 * n, 100 + n) for n in range(8)]
    return sorted([*quiet, *eve, *crisis], key=lambda d: (d.collected_at, d.id))


async def asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, documents: list[Document] | None = None
) -> Result:
    mine = past.settings(folder)
    source = stored(past_of(mine) if documents is None else documents)
    monkeypatch.setattr(whatif, "ElasticSource", source)
    sets = (parse_rules(before), parse_rules(after))
    return await ask(mine, "", sets, at(29 * DAY), at(30 * DAY), lambda *_: None)


async def test_what_a_change_gains_is_told_with_its_strongest_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new rule rings in the crisis; what it rang the day before is no matter of the question."""
    found = await asked(tmp_path, monkeypatch, SURGE, SURGE + THREE)
    assert [(c.name, c.before, c.after, c.differs) for c in found.rules] == [
        ("surge", 1, 1, False),
        ("three", None, 1, True),
    ]
    (gained,) = found.gained
    assert (gained.rule, gained.subject, gained.since) == ("three", "entity:acme", at(29 * DAY + 310))
    assert gained.headline.startswith("Acme matter 10")
    assert gained.document
    assert gained.until is not None
    assert (found.lost_count, found.moved_count, found.kept) == (0, 0, 0)
    assert found.documents == 8 + 2
    assert found.read == 80 > found.documents
    assert found.weeks == pytest.approx(1 / 7)


async def test_what_a_change_loses_and_moves_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that asks for more rings later, one that is gone rings no more, one that only says otherwise stays."""
    later = await asked(tmp_path, monkeypatch, SURGE + THREE, SURGE + THREE.replace("at_least: 3", "at_least: 5"))
    (moved,) = later.moved
    assert moved.seconds == 600
    assert (later.gained_count, later.lost_count, later.kept) == (0, 0, 0)
    gone = await asked(tmp_path, monkeypatch, SURGE + THREE, SURGE)
    assert [each.rule for each in gone.lost] == ["three"]
    assert [(c.before, c.after) for c in gone.rules if c.name == "three"] == [(1, None)]
    words = THREE.replace("type: threshold", "about: other words, type: threshold")
    same = await asked(tmp_path, monkeypatch, SURGE + THREE, SURGE + words)
    assert (same.kept, same.gained_count, same.lost_count, same.moved_count) == (1, 0, 0, 0)


async def test_the_answer_is_that_of_a_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alerts are those that the replay's engine rings over the same documents."""
    mine = past.settings(tmp_path)
    after = SURGE.replace("min_count: 4", "min_count: 3") + THREE
    found = await asked(tmp_path, monkeypatch, SURGE, after)
    playback = Playback(parse_rules(after), lateness=mine.allowed_lateness)
    pipeline = Pipeline(mine, Gazetteer.load(mine.watchlist), b"key", "1")
    events = [
        event
        for each in past_of(mine)
        for mention in pipeline.mentions(each, "archive/0", 0)
        for event in playback.mention(mention)
    ] + playback.finish(86_400)
    rang = sorted((e.rule, e.at) for e in episodes(events) if e.at >= at(29 * DAY))
    counts = {each.name: each.after for each in found.rules}
    assert counts == {name: sum(rule == name for rule, _ in rang) for name in ("surge", "three")}
    told = [(e.rule, e.since) for e in found.gained] + [(m.after.rule, m.after.since) for m in found.moved]
    assert set(told) <= set(rang)
    assert len(told) + found.kept == len(rang)


async def test_history_before_the_days_is_read_and_what_lacks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A surge wants four weeks; with less, its alerts are told with a caveat. A plain count wants none."""
    full = await asked(tmp_path, monkeypatch, SURGE + THREE, SURGE.replace("0.01", "0.02") + THREE)
    assert full.history.wanted_days == pytest.approx(28 + 1 / 24, abs=0.01)
    assert full.history.days == pytest.approx(28, abs=0.9)
    mine = past.settings(tmp_path)
    recent = [each for each in past_of(mine) if each.collected_at >= at(28 * DAY)]
    short = await asked(tmp_path, monkeypatch, SURGE, SURGE.replace("0.01", "0.02") + THREE, recent)
    assert short.history.short == ("surge",)
    assert short.history.earliest == recent[0].collected_at
    assert 0 < short.history.days < 1


async def test_an_empty_span_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No document: no alert and no subject-day, not an error."""
    found = await asked(tmp_path, monkeypatch, SURGE, SURGE + THREE, [])
    assert (found.documents, found.subject_days, found.gained, found.history.earliest) == (0, 0, (), None)
    assert [(c.before, c.after) for c in found.rules] == [(0, 0), (None, 0)]


async def test_too_much_is_refused_before_it_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how much there is."""
    monkeypatch.setattr(whatif, "FEW", 5)
    monkeypatch.setattr(whatif, "MOST", 10)
    with pytest.raises(TooMuch) as refused:
        await asked(tmp_path, monkeypatch, SURGE, SURGE + THREE)
    assert 10 < refused.value.count < MOST


async def test_where_there_is_much_only_what_differs_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that stay the same are not counted then; the others ring as they would anyway."""
    monkeypatch.setattr(whatif, "FEW", 10)
    found = await asked(tmp_path, monkeypatch, SURGE, SURGE + THREE)
    assert [(c.name, c.before, c.after) for c in found.rules] == [("surge", None, None), ("three", None, 1)]
    assert found.history.wanted_days < 1


def test_rules_differ_by_text_and_by_whom_they_look_at() -> None:
    """A list that means other companies makes another rule; a comment does not."""
    one, two = parse_rules(SURGE + THREE), parse_rules("# words\n" + SURGE + THREE.replace("3,", "4,"))
    assert differing(one, two) == {"three"}
    assert differing(one, one[:1]) == {"three"}
    assert differing(one, one) == set()
