"""A webhook receiver on loopback: verifies every delivery as a careful receiver of ours would."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

PATH: Final = "/alerts"
LARGEST: Final = 64 * 1024  # bytes of a body; the specification asks senders to stay below 20 kB


@dataclass(frozen=True, slots=True)
class Delivery:
    """One accepted delivery: its `webhook-id` and the parsed body."""

    id: str
    body: dict[str, Any]

    @property
    def alert(self) -> dict[str, Any]:
        """The alert event inside the CloudEvents envelope."""
        data: dict[str, Any] = self.body.get("data", {})
        return data


def new_secret() -> str:
    """A fresh signing secret in the form of the Standard Webhooks specification."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(slots=True)
class Receiver:
    """Accepts signed deliveries, each id once, and counts what it refused. `heard` is called for each new one."""

    secret: str
    heard: Callable[[Delivery], None] = lambda _: None
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    repeated: int = 0
    refused: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free loopback port; the URL to deliver to."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(PATH, self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}{PATH}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _receive(self, request: web.Request) -> web.Response:
        data = await request.read()
        headers = dict(request.headers)
        try:
            Webhook(self.secret).verify(data, headers, json_parse=False)
            body = json.loads(data)
        except (WebhookVerificationError, ValueError):  # ValueError: not UTF-8, not base64, not JSON
            self.refused += 1
            return web.json_response({"error": "the signature does not match"}, status=401)
        delivery = Delivery(request.headers["webhook-id"], body)
        if delivery.id in self.deliveries:
            self.repeated += 1  # at-least-once: the same id is the same notification
        else:
            self.deliveries[delivery.id] = delivery
            self.heard(delivery)
        return web.Response(status=204)
