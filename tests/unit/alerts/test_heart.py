"""The call to the outside dead-man's switch."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.delivery.heart import Heart, is_due, read_switch
from alerts.delivery.schedule import Reply
from streams.settings import SettingsError
from tests.ringing import START, Clock, receiving, settings, until

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("heard", "last", "due"),
    [
        (START, None, True),
        (START - 2 * MINUTE, None, True),
        (START - 3 * MINUTE, None, False),  # lag: it says nothing about now
        (START + 3 * MINUTE, None, False),  # a clock is wrong
        (START, START - MINUTE, True),
        (START, START - timedelta(seconds=59), False),
        (START, START + 60 * MINUTE, True),  # the clock was set back
    ],
)
def test_a_call_is_made_for_fresh_heartbeats_alone(heard: object, last: object, due: bool) -> None:
    """At most once per period, and never for what is minutes old."""
    assert is_due(heard, last, START, MINUTE) is due  # type: ignore[arg-type]


async def test_a_slow_switch_holds_up_nobody() -> None:
    """While a call hangs heartbeats are heard, and one call follows."""
    calls, clock, free = [], Clock(), asyncio.Event()

    async def call() -> Reply:
        calls.append(clock.now())
        await free.wait()
        return Reply(204)

    heart = Heart(call, 60.0, clock.now)
    task = asyncio.create_task(heart.run())
    heart.hear(clock.now())
    await until(lambda: calls)
    for _ in range(3):
        clock.forward(60.0)
        heart.hear(clock.now())
    free.set()
    await until(lambda: len(calls) == 2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert len(calls) == 2


async def test_the_switch_is_called_with_an_empty_post(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its address is a secret: it is in no log, even when the call fails."""
    async with receiving(500) as server:
        switch = read_switch(settings(tmp_path, heartbeat_url=SecretStr(server.url)))
        assert switch is not None
        call, caller = switch
        clock = Clock()
        heart = Heart(call, 60.0, clock.now)
        task = asyncio.create_task(heart.run())
        for count in (1, 2):
            heart.hear(clock.now())
            await until(lambda wanted=count: len(server.requests) == wanted)  # type: ignore[misc]
            clock.forward(60.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await caller.close()
    assert [request.body for request in server.requests] == [b"", b""]
    printed = "".join(capfd.readouterr())
    assert printed.count("heartbeat.failed") == 1
    assert "canary" not in printed


def test_no_switch_and_a_wrong_one(tmp_path: Path) -> None:
    """Empty: none. An address that may not be called is told by the name of its setting alone."""
    assert read_switch(settings(tmp_path)) is None
    with pytest.raises(SettingsError, match="TOCSIN_HEARTBEAT_URL") as caught:
        read_switch(settings(tmp_path, heartbeat_url=SecretStr("ftp://switch.example/canary")))
    assert "canary" not in str(caught.value)
