"""A small past for the tests: mentions of two invented companies, rows, rules, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from streams.records import Mention, RawItem, encode
from streams.settings import Settings
from tests.unit.alerts.signals import at, mention

RULES = """\
rules:
  - name: three-stories
    type: threshold
    scope: {subject: entity}
    window: 30m
    at_least: 3
    keep_firing_for: 10m
  - name: far-more
    type: surge
    scope: {subject: entity}
    window: 1h
    min_count: 3
    p: 0.01
"""
TRUTH = """\
events:
  - {subject: "entity:acme", onset: "2026-01-05T10:00:00Z", note: recall of the anvil}
  - {subject: "entity:other", onset: "2026-01-05T17:00:00Z", kind: control}
"""


def crises() -> list[Mention]:
    """A quiet day of two companies with a crisis each, in order of time."""
    quiet = [mention(60 * n, f"q{n}", 0.1, subject=f"entity:{'acme' if n % 2 else 'other'}") for n in range(24)]
    acme = [mention(605 + 3 * n, f"a{n}", 0.9, author=f"p{n}") for n in range(8)]
    other = [mention(1000 + 4 * n, f"o{n}", 0.95, subject="entity:other", name="Other") for n in range(5)]
    return sorted([*quiet, *acme, *other], key=lambda m: (m.collected_at, m.document))


def items(count: int = 6) -> list[RawItem]:
    """Raw items about Acme."""
    return [
        RawItem(
            source="wire", native_id=f"n{n}", kind="news", title=f"Acme recalls anvil model {n}",
            text=f"The company Acme said on day {n} that anvils fall.", lang="en", published_at=at(n),
            published_how="stated", collected_at=at(n),
        )
        for n in range(count)
    ]  # fmt: skip


def lines(path: Path, records: Sequence[Struct]) -> Path:
    """A file of records."""
    path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    return path


def settings(folder: Path) -> Settings:
    """Settings with a state folder of their own and a watchlist with Acme."""
    watchlist = folder / "watchlist.yaml"
    watchlist.write_text("- {id: acme, name: Acme, aliases: [Acme]}\n", encoding="utf-8")
    return Settings(state_dir=folder / "state", watchlist=watchlist)
