"""What a check of this installation found: in words, with reason and remedy. Shared by `doctor` and `config`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.messages import say
from deploy.faults import EngineError
from streams.plain import plain

STYLES: Final = {"ok": "green", "ill": "bold red", "note": "yellow", "none": "dim"}  # by sign
INDENT: Final = 5  # cells before a text

Check = Callable[[], str]  # returns what was found, raises Told or EngineError


class Told(RuntimeError):  # noqa: N818 - reads as what it says
    """What a check has to say beyond "well". Its words are `doctor.told.<code>` with `what`, `why` and `fix`.

    `ok` False: a fault; True: it works, and a word is in place; None: it was not checked.
    """

    def __init__(self, code: str, ok: bool | None = False, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.ok = ok
        self.values = values


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `ok` None: not checked, and `why` says why not; True with a `fix`: advice."""

    name: str
    ok: bool | None
    what: str
    why: str = ""
    fix: str = ""
    title: str = ""  # what was looked at; empty where `what` says it

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        what = say("doctor.line", title=self.title, what=self.what) if self.title else self.what
        return {"name": self.name, "ok": self.ok, "what": what, "why": self.why, "fix": self.fix}


def look(name: str, check: Check) -> Finding:
    """Run one check."""
    title = say(f"doctor.checks.{name}")
    try:
        return Finding(name, True, plain(check(), 500), title=title)
    except EngineError as error:
        words = (say(f"engines.errors.{error.code}.{part}", **error.values) for part in ("what", "why", "fix"))
        return Finding(name, False, *words)
    except Told as told:
        what, why, fix = (say(f"doctor.told.{told.code}.{part}", **told.values) for part in ("what", "why", "fix"))
        return Finding(name, told.ok, what, why, fix, title)


def look_at_all(checks: Mapping[str, Check], seconds: float) -> list[Finding]:
    """Run the checks side by side; one that has not ended after `seconds`, or that fails itself, was not checked.

    Their threads are daemons: one that hangs keeps nobody from ending the program.
    """
    running: dict[str, Future[Finding]] = {name: Future() for name in checks}
    for name, check in checks.items():
        threading.Thread(target=_fill, args=(running[name], name, check), daemon=True).start()
    until = time.monotonic() + seconds
    return [_waited(name, future, until, seconds) for name, future in running.items()]


def _fill(future: Future[Finding], name: str, check: Check) -> None:
    try:
        future.set_result(look(name, check))
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others found
        future.set_result(_untold(name, "broken", error=type(error).__name__))


def _waited(name: str, future: Future[Finding], until: float, seconds: float) -> Finding:
    try:
        return future.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        return _untold(name, "late", seconds=f"{seconds:g}")


def _untold(name: str, code: str, **values: Any) -> Finding:
    def check() -> str:
        raise Told(code, None, **values)

    return look(name, check)


def show(findings: Sequence[Finding], title: str = "") -> None:
    """For people: a line each, with reason and remedy where there is something to do; what says the same, once."""
    console = Console(highlight=False)
    if title:
        console.print(Text(f"\n{title}", style="bold"))
    for _, alike in groupby(findings, key=lambda each: (each.why, each.fix) if each.ok is None else id(each)):
        same = list(alike)
        _show(console, same[0], [each.title for each in same])


def _show(console: Console, found: Finding, titles: Sequence[str]) -> None:
    sign = "none" if found.ok is None else "ill" if not found.ok else "note" if found.fix else "ok"
    first, *more = found.what.splitlines() or [""]
    titles = [title for title in titles if title]
    line = say("doctor.line", title=say("doctor.and").join(titles), what=first) if titles else first
    told = [*more, *([say("engines.lines.why", why=found.why)] if found.why else [])]
    told += [say("engines.lines.fix", fix=found.fix)] if found.fix else []
    hanging(console, Text(say(f"doctor.signs.{sign}"), style=STYLES[sign]), Text(line))
    for text in told:
        hanging(console, Text(), Text(text))


def hanging(console: Console, sign: Text, text: Text, indent: int = INDENT) -> None:
    """A sign and a text whose further lines stand below its first; one line each where nobody reads on a screen."""
    if not console.is_terminal:
        console.print(Text(sign.plain + " " * (indent - sign.cell_len)).append(text), soft_wrap=True)
        return
    table = Table.grid(padding=0)
    table.add_column(width=indent, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(sign, text)
    console.print(table)


def dumps(findings: Sequence[Finding]) -> str:
    """For programs: one JSON list."""
    return json.dumps([each.as_dict() for each in findings], ensure_ascii=False, indent=1)
