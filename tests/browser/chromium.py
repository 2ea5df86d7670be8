"""Chromium of the machine, and pages that note everything a page must never do."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--font-render-hinting=none"]  # fmt: skip
DESKTOP, PHONE = (1440, 900), (390, 844)
ZONE = "Asia/Shanghai"
PATIENCE = 20_000  # ms; two busy cores play a day beside the browser
# What was refused is told by the page in words; the browser's own line about the answer's status is no fault of it.
REFUSED = "Failed to load resource: the server responded with a status of "
WATCH = Path(__file__).with_name("watch.js").read_text(encoding="utf-8")


def launch(playwright: Playwright, fonts: Path | None = None) -> Browser:
    """A browser without anything of its own to ask the network for; where there is none, how to get one.

    `fonts`: a file of fontconfig in place of the machine's.
    """
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: sudo apt-get install chromium fonts-noto-cjk"
    env = os.environ | ({"FONTCONFIG_FILE": str(fonts)} if fonts else {})
    return playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, env=env)


@dataclass
class Watched:
    """A page of one origin, and its faults: errors, broken policies, scripts that ran, requests that went elsewhere."""

    page: Page
    origin: str
    allowed: Sequence[str] = ()  # statuses that a test means to provoke
    faults: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)  # of answers that refused

    def __post_init__(self) -> None:
        self.page.add_init_script(WATCH)
        self.page.on("console", self._told)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._asked)
        self.page.set_default_timeout(PATIENCE)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if message.text.startswith(REFUSED):
            self.statuses.append(message.text.removeprefix(REFUSED)[:3])
            if self.statuses[-1] in self.allowed:
                return
        self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.faults.append(f"request elsewhere: {request.url}")

    def check(self) -> None:
        """No fault so far."""
        assert not self.faults, "\n".join(self.faults)

    def go(self, view: str) -> None:
        """Show an address of the page and wait until nothing is awaited any more."""
        self.page.evaluate("(hash) => { location.hash = hash; }", f"#/{view}")
        self.rest()

    def rest(self) -> None:
        """Wait until the view of the address stands there and no part of it is still being fetched."""
        self.page.wait_for_function("() => rested()")

    def overflow(self) -> list[str]:
        """What stands out of the screen to the right, unless it lies in something that scrolls by itself."""
        found: list[str] = self.page.evaluate("overflow()")
        return found


Visit = Callable[..., Watched]


def context_of(browser: Browser, lang: str, size: tuple[int, int], look: str, **more: Any) -> BrowserContext:
    """A browser as one reader has it: language, size of the screen, light or dark."""
    wanted: dict[str, Any] = {
        "locale": {"en": "en-GB", "zh": "zh-CN"}[lang], "viewport": {"width": size[0], "height": size[1]},
        "color_scheme": look, "timezone_id": ZONE, "device_scale_factor": 1, "reduced_motion": "reduce",
        "is_mobile": size == PHONE, "has_touch": size == PHONE,
    }  # fmt: skip
    return browser.new_context(**(wanted | more))
