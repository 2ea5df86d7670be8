"""What happens while somebody looks: an alert begins to ring, another person acts, an engine is away."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import day as days
from tests.browser.chromium import Visit
from tests.browser.day import Day
from tests.browser.served import CALLERS, ROOT, Served, serving
from tests.browser.test_walk import NAMED, button, panel, ringing, said

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(240)]
NOBODY = "http://127.0.0.1:9"  # the port of discard: nothing listens


def test_an_alert_that_begins_to_ring_is_told_wherever_one_is(visit: Visit, day: Day) -> None:
    """From documents that are collected to the words on the page and those for screen readers, without a reload."""
    reading, watching = visit(), visit(lang="zh")
    reading.go("documents?q=shares")
    watching.page.evaluate("document.activeElement.blur()")
    day.again(days.RECALL, days.minutes_ago(29), days.minutes_ago(0.05))
    toast = reading.page.locator(".toast a", has_text="Ostrevane")
    expect(toast).to_be_visible(timeout=30_000)
    expect(reading.page.locator("#announcer")).to_contain_text("Ostrevane")
    expect(watching.page.locator(".alert-row.new, .alert-row", has_text="奥斯崔文汽车").first).to_be_visible(
        timeout=10_000
    )
    toast.click()
    reading.rest()
    expect(reading.page.locator("main h1")).to_contain_text("Ostrevane")
    reading.check()


def test_what_another_does_is_seen_at_once(visit: Visit, served: Served) -> None:
    """Two people look at one alert; one takes it in hand, and the other sees whose it is."""
    alert = ringing(served)["alert"]
    it = visit()
    it.go(f"alerts/{alert}")
    status, _ = served.ask("POST", f"/alerts/{alert}/acknowledge", "operate", {"reason": "mine, from elsewhere"})
    assert status == 201
    expect(it.page.locator(".alert-hands .held")).to_contain_text(CALLERS["operate"])
    expect(it.page.locator("ol.life .deed", has_text="mine, from elsewhere").first).to_be_visible()


@pytest.fixture(scope="module")
def without_index(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API while Elasticsearch is away, with the rules that are shipped."""
    rules = ROOT / "console" / "demo" / "rules.yaml"
    log = tmp_path_factory.mktemp("away") / "api.log"
    with serving(day.variables, log, elasticsearch_url=NOBODY, rules=str(rules)) as found:
        yield found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_the_index_alerts_still_ring_and_the_rest_says_so(
    visit: Visit, without_index: Served, lang: str
) -> None:
    """Alerts come from Kafka; what needs Elasticsearch says in words that it is away, with a way to try again."""
    it = visit(lang=lang, at=without_index, allowed=("503", "502"))
    page = it.page
    row = page.locator(".alert-row", has_text=NAMED[lang]).first
    expect(row).to_be_visible()
    expect(page.locator("main .failure")).to_contain_text("Elasticsearch")
    expect(page.locator(".health-strip")).to_contain_text("Elasticsearch")
    row.locator(".alert-name a").click()
    it.rest()
    expect(page.locator("ol.stories .story").first).to_be_visible()
    expect(button(page, said(lang, "alert.acknowledge.button"))).to_be_enabled()
    for view in ("documents?q=x", "subjects", "subjects/entity:demo-quenlith", "sources"):
        it.go(view)
        expect(page.locator("main .failure, main .panel", has_text="Elasticsearch").first).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(re.compile("undefined|null|NaN|\\[object"))


def test_rules_that_are_shipped_are_read_and_tried_but_not_saved(visit: Visit, without_index: Served) -> None:
    """Why they cannot be saved, and how rules of one's own are begun, stands above the text."""
    it = visit(at=without_index, allowed=("503", "502"))
    it.go("rules")
    (file, *_) = without_index.get("/rules")["files"]
    it.go(f"rules/{file['name']}")
    expect(it.page.locator(".note")).to_contain_text("TOCSIN_RULES")
    area = it.page.locator("textarea.editor-text")
    area.fill(area.input_value().replace("min_count: 4", "min_count: 5"))
    expect(it.page.locator(".check-status .good")).to_be_visible()
    expect(button(it.page, said("en", "rules.save"))).to_be_disabled()
    button(it.page, said("en", "rules.whatif.start")).click()
    expect(panel(it.page, said("en", "rules.whatif.title")).locator(".failure")).to_contain_text("Elasticsearch")
    body = {"text": file["text"] + "# mine\n", "was": file["hash"], "reason": "none"}
    status, answer = without_index.ask("PUT", f"/rules/files/{file['name']}", body=body)
    assert (status, answer["error"]["code"]) == (409, "rules_read_only")
    assert "TOCSIN_RULES" in answer["error"]["fix"]
