"""What takes long holds up neither the event loop nor what is quick."""

from __future__ import annotations

import asyncio
import threading

import pytest

from console.api.errors import ApiError
from console.api.threads import LongWork, in_thread
from console.messages import language


async def test_who_finds_the_queue_full_comes_again() -> None:
    """Some run, some wait, the next is refused; what is quick goes on; and when they end there is room again."""
    work, go = LongWork(at_once=2, waiting=1), threading.Event()
    asked = [asyncio.create_task(work.do("en", go.wait, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refused:
        await work.do("en", int)
    assert (refused.value.status, refused.value.code) == (503, "busy")
    assert await in_thread("zh", language) == "zh"
    go.set()
    assert await asyncio.gather(*asked) == [True] * 3
    assert await work.do("zh", language) == "zh"
    work.close()


async def test_work_that_nobody_waits_for_counts_until_it_ends() -> None:
    """Its thread is not free before."""
    work, go = LongWork(at_once=1, waiting=0), threading.Event()
    asked = asyncio.create_task(work.do("en", go.wait, 10))
    await asyncio.sleep(0.05)
    asked.cancel()
    await asyncio.wait([asked])
    with pytest.raises(ApiError):
        await work.do("en", int)
    go.set()
    for _ in range(100):
        await asyncio.sleep(0.01)
        try:
            assert await work.do("en", int) == 0
            break
        except ApiError:
            continue
    else:
        pytest.fail("no thread was free again")
    work.close()


async def test_nobody_waits_for_ever() -> None:
    """Whose turn does not come is told to come again, and what was never begun is not done any more."""
    work, go, done = LongWork(at_once=1, waiting=1, patience=0.1), threading.Event(), list[int]()
    for piece in (lambda: go.wait(10), lambda: done.append(1)):
        with pytest.raises(ApiError) as refused:
            await work.do("en", piece)
        assert refused.value.code == "busy"
    go.set()
    await asyncio.sleep(0.1)
    assert done == []
    with pytest.raises(TimeoutError):
        await work.do("en", _late)
    work.close()


def _late() -> None:
    raise TimeoutError("of the work itself")


async def test_a_fault_of_the_work_is_its_callers() -> None:
    """And leaves the place free."""
    work = LongWork(at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="invalid literal"):
            await work.do("en", int, "x")
        await asyncio.sleep(0.01)
    work.close()
