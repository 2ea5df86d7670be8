"""A browser that loads the page's modules from the tree: no server, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, Route, sync_playwright

from console.api.web import POLICY, TYPES
from console.web import STATIC
from console.web.words import words

ORIGIN = "http://tocsin.test"
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
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
