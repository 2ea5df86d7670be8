"""`tocsin score`: JSONL in, verdicts out, line for line in the same order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, BinaryIO, Final, Literal

import msgspec
import typer

from console.exits import told
from console.messages import say
from models.client import BadText, ModelRefused, Scorer, Unjudged, Verdict
from models.labels import HEADS
from models.text import about, unmarked
from streams.endpoints import resolve
from streams.language import detect
from streams.scoring import create_scorer
from streams.settings import Settings, load

LINES_IN_FLIGHT: Final = 1024  # read but not yet written: enough to fill requests of like length, and a bound on memory
START_SECONDS: Final = 60.0  # until it is said that Triton does not answer
BAD_LINES: Final = 1  # exit code

Answer = dict[str, Any]
Score = Callable[[str, str, str], Awaitable[Verdict | Unjudged]]


class Query(msgspec.Struct):
    """One line of input; other fields are ignored."""

    text: str
    lang: Annotated[str, msgspec.Meta(max_length=35)] = ""
    company: Annotated[str, msgspec.Meta(max_length=256)] = ""  # as named in the text: the verdict is about it
    kind: Literal["", "news", "chat"] = ""  # of source, where known: its own temperature is used


class BadLine(ValueError):  # noqa: N818 - what happened
    """A line that cannot be judged, and why."""


def lines(source: BinaryIO, limit: int) -> Iterator[bytes | None]:
    """Each line without its end; None for one longer than `limit` bytes, which is skipped without being kept."""
    while line := source.readline(limit + 1):
        if len(line) > limit and not line.endswith(b"\n"):
            while (rest := source.readline(limit)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield line.rstrip(b"\r\n")


def read_query(line: bytes | None, limit: int) -> Query:
    """The query on a line. Raises BadLine."""
    if line is None:
        raise BadLine(f"the line is longer than {limit} bytes")
    try:
        return msgspec.json.decode(line, type=Query)
    except msgspec.DecodeError as error:
        raise BadLine(f'expected {{"text": "...", "lang": "...", "company": "...", "kind": "news"}}: {error}') from None
    except UnicodeDecodeError:
        raise BadLine("the line is not UTF-8") from None


def language_of(query: Query) -> str:
    """The stated language as its two-letter code, or the one the text is in."""
    stated: str = re.split("[-_]", query.lang.strip().lower(), maxsplit=1)[0]
    return stated or detect(query.text)


async def answer(line: bytes | None, number: int, settings: Settings, score: Score) -> Answer:
    """What is written for line `number` (from 1). Raises ModelRefused."""
    try:
        query = read_query(line, settings.record_limit)
        lang = language_of(query)
        text = query.text[: settings.text_limit]
        verdict = await score(about(text, [query.company]) if query.company else unmarked(text), lang, query.kind)
    except (BadLine, BadText) as error:
        return {"error": str(error), "line": number}
    if isinstance(verdict, Unjudged):
        blank = dict.fromkeys((*HEADS, "abstained", "lang", "model", "version")) | {"lang": lang}
        return blank | {"unjudged": verdict.reason}
    return {
        **{head: _rounded(getattr(verdict, head)) for head in HEADS},
        "abstained": verdict.abstained,
        "lang": lang,
        "model": verdict.model,
        "version": verdict.version,
    }


def _rounded(probabilities: dict[str, float]) -> dict[str, float]:
    return {label: round(value, 6) for label, value in probabilities.items()}


class Flow:
    """Lines from a thread that may block, answered at once, written in order; a bounded number under way."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, settings: Settings, score: Score) -> None:
        self._source, self._sink = source, sink
        self._settings, self._score = settings, score
        self._order: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue()
        self._room = threading.Semaphore(LINES_IN_FLIGHT)
        self._open = True

    async def run(self) -> int:
        """Number of bad lines, once the input has ended. Raises ModelRefused."""
        loop = asyncio.get_running_loop()
        # A daemon: a read that blocks on a terminal must not keep the program from ending.
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        bad = 0
        try:
            while (task := await self._order.get()) is not None:
                result = await task
                bad += "error" in result
                self._sink.write(msgspec.json.encode(result) + b"\n")
                self._room.release()
                if self._order.empty():
                    self._sink.flush()
        finally:
            self._open = False
            self._room.release()  # lets the reading thread see that it is over
            await self._forget()
        self._sink.flush()
        return bad

    async def _forget(self) -> None:
        """End what was begun for lines that will not be written."""
        left = [task for _ in range(self._order.qsize()) if (task := self._order.get_nowait()) is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed after a fault, nobody waits for more
            for number, line in enumerate(lines(self._source, self._settings.record_limit), start=1):
                self._room.acquire()
                if not self._open:
                    return
                loop.call_soon_threadsafe(self._accept, line, number)
            loop.call_soon_threadsafe(self._order.put_nowait, None)

    def _accept(self, line: bytes | None, number: int) -> None:
        self._order.put_nowait(asyncio.ensure_future(answer(line, number, self._settings, self._score)))


async def run(settings: Settings, scorer: Scorer, url: str, source: BinaryIO, sink: BinaryIO) -> int:
    """Answer every line; the number of bad ones. Raises ModelRefused, and TimeoutError when Triton does not answer."""
    try:
        await asyncio.wait_for(scorer.start(), START_SECONDS)
        return await Flow(source, sink, settings, lambda text, lang, kind: scorer.score(text, lang, kind=kind)).run()
    except TimeoutError:
        raise TimeoutError(say("score.silent", address=url, seconds=int(START_SECONDS))) from None
    finally:
        await scorer.stop()


def score() -> None:
    """Judge JSONL from standard input: {"text": ...} a line; "lang", "company" and "kind" (news, chat) may be added."""
    try:
        with told(settings=(ModelRefused,), unavailable=(TimeoutError,)):
            settings = load()
            url = resolve(settings, "triton").triton
            # Not sys.stdin: its lock, held by a thread that still reads, would abort the interpreter at its end.
            source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
            bad = asyncio.run(run(settings, create_scorer(settings, url), url, source, sys.stdout.buffer))
    except BrokenPipeError:  # the reader has gone, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BAD_LINES) from None
    if bad:
        typer.echo(say("score.bad_lines", count=bad), err=True)
        raise typer.Exit(BAD_LINES)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score)
