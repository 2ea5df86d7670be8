"""`tocsin rules`: check, list, explain and test rule files, and print their JSON Schema."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import typer
from rich.console import Console

from alerts.evaluation.badges import read_badges
from alerts.rule_files import PRESETS, SHIPPED, TEST_END, RuleError, in_force, load_rules, presets
from alerts.rule_schema import json_schema
from alerts.rule_tests import Outcome, read_suite, run_file
from alerts.rulebook import FOLLOWED
from alerts.rules import Rule
from alerts.yaml_structs import Fault, suggest
from console import rule_display as display
from console import rule_tuning
from console.completions import rule_names
from console.exits import WRONG_SETTINGS
from console.messages import language, say
from console.rule_check import stranger, strangers
from console.rule_display import Place
from streams.gazetteer.watchlist import read_lists
from streams.plain import plain
from streams.settings import Settings, SettingsError, load

FAULTY: Final = 1  # exit code: rules or tests with faults
T = TypeVar("T")

rules = typer.Typer(name="rules", help="Check, list, explain and test rules.", no_args_is_help=True)
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE…", help="Files or folders; default: the rules in use.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    rule_tuning.register(rules)
    app.add_typer(rules)


@rules.command()
def check(files: Files = None, as_json: AsJson = False) -> None:
    """Read rule files and what they include, and say what they hold, or every fault with file and line. Exit code 1
    for a fault."""
    paths = files or [_in_use()]
    if as_json:
        _check_as_json(paths)
    found = _read(lambda: _checked(paths))
    for rule in found:
        typer.echo(say("rules.rule", name=rule.name, type=rule.type, window=display.window(rule), hash=rule.hash))
    unknown = [stranger(*each) for each in strangers(found, _settings().watchlist)]
    never = [*unknown, *_unfollowed(found)]
    for sentence in never:
        typer.echo(sentence, err=True)
    if never:
        raise typer.Exit(FAULTY)
    typer.echo(say("rules.good", count=len(found)))


def _check_as_json(paths: Sequence[Path]) -> NoReturn:
    """What the API answers to a text of rules, of files: faults, rules that would never ring, rules."""
    faults: list[dict[str, object]] = []
    found: tuple[Rule, ...] = ()
    try:
        found = _checked(paths)
    except RuleError as error:
        faults = [_fault(each) for each in error.faults]
    never = [*(stranger(*each) for each in strangers(found, _settings().watchlist)), *_unfollowed(found)]
    rules_of = [
        {"name": each.name, "line": each.place[1], "enabled": each.enabled, "kind": each.type, "hash": each.hash}
        for each in found
    ]
    ok = not (faults or never)
    typer.echo(_dumps({"ok": ok, "faults": faults, "warnings": never, "rules": rules_of}))
    raise typer.Exit(0 if ok else FAULTY)


def _fault(of: Fault) -> dict[str, object]:
    said, meant = of.said(language()), of.meant or None
    return {"file": of.file, "line": of.line, "column": None, "message": said, "suggestion": meant}


def _checked(paths: Sequence[Path]) -> tuple[Rule, ...]:
    found = load_rules(*(path for path in paths if not path.name.endswith(TEST_END)))
    for path in paths:
        if path.name.endswith(TEST_END):
            read_suite(path)
    in_force(found, read_lists(_settings().watchlist))
    return found


@rules.command("list")
def list_rules(
    files: Files = None,
    shipped: Annotated[bool, typer.Option("--presets", help="The presets that a rule file can include.")] = False,
    as_json: AsJson = False,
) -> None:
    """The rules in use, or those in files, with what each looks at."""
    paths = [*(files or ([] if shipped else [_in_use()])), *(_preset_files() if shipped else [])]
    found = _read(lambda: display.placed(paths))
    badges = _read(lambda: read_badges(*paths))
    if as_json:
        for place in found:
            typer.echo(_dumps(display.summary(place, badges)))
        return
    Console().print(*display.tables(found, badges), sep="\n")
    if not found:
        typer.echo(say("rules.list.none"))
    if shipped:
        typer.echo(say("rules.list.presets"))


@rules.command()
def explain(
    name: Annotated[str, typer.Argument(help="Name of the rule.", autocompletion=rule_names)],
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """What a rule does, in sentences: of the rules in use, of those in files, else of a preset. Exit code 1 where there
    is none of that name."""
    paths = files or [_in_use()]
    found = _read(lambda: display.placed(paths))
    if not files and all(place.rule.name != name for place in found):
        found = [*found, *_read(lambda: display.placed(_preset_files()))]
    place = next((place for place in found if place.rule.name == name), None)
    if place is None:
        _unknown(name, found)
    badges = _read(lambda: read_badges(*paths))
    if as_json:
        typer.echo(_dumps(display.full(place, badges)))
    else:
        Console(soft_wrap=True).print(display.explanation(place, badges))


def _unknown(name: str, found: Sequence[Place]) -> NoReturn:
    meant = suggest(name, [place.rule.name for place in found])
    typer.echo(say("rules.unknown_meant" if meant else "rules.unknown", name=plain(name, 64), meant=meant), err=True)
    raise typer.Exit(FAULTY)


@rules.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty folder for your own rules.")],
) -> None:
    """Copy the shipped rules and their timelines into a folder of yours, to change them there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            typer.echo(say("rules.init.full", folder=folder), err=True)
            raise typer.Exit(FAULTY)
        for path in sorted(SHIPPED.glob("*.yaml")):
            shutil.copyfile(path, folder / path.name)
    except OSError as error:
        typer.echo(say("rules.init.failed", folder=folder, error=error.strerror), err=True)
        raise typer.Exit(FAULTY) from None
    typer.echo(say("rules.init.done", folder=folder.resolve()))


@rules.command()
def schema() -> None:
    """The JSON Schema of a rule file, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _unfollowed(found: Sequence[Rule]) -> list[str]:
    """Rules about a kind of subject that is not followed, in sentences."""
    follow = _settings().follow
    return [
        say("rules.unfollowed", name=rule.name, subject=rule.scope.subject)
        for rule in found
        if rule.enabled and rule.scope.subject in FOLLOWED and rule.scope.subject not in follow
    ]


@rules.command("test")
def run_tests(files: Files = None, as_json: AsJson = False) -> None:
    """Run the timelines in `*_test.yaml` files and show what differs. Exit code 1 for a difference or a fault."""
    failed = 0
    paths = _test_files(files or [_in_use()])
    if not paths:
        typer.echo(say("rules.no_tests", end=TEST_END), err=True)
        raise typer.Exit(FAULTY)
    for path in paths:
        outcomes = _read(partial(run_file, path))
        if as_json:
            failed += sum(bool(each.differences) for each in outcomes)
            _print_outcomes(path, outcomes)
            continue
        typer.echo(str(path))
        failed += sum(_show(outcome) for outcome in outcomes)
    if not as_json:
        typer.echo(say("rules.failed", count=failed) if failed else say("rules.passed"))
    if failed:
        raise typer.Exit(FAULTY)


def _print_outcomes(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Each case as one JSON object a line."""
    for each in outcomes:
        differences = [str(difference) for difference in each.differences]
        typer.echo(_dumps({"file": str(path), "case": each.case, "ok": not differences, "differences": differences}))


def _show(outcome: Outcome) -> bool:
    """Print one case; whether it failed."""
    key = "rules.case_failed" if outcome.differences else "rules.case_passed"
    typer.echo(say(key, case=outcome.case))
    for difference in outcome.differences:
        typer.echo(f"      {difference}")
    return bool(outcome.differences)


def _test_files(paths: Sequence[Path]) -> list[Path]:
    """The test files among the paths, beside rule files, and in folders; each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(path.glob(f"*{TEST_END}")))
        elif path.name.endswith(TEST_END):
            found[path] = None
        elif (beside := path.with_name(path.stem + TEST_END)).exists():
            found[beside] = None
    return list(found)


def _preset_files() -> list[Path]:
    return [PRESETS / f"{name}.yaml" for name in presets()]


def _in_use() -> Path:
    return _settings().rules or SHIPPED


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def _read(reading: Callable[[], T]) -> T:
    """What is read; every fault of a rule file, and what is wrong with the settings, ends the program."""
    try:
        return reading()
    except RuleError as error:
        for fault in error.faults:
            typer.echo(fault.shown(language()), err=True)
        typer.echo(say("rules.bad", count=len(error.faults)), err=True)
        raise typer.Exit(FAULTY) from None
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
