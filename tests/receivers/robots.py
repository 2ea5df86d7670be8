"""DingTalk, WeCom and Feishu as their guides and reported answers describe them: HTTP 200, the verdict in the body."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from tests.receivers.serving import Platform

HOUR = 3600


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@dataclass
class DingTalkPlatform(Platform):
    """`errcode` and `errmsg`; signature in the query; 20 a minute, then mute for ten."""

    token: str = "token-canary-0123456789"
    secret: str = ""
    keyword: str = ""
    mute_until: float = 0.0

    def judge(self, request: web.Request, body: bytes) -> dict[str, Any]:
        query = {name: values[0] for name, values in parse_qs(request.url.raw_query_string).items()}
        at = self.now.timestamp()
        if query.get("access_token") != self.token:
            return {"errcode": 300001, "errmsg": "token is not exist"}
        if at < self.mute_until or self.fast(20, 60.0):
            self.mute_until = max(self.mute_until, at + 600)
            return {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        if self.secret and (wrong := self._unsigned(query)):
            return {"errcode": 310000, "errmsg": wrong}
        if len(body) > 20_000:
            return {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        message = _json(body)
        text = _dingtalk_text(message) if request.content_type == "application/json" else None
        if not text:
            return {"errcode": 40035, "errmsg": "缺少参数 json"}
        if self.keyword and self.keyword not in text:
            return {"errcode": 310000, "errmsg": "keywords not in content, more: [https://ding-doc.dingtalk.com]"}
        self.taken.append(message)
        return {"errcode": 0, "errmsg": "ok"}

    def _unsigned(self, query: dict[str, str]) -> str:
        stamp = query.get("timestamp", "")
        if not stamp.isdigit() or abs(self.now.timestamp() * 1000 - int(stamp)) > HOUR * 1000:
            return "invalid timestamp, more: [https://ding-doc.dingtalk.com]"
        expected = base64.b64encode(hmac.digest(self.secret.encode(), f"{stamp}\n{self.secret}".encode(), "sha256"))
        if query.get("sign", "") != expected.decode():
            return "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中;"
        return ""


def _dingtalk_text(message: Any) -> str:
    """Title and text of a well-formed message; empty for others."""
    match message:
        case {"msgtype": "markdown", "markdown": {"title": str(title), "text": str(text), **rest}, **other}:
            mobiles = other.get("at", {}).get("atMobiles", [])
            known = not rest and set(other) <= {"at"} and all(f"@{mobile}" in text for mobile in mobiles)
        case {
            "msgtype": "actionCard",
            "actionCard": {"title": str(title), "text": str(text), "btns": list(buttons), **r},
        }:
            known = set(r) == {"btnOrientation"} and bool(buttons)
            known = known and all(set(b) == {"title", "actionURL"} and all(b.values()) for b in buttons)
        case _:
            return ""
    return title + text if known and title and text else ""


@dataclass
class WeComPlatform(Platform):
    """`errcode` and `errmsg`; the key is all; 4,096 bytes of Markdown, 2,048 of text; 20 a minute."""

    key: str = "key-canary-0123456789"

    def judge(self, request: web.Request, body: bytes) -> dict[str, Any]:
        more = "hint: [1755605200056773468916791], from ip: 192.0.2.7, more info at https://open.work.weixin.qq.com"
        if request.query.get("key") != self.key:
            return {"errcode": 93000, "errmsg": f"invalid webhook url, {more}"}
        if self.fast(20, 60.0):
            return {"errcode": 45009, "errmsg": f"api freq out of limit, {more}"}
        message = _json(body)
        match message:
            case {"msgtype": "markdown", "markdown": {"content": str(content)}}:
                limit = 4096
            case {"msgtype": "text", "text": {"content": str(content), **rest}} if set(rest) <= {
                "mentioned_list",
                "mentioned_mobile_list",
            }:
                limit = 2048
            case _:
                return {"errcode": 40058, "errmsg": f"invalid Request Parameter, {more}"}
        kind = message["msgtype"]
        if not content.strip():
            return {"errcode": 44004, "errmsg": f"empty content, {more}"}
        if len(content.encode()) > limit:
            return {"errcode": 40058, "errmsg": f"{kind}.content exceed max length {limit}. {more}"}
        self.taken.append(message)
        return {"errcode": 0, "errmsg": "ok"}


@dataclass
class FeishuPlatform(Platform):
    """`code` and `msg`; signature in the body, over nothing, with time and secret as the key; 5 a second."""

    token: str = "hook-canary-0123456789"
    secret: str = ""
    keyword: str = ""

    def judge(self, request: web.Request, body: bytes) -> dict[str, Any]:
        if request.path != f"/open-apis/bot/v2/hook/{self.token}":
            return {"code": 19001, "msg": "param invalid: incoming webhook access token invalid", "data": {}}
        if self.fast(5, 1.0):
            return {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]", "data": {}}
        message = _json(body)
        if len(body) > 20_000 or not isinstance(message, dict):
            return {"code": 9499, "msg": "Bad Request", "data": {}}
        if self.secret and not self._signed(message):
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        text = _feishu_text({name: v for name, v in message.items() if name not in ("timestamp", "sign")})
        if not text:
            return {"code": 19002, "msg": "params error, msg_type need", "data": {}}
        if self.keyword and self.keyword not in text:
            return {"code": 19024, "msg": "Key Words Not Found", "data": {}}
        self.taken.append(message)
        return {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}

    def _signed(self, message: dict[str, Any]) -> bool:
        stamp, given = str(message.get("timestamp", "")), message.get("sign")
        if not stamp.isdigit() or abs(self.now.timestamp() - int(stamp)) > HOUR:
            return False
        return given == base64.b64encode(hmac.digest(f"{stamp}\n{self.secret}".encode(), b"", "sha256")).decode()


def _feishu_text(message: dict[str, Any]) -> str:
    """Everything written on a well-formed card; empty for others."""
    match message:
        case {
            "msg_type": "interactive",
            "card": {"schema": "2.0", "header": dict(header), "body": {"elements": list(e)}},
        }:
            title = header["title"]["content"] if header["title"]["tag"] == "plain_text" else ""
            texts = [element["content"] for element in e if element["tag"] == "markdown"]
            columns = [c for element in e if element["tag"] == "column_set" for c in element["columns"]]
            links = [b["behaviors"][0]["default_url"] for c in columns for b in c["elements"] if b["tag"] == "button"]
            known = {element["tag"] for element in e} <= {"markdown", "column_set"}
            well = known and all(texts) and all(link.startswith(("https://", "http://")) for link in links)
            return "\n".join((title, *texts)) if well and title else ""
        case _:
            return ""
