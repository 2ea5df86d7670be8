"""What the page is made of: nothing in it makes markup or code of a string, and nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from console.web import STATIC

FILES = sorted(path for path in STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts)
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
SHEETS = [path for path in FILES if path.suffix == ".css"]
NAMES = [path.relative_to(STATIC).as_posix() for path in SCRIPTS]
FORBIDDEN = {
    "markup of a string": r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment"
    r"|DOMParser|srcdoc\s*=",
    "code of a string": r"\beval\s*\(|new\s+Function\b|setTimeout\s*\(\s*[\"'`]|setInterval\s*\(\s*[\"'`]|javascript:",
    "styles that the policy refuses": r"cssText|setAttribute\(\s*[\"']style",
    "cookies": r"document\.cookie",
}
NAMESPACE = "http://www.w3.org/2000/svg"
IMPORT = re.compile(r"""^(?:import|export)[^"'=();]*from "([^"]+)";$""", re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_script_makes_markup_or_code_of_a_string(path: Path, what: str) -> None:
    """Headlines and names come from anybody: what could run them is not in the page at all."""
    assert re.findall(FORBIDDEN[what], path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS, STATIC / "index.html"], ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    """The page works where there is no network, and tells nobody who reads it."""
    text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")
    assert re.findall(r"""["'(\s](?:https?:)?//[\w.-]+\.\w+""", text) == []
    assert "@import" not in text or path.suffix != ".css"


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_every_import_is_a_file_of_the_page(path: Path) -> None:
    """A file that is missing would be noticed only by whoever opens the view that needs it."""
    for target in IMPORT.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).resolve().is_file(), target


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS], ids=lambda path: path.name)
def test_files_are_short(path: Path) -> None:
    """One file is read from top to bottom."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.files: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.files += [value for name in ("src", "href") if (value := names.get(name))]


def test_the_index_has_nothing_inline_and_names_files_that_exist() -> None:
    """The policy refuses inline scripts, styles and handlers; what the index asks for is there."""
    read = _Inline()
    read.feed((STATIC / "index.html").read_text(encoding="utf-8"))
    assert read.found == []
    assert read.files
    for file in read.files:
        assert (STATIC / file.removeprefix("/static/")).is_file(), file


def test_the_vendored_library_is_the_one_that_its_note_tells_of() -> None:
    """Whoever changes a vendored file by hand makes it another one than the note says."""
    folder = STATIC / "vendor" / "uplot"
    note = (folder / "README.txt").read_text(encoding="utf-8")
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() in note
    assert "MIT" in (folder / "LICENSE.txt").read_text(encoding="utf-8")


def _reached(name: str, found: set[str]) -> set[str]:
    """The module and all that it imports."""
    if name not in found:
        found.add(name)
        path = STATIC / name
        for target in IMPORT.findall(path.read_text(encoding="utf-8")):
            _reached((path.parent / target).resolve().relative_to(STATIC.resolve()).as_posix(), found)
    return found


def test_the_index_names_the_modules_of_the_first_view() -> None:
    """They are fetched at once, and not one after another as each names the next."""
    read = _Inline()
    read.feed((STATIC / "index.html").read_text(encoding="utf-8"))
    named = {file.removeprefix("/static/") for file in read.files if file.endswith(".js") and "/vendor/" not in file}
    assert named == _reached("app.js", _reached("js/views/now.js", {"js/theme.js"}))
