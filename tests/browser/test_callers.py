"""Who may what is told before anybody tries; who is no longer known is asked again, and told why."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.browser.served import CALLERS, TOKENS, Served
from tests.browser.test_walk import button, ringing, said

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(240)]
DEEDS = ("acknowledge", "silence", "wrong", "right", "escalate")


def test_a_reader_cannot_act_and_is_told_why(visit: Visit, served: Served) -> None:
    """Buttons are off and name the reason, keys do nothing, and the API refuses whoever tries by hand."""
    alert = ringing(served)["alert"]
    it = visit(role="read")
    it.go(f"alerts/{alert}")
    reason = said("en", "alert.may_not", name=CALLERS["read"], role=said("en", "common.role.read"))
    for what in DEEDS:
        named = button(it.page, said("en", f"alert.{what}.button"))
        expect(named).to_be_disabled()
        expect(named).to_have_accessible_description(reason)
    it.page.keyboard.press("a")
    expect(it.page.get_by_role("dialog")).to_have_count(0)
    for path, body in (("acknowledge", {}), ("mark", {"right": False}), ("escalate", {})):
        status, answer = served.ask("POST", f"/alerts/{alert}/{path}", "read", body)
        assert (status, answer["error"]["code"]) == (403, "forbidden")
    it.go("rules/rules.yaml")
    expect(it.page.locator(".note")).to_contain_text(said("en", "rules.needs_admin"))


def test_who_operates_does_not_change_rules(visit: Visit, served: Served) -> None:
    """An operator may try a rule, and is told who may save it."""
    it = visit(role="operate")
    it.go("rules/rules.yaml")
    expect(it.page.locator(".note")).to_contain_text(said("en", "rules.needs_admin"))
    area = it.page.locator("textarea.editor-text")
    area.fill(area.input_value() + "# tried\n")
    expect(it.page.locator(".check-status .good")).to_be_visible()
    expect(button(it.page, said("en", "rules.save"))).to_be_disabled()
    body = {"text": "rules: []\n", "was": "", "reason": "none"}
    assert served.ask("PUT", "/rules/files/mine.yaml", "operate", body)[0] == 403


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_token_that_nobody_knows_is_refused_in_words(visit: Visit, served: Served, lang: str) -> None:
    """At the door by address and by hand; the right one is let in, and kept for this tab alone."""
    it = visit(lang=lang, address=f"{served.url}/#token=this-is-not-the-right-token-at-all", allowed=("401",))
    page = it.page
    expect(page.locator("[role=alert]")).to_contain_text("TOCSIN_API_TOKENS")
    assert "token=" not in page.url
    page.locator("[name=token]").fill("nor-is-this-one-the-right-token")
    button(page, said(lang, "shell.sign_in.button")).click()
    expect(page.locator("[role=alert]")).to_be_visible()
    page.locator("[name=token]").fill(f" {TOKENS['operate']} ")
    button(page, said(lang, "shell.sign_in.button")).click()
    it.rest()
    expect(page.locator("body")).to_contain_text(CALLERS["operate"])
    assert page.evaluate("localStorage['tocsin.token'] ?? null") is None


def test_a_token_that_is_taken_back_asks_for_another(visit: Visit) -> None:
    """Whoever is signed out by the other side is told so."""
    it = visit(allowed=("401",))
    it.page.evaluate("sessionStorage.setItem('tocsin.token', 'an-older-token-that-was-changed')")
    it.page.evaluate("location.hash = '#/audit'")
    expect(it.page.locator("[name=token]")).to_be_visible()
    expect(it.page.locator("[role=alert]")).to_contain_text(said("en", "shell.error.lost"))


def test_who_asks_to_stay_is_known_on_the_next_visit(visit: Visit, served: Served) -> None:
    """And is forgotten after signing out."""
    it = visit(address=f"{served.url}/")
    page = it.page
    page.locator("[name=token]").fill(TOKENS["read"])
    page.locator("[name=stay]").check()
    button(page, said("en", "shell.sign_in.button")).click()
    it.rest()
    page.goto("about:blank")
    page.goto(f"{served.url}/")
    it.rest()
    button(page, said("en", "shell.sign_out")).click()
    page.goto("about:blank")
    page.goto(f"{served.url}/")
    expect(page.locator("[name=token]")).to_be_visible()
