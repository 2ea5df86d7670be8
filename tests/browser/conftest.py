"""A browser that loads the page's modules from the tree: no server, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session")
def bare_page() -> Iterator[Page]:
    """An empty page of the origin from which modules can be imported."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_context(timezone_id="Asia/Shanghai").new_page()
        page.route("**/*", _serve)
        page.goto(ORIGIN + "/")
        yield page
        browser.close()


@pytest.fixture
def module(bare_page: Page) -> Evaluate:
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
