"""Kibana over HTTP: which version answers, and objects into it, each with its outcome.

The key goes to the address of the settings and nowhere else: redirects are not followed. What the server says is cut
and made harmless before anybody reads it. Paths and headers are those of Elastic's documentation.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import aiohttp
from pydantic import SecretStr

from deploy.dashboards.bundle import Bundle, Format
from streams.plain import plain
from streams.settings import Settings

XSRF: Final = {"kbn-xsrf": "true"}
API_VERSION: Final = {"Elastic-Api-Version": "2023-10-31"}
FILE: Final = "tocsin.ndjson"  # Kibana takes no other ending
LIMIT: Final = 4 * 1024 * 1024  # bytes of an answer that are read
REASON: Final = 300  # characters of what a server says that are shown
TIMEOUT: Final = aiohttp.ClientTimeout(total=120, connect=10)
OLDEST: Final = (8, 19)
API_SINCE: Final = (9, 5)
NEWEST: Final = 9  # major version up to which the formats are known
Code = Literal["unreachable", "unauthorised", "not_kibana"]
SPACE: Final = re.compile(r"[a-z0-9_-]{1,100}")


class KibanaError(Exception):
    """Kibana cannot be spoken to. `code` says why, `values` are for the sentence about it."""

    def __init__(self, code: Code, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Version:
    """What answers."""

    text: str
    number: tuple[int, int]
    serverless: bool = False

    @property
    def takes(self) -> Format | None:
        """The format for this version; None where there is none that is known to fit."""
        if self.serverless:
            return "dashboards-api"
        if self.number < OLDEST or self.number[0] > NEWEST:
            return None
        return "dashboards-api" if self.number >= API_SINCE else "saved-objects"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object; `reason` is empty when it is there now."""

    kind: str
    id: str
    reason: str = ""


@dataclass(slots=True)
class Kibana:
    """One Kibana, one space. `url` is fit to be shown, the key is in the session's headers only."""

    url: str
    space: str
    _session: aiohttp.ClientSession = field(repr=False)

    async def version(self) -> Version:
        """The version that answers. Raises KibanaError."""
        status, answer = await self._call("GET", "/api/status", spaced=False)
        number = answer.get("version", {}).get("number", "") if isinstance(answer, dict) else ""
        found = re.match(r"(\d+)\.(\d+)", str(number))
        if status in (401, 403) or (status == 200 and not found and isinstance(answer, dict) and "status" in answer):
            raise KibanaError("unauthorised", url=self.url, status=status)  # without a key the version is withheld
        if status != 200 or not found:
            raise KibanaError("not_kibana", url=self.url, status=status, reason=_reason(answer))
        flavour = answer["version"].get("build_flavor") or answer["version"].get("build_flavour")
        text = plain(str(number), 40)
        return Version(text, (int(found[1]), int(found[2])), flavour == "serverless")

    async def import_file(self, file: bytes, expected: list[tuple[str, str]]) -> list[Outcome]:
        """Saved objects in one file; of each of `expected` (type, id) what became of it. Raises KibanaError."""
        form = aiohttp.FormData()
        form.add_field("file", file, filename=FILE, content_type="application/ndjson")
        status, answer = await self._call("POST", "/api/saved_objects/_import?overwrite=true", data=form)
        if status != 200 or not isinstance(answer, dict):
            return [Outcome(kind, name, _reason(answer, status)) for kind, name in expected]
        refused = {(str(e.get("type")), str(e.get("id"))): _refusal(e) for e in answer.get("errors") or []}
        told = {(str(e.get("type")), str(e.get("id"))) for e in answer.get("successResults") or []}
        missing = "Kibana does not tell what became of it"
        return [
            Outcome(*one, refused.get(one) or ("" if one in told or answer.get("success") is True else missing))
            for one in expected
        ]

    async def put(self, bundle: Bundle) -> list[Outcome]:
        """Data views, then dashboards, one request each. Raises KibanaError when Kibana is gone meanwhile."""
        found = []
        for body in bundle.views:
            status, answer = await self._call("POST", "/api/data_views/data_view", json=body)
            found.append(
                Outcome("data view", body["data_view"]["id"], "" if status == 200 else _reason(answer, status))
            )
        for name, body in bundle.dashboards:
            status, answer = await self._call("PUT", f"/api/dashboards/{name}", json=body, versioned=True)
            found.append(Outcome("dashboard", name, "" if status in (200, 201) else _reason(answer, status)))
        return found

    async def _call(
        self, method: str, path: str, *, spaced: bool = True, versioned: bool = False, **content: Any
    ) -> tuple[int, Any]:
        before = f"/s/{self.space}" if spaced and self.space != "default" else ""
        headers = XSRF | (API_VERSION if versioned else {})
        try:
            async with self._session.request(
                method, f"{self.url}{before}{path}", headers=headers, allow_redirects=False, **content
            ) as response:
                raw = await response.content.read(LIMIT)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KibanaError("unreachable", url=self.url, reason=type(error).__name__) from None
        if status in (301, 302, 303, 307, 308):
            raise KibanaError("unauthorised", url=self.url, status=status)  # to a page where people sign in
        if status == 401:
            raise KibanaError("unauthorised", url=self.url, status=status)
        try:
            return status, json.loads(raw)
        except ValueError:
            return status, raw.decode("utf-8", "replace")


def _outcome(kind: str, name: str, status: int, answer: Any) -> Outcome:
    return Outcome(kind, name, "" if status in (200, 201) else _reason(answer, status))


def _refusal(error: dict[str, Any]) -> str:
    """Why one object of a file was refused."""
    inner = error.get("error") if isinstance(error.get("error"), dict) else {}
    parts = [str(inner.get("type", "")), str(inner.get("message", ""))] if inner else [json.dumps(error)]
    missing = [f"{one.get('type')} {one.get('id')}" for one in (inner or {}).get("references") or []]
    return plain(": ".join(part for part in [*parts, ", ".join(missing)] if part), REASON) or "refused"


def _reason(answer: Any, status: int = 0) -> str:
    """What a server said, short and harmless."""
    text = str(answer.get("message") or answer.get("error") or "") if isinstance(answer, dict) else str(answer)
    return plain(f"HTTP {status}: {text}" if status else text, REASON)


@asynccontextmanager
async def connected(settings: Settings, space: str) -> AsyncIterator[Kibana]:
    """The Kibana of the settings."""
    key: SecretStr = settings.kibana_api_key
    headers = {"Authorization": f"ApiKey {key.get_secret_value()}"} if key.get_secret_value() else {}
    trust = ssl.create_default_context(cafile=str(settings.kibana_ca_file) if settings.kibana_ca_file else None)
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(headers=headers, timeout=TIMEOUT, connector=connector) as session:
        yield Kibana(settings.kibana_url, space, session)
