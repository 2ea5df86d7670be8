"""`tocsin dashboards push | export | lint | preview`: dashboards for Kibana, and what they show without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from elastic_transport import TransportError
from elasticsearch import ApiError

from console.dashboards.checking import Answers, ask
from console.dashboards.preview import render
from console.dashboards.pushing import Pushed, push
from console.dashboards.words import words
from console.exits import told
from console.messages import language, say
from deploy.dashboards.asking import Window
from deploy.dashboards.boards import BOARDS
from deploy.dashboards.bundle import Format, text
from deploy.dashboards.kibana import SPACE
from deploy.dashboards.lint import Fault, lint
from deploy.dashboards.naming import VIEWS, Names
from deploy.grafana import dashboard as grafana
from streams import clock
from streams import elastic as es
from streams.endpoints import resolve
from streams.plain import plain
from streams.settings import Settings, load

FORMS: Final[tuple[Format, ...]] = ("saved-objects", "dashboards-api")
FILES: Final = {"saved-objects": "tocsin.ndjson", "dashboards-api": "tocsin.json", "grafana": "tocsin-grafana.json"}
PANELS: Final = sum(1 for board in BOARDS for _ in board.panels())

app = typer.Typer(
    help="Dashboards for Kibana: import them, write them to a file, check and preview them.", no_args_is_help=True
)
Lang = Annotated[
    Literal["en", "zh"] | None, typer.Option("--lang", help="Language of titles and help texts; default: yours.")
]
Form = Annotated[
    Literal["saved-objects", "dashboards-api"] | None,
    typer.Option("--format", help="saved-objects for Kibana 8.19 to 9.4, dashboards-api for 9.5 and newer."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Until = Annotated[str, typer.Option(help="End of the time that is looked at, e.g. 2026-03-01T12:00:00Z; default: now.")]


class WrongOption(ValueError):  # noqa: N818 - what happened
    """An option or a file that cannot be used; the message says what to write instead."""


@app.command("push")
def push_command(
    space: Annotated[str, typer.Option(help="Kibana's space.")] = "default",
    lang: Lang = None,
    form: Form = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask for the version, send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import all dashboards into the Kibana of TOCSIN_KIBANA_URL; its version decides in which format."""
    with told(refused=(WrongOption,)):
        settings = load()
        if not SPACE.fullmatch(space):
            raise WrongOption(say("dashboards.push.space", space=plain(space, 60)))
        done = asyncio.run(push(settings, words(lang or language()), space, form, dry=dry_run))
    print(_as_json(done) if as_json else "\n".join(push_lines(done, settings, space)))
    if done.failed:
        raise typer.Exit(1)


def push_lines(done: Pushed, settings: Settings, space: str, lang: str | None = None) -> list[str]:
    """What was done, for people."""
    named = say(f"dashboards.push.format.{done.form}", lang)
    url, version = settings.kibana_url, done.version.text
    lines = [say("dashboards.push.found", lang, version=version, url=url, space=space, format=named)]
    if not done.outcomes:
        return [*lines, say("dashboards.push.dry", lang, objects=done.objects)]
    for one in done.outcomes:
        key = "dashboards.push.failed" if one.reason else "dashboards.push.ok"
        lines.append(say(key, lang, kind=one.kind, id=one.id, reason=one.reason))
    opened = f"{url}{'' if space == 'default' else f'/s/{space}'}/app/dashboards#/view/"
    there = len(done.outcomes) - done.failed
    first = Names(settings.namespace).id(BOARDS[0].id)
    return [*lines, say("dashboards.push.done", lang, ok=there, total=len(done.outcomes), url=opened + first)]


def _as_json(done: Pushed) -> str:
    return json.dumps({
        "version": done.version.text, "format": done.form, "objects": done.objects, "sent": bool(done.outcomes),
        "outcomes": [{"kind": one.kind, "id": one.id, "reason": one.reason} for one in done.outcomes],
    }, ensure_ascii=False, indent=1)  # fmt: skip


@app.command("export")
def export_command(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("dashboards"),
    lang: Lang = None,
    form: Annotated[
        Literal["saved-objects", "dashboards-api", "grafana"] | None,
        typer.Option("--format", help="Only this one: for Kibana to 9.4, for Kibana from 9.5, or for Grafana."),
    ] = None,
) -> None:
    """Write the dashboards to files: for Kibana in both formats, and the operators' one for Grafana."""
    with told(refused=(WrongOption,)):
        settings = load()
        for name, content, objects in files(settings, lang or language()):
            if form is None or name == FILES[form]:
                _write(folder / name, content)
                said = say("dashboards.export.written", file=folder / name, objects=objects, bytes=len(content))
                print(said)
    print(say("dashboards.export.import"))


def files(settings: Settings, lang: str) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and number of objects of each file."""
    names, said = Names(settings.namespace), words(lang)
    for form in FORMS:
        yield FILES[form], text(BOARDS, names, said, form), len(BOARDS) + len(VIEWS)
    yield FILES["grafana"], grafana.text().encode(), 1


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise WrongOption(say("dashboards.export.unwritable", file=file, reason=error.strerror)) from None


@app.command("lint")
def lint_command(
    elasticsearch: Annotated[
        bool, typer.Option("--elasticsearch", help="Also ask Elasticsearch: every field, every panel.")
    ] = False,
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """Check all dashboards without a Kibana: shapes of both formats, layout, references, fields."""
    with told(refused=(WrongOption,), away=(ApiError, TransportError), key="dashboards.lint.away"):
        settings = load()
        names = Names(settings.namespace)
        faults = [fault for lang in ("en", "zh") for fault in lint(BOARDS, names, words(lang))]
        windows = spans(until, clock.now())
        answers = asyncio.run(asked(settings, windows)) if elasticsearch else None
    found = list(dict.fromkeys([*faults, *(answers.faults if answers else [])]))
    print(_lint_json(found, answers) if as_json else "\n".join(lint_lines(found, answers, windows)))
    if found:
        raise typer.Exit(1)


def lint_lines(
    faults: list[Fault], answers: Answers | None, windows: Mapping[str, Window], lang: str | None = None
) -> list[str]:
    """Faults, or that there are none; and what Elasticsearch had for the panels."""
    lines = [say("dashboards.lint.fault", lang, where=fault.where, what=fault.what) for fault in faults]
    if not faults:
        lines.append(say("dashboards.lint.clean", lang, boards=len(BOARDS), panels=PANELS))
    if answers is not None:
        begin, end = min(w.begin for w in windows.values()), max(w.end for w in windows.values())
        filled = PANELS - len(answers.empty)
        lines.append(say(
            "dashboards.lint.asked", lang, begin=f"{begin:%Y-%m-%d %H:%M} UTC", end=f"{end:%Y-%m-%d %H:%M} UTC",
            filled=filled, panels=PANELS,
        ))  # fmt: skip
        lines += [say("dashboards.lint.empty", lang, board=board, panel=panel) for board, panel in answers.empty]
    return lines


def _lint_json(faults: list[Fault], answers: Answers | None) -> str:
    found: dict[str, Any] = {
        "dashboards": len(BOARDS),
        "panels": PANELS,
        "faults": [{"where": fault.where, "what": fault.what} for fault in faults],
        "empty": None if answers is None else [f"{board}/{panel}" for board, panel in answers.empty],
    }
    return json.dumps(found, ensure_ascii=False, indent=1)


@app.command("preview")
def preview_command(
    file: Annotated[Path, typer.Option("--out", help="The page that is written.")] = Path("dashboards.html"),
    lang: Lang = None,
    until: Until = "",
) -> None:
    """Draw all dashboards as one HTML page, from what Elasticsearch holds: no Kibana needed."""
    with told(refused=(WrongOption,), away=(ApiError, TransportError), key="dashboards.lint.away"):
        settings = load()
        chosen = lang or language()
        windows = spans(until, clock.now())
        answers = asyncio.run(asked(settings, windows))
        page = render(BOARDS, Names(settings.namespace), words(chosen), windows, answers, chosen)
        _write(file, page.encode())
    filled = PANELS - len(answers.empty)
    print(say("dashboards.preview.written", file=file, boards=len(BOARDS), filled=filled, panels=PANELS))


def spans(until: str, now: datetime) -> dict[str, Window]:
    """How far back each dashboard looks, by its id. Raises WrongOption for a time that is none."""
    try:
        end = datetime.fromisoformat(until) if until else now
    except ValueError:
        raise WrongOption(say("dashboards.preview.until", value=plain(until, 60))) from None
    end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    return {board.id: Window(end - timedelta(hours=board.hours), end) for board in BOARDS}


async def asked(settings: Settings, windows: Mapping[str, Window]) -> Answers:
    """Every panel, asked of the Elasticsearch of the settings."""
    elastic = es.client(settings, resolve(settings, "elasticsearch").elasticsearch)
    try:
        return await ask(elastic, BOARDS, Names(settings.namespace), windows)
    finally:
        await elastic.close()


def register(parent: typer.Typer) -> None:
    """Add the commands of this area."""
    parent.add_typer(app, name="dashboards")
