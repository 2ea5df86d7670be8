"""A running Scorer follows the active version and the shadow, against a double that speaks Triton's protocol."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import msgspec
import numpy as np
import pytest
from tokenizers import Tokenizer, normalizers

from models import shadow
from models.client import ModelRefused, Scorer, Verdict
from models.labels import HEADS, SENTIMENTS
from models.registry import ACTIVE, SHADOW, SHIPPED, Metadata, configuration, read, sha256
from models.text import prepare
from models.verdict import leaning
from tests.unit.models.triton_double import Answer, Refusal, TritonDouble, serving

NAME = "opinion-en"
METADATA = read(SHIPPED / NAME).metadata
Judge = Callable[[np.ndarray], Answer]


class Clock:
    """The monotonic clock, which a test moves on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def saying(metadata: Metadata, sentiment: str) -> Judge:
    """Answers probes as they must be, and calls every other text `sentiment`."""
    known = {probe.ids: probe.sentiment for probe in metadata.probes}

    def answer(ids: np.ndarray) -> Answer:
        names = [known.get(tuple(row[row != 0].tolist()), sentiment) for row in ids]
        found = {head: np.full((len(ids), len(labels)), 1 / len(labels)) for head, labels in HEADS.items()}
        found["sentiment"] = np.array([[float(label == name) for label in SENTIMENTS] for name in names])
        return found

    return answer


def only_probes(judge: Judge, metadata: Metadata, code: grpc.StatusCode) -> Judge:
    """Answers probes only; anything else fails with `code`."""
    known = {probe.ids for probe in metadata.probes}

    def answer(ids: np.ndarray) -> Answer:
        if not all(tuple(row[row != 0].tolist()) in known for row in ids):
            raise Refusal(code)
        return judge(ids)

    return answer


WRONG = saying(msgspec.structs.replace(METADATA, probes=()), "neutral")  # also of the probes


class Bed:
    """A repository with versions 1 and 2, whose tokenizers differ where a text holds a z, and a double serving both."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.folder = repository / NAME
        (self.folder / "1").mkdir(parents=True)
        for name in ("metadata.json", "tokenizer.json"):
            shutil.copy(SHIPPED / NAME / "1" / name, self.folder / "1")
        (self.folder / "config.pbtxt").write_text(configuration({"1": METADATA}, "1"), encoding="utf-8")
        self.tokenizer = Tokenizer.from_file(str(self.folder / "1" / "tokenizer.json"))
        parts = [normalizers.Replace("z", "zz"), *([own] if (own := self.tokenizer.normalizer) else [])]
        self.tokenizer.normalizer = normalizers.Sequence(parts)
        self.second = self.write("2", "2-b")
        self.double = TritonDouble(METADATA, saying(METADATA, "negative"))
        self.double.add("2", self.second, saying(self.second, "positive"))
        self.clock = Clock()

    def write(self, number: str, version: str) -> Metadata:
        """A version folder with the other tokenizer."""
        folder = self.folder / number
        folder.mkdir()
        self.tokenizer.save(str(folder / "tokenizer.json"))
        probes = tuple(
            msgspec.structs.replace(probe, ids=tuple(self.tokenizer.encode(prepare(probe.text)).ids))
            for probe in METADATA.probes
        )
        digest = sha256(folder / "tokenizer.json")
        made = msgspec.structs.replace(METADATA, version=version, tokenizer_sha256=digest, probes=probes)
        (folder / "metadata.json").write_bytes(msgspec.json.encode(made))
        return made

    def active(self, number: str) -> None:
        """Triton uses another version from now on, and it is time to notice."""
        self.double.told[ACTIVE] = number
        self.clock.ahead += 61.0

    def shadow(self, number: str) -> None:
        """Triton tells of a shadow from now on, and it is time to notice."""
        self.double.told[SHADOW] = number
        self.clock.ahead += 61.0

    async def started(self, url: str, **options: int) -> Scorer:
        """A scorer of this repository."""
        scorer = Scorer(url, self.repository, clock=self.clock, **options)
        await scorer.start()
        return scorer


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    """Two versions, the first active."""
    return Bed(tmp_path)


async def judged(scorer: Scorer, text: str) -> Verdict:
    """The verdict on an English text."""
    found = await scorer.score(text, "en")
    assert isinstance(found, Verdict)
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.002)


async def test_a_pinned_version_judges_whichever_is_active(bed: Bed) -> None:
    """A scorer that was given a version asks that one, before and after another becomes active, and no shadow."""
    async with serving(bed.double) as url:
        scorer = Scorer(url, bed.repository, clock=bed.clock, pinned={"en": read(bed.folder, "2")})
        await scorer.start()
        try:
            first = await scorer.score("Shares fell", "en")
            bed.shadow("1")
            second = await scorer.score("Shares rose", "en")
        finally:
            await scorer.stop()
    assert isinstance(first, Verdict)
    assert isinstance(second, Verdict)
    assert (first.version, second.version) == ("2-b", "2-b")
    assert set(bed.double.asked) == {"2"}


async def test_the_active_version_is_followed(bed: Bed) -> None:
    """Texts before the change are judged by the old version, those after by the new one, each once."""
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        before = [await judged(scorer, f"before {n}") for n in range(3)]
        bed.active("2")
        after = await asyncio.gather(*(judged(scorer, f"after {n}") for n in range(50)))
        await scorer.stop()
    assert {(each.version, leaning(each)) for each in before} == {(METADATA.version, "negative")}
    assert {(each.version, leaning(each)) for each in after} == {("2-b", "positive")}
    assert scorer.models()["en"][1] == "2-b"
    assert scorer.stats.texts == 53
    assert sum(len(call) for call in bed.double.calls) == 53


async def test_texts_that_wait_are_tokenised_for_the_version_that_judges_them(bed: Bed) -> None:
    """A text tokenised for the old version, and sent to it in vain, reaches the new one with the new one's ids."""
    bed.double.judge = only_probes(saying(METADATA, "negative"), METADATA, grpc.StatusCode.UNAVAILABLE)
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        waiting = [asyncio.create_task(judged(scorer, f"zebra {n} zigzag")) for n in range(4)]
        await until(lambda: bool(bed.double.calls))
        bed.active("2")
        found = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        await scorer.stop()
    assert {each.version for each in found} == {"2-b"}
    last = bed.double.calls[-1]
    assert bed.double.asked[-1] == "2"
    rows = {tuple(row[row != 0].tolist()) for call, number in zip(bed.double.calls, bed.double.asked, strict=True)
            for row in call if number == "2"}  # fmt: skip
    assert rows == {tuple(bed.tokenizer.encode(f"zebra {n} zigzag").ids) for n in range(4)}
    assert last.size


async def test_a_roll_back_gives_no_answer_of_the_version_left(bed: Bed) -> None:
    """What is remembered belongs to the version that said it."""
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        first = await judged(scorer, "the text")
        bed.active("2")
        second = await judged(scorer, "the text")
        bed.active("1")
        third = await judged(scorer, "the text")
        await scorer.stop()
    assert [each.version for each in (first, second, third)] == [METADATA.version, "2-b", METADATA.version]
    assert leaning(third) == "negative"


async def test_a_version_that_is_gone_is_left_without_waiting(bed: Bed) -> None:
    """When Triton no longer has the version, the active one is asked for at once."""
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        await judged(scorer, "before")
        bed.double.told[ACTIVE] = "2"
        del bed.double.judges["1"]
        found = await asyncio.wait_for(judged(scorer, "after"), 10)
        await scorer.stop()
    assert found.version == "2-b"


async def test_a_running_model_that_says_nothing_of_versions_is_refused(bed: Bed) -> None:
    """Without the parameter `active` nothing is guessed."""
    del bed.double.told[ACTIVE]
    async with serving(bed.double) as url:
        with pytest.raises(ModelRefused, match="which version is active"):
            await bed.started(url)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda bed: shutil.rmtree(bed.folder / "2"), "metadata.json is missing"),
        (lambda bed: bed.double.told.update({"2.version": "2-other"}), "2.version"),
        (lambda bed: bed.double.judges.update({"2": WRONG}), "swapped"),
        (lambda bed: narrow(bed), "other languages"),
    ],
    ids=["not here", "another", "wrong answers", "languages"],
)
async def test_an_active_version_that_cannot_be_trusted_stops_everything(
    bed: Bed, spoil: Callable[[Bed], None], words: str
) -> None:
    """No text is judged by a version whose folder is missing, differs, or whose probes fail."""
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        spoil(bed)
        bed.active("2")
        with pytest.raises(ModelRefused, match=words):
            await judged(scorer, "after zebra")
        await scorer.stop()
    assert not bed.double.calls


def narrow(bed: Bed) -> None:
    """Version 2 judges another language."""
    calibration = {"zh": METADATA.calibration["en"]}
    one = msgspec.structs.replace(bed.second, langs=("zh",), calibration=calibration)
    (bed.folder / "2" / "metadata.json").write_bytes(msgspec.json.encode(one))


async def test_a_shadow_judges_every_text_and_is_only_compared(bed: Bed) -> None:
    """Its answers are counted by whether they agree; verdicts stay those of the active version."""
    bed.double.judges["2"] = lambda ids: saying(bed.second, "negative" if ids.shape[1] > 6 else "positive")(ids)
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        bed.shadow("2")
        await judged(scorer, "noticed")
        bed.double.calls.clear()
        found = [await judged(scorer, text) for text in ("short", "a text of many more words than that one")]
        await until(lambda: scorer.stats.shadow.agreed + scorer.stats.shadow.differed >= 3)
        bed.shadow("")
        await judged(scorer, "noticed again")
        await judged(scorer, "no shadow any more")
        await scorer.stop()
    assert {each.version for each in found} == {METADATA.version}
    assert (scorer.stats.shadow.agreed, scorer.stats.shadow.differed) == (1, 2)
    assert (scorer.stats.shadow.failed, scorer.stats.shadow.dropped) == (0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bed: bed.double.judges.update({"2": WRONG}),
        lambda bed: bed.double.judges.pop("2"),
        lambda bed: bed.double.judges.update(
            {"2": only_probes(saying(bed.second, "neutral"), bed.second, grpc.StatusCode.INVALID_ARGUMENT)}
        ),
        lambda bed: bed.double.judges.update({"2": lambda ids: {head: np.full((1, 2), np.nan) for head in HEADS}}),
    ],
    ids=["fails its probes", "not served", "refuses texts", "answers nonsense"],
)
async def test_a_shadow_that_fails_harms_nothing(bed: Bed, spoil: Callable[[Bed], None]) -> None:
    """Its failures are counted and every verdict is given."""
    spoil(bed)
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        bed.shadow("2")
        found = [await judged(scorer, f"zebra {n}") for n in range(5)]
        await until(lambda: scorer.stats.shadow.failed == 5)
        await scorer.stop()
    assert {each.version for each in found} == {METADATA.version}


async def test_a_shadow_whose_folder_is_missing_harms_nothing(bed: Bed) -> None:
    """Verdicts go on; there is nothing to count with."""
    shutil.rmtree(bed.folder / "2")
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        bed.shadow("2")
        assert (await judged(scorer, "a text")).version == METADATA.version
        await scorer.stop()


async def test_a_shadow_that_is_behind_drops_texts(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may keep is bounded, and verdicts do not wait for it."""
    monkeypatch.setattr(shadow, "WAITING", 4)
    bed.double.judges["2"] = only_probes(saying(bed.second, "neutral"), bed.second, grpc.StatusCode.UNAVAILABLE)
    async with serving(bed.double) as url:
        scorer = await bed.started(url)
        bed.shadow("2")
        await asyncio.gather(*(judged(scorer, f"text {n}") for n in range(40)))
        await scorer.stop()
    assert scorer.stats.texts == 40
    assert scorer.stats.shadow.dropped >= 30
