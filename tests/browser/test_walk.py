"""What an analyst does in a morning, by mouse, in both languages: an alert read and dealt with, documents, a rule tried
and saved, and all of it in the audit."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from alerts.delivery import phrases
from console.web.words import words
from tests.browser.chromium import Visit, Watched
from tests.browser.served import CALLERS, ROOT, TOKENS, Served

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(240)]
COMPANY = "demo-quenlith"
RULE = "demo-negative-surge"
NAMED = {"en": "Quenlith Semiconductor", "zh": "昆砾半导体"}
SEARCHED = {"en": "auditor", "zh": "造假"}
MATTERS = """
  - name: matters-{lang}
    type: threshold
    about: Much that is negative about one topic.
    scope: {{subject: topic}}
    window: 1h
    at_least: 20
"""


def said(lang: str, key: str, **values: Any) -> str:
    """A message of the page."""
    text = words(lang)[key]
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def button(host: Page | Locator, name: str) -> Locator:
    return host.get_by_role("button", name=name, exact=True)


def panel(page: Page, title: str) -> Locator:
    return page.locator("section.panel", has=page.get_by_role("heading", name=title, exact=True))


def ringing(served: Served) -> dict[str, Any]:
    """The alert about the company that rings now."""
    (found,) = served.get(f"/alerts?state=open&subject=entity:{COMPANY}")["alerts"]
    return dict(found)


def reads_evidence(page: Page, served: Served, lang: str, alert: dict[str, Any]) -> None:
    """Figures, stories and life of the alert are those of its record."""
    whole = served.get(f"/alerts/{alert['alert']}")
    told = whole["alert"]
    lead = page.locator("main .lead")
    for figure in (told["observed"], told["expected"], told["low"], told["high"]):
        expect(lead).to_contain_text(phrases.number(figure))
    counts = page.locator(".counts li").all_inner_texts()
    shown = [int(re.sub(r"\D", "", each)) for each in counts]
    assert shown == [told[name] for name in ("documents", "stories", "sources", "authors", "support")]
    titles = page.locator("ol.stories .story-title a")
    assert titles.all_inner_texts() == [phrases.plain(each["headline"]).strip() for each in told["evidence"]]
    shares = page.locator("ol.stories .story").all_inner_texts()
    assert all(phrases.percent(each["negative"]) in text for each, text in zip(told["evidence"], shares, strict=True))
    expect(page.locator("ol.life li.step:not(.deed)")).to_have_count(len(whole["events"]))
    expect(panel(page, said(lang, "alert.told")).locator(".receipt").first).to_contain_text("http://127.0.0.1")
    expect(page.locator("main canvas")).to_be_visible()
    expect(page.locator("main .origin.demo").first).to_be_visible()


def acts(page: Page, lang: str, what: str, fill: dict[str, str], choose: dict[str, str] | None = None) -> None:
    """Press a button of the alert, say what is asked, and see that it is done."""
    button(page, said(lang, f"alert.{what}.button")).click()
    dialog = page.get_by_role("dialog")
    for name, value in fill.items():
        dialog.locator(f"[name={name}]").fill(value)
    for name, value in (choose or {}).items():
        dialog.locator(f"[name={name}]").select_option(value)
    button(dialog, said(lang, f"alert.{what}.button")).click()
    expect(page.locator(".toast.good").last).to_contain_text(said(lang, f"alert.{what}.done"))
    expect(dialog).to_have_count(0)


def reads_documents(it: Watched, lang: str) -> None:
    """A search in the reader's language with its hits marked, one facet, a document, one like it, its company."""
    page = it.page
    page.keyboard.press("/")
    it.rest()
    page.locator("main [data-search]").fill(SEARCHED[lang])
    page.keyboard.press("Enter")
    hits = page.locator("main article mark")
    expect(hits.first).to_be_visible()
    assert {each.casefold() for each in hits.all_inner_texts()} <= {SEARCHED[lang], SEARCHED[lang] + "s"}
    expect(page.locator(".tally")).not_to_be_empty()
    page.locator(".facets input[type=checkbox], .facets button[data-value]").first.click()
    expect(page.locator(".chips .chip").first).to_be_visible()
    assert "q=" in page.url
    page.locator("article .document-title a").first.click()
    it.rest()
    expect(page.locator(".document-text")).not_to_be_empty()
    like = panel(page, said(lang, "documents.similar.title")).locator("a").first
    title = like.inner_text()
    like.click()
    expect(page.locator("main h1")).to_have_text(title)
    it.rest()
    page.go_back()
    it.rest()
    page.locator(".company-line a").first.click()
    it.rest()
    expect(page.locator("main dl.figures")).to_be_visible()
    expect(page.locator("main canvas").first).to_be_visible()


def as_shipped(served: Served) -> tuple[str, str]:
    """The file of rules as the demo has it, whatever a test has made of it: its name and text."""
    (file,) = [each for each in served.get("/rules")["files"] if each["writable"]]
    text = (ROOT / "console" / "demo" / "rules.yaml").read_text(encoding="utf-8")
    if file["text"] != text:
        body = {"text": text, "was": file["hash"], "reason": "as it was"}
        assert served.ask("PUT", f"/rules/files/{file['name']}", body=body)[0] == 200
    return str(file["name"]), text


def tries_rules(it: Watched, served: Served, lang: str, mine: str) -> str:
    """A changed rule is tried on the past: it gains some alerts and loses others. Then it is saved, with a reason."""
    page = it.page
    file, text = as_shipped(served)
    it.go(f"rules/{file}")
    area = page.locator("textarea.editor-text")
    harder = text.replace("min_count: 4", "min_count: 75")
    area.fill(harder.replace("p: 0.001", "p: none at all"))
    expect(page.locator(".check-status .bad")).to_be_visible()
    expect(button(page, said(lang, "rules.save"))).to_be_disabled()
    area.fill(harder + MATTERS.format(lang=lang).lstrip("\n"))
    expect(page.locator(".check-status .good")).to_be_visible()
    page.locator("#whatif [name=days]").fill("2")
    button(page, said(lang, "rules.whatif.start")).click()
    expect(page.locator(".whatif-tally")).to_be_visible(timeout=60_000)
    gained = page.locator(".whatif-alerts li", has_text=f"matters-{lang}")
    lost = page.locator(".whatif-alerts li", has_text=RULE)
    expect(gained.first).to_be_visible()
    expect(lost.first).to_be_visible()
    button(page, said(lang, "rules.save")).click()
    page.get_by_role("dialog").locator("[name=reason]").fill(f"fewer calls at night {mine}")
    button(page.get_by_role("dialog"), said(lang, "rules.save_button")).click()
    expect(page.locator(".toast.good").last).to_contain_text(said(lang, "rules.saved"))
    names = {rule["name"] for rule in served.get("/rules")["rules"]}
    assert names == {RULE, f"matters-{lang}"}
    return file


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_morning(visit: Visit, served: Served, lang: str) -> None:
    """From the address that signs in to the audit, everything that people do with Tocsin."""
    alert, mine = ringing(served), f"({lang} {uuid4().hex[:6]})"
    it = visit(lang=lang)
    page = it.page
    assert "token" not in page.url
    assert TOKENS["admin"] not in str(page.evaluate("[location.href, document.referrer, history.state]"))
    row = page.locator(f"[data-alert='{alert['alert']}']")
    expect(row).to_contain_text(phrases.number(alert["observed"]))
    expect(page.locator("table.heat")).to_contain_text(NAMED[lang])
    assert (
        page.evaluate(
            "Array.from(document.querySelectorAll('table.heat tbody th a'), (a) => a.scrollWidth - a.clientWidth)"
        )
        == [0] * 10
    )
    row.locator(".alert-name a").click()
    it.rest()
    reads_evidence(page, served, lang, alert)
    acts(page, lang, "acknowledge", {"reason": f"I am on it {mine}"})
    expect(page.locator(".alert-hands .held")).to_contain_text(CALLERS["admin"])
    acts(page, lang, "silence", {"reason": f"an hour of quiet {mine}"}, {"for": "1h", "scope": "alert"})
    acts(page, lang, "wrong", {"reason": f"known since yesterday {mine}"})
    acts(page, lang, "escalate", {"reason": f"the press calls {mine}"})
    expect(page.locator("ol.life .deed", has_text=mine)).to_have_count(4)
    reads_documents(it, lang)
    file = tries_rules(it, served, lang, mine)
    it.go("audit")
    rows = page.locator("li.audit-row", has_text=mine)
    expect(rows).to_have_count(5)
    assert all(CALLERS["admin"] in text for text in rows.all_inner_texts())
    expect(rows.first).to_contain_text(file)
    button(page, said(lang, "shell.sign_out")).click()
    expect(page.locator("[name=token]")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage['tocsin.token'] ?? null]") == [0, None]


def test_going_back_never_meets_the_token(visit: Visit, served: Served) -> None:
    """The address that signed in is in no entry of the history."""
    it = visit()
    it.go("alerts")
    for _ in range(4):
        it.page.go_back()
        assert TOKENS["admin"] not in it.page.url
