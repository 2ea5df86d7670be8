"""Where the engines are: the user's own addresses, else those of the local stack in `<state_dir>/engines.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from streams.settings import Settings

FILE = "engines.json"


class EnginesDown(RuntimeError):  # noqa: N818 - reads as what it says
    """No address is known for an engine; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses a worker needs: `kafka` host:port list, `elasticsearch` URL, `triton` gRPC host:port."""

    kafka: str
    elasticsearch: str
    triton: str


def local(settings: Settings) -> dict[str, str]:
    """Addresses the local stack wrote, by engine; empty when it was never started."""
    path = Path(settings.state_dir) / FILE
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EnginesDown(f"{path} is damaged ({error}). Delete it and run: tocsin up") from None
    return found


def resolve(settings: Settings, *needed: str) -> Endpoints:
    """The three addresses, or EnginesDown naming each engine of `needed` (default: all) that has none."""
    given = {
        "kafka": settings.kafka_bootstrap,
        "elasticsearch": settings.elasticsearch_url,
        "triton": settings.triton_url,
    }
    found = local(settings) if not all(given.values()) else {}
    addresses = {name: value or found.get(name, "") for name, value in given.items()}
    missing = [name for name, value in addresses.items() if not value and name in (needed or addresses)]
    if missing:
        variable = {"kafka": "KAFKA_BOOTSTRAP", "elasticsearch": "ELASTICSEARCH_URL", "triton": "TRITON_URL"}
        names = ", ".join(f"TOCSIN_{variable[name]}" for name in missing)
        raise EnginesDown(f"no {', '.join(missing)} is running here. Start them: tocsin up. Or name your own: {names}")
    return Endpoints(**addresses)
