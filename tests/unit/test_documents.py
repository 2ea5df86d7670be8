"""The documents cannot rot: what they name exists, what they show runs, and both languages say the same."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from pydantic import SecretStr

from alerts.delivery.channels_file import parse_channels
from alerts.delivery.message import notice_body
from alerts.delivery.webhook import Webhooks, read_receivers
from alerts.evaluation.truth_files import parse_truth
from alerts.rule_files import parse_rules
from alerts.rule_tests import run_file
from alerts.rules import KINDS, Scope
from console.replay.group import RUN
from console.webhooks import new_secret
from streams.gazetteer import read_companies
from streams.gazetteer.watchlist import read_watchlist
from streams.records import AlertEvent
from streams.settings import Settings, unknown_variables
from streams.sources.feedlist import parse_feeds
from streams.sources.mapping import NAMES
from streams.sources.push import STAMPED, pushed_item
from tests import documents
from tests.documents import (
    ALERTS,
    COMMANDS,
    DELIVERY,
    DOCUMENTS,
    EVALUATION,
    MEASURED,
    MEASURED_ZH,
    README,
    README_ZH,
    REPLAY,
    ROOT,
    STREAMS,
    anchors,
    blocks,
    commands,
    links,
    named,
    relative,
    unknown,
)

READMES = [README, README_ZH, ALERTS, STREAMS, DELIVERY, COMMANDS, EVALUATION, REPLAY]


@pytest.fixture(scope="module")
def program() -> Any:
    """The whole command line."""
    return typer.main.get_command(documents.program())


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    """A variable in a document is one that Tocsin reads."""
    names = set(re.findall(r"\bTOCSIN_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert unknown_variables(names) == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_command_that_is_named_exists(path: Path, program: Any) -> None:
    """A command in a document, and each of its options, is one that the program has."""
    found = list(commands(path))
    assert len(found) > 3 or path not in READMES
    assert {" ".join(words): missing for words in found if (missing := unknown(words, program))} == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_links_lead_somewhere(path: Path) -> None:
    """A link to a file or a picture of the project names one, and a link to a heading names one."""
    for target in links(path):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize(("english", "chinese"), [(README, README_ZH), (MEASURED, MEASURED_ZH)], ids=relative)
def test_both_languages_are_in_step(english: Path, chinese: Path) -> None:
    """The Chinese document has the same commands, links, pictures, numbers in tables and sections."""

    def shape(path: Path) -> dict[str, Any]:
        text = path.read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("|")]
        targets = re.findall(r"\]\((https?:[^)]+|[^)]*/[^)]*)\)", text)
        return {
            "commands": [line.split(" #")[0].rstrip() for block in blocks(path, "sh") for line in block.splitlines()],
            "links": sorted(re.sub(r"#[^)]*|-(?:en|zh)(?=\.png)|\.zh(?:-CN)?(?=\.md)", "", link) for link in targets),
            "numbers": [re.findall(r"[\d.,]*\d", row) for row in rows],
            "headings": re.findall(r"^(#+) ", text, re.M),
            "settings": sorted(set(re.findall(r"TOCSIN_[A-Z_]+", text))),
            "marks": re.findall(r"<!-- (.*?) -->", text),
        }

    assert shape(english) == shape(chinese)


def test_every_field_of_rules_and_alerts_is_documented() -> None:
    """A field that a rule may have, or that an alert says, stands in the tables."""
    told = set(re.findall(r"`([a-z_.]+)`", ALERTS.read_text(encoding="utf-8")))
    fields = {f.encode_name for kind in KINDS.values() for f in msgspec.structs.fields(kind)} - {"scope"}
    fields |= {f"scope.{f.encode_name}" for f in msgspec.structs.fields(Scope)} | set(AlertEvent.__struct_fields__)
    assert fields - told == set()


def test_the_tables_of_ingest_are_complete(program: Any) -> None:
    """Every name of a column and every option that `ingest` knows is documented."""
    text = STREAMS.read_text(encoding="utf-8")
    for field, columns in NAMES.items():
        assert f"`{field}`" in text
        assert columns == (field,) or ", ".join(columns) in text
    options = {o for p in program.commands["ingest"].params for o in p.opts if o.startswith("--")}
    assert {o for o in options if o not in text} == set()


def test_every_option_of_a_replay_is_documented(program: Any) -> None:
    """Where the replay is described, or the evaluation that it ends with."""
    text = REPLAY.read_text(encoding="utf-8") + EVALUATION.read_text(encoding="utf-8")
    options = {o for p in program.commands["replay"].commands[RUN].params for o in p.opts if o.startswith("--")}
    assert {o for o in options if not re.search(rf"{o}(?![a-z-])", text)} == set()


def test_the_truth_in_the_document_is_good() -> None:
    """The example is read; companies are those that it names."""
    companies = {"Vintra Foods": "entity:vintra", "Halden Corp": "entity:halden"}
    truth = parse_truth(named(EVALUATION, "truth.yaml"), resolve=companies.get)
    assert [(event.kind, event.day_only) for event in truth.events] == [
        ("negative", False),
        ("negative", True),
        ("control", False),
    ]
    assert truth.labelled is not None


def test_every_reason_of_a_dead_letter_is_documented() -> None:
    """A reason that a letter can show is explained."""
    text = STREAMS.read_text(encoding="utf-8")
    sources = [
        p.read_text(encoding="utf-8") for package in ("streams", "alerts") for p in (ROOT / package).rglob("*.py")
    ]
    reasons = {reason for source in sources for reason in re.findall(r'Reject\(\s*"([a-z_]+)"', source)}
    answered = {"too_many"}  # of the push endpoint alone, which answers and keeps nothing
    assert {reason for reason in reasons - answered if f"`{reason}`" not in text} == set()


def test_the_rule_and_its_timeline_in_the_document_pass(tmp_path: Path) -> None:
    """The example is a good rule file with a good test."""
    for name in ("desk.yaml", "desk_test.yaml"):
        (tmp_path / name).write_text(named(ALERTS, name), encoding="utf-8")
    assert [outcome.differences for outcome in run_file(tmp_path / "desk_test.yaml")] == [(), ()]


def test_the_composed_rule_and_the_channels_in_the_documents_are_good() -> None:
    """The examples of conditions and of receivers with routes are accepted as they stand."""
    composed = next(block for block in blocks(ALERTS, "yaml") if "conditions:" in block)
    assert [rule.name for rule in parse_rules(composed)] == ["run-on-the-counter"]
    file = parse_channels(named(DELIVERY, "channels.yaml"), "channels.yaml")
    assert [receiver.name for receiver in file.receivers] == ["desk", "duty"]
    described = next(block for block in blocks(DELIVERY, "yaml") if block.startswith("receivers:"))
    assert len(parse_channels(described + "routes: [{receivers: [desk-mail]}]\n", "channels.yaml").receivers) == 7


def test_the_lists_in_the_document_are_good(tmp_path: Path) -> None:
    """The examples of feeds and of a watchlist are accepted."""
    feeds, faults = parse_feeds(named(STREAMS, "feeds.yaml"), ())
    assert (len(feeds), faults) == (2, [])
    (tmp_path / "watchlist.yaml").write_text(named(STREAMS, "watchlist.yaml"), encoding="utf-8")
    assert [company.id for company in read_watchlist(tmp_path / "watchlist.yaml")] == ["halden"]
    assert f"{len(read_companies()):,} companies ship" in STREAMS.read_text(encoding="utf-8")


def test_the_push_in_the_document_is_accepted() -> None:
    """The body of the curl command is an item, and the fields that may be given are those of the endpoint."""
    text = STREAMS.read_text(encoding="utf-8")
    body = next(re.finditer(r"-d '(\{.*?\})'", text))[1]
    item = pushed_item(json.loads(body), datetime(2026, 11, 22, tzinfo=UTC))
    assert (item.source, item.native_id, item.kind) == ("desk", "a-1", "news")
    part = text[text.index("## Push") : text.index("## Companies")]
    expected = set(type(item).__struct_fields__) - set(STAMPED) - {"published_how"}
    assert {field for field in expected if f"`{field}`" not in part} == set()


async def test_the_receiver_in_the_document_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example accepts what we sign, under either secret, and refuses what another signs."""
    ours, other, newer = new_secret(), new_secret(), new_secret()
    monkeypatch.setenv("TOCSIN_WEBHOOK_SECRET", f"{newer} {ours}")
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(blocks(DELIVERY, "python")[0], "alerts/delivery/README.md", "exec"), space)  # noqa: S102 - our own document
    server = HTTPServer(("127.0.0.1", 0), space["Receiver"])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        answers = []
        for secret in (ours, newer, other):
            settings = Settings(
                state_dir=tmp_path,
                webhook_urls=f"http://127.0.0.1:{server.server_port}/",
                webhook_secret=SecretStr(secret),
                webhook_allow="127.0.0.0/8",
            )
            webhooks = Webhooks(settings)
            at = datetime.now(UTC)
            body = notice_body("test", "msg_1", at)
            answers.append((await webhooks.post(read_receivers(settings)[0], "msg_1", body, at)).status)
            await webhooks.close()
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
    assert answers == [204, 204, 401]
    assert space["SEEN"] == {"msg_1"}
