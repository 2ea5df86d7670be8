"""Answers of platforms and faults of the network, read without a network."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from alerts.delivery.channels import dingtalk, feishu, wecom
from alerts.delivery.channels.calls import FAULTS, Answer, Caller, explained
from alerts.delivery.channels.verdicts import Codes, read, shown
from alerts.delivery.schedule import Reply, decide
from streams.guard import parse_allow
from tests.receivers.serving import Platform, serving
from tests.ringing import START, receiving

PLATFORMS = [dingtalk.CODES, wecom.CODES, feishu.CODES]


@pytest.mark.parametrize(
    ("codes", "body", "answer", "word"),
    [
        (dingtalk.CODES, '{"errcode":0,"errmsg":"ok"}', "accepted", ""),
        (dingtalk.CODES, '{"errcode":310000,"errmsg":"ip 192.0.2.7 not in whitelist"}', "refused", "address is not on"),
        (dingtalk.CODES, '{"errcode":310000,"errmsg":"description:机器人发送签名过期"}', "refused", "time of the sign"),
        (dingtalk.CODES, '{"errcode":310000,"errmsg":"description:something else"}', "refused", "security settings"),
        (dingtalk.CODES, '{"errcode":-1,"errmsg":"系统繁忙"}', "unreachable", "busy"),
        (dingtalk.CODES, '{"errcode":12345,"errmsg":"novelty"}', "refused", "novelty"),
        (wecom.CODES, '{"errcode":40058,"errmsg":"invalid Request Parameter"}', "refused", "malformed"),
        (feishu.CODES, '{"StatusCode":0,"StatusMessage":"success"}', "accepted", ""),
        (feishu.CODES, '{"code":9499,"msg":"too many request","data":{}}', "throttled", "takes no more"),
        (feishu.CODES, '{"code":9499,"msg":"Bad Request","data":{}}', "refused", "malformed"),
        (feishu.CODES, '{"code":19022,"msg":"Ip Not Allowed"}', "refused", "address is not on"),
    ],
)
def test_codes_are_read_with_their_words(codes: Codes, body: str, answer: str, word: str) -> None:
    """One code may mean several things: the platform's words decide."""
    reply = read(Answer(200, body.encode()), codes, START)
    assert reply.answer == answer
    assert word in reply.meaning
    assert bool(reply.fix) is (answer != "accepted")


@pytest.mark.parametrize("codes", PLATFORMS, ids=lambda codes: codes.platform)
@given(
    body=st.one_of(st.binary(max_size=60), st.sampled_from([b"[]", b"0", b'{"errcode":true}', b'{"code":"0"}', b"{}"]))
)
def test_what_cannot_be_read_is_no_success(codes: Codes, body: bytes) -> None:
    """Nonsense, other types, nothing: refused, and tried again."""
    reply = read(Answer(200, body), codes, START)
    assert (reply.answer, reply.code, reply.final) == ("refused", "unreadable", False)
    assert decide(reply, 1, START, 0.0).outcome == "retry"


@pytest.mark.parametrize("codes", PLATFORMS, ids=lambda codes: codes.platform)
def test_a_failing_status_is_no_success_whatever_the_body_says(codes: Codes) -> None:
    """A code of 0 with HTTP 500 is not believed."""
    reply = read(Answer(500, b'{"errcode":0,"code":0}'), codes, START)
    assert (reply.answer, reply.code) == ("unreachable", "500")


def test_the_platform_s_clock_tells_a_wrong_secret_from_a_wrong_clock() -> None:
    """More than five minutes apart: our clock is to blame, and waiting helps."""
    body = b'{"code":19021,"msg":"sign match fail"}'
    for off, final in ((0, True), (299, True), (301, False), (-301, False)):
        date = format_datetime(START, usegmt=True)
        reply = read(Answer(200, body, date=date), feishu.CODES, START + timedelta(seconds=off))
        assert reply.final is final
        assert ("clock" in reply.meaning) is not final
    assert read(Answer(200, body, date="soon"), feishu.CODES, START).final


def test_words_from_outside_are_harmless() -> None:
    """One short line without secrets, tokens or control characters."""
    told = shown("a\r\nb\x1b[31m secret-1 access_token=" + "z" * 40 + " \u202eend" + "x y " * 200, ("secret-1", ""))
    assert "secret-1" not in told
    assert "zzz" not in told
    assert told.isprintable()
    assert len(told) <= 160


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 405, 410, 413, 418, 429, 500, 502, 503, 504])
def test_every_status_is_explained(status: int) -> None:
    """What it means and what to do, unless it was accepted."""
    reply = explained(Reply(status))
    assert (reply.answer == "accepted") is (status < 300)
    assert bool(reply.meaning and reply.fix) is (status >= 300)
    assert explained(reply) == reply


@pytest.mark.parametrize("fault", [*FAULTS, "something new"])
def test_every_fault_of_the_network_is_explained(fault: str) -> None:
    """Each word has its meaning and remedy."""
    reply = explained(Reply(None, fault))
    assert reply.answer in ("timed_out", "unreachable", "refused")
    assert reply.meaning
    assert reply.fix


async def test_only_allowed_addresses_are_called() -> None:
    """A relay whose name leads elsewhere is refused at the socket, before a byte leaves."""
    async with receiving() as canary:
        caller = Caller(parse_allow("10.0.0.0/8"), 1.0, public=False, headers={})
        for name in ("localhost", "127.0.0.1"):
            reply = await caller.post(URL(f"http://{name}:{canary.port}/"), b"{}")
            assert reply == Reply(None, "address_refused")
        await caller.close()
        assert canary.requests == []


async def test_a_redirect_s_target_sees_nothing() -> None:
    """The answer is the redirect itself."""
    server = Platform(fault="redirect")
    async with serving(server.answer) as url:
        caller = Caller(parse_allow("127.0.0.0/8"), 1.0, public=False, headers={})
        answer = await caller.post(url, b"{}")
        await caller.close()
    assert isinstance(answer, Answer)
    assert answer.status == 302
