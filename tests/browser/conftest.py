"""Browsers: one that loads the page's modules from the tree, without a server; one that opens the page of a real API
over a day that real engines have played. What is shared ends with this folder: nothing of it meets other tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from console.api.web import POLICY, TYPES
from console.replay.shelf import keep
from console.web import STATIC
from console.web.words import words
from deploy.stack import Stack
from streams.settings import Settings
from tests.browser import day as days
from tests.browser.chromium import DESKTOP, Visit, Watched, context_of, launch
from tests.browser.day import Day
from tests.browser.served import Served, serving
from tests.unit.console.replay.test_shelf import result

ORIGIN = "http://tocsin.test"
BLANK = "<!doctype html><html lang=en><title>Tests</title><body></body></html>"
Evaluate = Callable[..., Any]


def _serve(route: Route) -> None:
    """Answers from the tree; nothing leaves the machine."""
    path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
    if path == "/":
        route.fulfill(body=BLANK, content_type="text/html", headers={"Content-Security-Policy": POLICY})
        return
    for lang in ("en", "zh"):
        if path == f"/static/messages/{lang}.json":
            route.fulfill(body=msgspec.json.encode(words(lang)), content_type="application/json")
            return
    file = STATIC / path.removeprefix("/static/")
    if file.is_file():
        route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
    else:
        route.fulfill(status=404)


class Bare:
    """An empty page of the origin from which modules can be imported.

    Playwright's loop would be taken for the tests' own by whatever test comes next in this thread, so it has a thread
    of its own, and every call goes there.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._stack = ExitStack()
        self._page: Page = self._thread.submit(self._open).result()

    def _open(self) -> Page:
        playwright = self._stack.enter_context(sync_playwright())
        browser = launch(playwright)
        self._stack.callback(browser.close)
        page = browser.new_context(timezone_id="Asia/Shanghai").new_page()
        page.route("**/*", _serve)
        page.goto(ORIGIN + "/")
        return page

    def evaluate(self, script: str, value: Any) -> Any:
        """What the script gives for the value."""
        return self._thread.submit(self._page.evaluate, script, value).result()

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._stack.close).result()
        self._thread.shutdown()


@pytest.fixture(scope="session")
def bare_page() -> Iterator[Bare]:
    """One browser for all tests of a run."""
    page = Bare()
    yield page
    page.close()


@pytest.fixture
def module(bare_page: Bare) -> Evaluate:
    """`module("format", "m.number(a)", 3.2, lang="zh")`: what an expression of module `m` and value `a` gives."""

    def evaluate(name: str, expression: str, value: Any = None, lang: str = "en") -> Any:
        script = f"""async (a) => {{
            const i18n = await import("/static/js/i18n.js");
            if (i18n.lang() !== "{lang}" || !i18n.has("shell.skip")) await i18n.load("{lang}");
            const m = await import("/static/js/{name}.js");
            return ({expression});
        }}"""
        return bare_page.evaluate(script, value)

    return evaluate


@pytest.fixture(scope="package")
def day(engine_settings: Settings, stack: Stack) -> Iterator[Day]:
    """The demo's day, and as news of this hour what it says of one company, about which an alert rings now."""
    with days.played(engine_settings.state_dir) as found:
        found.again(days.ACCOUNTS, days.minutes_ago(60), days.minutes_ago(35))
        yield found


@pytest.fixture(scope="package")
def served(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API over the day, as fast as people are: with rules that may be written and two kept results of replays."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(day.state / "rules", folder / "rules")
    for name in ("Invented day", "Invented day, again"):
        keep(Settings(state_dir=day.state), result(), name)
    with serving(day.variables, folder / "api.log", rules=str(folder / "rules")) as found:
        yield found


@pytest.fixture(scope="package")
def unhurried(day: Day, served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same for a visitor who looks at more in a second than a person can."""
    with serving(day.variables, tmp_path_factory.mktemp("unhurried") / "api.log", api_rate="1000") as found:
        yield found


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser; each page has a context of its own."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, served: Served) -> Iterator[Visit]:
    """Opens pages, signed in; at the end of the test none of them may have done what a page must not."""
    with visiting(chromium, served) as found:
        yield found


@contextmanager
def visiting(chromium: Browser, usual: Served) -> Iterator[Visit]:
    """A function that opens a page, and the check of all of them at the end."""
    opened: list[Watched] = []

    def visit(
        role: str = "admin", lang: str = "en", size: tuple[int, int] = DESKTOP, look: str = "light",
        at: Served | None = None, allowed: tuple[str, ...] = (), address: str = "", **more: Any,
    ) -> Watched:  # fmt: skip
        place = at or usual
        page = context_of(chromium, lang, size, look, **more).new_page()
        found = Watched(page, place.url, allowed)
        opened.append(found)
        page.goto(address or place.signed_in(role))
        if not address:
            found.rest()
        return found

    try:
        yield visit
        for each in opened:
            each.check()
    finally:
        for each in opened:
            each.page.context.close()
