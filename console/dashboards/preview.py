"""The dashboards as one HTML page, drawn from the description of Kibana's and the counts it would ask for.

The page holds no script and loads nothing; its policy forbids all but its own style sheet, by checksum. Everything from
outside is text: the template engine escapes it, and takes out what hides or turns text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from console.dashboards import charts
from console.dashboards.checking import Answers
from console.dashboards.series import CLASSES, chart, colour_of, label, written
from console.messages import say
from deploy.dashboards.asking import Row, Window
from deploy.dashboards.naming import Names, Words
from deploy.dashboards.spec import Board, OverTime, Panel, Placed
from deploy.dashboards.texts import markdown
from streams.plain import plain

COLUMN: Final = 29.0  # pixels of a column of the grid on a wide screen
ROW: Final = 26.0
LEGEND: Final = 26.0
HEAD: Final = 44.0
LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Tile:
    """A panel as the page shows it: exactly one of its parts is there."""

    panel: Panel
    title: str
    empty: bool
    number: str = ""
    tone: str = ""
    picture: Markup | None = None
    legend: Sequence[tuple[str, str]] = ()  # class of colour, name
    head: Sequence[str] = ()
    table: Sequence[tuple[Sequence[str], Sequence[str]]] = ()
    tags: Sequence[tuple[str, float, int]] = ()


def render(
    boards: Sequence[Board], names: Names, words: Words, windows: Mapping[str, Window], answers: Answers, lang: str
) -> str:
    """The page. The same answers always give the same page."""
    style = _read("preview.css") + _places(boards)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template("preview.html").render(
        boards=boards,
        lang="zh-CN" if lang == "zh" else "en",
        say=lambda key, **values: say(f"dashboards.{key}", lang, **values),
        style=Markup(style),  # noqa: S704 - our own file and numbers
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        windows=windows,
        title=lambda board: words.title(f"boards.{board.id}.title", names),
        help=lambda board: html(markdown(board, names, words), boards, names),
        tile=lambda board, one: tile(board, one, answers, words),
    )  # fmt: skip
    return page.lstrip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_plain, trim_blocks=True, lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )  # fmt: skip


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _places(boards: Sequence[Board]) -> str:
    """Where each tile stands, as rules of the style sheet: the policy allows no style in an element."""
    return "".join(
        f".{board.id}-{one.tile.id}{{grid-area:{p.y + 1}/{p.x + 1}/span {p.h}/span {p.w}}}\n"
        for board in boards
        for one in board.tiles
        for p in (one.place,)
    )


def html(source: str, boards: Sequence[Board], names: Names) -> Markup:
    """Our own help texts as HTML: headings, paragraphs, emphasis, code, and links to the dashboards of this page."""
    anchors = {f"#/view/{names.id(board.id)}": f"#{board.id}" for board in boards}
    parts = []
    for block in filter(None, source.split("\n")):  # each line of a help text is a paragraph or a heading
        heading = block.startswith("### ")
        inner = str(escape(block.removeprefix("### ")))
        inner = LINK.sub(lambda found: f'<a href="{anchors.get(found[2], "#")}">{found[1]}</a>', inner)
        inner = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", inner)
        inner = re.sub(r"\*(.+?)\*", r"<i>\1</i>", inner)
        inner = re.sub(r"`(.+?)`", r"<code>\1</code>", inner)
        parts.append(f"<h3>{inner}</h3>" if heading else f"<p>{inner}</p>")
    return Markup("".join(parts))  # noqa: S704 - escaped above


def tile(board: Board, one: Placed, answers: Answers, words: Words) -> Tile | None:
    """What a panel shows; None for a text."""
    panel = one.tile
    if not isinstance(panel, Panel):
        return None
    found = answers.rows.get((board.id, panel.id), [])
    title = words.say(f"panels.{panel.id}")
    if (board.id, panel.id) in answers.empty and not _quiet(panel, found):
        return Tile(panel, title, empty=True)
    size = (one.place.w * COLUMN - 24, one.place.h * ROW - HEAD)
    return _filled(panel, title, found, size, words)


def _quiet(panel: Panel, found: list[Row]) -> bool:
    """Whether nought is the answer: that nothing rang is news, and not the same as knowing nothing."""
    return panel.kind == "metric" and panel.view in ("alerts", "compared") and bool(found)


def _filled(panel: Panel, title: str, found: list[Row], size: charts.Size, words: Words) -> Tile:
    metric = panel.metrics[0]
    match panel.kind:
        case "metric":
            number = written(metric, found[0].values[0], panel.view)
            return Tile(panel, title, empty=False, number=number, tone=CLASSES.get(metric.colour, ""))
        case "table":
            return _table(panel, title, found, words)
        case "pie":
            colours = [colour_of(row.keys[0], n) for n, row in enumerate(row for row in found if row.values[0])]
            pairs = zip(_flat(panel, found, words), colours, strict=True)
            parts = [(name, value, colour) for (name, value), colour in pairs]
            keys = [(colour, f"{name} {value:,.0f}") for name, value, colour in parts]
            return Tile(panel, title, empty=False, picture=charts.pie(parts, size[1] - 8, title), legend=keys)
        case "ranking":
            colour = CLASSES.get(metric.colour, "k0")
            picture = charts.ranking(_flat(panel, found, words), metric, colour, size, title)
            return Tile(panel, title, empty=False, picture=picture)
        case "tags":
            return Tile(panel, title, empty=False, tags=charts.tags(_flat(panel, found, words)))
        case "heatmap":
            made = chart(panel, found, words)
            shades = [(f"heat{n}", bound) for n, bound in enumerate(charts.shades(made), 1)]
            picture = charts.heatmap(made, (size[0], size[1] - LEGEND), title)
            return Tile(panel, title, empty=False, picture=picture, legend=shades)
        case _:
            made = chart(panel, found, words)
            draw = charts.lines if panel.kind == "line" else charts.bars
            keys = [(series.colour, series.name) for series in made.series]
            picture = draw(made, (size[0], size[1] - LEGEND), title)
            return Tile(panel, title, empty=False, picture=picture, legend=keys)


def _flat(panel: Panel, found: list[Row], words: Words) -> list[tuple[str, float]]:
    return charts.flat(found, lambda value: label(panel.by[0], value, words))


def _table(panel: Panel, title: str, found: list[Row], words: Words) -> Tile:
    head = [words.say(f"buckets.{bucket.label}") for bucket in panel.by if not isinstance(bucket, OverTime)]
    head += [words.say(f"metrics.{metric.label}") for metric in panel.metrics]
    rows = sorted(found, key=lambda row: -(row.values[0] or 0.0))
    table = [
        (
            [label(bucket, key, words) for bucket, key in zip(panel.by, row.keys, strict=True)],
            [written(metric, value, panel.view) for metric, value in zip(panel.metrics, row.values, strict=True)],
        )
        for row in rows
    ]
    return Tile(panel, title, empty=False, head=head, table=table)
