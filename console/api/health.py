"""How Tocsin itself is: engines, stages, and what the watcher found wrong. The same as `tocsin status` shows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from console.api.access import Reader
from console.api.context import Context
from console.api.errors import language_of
from console.api.lately import Lately
from console.figures import Since
from console.status import collect, kafka_away
from console.workers import WATCH
from streams.lag import READS

FRESH: Final = 5.0  # seconds for which one look is handed out
SERVES: Final = ("serving", "external")  # states of an engine that does its work


class EngineState(BaseModel):
    """One engine."""

    name: str
    state: str
    address: str


class Stage(BaseModel):
    """One stage with all its processes. What only a process knows is null where none answers."""

    stage: str
    running: bool = Field(description="At least one process runs and answers.")
    processes: int
    lag: int | None = Field(description="Records still to acknowledge; null: it reads from no topic, or nobody knows.")
    per_second: float | None = Field(description="Since the last look; null at the first.")
    rejected: int | None
    memory_mib: int | None
    last_delivery_age: float | None = Field(description="Seconds.")


class Words(BaseModel):
    """A sentence in both languages."""

    en: str
    zh: str


class SystemAlert(BaseModel):
    """Something that is wrong with Tocsin itself."""

    alert: str
    rule: str
    subject: str
    severity: str
    since: datetime
    says: Words
    fix: Words


class Drift(BaseModel):
    """Texts that differ from those a model knows. `labels`: language, kind, feature, and what they differ from."""

    subject: str
    labels: dict[str, str]
    since: datetime
    observed: float
    unit: str
    support: int = Field(description="Texts that were compared.")


class Letters(BaseModel):
    """Records that became dead letters for one reason since the processes that run started."""

    reason: str
    count: int


class Health(BaseModel):
    """`degraded`: an engine or a stage is away, or something fires."""

    status: Literal["ok", "degraded"]
    engines: list[EngineState]
    stages: list[Stage]
    alerts: list[SystemAlert]
    watched: bool = Field(description="False: no watcher runs, so `alerts` may be old.")
    drift: list[Drift]
    deadletters: list[Letters] = Field(description="Most first.")
    problem: str = Field(description="Why lag is unknown; empty when it is known.")


def health_of(report: Mapping[str, Any], dead: Mapping[str, int]) -> Health:
    """What `console.status.collect` found, for a page. Pure."""
    lag = report["lag"] or {}
    by_stage: dict[str, list[Mapping[str, Any]]] = {stage: [] for stage in (*READS, WATCH)}
    for worker in report["workers"]:
        by_stage.setdefault(worker["stage"], []).append(worker)
    stages = [_stage(stage, workers, lag.get(stage)) for stage, workers in by_stage.items()]
    engines = [
        EngineState(name=each["name"], state=each["state"], address=each.get("address") or "")
        for each in report["engines"]
    ]
    serving = all(each.state in SERVES for each in engines) and all(each.running for each in stages)
    fine = serving and not report["alerts"] and "problem" not in report
    return Health(
        status="ok" if fine else "degraded",
        engines=engines,
        stages=stages,
        alerts=[_alert(each) for each in report["alerts"]],
        watched=any(each.stage == WATCH and each.running for each in stages),
        drift=[_drift(each) for each in report["drift"]],
        deadletters=[Letters(reason=reason, count=count) for reason, count in dead.items()],
        problem=report.get("problem", ""),
    )


def _stage(name: str, workers: Sequence[Mapping[str, Any]], lag: int | None) -> Stage:
    told = [worker for worker in workers if worker["answers"]]
    ages = [worker["last_delivery_age"] for worker in told if worker["last_delivery_age"] is not None]

    def total(of: str) -> float | None:
        known = [worker[of] for worker in told if worker[of] is not None]
        return sum(known) if known else None

    return Stage.model_validate(
        {
            "stage": name,
            "running": bool(told),
            "processes": len(workers),
            "lag": lag,
            "per_second": total("per_second"),
            "rejected": total("rejected"),
            "memory_mib": total("memory_mib"),
            "last_delivery_age": min(ages, default=None),
        }
    )


def _alert(found: Mapping[str, Any]) -> SystemAlert:
    said = found["annotations"]
    return SystemAlert(
        **{name: found[name] for name in ("alert", "rule", "subject", "severity", "since")},
        says=Words(en=said.get("en", found["subject"]), zh=said.get("zh", found["subject"])),
        fix=Words(en=said.get("fix_en", ""), zh=said.get("fix_zh", "")),
    )


def _drift(change: Mapping[str, Any]) -> Drift:
    return Drift(**{name: change[name] for name in Drift.model_fields})


class HealthRoute:
    """The route."""

    def __init__(self, context: Context) -> None:
        since = Since()

        def now() -> tuple[Health, str]:
            """One look at everything, and how Kafka failed. Blocks while an engine that hangs is waited for."""
            report = collect(context.settings, since.workers)
            return health_of(report, since.rejects()), report.get("kafka_away", "")

        self._report = Lately(now, FRESH, time.monotonic)

    def router(self) -> APIRouter:
        """Under /api/v1."""
        router = APIRouter(tags=["health"])
        router.add_api_route("/health", self.health, methods=["GET"])
        return router

    async def health(self, _: Reader, request: Request) -> Health:
        """Engines, stages, and what the watcher found wrong; one look counts for five seconds. It takes some seconds
        where an engine hangs. Rates are those since the look before."""
        found, failed = await self._report.get()
        if not failed:
            return found
        return found.model_copy(update={"problem": kafka_away(failed, language_of(request.headers))})


def router(context: Context) -> APIRouter:
    """The routes of this area."""
    return HealthRoute(context).router()
