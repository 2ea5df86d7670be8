"""`tocsin webhook secret | test | verify`: set up a receiver, see that it hears, and check what it received."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from alerts.delivery.message import notice_body, notification_id
from alerts.delivery.schedule import Reply, decide
from alerts.delivery.webhook import PREFIX, NotAuthentic, Receiver, Webhooks, read_receivers, read_secrets, verify
from console.exits import WRONG_INPUT, WRONG_SETTINGS
from console.messages import say
from streams import clock
from streams.settings import Settings, SettingsError, load

NEW_SECRET_BYTES: Final = 32
FAILED: Final = 1  # exit codes
STDIN: Final = "-"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
app = typer.Typer(help="Webhook receivers: make a secret, send a test, verify a delivery.", no_args_is_help=True)


def new_secret() -> str:
    """A fresh signing secret in the form of the Standard Webhooks specification."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()


def secret() -> None:
    """Make a signing secret. It is printed on standard output, what to do with it on standard error."""
    typer.echo(new_secret())
    typer.echo(say("webhook.secret.how"), err=True)


async def send_tests(settings: Settings, now: Callable[[], datetime]) -> list[tuple[Receiver, Reply]]:
    """Send a test notification to every receiver, once, at the same time. Raises SettingsError."""
    receivers = read_receivers(settings)
    webhooks = Webhooks(settings)
    at = now()

    async def one(receiver: Receiver) -> Reply:
        id_ = notification_id(f"test:{at.isoformat()}", receiver.id)
        return await webhooks.post(receiver, id_, notice_body("test", id_, at, settings.namespace), at)

    try:
        return list(zip(receivers, await asyncio.gather(*(one(r) for r in receivers)), strict=True))
    finally:
        await webhooks.close()


def send_test(as_json: AsJson = False) -> None:
    """Send a signed test notification to every receiver, and say how each answered. Nothing is retried."""
    try:
        results = asyncio.run(send_tests(load(), clock.now))
    except SettingsError as error:
        _stop(str(error), WRONG_SETTINGS)
    if not results:
        _stop(say("webhook.test.none"), WRONG_SETTINGS)
    heard = [decide(reply, 1, clock.now(), 0.0).outcome == "delivered" for _, reply in results]
    if as_json:
        found = [
            {"receiver": receiver.name, "heard": well, "status": reply.status, "error": reply.error or None}
            for (receiver, reply), well in zip(results, heard, strict=True)
        ]
        typer.echo(json.dumps(found, ensure_ascii=False))
        raise typer.Exit(0 if all(heard) else FAILED)
    for (receiver, reply), well in zip(results, heard, strict=True):
        typer.echo(say(f"webhook.test.{'heard' if well else 'failed'}", receiver=receiver.name, reply=reply))
        if not well and reply.error:
            typer.echo(say(f"webhook.test.why.{reply.error}"))
    raise typer.Exit(0 if all(heard) else FAILED)


def verify_file(
    body: Annotated[str, typer.Argument(help="File with the very bytes of the body; - reads standard input.")],
    id_: Annotated[str, typer.Option("--id", help="Header webhook-id.")],
    timestamp: Annotated[str, typer.Option(help="Header webhook-timestamp.")],
    signature: Annotated[str, typer.Option(help="Header webhook-signature.")],
    any_time: Annotated[bool, typer.Option("--any-time", help="Accept a delivery of any age.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a delivery that a receiver got, with the secrets in TOCSIN_WEBHOOK_SECRET."""
    headers = {"webhook-id": id_, "webhook-timestamp": timestamp, "webhook-signature": signature}
    try:
        data = sys.stdin.buffer.read() if body == STDIN else Path(body).read_bytes()
        known = read_secrets(load().webhook_secret)
        verified = verify(known, headers, data, clock.now(), **({"tolerance": None} if any_time else {}))
    except SettingsError as error:
        _stop(str(error), WRONG_SETTINGS)
    except OSError as error:
        _stop(say("webhook.verify.unreadable", file=body, error=error.strerror), WRONG_INPUT)
    except NotAuthentic as error:
        _stop(say("webhook.verify.refused", reason=error), FAILED)
    typer.echo(json.dumps({"id": verified}) if as_json else say("webhook.verify.authentic", id=verified))


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def register(program: typer.Typer) -> None:
    """Add the command group `webhook`."""
    app.command()(secret)
    app.command("test")(send_test)
    app.command("verify")(verify_file)
    program.add_typer(app, name="webhook")
