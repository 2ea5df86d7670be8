"""Work that takes longer than a request: started, watched, cancelled, and forgotten an hour after its end.

Two run at once, the others wait; of one caller one waits or runs, and the last few results are kept. A job is its
caller's alone. Ending the API ends all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

import structlog

AT_ONCE: Final = 2
KEPT: Final = timedelta(hours=1)
RESULTS: Final = 5  # of one caller that has ended jobs: a result may be of a MiB
OPEN: Final = 20  # that wait or run, of all callers
LONGEST: Final = 900.0  # seconds
State = Literal["waiting", "running", "done", "failed", "cancelled"]
log = structlog.get_logger(__name__)


class Busy(RuntimeError):  # noqa: N818 - what is so
    """The caller has a job already that waits or runs, or too many have."""


class JobFailed(RuntimeError):  # noqa: N818 - what happened
    """A job has no result; `code` and `values` say why in any language."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(slots=True)
class Job:
    """One piece of work. `said` is a message with its values; `progress` a share, where it is known."""

    id: str
    caller: str
    state: State = "waiting"
    progress: float | None = None
    said: tuple[str, dict[str, Any]] = ("jobs.waiting", {})
    result: Any = None
    error: tuple[str, dict[str, Any]] | None = None
    ended: datetime | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    def tell(self, key: str, progress: float | None, **values: Any) -> None:
        """How far it is."""
        self.said, self.progress = (key, values), progress


Work = Callable[[Job], Awaitable[Any]]


class Jobs:
    """All of them. `now` is the clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    def start(self, caller: str, work: Work) -> Job:
        """Have the work done; its result is what it returns. Raises Busy. JobFailed is for the work to raise."""
        self._forget()
        callers = [job.caller for job in self._jobs.values() if job.open]
        if caller in callers or len(callers) >= OPEN:
            raise Busy(caller)
        job = Job(uuid4().hex, caller)
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._run(job, work))
        return job

    def find(self, caller: str, id_: str) -> Job | None:
        """The caller's job of this id."""
        self._forget()
        job = self._jobs.get(id_)
        return job if job is not None and job.caller == caller else None

    async def cancel(self, job: Job) -> None:
        """End it; what has ended stays as it is."""
        if job.task is not None and job.open:
            job.task.cancel()
            await asyncio.wait([job.task])
            if job.open:  # it was to begin and never did
                self._end(job, "cancelled")

    async def _run(self, job: Job, work: Work) -> None:
        try:
            async with self._turn, asyncio.timeout(LONGEST):
                job.state = "running"
                job.result = await work(job)
            self._end(job, "done")
        except JobFailed as error:
            self._end(job, "failed", (error.code, error.values))
        except TimeoutError:
            self._end(job, "failed", ("job_too_long", {"minutes": round(LONGEST / 60)}))
        except asyncio.CancelledError:
            self._end(job, "cancelled")
            raise
        except Exception as error:  # noqa: BLE001 - whoever asks for the job is told; the log says what it was
            log.error("api.job_fault", error=type(error).__name__, job=job.id)
            self._end(job, "failed", ("internal", {}))

    def _end(self, job: Job, state: State, error: tuple[str, dict[str, Any]] | None = None) -> None:
        job.state, job.error, job.ended, job.said = state, error, self._now(), (f"jobs.{state}", {})
        ended = [each for each in self._jobs.values() if each.caller == job.caller and not each.open]
        for each in ended[:-RESULTS]:  # in the order in which they began, and of one caller one ended after the other
            del self._jobs[each.id]

    def _forget(self) -> None:
        last = self._now() - KEPT
        self._jobs = {id_: job for id_, job in self._jobs.items() if job.ended is None or job.ended > last}
