"""What the objects in Kibana and the indices behind them are called, with the namespace in each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.dashboards.spec import ViewName

VIEWS: Final[tuple[ViewName, ...]] = ("documents", "alerts", "compared", "replayed")
# The mapping in streams/mappings.json that the indices of a view have.
MAPPING: Final[dict[ViewName, str]] = {
    "documents": "documents",
    "alerts": "alerts",
    "compared": "alerts",
    "replayed": "documents",
}


@dataclass(frozen=True, slots=True)
class Names:
    """Ids and patterns of one namespace: two namespaces share neither dashboards nor data."""

    namespace: str = ""

    def id(self, name: str) -> str:
        """The id of a dashboard: `[a-z0-9-]` only, the same at every import."""
        return "-".join(part for part in ("tocsin", self.namespace, name) if part)

    def view_id(self, view: ViewName) -> str:
        """The id of a data view; no dashboard has it."""
        return self.id(f"{view}-data")

    def pattern(self, view: ViewName) -> str:
        """The indices of a data view."""
        live = f"{self.namespace}-" if self.namespace else ""
        if view == "replayed":
            return self._replays("documents")
        return f"{live}alerts-*,{self._replays('alerts')}" if view == "compared" else f"{live}{view}-*"

    def _replays(self, kind: str) -> str:
        """Indices that `tocsin replay --into NAME` fills. A name holds no dot, a namespace stands before it."""
        if self.namespace:
            return f"replay.{self.namespace}.*.{kind}-*"
        return f"replay.*.{kind}-*,-replay.*.*.{kind}-*"

    @property
    def demo(self) -> bool:
        """Whether everything of this namespace is invented."""
        return self.namespace.startswith("demo-")


@dataclass(frozen=True, slots=True)
class Words:
    """One language: `say` gives the message of a key, `values` what a value of a field is called."""

    say: Callable[[str], str]
    values: Mapping[str, Mapping[str, str]]

    def title(self, key: str, names: Names) -> str:
        """The title of an object, marked where its data is invented."""
        return f"Tocsin {self.say('demo')} {self.say(key)}" if names.demo else f"Tocsin · {self.say(key)}"
