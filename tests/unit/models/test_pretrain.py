"""Pretraining of a tiny encoder on invented texts. Needs the extra `train`."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.recipe import Pretraining
from models.tables import TableRefused
from tests.unit.models import tiny

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base without a mask token."""
    return tiny.base(tmp_path_factory.mktemp("base"))


def texts(folder: Path, count: int = 160) -> Path:
    """A compressed CSV of titles, as data sets come."""
    path = folder / "titles.csv.gz"
    lines = [f"2020-11-24,{tiny.SENTENCES[at % 8]} {at // 8}" for at in range(count)]
    path.write_bytes(gzip.compress(("date,title\n" + "\n".join([*lines, "2020-11-25,"])).encode()))
    return path


def options(base: Path, folder: Path, **changes: Any) -> Pretraining:
    """A run of a few steps."""
    plain = Pretraining(
        base=str(base), texts=(texts(folder),), out=folder / "new", column="title", batch=8, tokens=40, rate=2e-3,
        epochs=3, threads=1, track="none",
    )  # fmt: skip
    return replace(plain, **changes)


def test_it_guesses_better_afterwards_and_is_a_base(base: Path, tmp_path: Path) -> None:
    """The new folder has the old vocabulary, is taken by training, and says what it learnt from."""
    import torch

    from models.network import from_base, tokenizer_of
    from models.pretrain import run

    chosen = options(base, tmp_path)
    report = run(chosen)
    assert report["masked_loss"]["after"] < report["masked_loss"]["before"]
    assert report["texts"] == {"titles.csv.gz": 160}
    assert report == json.loads((chosen.out / "pretraining.json").read_text(encoding="utf-8"))
    old, new = from_base(str(base)), from_base(str(chosen.out))
    table = "encoder.embeddings.word_embeddings.weight"
    assert new.state_dict()[table].shape == old.state_dict()[table].shape
    assert not torch.equal(new.state_dict()[table], old.state_dict()[table])
    assert tokenizer_of(str(chosen.out)).to_str() == tokenizer_of(str(base)).to_str()
    with pytest.raises(FileExistsError, match="not overwritten"):
        run(chosen)


def test_a_frozen_word_table_stays(base: Path, tmp_path: Path) -> None:
    """For the sake of a language that the texts lack."""
    import torch

    from models.network import from_base
    from models.pretrain import run

    chosen = options(base, tmp_path, freeze_words=True, epochs=1)
    run(chosen)
    old, new = from_base(str(base)).state_dict(), from_base(str(chosen.out)).state_dict()
    assert torch.equal(
        new["encoder.embeddings.word_embeddings.weight"], old["encoder.embeddings.word_embeddings.weight"]
    )
    layer = "encoder.encoder.layer.0.output.dense.weight"
    assert not torch.equal(new[layer], old[layer])


def test_the_minutes_end_it_with_the_rate_run_down(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is left of the texts, the learning rate is nearly nothing when the time is over."""
    from models import pretrain as module

    factors: list[float] = []
    real = module.Pretrainer.step

    def step(self: Any, rows: Any, factor: float, random_: Any) -> float:
        factors.append(factor)
        return real(self, rows, factor, random_)

    monkeypatch.setattr(module.Pretrainer, "step", step)
    ticks = iter(range(10**6))
    watch = module.Watch(clock=lambda: next(ticks) * 1.0)
    report = module.pretrain(options(base, tmp_path, epochs=9, minutes=1.0), watch)
    assert report["steps"] == len(factors) < 40
    assert factors[-1] < 0.05 < max(factors)


def test_masks_hide_what_may_be_hidden() -> None:
    """Special tokens and padding never; of the chosen eight in ten become the mask; the rest is not asked about."""
    import torch

    from models.pretrain import Masks

    words = torch.arange(4, 50)
    masks = Masks(words, 50, 0, 0.3)
    ids = torch.randint(0, 50, (200, 40), generator=torch.Generator().manual_seed(1))
    hidden, wanted = masks.hide(ids, torch.Generator().manual_seed(2))
    asked = wanted != -100
    assert bool((wanted[asked] == ids[asked]).all())
    assert bool((ids[asked] >= 4).all())
    assert bool((hidden[~asked] == ids[~asked]).all())
    assert float(asked.float().mean()) == pytest.approx(0.3 * 46 / 50, abs=0.02)
    assert float((hidden[asked] == 50).float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float((hidden[asked] == ids[asked]).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_texts_are_read_once_and_from_their_column(tmp_path: Path) -> None:
    """Repetitions and empty cells are left out; a column that is not there is named with those that are."""
    from models.pretrain import read_texts

    path = tmp_path / "a.txt"
    path.write_text("one\n\ntwo\none\n", encoding="utf-8")
    found = read_texts([path, texts(tmp_path, 3)], "title")
    assert found["a.txt"] == ["one", "two"]
    assert len(found["titles.csv.gz"]) == 3
    with pytest.raises(TableRefused, match="date, title"):
        read_texts([texts(tmp_path, 3)], "text")


def test_without_texts_nothing_is_begun(base: Path, tmp_path: Path) -> None:
    """An empty file is an error, not a base."""
    from models.pretrain import Watch, pretrain

    (tmp_path / "a.txt").write_text("\n")
    with pytest.raises(TableRefused, match="no texts"):
        pretrain(options(base, tmp_path, texts=(tmp_path / "a.txt",)), Watch())
    assert not (tmp_path / "new").exists()
