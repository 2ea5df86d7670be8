"""The models over HTTP: what is known of each version without Triton, and what of it serves."""

from __future__ import annotations

import sys
from pathlib import Path

from console.api.models import card, quality
from models.labels import HEADS
from streams.settings import Settings
from tests.unit.console.api.serving import READ, serving


async def test_the_shipped_models_are_known_while_triton_is_away(tmp_path: Path) -> None:
    """Version, languages, card and measured quality are on disk; what serves is unknown, within two seconds."""
    async with serving(tmp_path, triton_url="127.0.0.1:9") as api:
        status, found = await api.ask("GET", "/models", READ)
    assert status == 200
    assert (found["triton"], found["repository"], found["drift"]) == ("away", "shipped", [])
    assert found["labels"] == {head: list(names) for head, names in HEADS.items()}
    by_language = {lang: each for each in found["models"] for lang in each["languages"]}
    assert by_language.keys() == {"en", "zh"}
    for each in by_language.values():
        assert (each["state"], each["serving"], each["fault"]) == ("live", None, "")
        assert each["card"].startswith(f"# {each['name']}, version {each['version']}")
        assert {row["what"] for row in each["quality"]} == {"sentiment", "topic", "risk"}
        assert all(0 < row["macro_f1"] < 1 and row["rows"] > 0 for row in each["quality"])
    assert "torch" not in sys.modules


async def test_a_repository_without_models_is_an_empty_list(tmp_path: Path) -> None:
    """No fault: the page says that there is none."""
    async with serving(tmp_path, triton_url="127.0.0.1:9", model_repository=tmp_path) as api:
        status, found = await api.ask("GET", "/models", READ)
    assert (status, found["models"], found["repository"]) == (200, [], "own")


def test_a_card_is_of_its_version_alone() -> None:
    """An own model with the number of a shipped one has none."""
    assert card("opinion-en", "1-00000000") == ""
    assert card("../../x", "1-00000000") == ""


def test_what_was_never_seen_is_told() -> None:
    """Of each data set how much of it was learnt from; a name with a head is of that head."""
    metrics = {
        "tfns": {"rows": 10, "macro_f1": 0.5, "weighted_f1": 0.5, "accuracy": 0.5},
        "corpus/risk": {"rows": 20, "macro_f1": 0.4, "weighted_f1": 0.5, "accuracy": 0.5},
        "fiqa": {"rows": 5, "macro_f1": 0.3, "weighted_f1": 0.5, "accuracy": 0.5},
    }
    found = list(quality(metrics, {"tfns/A": 100, "corpus/A": 7}))
    assert [(q.dataset, q.what, q.rows, q.learnt) for q in found] == [
        ("corpus", "risk", 20, 7),
        ("tfns", "sentiment", 10, 100),
        ("fiqa", "sentiment", 5, 0),
    ]


def test_drift_is_read_without_removing_anything(tmp_path: Path) -> None:
    """Whoever may not see the processes of the workers must not take them for ended."""
    from streams.drift import FOLDER, open_drifts

    (tmp_path / FOLDER).mkdir()
    note = tmp_path / FOLDER / "enrich-1.json"
    note.write_text("[]")
    assert open_drifts(Settings(state_dir=tmp_path).state_dir, lambda *_: False) == []
    assert note.exists()
