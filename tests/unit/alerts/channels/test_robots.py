"""DingTalk, WeCom and Feishu against strict receivers that behave as the platforms do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from alerts.delivery.card import Block, Card, Span
from alerts.delivery.channels import dingtalk, feishu, wecom
from alerts.delivery.channels.dingtalk import DingTalk
from alerts.delivery.channels.feishu import Feishu
from alerts.delivery.channels.robot import Robot, requests, urgent
from alerts.delivery.channels.wecom import WeCom
from alerts.delivery.specs import DingTalkSpec, FeishuSpec, WeComSpec
from tests.receivers.robots import DingTalkPlatform, FeishuPlatform, WeComPlatform
from tests.receivers.serving import Platform, serving
from tests.ringing import START, event
from tests.unit.alerts.channels.cards import (
    HOSTILE,
    LONG,
    SHOW,
    TEXTS,
    card,
    channel,
    folded,
    hidden,
    message,
    storm,
    written,
)

SECRET = "SEC5f0c1d9e7ab34428"
# Both made apart from Python: printf '%s\n%s' TIME SECRET | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY -binary
# | base64, for Feishu with an empty input and time, line feed and secret as the key.
DINGTALK_VECTOR = (SECRET, "1772443800123", "/hhJYJq4/58e2bY1dgm+BLqfqlupJTSON9ytp8LgCI4=")
FEISHU_VECTOR = ("a1B2c3D4e5", "1772443800", "BSODCEMWcvidhCv2n4Z2aK8rd9XVWGjf/0L1NsMGoO4=")

DING_URL = URL("https://oapi.dingtalk.com/robot/send?access_token=token-canary-0123456789")
WECOM_URL = URL("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=key-canary-0123456789")
FEISHU_URL = URL("https://open.feishu.cn/open-apis/bot/v2/hook/hook-canary-0123456789")
DIALECTS = {
    "dingtalk": DingTalk(url=DING_URL, keyword="风险", mobiles=("13800000000",)),
    "dingtalk card": DingTalk(url=DING_URL, keyword="风险"),
    "wecom": WeCom(url=WECOM_URL, users=("li.wei",)),
    "wecom text": WeCom(url=WECOM_URL, form="text", mobiles=("13800000000",)),
    "feishu": Feishu(url=FEISHU_URL, keyword="风险", users=("ou_1",)),
}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def test_signatures_agree_with_independent_vectors() -> None:
    """Key, message, unit of time and encoding are those that openssl was given."""
    secret, stamp, expected = DINGTALK_VECTOR
    assert dingtalk.sign(secret, stamp) == expected
    secret, stamp, expected = FEISHU_VECTOR
    assert feishu.sign(secret, stamp) == expected


def test_dingtalk_s_signature_is_encoded_once() -> None:
    """What the platform decodes is the base64 itself, its plus, slash and equals signs whole."""
    at = START + timedelta(milliseconds=123)
    url, _ = DingTalk(url=DING_URL, secret=hidden(SECRET)).signed(b"{}", at)
    assert url.query["sign"] == dingtalk.sign(SECRET, url.query["timestamp"])
    assert url.query["timestamp"] == str(int(START.timestamp())) + "123"
    assert "%25" not in url.raw_query_string
    assert not set(url.raw_query_string.partition("sign=")[2]) & set("+/=")


def structure(part: bytes) -> list[str]:
    """Everything in a request that is not text: links, tags, emphasis, mentions, headings, keys of the JSON."""
    body = json.loads(part)
    if "card" in body:
        body["card"]["header"]["title"].pop("content")  # plain text: no markup is read there
    texts = written(json.dumps(body).encode()).split("\n")
    emoji = ":[A-Z]+:" if "card" in body else "(?!)"  # only one platform has them
    marks = re.compile(
        r"!?\[[^\]]*\]\([^)]*\)|<[^>]*>|\*\*|__|~~|`|@\w+|^#+ |^> |^[-+] |^\d+[.)] |^(?:-+|=+)$|://|" + emoji
    )
    found = [re.sub(r"\[[^\]]*\]", "[]", mark) for text in texts for mark in marks.findall(text)]
    return [*found, *sorted(body)]


@every_dialect
@pytest.mark.parametrize("text", HOSTILE)
def test_a_known_attack_changes_nothing(dialect: Any, text: str) -> None:
    """Markup, links, mentions, entities, tables and line breaks of a headline come out as text."""
    (honest,) = requests(dialect, card("Brightwater recalls a pump"), urgent=True)
    (hostile,) = requests(dialect, card(text), urgent=True)
    assert structure(hostile) == structure(honest)


@every_dialect
@given(text=TEXTS, title=TEXTS)
def test_no_headline_leaves_its_place(dialect: Any, text: str, title: str) -> None:
    """Whatever a headline or a title says, the request is made of the same parts."""
    (honest,) = requests(dialect, card("x", "y", title="t"), urgent=True)
    (hostile,) = requests(dialect, card(f"x{text}", "y", title=f"t{title[:40]}"), urgent=True)
    assert structure(hostile) == structure(honest)


@pytest.mark.parametrize("dialect", [d for name, d in DIALECTS.items() if name != "wecom text"])  # no Markdown there
@given(text=TEXTS)
def test_no_headline_begins_a_line_with_more_than_text(dialect: Any, text: str) -> None:
    """At the start of a line too, where lists, headings and quotes are made."""
    (honest,), (hostile,) = (
        requests(dialect, Card("t", "info", (Block(((Span(one),), (Span("y"),))),)), urgent=False)
        for one in ("x", text)
    )
    assert structure(hostile) == structure(honest)


@every_dialect
@hypothesis.settings(max_examples=30)
@given(texts=st.lists(LONG, min_size=1, max_size=4), text=TEXTS)
def test_every_part_fits_and_nothing_is_lost(dialect: Any, texts: list[str], text: str) -> None:
    """Each request is within the platform's bytes, has the keyword, and together they tell everything."""
    parts = requests(dialect, card(*texts, text, title="t"), urgent=True)
    assert all(len(part) <= dialect.limit for part in parts)
    if getattr(dialect, "keyword", ""):
        assert all("风险" in written(part) for part in parts)
    told = "".join(folded(_content(part)) for part in parts)
    for one in (*texts, text):
        _assert_within(folded(one), told)


def _content(part: bytes) -> str:
    """The text of a part without its title, so that what was cut joins again."""
    body = json.loads(part)
    if "card" in body:
        text = "".join(e.get("content", "") for e in body["card"]["body"]["elements"])
        return re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text)
    inner = body[body["msgtype"]]
    return str(inner.get("text") or inner["content"]).partition("\n\n")[2]


def _assert_within(small: str, large: str) -> None:
    """All of `small` in order; between its pieces may stand markup's own words."""
    at = 0
    for character in small:
        at = large.find(character, at) + 1
        assert at, f"{character!r} is missing"


def test_people_are_called_only_where_it_is_urgent() -> None:
    """Mobile numbers stand both in the list and in the text, ids in the tags; once, in the first part."""
    long = card(*["x" * 3000] * 9)
    ding = [json.loads(part) for part in requests(DIALECTS["dingtalk"], long, urgent=True)]
    assert ding[0]["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
    assert "@13800000000" in ding[0]["markdown"]["text"]
    assert all("at" not in body and "@1" not in written(json.dumps(body).encode()) for body in ding[1:])
    for name, sign in (("wecom", "<@li.wei>"), ("feishu", "<at id=ou_1></at>"), ("wecom text", '"13800000000"')):
        first, *others = requests(DIALECTS[name], long, urgent=True)
        assert sign in first.decode()
        assert all(sign not in part.decode() for part in others)
        assert all(sign not in part.decode() for part in requests(DIALECTS[name], long, urgent=False))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (message(event()), True),
        (message(event(severity="warning")), False),
        (message(event(1, "resolved"), why="resolved"), False),
        (message(event(1, "resolved"), event(alert="b" * 32, severity="warning")), False),
        (message(event(demo=True)), False),
        (message(event(), why="test"), False),
    ],
)
def test_what_is_urgent(told: Any, expected: bool) -> None:
    """Nobody is called by name for a warning, an end, a test or a demonstration."""
    assert urgent(told) is expected


def test_buttons_are_what_the_platform_has() -> None:
    """An action card on DingTalk unless people are called, buttons on Feishu, links on WeCom; a script is no button."""
    told = card("x", buttons=(SHOW, type(SHOW)("Evil", "javascript:alert(1)")))
    (ding,) = requests(DIALECTS["dingtalk card"], told, urgent=True)
    assert json.loads(ding)["actionCard"]["btns"] == [{"title": "Show", "actionURL": SHOW.href}]
    (called,) = requests(DIALECTS["dingtalk"], told, urgent=True)
    assert "[Show](https://tocsin.example/a?t=a%5Fb-c)" in json.loads(called)["markdown"]["text"]
    (lark,) = requests(DIALECTS["feishu"], told, urgent=True)
    assert lark.count(b"open_url") == 1
    (work,) = requests(DIALECTS["wecom"], told, urgent=True)
    assert "[Show](https://tocsin.example/a?t=a%5Fb-c)\nEvil" in json.loads(work)["markdown"]["content"]
    assert all(b"javascript" not in part for part in (ding, called, lark, work))


def test_colours_tell_the_severity() -> None:
    """Red, orange, blue and green on Feishu; WeCom has two of its own."""
    for severity, lark, work in (
        ("critical", "red", "warning"),
        ("resolved", "green", "info"),
        ("info", "blue", "info"),
    ):
        (part,) = requests(DIALECTS["feishu"], card("x", severity=severity), urgent=False)
        assert json.loads(part)["card"]["header"]["template"] == lark
        (part,) = requests(DIALECTS["wecom"], card("x", severity=severity), urgent=False)
        assert json.loads(part)["markdown"]["content"].startswith(f'<font color="{work}">')


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_them(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return set_them


def dingtalk_at(url: URL, folder: Path, variables: Callable[..., None], **changes: Any) -> Robot:
    variables(DING_URL=url / "robot/send" % {"access_token": "token-canary-0123456789"}, DING_SECRET=SECRET)
    given: dict[str, Any] = {
        "name": "desk-ding",
        "url_env": "DING_URL",
        "secret_env": "DING_SECRET",
        "language": "both",
    }
    return channel(folder, DingTalkSpec(**(given | changes)), webhook_timeout=0.3)


def wecom_at(url: URL, folder: Path, variables: Callable[..., None], **changes: Any) -> Robot:
    variables(WECOM_URL=url / "cgi-bin/webhook/send" % {"key": "key-canary-0123456789"})
    given: dict[str, Any] = {"name": "desk-wecom", "url_env": "WECOM_URL", "language": "zh"}
    return channel(folder, WeComSpec(**(given | changes)), webhook_timeout=0.3)


def feishu_at(url: URL, folder: Path, variables: Callable[..., None], **changes: Any) -> Robot:
    variables(FEISHU_URL=url / "open-apis/bot/v2/hook/hook-canary-0123456789", FEISHU_SECRET=SECRET)
    given: dict[str, Any] = {"name": "desk-lark", "url_env": "FEISHU_URL", "secret_env": "FEISHU_SECRET"}
    return channel(folder, FeishuSpec(**(given | changes)), webhook_timeout=0.3)


PLATFORMS: dict[str, tuple[Callable[..., Platform], Callable[..., Robot]]] = {
    "dingtalk": (lambda: DingTalkPlatform(secret=SECRET, keyword="风险"), dingtalk_at),
    "wecom": (WeComPlatform, wecom_at),
    "feishu": (lambda: FeishuPlatform(secret=SECRET), feishu_at),
}
every_platform = pytest.mark.parametrize(("platform", "robot"), PLATFORMS.values(), ids=PLATFORMS)


async def told(robot: Robot, at: Any = START, *messages: Any) -> list[Any]:
    parts = [part for one in messages or (message(),) for part in robot.render(one)]
    try:
        return [await robot.send(part, "msg_abc", at) for part in parts]
    finally:
        await robot.close()


@every_platform
async def test_messages_are_taken(
    tmp_path: Path, variables: Any, platform: Callable[..., Platform], robot: Callable[..., Robot]
) -> None:
    """One alert and a storm of thirty, in whatever parts, pass every check of the platform."""
    server = platform()
    keyword = {"keyword": "风险"} if isinstance(server, DingTalkPlatform) else {}
    async with serving(server.answer) as url:
        found = robot(url, tmp_path, variables, **keyword)
        first = await told(found)
        server.now += timedelta(minutes=2)
        replies = first + await told(found, server.now, storm())
    assert {(reply.answer, reply.code, reply.status) for reply in replies} == {("accepted", "0", 200)}
    assert len(server.taken) == len(replies) >= 2


@every_platform
@pytest.mark.parametrize(
    ("fault", "answer", "code"),
    [
        ("slow", "timed_out", "timeout"),
        ("drop", "unreachable", "disconnected"),
        ("redirect", "refused", "302"),
        ("login page", "refused", "unreadable"),
        ("half", "refused", "unreadable"),
        ("bare 200", "refused", "unreadable"),
        ("huge", "refused", "unreadable"),
        ("500", "unreachable", "500"),
        ("429", "throttled", "429"),
    ],
)
async def test_faults_of_the_network_are_never_success(
    tmp_path: Path,
    variables: Any,
    platform: Callable[..., Platform],
    robot: Callable[..., Robot],
    fault: Any,
    answer: str,
    code: str,
) -> None:
    """Slow, dropped, redirected, answered by something else: each has its word, meaning and remedy; none is final."""
    server = platform()
    server.fault = fault
    async with serving(server.answer) as url:
        (reply,) = await told(robot(url, tmp_path, variables))
    assert (reply.answer, reply.code, reply.final) == (answer, code, False)
    assert reply.meaning
    assert reply.fix
    assert reply.retry_after == ("7" if fault == "429" else "")
    assert server.taken == []


@every_platform
async def test_the_twenty_first_message_is_throttled(
    tmp_path: Path, variables: Any, platform: Callable[..., Platform], robot: Callable[..., Robot]
) -> None:
    """A platform's limit comes back as throttling with a pause, not as success; the channel states that limit."""
    server = platform()
    keyword = {"keyword": "风险"} if isinstance(server, DingTalkPlatform) else {}
    async with serving(server.answer) as url:
        found = robot(url, tmp_path, variables, **keyword)
        most = min(found.limits, key=lambda limit: limit.requests).requests
        replies = await told(found, START, *[message(event(sequence=n)) for n in range(most + 1)])
    assert [reply.answer for reply in replies] == ["accepted"] * most + ["throttled"]
    assert replies[-1].pause == {"dingtalk": 600.0}.get(found.type, 60.0)
    assert not replies[-1].final


@pytest.mark.parametrize(
    ("changes", "server", "off", "code", "word", "final"),
    [
        ({"keyword": ""}, {"keyword": "风险"}, 0, "310000", "keyword is missing", True),
        ({}, {"secret": "SEC-another"}, 0, "310000", "signature does not match", True),
        ({"secret_env": ""}, {"secret": "SEC-another"}, 0, "310000", "time of the signature", False),
        ({}, {}, 4000, "310000", "time of the signature", False),
        ({}, {"token": "another"}, 0, "300001", "no robot of this token", True),
    ],
)
async def test_dingtalk_s_refusals(
    tmp_path: Path, variables: Any, changes: Any, server: Any, off: float, code: str, word: str, final: bool
) -> None:
    """One code for keyword, signature and clock: the words tell them apart; only a clock mends itself."""
    platform = DingTalkPlatform(**({"secret": SECRET} | server))
    async with serving(platform.answer) as url:
        (reply,) = await told(
            dingtalk_at(url, tmp_path, variables, language="en", **changes), START + timedelta(seconds=off)
        )
    assert (reply.answer, reply.code, reply.final, reply.status) == ("refused", code, final, 200)
    assert word in reply.meaning
    assert reply.fix


@pytest.mark.parametrize(
    ("changes", "server", "off", "code", "word", "final"),
    [
        ({}, {"keyword": "风险"}, 0, "19024", "keyword is missing", True),
        ({}, {"secret": "another"}, 0, "19021", "signature does not match", True),
        ({}, {}, 4000, "19021", "clock of this machine is 4000 s off", False),
        ({}, {"token": "another"}, 0, "19001", "no robot of this address", True),
    ],
)
async def test_feishu_s_refusals(
    tmp_path: Path, variables: Any, changes: Any, server: Any, off: float, code: str, word: str, final: bool
) -> None:
    """A wrong secret and a wrong clock have one code: the platform's own date tells them apart."""
    platform = FeishuPlatform(**({"secret": SECRET} | server))
    async with serving(platform.answer) as url:
        (reply,) = await told(feishu_at(url, tmp_path, variables, **changes), START + timedelta(seconds=off))
    assert (reply.answer, reply.code, reply.final) == ("refused", code, final)
    assert word in reply.meaning


async def test_wecom_s_refusals(tmp_path: Path, variables: Any) -> None:
    """A wrong key is final; what the platform said is repeated without anything that looks like a token."""
    async with serving(WeComPlatform(key="another").answer) as url:
        (reply,) = await told(wecom_at(url, tmp_path, variables))
    assert (reply.answer, reply.code, reply.final) == ("refused", "93000", True)
    assert "invalid webhook url" in reply.meaning
    assert "1755605200056773468916791" not in reply.meaning


@pytest.mark.parametrize(
    ("limit", "platform", "code"),
    [
        ("alerts.delivery.channels.wecom.SIZES", WeComPlatform, "40058"),
        ("alerts.delivery.channels.feishu.Feishu.limit", FeishuPlatform, "9499"),
    ],
)
async def test_the_receivers_do_mind_the_size(
    tmp_path: Path, variables: Any, monkeypatch: pytest.MonkeyPatch, limit: str, platform: Any, code: str
) -> None:
    """A message that is not cut is refused for good: the strict receivers would see it."""
    server = platform()
    async with serving(server.answer) as url:
        robot = (wecom_at if platform is WeComPlatform else feishu_at)(url, tmp_path, variables)
        dialect = robot.dialect
        big = b'{"msgtype":"markdown","markdown":{"content":"' + b"x" * 30_000 + b'"}}'
        reply = await robot.send(big, "m", START)
        await robot.close()
    assert (reply.answer, reply.code, reply.final) == ("refused", code, True)
    assert len(big) > dialect.limit


async def test_dingtalk_minds_the_size(tmp_path: Path, variables: Any) -> None:
    """Twenty thousand and one bytes are refused for good."""
    async with serving(DingTalkPlatform().answer) as url:
        robot = dingtalk_at(url, tmp_path, variables)
        reply = await robot.send(b"x" * 20_001, "m", START)
        await robot.close()
    assert (reply.answer, reply.code, reply.final) == ("refused", "460101", True)


async def test_secrets_appear_nowhere(tmp_path: Path, variables: Any) -> None:
    """Neither repr nor name nor reply of a channel shows token or secret."""
    async with serving(DingTalkPlatform(secret="SEC-another").answer) as url:
        robot = dingtalk_at(url, tmp_path, variables)
        (reply, *_) = await told(robot)
    for text in (repr(robot), repr(robot.dialect), robot.name, robot.id, robot.settings, repr(reply)):
        assert SECRET not in text
        assert "canary" not in text


@pytest.mark.parametrize("codes", [dingtalk.CODES, wecom.CODES, feishu.CODES], ids=lambda codes: codes.platform)
def test_every_code_says_what_to_do(codes: Any) -> None:
    """Each verdict has a meaning and a remedy; a pause only where it is throttled; a final one is a refusal."""
    for verdict in (verdict for verdicts in codes.table.values() for verdict in verdicts):
        assert verdict.meaning
        assert verdict.fix
        assert bool(verdict.pause) is (verdict.answer == "throttled")
        assert not verdict.final or verdict.answer == "refused"
