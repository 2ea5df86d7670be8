"""`tocsin report sent`: which reports were handed over, and what their receivers answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from msgspec.structs import replace
from rich import box
from rich.console import Console
from rich.table import Table

from console.alert_display import cell, moment
from console.messages import say
from console.report.happenings import Told, told
from console.report.log import receipts_of
from console.report.sending import bulletins
from streams.kafka import read_topic
from streams.records import Bulletin, Receipt
from streams.settings import Settings
from streams.topics import RECEIPTS


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of the topic, and what its receivers answered."""

    bulletin: Bulletin
    answers: tuple[Told, ...]


async def history(settings: Settings, bootstrap: str) -> list[Sent]:
    """The reports that were sent, newest first, with the answers of their receivers."""
    known = united(await bulletins(settings, bootstrap))
    about: dict[str, list[Receipt]] = {bulletin.id: [] for bulletin in known}
    async for message in read_topic(settings, bootstrap, RECEIPTS):
        for _, receipt in receipts_of(message):
            if receipt.event in about:
                about[receipt.event].append(receipt)
    return [Sent(each, told(r for r in about[each.id] if r.receiver in each.receivers)) for each in known]


def united(found: Sequence[Bulletin]) -> list[Bulletin]:
    """One for each id, newest first, with the receivers of all its records: two schedulers may have written it."""
    by_id: dict[str, Bulletin] = {}
    for each in found:
        known = by_id.get(each.id, each)
        by_id[each.id] = replace(known, receivers=tuple(dict.fromkeys((*known.receivers, *each.receivers))))
    return list(reversed(by_id.values()))


def show(found: Sequence[Sent], *, as_json: bool) -> None:
    """A table, or a JSON object a line."""
    if as_json:
        for each in found:
            typer.echo(json.dumps(_data(each), ensure_ascii=False))
        return
    if not found:
        typer.echo(say("report.sent.none"))
        return
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=say("report.sent.title"), title_justify="left")
    for column in ("report", "made", "receiver", "outcome", "at"):
        made.add_column(say(f"report.sent.{column}"), overflow="fold")
    for each in found:
        answers = {answer.receiver: answer for answer in each.answers}
        for receiver in each.bulletin.receivers:
            answer = answers.get(receiver)
            outcome = say(f"report.event.receipts.{answer.outcome}") if answer else say("report.sent.waiting")
            at = moment(answer.at) if answer else ""
            made.add_row(cell(each.bulletin.id), moment(each.bulletin.at), cell(receiver), outcome, at)
    Console().print(made)


def _data(sent: Sent) -> dict[str, Any]:
    bulletin = sent.bulletin
    answers = [{"receiver": a.receiver, "outcome": a.outcome, "at": a.at.isoformat(), "attempts": a.attempts,
                "meaning": a.meaning} for a in sent.answers]  # fmt: skip
    return {"id": bulletin.id, "kind": bulletin.kind, "day": bulletin.day, "made_at": bulletin.at.isoformat(),
            "receivers": list(bulletin.receivers), "answers": answers}  # fmt: skip
