"""From the description of a receiver to the channel: secrets fetched, addresses checked, faults told with a remedy."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Collection
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import SecretStr
from yarl import URL

from alerts.delivery.channel import Channel
from alerts.delivery.channels import dingtalk, feishu, wecom
from alerts.delivery.channels.alertmanager import Alertmanager
from alerts.delivery.channels.apprise import Apprise, Unusable, sizes
from alerts.delivery.channels.calls import TLS_PORTS, Caller
from alerts.delivery.channels.dingtalk import DingTalk
from alerts.delivery.channels.email import Email, Server
from alerts.delivery.channels.feishu import Feishu, escaped
from alerts.delivery.channels.markup import disarmed
from alerts.delivery.channels.robot import JSON, Robot
from alerts.delivery.channels.webhook import WebhookChannel
from alerts.delivery.channels.wecom import WeCom
from alerts.delivery.channels.wording import Reader
from alerts.delivery.secret_sources import ReceiverWrong, secret
from alerts.delivery.specs import (
    Addressed,
    AlertmanagerSpec,
    AppriseSpec,
    Described,
    DingTalkSpec,
    EmailSpec,
    FeishuSpec,
    Spec,
    WebhookSpec,
    WeComSpec,
)
from alerts.delivery.webhook import Webhooks, read_receivers, read_secrets, receiver_of
from alerts.sayings import saying
from alerts.value_sayings import of_address
from streams.guard import Network, Refused, check_url, parse_allow
from streams.records import digest
from streams.settings import Settings, SettingsError

__all__ = ["Spec", "build", "environment_receivers"]


def environment_receivers(settings: Settings) -> tuple[Channel, ...]:
    """The webhooks of TOCSIN_WEBHOOK_URLS, each once. SettingsError names variable, fault and remedy."""
    return tuple(
        WebhookChannel(receiver=found, webhooks=Webhooks(settings), name=found.name, demo=settings.webhook_demo)
        for found in read_receivers(settings)
    )


def build(spec: Spec, settings: Settings) -> Channel:
    """The channel that a description makes. SettingsError names receiver, field, fault and remedy, never a value."""
    if isinstance(spec, WebhookSpec):
        return _webhook(spec, settings)
    if isinstance(spec, AlertmanagerSpec):
        return _alertmanager(spec, settings)
    if isinstance(spec, EmailSpec):
        return _email(spec, settings)
    if isinstance(spec, AppriseSpec):
        return _apprise(spec, settings)
    return _robot(spec, settings)


def _allow(settings: Settings) -> tuple[Network, ...]:
    try:
        return parse_allow(settings.webhook_allow)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_WEBHOOK_ALLOW: {error}") from None


def _address(
    spec: Described, text: str, allow: tuple[Network, ...], own: Collection[str] = (), field: str = "url"
) -> URL:
    """The address checked. With `own` hosts another one is taken only where the allow list names blocks."""
    try:
        url = check_url(text, allow, ports=TLS_PORTS).with_fragment(None)
    except Refused as error:
        code = "address_open" if text.startswith("http:") else "address_refused"
        raise ReceiverWrong(spec.name, field, saying(code, reason=of_address(str(error)))) from None
    if own and url.host not in own and not allow:
        raise ReceiverWrong(spec.name, field, saying("other_host", host=url.host, known=", ".join(sorted(own))))
    return url


def _secret_address(spec: Addressed, allow: tuple[Network, ...], own: Collection[str] = ()) -> URL:
    return _address(spec, _value(secret(spec, "url")), allow, own)


def _value(found: SecretStr | None) -> str:
    return found.get_secret_value() if found is not None else ""


def _reader(spec: Described) -> Reader:
    try:
        return Reader(spec.language, ZoneInfo(spec.zone) if spec.zone else None)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ReceiverWrong(spec.name, "zone", saying("no_zone", zone=spec.zone)) from None


def _form(spec: Described, *secrets: str) -> str:
    """Digest of everything about a receiver: a change of any of it enables one that was switched off."""
    return digest(msgspec.json.encode(spec).decode(), *secrets)


def _webhook(spec: WebhookSpec, settings: Settings) -> Channel:
    url = _secret_address(spec, _allow(settings))
    secrets = read_secrets(secret(spec, "secret") or SecretStr(""), f"receiver {spec.name}, secret_env")
    return WebhookChannel(
        receiver=receiver_of(url, secrets),
        webhooks=Webhooks(settings),
        name=spec.name,
        demo=spec.demo,
        grouped=spec.grouped,
    )


def _alertmanager(spec: AlertmanagerSpec, settings: Settings) -> Channel:
    allow = _allow(settings)
    url = _address(spec, spec.url, allow)
    if url.query_string:
        raise ReceiverWrong(spec.name, "url", saying("address_query"))
    password = _value(secret(spec, "password", needed=bool(spec.user)))
    token = _value(secret(spec, "token", needed=False))
    if token and spec.user:
        raise ReceiverWrong(spec.name, "token_env", saying("token_or_user"))
    if not (token + password + spec.user).isprintable():
        raise ReceiverWrong(spec.name, "token_env" if token else "password_env", saying("unprintable"))
    login = base64.b64encode(f"{spec.user}:{password}".encode()).decode()
    scheme = f"Bearer {token}" if token else f"Basic {login}" if spec.user else ""
    headers = JSON | ({"Authorization": scheme} if scheme else {})
    return Alertmanager(
        id=digest("alertmanager", str(url)),
        name=spec.name,
        settings=_form(spec, password, token),
        demo=spec.demo,
        language=spec.language,
        url=url / "api/v2/alerts",
        caller=Caller(allow, settings.webhook_timeout, public=url.scheme == "https", headers=headers),
        keep=timedelta(hours=spec.keep_hours),
        secrets=tuple(text for text in (password, token, login) if text),
    )


def _robot(spec: DingTalkSpec | WeComSpec | FeishuSpec, settings: Settings) -> Channel:
    allow = _allow(settings)
    dialect, hosts = _dialect(spec, allow)
    url = dialect.url
    own = url.host in hosts and url.scheme == "https"
    return Robot(
        id=digest(dialect.type, str(url)),
        name=spec.name,
        settings=_form(spec, str(url), *dialect.secrets),
        demo=spec.demo,
        reader=_reader(spec),
        dialect=dialect,
        caller=Caller(allow, settings.webhook_timeout, public=own, headers=JSON),
    )


def _dialect(
    spec: DingTalkSpec | WeComSpec | FeishuSpec, allow: tuple[Network, ...]
) -> tuple[DingTalk | WeCom | Feishu, Collection[str]]:
    if isinstance(spec, WeComSpec):
        url = _with_token(spec, _secret_address(spec, allow, wecom.HOSTS), wecom.KEY)
        return WeCom(url=url, form=spec.form, users=spec.mention_users, mobiles=spec.mention_mobiles), wecom.HOSTS
    _check_keyword(spec)
    key = secret(spec, "secret", needed=False)
    if isinstance(spec, DingTalkSpec):
        url = _with_token(spec, _secret_address(spec, allow, dingtalk.HOSTS), dingtalk.KEY)
        return DingTalk(url=url, secret=key, keyword=spec.keyword, mobiles=spec.mention_mobiles), dingtalk.HOSTS
    hosts = feishu.LARK_HOSTS if spec.lark else feishu.HOSTS
    url = _secret_address(spec, allow, hosts)
    if not url.path.startswith(feishu.HOOK) or not url.name:
        raise ReceiverWrong(spec.name, "url", saying("no_robot", part=feishu.HOOK))
    return Feishu(url=url, secret=key, keyword=spec.keyword, users=spec.mention_users), hosts


def _with_token(spec: Described, url: URL, key: str) -> URL:
    if not url.query.get(key):
        raise ReceiverWrong(spec.name, "url", saying("no_robot", part=f"?{key}="))
    return url


def _check_keyword(spec: DingTalkSpec | FeishuSpec) -> None:
    word = spec.keyword
    if word != word.strip() or disarmed(word) != word or escaped(word) != word:
        raise ReceiverWrong(spec.name, "keyword", saying("odd_keyword"))


def _email(spec: EmailSpec, settings: Settings) -> Channel:
    allow = _allow(settings)
    tls = spec.tls if spec.tls != "auto" else "implicit" if spec.port == 465 else "starttls"
    if tls == "none" and not allow:
        raise ReceiverWrong(spec.name, "tls", saying("letters_open"))
    password = secret(spec, "password", needed=bool(spec.user)) or SecretStr("")
    server = Server(
        host=spec.host,
        port=spec.port,
        tls=tls,
        user=spec.user,
        password=password,
        context=None if tls == "none" else _context(spec),
        allow=allow,
        timeout=settings.webhook_timeout,
    )
    return Email(
        id=digest("email", spec.host.lower(), str(spec.port), *sorted(spec.to)),
        name=spec.name,
        settings=_form(spec, password.get_secret_value()),
        demo=spec.demo,
        reader=_reader(spec),
        server=server,
        sender=spec.sender,
        to=spec.to,
    )


def _context(spec: EmailSpec) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=spec.ca_file or None)
    except (OSError, ssl.SSLError):
        raise ReceiverWrong(spec.name, "ca_file", saying("no_certificates")) from None


def _apprise(spec: AppriseSpec, settings: Settings) -> Channel:
    url = secret(spec, "url") or SecretStr("")
    try:
        title, body = sizes(url.get_secret_value())
    except Unusable as error:
        raise ReceiverWrong(spec.name, "url", error.told) from None
    return Apprise(
        id=digest("apprise", url.get_secret_value()),
        name=spec.name,
        settings=_form(spec, url.get_secret_value()),
        demo=spec.demo,
        reader=_reader(spec),
        url=url,
        title_limit=title,
        body_limit=body,
        timeout=settings.webhook_timeout,
    )
