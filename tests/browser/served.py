"""`tocsin api` as a process of its own, with callers of every role."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
TOKENS = {role: f"an-invented-token-that-may-{role}" for role in ("read", "operate", "admin")}
CALLERS = {"read": "wall", "operate": "li.wei", "admin": "head.desk"}
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True)
class Served:
    """A running API: where it is, and what it answers."""

    url: str
    log: Path

    def ask(self, method: str, path: str, role: str = "admin", body: Any = None, lang: str = "en") -> tuple[int, Any]:
        """Status and JSON of an answer below /api/v1."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {
            "Authorization": f"Bearer {TOKENS[role]}",
            "Content-Type": "application/json",
            "Accept-Language": lang,
        }
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return answer.status, msgspec.json.decode(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, msgspec.json.decode(error.read())

    def get(self, path: str) -> Any:
        """What is there; a refusal is a failure."""
        status, found = self.ask("GET", path)
        assert status == 200, (path, found)
        return found

    def signed_in(self, role: str = "admin") -> str:
        """The address that signs in."""
        return f"{self.url}/#token={TOKENS[role]}"


@contextmanager
def serving(variables: Mapping[str, str], log: Path, **more: str) -> Iterator[Served]:
    """The API under these variables; `more` without their TOCSIN_. It has read everything when the context begins."""
    tokens = "\n".join(f"{CALLERS[role]} {role} {token}" for role, token in TOKENS.items())
    given = {f"TOCSIN_{name.upper()}": value for name, value in {"api_port": "0", "api_tokens": tokens, **more}.items()}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "api"], cwd=ROOT, env=os.environ | dict(variables) | given,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield Served(_current(process, log), log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _current(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        told = log.read_text(encoding="utf-8")
        assert process.poll() is None, told
        if (found := _ADDRESS.search(told)) and _says_current(found[0]):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"not serving within {PATIENCE:.0f} s: {log.read_text(encoding='utf-8')}")


def _says_current(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310
            return b'"current"' in answer.read()
    except OSError:
        return False
