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
