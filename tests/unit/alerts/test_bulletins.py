"""A report in the form of each channel, and what becomes of it where a channel cannot take it."""

from __future__ import annotations

import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from alerts.delivery.bulletins import write_bulletin
from alerts.delivery.channels.wording import Reader
from alerts.delivery.message import LIMIT, notification_id
from alerts.delivery.specs import (
    AlertmanagerSpec,
    AppriseSpec,
    DingTalkSpec,
    EmailSpec,
    FeishuSpec,
    WebhookSpec,
    WeComSpec,
)
from streams.records import Bulletin, DeadLetter, Edition, Piece, decode
from tests.ringing import SECRET, START
from tests.unit.alerts.channels.cards import channel, written
from tests.unit.alerts.reading import HOSTILE

LINK = "https://tocsin.example/#/now"
ROBOTS = ("dingtalk", "wecom", "feishu")


def edition(lang: str, text: str = "", **changes: Any) -> Edition:
    said = text or {"en": "84 documents were collected.", "zh": "共采集 84 篇文档。"}[lang]
    line = ((Piece(text=said, href="https://news.example/1"),),)
    fields: dict[str, Any] = {
        "title": {"en": "Daily opinion report", "zh": "舆情日报"}[lang], "brief": (line,), "letter": (line, line),
        "file_name": f"report-{lang}.pdf", "file_type": "application/pdf", "file": b"%PDF-1.7 " + lang.encode(),
    }  # fmt: skip
    return Edition(**(fields | changes))


def bulletin(*receivers: str, **changes: Any) -> Bulletin:
    fields: dict[str, Any] = {
        "id": "report:daily:2026-03-01.0", "kind": "daily", "day": "2026-03-01", "at": START, "receivers": receivers,
        "editions": {"en": edition("en"), "zh": edition("zh")}, "data": {"counts": {"documents": 84}}, "link": LINK,
    }  # fmt: skip
    return Bulletin(**(fields | changes))


@pytest.fixture
def channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One of each type."""
    addresses = {
        "DING": "https://oapi.dingtalk.com/robot/send?access_token=a", "HOOK": "https://desk.example/h",
        "WECOM": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a", "SIGNS": SECRET,
        "FEISHU": "https://open.feishu.cn/open-apis/bot/v2/hook/a", "NTFY": "ntfy://ntfy.example/topic",
    }  # fmt: skip
    for name, value in addresses.items():
        monkeypatch.setenv(name, value)
    specs = (
        DingTalkSpec(name="dingtalk", url_env="DING", language="en"),
        WeComSpec(name="wecom", url_env="WECOM", language="zh"),
        FeishuSpec(name="feishu", url_env="FEISHU", language="both"),
        EmailSpec(name="email", host="localhost", sender="t@bank.example", to=("a@bank.example",), language="both"),
        WebhookSpec(name="webhook", url_env="HOOK", secret_env="SIGNS"),
        AppriseSpec(name="apprise", url_env="NTFY", language="en"),
        AlertmanagerSpec(name="alertmanager", url="https://alertmanager.example:8443/"),
    )
    return {spec.name: channel(tmp_path, spec) for spec in specs}


def letter(part: bytes) -> EmailMessage:
    found = email.message_from_bytes(part, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("name", ROBOTS)
def test_a_chat_gets_its_own_language_with_a_link(channels: dict[str, Any], name: str) -> None:
    """Title, lines, and the way to the rest; in both languages where the receiver wants both."""
    (part,) = channels[name].report(bulletin(name), "msg_1")
    said = written(part)
    assert ("84 documents" in said, "84 篇" in said) == {
        "dingtalk": (True, False), "wecom": (False, True), "feishu": (True, True),
    }[name]  # fmt: skip
    assert LINK in said
    assert "https://news.example/1" in said


def test_a_letter_carries_the_whole_report(channels: dict[str, Any]) -> None:
    """Text and HTML in both languages, the files beside them, and its identity as the Message-ID."""
    (part,) = channels["email"].report(bulletin("email"), "msg_1")
    found = letter(part)
    assert found["Subject"] == "舆情日报 / Daily opinion report"
    assert found["Message-ID"] == "<msg_1@tocsin>"
    body = found.get_body(("html",))
    assert body is not None
    assert "84 documents" in body.get_content()
    files = {each.get_filename(): each.get_content() for each in found.iter_attachments()}
    assert files == {"report-zh.pdf": b"%PDF-1.7 zh", "report-en.pdf": b"%PDF-1.7 en"}
    assert channels["email"].report(bulletin("email"), "msg_1") == (part,)


def test_a_program_gets_the_data(channels: dict[str, Any]) -> None:
    """As a CloudEvent below 20 kB; what does not fit is left out and said to be."""
    (part,) = channels["webhook"].report(bulletin("webhook"), "msg_1")
    told = json.loads(part)
    assert (told["id"], told["type"], told["data"]["report"]) == (
        "msg_1", "io.tocsin.report", {"counts": {"documents": 84}},
    )  # fmt: skip
    (part,) = channels["webhook"].report(bulletin("webhook", data={"long": "x" * 30_000}), "msg_1")
    assert len(part) < LIMIT
    assert json.loads(part)["data"]["left_out"] is True


def test_a_reader_of_another_language_gets_what_there_is(channels: dict[str, Any]) -> None:
    """A report made in English only is better than none."""
    (part,) = channels["wecom"].report(bulletin("wecom", editions={"en": edition("en")}), "msg_1")
    assert "84 documents" in written(part)


def test_an_alertmanager_takes_none_and_that_is_told(channels: dict[str, Any]) -> None:
    """As a dead letter with the report's id; the others get theirs."""
    made, lost = write_bulletin(bulletin("alertmanager", "webhook"), channels.values(), {})
    assert [row.type for row in made] == ["webhook"]
    assert "report:daily:2026-03-01.0" in decode(lost[0].value, DeadLetter).message


def test_one_that_cannot_be_written_spoils_no_other(channels: dict[str, Any]) -> None:
    """A fault in one channel's form is a dead letter of that channel."""

    class Broken:
        name, id, type, demo = "broken", "id-broken", "broken", False

        def report(self, *_: Any) -> tuple[bytes, ...]:
            raise KeyError("no such edition")

    made, lost = write_bulletin(bulletin("broken", "webhook"), [Broken(), channels["webhook"]], {})  # type: ignore[list-item]
    assert ([row.type for row in made], len(lost)) == (["webhook"], 1)


def test_only_those_it_names_that_were_not_told_before(channels: dict[str, Any]) -> None:
    """The id depends on report and receiver alone; demo data only where it is wanted."""
    mail = channels["email"]
    (row,), _ = write_bulletin(bulletin("email", "webhook"), channels.values(), {}, {channels["webhook"].id})
    assert (row.id, row.events, row.why) == (
        notification_id("report:daily:2026-03-01.0", mail.id), ("report:daily:2026-03-01.0",), "report",
    )  # fmt: skip
    assert write_bulletin(bulletin("email", demo=True), channels.values(), {}) == ([], [])


def test_a_receiver_that_is_switched_off_gets_a_dead_letter_too(channels: dict[str, Any]) -> None:
    """It is stored, and never sent."""
    hook = channels["webhook"]
    made, lost = write_bulletin(bulletin("webhook"), channels.values(), {hook.id: "410"})
    assert (len(made), len(lost)) == (1, 1)


@given(text=HOSTILE)
def test_hostile_text_stays_text_in_a_letter(text: str) -> None:
    """Escaped in HTML; a script or a picture of somebody else's is none."""
    told = bulletin("email", editions={"en": edition("en", text or " ")}, link="javascript:alert(1)")
    mail = Reader("en").report_mail(told)
    assert "<script" not in mail.html.lower()
    assert "<img" not in mail.html.lower()
    assert "javascript:" not in mail.html.partition("</h1>")[0]
