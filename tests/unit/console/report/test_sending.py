"""Who is sent a report, and that nobody is sent it twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery.message import notification_id
from console.report import sending, worker
from console.report.bulletin import bulletin_of, edition, numbered
from console.report.schedule import Due
from console.report.sending import NotSent, by_hand, handed, missing, next_number, receivers
from console.report.sent import united
from console.report.worker import PATIENCE, run, send
from streams.kafka import Message
from streams.records import Bulletin, Receipt, decode, encode
from streams.settings import SettingsError
from streams.topics import RECEIPTS
from tests import ringing
from tests.unit.console.report.parts import EMPTY, MADE, PERIOD, opinion, rang, report

CHANNELS = """
receivers:
  - {name: desk, type: webhook, url_env: HOOK_URL, secret_env: HOOK_SECRET}
  - {name: mail, type: email, host: mail.bank.example, sender: t@bank.example, to: [a@bank.example], language: both}
  - {name: sre, type: alertmanager, url: "https://alertmanager.bank.example:8443/"}
routes:
  - {receivers: [desk]}
"""


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    type: str = "webhook"
    demo: bool = False

    @property
    def id(self) -> str:
        return f"id-{self.name}"


DESK: Any = Party("desk")
MAIL: Any = Party("mail", "email")


def bulletin(*takers: Any, number: int = 0, **changes: Any) -> Bulletin:
    return bulletin_of(report(**changes), takers, ("en",), "", number)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings with three receivers."""
    monkeypatch.setenv("HOOK_URL", "https://desk.example/hook")
    monkeypatch.setenv("HOOK_SECRET", ringing.SECRET)
    (tmp_path / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
    return lambda **changes: ringing.settings(tmp_path, channels=tmp_path / "channels.yaml", **changes)


def test_receivers_are_those_of_the_settings_or_those_that_are_named(installation: Any) -> None:
    """Each once, in order."""
    chosen = installation(report_receivers="mail, desk,mail")
    assert [c.name for c in receivers(chosen, ())] == ["mail", "desk"]
    assert [c.name for c in receivers(chosen, ("desk",))] == ["desk"]


@pytest.mark.parametrize(("names", "told"), [((), "REPORT_RECEIVERS"), (("dusk",), "dusk"), (("sre",), "Alertmanager")])
def test_a_receiver_that_can_get_none_is_refused_with_its_name(installation: Any, names: Any, told: str) -> None:
    """No name at all, one that is unknown, one that takes alerts only."""
    with pytest.raises(NotSent, match=told):
        receivers(installation(), names)


def test_what_was_sent_is_not_sent_again() -> None:
    """Of the same day and kind; a receiver that was added since gets it."""
    known = [bulletin(DESK)]
    assert missing([DESK], handed(known, PERIOD)) == []
    assert missing([DESK, MAIL], handed(known, PERIOD)) == [MAIL]
    assert missing([DESK], handed(known, PERIOD.before)) == [DESK]


def test_again_is_another_report_of_the_same_day() -> None:
    """So that receivers who remember ids take it, and the outbox does."""
    known = [bulletin(DESK), bulletin(DESK, number=1)]
    assert next_number(handed(known, PERIOD)) == 2
    assert numbered(PERIOD, 2) == "report:daily:2026-03-02.2"


def answer(receiver: str, event: str, outcome: Any = "delivered") -> Receipt:
    """What a receiver answered to a report, long ago."""
    return Receipt(
        notification=notification_id(event, f"id-{receiver}"), event=event, receiver=receiver, attempt=1,
        at=MADE + timedelta(minutes=2), outcome=outcome, status=200, reason="", channel="webhook",
    )  # fmt: skip


@pytest.fixture
def years_later(installation: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`years_later(receipts, again=…)` sends the report of a day that the topic `reports` has forgotten: what was said,
    and what was handed over, by receiver and number."""

    async def send_it(receipts: Sequence[Receipt], *, again: bool = False) -> tuple[str, list[tuple[str, int]]]:
        handed_over: list[tuple[str, int]] = []

        async def nothing_known(*_: Any) -> list[Bulletin]:
            return []

        async def read(_settings: Any, _bootstrap: str, topic: Any) -> AsyncIterator[Message]:
            assert topic is RECEIPTS
            for offset, each in enumerate(receipts):
                yield Message("receipts", 0, offset, None, encode(each), 0.0)
            yield Message("receipts", 0, len(receipts), None, b"broken", 0.0)

        async def made(*_: Any) -> Any:
            return report()

        async def hand_over(_settings: Any, _bootstrap: str, _report: Any, left: Any, number: int) -> list[str]:
            handed_over.extend((channel.name, number) for channel in left)
            return [channel.name for channel in left]

        monkeypatch.setattr(sending, "bulletins", nothing_known)
        monkeypatch.setattr(sending, "read_topic", read)
        monkeypatch.setattr(sending, "make", made)
        monkeypatch.setattr(sending, "hand_over", hand_over)
        said = await by_hand(installation(report_receivers="desk,mail"), "", PERIOD, (), again=again)
        return said, handed_over

    return send_it


@pytest.mark.parametrize(("lang", "told"), [("en", "Nothing was sent"), ("zh", "没有发送")])
async def test_what_the_topic_forgot_the_receipts_know(
    years_later: Any, monkeypatch: pytest.MonkeyPatch, lang: str, told: str
) -> None:
    """Nothing is sent again, however old the day, and it is said since when; in both languages."""
    monkeypatch.setenv("TOCSIN_LANG", lang)
    said, sent = await years_later([answer("desk", numbered(PERIOD, 0)), answer("mail", numbered(PERIOD, 0), "retry")])
    assert sent == []
    assert said.startswith(told)
    assert all(word in said for word in ("desk", "mail", f"{MADE + timedelta(minutes=2):%Y-%m-%d %H:%M}", "--again"))


async def test_who_has_no_receipt_is_sent_an_old_report(years_later: Any) -> None:
    """Receipts of other days and of alerts are about something else."""
    other = [answer("mail", numbered(PERIOD.before, 0)), answer("mail", f"{0:032x}.0")]
    _, sent = await years_later([answer("desk", numbered(PERIOD, 0)), *other])
    assert sent == [("mail", 0)]


async def test_again_is_a_new_number_though_the_topic_forgot(years_later: Any) -> None:
    """Else the outbox, and receivers who remember ids, would take it for the old one."""
    _, sent = await years_later([answer("desk", numbered(PERIOD, 0)), answer("desk", numbered(PERIOD, 1))], again=True)
    assert sent == [("desk", 2), ("mail", 2)]


def test_the_record_says_the_same_before_and_after_kafka() -> None:
    """Encoded and decoded strictly; only a letter carries the file."""
    made = bulletin(DESK, MAIL, rang=rang())
    assert decode(encode(made), Bulletin) == made
    assert made.editions["en"].file.startswith(b"%PDF-")
    assert bulletin(DESK).editions["en"].file == b""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_chat_gets_the_figures_and_five_items(lang: Any) -> None:
    """Alerts first, negative stories for what is left of five; of an empty day one sentence."""
    made = edition(report(rang=rang() * 2), lang, files=False)
    lines = ["".join(p.text for p in line) for paragraph in made.brief for line in paragraph]
    assert sum("Brightwater" in line and "24" in line for line in lines) == 2
    assert sum("pump number" in line for line in lines) >= 2
    empty = edition(report(opinion=EMPTY), lang, files=False)
    assert len([line for paragraph in empty.brief for line in paragraph]) == 2


async def test_demo_data_goes_to_nobody_who_did_not_ask_for_it(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record is written for them."""
    written: list[Any] = []

    class Kept:
        def __init__(self, *_: Any) -> None:
            pass

        async def send_all(self, records: Any) -> None:
            written.extend(records)

        async def stop(self) -> None:
            pass

    monkeypatch.setattr(sending, "Producer", Kept)
    invented = report(opinion=opinion(demo=84))
    open_to_demo: Any = Party("demo-desk", demo=True)
    assert await sending.hand_over(installation(), "", invented, [DESK]) == []
    assert written == []
    assert await sending.hand_over(installation(), "", invented, [DESK, open_to_demo]) == ["demo-desk"]
    assert decode(written[0].value, Bulletin).receivers == ("demo-desk",)


@pytest.mark.parametrize(("changes", "told"), [({}, "REPORT_DAILY_AT"), ({"report_daily_at": "08:00"}, "RECEIVERS")])
def test_a_worker_that_could_never_send_anything_does_not_start(installation: Any, changes: Any, told: str) -> None:
    """No time, or nobody to send to: its settings are wrong, and it says which."""
    with pytest.raises(SettingsError, match=told):
        run(installation(**changes), "")


def test_two_records_of_one_report_are_shown_as_one() -> None:
    """With the receivers of both, the newest report first."""
    found = united([bulletin(DESK), bulletin(DESK, MAIL), bulletin(DESK, number=1)])
    assert [(each.id[-1], each.receivers) for each in found] == [("1", ("desk",)), ("0", ("desk", "mail"))]


async def test_a_report_waits_for_elasticsearch_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """For two hours; then it goes out and says what is missing. Who has it is not sent it."""
    handed: list[Any] = []
    known: list[Bulletin] = []

    async def nothing_known(*_: Any) -> list[Bulletin]:
        return known

    async def incomplete(*_: Any) -> Any:
        return report(opinion=None, missing=("opinion",))

    async def hand_over(_settings: Any, _bootstrap: str, made: Any, left: Any) -> list[str]:
        handed.append((made.missing, [channel.name for channel in left]))
        return ["desk"]

    monkeypatch.setattr(sending, "bulletins", nothing_known)
    monkeypatch.setattr(sending, "hand_over", hand_over)
    monkeypatch.setattr(worker, "make", incomplete)
    wanted = Due(PERIOD, MADE)
    settings: Any = None
    assert not await send(settings, "", [DESK, MAIL], wanted, MADE)
    assert handed == []
    assert await send(settings, "", [DESK, MAIL], wanted, MADE + PATIENCE)
    assert handed == [(("opinion",), ["desk", "mail"])]
    known.append(bulletin(DESK, MAIL))
    assert await send(settings, "", [DESK, MAIL], wanted, MADE + PATIENCE)
    assert len(handed) == 1
