"""`tocsin worker report`: makes reports at their time and hands them to `notify`.

What was handed over is read from Kafka before anything is made, so a restart or a second process sends nothing twice.
Where Elasticsearch does not answer, the report waits for it for two hours; then it goes out and says what is missing.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from alerts.delivery.channel import Channel
from alerts.delivery.written import place
from console.report import sending
from console.report.making import make
from console.report.period import Period
from console.report.schedule import Due, due, next_moment, planned
from streams import clock, metrics
from streams.kafka import FATAL
from streams.settings import Settings, SettingsError

PATIENCE: Final = timedelta(hours=2)  # a report without documents is worth little: Elasticsearch gets this long
LONGEST: Final = 60.0  # seconds between two looks at the clock
PAUSE: Final = 30.0  # seconds before something that failed is tried again

log = structlog.get_logger(__name__)


def run(settings: Settings, bootstrap: str) -> None:
    """Until the process is told to stop. Raises SettingsError when the settings cannot lead to a report."""
    if not planned(settings):
        raise SettingsError("TOCSIN_REPORT_DAILY_AT and TOCSIN_REPORT_WEEKLY_ON are empty: there is nothing to send")
    try:
        chosen = sending.receivers(settings, ())
    except sending.NotSent as error:
        raise SettingsError(f"TOCSIN_REPORT_RECEIVERS: {error}") from None
    metrics.serve(settings, "report")  # so `tocsin status` and `watch` see that it runs
    asyncio.run(_until_stopped(settings, bootstrap, chosen))


async def _until_stopped(settings: Settings, bootstrap: str, chosen: Sequence[Channel]) -> None:
    task = asyncio.create_task(serve(settings, bootstrap, chosen))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("report.stopped")


async def serve(settings: Settings, bootstrap: str, chosen: Sequence[Channel]) -> None:
    """Send what is due, then sleep until the next moment. A fault of ours in one report stops no other."""
    passed_over: set[Period] = set()
    log.info("report.waiting", until=f"{next_moment(settings, clock.now())}", receivers=[c.name for c in chosen])
    while True:
        pause = LONGEST
        for each in due(settings, clock.now()):
            if each.period in passed_over:
                continue
            try:
                if not await send(settings, bootstrap, chosen, each, clock.now()):
                    pause = PAUSE
                    continue
                passed_over.add(each.period)
            except FATAL:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("report.kafka_away", error=type(error).__name__, pause=PAUSE)
                pause = PAUSE
            except Exception as error:  # noqa: BLE001 - whatever it is, the next report must be made
                log.error("report.failed", kind=each.period.kind, day=each.period.last.isoformat(), **place(error))
                passed_over.add(each.period)
        await asyncio.sleep(_until(settings, clock.now(), pause))


def _until(settings: Settings, now: datetime, pause: float) -> float:
    following = next_moment(settings, now)
    return pause if following is None else max(min(pause, (following - now).total_seconds()), 0.1)


async def send(settings: Settings, bootstrap: str, chosen: Sequence[Channel], wanted: Due, now: datetime) -> bool:
    """Make the report and hand it over, to those who do not have it. False: Elasticsearch is awaited."""
    known = await sending.bulletins(settings, bootstrap)  # its day is of yesterday: the topic remembers it
    left = sending.missing(chosen, sending.handed(known, wanted.period))
    if not left:
        return True
    report = await make(settings, bootstrap, wanted.period, now)
    if report.missing and now < wanted.at + PATIENCE:
        log.warning("report.awaits_elasticsearch", until=f"{wanted.at + PATIENCE}")
        return False
    sent = await sending.hand_over(settings, bootstrap, report, left)
    about = {"kind": wanted.period.kind, "day": wanted.period.last.isoformat(), "missing": list(report.missing)}
    if sent:
        log.info("report.handed_over", receivers=sent, **about)
    else:
        log.warning("report.demo", effect="no receiver takes demo data", **about)
    return True
