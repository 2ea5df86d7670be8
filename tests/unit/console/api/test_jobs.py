"""Work that takes longer than a request: one of each caller, two at once, cancelled and forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from console.api.jobs import KEPT, OPEN, RESULTS, Busy, Job, JobFailed, Jobs
from tests.ringing import START, Clock


async def settle() -> None:
    """Let every task go on as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_job_runs_and_gives_its_result() -> None:
    """Waiting, running, done; only its caller finds it."""
    jobs, go = Jobs(Clock().now), asyncio.Event()

    async def work(job: Job) -> int:
        job.tell("jobs.reading", 0.5, read="1", total="2")
        await go.wait()
        return 7

    job = jobs.start("li.wei", work)
    assert job.state == "waiting"
    await settle()
    assert (job.state, job.progress, job.said[0]) == ("running", 0.5, "jobs.reading")
    assert jobs.find("li.wei", job.id) is job
    assert jobs.find("other", job.id) is None
    go.set()
    await settle()
    assert (job.state, job.result) == ("done", 7)


async def test_a_caller_has_one_and_two_run_at_once() -> None:
    """The third waits for its turn."""
    jobs, go = Jobs(Clock().now), asyncio.Event()

    async def work(_: Job) -> bool:
        return await go.wait()

    found = [jobs.start(name, work) for name in ("a", "b", "c")]
    with pytest.raises(Busy):
        jobs.start("a", work)
    await settle()
    assert [job.state for job in found] == ["running", "running", "waiting"]
    await jobs.cancel(found[0])
    await settle()
    assert [job.state for job in found] == ["cancelled", "running", "running"]
    assert jobs.start("a", work).open
    go.set()
    await settle()


async def test_a_job_that_waits_can_be_cancelled() -> None:
    """Before its turn comes, and once more without effect."""
    jobs, go = Jobs(Clock().now), asyncio.Event()

    async def work(_: Job) -> bool:
        return await go.wait()

    *_, last = [jobs.start(name, work) for name in ("a", "b", "c")]
    await settle()
    await jobs.cancel(last)
    await jobs.cancel(last)
    assert last.state == "cancelled"
    go.set()
    await settle()


async def test_a_job_that_was_never_begun_can_be_cancelled() -> None:
    """At once: its caller may start another."""
    jobs = Jobs(Clock().now)

    async def work(_: Job) -> bool:
        return True

    job = jobs.start("a", work)
    await jobs.cancel(job)
    assert (job.state, job.ended) == ("cancelled", START)
    assert jobs.start("a", work).open
    await settle()


async def test_results_do_not_pile_up() -> None:
    """Of each caller the newest few stay; another's stay as they are."""
    jobs = Jobs(Clock().now)

    async def work(_: Job) -> bool:
        return True

    others = jobs.start("b", work)
    found = []
    for _ in range(RESULTS + 3):
        found.append(jobs.start("a", work))
        await settle()
    assert [jobs.find("a", job.id) is not None for job in found] == [False] * 3 + [True] * RESULTS
    assert jobs.find("b", others.id) is others


async def test_not_everybody_waits_at_once() -> None:
    """A queue of hours helps nobody."""
    jobs, go = Jobs(Clock().now), asyncio.Event()

    async def work(_: Job) -> bool:
        return await go.wait()

    for number in range(OPEN):
        jobs.start(f"caller-{number}", work)
    with pytest.raises(Busy):
        jobs.start("one more", work)
    go.set()
    for _ in range(OPEN):
        await settle()


async def test_a_fault_is_told_and_names_no_secret() -> None:
    """A stated failure has its code; anything else is a fault of ours."""
    jobs = Jobs(Clock().now)

    async def stated(_: Job) -> None:
        raise JobFailed("whatif_too_much", count="9")

    async def broken(_: Job) -> None:
        raise RuntimeError("password=hidden")

    one, two = jobs.start("a", stated), jobs.start("b", broken)
    await settle()
    assert (one.state, one.error) == ("failed", ("whatif_too_much", {"count": "9"}))
    assert (two.state, two.error) == ("failed", ("internal", {}))


async def test_what_has_ended_is_forgotten_after_an_hour() -> None:
    """And what runs is not."""
    clock = Clock()
    jobs, go = Jobs(clock.now), asyncio.Event()

    async def work(_: Job) -> bool:
        return await go.wait()

    async def at_once(_: Job) -> int:
        return 1

    done, running = jobs.start("a", at_once), jobs.start("b", work)
    await settle()
    clock.forward((KEPT + timedelta(seconds=1)).total_seconds())
    assert jobs.find("a", done.id) is None
    assert jobs.find("b", running.id) is running
    go.set()
    await settle()
