"""The rule files in use: what they say, who may write them, and how one takes the place of another in one step.

Shipped rules are never written, nor anything but a plain file directly in the folder that TOCSIN_RULES names. What a
file said before is kept in the state folder. The running detector looks at the files itself (`alerts.rulebook`).
"""

from __future__ import annotations

import fcntl
import glob
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from alerts.rule_files import PRESET, PRESETS, SHIPPED, TEST_END
from streams.records import digest
from streams.settings import Settings

NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,80}\.yaml")
DEMO: Final = Path(__file__).parent / "demo"  # whose rules are in use where a demo names no others
HISTORY: Final = "rules-history"  # in the state folder
KEPT: Final = 100  # former versions
MODE: Final = 0o644
Why = Literal["", "shipped", "missing", "link", "forbidden"]


class NotWritable(ValueError):  # noqa: N818 - what is so
    """The file cannot be written; `why` says what is in the way."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class FileChanged(ValueError):  # noqa: N818 - what happened
    """The file says something else than whoever writes it has read."""


class NoSuchFile(LookupError):  # noqa: N818 - what is so
    """The name is none of a rule file that there is or could be."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file as it is now. `hash` is of its text."""

    name: str  # as it is asked for; presets as `preset:NAME`
    path: Path
    text: str
    hash: str
    writable: bool


def root_of(settings: Settings) -> Path:
    """The file or folder whose rules are in use."""
    return settings.rules or SHIPPED


def hash_of(text: str) -> str:
    """Names what a file says."""
    return digest(text)


def why_not(settings: Settings) -> Why:
    """What keeps the rules in use from being written; empty when nothing does."""
    if settings.rules is None:
        return "shipped"
    root = settings.rules
    if not root.exists():
        return "missing"
    folder = root if root.is_dir() else root.parent
    if _is_ours(folder.resolve()):
        return "shipped"
    if root.is_symlink() and not root.is_dir():
        return "link"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "forbidden"


def rule_file(settings: Settings, path: Path) -> RuleFile:
    """A file that was read for the rules in use. Raises OSError, UnicodeDecodeError."""
    text = path.read_bytes().decode("utf-8")  # with the line ends that it has: they are part of what it says
    root = root_of(settings)
    own = path.resolve().parent == _folder(root) and (root.is_dir() or path.resolve() == root.resolve())
    writable = own and not why_not(settings) and not path.is_symlink()
    return RuleFile(_name(path, _folder(root)), path, text, hash_of(text), writable)


def _name(path: Path, folder: Path) -> str:
    if path.resolve().parent == PRESETS.resolve():
        return PRESET + path.stem
    found = path.resolve()
    return str(found.relative_to(folder)) if found.is_relative_to(folder) else found.name


def path_of(settings: Settings, name: str) -> Path:
    """Where the file of this name is, or would be. Raises NoSuchFile for a name that is none."""
    root = root_of(settings)
    if not NAME.fullmatch(name) or name.endswith(TEST_END) or (not root.is_dir() and name != root.name):
        raise NoSuchFile(name)
    return (root if root.is_dir() else root.parent) / name


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """While the body runs nobody else saves rules through here; a process that dies lets go. Raises NotWritable."""
    if why := why_not(settings):
        raise NotWritable(why)
    handle = os.open(_folder(root_of(settings)), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Draft:
    """A new text of a file, durable beside it, that takes its place with `put`; `discard` forgets it. For within
    `alone`."""

    def __init__(self, settings: Settings, name: str, text: str, was: str) -> None:
        """`was`: hash of the text that whoever writes has read; empty: there was no such file. Raises NoSuchFile,
        NotWritable, FileChanged, OSError."""
        self.path = path_of(settings, name)
        if why := why_not(settings):
            raise NotWritable(why)
        if self.path.is_symlink():
            raise NotWritable("link")
        self._settings = settings
        self.former = _read(self.path)
        if (hash_of(self.former) if self.former is not None else "") != was:
            raise FileChanged(name)
        mode = self.path.stat().st_mode & 0o777 if self.former is not None else MODE
        for left in self.path.parent.glob(f".{glob.escape(name)}.*.new"):
            left.unlink(missing_ok=True)  # of one that was killed: nobody else writes now, see `alone`
        handle, made = tempfile.mkstemp(dir=self.path.parent, prefix=f".{name}.", suffix=".new")
        self._new = Path(made)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._new.chmod(mode)

    def put(self, at: datetime) -> None:
        """Replace the file in one step; what it said before is kept first. Raises OSError."""
        if self.former is not None:
            _keep(self._settings, self.path.name, self.former, at)
        self._new.replace(self.path)

    def discard(self) -> None:
        """Nothing is written."""
        self._new.unlink(missing_ok=True)


def former_texts(settings: Settings) -> Iterator[str]:
    """What rule files said before, the newest first."""
    for path in reversed(_kept(settings)):
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # removed by a later one, or damaged


def _keep(settings: Settings, name: str, text: str, at: datetime) -> None:
    folder = settings.state_dir / HISTORY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%f}Z--{name}").write_text(text, encoding="utf-8")
    for old in _kept(settings)[:-KEPT]:
        old.unlink(missing_ok=True)


def _kept(settings: Settings) -> list[Path]:
    return sorted((settings.state_dir / HISTORY).glob("*Z--*.yaml"))


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise FileChanged(path.name) from None


def _folder(root: Path) -> Path:
    return (root if root.is_dir() else root.parent).resolve()


def _is_ours(folder: Path) -> bool:
    return any(folder.is_relative_to(own.resolve()) for own in (SHIPPED, DEMO))
