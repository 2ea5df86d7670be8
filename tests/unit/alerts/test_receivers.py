"""Descriptions of receivers: read strictly, secrets fetched from elsewhere, faults told without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.delivery.receivers import Spec, build
from alerts.delivery.secret_sources import ReceiverWrong
from streams.settings import SettingsError
from tests.ringing import SECRET
from tests.unit.alerts.channels.cards import settings

HAN = re.compile("[\u4e00-\u9fff]")
DING = "https://oapi.dingtalk.com/robot/send?access_token=canary"
WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=canary"
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/canary"
LARK = "https://open.larksuite.com/open-apis/bot/v2/hook/canary"
MAIL = {
    "type": "email",
    "name": "mail",
    "host": "mail.bank.example",
    "sender": "t@bank.example",
    "to": ["d@bank.example"],
}


def read(**fields: Any) -> Any:
    return msgspec.convert(fields, Spec)


def made(folder: Path, fields: Mapping[str, Any], **changes: Any) -> Any:
    return build(read(**fields), settings(folder, **({"webhook_allow": ""} | changes)))


def robot(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "name": "desk", "url_env": "THE_URL"} | fields


@pytest.mark.parametrize(
    ("fields", "url", "kind"),
    [
        (robot("webhook", secret_env="THE_SECRET"), "https://hooks.example/canary", "webhook"),
        (robot("dingtalk", secret_env="THE_KEY", keyword="风险"), DING, "dingtalk"),
        (robot("dingtalk", mention_mobiles=["13800000000", "+86-13800000000"]), DING, "dingtalk"),
        (robot("wecom", mention_users=["li.wei"], form="text"), WECOM, "wecom"),
        (robot("feishu", secret_env="THE_KEY", mention_users=["ou_1"]), FEISHU, "feishu"),
        (robot("feishu", lark=True), LARK, "feishu"),
        (robot("apprise"), "ntfys://ntfy.example/canary", "apprise"),
        ({"type": "alertmanager", "name": "am", "url": "https://am.example:8443/"}, "", "alertmanager"),
        (MAIL, "", "email"),
        (MAIL | {"port": 465, "user": "t", "password_env": "THE_KEY"}, "", "email"),
    ],
)
def test_every_type_makes_a_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], url: str, kind: str
) -> None:
    """Named as described, demo off, grouped but for webhook and Alertmanager, and nothing secret in its repr."""
    for name, value in (("THE_URL", url), ("THE_SECRET", SECRET), ("THE_KEY", "key-canary")):
        monkeypatch.setenv(name, value)
    found = made(tmp_path, fields)
    assert (found.type, found.name, found.demo) == (kind, fields["name"], False)
    assert found.grouped is (kind not in ("webhook", "alertmanager"))
    assert len(found.id) == len(found.settings) == 32
    assert "canary" not in repr(found)
    assert SECRET not in repr(found)
    again = made(tmp_path, fields | {"demo": True, "name": "other"})
    assert again.id == found.id
    assert again.demo
    if kind != "webhook":
        assert again.settings != found.settings


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        (robot("webhook", secret_env="S", surprise=1), "surprise"),
        (robot("webhook", name="Desk One"), "name"),
        (robot("pager"), "pager"),
        (robot("dingtalk", mention_mobiles=["<@all>"]), "mention_mobiles"),
        (robot("wecom", mention_users=["x> <@all"]), "mention_users"),
        (robot("wecom", form="card"), "form"),
        (MAIL | {"to": []}, "to"),
        (MAIL | {"to": ["d@bank.example\r\nBcc: e@evil.example"]}, "to"),
        (MAIL | {"sender": "nobody"}, "sender"),
        (MAIL | {"host": "mail example"}, "host"),
        (robot("feishu", language="fr"), "language"),
    ],
)
def test_descriptions_are_strict(fields: dict[str, Any], word: str) -> None:
    """Unknown fields, types and forms are refused by name."""
    with pytest.raises(msgspec.ValidationError, match=word):
        read(**fields)


@pytest.mark.parametrize(
    ("fields", "url", "words"),
    [
        (robot("dingtalk", url_env=""), "", ("url_env: missing", "url_file: /path")),
        (robot("dingtalk", url_env="UNSET_HERE"), "", ("url_env", "UNSET_HERE is not set")),
        (robot("dingtalk", url_env=DING), "", ("url_env", "not the secret itself")),
        (robot("dingtalk", url_file="/nonexistent"), DING, ("url_env", "not both")),
        (robot("dingtalk"), "https://evil.example/robot/send?access_token=canary", ("oapi.dingtalk.com", "settings")),
        (robot("dingtalk"), "http://oapi.dingtalk.com/robot/send?access_token=canary", ("url", "not https")),
        (robot("dingtalk"), "https://oapi.dingtalk.com/robot/send", ("access_token", "Copy it")),
        (robot("dingtalk", keyword="*"), DING, ("keyword", "letters and digits")),
        (robot("feishu", keyword="a:b"), FEISHU, ("keyword", "letters and digits")),
        (robot("wecom"), "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?canary", ("key=", "Copy it")),
        (robot("feishu"), LARK, ("open.larksuite.com is not open.feishu.cn",)),
        (robot("feishu"), "https://open.feishu.cn/open-apis/bot/v2/hook/", ("/hook/",)),
        (robot("feishu", zone="Mars/Olympus"), FEISHU, ("zone", "Asia/Shanghai")),
        (
            robot("webhook", secret_env="THE_KEY"),
            "https://hooks.example/canary",
            ("secret", "whsec_", "tocsin webhook"),
        ),
        (robot("webhook"), "https://hooks.example/canary", ("secret_env: missing",)),
        (robot("webhook", secret_env="THE_SECRET"), "https://10.0.0.1/canary", ("url", "10.0.0.1")),
        (MAIL | {"user": "t"}, "", ("password_env: missing",)),
        (MAIL | {"tls": "none"}, "", ("tls", "TOCSIN_WEBHOOK_ALLOW")),
        (MAIL | {"ca_file": "/nonexistent"}, "", ("ca_file", "PEM")),
        ({"type": "alertmanager", "name": "am", "url": "https://am.example/?x=canary"}, "", ("url", "without a query")),
        ({"type": "alertmanager", "name": "am", "url": "http://am.example/"}, "", ("url", "https")),
        (
            {"type": "alertmanager", "name": "am", "url": "https://am.example/", "user": "u", "password_env": "THE_KEY"}
            | {"token_env": "THE_KEY"},
            "",
            ("token_env", "either a token, or user and password"),
        ),
    ],
)
def test_faults_name_receiver_field_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], url: str, words: tuple[str, ...]
) -> None:
    """What is wrong with which receiver, and what to do, without a character of a secret."""
    for name, value in (("THE_URL", url), ("THE_SECRET", SECRET), ("THE_KEY", "key-canary")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"receiver {fields['name']}, ") as caught:
        made(tmp_path, fields)
    assert all(word in str(caught.value) for word in words)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    if isinstance(caught.value, ReceiverWrong):  # a signing secret's own fault has the words of its setting
        said = caught.value.shown("zh")
        assert said.startswith(f"接收方 {fields['name']} 的 ")
        assert HAN.search(said.partition("：")[2])
        assert "canary" not in said


def test_secrets_from_files(tmp_path: Path) -> None:
    """A file of the owner's alone is read, its line end left out; one that others can read is refused."""
    file = tmp_path / "url"
    file.write_text(DING + "\n")
    file.chmod(0o600)
    fields = {"type": "dingtalk", "name": "desk", "url_file": str(file)}
    assert made(tmp_path, fields).dialect.url.query["access_token"] == "canary"
    for mode in (0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(SettingsError, match=f"url_file: .*chmod 600 {file}"):
            made(tmp_path, fields)
    file.chmod(0o600)
    for content, word in ((b"", "empty"), (b"\xff", "UTF-8"), (b"x" * 70_000, "65536 bytes")):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match=word):
            made(tmp_path, fields)
    with pytest.raises(SettingsError, match="cannot read"):
        made(tmp_path, fields | {"url_file": str(tmp_path / "none")})


def test_a_relay_needs_the_allow_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host than the platform's is taken only with an allow list, and only addresses in it are called then."""
    monkeypatch.setenv("THE_URL", "https://relay.bank.example/robot/send?access_token=canary")
    found = made(tmp_path, robot("dingtalk"), webhook_allow="10.1.0.0/16")
    assert found.caller._public is False
    monkeypatch.setenv("THE_URL", DING)
    assert made(tmp_path, robot("dingtalk"), webhook_allow="10.1.0.0/16").caller._public is True
