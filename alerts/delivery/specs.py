"""Receivers as the file of channels describes them.

A description holds no secret: what is secret, and every address with a token in it, stands in a variable or a file that
the description names.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from alerts.delivery.channel import Language

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,31}$")]
Variable = Annotated[str, Meta(max_length=128)]
Path = Annotated[str, Meta(max_length=1024)]
Mobile = Annotated[str, Meta(pattern=r"^\+?[0-9][0-9-]{4,20}$")]
User = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
Mailbox = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}$")]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Called = Annotated[tuple[Mobile, ...], Meta(max_length=20)]
Users = Annotated[tuple[User, ...], Meta(max_length=20)]
Keyword = Annotated[str, Meta(max_length=20)]


class Described(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common to all receivers. Demo data reaches only those with `demo: true`."""

    name: Name
    language: Language = "en"
    zone: Annotated[str, Meta(max_length=64)] = ""  # of times in texts, e.g. Asia/Shanghai; empty: UTC
    demo: bool = False


class Addressed(Described, frozen=True, kw_only=True):
    """A receiver whose address is a secret."""

    url_env: Variable = ""
    url_file: Path = ""


class WebhookSpec(Addressed, frozen=True, kw_only=True, tag_field="type", tag="webhook"):
    """A Standard Webhooks receiver; its secret is one or several `whsec_…` with a space between."""

    secret_env: Variable = ""
    secret_file: Path = ""
    grouped: bool = False  # all alerts of a message in one request


class AlertmanagerSpec(Described, frozen=True, kw_only=True, tag_field="type", tag="alertmanager"):
    """An Alertmanager, by the address under which /api/v2/alerts lies."""

    url: Annotated[str, Meta(max_length=1024)]
    user: str = ""
    password_env: Variable = ""
    password_file: Path = ""
    token_env: Variable = ""  # a bearer token in place of user and password
    token_file: Path = ""
    keep_hours: Annotated[int, Meta(ge=1, le=720)] = 168  # an alert whose end never comes is ended there after this


class DingTalkSpec(Addressed, frozen=True, kw_only=True, tag_field="type", tag="dingtalk"):
    """A DingTalk group robot."""

    secret_env: Variable = ""
    secret_file: Path = ""
    keyword: Keyword = ""
    mention_mobiles: Called = ()


class WeComSpec(Addressed, frozen=True, kw_only=True, tag_field="type", tag="wecom"):
    """A WeCom group robot."""

    form: Literal["markdown", "text"] = "markdown"
    mention_users: Users = ()
    mention_mobiles: Called = ()  # the form `text` alone can call them


class FeishuSpec(Addressed, frozen=True, kw_only=True, tag_field="type", tag="feishu"):
    """A Feishu or Lark group robot."""

    secret_env: Variable = ""
    secret_file: Path = ""
    keyword: Keyword = ""
    mention_users: Users = ()
    lark: bool = False


class EmailSpec(Described, frozen=True, kw_only=True, tag_field="type", tag="email"):
    """A mail server and the recipients."""

    host: Host
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    tls: Literal["auto", "starttls", "implicit", "none"] = "auto"  # auto: implicit on port 465, else starttls
    ca_file: Path = ""  # of an authority of your own
    user: str = ""
    password_env: Variable = ""
    password_file: Path = ""
    sender: Mailbox
    to: Annotated[tuple[Mailbox, ...], Meta(min_length=1, max_length=50)]


class AppriseSpec(Addressed, frozen=True, kw_only=True, tag_field="type", tag="apprise"):
    """One address of apprise."""


Spec = WebhookSpec | AlertmanagerSpec | DingTalkSpec | WeComSpec | FeishuSpec | EmailSpec | AppriseSpec
