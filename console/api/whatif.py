"""What a text of rules would have rung, asked before it is saved; and the jobs that such questions are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from console.api import rules_shapes as told
from console.api.access import Reader
from console.api.context import Context
from console.api.errors import ApiError, language_of
from console.api.jobs import Busy, Job, JobFailed, Jobs
from console.api.rules import place_of, refused
from console.api.shapes import ErrorBody
from console.messages import say
from console.replay.whatif_process import Failed, Question, Told, asked
from console.rule_check import check

JobId = Annotated[str, PathParameter(max_length=64)]
MOST_DAYS: Final = 90


class WhatIfRequest(told.CheckRequest):
    """A text of rules, and over how many of the last days it is tried."""

    file: told.FileName = Field(
        min_length=1, description="Name of the file that it would be, in the folder of the rules in use."
    )
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7


class AlertBrief(BaseModel):
    """One alert that would be, with the strongest document behind it."""

    rule: str
    subject: str
    name: str
    severity: str
    since: datetime
    until: datetime | None
    observed: float
    expected: float | None
    beyond: float = Field(description="How many times the bound was reached at the worst moment.")
    headline: str
    document: str


class MovedBrief(BaseModel):
    """One alert that would ring at another time."""

    before: AlertBrief
    after: AlertBrief
    seconds: float = Field(description="Later; negative: earlier.")


class RuleCount(BaseModel):
    """Alerts of one rule: as it is, and as it would be."""

    name: str
    before: int | None = Field(description="null: there is no such rule now, or it stays the same and was not played.")
    after: int | None
    differs: bool


class HistoryOf(BaseModel):
    """How much came before the days asked about."""

    earliest: datetime | None = Field(description="Of all documents that were read.")
    days: float = Field(description="So long before the days asked about there are documents.")
    wanted_days: float
    short: list[str] = Field(description="Rules that want more history than there is: they may ring otherwise live.")


class WhatIfResult(BaseModel):
    """What would be otherwise. Each list holds at most 200, the most severe first; the counts are of all."""

    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    documents: int
    read: int = Field(description="Documents, history included.")
    subject_days: float
    weeks: float
    rules: list[RuleCount]
    gained: list[AlertBrief]
    lost: list[AlertBrief]
    moved: list[MovedBrief]
    gained_count: int
    lost_count: int
    moved_count: int
    kept: int = Field(description="Alerts of the rules that differ that ring at the same minute.")
    history: HistoryOf


class JobStarted(BaseModel):
    """A job that was started."""

    job: str


class JobOf(BaseModel):
    """How a job stands."""

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    progress: float | None = Field(description="0 to 1; null while nobody knows.")
    said: str
    result: WhatIfResult | None
    error: ErrorBody | None


def router(context: Context) -> APIRouter:
    """The routes."""
    made = APIRouter()
    jobs = Jobs(context.now)

    def found(caller: str, id_: str) -> Job:
        job = jobs.find(caller, id_)
        if job is None:
            raise ApiError(404, "job_unknown")
        return job

    @made.post("/rules/whatif", status_code=202, response_model=JobStarted)
    async def what_if(caller: Reader, body: WhatIfRequest, request: Request) -> JobStarted | JSONResponse:
        """Play the stored documents of the last days to the rules as they are and as they would be with this text, by
        the engine of replays. Nothing is written and nobody is told. The answer is a job's result."""
        lang = language_of(request.headers)
        file = place_of(context.settings, body.file)
        checked = await context.long.do(caller.name, lang, check, context.settings, body.text, file)
        if checked.faults:
            return refused(checked, lang)
        if not checked.gone and all(each == "same" for each in (checked.changed or {}).values()):
            raise ApiError(409, "rules_same")
        end = context.now()
        question = Question(text=body.text, file=body.file, begin=end - timedelta(days=body.days), end=end)
        try:
            return JobStarted(job=jobs.start(caller.name, lambda job: _answer(context, question, job)).id)
        except Busy:
            raise ApiError(409, "job_running") from None

    @made.get("/jobs/{id}")
    async def job_of(caller: Reader, id: JobId, request: Request) -> JobOf:
        """How one of your jobs stands, and its result; known for an hour after its end."""
        return _told(found(caller.name, id), language_of(request.headers))

    @made.delete("/jobs/{id}")
    async def cancel(caller: Reader, id: JobId, request: Request) -> JobOf:
        """Cancel one of your jobs; what has ended stays as it is."""
        job = found(caller.name, id)
        await jobs.cancel(job)
        return _told(job, language_of(request.headers))

    return made


async def _answer(context: Context, question: Question, job: Job) -> WhatIfResult:
    def heard(line: Told) -> None:
        share = min(1.0, line.read / line.total) if line.total else None
        job.tell(f"jobs.{line.stage}", share, read=f"{line.read:,}", total=f"{line.total:,}")

    job.tell("jobs.running", None)
    try:
        found = await asked(context.settings, question, heard)
    except Failed as error:
        raise JobFailed(error.code, count=f"{error.count:,}") from None
    return WhatIfResult.model_validate(msgspec.to_builtins(found))


def _told(job: Job, lang: str) -> JobOf:
    key, values = job.said
    return JobOf(
        id=job.id, state=job.state, progress=1.0 if job.state == "done" else job.progress,
        said=say(key, lang, **values), result=job.result, error=None if job.error is None else _error(*job.error, lang),
    )  # fmt: skip


def _error(code: str, values: dict[str, Any], lang: str) -> ErrorBody:
    what, fix = (say(f"api.errors.{code}.{part}", lang, **values) for part in ("what", "fix"))
    return ErrorBody(code=code, message=what, fix=fix)
