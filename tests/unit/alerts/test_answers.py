"""What channels answered, told in Chinese: every sentence that a receipt may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from alerts.delivery.answers import translated
from alerts.delivery.channels import apprise, dingtalk, email, feishu, wecom
from alerts.delivery.channels.alertmanager import _wrong
from alerts.delivery.channels.apprise import Apprise
from alerts.delivery.channels.calls import FAULTS, STATUSES, Answer, explained
from alerts.delivery.channels.email import Server, answered, delivered
from alerts.delivery.channels.verdicts import read
from alerts.delivery.channels.wording import Reader
from alerts.delivery.schedule import Reply

CHINESE = re.compile(r"[\u4e00-\u9fff]")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def replies() -> Iterator[Reply]:
    """A reply of every kind that the channels make."""
    yield from (explained(Reply(None, word)) for word in FAULTS)
    yield from (explained(Reply(status)) for status in (*STATUSES, 302, 418, 500))
    for codes in (dingtalk.CODES, wecom.CODES, feishu.CODES):
        for code, verdicts in codes.table.items():
            for verdict in verdicts:
                text = verdict.words[0] if verdict.words else "x"
                body = f'{{"{codes.fields[0]}": {code}, "{codes.text[0]}": "{text}"}}'.encode()
                for date in ("", "Mon, 02 Mar 2026 09:00:00 GMT"):
                    yield read(Answer(200, body, "", date), codes, NOW)
        yield read(Answer(200, f'{{"{codes.fields[0]}": 77, "{codes.text[0]}": "why"}}'.encode()), codes, NOW)
        yield read(Answer(200, b"<html>"), codes, NOW)
    server = Server(host="h", port=25, tls="none")
    yield from (answered(code, "5.7.1 why", server) for code in (*email._CODES, 499, 599))
    yield email._refused_recipients({"a@b.example": (550, b"no such user")}, 3, server)
    yield _wrong(Answer(400, b"bad label"), Reply(400), ())


def test_every_answer_is_told_in_chinese() -> None:
    """Meaning and remedy; English stays as the receipt has it."""
    for reply in replies():
        for text in (reply.meaning, reply.fix):
            assert text
            found = translated(text, "zh")
            assert CHINESE.search(found), text
            assert "{" not in found
            assert translated(text, "en") == text


async def test_answers_that_need_a_service_are_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of apprise, and of a mail server that lacks what is asked of it."""

    def unsupported(*_: object) -> None:
        raise email.smtplib.SMTPNotSupportedError

    monkeypatch.setattr(apprise, "notified", lambda *_: False)
    monkeypatch.setattr(email, "_opened", unsupported)
    channel = Apprise(
        id="i", name="n", settings="", demo=False, reader=Reader(), url=SecretStr(""), title_limit=9, body_limit=99,
        timeout=5.0,
    )  # fmt: skip
    letter = delivered(Server(host="h", port=25, tls="none"), "a@b.example", ("c@d.example",), b"")
    for reply in (await channel.send(b"", "id", NOW), letter):
        assert CHINESE.search(translated(reply.meaning, "zh"))
        assert CHINESE.search(translated(reply.fix, "zh"))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("the signature does not match (sign not match)", "签名不符（sign not match）"),
        (
            "2 of 3 recipients were not taken: a mailbox does not exist or may not be written to (5.1.1 (x))",
            "3 个收件人中有 2 个未被接受：邮箱不存在，或不允许向其投递（5.1.1 (x)）",
        ),
        ("Look up code 77 in DingTalk's guide to custom robots", "在钉钉自定义机器人文档中查询代码 77"),
        ("words of nobody (really)", "words of nobody (really)"),
        ("", ""),
    ],
)
def test_what_stands_within_is_repeated(english: str, chinese: str) -> None:
    """The platform's own words as they are; what has no translation stays whole."""
    assert translated(english, "zh") == chinese
