"""What lies outside of a reader's machine: a site with a feed, and a chat robot that says when it was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from tests.receivers.robots import DingTalkPlatform

RSS: Final = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>Example</title><item>'
    "<title>Quenlith Semiconductor opens a second plant</title><guid>feed-1</guid></item></channel></rss>"
)


@dataclass
class Outside:
    """A site with a feed, and a chat robot that touches a file when it was told of a subject."""

    heard: Path
    about: str
    robot: DingTalkPlatform = field(default_factory=lambda: DingTalkPlatform(token="TOKEN", keyword="Tocsin"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The feed, or what the robot says."""
        if request.path == "/markets.rss":
            return web.Response(text=RSS, content_type="application/rss+xml")
        if request.path != "/robot/send":
            return web.Response(status=404)
        answered = await self.robot.answer(request)
        if any(self.about in str(message) for message in self.robot.taken):
            self.heard.touch()
        return answered
