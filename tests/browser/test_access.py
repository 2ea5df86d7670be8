"""Every view, in both languages, light and dark, on a desk and on a phone: usable by whoever sees, hears or moves
otherwise (axe-core, https://github.com/dequelabs/axe-core), and nothing cut off."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.chromium import DESKTOP, PHONE, Visit, Watched
from tests.browser.served import Served
from tests.browser.test_walk import COMPANY, ringing

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(290)]
JUDGE = """async (options) => (await axe.run(document, options)).violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.impact} ${each.id}: ${each.nodes[0].html.slice(0, 200)} (${each.nodes.length})`)"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

IN_SIGHT = """(() => {
    const box = document.querySelector(".banner.demo").getBoundingClientRect();
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.top >= 0 && box.bottom <= innerHeight / 4 && there?.closest(".banner.demo") !== null;
})()"""
LAST = """(() => {
    const found = document.querySelectorAll("main a, main button, main input, main summary, main [tabindex='0']");
    found[found.length - 1].focus();
})()"""
HIDDEN = """(() => {
    const one = document.activeElement;
    if (!one.closest("main")) return [];
    const box = one.getBoundingClientRect();
    const top = document.querySelector(".above").getBoundingClientRect().bottom;
    const tabs = document.querySelector(".tabbar").getBoundingClientRect();
    const end = tabs.height ? tabs.top : innerHeight;
    const fits = box.height <= end - top;
    const covered = fits ? box.top < top || box.bottom > end : box.bottom < top || box.top > end;
    return covered ? [`${one.outerHTML.slice(0, 120)} ${box.top} ${box.bottom}`] : [];
})()"""


def views(served: Served) -> list[str]:
    """One address of each kind of view."""
    document = served.get("/documents?q=auditor&limit=1")["documents"][0]["id"]
    first, second = (each["id"] for each in served.get("/replays")["results"][:2])
    over = served.get("/alerts?state=closed")["alerts"][0]["alert"]
    return [
        "now", "now?kind=topic&hours=168", "alerts?state=all", f"alerts/{ringing(served)['alert']}", f"alerts/{over}",
        "subjects", f"subjects/entity:{COMPANY}", "subjects/entity:nobody", "documents?q=造假", f"documents/{document}",
        "rules", "rules/rules.yaml", "replay", f"replay/{first}", f"replay?a={first}&b={second}", "sources", "models",
        "audit", "api",
    ]  # fmt: skip


def findings(it: Watched, only: list[str] | None = None) -> list[str]:
    """What axe finds grave, with the first place of each."""
    if not it.page.evaluate("'axe' in window"):
        it.page.evaluate(Axe().axe_script)
    wanted = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    found: list[str] = it.page.evaluate(JUDGE, {"resultTypes": ["violations"], "runOnly": wanted})
    return found


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_view_keeps_anybody_out(visit: Visit, unhurried: Served, lang: str, size: tuple[int, int]) -> None:
    """No serious or critical finding; colours are judged in both looks; nothing stands out of the screen."""
    it = visit(lang=lang, size=size, at=unhurried, bypass_csp=True)  # the policy would refuse axe itself
    faults = []
    for view in views(unhurried):
        it.go(view)
        told = findings(it) + [f"too wide: {each}" for each in it.overflow()]
        it.page.emulate_media(color_scheme="dark")
        told += [f"dark {each}" for each in findings(it, ["color-contrast", "link-in-text-block"])]
        it.page.emulate_media(color_scheme="light")
        faults += [f"{view}: {each}" for each in told]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_door_keeps_nobody_out(visit: Visit, served: Served, lang: str, look: str) -> None:
    """The same for whoever has not signed in yet, and with a refusal."""
    address = f"{served.url}/#token=not-the-right-token-at-all-no"
    it = visit(lang=lang, look=look, size=PHONE, bypass_csp=True, address=address, allowed=("401",))
    it.page.locator("[role=alert]").wait_for()
    assert findings(it) == []
    assert it.overflow() == []


def test_dialogs_keep_nobody_out(visit: Visit, unhurried: Served) -> None:
    """What is asked before something is done, and the list of keys."""
    it = visit(at=unhurried, bypass_csp=True)
    it.go(f"alerts/{ringing(unhurried)['alert']}")
    for key in ("a", "s", "w", "?"):
        it.page.keyboard.press(key)
        it.page.get_by_role("dialog").wait_for()
        assert findings(it) == [], key
        it.page.keyboard.press("Escape")
        it.page.get_by_role("dialog").wait_for(state="detached")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_that_all_is_invented_is_said_however_far_down_one_reads(
    visit: Visit, unhurried: Served, lang: str, size: tuple[int, int]
) -> None:
    """The banner stays in sight, and whoever moves by keyboard finds what has the focus neither beneath it nor beneath
    the tabs of a phone."""
    it = visit(lang=lang, size=size, at=unhurried)
    for view in ("documents?q=", "api", f"alerts/{ringing(unhurried)['alert']}"):
        it.go(view)
        it.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        assert it.page.evaluate("scrollY") > 200, view
        assert it.page.evaluate(IN_SIGHT), view
        it.page.evaluate(LAST)
        hidden = []
        for _ in range(40):
            it.page.keyboard.press("Shift+Tab")
            hidden += it.page.evaluate(HIDDEN)
        assert not hidden, f"{view}: {hidden}"
        assert it.page.evaluate(IN_SIGHT), view
    it.page.emulate_media(media="print")
    assert it.page.evaluate("getComputedStyle(document.querySelector('.above')).position") == "static"


def test_the_page_below_a_banner_begins_below_it(visit: Visit, unhurried: Served) -> None:
    """At the top nothing is covered, and whoever signs out leaves nothing of it behind."""
    it = visit(at=unhurried)
    height = "document.documentElement.style.getPropertyValue('--above')"
    bottom = it.page.evaluate("document.querySelector('.above').getBoundingClientRect().bottom")
    assert abs(float(it.page.evaluate(height).removesuffix("px")) - bottom) < 1
    assert it.page.evaluate("document.querySelector('main').getBoundingClientRect().top") >= bottom
    it.page.locator(".side .switches button").last.click()
    it.page.locator(".sign-in").wait_for()
    assert it.page.evaluate(height) == ""
