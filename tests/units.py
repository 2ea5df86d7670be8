"""systemd's units as docs/operations.md writes them: which files there are, and what an instance of one runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.documents import DOCS, blocks

OPERATIONS = DOCS / "operations.md"


def unit_files() -> dict[PurePosixPath, str]:
    """Path and text of every unit and of every file beside one; each block begins with its path."""
    found: dict[PurePosixPath, str] = {}
    for block in blocks(OPERATIONS, "ini"):
        path = re.match(r"# (/etc/systemd/system/[^\s:]+)", block)
        assert path, block
        found[PurePosixPath(path[1])] = block
    return found


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with what lies beside it, as `systemctl cat` shows it."""

    name: str
    settings: dict[str, list[str]]  # SECTION.Name -> values, in their order

    def one(self, name: str) -> str:
        """The value of a setting that has one."""
        (value,) = self.settings[name]
        return value


def unit(name: str, folder: Path) -> Unit:
    """The unit of this name, with or without `.service`, an instance from its template; `%i` is filled in."""
    name = name.removesuffix(".service")
    template, at, instance = name.partition("@")
    path = folder / f"{template}{at}.service"
    texts = [path, *sorted((folder / f"{name}.service.d").glob("*.conf"))]
    settings: dict[str, list[str]] = {}
    for section, key, value in (line for text in texts for line in _lines(text.read_text(encoding="utf-8"))):
        kept = settings.setdefault(f"{section}.{key}", [])
        if value:
            kept.append(value.replace("%i", instance))
        else:  # an empty value forgets those before it
            kept.clear()
    return Unit(name, settings)


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            key, found, value = line.partition("=")
            assert found, line
            assert section, line
            yield section, key.strip(), value.strip()


def environment_file(path: Path) -> dict[str, str]:
    """The variables of an EnvironmentFile=: systemd takes everything after `=`, also what looks like a comment.

    Fails where a shell that reads the same file would see another value.
    """
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            name, equals, value = line.partition("=")
            assert equals, line
            assert re.fullmatch(r"[A-Za-z_]\w*", name), line
            assert not re.search(r"[\s'\"\\$`#;&|<>()]", value), line
            found[name] = value
    return found
