"""Alertmanager's API v2 as its OpenAPI description has it: unknown fields and bad label names are 400."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass
class AlertmanagerStub:
    """Keeps alerts by their labels, as the real one does."""

    login: str = ""  # what the header Authorization must be
    alerts: dict[tuple[tuple[str, str], ...], dict[str, Any]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """200, or 400 with a word, or 401."""
        self.paths.append(request.path)
        if request.headers.get("Authorization", "") != self.login:
            return web.Response(status=401)
        if request.content_type != "application/json" or not request.path.endswith("/api/v2/alerts"):
            return web.Response(status=404)
        found = json.loads(await request.read())
        for alert in found:
            if fault := _fault(alert):
                return web.json_response(f"bad request: {fault}", status=400)
        for alert in found:
            self.alerts[tuple(sorted(alert["labels"].items()))] = alert
        return web.Response()

    def firing(self, at: datetime) -> list[dict[str, str]]:
        """Labels of what has not ended at `at`."""
        return [a["labels"] for a in self.alerts.values() if datetime.fromisoformat(a["endsAt"]) > at]


def _fault(alert: dict[str, Any]) -> str:
    if (
        set(alert) - {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
        or "alertname" not in alert["labels"]
    ):
        return "unknown field, or no alertname"
    if not all(LABEL.fullmatch(name) for name in (*alert["labels"], *alert["annotations"])):
        return "invalid label name"
    if not all(alert["labels"].values()) or not alert.get("generatorURL", "http").startswith("http"):
        return "empty label value, or no URL"
    starts, ends = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    return "start time must be before end time" if starts > ends else ""
