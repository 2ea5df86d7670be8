"""`GET /models`: which versions judge, what is known of their quality, what Triton serves now, what drifts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.api.errors import language_of
from console.api.threads import in_thread
from console.running import runs
from models import registry, versions
from models.labels import HEADS
from models.registry import ModelRefused
from models.triton import BadInput, Unreachable, asked, connect
from models.versions import Version
from streams.drift import open_drifts
from streams.endpoints import EnginesDown, resolve
from streams.settings import Settings

WAIT: Final = 2.0  # seconds Triton has to answer
CARDS: Final = Path(registry.__file__).parent / "cards"
OF_HEAD: Final[Mapping[str, str]] = {"tfnt": "topic", "ccks": "risk"}  # public sets of other labels than sentiments
STATES: Final[Mapping[str, Literal["live", "shadow", "other", "damaged"]]] = {
    "active": "live", "shadow": "shadow", "retained": "other", "damaged": "damaged",
}  # fmt: skip


class QualityOf(BaseModel):
    """What was measured on one data set when the version was made, in full precision."""

    dataset: str
    what: Literal["sentiment", "topic", "risk"]
    macro_f1: float
    weighted_f1: float
    accuracy: float
    rows: int = Field(description="Labelled texts that it was measured on.")
    learnt: int = Field(description="Rows of the other part of the data set that it learnt from; 0: it never saw it.")


class ModelOf(BaseModel):
    """One version of a model."""

    name: str
    version: str
    number: str
    state: Literal["live", "shadow", "other", "damaged"]
    serving: bool | None = Field(description="Triton says that it is ready; null while Triton is away.")
    languages: list[str]
    base: str
    licence: str
    token_limit: int | None
    abstains_below: dict[str, float] = Field(description="By language: a sentiment less likely is no judgement.")
    card: str = Field(description="The model card, Markdown; empty where there is none.")
    quality: list[QualityOf]
    fault: str


class ModelList(BaseModel):
    """The models that judge."""

    labels: dict[str, list[str]]
    triton: Literal["up", "away"]
    repository: Literal["shipped", "own"]
    models: list[ModelOf]
    drift: list[dict[str, Any]]


def router(context: Context) -> APIRouter:
    """The route."""
    made = APIRouter()

    @made.get("/models")
    async def models(_: Reader, request: Request) -> ModelList:
        """The versions of all models: which judge, how good they were, what Triton serves now, what drifts."""
        settings = context.settings
        found = await in_thread(language_of(request.headers), known, settings.model_repository or registry.SHIPPED)
        served = await ready(settings, [(name, each.number) for name, each in found if each.loaded])
        drift = await asyncio.to_thread(lambda: [msgspec.to_builtins(d) for d in open_drifts(settings.state_dir, runs)])
        return ModelList(
            labels={head: list(names) for head, names in HEADS.items()},
            triton="away" if served is None else "up",
            repository="own" if settings.model_repository else "shipped",
            models=[_told(name, each, served) for name, each in found],
            drift=drift,
        )

    return made


def known(repository: Path) -> list[tuple[str, Version]]:
    """Model and version of everything in the repository; none where there is nothing that can be read."""
    try:
        return [(folder.name, each) for folder in registry.models(repository) for each in _versions(folder)]
    except ModelRefused:
        return []


def _versions(folder: Path) -> Sequence[Version]:
    files = [folder / versions.CONFIG, *sorted(folder.glob("*/*"))]
    return _checked(folder, tuple((str(path), _stamp(path)) for path in files))


def _stamp(path: Path) -> int:
    """When a file was changed; 0 for one that was removed just now, or never was."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=16)
def _checked(folder: Path, _stamps: tuple[tuple[str, int], ...]) -> Sequence[Version]:
    """Checking the weights reads all of them: once as long as no file changes."""
    return tuple(versions.versions(folder))


async def ready(settings: Settings, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool] | None:
    """Which of these models and numbers Triton serves; None when it does not answer in time."""
    try:
        url = resolve(settings, "triton").triton
        client = connect(url, tls=settings.triton_tls, ca_file=settings.triton_ca_file)
    except (EnginesDown, OSError):
        return None
    try:
        async with asyncio.timeout(WAIT):
            await asked(client.is_server_live(client_timeout=WAIT))
            return {
                (name, number): bool(await asked(client.is_model_ready(name, number, client_timeout=WAIT)))
                for name, number in wanted
            }
    except (TimeoutError, Unreachable, BadInput, ModelRefused, OSError):
        return None
    finally:
        await client.close()


def _told(name: str, of: Version, served: Mapping[tuple[str, str], bool] | None) -> ModelOf:
    serving = None if served is None else served.get((name, of.number), False)
    if of.served is None:
        return ModelOf(
            name=name, version="", number=of.number, state="damaged", serving=serving, languages=[], base="",
            licence="", token_limit=None, abstains_below={}, card="", quality=[], fault=of.fault,
        )  # fmt: skip
    metadata = of.served.metadata
    return ModelOf(
        name=name,
        version=metadata.version,
        number=of.number,
        state=STATES[of.state],
        serving=serving,
        languages=list(metadata.langs),
        base=metadata.base,
        licence=metadata.licence,
        token_limit=metadata.token_limit,
        abstains_below={lang: each.abstain_below for lang, each in metadata.calibration.items()},
        card=card(name, metadata.version),
        quality=list(quality(metadata.metrics, metadata.rows)),
        fault="",
    )


def card(name: str, version: str) -> str:
    """The card of a version; empty for a version that has none, though another of its number may have."""
    try:
        text = (CARDS / f"{name}-{version.partition('-')[0]}.md").read_text(encoding="utf-8")
    except OSError:
        return ""
    return text if version in text.partition("\n")[0] else ""


def quality(metrics: Mapping[str, Mapping[str, float]], rows: Mapping[str, int]) -> Iterator[QualityOf]:
    """The figures of a version's metadata, the largest data set first."""
    for name, found in sorted(metrics.items(), key=lambda pair: -pair[1]["rows"]):
        dataset, _, head = name.partition("/")
        what: Any = head or OF_HEAD.get(dataset, "sentiment")
        yield QualityOf(
            dataset=dataset, what=what, macro_f1=found["macro_f1"], weighted_f1=found["weighted_f1"],
            accuracy=found["accuracy"], rows=int(found["rows"]),
            learnt=sum(count for key, count in rows.items() if key.partition("/")[0] == dataset),
        )  # fmt: skip
