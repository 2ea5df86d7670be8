"""What the stack needs to know of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Ports = Mapping[str, int]
Check = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one engine: program and arguments, files it reads (written first), variables added.

    `content` stands for what else it serves: a running engine is restarted when
    this, the arguments or the files differ. `secret`: a piece of the arguments that is hidden from other users of the
    machine, who can read them, as soon as the program has.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    content: str = ""
    secret: str = field(default="", repr=False)


class Engine(Protocol):
    """One engine: where its files come from, how it starts, how it says that it is ready."""

    name: str

    @property
    def ports(self) -> Ports:
        """Each port by its use, with the number preferred."""

    def install(self, say: Callable[[str], None]) -> Path:
        """Folder of its programs in the cache, downloaded when needed."""

    def checks(self) -> dict[str, Check]:
        """What it needs from this machine, by name; a check returns what it found or raises EngineError."""

    def cached(self) -> bool:
        """Whether nothing needs to be downloaded."""

    def launch(self, home: Path, data: Path, ports: Ports) -> Launch:
        """How to start it with its state in `data`; may prepare that folder."""

    def addresses(self, ports: Ports) -> dict[str, str]:
        """What `engines.json` tells the workers."""

    def external(self) -> str:
        """The user's own address from the settings; empty: the local engine is wanted."""

    async def probe(self, address: str) -> str:
        """Empty when the engine at `address` serves, else what it answered."""
