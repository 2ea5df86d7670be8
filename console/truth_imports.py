"""`tocsin truth import`: truth files out of lists of dated events, and out of prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Final, Literal, cast
from zoneinfo import ZoneInfo

import typer

from alerts.evaluation.price_drops import Bar, Drop, Hours, Texts, drops, event_of, read_prices
from alerts.evaluation.truth import Labelled, Truth
from alerts.evaluation.truth_files import Resolve, merge, read_truth, write_truth
from alerts.yaml_structs import FileRefused
from console.exits import WRONG_INPUT, told
from console.messages import say
from console.truth_subjects import find_companies
from streams import clock
from streams.entities import Gazetteer
from streams.plain import plain
from streams.records import RawItem, Reject
from streams.settings import Settings, load
from streams.sources.files import InputError, open_input
from streams.sources.mapping import Columns, MappingError, parse_map

HEAD: Final = "Written by `tocsin truth import`; another import may write it again."
PERCENT: Final = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*%?")
WITHOUT: Final = {"median", "none"}

imports = typer.Typer(help="Make a truth file of what others wrote down.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The truth file to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that no import has written.")]


def register(group: typer.Typer) -> None:
    """Add `import` to the commands of `truth`."""
    group.add_typer(imports, name="import")


@imports.command()
def events(
    file: Annotated[Path, typer.Argument(help="JSON: a list of objects with entity, date, kind, window, note.")],
    out: Out,
    stream: Annotated[str, typer.Option(help="Only events whose `stream` has this word in it.")] = "",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Dated events that others noted. Companies may go by id, symbol or name. Exit code 2 for a fault."""
    with told(refused=(FileRefused,)):
        resolve, words = find_companies(load().watchlist)
        truth = read_truth(file, resolve=resolve, known=words, stream=stream)
        write(truth, out, force, as_json=as_json)


@imports.command()
def prices(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="CSV files with Date and Close, one for each symbol.")],
    out: Out,
    drop: Annotated[str, typer.Option(help="The least fall of a day that counts, e.g. 4.5%.")] = "5%",
    market: Annotated[str, typer.Option(help="What it is measured against: median, none, or a CSV file.")] = "median",
    close: Annotated[
        str, typer.Option(help="When the exchange closes: an event begins the trading day before.")
    ] = "16:00",
    zone: Annotated[str, typer.Option(help="Time zone of the exchange.")] = "America/New_York",
    messages: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="What people wrote: JSONL or CSV; repeat it.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Columns of the messages, as in ingest.")
    ] = None,
    least: Annotated[
        int, typer.Option("--min-messages", min=0, help="Only days with so many distinct texts about the company.")
    ] = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Days on which a share lost more than the market, as negative events. Exit code 2 for a fault."""
    with told(refused=(FileRefused, InputError, MappingError)):
        settings = load()
        hours = _hours(close, zone)
        if least and not messages:
            raise MappingError(say("truth_imports.no_messages"))
        tables = _tables(folder)
        base = market if market in WITHOUT else _table(Path(market))
        found = drops(tables, _share(drop), cast("Literal['median', 'none'] | Sequence[Bar]", base))
        texts = _texts(messages, parse_map(columns or []), settings) if messages else None
        companies = _Companies(find_companies(settings.watchlist)[0], tables)
        truth = companies.truth(found, hours, texts, least)
        for symbol in companies.unknown:
            typer.echo(say("truth_imports.unknown", symbol=plain(symbol, 64)), err=True)
        write(truth, out, force, as_json=as_json)


@dataclass
class _Companies:
    """The companies whose prices there are, by symbol."""

    resolve: Resolve
    tables: Mapping[str, Sequence[Bar]]

    def __post_init__(self) -> None:
        found = {symbol: self.resolve(symbol) for symbol in self.tables}
        self.subjects = {symbol: subject for symbol, subject in found.items() if subject is not None}
        self.unknown = sorted(set(found) - set(self.subjects))

    def truth(self, found: Sequence[Drop], hours: Hours, texts: Texts | None, least: int) -> Truth:
        """The drops of known companies, complete for them all, for as long as there are prices and messages."""
        events = []
        for each in found:
            subject = self.subjects.get(each.symbol)
            count = texts.distinct(subject, *hours.window(each)) if texts and subject else None
            if subject is not None and (count or 0) >= least:
                events.append(event_of(each, subject, hours, count))
        return merge([Truth(events=tuple(events), labelled=self._labelled(hours, texts))])

    def _labelled(self, hours: Hours, texts: Texts | None) -> Labelled:
        days = [bar.day for bars in self.tables.values() for bar in bars]
        begin = datetime.combine(min(days), hours.close, hours.zone).astimezone(UTC)
        end = datetime.combine(max(days), hours.evening, hours.zone).astimezone(UTC)
        if texts is not None and texts.first is not None and texts.last is not None:
            begin, end = max(begin, texts.first), min(end, texts.last)
        return Labelled(subjects=tuple(sorted(set(self.subjects.values()))), begin=begin, end=max(begin, end))


def _tables(folder: Path) -> dict[str, list[Bar]]:
    files = (
        sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".tsv")) if folder.is_dir() else []
    )
    read = {path.stem: _table(path) for path in files}
    for symbol in (symbol for symbol, table in read.items() if not table):
        typer.echo(say("truth_imports.empty", symbol=plain(symbol, 64)), err=True)
    found = {symbol: table for symbol, table in read.items() if table}
    if not found:
        raise InputError(say("truth_imports.no_tables", folder=str(folder)))
    return found


def _table(path: Path) -> list[Bar]:
    try:
        return read_prices(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(say("truth_imports.unreadable", file=str(path), reason=reason)) from None


def _texts(files: Sequence[str], columns: tuple[tuple[str, str], ...], settings: Settings) -> Texts:
    """Every item of the files, under the companies that the stream itself would find in it."""
    gazetteer, found = Gazetteer.load(settings.watchlist), Texts()
    for item in _items(files, columns, settings):
        subjects = [f"entity:{entity.id}" for entity in gazetteer.find(item.title, item.text)]
        found.add(subjects, item.collected_at, f"{item.title} {item.text}")
    return found


def _items(files: Sequence[str], columns: tuple[tuple[str, str], ...], settings: Settings) -> Iterator[RawItem]:
    now = clock.now()
    for file in files:
        opened = open_input(file, Columns(columns), limit=settings.record_limit, spool=settings.state_dir / "spool")
        refused = 0
        try:
            for row in opened.rows():
                try:
                    yield opened.item(row, now)
                except Reject:
                    refused += 1
        finally:
            opened.close()
        if refused:
            typer.echo(say("truth_imports.refused", file=plain(file), count=refused), err=True)


def _hours(close: str, zone: str) -> Hours:
    try:
        return Hours(time.fromisoformat(close), ZoneInfo(zone))
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for names that are none, odd ones included
        raise MappingError(say("truth_imports.hours", close=plain(close, 32), zone=plain(zone, 64))) from None


def _share(word: str) -> float:
    found = PERCENT.fullmatch(word.strip())
    if found is None or not float(found[1]):
        raise MappingError(say("truth_imports.drop", drop=plain(word, 32)))
    return float(found[1]) / 100


def write(truth: Truth, out: Path, force: bool, head: str = HEAD, *, as_json: bool = False) -> None:
    """Write the file and say what it holds; never over a file that somebody may have written by hand."""
    if out.exists() and not force and not out.read_text(encoding="utf-8", errors="replace").startswith(f"# {head}"):
        typer.echo(say("truth_imports.exists", file=plain(str(out))), err=True)
        raise typer.Exit(WRONG_INPUT)
    try:
        write_truth(truth, out, head)
    except FileRefused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except OSError as error:
        typer.echo(say("truth_imports.unwritable", file=plain(str(out)), reason=error.strerror), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    negative = sum(event.kind == "negative" for event in truth.events)
    if as_json:
        counts = {"file": str(out), "negative": negative, "controls": len(truth.events) - negative}
        typer.echo(json.dumps(counts, ensure_ascii=False))
        return
    typer.echo(
        say("truth_imports.written", file=plain(str(out)), negative=negative, controls=len(truth.events) - negative)
    )
