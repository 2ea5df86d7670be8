"""The pages of docs/ keep up with the program: examples are accepted, lists complete, numbers those measured."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from alerts.checks import checks
from alerts.evaluation.truth_files import parse_truth
from alerts.rule_files import parse_rules
from alerts.rule_tests import run_file
from console.api.app import Api
from console.api.known import Known
from console.exits import CODES
from console.workers import ALL, REPORT
from streams import metrics
from streams.gazetteer.watchlist import read_watchlist
from streams.settings import Settings
from streams.sources.feedlist import parse_feeds
from streams.topics import TOPICS
from tests.documents import (
    COMMANDS,
    DOCS,
    DOCUMENTS,
    MEASURED,
    README,
    README_ZH,
    ROOT,
    anchors,
    links,
    named,
    read,
    relative,
    shown,
)
from tests.ringing import START, Kept
from tests.unit.console.api.serving import Filled

API, RULES, SOURCES = (DOCS / f"{name}.md" for name in ("api", "rules", "sources"))
IMAGES = DOCS / "images"
PLACE = re.compile(r"\{[^}]*\}")
PNG = b"\x89PNG\r\n\x1a\n"


def routes(text: str) -> set[str]:
    """Requests as `GET /api/v1/alerts/{}`: names in braces and what follows a question mark do not matter."""
    found = re.findall(r"`(GET|POST|PUT|DELETE) (/api/v1/[^`?]*)", text)
    return {f"{method} {PLACE.sub('{}', path)}" for method, path in found}


def test_every_request_of_the_api_is_documented_and_no_other(tmp_path: Path) -> None:
    """docs/api.md has a line for each route that the OpenAPI description has."""
    api = Api(Settings(state_dir=tmp_path), Known(), Filled(), Kept(), lambda: START)  # type: ignore[arg-type]
    paths = api.app().openapi()["paths"]
    served = {f"{method.upper()} {PLACE.sub('{}', path)}" for path, ways in paths.items() for method in ways}
    assert routes(read(API)) == {route for route in served if "/api/v1/" in route}


def test_every_exit_code_is_documented() -> None:
    """The table in console/README.md has the codes that commands end with, and no other."""
    rows = re.findall(r"^\| (\d+) \|", read(COMMANDS), re.M)
    assert sorted(map(int, rows)) == sorted(CODES.values())


def test_every_check_of_the_watcher_is_documented(tmp_path: Path) -> None:
    """The table in console/README.md has a row for each, in whatever order."""
    rows = re.findall(r"^\| `([a-z]+)(?:/[^`]*)?` \|", read(COMMANDS), re.M)
    assert sorted(rows) == sorted(checks(Settings(state_dir=tmp_path)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_metric_that_is_named_exists(path: Path) -> None:
    """A metric in a document is one that the processes serve."""
    known = set(re.findall(r'"(tocsin_\w+)"', Path(metrics.__file__).read_text(encoding="utf-8")))
    named_here = {name for code in shown(path) for name in re.findall(r"\b(tocsin_[a-z_]+[a-z])(?=$|[{\s])", code)}
    assert {name for name in named_here if re.sub(r"_(bucket|sum|count)$", "", name) not in known} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_module_and_target_that_is_run_exists(path: Path) -> None:
    """`python -m X` names a module, `make X` a target."""
    code = "\n".join(shown(path))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {name for name in re.findall(r"python -m ([\w.]+)", code) if not importlib.util.find_spec(name)} == set()
    assert set(re.findall(r"(?:^|&& )make ([a-z][a-z-]*)", code, re.M)) <= targets


def test_every_page_can_be_reached_from_the_readme() -> None:
    """No document is an orphan, in either language; nor is a picture."""
    for start in (README, README_ZH):
        seen, wait = {start}, [start]
        while wait:
            path = wait.pop()
            for target in links(path) if path.suffix == ".md" else []:
                file = (path.parent / target.partition("#")[0]).resolve()
                if target[0] != "#" and file not in seen:
                    seen.add(file)
                    wait.append(file)
        assert {path for path in DOCS.glob("*.md") if path not in seen} == set()
    pictures = {(path.parent / target).resolve() for path in DOCUMENTS for target in links(path)}
    assert {path for path in IMAGES.glob("*") if path not in pictures} == set()


def test_pictures_are_pictures() -> None:
    """Every picture that a document shows is a PNG, and none is so large that a page loads for long."""
    shown_ = {(path.parent / t).resolve() for path in DOCUMENTS for t in links(path) if t.endswith(".png")}
    assert shown_
    assert {path.name for path in shown_ if path.read_bytes()[:8] != PNG or path.stat().st_size > 1_000_000} == set()


@pytest.mark.parametrize("path", [README, README_ZH], ids=relative)
def test_the_front_page_is_short_and_says_what_was_measured(path: Path) -> None:
    """Two screens and some; its numbers stand in the tables that commands write."""
    text = read(path)
    assert len(text.splitlines()) <= 170
    section = text.partition("<!-- evaluation-short:end -->")[2].partition("\n## ")[0]
    prose = re.sub(r"\]\([^)]*\)", "]", section)
    figures = set(re.findall(r"\d+\.\d+|\b\d{3}\b", prose)) - {"4.5", "0.06", "0.1"}
    assert {"0.617", "103", "0.93", "2.45"} <= figures
    assert {figure for figure in figures if figure not in read(MEASURED)} == set()


def test_contents_of_a_page_are_its_sections() -> None:
    """Where a page begins with a list of its sections, every one of them is there."""
    for path in DOCS.glob("*.md"):
        inner = [target[1:] for target in links(path) if target.startswith("#")]
        sections = re.findall(r"^## (.*)$", read(path), re.M)
        if len(inner) >= len(sections) > 3 and "settings" not in path.name:
            assert {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in sections} <= set(inner), (
                path.name
            )
        assert set(inner) <= anchors(path)


def test_the_rule_of_the_page_passes_its_timeline(tmp_path: Path) -> None:
    """The example of docs/rules.md is a good rule with a good test."""
    for name in ("watch.yaml", "watch_test.yaml"):
        (tmp_path / name).write_text(named(RULES, name), encoding="utf-8")
    assert [outcome.differences for outcome in run_file(tmp_path / "watch_test.yaml")] == [(), ()]
    assert parse_rules(named(RULES, "watch.yaml"))[0].name in read(RULES).split("tocsin rules tune ")[1].splitlines()[0]


def test_the_lists_of_the_pages_are_good(tmp_path: Path) -> None:
    """Feeds, companies and truth are accepted as they stand."""
    feeds, faults = parse_feeds(named(SOURCES, "feeds.yaml"), ())
    assert (len(feeds), faults, feeds[0].may_store_body) == (1, [], False)
    (tmp_path / "watchlist.yaml").write_text(named(SOURCES, "watchlist.yaml"), encoding="utf-8")
    companies = read_watchlist(tmp_path / "watchlist.yaml")
    assert [company.id for company in companies] == ["halden", "AAPL"]
    truth = parse_truth(named(DOCS / "evaluation.md", "truth.yaml"), resolve={"Halden Corp": "entity:halden"}.get)
    assert [event.kind for event in truth.events] == ["negative", "control"]


def test_what_the_pages_name_is_there() -> None:
    """Topics, workers and files by the names that the code gives them."""
    concepts = read(DOCS / "concepts.md")
    row = next(line for line in concepts.splitlines() if line.startswith("| Kafka |"))
    assert set(re.findall(r"`([a-z.]+)`", row)) <= {topic.name for topic in TOPICS}
    workers = {w for path in DOCS.glob("*.md") for w in re.findall(r"tocsin worker ([a-z]+)", read(path))}
    assert workers <= {*ALL, REPORT, "all"}
    for path in DOCS.glob("*.md"):
        files = re.findall(r"`((?:deploy|tests|console|alerts|models|streams)/[\w./*-]+)`", read(path))
        assert {name for name in files if not list(ROOT.glob(name))} == set(), path.name
