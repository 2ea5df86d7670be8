"""The timeline of an alert: the rule found by its hash, the subject's documents, and what is told without them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.replay.playback import Playback
from alerts.rule_files import load_rules, parse_rules
from console.replay import tracing
from console.replay.tracing import about, rule_of, timeline
from console.rule_store import Draft, hash_of
from streams.document import Pipeline
from streams.entities import Gazetteer
from streams.records import AlertEvent, Document
from streams.settings import Settings
from tests.unit.alerts.signals import at
from tests.unit.console.replay import past
from tests.unit.console.replay.stored import document, stored

RULES = "rules:\n  - {name: three, type: threshold, scope: {subject: entity}, window: 30m, at_least: 3}\n"


def mine(folder: Path, rules: str = RULES) -> Settings:
    path = folder / "rules"
    path.mkdir(exist_ok=True)
    (path / "desk.yaml").write_text(rules, encoding="utf-8")
    return past.settings(folder).model_copy(update={"rules": path, "elasticsearch_url": "http://127.0.0.1:9"})


def crisis(settings: Settings) -> list[Document]:
    quiet = [document(settings, 60 * n, n, 0.05) for n in range(20)]
    return quiet + [document(settings, 1300 + 5 * n, 100 + n) for n in range(6)]


def rang(settings: Settings, documents: list[Document]) -> list[AlertEvent]:
    """The alert as it was told live."""
    assert settings.rules is not None
    playback = Playback(load_rules(settings.rules), lateness=settings.allowed_lateness)
    pipeline = Pipeline(settings, Gazetteer.load(settings.watchlist), b"key", "1")
    mentions = [mention for each in documents for mention in pipeline.mentions(each, "archive/0", 0)]
    events = [e for m in mentions if m.subject == "entity:acme" for e in playback.mention(m)] + playback.finish(7200)
    return [replace(event, replay=False) for event in events]


async def test_what_the_rule_saw_is_what_the_alert_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps with the same figures, and the minutes between them."""
    settings = mine(tmp_path)
    documents = crisis(settings)
    source = stored(documents)
    monkeypatch.setattr(tracing, "ElasticSource", source)
    events = rang(settings, documents)
    found = await timeline(settings, events, at(3000))
    assert (found.steps, found.why) == (False, "")
    points = {point.at: point for point in found.points}
    for event in events:
        assert (points[event.at].observed, points[event.at].bound) == (event.observed, 3.0)
    assert found.begin == events[0].since - timedelta(hours=3)
    assert source.asked[0].begin is not None
    assert source.asked[0].begin <= found.begin - timedelta(minutes=30)


async def test_documents_that_are_gone_make_it_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is still shown, and said to differ."""
    settings = mine(tmp_path)
    documents = crisis(settings)
    events = rang(settings, documents)
    monkeypatch.setattr(tracing, "ElasticSource", stored(documents[:-4]))
    found = await timeline(settings, events, at(3000))
    assert (found.steps, found.why) == (False, "differs")


async def test_without_documents_or_rule_the_steps_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason: nothing stored, too much, a rule that is gone, an alert of Tocsin's own."""
    settings = mine(tmp_path)
    documents = crisis(settings)
    events = rang(settings, documents)
    monkeypatch.setattr(tracing, "ElasticSource", stored([]))
    empty = await timeline(settings, events, at(3000))
    assert (empty.steps, empty.why) == (True, "no_documents")
    assert [(point.at, point.observed) for point in empty.points] == [(event.at, event.observed) for event in events]
    monkeypatch.setattr(tracing, "ElasticSource", stored(documents))
    other = [replace(event, rule_hash="0" * 16) for event in events]
    assert (await timeline(settings, other, at(3000))).why == "rule_gone"
    assert (await timeline(settings, events, at(3000), missing="system")).why == "system"
    monkeypatch.setattr(tracing, "MOST", 3)
    assert (await timeline(settings, events, at(3000))).why == "too_many"


def test_a_rule_that_was_changed_is_found_by_its_hash(tmp_path: Path) -> None:
    """In what its file said before, and among the rules that come with Tocsin; its siblings are those in use now."""
    settings = mine(tmp_path)
    (before,) = parse_rules(RULES)
    after = RULES.replace("at_least: 3", "at_least: 9") + RULES.splitlines()[1].replace("three", "other") + "\n"
    draft = Draft(settings, "desk.yaml", after, hash_of(RULES))
    draft.put(at(0))
    found = rule_of(settings, "three", before.hash)
    assert found is not None
    assert found[1].hash == before.hash
    assert sorted(rule.name for rule in found[0]) == ["other", "three"]
    assert rule_of(settings, "three", "0" * 16) is None
    shipped = load_rules(tracing.SHIPPED)[0]
    assert rule_of(settings, shipped.name, shipped.hash) is not None


@pytest.mark.parametrize(
    ("subject", "clause"),
    [
        ("entity:AAPL", [{"term": {"entities.id": "AAPL"}}]),
        ("list:banks", [{"terms": {"entities.id": ["A", "B"]}}]),
        ("topic:legal", [{"term": {"topic.label": "legal"}}]),
        ("source:wire:1", [{"term": {"source": "wire:1"}}]),
        ("market:all", []),
    ],
)
def test_only_documents_of_the_subject_are_read(subject: str, clause: object) -> None:
    """A name with a colon in it stays whole."""
    assert about(subject, ["A", "B"]) == clause
