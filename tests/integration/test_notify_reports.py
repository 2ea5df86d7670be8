"""Reports from their record to the receivers: real outbox, real HTTP; Kafka's logs are lists."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery.message import notification_id
from alerts.notifier import outbox_path
from streams.records import Bulletin, Edition, Piece, encode
from streams.topics import REPORTS
from tests.integration.test_notify import Stage, running
from tests.ringing import START, Clock, Kept, Logs, event, holds_still, receiving, until


def bulletin(*receivers: str, **changes: Any) -> Bulletin:
    line = ((Piece(text="84 documents were collected."),),)
    edition = Edition(
        title="Daily opinion report", brief=(line,), letter=(line,), file_name="r.html", file_type="text/html", file=b""
    )
    fields: dict[str, Any] = {
        "id": "report:daily:2026-03-01.0", "kind": "daily", "day": "2026-03-01", "at": START, "receivers": receivers,
        "editions": {"en": edition}, "data": {"counts": {"documents": 84}, "namespace": "bank"},
    }  # fmt: skip
    return Bulletin(**(fields | changes))


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def name_of(stage: Stage) -> str:
    return stage.channels[0].name


async def test_a_report_reaches_its_receivers_once(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """A record that comes twice, another process that made the same, and a restart send nothing more."""
    async with receiving() as server:
        async with running(tmp_path, server.url, logs, kept) as stage:
            record = encode(bulletin(name_of(stage)))
            first, second = logs.append(REPORTS, record), logs.append(REPORTS, record)
            assert await stage.take(first, second)
            await until(kept.receipts)
            (receipt,) = kept.receipts()
            expected = notification_id("report:daily:2026-03-01.0", stage.channels[0].id)
        async with running(tmp_path, server.url, logs, kept) as stage:
            assert await stage.take(second)
            await holds_still(lambda: len(server.requests) > 1)
    assert (receipt.notification, receipt.event, receipt.outcome) == (
        expected,
        "report:daily:2026-03-01.0",
        "delivered",
    )
    body = json.loads(server.requests[0].body)
    assert (body["type"], body["source"], body["data"]["report"]["counts"]) == (
        "io.tocsin.report", "/tocsin/bank", {"documents": 84},
    )  # fmt: skip


async def test_a_lost_outbox_sends_no_report_again(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """It is rebuilt from Kafka: receipts tell who had it; who had not gets it."""
    async with receiving() as server:
        async with running(tmp_path, server.url, logs, kept) as stage:
            await stage.take(logs.append(REPORTS, encode(bulletin(name_of(stage)))))
            await until(kept.receipts)
            known = name_of(stage)
            path = outbox_path(stage.settings)
        for receipt in kept.records:
            logs.append(receipt.topic, receipt.value)
        logs.append(REPORTS, encode(bulletin(known, id="report:daily:2026-03-02.0", day="2026-03-02")))
        path.unlink()
        async with running(tmp_path, server.url, logs, kept):
            await until(lambda: len(server.requests) == 2)
            await holds_still(lambda: len(server.requests) > 2)
    assert [json.loads(r.body)["subject"] for r in server.requests] == ["daily/2026-03-01", "daily/2026-03-02"]


async def test_a_report_that_fails_is_tried_again_and_holds_up_no_alert(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """The same bytes under the same id; an alert goes out meanwhile."""
    clock = Clock()
    async with receiving(503) as server, running(tmp_path, server.url, logs, kept, clock) as stage:
        await stage.take(logs.append(REPORTS, encode(bulletin(name_of(stage)))))
        await until(lambda: len(server.requests) == 1)
        await until(kept.receipts)
        await stage.take(*logs.ring(event()))
        await until(lambda: len(server.requests) >= 2)
        clock.forward(3600)
        await stage.take(*logs.ring(event(1, "resolved")))
        await until(lambda: server.ids.count(server.ids[0]) == 2)
    bodies = [r.body for r in server.requests if r.id == server.ids[0]]
    assert bodies[0] == bodies[1]


async def test_only_those_it_names_are_told_and_of_demo_data_only_who_takes_it(
    tmp_path: Path, logs: Logs, kept: Kept
) -> None:
    """Routes and grouping are about alerts; the record says whom."""
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        await stage.take(logs.append(REPORTS, encode(bulletin("somebody-else"))))
        await stage.take(
            logs.append(REPORTS, encode(bulletin(name_of(stage), demo=True, id="report:daily:2026-03-03.0")))
        )
        await holds_still(lambda: server.requests)


async def test_an_old_record_is_no_news(tmp_path: Path, logs: Logs, kept: Kept) -> None:
    """After a week out of work nobody is sent the reports of that week all at once."""
    async with receiving() as server, running(tmp_path, server.url, logs, kept) as stage:
        old = logs.append(REPORTS, encode(bulletin(name_of(stage))), START - timedelta(days=8))
        await stage.take(old)
        await holds_still(lambda: server.requests)
