"""The shipped model in a real Triton, and what the Scorer makes of a wrong one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from deploy.faults import EngineError
from deploy.stack import Stack
from models.client import ModelRefused, Scorer, Verdict
from models.data import data_folder, read_part
from models.evaluate import judge_served
from models.labels import HEADS
from models.measure import by_dataset
from models.registry import SHIPPED, read
from models.triton import BadInput, RemoteModel, connect
from streams.endpoints import local
from streams.settings import Settings

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="module")]
NAME = "opinion-en"
SERVED = read(SHIPPED / NAME)
GOALS = {"tfns": 0.82, "sentfin": 0.87, "tfnt": 0.88}
TEXTS = [f"{words} in quarter {n}" for n in range(40) for words in ("Profit rose", "Shares plunged", "The board met")]


@contextmanager
def triton(folder: Path, repository: Path) -> Iterator[tuple[Stack, str]]:
    """A Triton of the test's own on `repository`, without the other engines."""
    settings = Settings(state_dir=folder / "state", model_repository=repository)
    stack = Stack(settings, preferred=False, owned=True)
    try:
        stack.start("triton")
        yield stack, local(settings)["triton"]
    finally:
        stack.down()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """Triton with the shipped model; a test that kills it starts it again."""
    with triton(tmp_path_factory.mktemp("shipped"), SHIPPED) as running:
        yield running


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository to spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "repository", ignore=shutil.ignore_patterns("__pycache__")))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a piece of a file that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


async def test_model_proves_itself_and_names_its_runtime(shipped: tuple[Stack, str]) -> None:
    """The start checks labels, version, tokenizer and probes, and learns how the network is run here."""
    scorer = Scorer(shipped[1])
    await scorer.start()
    assert scorer.models()["en"][:2] == (NAME, SERVED.metadata.version)
    assert scorer.models()["en"][2].startswith(("openvino-", "onnxruntime-"))
    await scorer.stop()


async def test_answer_does_not_depend_on_company(shipped: tuple[Stack, str]) -> None:
    """A text gets the same probabilities alone and among others of other lengths."""
    scorer = Scorer(shipped[1], cache_size=0)
    await scorer.start()
    together = await asyncio.gather(*(scorer.score(text, "en") for text in TEXTS))
    for at in (0, 1, 2):
        alone = await scorer.score(TEXTS[at], "en")
        among = together[at]
        assert isinstance(alone, Verdict)
        assert isinstance(among, Verdict)
        assert alone.sentiment == pytest.approx(among.sentiment, abs=0.02)
    await scorer.stop()


@pytest.mark.parametrize(
    "row",
    [[1, 400_000, 2], [1, -1, 2], [0, 0, 0], [1] * 600],
    ids=["above the vocabulary", "negative", "padding only", "too long"],
)
async def test_bad_ids_are_refused_and_the_model_goes_on(shipped: tuple[Stack, str], row: list[int]) -> None:
    """Wrong token ids are the request's fault, said as such, and harm nothing after it."""
    client = connect(shipped[1])
    model = RemoteModel(client, SERVED, 10.0)
    with pytest.raises(BadInput):
        await model.infer([np.array(row, dtype=np.int32)])
    answer = await model.infer([np.array([1, 5618, 2], dtype=np.int32)])
    assert {head: values.shape for head, values in answer.items()} == {
        head: (1, len(labels)) for head, labels in HEADS.items()
    }
    await client.close()


async def test_killed_triton_is_waited_for(shipped: tuple[Stack, str]) -> None:
    """kill -9 with hundreds of texts under way: after the restart each has its verdict, the same as before."""
    stack, url = shipped
    scorer = Scorer(url, cache_size=0)
    await scorer.start()
    before = await asyncio.gather(*(scorer.score(text, "en") for text in TEXTS))
    under_way = [asyncio.create_task(scorer.score(text, "en")) for text in TEXTS]
    await asyncio.sleep(0.03)
    await asyncio.to_thread(stack.kill, "triton")
    under_way += [asyncio.create_task(scorer.score(text, "en")) for text in TEXTS]
    await asyncio.to_thread(stack.start, "triton")
    after = await asyncio.wait_for(asyncio.gather(*under_way), 60)
    for expected, found in zip(before * 2, after, strict=True):
        assert isinstance(found, Verdict)
        assert isinstance(expected, Verdict)
        assert found.sentiment == pytest.approx(expected.sentiment, abs=0.02)
    assert scorer.stats.failures > 0
    await scorer.stop()


async def test_swapped_labels_refuse_to_serve(copy: Path, tmp_path: Path) -> None:
    """A model whose positive and negative are exchanged is found out by the probes, at the start."""
    edit(
        copy / NAME / "1" / "model.py",
        "        asked = request.requested_output_names()\n",
        "        asked = request.requested_output_names()\n"
        "        answer['sentiment'] = np.ascontiguousarray(answer['sentiment'][:, ::-1])\n",
    )
    with triton(tmp_path, copy) as (_, url):
        with pytest.raises(ModelRefused, match="swapped"):
            await Scorer(url, copy).start()
        # The same server asked by somebody who expects another version of the model.
        edit(copy / NAME / "1" / "metadata.json", SERVED.metadata.version, "1-other")
        with pytest.raises(ModelRefused, match="version"):
            await Scorer(url, copy).start()


async def test_damaged_weights_are_not_served(copy: Path, tmp_path: Path) -> None:
    """Weights that are not those of the metadata stop the start of Triton, and its log says which file."""
    with (copy / NAME / "1" / "model.onnx").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff" * 64)
    with pytest.raises(EngineError, match=r"model\.onnx"), triton(tmp_path, copy):
        pass


@pytest.mark.data
@pytest.mark.timeout(900)
async def test_verdicts_as_served_reach_the_goal(shipped: tuple[Stack, str]) -> None:
    """Macro F1 on dev parts that were learnt from, through Triton: the goals of the data sets in models/README.md."""
    rows = [row for row in read_part(data_folder(), "dev", ("en",)) if row.dataset in GOALS]
    scorer = Scorer(shipped[1])
    await scorer.start()
    found = by_dataset(rows, await judge_served(scorer, rows))
    await scorer.stop()
    assert {name: found[name]["macro_f1"] >= goal for name, goal in GOALS.items()} == dict.fromkeys(GOALS, True), found
