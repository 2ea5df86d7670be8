"""Bad input straight into the topics, between good: every good item is indexed, every bad one is a dead letter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from deploy.stack import Stack
from streams.kafka import Message, Outgoing, read_topic
from streams.records import DeadLetter, RawItem, content_revision, decode, document_id
from streams.topics import ALERTS, CHAT_RAW, DEADLETTERS, DOCUMENTS, MENTIONS, NEWS_RAW
from tests.installation import Installation, Outcome
from tests.stream import START, ticks

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]
CANARY: Final = "canaryword"  # in every text; in no log
STAGES: Final = ("enrich", "index", "detect", "notify")


def item(name: str, **changes: Any) -> bytes:
    """An item as a source writes it, with one thing changed."""
    fields: dict[str, Any] = {
        "type": "item",
        "source": "wire",
        "native_id": name,
        "kind": "news",
        "title": f"Halden Corp opens an office {CANARY}",
        "text": f"Halden Corp says the {CANARY} office opens in June.",
        "collected_at": "2026-03-02T08:00:00Z",
        "retention_days": 36_500,
    }
    return json.dumps({k: v for k, v in (fields | changes).items() if v is not None}, ensure_ascii=False).encode()


GOOD: Final = item("good")
BAD: Final[dict[str, tuple[bytes | None, str]]] = {
    "empty": (b"", "empty"),
    "tombstone": (None, "empty"),
    "broken": (b'{"type": "item", ' + CANARY.encode(), "bad_json"),
    "truncated": (GOOD[:-40], "bad_json"),
    "trailing comma": (GOOD[:-1] + b",}", "bad_json"),
    "two values": (GOOD + GOOD, "bad_json"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "bad_json"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "bad_json"),
    "bare NUL": (GOOD.replace(CANARY.encode(), b"\0" + CANARY.encode()), "bad_json"),
    "NaN": (item("nan")[:-1] + b', "retention_days": NaN}', "bad_json"),
    "deep objects": (b'{"a":' * 100_000, "bad_json"),
    "lone surrogate": (item("s", text="TEXT").replace(b"TEXT", b"\\ud800" + CANARY.encode()), "bad_json"),
    "two low surrogates": (item("s", text="TEXT").replace(b"TEXT", b"\\udc00\\udc00"), "bad_json"),
    "GBK": (item("g", text="TEXT").replace(b"TEXT", "公司股价大跌".encode("gbk")), "bad_utf8"),
    "overlong": (item("o", text="TEXT").replace(b"TEXT", b"\xc0\xaf" + CANARY.encode()), "bad_utf8"),
    "CESU-8": (item("c", text="TEXT").replace(b"TEXT", b"\xed\xa0\xbd\xed\xb8\x80"), "bad_utf8"),
    "cut in a character": (item("u", text="TEXT").replace(b"TEXT", "股".encode()[:2]), "bad_utf8"),
    "array": (b"[" + GOOD + b"]", "bad_schema"),
    "null": (b"null", "bad_schema"),
    "string": (json.dumps(CANARY).encode(), "bad_schema"),
    "deep array": (b"[" * 100_000, "bad_schema"),
    "no type": (item("t", type=None), "bad_schema"),
    "unknown type": (item("t", type="itm"), "bad_schema"),
    "wrong type of text": (item("t", text=[CANARY]), "bad_schema"),
    "number as id": (item("t", native_id=17), "bad_schema"),
    "no source": (item("t", source=None), "bad_schema"),
    "empty id": (item("t", native_id=""), "bad_schema"),
    "extra field": (item("t", author_mail=CANARY), "bad_schema"),
    "unknown kind": (item("t", kind="rumour"), "bad_schema"),
    "no collection time": (item("t", collected_at=None), "bad_schema"),
    "time without a zone": (item("t", collected_at="2026-03-02T08:00:00"), "bad_schema"),
    "time as a number": (item("t", collected_at=1_772_438_400), "bad_schema"),
    "leap second": (item("t", collected_at="2016-12-31T23:59:60Z"), "bad_schema"),
    "400 digits": (item("t")[:-1] + b', "retention_days": ' + b"9" * 400 + b"}", "bad_schema"),
    "1e400": (item("t")[:-1] + b', "retention_days": 1e400}', "bad_schema"),
    "another version": (item("t", v=2), "bad_schema"),
    "1970": (item("t", collected_at="1970-01-01T00:00:00Z"), "bad_time"),
    "2099": (item("t", collected_at="2099-01-01T00:00:00Z"), "bad_time"),
    "published in 2099": (item("t", published_at="2099-01-01T00:00:00Z"), "bad_time"),
    "year 1 beyond the calendar": (item("t", published_at="0001-01-01T00:00:00+14:00"), "bad_time"),
    "tick of 2099": (b'{"type":"tick","source":"test","at":"2099-01-01T00:00:00Z"}', "bad_time"),
    "no words": (item("t", title="", text=""), "no_text"),
    "only white space": (item("t", title="\u3000 ", text=" \t\r\n\u00a0\u200b\u2028 "), "no_text"),
    "over the record limit": (item("t", text=CANARY + "x" * 400_000), "too_large"),
}
# Strange, but text: kept, harmless, judged.
ODD: Final[dict[str, bytes]] = {
    "markup": item("m", text=f"<script>alert('{CANARY}')</script><img src=x onerror=alert(1)>"),
    "template": item("tp", title=f"{{{{7*7}}}} ${{jndi:ldap://x/a}} {CANARY}"),
    "bidirectional": item("b", text=f"profit \u202e{CANARY}\u202c \u2066up\u2069"),
    "combining": item("cm", text=f"{CANARY} e" + "\u0301" * 100),
    "formula": item("f", title=f"=HYPERLINK(1,{CANARY})", text="@SUM(1+1)*cmd|' /C calc'!A0"),
    "log lines": item("l", text=f'{CANARY}\r\n{{"event": "forged"}}\x1b[31mred\x1b[0m'),
    "escaped NUL": item("n", text=f"before\0{CANARY}"),
    "one word of 200 KB": item("w", text=CANARY + "x" * 200_000),
    "2,000 links": item("u", text=f"{CANARY} " + "https://example.com/a " * 2_000),
    "emoji and private use": item("e", text=f"👩‍👩‍👧‍👦 \ue000 {CANARY} 🇨🇳"),
    "half-width digits": item("h", text=f"ＨＡＬＤＥＮ １２３ {CANARY}"),
    "metacharacters": item("q", native_id="a/b?c=*\"'\\|\n", title=f'{CANARY}" OR *:* /.*/ \\'),
    "doubled key": item("first")[:-1] + b', "native_id": "second"}',
    "1990": item("y", published_at="1990-01-01T00:00:00Z"),
    "far zone": item("z", collected_at="2026-03-02T22:00:00+14:00"),
    "Chinese": item("zh", title="", text=f"公司股价大跌，投资者恐慌 {CANARY}"),
}


@dataclass(frozen=True)
class Ledger:
    """What must become of every record that was written."""

    documents: dict[str, RawItem]  # by document id
    rejected: dict[str, str]  # reason by name of the bad record


def key(name: str) -> bytes:
    """The key of a bad record tells which it is; one is no text."""
    return b"\xff\xfe" if name == "NaN" else f"bad|{name}".encode()


def corpus(run: Installation) -> tuple[list[Outgoing], Ledger]:
    """Every bad record between two good ones, in both topics, with ticks."""
    records: list[Outgoing] = []
    good: list[bytes] = list(ODD.values())
    for number, (name, (value, _)) in enumerate(BAD.items()):
        good.append(item(f"plain-{number}", kind="chat" if number % 2 else "news"))
        records.append(Outgoing(CHAT_RAW if number % 3 else NEWS_RAW, value, key=key(name)))  # type: ignore[arg-type]
    mixed = [r for pair in zip(records, _outgoing(good), strict=False) for r in pair]
    mixed += list(_outgoing(good))[len(records) :] + ticks(run.settings, START)
    items = [decode(value, RawItem) for value in good]
    ids = {document_id(i.source, i.native_id, content_revision(i.title, i.text)): i for i in items}
    assert len(ids) == len(good)
    return mixed, Ledger(ids, {name: reason for name, (_, reason) in BAD.items()})


def _outgoing(values: list[bytes]) -> Iterator[Outgoing]:
    for number, value in enumerate(values):
        yield Outgoing(NEWS_RAW if number % 2 else CHAT_RAW, value, key=f"good|{number}".encode())


async def raw_messages(run: Installation) -> dict[bytes, Message]:
    """The raw records by key, as they lie in Kafka."""
    found: dict[bytes, Message] = {}
    for topic in (NEWS_RAW, CHAT_RAW):
        async for message in read_topic(run.settings, run.endpoints.kafka, topic):
            if message.key is not None:
                found.setdefault(message.key, message)
    return found


async def letters(run: Installation) -> list[DeadLetter]:
    """All dead letters."""
    return [decode(m.value, DeadLetter) async for m in read_topic(run.settings, run.endpoints.kafka, DEADLETTERS)]


def open_letters(run: Installation) -> list[dict[str, Any]]:
    """What `tocsin deadletters list --json` tells."""
    done = run.tocsin("deadletters", "list", "--json", "--limit", "999")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass(frozen=True)
class Played:
    """A run with poison in it, workers still running."""

    run: Installation
    ledger: Ledger
    pids: dict[str, int | None]


@pytest.fixture(scope="module")
def played(stack: Stack) -> Iterator[Played]:
    """All workers, the whole corpus behind them."""
    run = Installation.make(stack.settings.state_dir, "poison")
    records, ledger = corpus(run)
    run.produce(records)
    run.workers.start(STAGES)
    pids = {stage: run.workers.pid(stage) for stage in STAGES}
    try:
        run.wait(run.drained, 90, "poison drained")
        yield Played(run, ledger, pids)
    finally:
        run.workers.stop()


@pytest.fixture(scope="module")
def outcome(played: Played) -> Outcome:
    """What came out of it."""
    return asyncio.run(played.run.outcome())


def test_every_good_item_is_indexed(played: Played, outcome: Outcome) -> None:
    """The good items between the bad ones, and the strange ones, are all there and nothing else is."""
    missing = [i.native_id for name, i in played.ledger.documents.items() if name not in outcome.documents]
    assert missing == []
    assert outcome.documents.keys() == played.ledger.documents.keys()


def test_every_bad_record_is_a_dead_letter(played: Played, outcome: Outcome) -> None:
    """Each bad record lies in the dead letters once, under its origin, with the reason and its own bytes."""
    places = asyncio.run(raw_messages(played.run))
    expected = {places[key(name)].origin: reason for name, reason in played.ledger.rejected.items()}
    assert outcome.rejected == expected
    found = {f"{d.topic}/{d.partition}@{d.offset}": d for d in asyncio.run(letters(played.run))}
    assert len(found) == len(expected)
    for name in played.ledger.rejected:
        message = places[key(name)]
        letter = found[message.origin]
        assert (letter.stage, letter.size, letter.retries) == ("enrich", len(message.value or b""), 0)
        assert letter.value is None if message.value is None else letter.truncated or letter.value is not None


def test_workers_carry_on(played: Played) -> None:
    """No worker ended or was started again, whatever it was given."""
    run = played.run
    assert {stage: run.workers.pid(stage) for stage in STAGES} == played.pids
    assert not any(child.restarts for child in run.workers.children.values())


def test_what_is_stored_is_harmless(outcome: Outcome) -> None:
    """No control character, escape sequence or bidirectional override is left; overlong text is marked as cut."""
    controls = {
        *map(chr, (*range(9), 11, 12, 13, *range(14, 32), *range(127, 160), *range(8234, 8239), *range(8294, 8298)))
    }
    for document in outcome.documents.values():
        assert not controls & {*document["title"], *document["text"], *document["native_id"]}, document["native_id"]
    (word,) = [d for d in outcome.documents.values() if d["native_id"] == "w"]
    assert word["truncated"]
    assert len(word["text"]) <= 32_768
    (chinese,) = [d for d in outcome.documents.values() if d["native_id"] == "zh"]
    assert (chinese["judged"], chinese["unjudged"], chinese["lang"]) == (True, "", "zh")


def test_no_log_holds_a_text(played: Played) -> None:
    """The logs of all workers are JSON lines without any of the texts."""
    for stage in STAGES:
        text = (played.run.settings.state_dir / "logs" / "poison" / f"worker-{stage}.log").read_text(encoding="utf-8")
        assert CANARY not in text
        assert "forged" not in text
        assert all(json.loads(line)["event"] for line in text.splitlines())


def test_dead_letters_are_listed_sent_again_and_balance(played: Played) -> None:
    """`deadletters list` shows them, `retry` sends one back, which fails again under a new origin; the sum is right."""
    run = played.run
    listed = open_letters(run)
    assert sorted(one["reason"] for one in listed) == sorted(played.ledger.rejected.values())
    chosen = next(one for one in listed if one["reason"] == "bad_time")
    done = run.tocsin("deadletters", "retry", "--id", chosen["id"])
    assert (done.returncode, done.stdout) == (0, "Sent again: 1\n"), done.stderr
    run.wait(run.drained, 30, "retried record drained")
    again = open_letters(run)
    (new,) = [one for one in again if one["id"] not in {old["id"] for old in listed}]
    assert chosen["id"] not in {one["id"] for one in again}
    assert (new["reason"], new["topic"], new["partition"]) == ("bad_time", chosen["topic"], chosen["partition"])
    assert new["offset"] > chosen["offset"]
    refused = run.tocsin("deadletters", "retry", "--reason", "empty")
    assert refused.returncode == 1
    assert "it had no value" in refused.stdout
    run.wait(run.drained, 30, "retried records drained")
    answer = run.tocsin("balance", "--json")
    balance = json.loads(answer.stdout)
    assert (answer.returncode, balance["ok"]) == (0, True), balance
    assert balance["indexed"] == len(played.ledger.documents)
    assert balance["rejected"] == len(played.ledger.rejected) - 1  # the tick is no item
    assert balance["retried"] == 2


def test_rubbish_in_the_inner_topics_stops_no_stage(played: Played) -> None:
    """What is no document, mention or alert becomes a dead letter of the stage that met it, and the stage goes on."""
    run = played.run
    before = {d.id for d in asyncio.run(letters(run))}
    rubbish = (b"{not json", b"\xff\xfe", b"null", b"", GOOD, b'{"v":1}')
    run.produce([Outgoing(topic, value, key=b"x") for topic in (DOCUMENTS, MENTIONS, ALERTS) for value in rubbish])
    run.wait(run.drained, 60, "rubbish drained")
    fresh = [d for d in asyncio.run(letters(run)) if d.id not in before]
    reasons = ["bad_json", "bad_json", "bad_schema", "empty", "bad_schema", "bad_schema"]
    for stage, topics in {"index": 2, "detect": 1, "notify": 1}.items():
        assert sorted(d.reason for d in fresh if d.stage == stage) == sorted(reasons * topics), stage
    assert json.loads(run.tocsin("balance", "--json").stdout)["ok"]
    test_workers_carry_on(played)
