"""What a person sees of the demo: a live line and the alerts on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text

from console.demo.texts import companies
from console.messages import say
from streams.plain import plain

PLAIN_EVERY: Final = 5.0  # seconds between two lines of progress where no terminal redraws them
STORIES_SHOWN: Final = 3
STYLES: Final = {"critical": "bold white on red", "warning": "bold black on yellow", "info": "bold"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the day has got."""

    total: int
    sent: int = 0
    rejected: int = 0
    indexed: int = 0
    unjudged: int = 0
    duplicates: int = 0
    alerts: int = 0
    per_second: float = 0.0
    event_time: datetime | None = None


class Display:
    """Writes to one console in one language. Use it as a context; times are counted from its creation."""

    def __init__(self, console: Console, lang: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.lang = lang
        self._console = console
        self._monotonic = monotonic
        self._began = monotonic()
        self._printed = -PLAIN_EVERY
        self._live: Live | None = None
        self._downloads: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.rest()

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return self._monotonic() - self._began

    def rest(self) -> None:
        """Stop redrawing; what was printed stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def line(self, key: str, style: str = "", **values: Any) -> None:
        """One sentence of the demo, with the seconds since the start before it."""
        self.message(f"demo.{key}", style, **values)

    def message(self, key: str, style: str = "", **values: Any) -> None:
        """Any message of the catalogue, in the same form."""
        words = plain(say(key, self.lang, **values))
        self._console.print(Text.assemble((self._stamp(), "dim"), (words, style)), soft_wrap=True)

    def _stamp(self) -> str:
        return f"{self.elapsed:6.1f} s  "

    def plain(self, text: str, style: str = "") -> None:
        """Text as it is; nothing in it is read as markup."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    def progress(self, now: Progress) -> None:
        """Redraw, or print a line now and then where nothing can be redrawn."""
        sentence = say(
            "demo.progress",
            self.lang,
            clock="--:--" if now.event_time is None else f"{now.event_time:%H:%M}",
            sent=now.sent,
            total=now.total,
            indexed=now.indexed,
            unjudged=now.unjudged,
            duplicates=now.duplicates,
            rejected=now.rejected,
            rate=f"{now.per_second:.0f}",
            alerts=now.alerts,
        )
        if self._console.is_terminal:
            self._draw(now, sentence)
        elif self.elapsed - self._printed >= PLAIN_EVERY:
            self._printed = self.elapsed
            self._console.print(Text(f"{self._stamp()}{sentence}"), soft_wrap=True)

    def _draw(self, now: Progress, sentence: str) -> None:
        bar = ProgressBar(total=max(1, now.total), completed=now.sent + now.rejected)
        panel = Panel(Group(Text(sentence), bar), title=say("demo.title", self.lang), border_style="cyan")
        if self._live is None:
            self._live = Live(panel, console=self._console, refresh_per_second=4)
            self._live.start()
        else:
            self._live.update(panel)

    def engine(self, name: str, event: str, detail: str) -> None:
        """What an engine does now. Downloads are told every few seconds."""
        if event == "downloading":
            if self.elapsed - self._downloads.get(name, -PLAIN_EVERY) < PLAIN_EVERY:
                return
            self._downloads[name] = self.elapsed
        self.message(f"engines.events.{event}", engine=name, detail=detail)

    def alert(self, alert: Mapping[str, Any], notification: str) -> None:
        """An alert as it arrived at the receiver: what is said of it, and the stories behind it."""
        state = str(alert.get("state"))
        style = STYLES.get(str(alert.get("severity")), "bold") if state != "resolved" else "bold green"
        text = alert.get("text", {})
        self._console.print(
            Text.assemble(
                (self._stamp(), "dim"),
                (f" {say(f'demo.state.{state}', self.lang)} ", style),
                f" {plain(str(text.get(self.lang, '')))}",
            ),
            soft_wrap=True,
        )
        if state != "resolved":
            for story in alert.get("evidence", [])[:STORIES_SHOWN]:
                self._console.print(Text(f"            {self._story(story)}", style="dim"), soft_wrap=True)
        self._console.print(
            Text(f"            {say('demo.verified', self.lang, id=plain(notification))}", style="dim"), soft_wrap=True
        )

    def verdict(self, result: Mapping[str, Any]) -> None:
        """The answers at the end: every check, every company, how long it took."""
        for company, ring in result["companies"].items():
            key = f"ring.{'must' if ring['must_ring'] else 'must_not'}.{'ok' if ring['ok'] else 'wrong'}"
            values = {"company": companies()[company].called(self.lang), "why": ring["because"][self.lang]}
            times = {name: _clock(ring[name]) for name in ("rang_at", "resolved_at")}
            self.line(key, "" if ring["ok"] else "bold red", **values, **times)
        for check in result["checks"]:
            values = {name: value for name, value in check.items() if name not in ("name", "ok")}
            mark = say(f"demo.{'right' if check['ok'] else 'wrong'}", self.lang)
            words = say(f"demo.check.{check['name']}", self.lang, **values)
            self.plain(f"{mark} {words}", "green" if check["ok"] else "bold red")
        timings = ", ".join(
            f"{say(f'demo.phase.{name}', self.lang)} {value:.1f} s" for name, value in result["seconds"].items()
        )
        self.plain(say("demo.timings", self.lang, timings=timings))
        key = "ok" if result["ok"] else "failed"
        self.line(key, "bold green" if result["ok"] else "bold red")

    def _story(self, story: Mapping[str, Any]) -> str:
        return plain(
            say(
                "demo.story",
                self.lang,
                copies=story.get("copies"),
                headline=story.get("headline"),
                source=story.get("source"),
                negative=f"{float(story.get('negative', 0)):.0%}",
            )
        )


def _clock(at: str | None) -> str:
    return "-" if at is None else f"{datetime.fromisoformat(at):%H:%M}"
