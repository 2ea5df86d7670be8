"""Pooled priors, fitted offline."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from alerts import prior
from alerts.prior import PRIORS, Prior, fit, levels, prior_of


def test_the_fit_finds_the_prior_that_the_subjects_were_drawn_from() -> None:
    """Three hundred subjects of a known Gamma distribution, seeded."""
    rng = random.Random(5)
    counts = []
    for _ in range(300):
        rate, hours = rng.gammavariate(0.8, 1 / 20.0), 500.0
        count, at = 0, rng.expovariate(rate)
        while at < hours:
            count, at = count + 1, at + rng.expovariate(rate)
        counts.append((count, hours))
    found = fit(counts)
    assert found.shape == pytest.approx(0.8, rel=0.15)
    assert found.hours == pytest.approx(20.0, rel=0.2)


def test_copies_of_one_day_are_one_story_and_silent_days_of_others_count() -> None:
    """Retweets and links aside; the hours are those of all days in the stream."""
    rows = [
        {"text": "RT @a Acme falls http://x", "created_at": "2026-01-05T10:00:00Z", "entity": "acme", "source": "s"},
        {"text": "Acme falls", "created_at": "2026-01-05T11:00:00Z", "entity": "acme", "source": "s"},
        {"text": "Acme falls", "created_at": "2026-01-06T11:00:00Z", "entity": "acme", "source": "s"},
        {"text": "Brock rises", "created_at": "2026-01-06T12:00:00Z", "entity": "brock", "source": "s"},
    ]
    found = levels(rows)
    assert found["entity"] == [(1, 48.0), (2, 48.0)]
    assert found["source"] == [(3, 48.0)]
    assert found["market"] == [(3, 48.0)]


def test_the_weight_of_a_prior_is_at_most_half_the_history() -> None:
    """Its mean stays."""
    young = Prior(0.4, 10.0).after(4)
    assert young.shape == pytest.approx(0.08)
    assert young.hours == pytest.approx(2.0)
    assert Prior(0.4, 10.0).after(100) == Prior(0.4, 10.0)
    assert prior_of("topic:legal") == PRIORS["topic"]
    assert prior_of("something:else") == PRIORS["entity"]


def test_the_command_prints_what_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each kind with enough subjects to pool, topics from labelled rows."""
    stream, labelled = tmp_path / "s.jsonl", tmp_path / "t.jsonl"
    rows = [
        {"text": f"text {n}", "created_at": f"2026-01-0{1 + n % 9}", "entity": f"e{n % 6}", "source": f"s{n % 5}"}
        for n in range(200)
    ]
    stream.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    labelled.write_text("".join(json.dumps({"label": f"t{n % 5}"}) + "\n" for n in range(50)), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["prior", "--stream", str(stream), "--topics", str(labelled)])
    prior.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ['"entity"', '"source"', '"topic"']
    assert "6 subjects" in lines[0]
