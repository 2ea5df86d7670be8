"""Results of replays and named runs: listed, read, compared, and as the report that people read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from alerts.evaluation.compare import Comparison, NothingToCompare, Pair, compare
from alerts.evaluation.gate import NotComparable, gate
from alerts.evaluation.notes import is_known, sentence
from alerts.evaluation.report import render
from alerts.evaluation.result import Episode, Evaluation
from console.api.access import Reader
from console.api.context import Context
from console.api.errors import ApiError, language_of
from console.api.threads import in_thread
from console.api.whatif import AlertBrief, MovedBrief
from console.messages import language, say
from console.replay import shelf
from console.replay.results import ResultUnreadable
from console.replay.shelf import NoSuchResult
from console.replay.whatif import brief
from streams.settings import Settings

SHOWN: Final = 50  # alerts of each sort, by rule
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
ResultId = Annotated[str, PathParameter(max_length=64)]
Asked = Annotated[str, Query(max_length=64, description="Id of a result.")]


class RuleFigures(BaseModel):
    """What was measured of one rule."""

    name: str
    hash: str
    precision: float | None
    recall: float | None
    false_per_subject_day: float | None
    delay_median_s: float | None
    events: int
    found: int
    alerts: int


class ResultBrief(BaseModel):
    """One result."""

    id: str
    name: str
    at: datetime
    rules: list[RuleFigures]
    sources: list[str]
    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    mentions: int
    code: str


class RunBrief(BaseModel):
    """One named run of `tocsin replay … --run NAME`."""

    name: str
    at: datetime = Field(description="When it was saved last.")
    reached: datetime | None = Field(description="Time of collection up to which it has played.")
    done: bool
    source: str


class ReplayList(BaseModel):
    """Results with truth, the newest 50, and named runs."""

    results: list[ResultBrief]
    runs: list[RunBrief]


class ChangeOf(BaseModel):
    """One figure on both sides."""

    figure: str
    before: float | None
    after: float | None
    p: float | None = Field(description="Of a paired test; null: a side has no such figure.")
    n: int
    better: bool | None
    more_than_chance: bool


class PairOf(BaseModel):
    """One rule on both sides; lists hold at most 50 alerts each, the counts are of all."""

    rule: str
    same_text: bool = Field(description="The rule says the same on both sides.")
    same: int
    gained: list[AlertBrief]
    lost: list[AlertBrief]
    moved: list[MovedBrief]
    gained_count: int
    lost_count: int
    moved_count: int
    changes: list[ChangeOf]


class CheckOf(BaseModel):
    """A figure that got worse, or a rule that is missing."""

    rule: str
    figure: str
    before: float | None
    after: float | None
    tolerance: float
    state: Literal["lost", "worse", "same", "better", "missing", "new"]


class ComparisonOf(BaseModel):
    """What two results differ in, rule by rule; `*` is all rules as one."""

    pairs: list[PairOf]
    only_a: list[str]
    only_b: list[str]
    caveats: list[str] = Field(description="What makes them hard to compare: events, period, mentions, matching, …")
    caveats_said: list[str]
    gate: list[CheckOf] | None = Field(
        description="As `tocsin replay gate A B` says, without what is the same; null where it would refuse."
    )


def router(context: Context) -> APIRouter:
    """The routes."""
    made = APIRouter()

    @made.get("/replays")
    async def replays(_: Reader, request: Request) -> ReplayList:
        """Results of replays with truth that were run with this state folder, and named runs."""
        return await in_thread(language_of(request.headers), _listed, context.settings)

    @made.get("/replays/compare")
    async def comparison(caller: Reader, request: Request, a: Asked, b: Asked) -> ComparisonOf:
        """What the second result gained, lost and moved against the first, and what of it is more than chance."""
        return await context.long.do(caller.name, language_of(request.headers), _compared, context.settings, a, b)

    @made.get("/replays/{id}", response_model=dict[str, Any])
    async def replay(caller: Reader, request: Request, id: ResultId) -> Response:
        """The whole result, as `tocsin replay --json` writes it, its `title`, and sentences for the caller, `said`."""
        told = await context.long.do(caller.name, language_of(request.headers), _read, context.settings, id)
        return Response(told, media_type="application/json")

    @made.get("/replays/{id}/report", response_class=HTMLResponse)
    async def report(caller: Reader, request: Request, id: ResultId) -> HTMLResponse:
        """The report on a result as one HTML file, in the caller's language."""
        lang = language_of(request.headers)
        text = await context.long.do(caller.name, lang, _report, context.settings, id, lang)
        name = f'attachment; filename="tocsin-replay-{id}.html"'
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY, "Content-Disposition": name})

    return made


def _listed(settings: Settings) -> ReplayList:
    results = [
        ResultBrief(
            id=id_, name=found.title or ", ".join(found.sources), at=found.made_at, sources=list(found.sources),
            begin=found.begin, end=found.end, mentions=found.mentions, code=found.code,
            rules=[RuleFigures(name=name, **msgspec.structs.asdict(rule)) for name, rule in found.rules.items()],
        )
        for id_, found in shelf.listed(settings)
    ]  # fmt: skip
    runs = [
        RunBrief(name=run.name, at=run.saved, reached=run.reached, done=run.done, source=run.source)
        for run in shelf.runs(settings)
    ]
    return ReplayList(results=results, runs=runs)


def _evaluation(settings: Settings, id_: str) -> Any:
    try:
        return shelf.read(settings, id_)
    except (NoSuchResult, ResultUnreadable):
        raise ApiError(404, "replay_unknown") from None


def _read(settings: Settings, id_: str) -> bytes:
    """As JSON: it may be of many MiB, which the event loop must not be held up for."""
    result = _evaluation(settings, id_)
    found: dict[str, Any] = msgspec.to_builtins(result)
    return msgspec.json.encode(found | {"title": shelf.title_of(settings, id_), "said": _said(result)})


def _said(result: Evaluation) -> dict[str, Any]:
    """What the data cannot show and for whom they are labelled; a sentence that a later version wrote stays English."""
    lang = language()
    notes = result.notes or (None,) * len(result.caveats)
    told = zip(notes, result.caveats, strict=True)
    as_ = result.labelled_as
    return {
        "caveats": [sentence(note, lang) if note and is_known(note) else text for note, text in told],
        "labelled": sentence(as_, lang) if as_ and is_known(as_) else result.labelled,
    }


def _report(settings: Settings, id_: str, lang: str) -> str:
    return render(_evaluation(settings, id_), "zh" if lang == "zh" else "en")


def _compared(settings: Settings, a: str, b: str) -> ComparisonOf:
    first, second = _evaluation(settings, a), _evaluation(settings, b)
    try:
        found = compare(first, second, names=(a, b))
    except NothingToCompare:
        raise ApiError(409, "replay_incomparable") from None
    try:
        checks = [check for check in gate(first, second) if check.state != "same"]
    except NotComparable:
        checks = None
    return ComparisonOf(
        pairs=[_pair(pair) for pair in found.pairs],
        only_a=list(found.only_before),
        only_b=list(found.only_after),
        caveats=list(found.caveats),
        caveats_said=[_caveat(found, code) for code in found.caveats],
        gate=None if checks is None else [CheckOf.model_validate(each, from_attributes=True) for each in checks],
    )


def _caveat(found: Comparison, code: str) -> str:
    return say(f"compare.caveat.{code}", count=len(found.events))


def _pair(pair: Pair) -> PairOf:
    return PairOf(
        rule=pair.before if pair.before == pair.after else f"{pair.before} → {pair.after}",
        same_text=pair.before_hash == pair.after_hash,
        same=pair.same,
        gained=[_brief(each) for each in pair.gained[:SHOWN]],
        lost=[_brief(each) for each in pair.lost[:SHOWN]],
        moved=[
            MovedBrief(before=_brief(each.before), after=_brief(each.after), seconds=each.seconds)
            for each in pair.moved[:SHOWN]
        ],
        gained_count=len(pair.gained),
        lost_count=len(pair.lost),
        moved_count=len(pair.moved),
        changes=[ChangeOf.model_validate(each, from_attributes=True) for each in pair.changes],
    )


def _brief(episode: Episode) -> AlertBrief:
    return AlertBrief.model_validate(brief(episode), from_attributes=True)
