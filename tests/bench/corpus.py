"""Seeded English texts about invented companies, with the lengths of headlines (HEAD), articles (NEWS) and both (MIX).

All texts of a corpus are distinct, so no cache of verdicts can answer for the model. In the middle of each corpus one
company has bad news, so that detection has something to find.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from streams.kafka import Outgoing
from streams.records import RawItem, RawTick, document_id, encode
from streams.settings import Settings
from streams.topics import CHAT_RAW, NEWS_RAW, RAW

KINDS: Final = ("MIX", "HEAD", "NEWS")
LONG_SHARE: Final = 0.3  # of MIX: 70 % headlines and chat, 30 % articles
HEAD_WORDS: Final = (13.0, 0.35, 5, 34)  # median, spread of the logarithm, least, most: about 20 tokens
NEWS_WORDS: Final = (182.0, 0.35, 60, 420)  # about 200 tokens
START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
STEP: Final = timedelta(seconds=2)  # event time between two items
CRISIS: Final = (0.45, 0.6)  # share of the corpus between which the first company has bad news
TICK_EVERY: Final = 250  # items

COMPANIES: Final = {
    "HALDRI": "Haldrin Orrow", "BRAVOL": "Bravoline Foods", "KESSEL": "Kessel Tarn Marine", "ORVANT": "Orvanta Steel",
    "MIRIDA": "Miridane Pharma", "TOLVER": "Tolver Freight", "QUENBY": "Quenby Retail", "ZANTRI": "Zantrix Chips",
    "PELLAR": "Pellarin Energy", "VORSKO": "Vorskane Bank", "LUMARO": "Lumarose Media", "FENWIK": "Fenwikson Motors",
    "DRAYCO": "Drayconda Cloud", "SILVEN": "Silvenmoor Gold", "ARBUTO": "Arbutone Wood", "NEXILO": "Nexilor Robots",
    "CADRIS": "Cadrisle Cover", "GOLWEN": "Golwendy Air", "HUXTER": "Huxterby Dyes", "IVORIN": "Ivorine Telecom",
}  # fmt: skip

BAD: Final = (
    "shares plunge after a fraud probe", "cuts its outlook and warns of heavy losses", "was downgraded to sell",
    "misses profit estimates as sales slump", "stock tumbles on debt fears", "recalls faulty products after accidents",
)  # fmt: skip
GOOD: Final = (
    "beats profit expectations and raises guidance", "wins a record order", "was upgraded to buy",
    "shares jump to an all-time high", "lifts its dividend after strong results", "gains on takeover hopes",
)  # fmt: skip
PLAIN: Final = (
    "will present at the investor conference", "publishes its annual agenda", "appoints a head of logistics",
    "opens an office in the harbour district", "files its quarterly report on Thursday", "renews a supply agreement",
)  # fmt: skip

NOUNS: Final = """market price demand supply output margin contract customer supplier plant port harbour index bond
    yield currency inflation budget forecast quarter dividend merger board director regulator court lawsuit union strike
    factory warehouse cargo vessel airline engine battery chip server network software platform patent licence drug
    trial mine furnace pipeline refinery grain coffee copper nickel timber cotton insurance premium mortgage deposit
    lender branch auditor analyst broker trader fund stake offer tender auction tariff subsidy tax audit reserve
    inventory backlog shipment payment invoice loan rating target estimate survey report briefing session week month
    region province valley coast capital minister committee proposal reform deadline""".split()
VERBS: Final = """expects reports announces plans considers delays expands reduces reviews confirms denies sells buys
    builds closes opens tests launches cancels extends signs rejects approves discusses measures lifts lowers keeps
    publishes updates questions defends supports follows avoids reaches misses meets repays replaces moves""".split()
ADJECTIVES: Final = """new higher lower steady weak strong local foreign annual regional early late modest sharp broad
    narrow quiet busy costly cheap stable fragile large small former current final partial public private northern
    southern joint likely unlikely recent""".split()
LINKS: Final = """while because although as after before despite amid since until whereas and but""".split()
PLACES: Final = """in the north | across the region | at the port | on the exchange | in early trade | for the quarter |
    this week | next month | over the year | at a hearing | in a filing | from its main plant""".split("|")
SOURCES: Final = ("harbour-wire", "morning-ledger", "trade-board", "quiet-forum", "coast-daily", "exchange-talk")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Items in event-time order and the ids of the documents that must come of them."""

    kind: str
    items: tuple[RawItem, ...]
    ids: tuple[str, ...]


def corpus(kind: str, count: int, seed: int = 7, label: str = "main", without: Corpus | None = None) -> Corpus:
    """`count` items of one kind; `label` keeps several corpora of a seed apart.

    With `without`, none of its texts is among them and all of them lie before it in event time.
    """
    rng = random.Random(f"{kind}|{seed}|{label}")
    items: list[RawItem] = []
    start = START - count * STEP if without else START
    seen = {_read(item) for item in without.items} if without else set()
    while len(items) < count:
        item = _item(rng, kind, len(items), count, label, start)
        if _read(item) not in seen:
            seen.add(_read(item))
            items.append(item)
    return Corpus(kind, tuple(items), tuple(document_id(i.source, i.native_id, i.revision) for i in items))


def _read(item: RawItem) -> str:
    """What the model reads: a chat text equal to a headline is the same text to it."""
    return f"{item.title} {item.text}".strip().lower()


def _item(rng: random.Random, kind: str, number: int, count: int, label: str, start: datetime) -> RawItem:
    at = start + number * STEP
    long = kind == "NEWS" or (kind == "MIX" and rng.random() < LONG_SHARE)
    chat = not long and rng.random() < 0.5
    title, text = _words(rng, CRISIS[0] <= number / count < CRISIS[1], long)
    return RawItem(
        source=rng.choice(SOURCES),
        native_id=f"{label}-{number}",
        revision="1",
        kind="chat" if chat else "news",
        title="" if chat else title,
        text=title if chat else text,
        author=f"writer{rng.randrange(500)}",
        lang="en",
        published_at=at,
        published_how="stated",
        collected_at=at,
        collected_how="archive",
    )


def _words(rng: random.Random, crisis: bool, long: bool) -> tuple[str, str]:
    """A headline, and the article under it when the item is a long one."""
    if crisis and rng.random() < 0.35:
        name, event = next(iter(COMPANIES.values())), rng.choice(BAD)
    else:
        name, event = rng.choice(list(COMPANIES.values())), rng.choice((*BAD, *GOOD, *PLAIN, *PLAIN))
    if rng.random() < 0.25:  # a quarter is about no company on the watchlist
        name = f"the {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"
    title = f"{name} {event} {rng.choice(PLACES).strip()} {_fill(rng, HEAD_WORDS, len(event.split()) + 5)}".strip()
    if not long:
        return title, ""
    return title, _fill(rng, NEWS_WORDS, len(title.split()))


def _fill(rng: random.Random, shape: tuple[float, float, int, int], used: int) -> str:
    """Sentences up to a length drawn from `shape`, less the words already `used`."""
    median, spread, least, most = shape
    wanted = min(most, max(least, round(median * math.exp(rng.gauss(0, spread))))) - used
    words: list[str] = []
    while len(words) < wanted:
        words += _clause(rng)
    return " ".join(words[: max(0, wanted)])


def _clause(rng: random.Random) -> list[str]:
    clause = ["the", rng.choice(ADJECTIVES), rng.choice(NOUNS), rng.choice(VERBS), "the", rng.choice(NOUNS)]
    clause += rng.choice(PLACES).split()
    if rng.random() < 0.2:
        clause += ["by", f"{rng.randrange(1, 90)}", "percent"]
    clause.append(rng.choice(LINKS))
    return clause


def bad_news(rng: random.Random, name: str, native_id: str, at: datetime) -> RawItem:
    """One story of its own with bad news about a company."""
    return RawItem(
        source=rng.choice(SOURCES),
        native_id=native_id,
        revision="1",
        kind="news",
        title=f"{name} {rng.choice(BAD)} {_fill(rng, HEAD_WORDS, 4)}",
        author=f"writer{rng.randrange(500)}",
        lang="en",
        published_at=at,
        published_how="stated",
        collected_at=at,
        collected_how="archive",
    )


def records(chosen: Corpus, settings: Settings) -> Iterator[list[Outgoing]]:
    """The corpus as Kafka records, in slices; each slice ends with the ticks that promise it is complete."""
    for start in range(0, len(chosen.items), TICK_EVERY):
        part = chosen.items[start : start + TICK_EVERY]
        yield [record(item) for item in part]
        yield ticks(settings, part[-1].collected_at)


def record(item: RawItem) -> Outgoing:
    """One item for its raw topic."""
    return Outgoing(RAW[item.kind], encode(item), key=f"{item.source}|{item.native_id}".encode())


def ticks(settings: Settings, at: datetime) -> list[Outgoing]:
    """The promise that everything up to `at` is written, for every partition of both raw topics."""
    value = encode(RawTick(at=at, source="bench"))
    return [Outgoing(t, value, partition=p) for t in (NEWS_RAW, CHAT_RAW) for p in range(t.count(settings))]


def watchlist() -> str:
    """The invented companies as a watchlist file."""
    return "".join(f"- {{id: {key}, name: {name}, tickers: [{key}]}}\n" for key, name in COMPANIES.items())
