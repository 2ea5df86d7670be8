"""kill -9 of a sending process between the request and the stored outcome."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from alerts.delivery.outbox import open_outbox
from alerts.delivery.receivers import environment_receivers
from alerts.delivery.webhook import verify
from streams import clock
from tests.ringing import event, notification, one_receiver, receiving, settings, until

SENDING = """
import asyncio, sys
from pathlib import Path
from alerts.delivery.outbox import open_outbox
from alerts.delivery.sender import Sender
from alerts.delivery.receivers import environment_receivers
from streams import clock
from tests.ringing import Kept, settings

async def main(folder, url):
    chosen = settings(folder, url, webhook_timeout=10.0)
    outbox = open_outbox(folder / "outbox.sqlite")
    sender = Sender(outbox, environment_receivers(chosen), Kept(), now=clock.now, draw=lambda: 0.0, keep_days=7.0)
    await sender.run()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def start(folder: Path, url: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", SENDING, str(folder), url], cwd=root)


async def test_a_killed_sender_repeats_under_the_same_id(tmp_path: Path) -> None:
    """The receiver has the request, the sender dies before it knows: the next one sends it again, id unchanged, and
    stops there. The step that follows comes after it."""
    async with receiving("hang") as server:
        receiver = one_receiver(tmp_path, server.url)
        (channel,) = environment_receivers(settings(tmp_path, server.url))
        outbox = open_outbox(tmp_path / "outbox.sqlite")
        outbox.enrol({channel.id: channel.settings})
        rows = [notification(e, channel) for e in (event(), event(1, "resolved"))]
        ids = [row.id for row in rows]
        outbox.store(rows, [], 0.0)
        outbox.close()
        first = start(tmp_path, server.url)
        try:
            await until(lambda: server.requests, 20.0)
        finally:
            os.kill(first.pid, signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        second = start(tmp_path, server.url)
        try:
            await until(lambda: len(server.requests) == 3, 20.0)
        finally:
            second.terminate()
            await asyncio.to_thread(second.wait)
    assert server.ids == [ids[0], ids[0], ids[1]]
    assert server.requests[0].body == server.requests[1].body
    for request in server.requests:
        assert verify(receiver.secrets, request.headers, request.body, clock.now()) in ids
