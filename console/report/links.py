"""Where a statement can be checked: the console's page of the documents or alert behind it. Pure.

Without TOCSIN_PUBLIC_URL nobody knows where the console is, and there are no such links.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from console.opinion.span import Span


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses below the console's; empty without one."""

    public_url: str = ""

    def documents(self, span: Span, **filters: str) -> str:
        """The documents of a span that a filter means."""
        chosen = {name: value for name, value in filters.items() if value}
        return self._page("documents", {**chosen, "from": stamp(span.begin), "to": stamp(span.end)})

    def document(self, id_: str) -> str:
        """One document."""
        return self._page(f"documents/{quote(id_, safe='')}")

    def alert(self, id_: str) -> str:
        """One alert."""
        return self._page(f"alerts/{quote(id_, safe='')}")

    def start(self) -> str:
        """The console."""
        return self._page("now")

    def _page(self, path: str, query: dict[str, str] | None = None) -> str:
        if not self.public_url:
            return ""
        return f"{self.public_url.rstrip('/')}/#/{path}" + (f"?{urlencode(query)}" if query else "")


def stamp(at: datetime) -> str:
    """A time in UTC. With `Z` and without a plus sign, which addresses lose on their way through chat tools."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
