"""Training of a tiny encoder, each option for a few steps. Needs the extra `train`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.recipe import Recipe, RecipeRefused, Run
from models.stop import Stopped
from tests.unit.models import tiny

pytestmark = pytest.mark.train

RECIPE = Recipe(epochs=2, batch=8, tokens=48, composed=0, corpus_repeats=1, average=0.5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base."""
    return tiny.base(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """The same sums in the same order, on every machine."""
    import torch

    torch.set_num_threads(1)


def trained(base: Path, recipe: Recipe, ways: Any = (), **watch: Any) -> dict[str, Any]:
    """The weights that a run on 40 rows ends with."""
    from models.course import Course
    from models.train import Watch, start, train

    judge, tokenizer = start(str(base), recipe, 1)
    state: dict[str, Any] = train(
        judge, Course(tiny.rows(40), [], recipe, ways), tokenizer, Watch(**watch)
    ).state_dict()
    return state


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether all weights are the same, to the bit."""
    import torch

    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def after(steps: int) -> Callable[[], bool]:
    """A question that is answered with yes after so many steps."""
    asked = iter(range(1, 1_000_000))
    return lambda: next(asked) >= steps


def test_a_run_is_repeated_by_its_seed(base: Path) -> None:
    """The same seed gives the same weights, another one others."""
    first = trained(base, RECIPE)
    assert same(first, trained(base, RECIPE))
    assert not same(first, trained(base, replace(RECIPE, seed=2)))


@pytest.mark.parametrize("steps", [1, 3, 5, 8, 10])
@pytest.mark.parametrize(
    "changes", [{}, {"patience": 2, "adversarial": 0.05}, {"lora": 2, "accumulate": 2, "augments": ("noise",)}]
)
def test_a_run_that_was_interrupted_ends_with_the_same_weights(
    base: Path, tmp_path: Path, steps: int, changes: dict[str, Any]
) -> None:
    """Wherever it stops, within an epoch or between two, the resumed run is the uninterrupted one."""
    recipe = replace(RECIPE, **changes)
    if steps > (6 if recipe.accumulate > 1 else 10):
        steps = 6
    dev = tiny.rows(9)
    whole = trained(base, recipe, dev=dev)
    with pytest.raises(Stopped):
        trained(base, recipe, dev=dev, folder=tmp_path, stop=after(steps))
    assert same(whole, trained(base, recipe, dev=dev, folder=tmp_path, resume=True))


def test_a_run_is_kept_each_so_many_seconds(base: Path, tmp_path: Path) -> None:
    """A checkpoint is written when its time has come, and a crash after it loses no more than what came since."""
    from models import checkpoint

    ticks = iter(range(10_000))
    trained(base, RECIPE, folder=tmp_path, every=12.0, clock=lambda: float(next(ticks)))
    _, facts = checkpoint.read(tmp_path)
    assert 0 < facts["place"]["step"] < 10
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.NAME]


def test_a_checkpoint_of_another_run_is_refused(base: Path, tmp_path: Path) -> None:
    """Neither another recipe nor a damaged or absent file is gone on with."""
    from models import checkpoint

    with pytest.raises(checkpoint.CheckpointRefused, match="leave out --resume"):
        trained(base, RECIPE, folder=tmp_path, resume=True)
    with pytest.raises(Stopped):
        trained(base, RECIPE, folder=tmp_path, stop=after(2))
    with pytest.raises(checkpoint.CheckpointRefused, match="--resume goes on"):
        checkpoint.require_none(tmp_path)
    with pytest.raises(checkpoint.CheckpointRefused, match="another recipe"):
        trained(base, replace(RECIPE, rate=1e-3), folder=tmp_path, resume=True)
    (tmp_path / checkpoint.NAME).write_bytes(b"\0" * 100)
    with pytest.raises(checkpoint.CheckpointRefused, match="delete it"):
        trained(base, RECIPE, folder=tmp_path, resume=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"focal": 2.0}, {"adversarial": 0.1}, {"train_words": True}, {"lora": 2}, {"accumulate": 3},
        {"augments": ("noise", "casing", "synonyms"), "augment_share": 1.0}, {"rare_power": 0.0}, {"precision": "bf16"},
    ],
)  # fmt: skip
def test_each_option_changes_what_is_learnt(base: Path, changes: dict[str, Any]) -> None:
    """An option that changed nothing would be an empty promise; none of them breaks the weights."""
    from models.augment import AUGMENTS

    recipe = replace(RECIPE, **changes)
    found = trained(base, recipe, [AUGMENTS[name] for name in recipe.augments])
    plain = trained(base, RECIPE)
    assert all(bool(value.isfinite().all()) for value in found.values())
    if "rare_power" in changes:
        return  # the invented rows are balanced enough for the weights to be nearly one
    assert found.keys() == plain.keys()
    assert not same(found, plain)


def test_the_word_table_stays_unless_it_is_to_be_learnt(base: Path) -> None:
    """Off, not a single word vector moves."""
    from models.network import from_base

    table = "encoder.embeddings.word_embeddings.weight"
    before = from_base(str(base)).state_dict()[table]
    assert bool((trained(base, RECIPE)[table] == before).all())
    assert not bool((trained(base, replace(RECIPE, train_words=True))[table] == before).all())
    assert bool((trained(base, replace(RECIPE, adversarial=0.1))[table] == before).all())


def test_accumulated_gradients_are_those_of_one_large_batch(base: Path) -> None:
    """Four batches of eight give the gradient of thirty-two rows."""
    import torch

    from models.course import Course, encode
    from models.train import Training, Watch, start

    found = []
    for sizes in ((8, 8, 8, 6), (30,)):
        judge, tokenizer = start(str(base), RECIPE, 1)
        training = Training(judge, Course(tiny.rows(30), [], RECIPE), tokenizer, Watch())
        judge.eval()  # no dropout
        rows = encode(tiny.rows(30), tokenizer, 48)
        at = 0
        for size in sizes:
            training.learn(rows[at : at + size], size / 30)
            at += size
        found.append(judge.heads["topic"].weight.grad.clone())
    assert torch.allclose(*found, atol=1e-6)


def test_patience_keeps_the_best_epoch_and_ends_early(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two epochs that were no better, the weights of the best one are given back."""
    from models import train as module

    scores = iter([0.3, 0.5, 0.4, 0.5])
    kept: list[dict[str, Any]] = []

    def score(judge: Any, *_: Any) -> float:
        kept.append({name: value.clone() for name, value in judge.state_dict().items()})
        return next(scores)

    monkeypatch.setattr(module, "mean_f1", score)
    found = trained(base, replace(RECIPE, epochs=9, patience=2), dev=tiny.rows(5))
    assert len(kept) == 4
    assert same(found, kept[1])


def test_lora_is_merged_into_an_ordinary_network(base: Path, tmp_path: Path) -> None:
    """What is saved has no trace of the adapters, and is read back as any other; biases and norms stayed."""
    import torch

    from models.course import Course
    from models.network import from_base, load, save
    from models.train import Watch, start, train

    recipe = replace(RECIPE, lora=4, rate=1e-2)
    judge, tokenizer = start(str(base), recipe, 1)
    made = train(judge, Course(tiny.rows(40), [], recipe), tokenizer, Watch())
    save(made, tokenizer, tmp_path)
    again, _ = load(tmp_path)
    ids = torch.randint(1, 100, (2, 9))
    for head, logits in made(ids, torch.ones_like(ids)).items():
        assert torch.allclose(logits, again(ids, torch.ones_like(ids))[head], atol=1e-5)
    before = from_base(str(base)).state_dict()
    moved = {
        name for name, value in made.state_dict().items() if name in before and not torch.equal(value, before[name])
    }
    assert {name for name in moved if name.startswith("encoder.")} == {
        name for name in before if name.endswith(("query.weight", "key.weight", "value.weight", "dense.weight"))
    }


def test_the_adversary_raises_the_loss_it_is_trained_against(base: Path) -> None:
    """The second pass sees words shifted uphill by the given part of their length, and only the second."""
    from models.adversary import Adversary
    from models.course import encode, tensors
    from models.losses import class_weights, loss_of
    from models.train import start

    judge, tokenizer = start(str(base), RECIPE, 1)
    judge.eval()
    judge.encoder.get_input_embeddings().weight.requires_grad_(False)
    rows = tiny.rows(12)
    ids, mask, labels = tensors(encode(rows, tokenizer, 48))
    adversary = Adversary(judge.encoder.get_input_embeddings(), 0.2)
    losses: list[float] = []

    def run() -> None:
        loss = loss_of(judge(ids, mask), labels, class_weights(rows, 0.25), 0.0)
        loss.backward()
        losses.append(loss.item())

    run()
    adversary.second_pass(run)
    run()
    assert losses[1] > losses[0] == losses[2]
    adversary.leave()
    with pytest.raises(RuntimeError, match="after a backward pass"):
        Adversary(judge.encoder.get_input_embeddings(), 0.2).second_pass(run)


def test_focal_loss_counts_less_what_is_judged_well() -> None:
    """Gamma 0 is cross-entropy; a confident right answer loses more of its weight than a wrong one."""
    import torch

    from models.labels import HEADS
    from models.losses import loss_of

    def loss(logit: float, focal: float) -> float:
        logits = {head: torch.zeros(1, len(names)) for head, names in HEADS.items()}
        logits["sentiment"][0, 0] = logit
        labels = {head: torch.tensor([0 if head == "sentiment" else -100]) for head in HEADS}
        weights = {head: torch.ones(len(names)) for head, names in HEADS.items()}
        return float(loss_of(logits, labels, weights, 0.0, focal))

    chance = float(torch.tensor([3.0, 0.0, 0.0]).softmax(-1)[0])
    assert loss(3.0, 2.0) == pytest.approx(loss(3.0, 0.0) * (1 - chance) ** 2)
    assert loss(3.0, 2.0) / loss(3.0, 0.0) < loss(-3.0, 2.0) / loss(-3.0, 0.0)


def test_rare_labels_weigh_more_and_the_mean_weight_is_one() -> None:
    """Over the rows the weights of a head average to one; sentiment is left alone."""
    from models.losses import class_weights

    rows = [replace(row, labels={"risk": 0 if at else 1, "sentiment": 0}) for at, row in enumerate(tiny.rows(10))]
    weights = class_weights(rows, 0.5)
    assert weights["risk"][1] > weights["risk"][0]
    assert weights["sentiment"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "layers", "below"),
    [
        ("heads.topic.weight", 12, 0), ("encoder.encoder.layer.11.output.dense.weight", 12, 1),
        ("encoder.encoder.layer.0.output.dense.weight", 12, 12), ("encoder.transformer.layer.2.ffn.lin1.weight", 6, 4),
        ("encoder.layers.21.attn.Wqkv.weight", 22, 1), ("encoder.final_norm.weight", 22, 1),
        ("encoder.embeddings.word_embeddings.weight", 12, 13),
        ("encoder.encoder.layer.1.attention.self.query.lora_A.default.weight", 2, 1),
    ],
)  # fmt: skip
def test_depth_is_read_from_the_names_of_many_architectures(name: str, layers: int, below: int) -> None:
    """The layer's number counts, whatever the network calls its layers."""
    from models.train import depth

    assert depth(name, layers) == below


def test_the_learning_rate_rises_and_falls() -> None:
    """Up within the warm-up, then down to almost nothing, and no warm-up is no division by zero."""
    from models.train import schedule

    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert all(one >= two for one, two in itertools.pairwise(rates[10:]))
    assert rates[-1] < 0.001
    assert schedule(0, 1, 0.0) == 1.0


def test_fp16_without_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a processor there is bf16 and fp32; elsewhere the card is taken."""
    import torch

    from models.train import device_for

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("bf16").type == "cpu"
    with pytest.raises(RecipeRefused, match="bf16 or fp32"):
        device_for("fp16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_for("fp16").type == "cuda"


def test_more_tokens_than_the_base_reads_are_refused(base: Path) -> None:
    """Said before a run begins, not by a fault in its midst."""
    from models.train import start

    with pytest.raises(RecipeRefused, match="--tokens 64"):
        start(str(base), replace(RECIPE, tokens=65), 1)


def test_averaged_weights_follow_the_current_ones() -> None:
    """The running mean moves by the part that is not kept."""
    import torch

    from models.train import follow

    mean, now = (torch.nn.Linear(1, 1, bias=False) for _ in range(2))
    torch.nn.init.constant_(mean.weight, 1.0)
    torch.nn.init.constant_(now.weight, 2.0)
    follow(mean, now, 0.9)
    assert mean.weight.item() == pytest.approx(1.1)


def test_batches_hold_every_row_once_and_like_lengths() -> None:
    """No row is lost or repeated, and a batch's texts are of like length."""
    import random

    from models.course import Coded, batches

    rows = [Coded(list(range(1 + n % 60)), {"topic": 0}) for n in range(997)]
    made = batches(rows, 32, random.Random(1))
    assert sorted(id(row) for batch in made for row in batch) == sorted(map(id, rows))
    spread = [max(len(r.ids) for r in batch) - min(len(r.ids) for r in batch) for batch in made]
    assert sum(spread) / len(spread) < 8


def own_file(folder: Path) -> Path:
    """A desk's own CSV file: sentiments in its own words, every row of its own kind."""
    lines = [f"{row.text},{('bad', 'flat', 'good')[row.labels['sentiment']]}" for row in tiny.rows(160)]
    path = folder / "desk.csv"
    path.write_text("Body,Tone\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_desk_s_own_rows_become_weights_for_its_own_use(base: Path, tmp_path: Path) -> None:
    """From a CSV file to saved weights: learnt from, measured on, calibrated with, licensed and tracked as stated."""
    from models.data import licence_of
    from models.material import gather
    from models.network import load
    from models.train import learn

    words = ("sentiment:bad=negative", "sentiment:flat=neutral", "sentiment:good=positive")
    run = Run(
        base=str(base), out=tmp_path / "out", rows=(own_file(tmp_path),), map=("text=Body", "sentiment=Tone"),
        label=words, only_own=True, threads=1,
    )  # fmt: skip
    recipe = replace(RECIPE, epochs=1)
    report = learn(run, recipe, gather(run, recipe), lambda: False)
    assert json.loads((run.out / "report.json").read_text(encoding="utf-8")).keys() == report.keys()
    assert licence_of(report["rows"]) == "for own use only: learnt from desk/own"
    assert set(report["dev"]) == {"desk/en", "desk/zh"}
    assert set(report["calibration"]) == {"en", "zh"}
    assert sorted(path.name for path in run.out.iterdir()) == [
        "config.json", "judge.safetensors", "report.json", "tokenizer.json",
    ]  # fmt: skip
    assert list((tmp_path / "runs" / "out").glob("events.*"))
    load(run.out)


def test_a_run_goes_on_from_an_earlier_one_and_owns_to_what_that_learnt(base: Path, tmp_path: Path) -> None:
    """The heads are kept, not begun anew; rows, recipe and base of the first run stand in the second one's report."""
    import torch

    from models.base import BaseRefused
    from models.material import gather
    from models.network import from_base, tokenizer_of
    from models.train import learn

    words = ("sentiment:bad=negative", "sentiment:flat=neutral", "sentiment:good=positive")
    mine = {"map": ("text=Body", "sentiment=Tone"), "label": words, "only_own": True, "threads": 1}
    first = Run(base=str(base), out=tmp_path / "first", rows=(own_file(tmp_path),), **mine)  # type: ignore[arg-type]
    learn(first, replace(RECIPE, epochs=1), gather(first, RECIPE), lambda: False)
    (tmp_path / "second.csv").write_text((tmp_path / "desk.csv").read_text(encoding="utf-8"), encoding="utf-8")
    second = replace(
        first, base=str(first.out), out=tmp_path / "second", rows=(tmp_path / "second.csv",), tier="A", track="none"
    )
    report = learn(second, replace(RECIPE, epochs=1, rate=0.0, head_rate=0.0), gather(second, RECIPE), lambda: False)
    assert report["rows"].keys() == {"desk/own", "second/A"}
    assert report["base"] == base.name
    assert report["recipe"]["before"]["rate"] == RECIPE.rate
    kept, went_on = from_base(str(first.out)).state_dict(), from_base(str(second.out)).state_dict()
    assert all(torch.allclose(value, went_on[name]) for name, value in kept.items())
    assert tokenizer_of(str(second.out)).to_str() == tokenizer_of(str(first.out)).to_str()
    (first.out / "report.json").unlink()
    with pytest.raises(BaseRefused, match="has learnt before"):
        learn(replace(second, out=tmp_path / "third"), RECIPE, gather(second, RECIPE), lambda: False)


def test_runs_of_one_base_are_averaged(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights by their shares, rows of all runs, a calibration of its own; another tokenizer is refused."""
    import torch

    from models import data
    from models.network import from_base, load, save, tokenizer_of
    from models.soup import SoupRefused, soup

    dev = tiny.rows(60)
    monkeypatch.setattr(data, "read_part", lambda *_: dev)
    monkeypatch.setattr(data, "data_folder", lambda _: tmp_path)
    folders = [tmp_path / name for name in "ab"]
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        save(from_base(str(base)), tokenizer_of(str(base)), folder)
        told = {"recipe": {"langs": ["en", "zh"], "tokens": 48}, "rows": {f"{folder.name}/A": 9}, "seconds": 3}
        (folder / "report.json").write_text(json.dumps(told), encoding="utf-8")
    report = soup(folders, [1, 3], tmp_path / "c")
    assert report["rows"] == {"a/A": 9, "b/A": 9}
    assert [run["share"] for run in report["recipe"]["soup"]] == [0.25, 0.75]
    assert set(report["calibration"]) == {"en", "zh"}
    one, other, mean = (load(folder)[0].state_dict() for folder in (*folders, tmp_path / "c"))
    assert all(torch.allclose(0.25 * one[name] + 0.75 * other[name], value, atol=1e-6) for name, value in mean.items())
    with pytest.raises(SoupRefused, match="one share for each"):
        soup(folders, [1], tmp_path / "d")
    (folders[0] / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SoupRefused, match="different tokenizers"):
        soup(folders, [1, 1], tmp_path / "d")
