"""`tocsin rules`: check rule files, and run the timeline tests that ship with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rapidfuzz import fuzz, process

from alerts.rule_files import SHIPPED, RuleError, load_rules
from alerts.rule_tests import Outcome, read_suite, run_file
from alerts.rules import Rule
from console.exits import WRONG_SETTINGS
from console.messages import say
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_watchlist
from streams.settings import SettingsError, load

FAULTY: Final = 1  # exit code: rules or tests with faults
TEST_END: Final = "_test.yaml"

rules = typer.Typer(name="rules", help="Check and test rule files.", no_args_is_help=True)
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE…", help="Files or folders; default: the rules in use.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(rules)


@rules.command()
def check(files: Files = None) -> None:
    """Read rule files and say what they hold, or every fault with file and line. Exit code 1 for a fault."""
    paths = files or [_in_use()]
    try:
        found = load_rules(*(p for p in paths if not p.name.endswith(TEST_END)))
        for path in paths:
            if path.name.endswith(TEST_END):
                read_suite(path)
    except RuleError as error:
        _refuse(error)
    for rule in found:
        typer.echo(
            say("rules.rule", name=rule.name, type=rule.__struct_config__.tag, window=rule.window, hash=rule.hash)
        )
    strangers = _strangers(found)
    for name, stranger, meant in strangers:
        typer.echo(say("rules.meant" if meant else "rules.stranger", name=name, id=stranger, meant=meant), err=True)
    if strangers:
        raise typer.Exit(FAULTY)
    typer.echo(say("rules.good", count=len(found)))


def _strangers(found: Sequence[Rule]) -> list[tuple[str, str, str]]:
    """Companies that rules name and nobody links, so that they would never ring: rule, id, and what was meant."""
    asked = [(rule.name, id_) for rule in found if rule.scope.subject == "entity" for id_ in rule.scope.ids]
    if not asked:
        return []
    try:
        watchlist = load().watchlist
        known = {company.id for company in (*read_companies(), *(read_watchlist(watchlist) if watchlist else ()))}
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    unknown = [(name, id_) for name, id_ in asked if id_ not in known]
    near = {id_: process.extractOne(id_, sorted(known), scorer=fuzz.ratio, score_cutoff=70) for _, id_ in unknown}
    return [(name, id_, str(best[0]) if (best := near[id_]) else "") for name, id_ in unknown]


@rules.command("test")
def run_tests(files: Files = None) -> None:
    """Run the timelines in `*_test.yaml` files and show what differs. Exit code 1 for a difference or a fault."""
    failed = 0
    paths = _test_files(files or [_in_use()])
    if not paths:
        typer.echo(say("rules.no_tests", end=TEST_END), err=True)
        raise typer.Exit(FAULTY)
    for path in paths:
        typer.echo(str(path))
        try:
            outcomes = run_file(path)
        except RuleError as error:
            _refuse(error)
        failed += sum(_show(outcome) for outcome in outcomes)
    typer.echo(say("rules.failed", count=failed) if failed else say("rules.passed"))
    if failed:
        raise typer.Exit(FAULTY)


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


def _in_use() -> Path:
    try:
        return load().rules or SHIPPED
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def _refuse(error: RuleError) -> NoReturn:
    for fault in error.faults:
        typer.echo(str(fault), err=True)
    typer.echo(say("rules.bad", count=len(error.faults)), err=True)
    raise typer.Exit(FAULTY)
