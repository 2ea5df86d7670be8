"""YAML into typed structs, with every fault told by file, line and field, and the nearest valid word.

`msgspec` alone stops at the first fault and knows no lines. Here the words are compared first, in the whole tree:
unknown fields, unknown types and unknown choices; then the values are converted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect
from rapidfuzz import fuzz, process

from alerts.sayings import Saying, ToldFault, hinted, saying
from alerts.value_sayings import of_value
from alerts.yaml_lines import LARGEST, Lines, YamlFault, read_yaml

T = TypeVar("T")
Told = tuple[str, Saying, str]  # place, fault and suggestion
Decode = Callable[[type, Any], Any]
NO_PATTERNS: Final[Mapping[str, Saying]] = MappingProxyType({})
NEAR: Final = 60  # of 100: below that a suggestion would be a guess


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file."""

    file: str
    line: int
    told: Saying | str  # a sentence in both languages, or one in English
    meant: str = ""
    column: int = 0  # from 1 on; 0 where it is not known

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return str(self.told)

    def said(self, lang: str) -> str:
        """What is wrong, in a language, as far as there are words."""
        return self.told.said(lang) if isinstance(self.told, Saying) else self.told

    def shown(self, lang: str) -> str:
        """The same with its place and what was probably meant."""
        return f"{self.file}:{self.line}: {hinted(self.said(lang), self.meant, lang)}"

    def __str__(self) -> str:
        return self.shown("en")


def unreadable(path: object, error: OSError | UnicodeDecodeError) -> Fault:
    """That a file cannot be read, and why."""
    reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    return Fault(str(path), 1, saying("unreadable", reason=reason))


class FileRefused(ToldFault):
    """A file cannot be used. `faults` lists everything that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)

    def shown(self, lang: str) -> str:
        """Every fault on a line of its own."""
        return "\n".join(fault.shown(lang) for fault in self.faults)


class Tree:
    """The data of one file, its lines, and the faults found so far."""

    def __init__(
        self, text: str, file: str, patterns: Mapping[str, Saying] = NO_PATTERNS, largest: int = LARGEST
    ) -> None:
        """Raises FileRefused when the text is no YAML, or longer than `largest`. `patterns`: regular expressions of the
        types in plain words."""
        self.file = file
        self._patterns = patterns
        self.faults: list[Fault] = []
        self._lines = Lines()
        try:
            self.data, self._lines = read_yaml(text, largest)
        except YamlFault as fault:
            raise FileRefused([Fault(file, fault.line, fault.told)]) from None

    def line(self, path: str) -> int:
        """Line of what stands at `path`."""
        return self._lines.at(path)

    def fault(self, path: str, told: Saying, meant: str = "") -> None:
        """Note a fault at `path`; its field is named in front."""
        field = path.rsplit(".", 1)[-1] if "." in path else ""
        self.faults.append(Fault(self.file, self._lines.at(path), replace(told, about=field), meant))

    def wrong_value(self, path: str, error: msgspec.ValidationError) -> None:
        """Note that what stands at `path`, or within it, is no such value."""
        message, _, where = str(error).partition(" - at ")
        inner = re.search(r"\$[^`]*", where)
        _, _, pattern = message.partition("matching regex ")
        told = self._patterns.get(pattern.strip("'")) or of_value(message)
        self.fault(path + (inner.group()[1:] if inner else ""), told)

    def finish(self) -> None:
        """Raises FileRefused when any fault was noted, with all of them in the order of lines."""
        if self.faults:
            raise FileRefused(sorted(self.faults, key=lambda fault: fault.line))

    def convert(self, value: Any, kind: type[T], path: str, decode: Decode) -> T | None:
        """The value as `kind`; None after its faults were noted."""
        found = list(_unknown(value, inspect.type_info(kind), path))
        for place, told, meant in found:
            self.fault(place, told, meant)
        if found:
            return None
        try:
            return msgspec.convert(value, kind, dec_hook=decode)
        except msgspec.ValidationError as error:
            self.wrong_value(path, error)
            return None


def suggest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or nothing."""
    best = process.extractOne(word, sorted(known), scorer=fuzz.ratio, score_cutoff=NEAR)
    return str(best[0]) if best else ""


def _unknown(value: Any, info: inspect.Type, path: str) -> Iterator[Told]:
    """Place, fault and suggestion for every word in `value` that its type does not know."""
    if isinstance(info, inspect.Metadata):
        yield from _unknown(value, info.type, path)
    elif isinstance(info, inspect.UnionType):
        yield from _of_union(value, info, path)
    elif isinstance(info, inspect.StructType) and isinstance(value, dict):
        yield from _of_struct(value, info, path)
    elif isinstance(info, inspect.DictType) and isinstance(value, dict):
        for key, inner in value.items():
            yield from _unknown(inner, info.value_type, f"{path}.{key}")
    elif isinstance(info, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown(inner, info.item_type, f"{path}[{index}]")
    elif isinstance(info, inspect.LiteralType) and isinstance(value, str) and value not in info.values:
        yield _word(value, path, [str(known) for known in info.values])


def _of_struct(value: dict[str, Any], info: inspect.StructType, path: str) -> Iterator[Told]:
    fields = {field.encode_name: field.type for field in info.fields}
    known = {*fields, *([info.tag_field] if info.tag_field else [])}
    for key, inner in value.items():
        if key not in known:
            yield f"{path}.{key}", saying("no_such_field"), suggest(str(key), known)
        elif key in fields:
            yield from _unknown(inner, fields[key], f"{path}.{key}")


def _of_union(value: Any, info: inspect.UnionType, path: str) -> Iterator[Told]:
    structs = [member for member in info.types if isinstance(member, inspect.StructType)]
    if isinstance(value, dict) and structs:
        field = structs[0].tag_field
        if field is None:
            yield from _of_struct(value, structs[0], path)
            return
        tags = {str(member.tag): member for member in structs}
        said = value.get(field)
        if not isinstance(said, str) or said not in tags:
            yield _word(said, f"{path}.{field}", list(tags))
            return
        yield from _of_struct(value, tags[said], path)
    elif isinstance(value, str):
        words = [str(v) for member in info.types if isinstance(member, inspect.LiteralType) for v in member.values]
        if words and value not in words and not any(isinstance(member, inspect.StrType) for member in info.types):
            yield _word(value, path, words)
    else:
        lists = [m for m in info.types if isinstance(m, inspect.ListType | inspect.VarTupleType)]
        for member in lists if isinstance(value, list) else []:
            yield from _unknown(value, member, path)


def _word(said: object, path: str, known: Sequence[str]) -> Told:
    if said is None:
        return path, saying("word_missing", known=", ".join(known)), ""
    return path, unknown_word(said, known), suggest(str(said), known)


def unknown_word(said: object, known: Sequence[str]) -> Saying:
    """That it is none of the words there are."""
    return saying("unknown_word", word=said, known=", ".join(known))
