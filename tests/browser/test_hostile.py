"""What was written to harm is text: in every view and language nothing of it runs, nothing leads elsewhere, and nothing
pushes the page out of a phone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from deploy.stack import Stack
from streams.settings import Settings, environment
from tests.browser.chromium import DESKTOP, PHONE, Visit, Watched
from tests.browser.hostile import CORPUS, fill
from tests.browser.served import Served, serving

pytestmark = [pytest.mark.browser, pytest.mark.engines, pytest.mark.timeout(240)]
# Controls and what turns the direction of text are left out; blanks are the browser's to fold.
UNSEEN = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
RULES = """rules:
  - name: three-stories
    about: {about}
    type: threshold
    scope: {{subject: entity}}
    window: 1h
    at_least: 3
    labels: {{team: {about}}}
    annotations: {{runbook: {about}}}
"""


def shown(text: str) -> str:
    """The text as a person sees it."""
    return re.sub(r"\s+", " ", UNSEEN.sub("", text)).strip()


@pytest.fixture(scope="module")
def bad(engine_settings: Settings, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An API over nothing but such texts."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "rules").mkdir()
    about = '"' + CORPUS[0].replace('"', '\\"') + " " + CORPUS[5].replace('"', '\\"') + '"'
    (folder / "rules" / "desk.yaml").write_text(RULES.format(about=about), encoding="utf-8")
    mine = engine_settings.model_copy(update={"namespace": f"x{uuid4().hex[:8]}", "rules": folder / "rules"})
    with ThreadPoolExecutor(1) as thread:  # the browser's loop has this one
        thread.submit(asyncio.run, fill(mine)).result()
    with serving(environment(mine), folder / "api.log", api_rate="1000") as found:
        yield found


def subject(id_: str) -> str:
    return f"subjects/{quote(id_, safe='')}"


def views(bad: Served) -> list[str]:
    """All views, and each alert, document and subject."""
    alerts = [each["alert"] for each in bad.get("/alerts?state=all&limit=100")["alerts"]]
    documents = [each["id"] for each in bad.get("/documents?limit=100")["documents"]]
    subjects = [each["subject"] for each in bad.get("/subjects?limit=100")["subjects"]]
    assert (len(alerts), len(documents)) == (len(CORPUS), len(CORPUS))
    assert len(subjects) > 2 * len(CORPUS)
    return [
        "now", "now?kind=topic", "alerts?state=all", "subjects", "documents", "rules", "rules/desk.yaml", "replay",
        "sources", "models", "audit", "api", *(f"documents?q={quote(text[:80])}" for text in CORPUS[:9]),
        *(f"alerts/{id_}" for id_ in alerts), *(f"documents/{id_}" for id_ in documents), *map(subject, subjects[::3]),
        *(f"{view}{quote(CORPUS[0], safe='')}" for view in ("", "alerts/", "documents/", "subjects/", "rules/")),
    ]  # fmt: skip


def leading_elsewhere(it: Watched) -> list[str]:
    """Links that would run something or lead where they do not say."""
    found: list[str] = it.page.evaluate("elsewhere()")
    return found


@pytest.mark.parametrize(("lang", "size"), [("en", PHONE), ("zh", DESKTOP)], ids=["en-phone", "zh-desktop"])
def test_nothing_of_it_runs_and_nothing_breaks(visit: Visit, bad: Served, lang: str, size: tuple[int, int]) -> None:
    """Every view of every such text."""
    it = visit(lang=lang, size=size, at=bad, allowed=("400", "404"))
    faults: list[str] = []
    for view in views(bad):
        it.go(view)
        faults += [f"{view}: {each}" for each in leading_elsewhere(it) + it.overflow()]
        if it.page.locator(".failure", has_text=re.compile("could not show|无法显示")).count():
            faults.append(f"{view}: {it.page.locator('.failure').first.inner_text()}")
    assert not faults, "\n".join(faults)


def test_it_is_shown_as_it_was_written(visit: Visit, bad: Served) -> None:
    """Headlines and names letter by letter, but for what only disguises them."""
    it = visit(at=bad)
    it.go("alerts?state=all")
    names = {shown(each) for each in it.page.locator(".alert-name a").all_inner_texts()}
    assert names == {shown(text) for text in CORPUS}
    it.go("documents")
    it.page.locator(".more button").click()
    expect(it.page.locator("article .document-title a")).to_have_count(len(CORPUS))
    titles = {shown(each) for each in it.page.locator("article .document-title a").all_inner_texts()}
    assert titles == {shown(text) for text in CORPUS}


def test_a_hostile_name_can_be_acted_upon(visit: Visit, bad: Served) -> None:
    """Dialogs and toasts name it as text, too."""
    it = visit(at=bad)
    for alert in bad.get("/alerts?state=open&limit=100")["alerts"][:6]:
        it.go(f"alerts/{alert['alert']}")
        it.page.keyboard.press("s")
        dialog = it.page.get_by_role("dialog")
        dialog.locator("[name=reason]").fill(CORPUS[1])
        dialog.locator("button").last.click()
        expect(dialog).to_have_count(0)
    it.go("alerts?state=all")
    assert it.overflow() == []
