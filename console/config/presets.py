"""Presets: small sets of settings, rules and companies, shipped as files that a user copies and owns."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from console.messages import say
from streams.plain import plain

FOLDER: Final = Path(__file__).parents[1] / "presets"
HERE: Final = "@FOLDER@"  # stands in a shipped file for the folder it is copied to


class PresetRefused(ValueError):  # noqa: N818 - what happened
    """There is no such preset, or its files cannot be written; the message says what to do."""


def names(incomplete: str = "") -> list[str]:
    """Names of the presets that begin like this."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name.startswith(incomplete))


def quoted(folder: Path) -> str:
    """The folder as a shell takes it."""
    return shlex.quote(str(folder))


def contents(name: str, folder: Path) -> dict[Path, str]:
    """What its files hold when they lie in `folder`, by where they would lie. Raises PresetRefused."""
    if name not in names():
        raise PresetRefused(say("config.preset.unknown", name=plain(name, 60), known=", ".join(names())))
    here = quoted(folder.absolute())
    files = sorted(path for path in (FOLDER / name).iterdir() if path.is_file())
    return {folder / path.name: path.read_text(encoding="utf-8").replace(HERE, here) for path in files}


def write(name: str, folder: Path) -> dict[Path, str]:
    """Write its files into the folder, made where it is missing. Raises PresetRefused, and then nothing was written."""
    made = contents(name, folder)
    for path in made:
        if path.exists():
            raise PresetRefused(say("config.preset.there", file=path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PresetRefused(say("config.preset.unwritable", folder=folder, error=error.strerror)) from None
    return made
