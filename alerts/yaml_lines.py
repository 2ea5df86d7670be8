"""YAML as plain data together with the line each value stands on, so that a fault can be told where it is."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from alerts.sayings import Saying, saying
from streams.plain import plain

DEEPEST: Final = 20  # no rule nests further; also what stops an anchor that contains itself
MOST_NODES: Final = 200_000  # what stops anchors that multiply
LARGEST: Final = 1_048_576
LONGEST_KEY: Final = 256  # characters: every value's place holds the keys around it
NUMBER: Final = re.compile(r"[-+.0-9]+(?:[eE][-+]?[0-9]+)?")  # what may be one to a reader


class YamlFault(ValueError):  # noqa: N818 - a fault of the text, with its line
    """The text is not usable YAML."""

    def __init__(self, line: int, told: Saying, column: int = 0) -> None:
        """`column`: from 1 on; 0 where it is not known."""
        super().__init__(str(told))
        self.line = line
        self.told = told
        self.column = column


class Lines:
    """Line numbers by path (`$.rules[0].window`)."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def note(self, path: str, line: int) -> None:
        """Remember where `path` stands; the line of its key, noted first, wins over that of its value."""
        self._lines.setdefault(path, line)

    def at(self, path: str) -> int:
        """Line of `path`, or of the nearest thing around it."""
        while path not in self._lines:
            shorter = re.sub(r"(\.[^.\[\]]*|\[[^\]]*\])$", "", path)
            if shorter == path:
                return 1
            path = shorter
        return self._lines[path]


class _Core(yaml.SafeLoader):
    """YAML 1.2 core scalars: only true/false, null and plain numbers are special, so NO, ON and 1:30 stay text."""


_Core.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_yaml(text: str, largest: int = LARGEST, most: int = 0) -> tuple[Any, Lines]:
    """Plain data and its lines. YamlFault for broken YAML, doubled keys, tags, and for files that are too deep or have
    more than `largest` characters, or more than `most` values once their anchors are followed (0: as many as fit)."""
    if len(text) > largest:
        raise YamlFault(1, saying("large", largest=largest))
    loader: Any = None
    try:
        loader = _Core(text)
        node = loader.get_single_node()
        lines = Lines()
        left = [most or MOST_NODES * max(1, largest // LARGEST)]
        return (_plain(loader, node, "$", lines, left) if node is not None else None), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 0)
        raise YamlFault(line, saying("not_yaml", problem=error.problem or error.context), column) from None
    except yaml.YAMLError as error:
        raise YamlFault(1, saying("not_yaml", problem=str(error))) from None
    except RecursionError:
        raise YamlFault(1, saying("deep")) from None
    finally:
        if loader is not None:
            loader.dispose()


def _plain(loader: Any, node: yaml.Node, path: str, lines: Lines, left: list[int]) -> Any:
    line = node.start_mark.line + 1
    left[0] -= 1
    if left[0] < 0 or path.count(".") + path.count("[") > DEEPEST:
        raise YamlFault(line, saying("deep_or_large"))
    lines.note(path, line)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, child, f"{path}[{i}]", lines, left) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, path, lines, left)
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith((":binary", ":timestamp")):
        raise YamlFault(line, saying("tag", tag=node.tag))
    try:
        return loader.construct_object(node)
    except (ValueError, LookupError) as error:  # LookupError: `!!int ""`, `!!bool x`
        raise YamlFault(line, saying("not_of_tag", tag=node.tag.rpartition(":")[2], error=str(error))) from None


def _mapping(loader: Any, node: yaml.MappingNode, path: str, lines: Lines, left: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFault(line, saying("no_word"))
        key = str(key_node.value)
        if len(key) > LONGEST_KEY:
            raise YamlFault(line, saying("long_word", most=LONGEST_KEY))
        if key in found:
            raise YamlFault(line, saying("word_twice", word=key))
        inner = f"{path}.{key}"
        lines.note(inner, line)
        found[key] = _plain(loader, value_node, inner, lines, left)
    return found


class ExactDumper(yaml.SafeDumper):
    """Writes texts so that `read_yaml` gives the same again: control characters and odd line ends with escapes, and in
    quotes what it would take for a number (PyYAML's own writer knows YAML 1.1, in which 1e5 is none)."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = text != plain(text) or NUMBER.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


ExactDumper.add_representer(str, _quoted)
