"""How fast the console is: `python -m tests.bench.console [--documents 100000]`, on engines of its own.

A month of invented documents and alerts is written, the API is started as anybody does, and Chromium opens the page.
Measured are the time from the start of the navigation until the alerts and the heat map are painted, the time from a
press until what it asked for is painted, and the answers of the API. Goals: 1 s, and 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from alerts.rule_files import load_rules
from deploy.stack import Stack
from streams import elastic as es
from streams.endpoints import resolve
from streams.settings import Settings, environment
from tests.bench.console_past import Past, index, ring
from tests.browser.chromium import DESKTOP, context_of, launch
from tests.browser.served import TOKENS, Served, serving

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "console" / "demo" / "rules.yaml"
WATCH: Final = Path(__file__).with_name("watch_paint.js").read_text(encoding="utf-8")
FIRST, PRESS = 1000.0, 100.0  # ms: the goals
VISITS, PRESSES, REQUESTS = 7, 9, 40
PAUSE: Final = 0.4  # seconds between two presses: a person reads
NAMED: Final = ("c001", "c004", "c010", "c025", "c050", "c120")
WORDS: Final = {"English": ("inquiry", "payments", "recalls", "harbour"), "Chinese": ("调查", "召回", "停兑付", "港区")}


@dataclass(slots=True)
class Measured:
    """Milliseconds of one thing, many times."""

    name: str
    goal: float | None
    values: list[float] = field(default_factory=list)

    def line(self) -> str:
        """A row of the table."""
        ordered = sorted(self.values)
        half, most = statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        met = "" if self.goal is None else "yes" if half < self.goal else "NO"
        goal = "" if self.goal is None else f"{self.goal:.0f}"
        return f"| {self.name} | {half:.0f} | {most:.0f} | {goal} | {met} |"


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def page_of(browser: Browser) -> Iterator[Page]:
    """A page in a browser that has seen nothing yet, with the clock of the measurement in it."""
    context = context_of(browser, "en", DESKTOP, "light")
    page = context.new_page()
    page.add_init_script(WATCH)
    yield page
    context.close()


def opened(browser: Browser, served: Served) -> list[Measured]:
    """Now, for somebody who comes for the first time, and for somebody who has been here."""
    first, largest = Measured("Now, first visit", FIRST), Measured("Now, first visit: largest paint", FIRST)
    again = Measured("Now, later visit", FIRST)
    for _ in range(VISITS):
        with page_of(browser) as page:
            page.goto(served.signed_in("operate"))
            first.values.append(page.evaluate("first"))
            largest.values.append(page.evaluate("largest"))
            time.sleep(PAUSE)
            page.reload()
            again.values.append(page.evaluate("first"))
            time.sleep(PAUSE)
    return [first, largest, again]


def pressed(page: Page, it: Measured, press: Callable[[], None], there: str) -> None:
    """Press, and note how long it takes until `there` holds and is painted."""
    page.evaluate(f"() => {{ window.taken = window.after(() => {there}); }}")
    press()
    it.values.append(page.evaluate("taken"))
    time.sleep(PAUSE)


def to(page: Page, address: str, there: str) -> None:
    """Go somewhere without measuring."""
    page.evaluate("(hash) => { location.hash = hash; }", f"#/{address}")
    page.evaluate(f"() => window.when(() => {there})")
    time.sleep(PAUSE)


def interactions(browser: Browser, served: Served) -> list[Measured]:
    """What people do most, each some times."""
    alert, chart = Measured("open an alert", PRESS), Measured("open an alert: its chart", None)
    subject = Measured("open a subject", PRESS)
    searches = {lang: Measured(f"search in {lang}", PRESS) for lang in WORDS}
    facet, more, document = (Measured(name, PRESS) for name in ("choose a facet", "next page", "open a document"))
    with page_of(browser) as page:
        page.goto(served.signed_in("operate"))
        page.evaluate("first")
        for turn in range(PRESSES):
            to(page, "now", NOW)
            row = page.locator(".alert-name a").nth(turn)
            pressed(
                page, alert, row.click, "document.querySelector('main .lead') && document.querySelector('ol.stories')"
            )
            begun = time.perf_counter()
            page.evaluate("() => window.when(() => document.querySelector('main canvas'))")
            chart.values.append(alert.values[-1] + 1000 * max(0.0, time.perf_counter() - begun - PAUSE))
            to(page, "now", NOW)
            pressed(
                page,
                subject,
                page.locator("table.heat tbody th a").nth(turn).click,
                "document.querySelector('dl.figures')",
            )
            to(page, "documents", LISTED)
            for lang, words in WORDS.items():
                _search(page, searches[lang], words[turn % len(words)])
            _narrow(page, facet, more, document)
    return [alert, chart, subject, *searches.values(), facet, more, document]


LISTED: Final = "document.querySelectorAll('article').length === 20 && !document.querySelector('.chips .chip')"
NOW: Final = "document.querySelector('.alert-row') && document.querySelector('table.heat tbody tr')"


def _search(page: Page, it: Measured, word: str) -> None:
    box = page.locator("main [data-search]")
    box.fill(word)
    there = f"location.hash.includes(encodeURIComponent('{word}')) && document.querySelector('article mark') && !{BUSY}"
    pressed(page, it, lambda: box.press("Enter"), there)


BUSY: Final = "document.querySelector('[aria-busy=true]')"


def _narrow(page: Page, facet: Measured, more: Measured, document: Measured) -> None:
    """Of all documents those of one facet, then the next page of them, then one of them."""
    to(page, "documents", LISTED)
    box = page.locator(".facets input[type=checkbox]").first
    pressed(page, facet, box.click, f"document.querySelector('.chips .chip') && !{BUSY}")
    pressed(page, more, page.locator(".more button").click, "document.querySelectorAll('article').length > 20")
    title = page.locator("article .document-title a").first
    pressed(page, document, title.click, "document.querySelector('.document-text')")


def routes(served: Served) -> list[Measured]:
    """The answers of the API one after another, with ever other questions."""
    alerts = [each["alert"] for each in served.get("/alerts?state=all&limit=40")["alerts"]]
    documents = [each["id"] for each in served.get("/documents?limit=40")["documents"]]
    words = [word for each in WORDS.values() for word in each]
    asked: dict[str, Sequence[str]] = {
        "/alerts?state=open": [""], "/alerts/{id}": [f"/alerts/{id_}" for id_ in alerts],
        "/alerts/{id}/timeline": [f"/alerts/{id_}/timeline" for id_ in alerts],
        "/heat (24 h)": ["/heat?hours=24"], "/heat (7 days)": ["/heat?hours=168"],
        "/subjects": [f"/subjects?q={quote(name)}" for name in ("", "marl", "远岭")],
        "/subjects/{id} (7 days)": [f"/subjects/entity:{name}" for name in NAMED],
        "/documents?q=": [f"/documents?q={quote(word)}" for word in words],
        "/documents?q= (relevance)": [f"/documents?q={quote(word)}&sort=relevance" for word in words],
        "/documents/{id}": [f"/documents/{id_}" for id_ in documents],
        "/documents/{id}/similar": [f"/documents/{id_}/similar" for id_ in documents],
        "/sources": [""], "/health": [""], "/rules": [""], "/models": [""], "/audit": [""], "/me": [""],
    }  # fmt: skip
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc)
    found = []
    for name, paths in asked.items():
        it = Measured(name, None)
        for turn in range(REQUESTS):
            began = time.perf_counter()
            path = paths[turn % len(paths)] or name
            connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {TOKENS['operate']}"})
            answer = connection.getresponse()
            body = answer.read()
            it.values.append(1000 * (time.perf_counter() - began))
            if answer.status != 200:
                raise SystemExit(f"{path}: HTTP {answer.status} {body[:300]!r}")
        found.append(it)
    connection.close()
    return found


def machine() -> str:
    """On what it was measured."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB; load before {os.getloadavg()[0]:.1f}"


async def fill(settings: Settings, past: Past) -> None:
    """Everything that the page will show."""
    at = resolve(settings)
    elastic = es.client(settings, at.elasticsearch)
    (rule,) = load_rules(RULES)
    try:
        began = time.monotonic()
        await index(elastic, settings, past)
        say(f"{past.documents:,} documents in {time.monotonic() - began:.0f} s")
        await ring(settings, at.kafka, past, rule)
    finally:
        await elastic.close()


def measure(settings: Settings, past: Past) -> list[Measured]:
    """All of it, on engines that run."""
    with serving(environment(settings), settings.state_dir / "api.log", api_rate="1000", rules=str(RULES)) as served:
        found = routes(served)
        say("API measured")
        with sync_playwright() as playwright:
            browser = launch(playwright)
            shown = opened(browser, served)
            say("first paint measured")
            shown += interactions(browser, served)
            browser.close()
    return shown + found


def main() -> int:
    """Measure and print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--alerts", type=int, default=3000)
    parser.add_argument("--json", type=Path, help="file for all values in milliseconds")
    options = parser.parse_args()
    past = Past(datetime.now(UTC), options.documents, options.alerts)
    on = machine()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-console-") as folder:
        settings = Settings(state_dir=Path(folder), namespace=f"bench{os.getpid()}")
        stack = Stack(settings, preferred=False, owned=True)
        try:
            stack.up()
            asyncio.run(fill(settings, past))
            found = measure(settings, past)
        finally:
            stack.down()
    print(f"{past.documents:,} documents, {past.alerts:,} alerts; {on}. Milliseconds.\n")
    print("| what | half | 95 % | goal | met |\n|---|---|---|---|---|")
    print("\n".join(it.line() for it in found))
    if options.json:
        options.json.write_text(json.dumps({it.name: it.values for it in found}, indent=1), encoding="utf-8")
    return int(any(it.goal is not None and statistics.median(it.values) >= it.goal for it in found))


if __name__ == "__main__":
    sys.exit(main())
