"""`tocsin alerts preview | test`: what a receiver gets, byte for byte, and whether it takes it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from alerts.delivery import specs
from alerts.delivery.answers import translated
from alerts.delivery.card import Card
from alerts.delivery.channel import Channel, Language, Message
from alerts.delivery.channels_file import load_channels, read_channels
from alerts.delivery.message import notification_id
from alerts.delivery.receivers import build
from alerts.delivery.render import card, lock_screen, mail
from alerts.delivery.samples import sample_events, sample_messages
from alerts.delivery.schedule import Reply, decide
from console.alert_display import dumps
from console.alert_log import AlertRefused
from console.exits import told
from console.messages import language, say
from streams import clock
from streams.plain import plain
from streams.records import AlertEvent, Reject, decode, digest
from streams.settings import Settings, load

FAILED: Final = 1  # exit code
READABLE: Final = ("lock-screen", "card", "mail")  # what people read, before any platform's form
SAMPLE: Final = "firing"
# Addresses of nobody, so that a form can be seen before a robot is there. Nothing is ever sent to them.
ADDRESSES: Final = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=preview",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=preview",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/preview",
    "webhook": "https://receiver.example/alerts",
}
TYPES: Final = (*ADDRESSES, "alertmanager", "email")


def messages_in(path: Path) -> Message:
    """The alert events of a file, one JSON object a line or a file, as one message. Raises AlertRefused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AlertRefused(say("alerts.preview.unreadable", file=path, error=error.strerror)) from None
    try:
        events = _events(data)
    except Reject as reject:
        raise AlertRefused(say("alerts.preview.no_event", file=path, error=plain(str(reject), 300))) from None
    at = max(event.at for event in events)
    return Message(id="preview", at=at, why="first", events=events)


def _events(data: bytes) -> tuple[AlertEvent, ...]:
    try:
        return (decode(data, AlertEvent),)
    except Reject:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return tuple(decode(line, AlertEvent) for line in lines)


def sample(name: str) -> Message:
    """One of the invented messages. Raises AlertRefused naming those that there are."""
    found = sample_messages()
    if name not in found:
        raise AlertRefused(say("alerts.preview.no_sample", name=plain(name, 60), known=", ".join(found)))
    return found[name]


def channel_named(settings: Settings, name: str, lang: Language | None) -> Channel:
    """The configured receiver of that name, or one of that type that exists nowhere. Raises AlertRefused."""
    described = read_channels(settings.channels).receivers if settings.channels is not None else ()
    for spec in described:
        if spec.name == name:
            return build(spec if lang is None else msgspec.structs.replace(spec, language=lang), settings)
    if name in TYPES:
        return _of_type(settings, name, lang or cast(Language, language()))
    found = {channel.name: channel for channel in load_channels(settings)[0]}
    if name not in found:
        known = ", ".join((*found, *READABLE, *TYPES))
        raise AlertRefused(say("alerts.preview.no_channel", name=plain(name, 60), known=known))
    return found[name]


def _of_type(settings: Settings, type_: str, lang: Language) -> Channel:
    common: dict[str, Any] = {"name": "preview", "language": lang}
    if type_ == "alertmanager":
        return build(specs.AlertmanagerSpec(url="https://alertmanager.example/", **common), settings)
    if type_ == "email":
        to = ("desk@bank.example",)
        return build(specs.EmailSpec(host="mail.example", sender="tocsin@bank.example", to=to, **common), settings)
    kind = {"dingtalk": specs.DingTalkSpec, "wecom": specs.WeComSpec, "feishu": specs.FeishuSpec}.get(type_)
    with tempfile.TemporaryDirectory() as folder:  # a description names files of secrets, it holds none
        address, secret = Path(folder) / "address", Path(folder) / "secret"
        for path, text in ((address, ADDRESSES[type_]), (secret, f"whsec_{'A' * 43}=")):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        if kind is not None:
            return build(kind(url_file=str(address), **common), settings)
        common |= {"url_file": str(address), "secret_file": str(secret)}
        return build(specs.WebhookSpec(**common), settings)


def preview(
    channel: Annotated[
        str, typer.Option(help="A receiver of TOCSIN_CHANNELS, a type (dingtalk, wecom …), lock-screen, card or mail.")
    ],
    event: Annotated[Path | None, typer.Option(help="File with alert events in JSON, one a line.")] = None,
    sample_name: Annotated[
        str, typer.Option("--sample", help="An invented message; see which with --sample list.")
    ] = "",
    lang: Annotated[
        Literal["en", "zh", "both"] | None, typer.Option(help="Default: the receiver's, else yours.")
    ] = None,
) -> None:
    """What a receiver would get, exactly: each part on standard output, its size on standard error. Nothing is sent."""
    if sample_name == "list":
        for name in sample_messages():
            typer.echo(name)
        return
    with told(refused=(AlertRefused,)):
        if event is not None and sample_name:
            raise AlertRefused(say("alerts.preview.both"))
        message = messages_in(event) if event is not None else sample(sample_name or SAMPLE)
        if channel in READABLE:
            _read_out(channel, message, lang or language())
            return
        made = channel_named(load(), channel, lang)
        _print_parts(_parts(made, message))


def _parts(channel: Channel, message: Message) -> list[bytes]:
    """What would go out: a receiver that takes one event a message gets several messages."""
    if channel.grouped or len(message.events) == 1:
        return list(channel.render(message))
    each = (replace(message, id=notification_id(e.id, channel.id), events=(e,)) for e in message.events)
    return [part for one in each for part in channel.render(one)]


def _print_parts(parts: Sequence[bytes]) -> None:
    """The very bytes into a file or pipe; on a terminal without what would move its cursor."""
    for number, part in enumerate(parts, 1):
        typer.echo(say("alerts.preview.part", number=number, count=len(parts), size=len(part)), err=True)
        if sys.stdout.isatty():
            for line in part.decode("utf-8", "replace").splitlines():
                typer.echo(plain(line))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(part + b"\n")
            sys.stdout.buffer.flush()


def _read_out(form: str, message: Message, lang: str) -> None:
    for one in ("zh", "en") if lang == "both" else (cast(Literal["en", "zh"], lang),):
        if form == "lock-screen":
            _echo(lock_screen(message, one))
        elif form == "card":
            Console().print(card_text(card(message, one)))
        else:
            letter = mail(message, one)
            _echo(f"{letter.subject}\n\n{letter.text}")


def _echo(text: str) -> None:
    """Lines, without what would move a terminal's cursor: the events may come from a file of anybody's."""
    for line in text.splitlines():
        typer.echo(plain(line))


def card_text(of: Card) -> Text:
    """A card as a terminal can show it: links are written out, words worth a look are marked."""
    text = Text(plain(of.title) + "\n", style="bold")
    for block in of.blocks:
        text.append("\n")
        for line in block.lines:
            for span in line:
                text.append(plain(span.text), {"bold": "bold", "mark": "reverse"}.get(span.style, "not bold"))
                text.append(f" <{plain(span.href)}>" if span.href else "", "not bold dim")
            text.append("\n")
    for button in of.buttons:
        text.append(f"\n[{plain(button.label)}] {plain(button.href)}", "not bold")
    return text


def message_for(channel: Channel, at: datetime, namespace: str) -> Message:
    """A marked test about an invented company. For an Alertmanager it is over already: it is taken and rings nobody."""
    event = sample_events()[SAMPLE][0]
    alert = digest("test", channel.id, at.isoformat())
    fields: dict[str, Any] = {
        "id": f"{alert}.{event.sequence}",
        "alert": alert,
        "at": at,
        "since": at - timedelta(minutes=5),
    }
    if channel.type == "alertmanager":
        fields |= {"state": "resolved", "reason": "ended"}
    made = msgspec.structs.replace(event, **fields)
    id_ = notification_id(f"test:{at.isoformat()}", channel.id)
    return Message(id=id_, at=at, why="test", events=(made,), namespace=namespace)


async def send_tests(
    channels: Sequence[Channel], namespace: str, now: Callable[[], datetime]
) -> list[tuple[Channel, Reply]]:
    """One marked test to each, at the same time; the reply to the last part sent. Nothing is retried."""

    async def one(channel: Channel) -> Reply:
        message = message_for(channel, now(), namespace)
        reply = Reply(None, "nothing")
        for part in channel.render(message):
            reply = await channel.send(part, message.id, now())
            if not accepted(reply, now()):
                break
        return reply

    try:
        return list(zip(channels, await asyncio.gather(*map(one, channels)), strict=True))
    finally:
        for channel in channels:
            await channel.close()


def accepted(reply: Reply, now: datetime) -> bool:
    """Whether the receiver took it: by its own words where it has any, else by the status."""
    return reply.answer == "accepted" if reply.answer else decide(reply, 1, now, 0.0).outcome == "delivered"


def send_test(
    channel: Annotated[list[str] | None, typer.Option(help="Name of a receiver; repeat it for several.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All receivers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Send one marked test message and print the receipt: accepted, or refused with code, meaning and remedy."""
    with told(refused=(AlertRefused,)):
        settings = load()
        known = load_channels(settings)[0]
        if bool(channel) == everything:
            names = ", ".join(each.name for each in known) or "-"
            raise AlertRefused(say("alerts.test.which", known=names))
        chosen = list(known) if everything else [_known(known, name) for name in channel or []]
        if not chosen:
            raise AlertRefused(say("alerts.test.none"))
        results = asyncio.run(send_tests(chosen, settings.namespace, clock.now))
    well = [accepted(reply, clock.now()) for _, reply in results]
    if as_json:
        found = [_answer(each, reply, fine) for (each, reply), fine in zip(results, well, strict=True)]
        typer.echo(dumps(found))
        raise typer.Exit(0 if all(well) else FAILED)
    for each, reply in results:
        for line in receipt(each, reply, accepted(reply, clock.now())):
            typer.echo(plain(line))
    raise typer.Exit(0 if all(accepted(reply, clock.now()) for _, reply in results) else FAILED)


def _answer(channel: Channel, reply: Reply, well: bool) -> dict[str, Any]:
    """What a receiver answered, for programs."""
    parts = {part: translated(getattr(reply, part), language()) for part in ("code", "meaning", "fix")}
    return {"channel": channel.name, "type": channel.type, "accepted": well, "status": reply.status, **parts}


def _known(channels: Sequence[Channel], name: str) -> Channel:
    for channel in channels:
        if channel.name == name:
            return channel
    known = ", ".join(channel.name for channel in channels) or "-"
    raise AlertRefused(say("alerts.test.unknown", name=plain(name, 60), known=known))


def receipt(channel: Channel, reply: Reply, well: bool) -> list[str]:
    """What a receiver answered, for people."""
    if well:
        return [say("alerts.test.accepted", channel=channel.name, type=channel.type, reply=str(reply))]
    answer = say(f"alerts.answer.{reply.answer or ('refused' if reply.status else 'unreachable')}")
    lines = [say("alerts.test.refused", channel=channel.name, type=channel.type, answer=answer, reply=str(reply))]
    for part in ("code", "meaning", "fix"):
        if text := translated(getattr(reply, part), language()):
            lines.append("    " + say(f"alerts.test.{part}", text=text))
    return lines


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(preview)
    app.command("test")(send_test)
