"""The main path by keyboard alone, with the focus in sight."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Visit
from tests.browser.served import Served
from tests.browser.test_walk import ringing, said

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(240)]


def seen(page: Page) -> bool:
    """Whether what has the focus shows it."""
    return bool(page.evaluate("seen()"))


def type_keys(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_an_alert_is_taken_in_hand_without_a_mouse(visit: Visit, served: Served) -> None:
    """g n, j, Enter, a, words, Enter; Escape leaves a dialog and the focus is where it was."""
    alert = ringing(served)["alert"]
    it = visit()
    page = it.page
    type_keys(page, "g", "d")
    expect(page.locator("main [data-search]")).to_be_visible()
    it.rest()
    type_keys(page, "g", "n")
    it.rest()
    for _ in range(20):
        type_keys(page, "j")
        assert seen(page)
        if page.evaluate("document.activeElement.closest('[data-alert]')?.dataset.alert") == alert:
            break
    type_keys(page, "j", "k", "Enter")
    it.rest()
    assert page.url.endswith(f"#/alerts/{alert}")
    type_keys(page, "a")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("textarea")).to_be_focused()
    page.keyboard.type("by keys: a s j k ? are letters here")
    type_keys(page, "Tab", "Tab", "Tab")
    expect(dialog.get_by_role("button", name=said("en", "alert.acknowledge.button"), exact=True)).to_be_focused()
    type_keys(page, "Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator("ol.life .deed", has_text="by keys: a s j k ? are letters here").first).to_be_visible()
    type_keys(page, "s")
    expect(dialog).to_be_visible()
    type_keys(page, "Escape")
    expect(dialog).to_have_count(0)
    type_keys(page, "?")
    expect(dialog).to_contain_text(said("en", "shell.keys.acknowledge"))
    type_keys(page, "Escape")
    expect(dialog).to_have_count(0)


def test_the_keyboard_begins_within_the_view(visit: Visit) -> None:
    """After each change of view the next Tab is in it; whoever comes through the navigation may skip it."""
    it = visit()
    it.go("alerts?state=all")
    type_keys(it.page, "Tab")
    assert it.page.evaluate("document.activeElement.closest('main') !== null")
    assert seen(it.page)
    skip = it.page.locator("a.skip")
    skip.focus()
    expect(skip).to_be_in_viewport()
    type_keys(it.page, "Enter")
    expect(it.page.locator("main")).to_be_focused()


def test_the_editor_of_rules_lets_go_of_the_keyboard(visit: Visit) -> None:
    """Tab indents; Escape and then Tab goes on."""
    it = visit()
    it.go("rules/rules.yaml")
    area = it.page.locator("textarea.editor-text")
    area.focus()
    before = area.input_value()
    type_keys(it.page, "Control+End", "Tab")
    assert len(area.input_value()) == len(before) + 2
    expect(area).to_be_focused()
    type_keys(it.page, "Escape", "Tab")
    expect(area).not_to_be_focused()
