"""The figures of the benchmark: ratios between neighbours, rounds that do not count, percentiles, the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bench import corpus, report
from tests.bench.bare import bucketed, fifo
from tests.bench.contest import compare
from tests.bench.latency import Latency, Quantiles, Ring
from tests.bench.report import Report, Section
from tests.bench.result import Run, figures, percentile


def run(contestant: str, number: int, rate: float, **more: float) -> Run:
    return Run(contestant=contestant, round=number, items=100, seconds=100 / rate, rate=rate, **more)  # type: ignore[arg-type]


STEADY = [
    run("bare", 1, 100.0), run("ours", 1, 90.0), run("bare", 1, 100.0), run("take32", 1, 30.0), run("loop", 1, 20.0),
    run("bare", 2, 100.0), run("ours", 2, 80.0), run("bare", 2, 100.0), run("loop", 2, 40.0), run("take32", 2, 10.0),
    run("bare", 3, 100.0),
]  # fmt: skip


def test_ratio_is_to_the_mean_of_the_neighbouring_bare_runs() -> None:
    """A contestant is measured against the bare runs next to it, not against the best or the mean of all."""
    runs = [run("bare", 1, 96.0), run("ours", 1, 90.0), run("bare", 1, 104.0), run("bare", 2, 500.0)]
    assert figures(runs)["ours"].of_bare is not None
    assert figures(runs)["ours"].of_bare.median == pytest.approx(0.9)  # type: ignore[union-attr]


def test_best_peer_is_chosen_in_every_round() -> None:
    """The peer that was quicker in a round is the one that round is compared with."""
    best = figures(STEADY)["ours"].of_best_peer
    assert best is not None
    assert (best.least, best.most, best.rounds) == (2.0, 3.0, 2)


def test_unsteady_rounds_do_not_count() -> None:
    """A round between bare runs more than ten per cent apart, or on a machine that was taken away, is dropped."""
    runs = [run("bare", 1, 100.0), run("ours", 1, 90.0), run("bare", 1, 120.0), run("ours", 2, 60.0)]
    runs += [run("bare", 2, 120.0), run("ours", 3, 60.0, stolen=0.2), run("bare", 3, 120.0)]
    found = figures(runs)["ours"]
    assert found.of_bare is not None
    assert (found.of_bare.median, found.of_bare.rounds) == (0.5, 1)
    assert len(found.dropped) == 2


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile(share: float, expected: int) -> None:
    """The smallest value that this share of all values does not exceed."""
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_batches_hold_every_text_once_and_keep_the_budget() -> None:
    """Bare batches are a partition of the corpus; none is larger than the token budget allows."""
    lengths = np.array([5, 250, 30, 5, 1000, 2000, 31, 64] * 20)
    batches = bucketed(lengths, 1024)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * lengths[b].max() <= 1024 for b in batches)
    assert max(map(len, batches)) <= 64
    assert sorted(np.concatenate(fifo(lengths)).tolist()) == list(range(len(lengths)))


@pytest.mark.parametrize("kind", corpus.KINDS)
def test_corpus_is_seeded_and_distinct(kind: str) -> None:
    """The same seed gives the same texts, no two alike, and none of them in a second corpus."""
    one, again = corpus.corpus(kind, 300), corpus.corpus(kind, 300)
    other = corpus.corpus(kind, 300, label="warm", without=one)
    texts = {(i.title, i.text) for i in one.items}
    assert one == again
    assert len(texts) == len(set(one.ids)) == 300
    assert not set(one.ids) & set(other.ids)
    assert not texts & {(i.title, i.text) for i in other.items}


@pytest.mark.parametrize(
    ("label", "row", "same"),
    [
        ("negative", (0.8, 0.1, 0.1), True),
        ("neutral", (0.8, 0.1, 0.1), False),
        ("neutral", (0.46, 0.44, 0.1), True),  # as likely: rounding may swap them
    ],
)
def test_labels_are_those_of_bare_inference(label: str, row: tuple[float, float, float], same: bool) -> None:
    """Another label is wrong unless bare inference found both as likely."""
    sentiment = {"label": label, "negative": row[0], "neutral": row[1], "positive": row[2]}
    assert compare(sentiment, np.array(row)) == (same, 0.0)


def made() -> Report:
    ours = STEADY[1]
    ours.cpu_us, ours.peak_mib = {"kafka": 500.0, "enrich": 300.0, "producer": 9.0}, {"kafka": 400.0, "enrich": 120.0}
    result = Report(
        commit="0123456789abcdef", clean=True, date="2026-01-02T03:04:05Z", machine={"cpu": "X", "cores": 2},
        load_before=0.1, versions={}, model="1", runtime="r", threads=1, rounds=2, seed=7,
        corpora={"MIX": Section(items=100, peer_items=50, tokens_mean=60.0, runs=list(STEADY))},
        latency=[Latency(0.3, 30.0, 10, 0, *[Quantiles(0.1, 0.2, 10)] * 3)], ring=Ring(Quantiles(0.1, 0.2, 3), 0),
    )  # fmt: skip
    report.finish(result)
    return result


def test_table_goes_between_the_markers(tmp_path: Path) -> None:
    """Only what stands between the markers changes, as often as it is written."""
    path = tmp_path / "measured.md"
    path.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n", encoding="utf-8")
    for lang in ("zh", "en", "en"):
        report.put_table(made(), path, lang)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{report.START}\n|")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    assert "| 0.85 (0.80–0.90) |" in text
    path.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="needs the lines"):
        report.put_table(made(), path, "en")


def test_result_survives_the_file(tmp_path: Path) -> None:
    """What is written is what is read."""
    path = tmp_path / "r.json"
    report.write(made(), path)
    assert report.read(path) == made()


def test_a_problem_voids_the_report() -> None:
    """A wrong run or a lost item is told in `void`."""
    result = made()
    result.corpora["MIX"].runs[1].problems = ["1 of 100 items are not indexed"]
    result.latency[0].lost = 2
    report.finish(result)
    result.corpora["MIX"].runs[1].problems = []
    assert len(result.void) == 2
