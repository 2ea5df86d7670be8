"""Pictures of the README, of the demo's day: `python -m tests.browser.screenshots` writes docs/images/.

The second half of the day is told again as news of the last hour, so that alerts ring while the pictures are taken.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from console.web.words import words
from tests.browser import day as days
from tests.browser.chromium import DESKTOP, PHONE, Watched, context_of, launch
from tests.browser.day import ROOT, Day
from tests.browser.served import Served, serving

FOLDER = ROOT / "docs" / "images"
LARGEST = 200_000  # bytes of a picture
RINGING, READ = "demo-ostrevane", "demo-quenlith"
ZONES = {"en": "UTC", "zh": "Asia/Shanghai"}
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include>
<match><test name="family"><string>system-ui</string></test>
<edit name="family" mode="assign" binding="strong"><string>Noto Sans CJK SC</string></edit></match>
<match><test name="family"><string>sans-serif</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Noto Sans CJK SC</string></edit></match>
</fontconfig>
"""
REASON = {"en": "With the issuer's desk; next look at the close.", "zh": "已联系发行人，收盘后复核。"}
FEWER = ("min_count: 4", "min_count: 50")
MORE = """  - name: topic-in-trouble
    about: Much that is negative about one topic within an hour.
    type: threshold
    scope: {subject: topic}
    window: 1h
    at_least: 25
"""


def save(picture: bytes, name: str) -> None:
    """Write a picture, unless it is too large for a page that many look at."""
    path = FOLDER / f"{name}.png"
    if len(picture) > LARGEST:
        raise SystemExit(f"{path.name} has {len(picture):,} bytes, {LARGEST:,} at most: show less of the page")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)
    print(f"{path.relative_to(ROOT)} {len(picture):,} bytes", file=sys.stderr)


def fonts(folder: Path) -> Path:
    """Faces that both languages share, whatever the machine has: pictures look the same wherever they are taken."""
    path = folder / "fonts.conf"
    path.write_text(FONTS, encoding="utf-8")
    return path


def ringing(served: Served) -> dict[str, str]:
    """The alerts that ring, by company; waits until both do."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {each["subject"][7:]: each["alert"] for each in served.get("/alerts?state=open")["alerts"]}
        if {RINGING, READ} <= found.keys():
            return found
        time.sleep(0.5)
    raise SystemExit("the alerts did not ring within 60 s")


@contextmanager
def looking(
    browser: Browser, served: Served, lang: str, size: tuple[int, int], look: str = "light"
) -> Iterator[Watched]:
    """A page as the README shows it."""
    context = context_of(browser, lang, size, look, timezone_id=ZONES[lang])
    it = Watched(context.new_page(), served.url)
    it.page.goto(served.signed_in("operate"))
    it.rest()
    yield it
    it.check()
    context.close()


def shoot(browser: Browser, served: Served, lang: str) -> None:
    """Now, an alert, and a rule that is tried, in one language."""
    alert = ringing(served)[READ]
    with looking(browser, served, lang, DESKTOP) as it:
        it.page.locator("a.health.ok").wait_for()
        save(it.page.screenshot(), f"now-{lang}")
        it.go(f"alerts/{alert}")
        it.page.locator("main canvas").wait_for()
        save(it.page.screenshot(), f"alert-{lang}")
        it.go("rules/rules.yaml")
        area = it.page.locator("textarea.editor-text")
        text = area.input_value().rstrip() + "\n"
        area.fill(text.replace(*FEWER) + MORE)
        it.page.locator(".check-status .good").wait_for()
        it.page.locator("#whatif [name=days]").fill("2")
        it.page.get_by_role("button", name=words(lang)["rules.whatif.start"], exact=True).click()
        it.page.locator(".whatif-tally").wait_for()
        it.page.locator("#whatif").evaluate("(one) => scrollTo(0, one.getBoundingClientRect().top + scrollY - 24)")
        save(it.page.screenshot(), f"rules-{lang}")


def shoot_phone(browser: Browser, served: Served) -> None:
    """What one sees on the way, in the dark."""
    with looking(browser, served, "en", PHONE, "dark") as it:
        it.page.locator("a.health.ok").wait_for()
        save(it.page.screenshot(), "phone-en")


def shoot_report(browser: Browser, day: Day) -> None:
    """The first page of the report of the day in Chinese."""
    path = day.state / "report.html"
    date = (days.minutes_ago(24 * 60)).date().isoformat()
    day.tocsin("report", "daily", "--date", date, "--lang", "zh", "--out", str(path))
    page = browser.new_page(viewport={"width": 1080, "height": 1200}, timezone_id=ZONES["zh"])
    page.goto(path.as_uri())
    save(page.screenshot(), "report-zh")


def take(day: Day) -> None:
    """All of them."""
    day.again(days.ACCOUNTS, days.minutes_ago(60), days.minutes_ago(31))
    day.again(days.RECALL, days.minutes_ago(29), days.minutes_ago(0.05))
    with (
        serving(day.variables, day.state / "api.log", api_rate="1000") as served,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, fonts=fonts(day.state))
        for lang in ("en", "zh"):
            alert = ringing(served)[READ]
            served.ask("POST", f"/alerts/{alert}/acknowledge", "operate", {"reason": REASON[lang]})
            shoot(browser, served, lang)
        shoot_phone(browser, served)
        shoot_report(browser, day)
        browser.close()


def main() -> None:
    """Play the day and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="tocsin-screenshots-") as folder, days.played(Path(folder)) as day:
        take(day)


if __name__ == "__main__":
    main()
