"""Kibana as doctor sees it: whether it answers to the key, and which form of dashboards it takes."""

from __future__ import annotations

import asyncio

import aiohttp

from console.findings import Told
from deploy.dashboards.kibana import KibanaError, Version, connected
from streams.plain import plain
from streams.settings import Settings


def kibana(settings: Settings) -> str:
    """Its version. Told where it cannot be spoken to."""
    try:
        found = asyncio.run(_version(settings))
    except KibanaError as error:
        raise Told(f"kibana_{error.code}", address=plain(settings.kibana_url, 200)) from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Told("away", None, engine="Kibana", error=type(error).__name__) from None
    if found.takes is None:
        raise Told("kibana_version", True, found=found.text)
    return found.text


async def _version(settings: Settings) -> Version:
    async with connected(settings, "") as asked:
        return await asked.version()
