"""What takes long holds up neither the event loop nor what is quick, and one caller's not another's."""

from __future__ import annotations

import asyncio
import threading

import pytest

from console.api.errors import ApiError, refusal
from console.api.threads import OPEN_OF_ONE, LongWork, in_thread
from console.messages import language


async def test_who_finds_the_queue_full_comes_again() -> None:
    """Some run, some wait, the next is refused; what is quick goes on; and when they end there is room again."""
    work, go = LongWork(at_once=2, waiting=1), threading.Event()
    asked = [asyncio.create_task(work.do(who, "en", go.wait, 10)) for who in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refused:
        await work.do("d", "en", int)
    assert (refused.value.status, refused.value.code) == (503, "busy")
    assert await in_thread("zh", language) == "zh"
    go.set()
    assert await asyncio.gather(*asked) == [True] * 3
    assert await work.do("a", "zh", language) == "zh"
    work.close()


async def test_work_that_nobody_waits_for_counts_until_it_ends() -> None:
    """Its thread is not free before."""
    work, go = LongWork(at_once=1, waiting=0), threading.Event()
    asked = asyncio.create_task(work.do("a", "en", go.wait, 10))
    await asyncio.sleep(0.05)
    asked.cancel()
    await asyncio.wait([asked])
    with pytest.raises(ApiError):
        await work.do("a", "en", int)
    go.set()
    for _ in range(100):
        await asyncio.sleep(0.01)
        try:
            assert await work.do("a", "en", int) == 0
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
            await work.do("a", "en", piece)
        assert refused.value.code == "busy"
    go.set()
    await asyncio.sleep(0.1)
    assert done == []
    with pytest.raises(TimeoutError):
        await work.do("a", "en", _late)
    work.close()


def _late() -> None:
    raise TimeoutError("of the work itself")


async def test_a_fault_of_the_work_is_its_callers() -> None:
    """And leaves the place free."""
    work = LongWork(at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="invalid literal"):
            await work.do("a", "en", int, "x")
        await asyncio.sleep(0.01)
    work.close()


async def test_one_caller_does_not_keep_others_out() -> None:
    """With all that it may have open, another still finds a thread; its next request is refused, others' are not."""
    work, go = LongWork(), threading.Event()
    many = [asyncio.create_task(work.do("greedy", "en", go.wait, 10)) for _ in range(OPEN_OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refused:
        await work.do("greedy", "en", int)
    assert (refused.value.status, refused.value.code) == (429, "too_much_at_once")
    assert "Retry-After" in refused.value.headers
    assert refusal(refused.value, "zh").body != refusal(refused.value, "en").body
    assert await work.do("other", "en", int) == 0
    go.set()
    assert await asyncio.gather(*many) == [True] * OPEN_OF_ONE
    assert await work.do("greedy", "en", int) == 0
    work.close()


async def test_callers_take_turns() -> None:
    """Whoever asks for one thing waits for one of those who asked for several, not for all."""
    work, go, done = LongWork(at_once=1, at_once_of_one=1), threading.Event(), list[str]()
    asked = [asyncio.create_task(work.do("a", "en", go.wait, 10))]
    await asyncio.sleep(0)
    for caller in ("a", "a", "a", "b", "b", "c"):
        asked.append(asyncio.create_task(work.do(caller, "en", done.append, caller)))
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*asked)
    assert done == ["a", "b", "c", "a", "b", "a"]
    work.close()


async def test_the_end_leaves_nobody_waiting() -> None:
    """What waits for its turn is called off at once; what runs ends by itself."""
    work, go = LongWork(at_once=1, waiting=2), threading.Event()
    runs, waits = (asyncio.create_task(work.do(who, "en", go.wait, 10)) for who in "ab")
    await asyncio.sleep(0)
    work.close()
    with pytest.raises(asyncio.CancelledError):
        await waits
    go.set()
    assert await runs is True
