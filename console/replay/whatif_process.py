"""A what-if in a process of its own: the API goes on answering while the engines count.

The parent hands the question over on standard input; each line that comes back is how far it is, or the end. Cancelled,
the process is ended; when its parent is gone, it ends within a second.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, Final, Literal

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError
from msgspec import Struct

from alerts.rule_files import RuleError, in_force, load_rules
from console.replay.garbage import seldom_collected
from console.replay.source import SourceError
from console.replay.whatif import Result, TooMuch, ask
from console.rule_check import check
from console.rule_store import path_of, root_of
from console.workers import PARENT, follow
from streams.endpoints import EnginesDown, resolve
from streams.gazetteer.watchlist import read_lists
from streams.settings import Settings

LINE: Final = 64 * 1_048_576  # bytes of the longest answer
GRACE: Final = 2.0  # seconds in which a process that is cancelled lets go of Elasticsearch
NICE: Final = 5  # whoever judges the stream now goes first
_answers: BinaryIO = sys.stdout.buffer
Code = Literal["elasticsearch_away", "whatif_too_much", "whatif_no_documents", "rules_in_fault", "whatif_failed"]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked: this text in this file, over the documents of these days."""

    text: str
    file: str
    begin: datetime
    end: datetime


class Told(Struct, frozen=True, kw_only=True):
    """One line of the process."""

    stage: str = ""
    read: int = 0
    total: int = 0
    code: Code | Literal[""] = ""  # what went wrong
    result: Result | None = None


class Failed(RuntimeError):  # noqa: N818 - what happened
    """There is no answer; `code` says why, `count` how many documents there are."""

    def __init__(self, code: Code, count: int = 0) -> None:
        super().__init__(code)
        self.code: Code = code
        self.count = count


async def asked(settings: Settings, question: Question, heard: Callable[[Told], None]) -> Result:
    """The answer of a process that ends with this call. Raises Failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.replay.whatif_process",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE,
        env=os.environ | {PARENT: str(os.getpid())},
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
    try:
        process.stdin.write(pickle.dumps((settings, question)))
        process.stdin.close()
        async for line in process.stdout:
            told = msgspec.json.decode(line, type=Told)
            if told.code:
                raise Failed(told.code, told.total)
            if told.result is not None:
                return told.result
            heard(told)
        raise Failed("whatif_failed")
    except (ConnectionError, ValueError):  # it died while it read, or what it wrote is no answer
        raise Failed("whatif_failed") from None
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, so that Elasticsearch need not hold for it what it was reading; soon, end it."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()


async def answer(settings: Settings, question: Question) -> Told:
    """What the process says at its end. It can be asked to end before."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it is running
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    before = in_force(load_rules(root_of(settings)), read_lists(settings.watchlist))
    found = check(settings, question.text, path_of(settings, question.file))
    if found.faults:
        return Told(code="rules_in_fault")
    url = resolve(settings, "elasticsearch").elasticsearch
    sets = (before, found.rules)
    return Told(result=await ask(settings, url, sets, question.begin, question.end, _progress))


def _progress(stage: str, read: int, total: int) -> None:
    _say(Told(stage=stage, read=read, total=total))


def _say(told: Told) -> None:
    _answers.write(msgspec.json.encode(told) + b"\n")
    _answers.flush()


def main() -> None:
    """Read the question, answer it. Standard output is for answers alone: what else is printed goes to the log."""
    global _answers
    _answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if (parent := os.environ.get(PARENT, "")).isdigit():
        follow(int(parent))
    os.nice(NICE)
    settings, question = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - of the parent, which is this program
    try:
        with seldom_collected():
            told = asyncio.run(answer(settings, question))
    except asyncio.CancelledError:
        return  # nobody waits for it
    except RuleError:
        told = Told(code="rules_in_fault")
    except TooMuch as error:
        told = Told(code="whatif_too_much", total=error.count)
    except SourceError:
        told = Told(code="whatif_no_documents")
    except (EnginesDown, TransportError, ApiError):
        told = Told(code="elasticsearch_away")
    _say(told)


if __name__ == "__main__":
    main()
