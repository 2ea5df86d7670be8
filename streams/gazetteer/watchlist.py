"""The user's own companies: a YAML list of {id, name, aliases, tickers, exclude, lists}, checked with file and line.

An id of the shipped list adds names to that company; any other id is a new one. Aliases take the same marks `=` and `~`
as the shipped list; short all-capital aliases get `=` by themselves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml
from rapidfuzz import process

from streams.gazetteer import Company
from streams.settings import SettingsError

KEYS: Final = ("id", "name", "aliases", "tickers", "exclude", "lists")
LONGEST: Final = 128
MOST_BYTES: Final = 4_194_304
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._&-]{0,63}")


class WatchlistError(SettingsError):
    """The watchlist cannot be used; the message holds a line for each fault: file:line: what is wrong, what to do."""


def read_watchlist(path: Path) -> list[Company]:
    """The companies of the file, in its order. Raises WatchlistError naming every fault with its line."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WatchlistError(f"{path}: larger than {MOST_BYTES // 1_048_576} MiB; is it a watchlist?")
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise WatchlistError(f"{path}: cannot be read: {error.strerror}; check TOCSIN_WATCHLIST") from None
    except UnicodeDecodeError as error:
        raise WatchlistError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise WatchlistError(f"{path}{line}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
    except RecursionError:
        raise WatchlistError(f"{path}: nested too deeply; a watchlist is a list of companies") from None
    return _Reader(path).companies(root)


def read_lists(path: Path | None) -> dict[str, frozenset[str]]:
    """Ids of the companies of each list that the watchlist names; nothing without a watchlist."""
    found: dict[str, set[str]] = {}
    for company in read_watchlist(path) if path else ():
        for name in company.lists:
            found.setdefault(name, set()).add(company.id)
    return {name: frozenset(ids) for name, ids in sorted(found.items())}


class _Reader:
    """Reads one file and collects its faults, so that all are told at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._faults: list[str] = []

    def companies(self, root: yaml.Node | None) -> list[Company]:
        if root is None:
            return []
        found: dict[str, tuple[Company, int]] = {}
        if not isinstance(root, yaml.SequenceNode):
            self._fault(root, "a watchlist is a list: start each company with '- id: ...'")
            root = yaml.SequenceNode("", [])
        for node in root.value:
            company = self._company(node)
            if company is None:
                continue
            if company.id in found:
                self._fault(node, f"id {company.id!r} stands already in line {found[company.id][1]}; merge the two")
            found[company.id] = (company, node.start_mark.line + 1)
        if self._faults:
            raise WatchlistError("\n".join(self._faults))
        return [company for company, _ in found.values()]

    def _company(self, node: yaml.Node) -> Company | None:
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, "a company is written as '- id: AAPL', then 'name:', 'aliases: [...]' below it")
            return None
        values: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value not in KEYS:
                self._fault(key, f"unknown key {key.value!r}{_did_you_mean(str(key.value))}")
            elif key.value in values:
                self._fault(key, f"{key.value!r} is given twice")
            else:
                values[key.value] = value
        for missing in {"id", "name"} - values.keys():
            self._fault(node, f"{missing!r} is missing")
        before = len(self._faults)
        identity, name = (self._text(values[key]) if key in values else "" for key in ("id", "name"))
        if "id" in values and identity and not _ID.fullmatch(identity):
            self._fault(values["id"], f"id {identity!r}: use letters, digits and . _ & - only, at most 64")
        lists = [self._list(values[key]) if key in values else () for key in KEYS[2:]]
        for listed in lists[-1]:
            if not _ID.fullmatch(listed):
                self._fault(values["lists"], f"list {listed!r}: use letters, digits and . _ & - only, at most 64")
        if len(self._faults) > before or not identity or not name:
            return None
        names = (name, *lists[0]) if name not in lists[0] else lists[0]
        return Company(identity, name, tuple(_marked(alias) for alias in names), *lists[1:])

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            self._fault(node, "a text is expected here")
            return ""
        text = str(node.value).strip()
        if len(text) > LONGEST:
            self._fault(node, f"longer than {LONGEST} characters")
        elif "\0" in text or re.search("[\ud800-\udfff]", text):
            self._fault(node, "holds a character that no text holds")
        return text

    def _list(self, node: yaml.Node) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, f"a list is expected here: [{node.value if isinstance(node.value, str) else '...'}]")
            return ()
        texts = (self._text(item) for item in node.value)
        return tuple(dict.fromkeys(text for text in texts if text))

    def _fault(self, node: yaml.Node, message: str) -> None:
        line = f":{node.start_mark.line + 1}" if node.start_mark else ""
        self._faults.append(f"{self._path}{line}: {message}")


def _marked(alias: str) -> str:
    """Short names in capitals are matched as written: SAP is a company, sap is not."""
    short = alias.isascii() and alias.isupper() and len(alias) <= 5
    return f"={alias}" if short else alias


def _did_you_mean(word: str) -> str:
    best = process.extractOne(word, KEYS, score_cutoff=60)
    return f"; did you mean {best[0]!r}?" if best else f"; the keys are {', '.join(KEYS)}"
