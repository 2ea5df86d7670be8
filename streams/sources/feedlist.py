"""The file of feeds: which ones, how often, and what may be done with what they say. Faults are told by line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import yaml
from msgspec import Meta, Struct
from rapidfuzz import process

from streams.guard import Network, Refused, check_url
from streams.records import Kind

MOST_FEEDS: Final = 5000
LARGEST: Final = 2_000_000


class Feed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One feed. `interval` is the least number of seconds between two requests."""

    url: Annotated[str, Meta(min_length=8, max_length=2048)]
    source: Annotated[str, Meta(min_length=1, max_length=128)]
    kind: Kind = "news"
    interval: Annotated[int, Meta(ge=60, le=86_400)] = 600
    lang: Annotated[str, Meta(max_length=16)] = ""
    may_store_body: bool = True
    may_train: bool = False
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] = 365


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the file."""

    line: int
    message: str


class FeedFileError(ValueError):
    """The file of feeds is not usable; the message lists every fault with file and line."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        super().__init__("\n".join(f"{path}:{fault.line}: {fault.message}" for fault in faults))
        self.faults = faults


def load_feeds(path: Path, allow: tuple[Network, ...]) -> tuple[Feed, ...]:
    """All feeds in a YAML list (or under the key `feeds`). Raises FeedFileError with every fault found."""
    try:
        text = path.read_bytes()[: LARGEST + 1].decode("utf-8")
    except OSError as error:
        raise FeedFileError(path, [Fault(1, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise FeedFileError(path, [Fault(1, f"not UTF-8 at byte {error.start}")]) from None
    if len(text) > LARGEST:
        raise FeedFileError(path, [Fault(1, f"larger than {LARGEST} characters")])
    feeds, faults = parse_feeds(text, allow)
    if faults:
        raise FeedFileError(path, faults)
    return feeds


def parse_feeds(text: str, allow: tuple[Network, ...]) -> tuple[tuple[Feed, ...], list[Fault]]:
    """The feeds in `text` and everything that is wrong with it."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return (), [Fault(mark.line + 1 if mark else 1, f"not valid YAML: {error.problem or error.context}")]
    except (yaml.YAMLError, RecursionError) as error:
        return (), [Fault(1, f"not valid YAML: {type(error).__name__}")]
    nodes = _entries(root)
    if nodes is None:
        return (), [Fault(1, "write a list of feeds: - {url: https://..., source: NAME}")]
    if len(nodes) > MOST_FEEDS:
        return (), [Fault(1, f"{len(nodes)} feeds; {MOST_FEEDS} are allowed")]
    feeds: list[Feed] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for node in nodes:
        line = node.start_mark.line + 1
        feed = _feed(node, allow, faults)
        if feed is None:
            continue
        if feed.url in seen:
            faults.append(Fault(line, f"the feed of line {seen[feed.url]} again"))
        seen.setdefault(feed.url, line)
        feeds.append(feed)
    return tuple(feeds), faults


def _entries(root: yaml.Node | None) -> list[yaml.Node] | None:
    if root is None:
        return []
    if isinstance(root, yaml.MappingNode):
        listed = [value for key, value in root.value if key.value == "feeds"]
        root = listed[0] if len(listed) == len(root.value) == 1 else None
    return root.value if isinstance(root, yaml.SequenceNode) else None


def _feed(node: yaml.Node, allow: tuple[Network, ...], faults: list[Fault]) -> Feed | None:
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault(node.start_mark.line + 1, "a feed is a mapping with url and source"))
        return None
    before = len(faults)
    fields: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in fields:
            faults.append(Fault(line, f"{name} is given twice"))
        elif name not in Feed.__struct_fields__:
            near = process.extractOne(name, Feed.__struct_fields__, score_cutoff=60)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(Feed.__struct_fields__)}"
            faults.append(Fault(line, f"unknown key {name[:60]!r}; {hint}"))
        elif not isinstance(value, yaml.ScalarNode):
            faults.append(Fault(line, f"{name} must be a single value"))
        else:
            lines[name] = line
            fields[name] = _scalar(value)
    if len(faults) > before:
        return None
    return _checked(fields, lines, node.start_mark.line + 1, allow, faults)


def _scalar(node: yaml.ScalarNode) -> Any:
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value.lower() in ("true", "yes", "on")
    if node.tag == "tag:yaml.org,2002:int" and node.value.isdigit():
        return int(node.value)
    return node.value


def _checked(
    fields: dict[str, Any], lines: dict[str, int], line: int, allow: tuple[Network, ...], faults: list[Fault]
) -> Feed | None:
    try:
        feed = msgspec.convert(fields, Feed)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`")
        faults.append(Fault(lines.get(name, line), f"{name}: {message}" if name else message))
        return None
    try:
        check_url(feed.url, allow, plain=True)
    except Refused as refused:
        faults.append(Fault(lines["url"], f"url: {refused} (TOCSIN_FEEDS_ALLOW)"))
        return None
    return feed
