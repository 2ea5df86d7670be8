"""A machine that stays, as docs/operations.md makes one: below a temporary folder, without being its administrator.

Paths of the page are put below the folder by textual substitution. Stand-ins (tests/administrator.py): `sudo` runs the
rest; `useradd` works on the folder; `install` leaves out the owner, whom the real machine does not know; `systemctl
enable --now` makes its links below the folder and notes what is to start, which `Machine.start` then does as the unit
says. `deploy/environment.sh` runs for real; packages that are installed already come from their cache.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.documents import ROOT
from tests.shell import BEFORE, run, surroundings
from tests.units import Unit, environment_file, unit, unit_files

MOVED: Final = re.compile(
    r"(?<![\w./-])/(?=(?:var/lib/tocsin|opt/tocsin|etc/tocsin|etc/systemd/system|usr/local/bin)(?![\w-]))"
)
PROGRAMS: Final = ("sudo", "useradd", "install", "systemctl", "sh", "python-with-uv")
ENDS_WITHIN: Final = 30.0
GIT: Final = ("git", "-c", "user.name=a reader", "-c", "user.email=reader@example.com", "-c", "commit.gpgsign=false")


@dataclass
class Service:
    """A unit that runs."""

    unit: Unit
    process: asyncio.subprocess.Process
    log: Path

    async def stop(self) -> int:
        """What `systemctl stop` does; the exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), ENDS_WITHIN)
        finally:
            if self.process.returncode is None:
                self.process.kill()


@dataclass
class Machine:
    """The folder, and what runs on it."""

    folder: Path
    running: dict[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("etc/systemd/system", "var/lib", "opt", "usr/local/bin", "stand-ins"):
            (self.folder / name).mkdir(parents=True)
        for name in ("passwd", "group"):
            (self.folder / "etc" / name).touch()
        for name in PROGRAMS:
            path = self.folder / "stand-ins" / name
            words = shlex.join([sys.executable, str(ROOT / "tests" / "administrator.py"), name])
            path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
            path.chmod(0o755)

    def below(self, text: object) -> str:
        """The text with the machine's paths below the folder."""
        return MOVED.sub(f"{self.folder}/", str(text))

    def path(self, name: str) -> Path:
        """A path of the machine."""
        return Path(self.below(name))

    async def shell(self, text: str, cwd: Path | None = None) -> str:
        """What the administrator's commands say, which must all end well."""
        variables = surroundings(MACHINE=str(self.folder))
        del variables["PYTHONPATH"]  # nothing of the tests' own clone
        path = f"{self.folder}/stand-ins:{self.folder}/usr/local/bin:{os.environ['PATH']}"
        code, said = await run(BEFORE + self.below(text), cwd or self.folder, variables | {"PATH": path})
        assert (code, "FAILED" in said) == (0, False), f"{text}\n{said[-6000:]}"
        return said

    def write_units(self) -> list[Path]:
        """The units of the page where it says they lie."""
        made = []
        for name, text in unit_files().items():
            path = self.path(str(name))
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.below(text), encoding="utf-8")
            made.append(path)
        return made

    def unit(self, name: str) -> Unit:
        """A unit as it is installed."""
        return unit(name, self.path("/etc/systemd/system"))

    async def execute(self, name: str, setting: str = "Service.ExecStart", **more: str) -> Service:
        """One command of a unit, in its folder and with its variables; nothing else of whoever runs the tests."""
        of = self.unit(name)
        given = environment_file(Path(of.one("Service.EnvironmentFile")))
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        log = self.folder / f"{of.name}{'-otherwise' if more else ''}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(of.one(setting)), cwd=of.one("Service.WorkingDirectory"),
                env=kept | {"PATH": "/usr/local/bin:/usr/bin:/bin"} | given | more,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        return Service(of, process, log)

    async def start(self, name: str) -> None:
        """What `systemctl start` does: a command that ends is waited for, another goes on."""
        service = await self.execute(name)
        if service.unit.settings.get("Service.Type") == ["oneshot"]:
            assert await service.process.wait() == 0, service.log.read_text(encoding="utf-8")
        else:
            self.running[service.unit.name] = service

    async def restart(self, name: str) -> None:
        """Ended well, and started again."""
        assert await self.running.pop(name).stop() == 0
        await self.start(name)

    async def stop(self) -> None:
        """End everything."""
        await asyncio.gather(*(service.stop() for service in self.running.values()))
        self.running.clear()


def tried(folder: Path) -> Path:
    """The clone it was tried in: a repository with the files of this one as they are now."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    commit(folder, "As it was tried")
    return folder


def commit(repository: Path, message: str) -> None:
    """Everything that is there, as a new commit."""
    for words in (("add", "--all"), ("commit", "--quiet", "--message", message)):
        subprocess.run([*GIT, *words], cwd=repository, check=True, stdin=subprocess.DEVNULL)
