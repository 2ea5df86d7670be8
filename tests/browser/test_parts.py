"""Pieces of the page on which others lean, in a real browser: what somebody is at stays, what comes late is dropped."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from alerts.delivery.samples import sample_events
from tests.browser.conftest import Evaluate

pytestmark = pytest.mark.browser
STATUS: dict[str, Any] = {"open": True, "acknowledged": None, "silences": [], "right": 0, "wrong": 0, "worst": None}


def alerts(*names: str, **changes: Any) -> list[dict[str, Any]]:
    """Invented alerts as the API gives them."""
    found = []
    for name in names:
        event = msgspec.to_builtins(sample_events()["firing"][0])
        found.append(event | {"alert": name * 16, "name": name, "status": STATUS, "measured": None, **changes})
    return found


def test_the_focus_and_what_is_open_stay_in_new_content(module: Evaluate) -> None:
    """Somebody who reads with the keyboard is not thrown out when a figure changes."""
    found = module(
        "parts/steady",
        """await (async () => {
            const { h, replace } = await import("/static/js/dom.js");
            const fold = (words, count) => h("details", null, h("summary", null, words), count);
            const content = (count) => [h("a", { href: "#/a" }, "a"), h("a", { href: "#/b" }, `b ${count}`),
                fold("more", count), fold("less", count)];
            const host = h("div", null, content(1));
            document.body.append(host);
            host.querySelector("[href='#/b']").focus();
            host.querySelector("details").open = true;
            m.steadily(host, () => replace(host, content(2)));
            const open = [...host.querySelectorAll("details")].map((each) => each.open);
            const focused = document.activeElement.textContent;
            host.remove();
            return [focused, open];
        })()""",
    )
    assert found == ["b 2", [True, False]]


def test_new_alerts_wait_while_somebody_reads(module: Evaluate) -> None:
    """What is known changes in place; what is new comes when asked for, or at once where nobody is in the list."""
    one, two, three = alerts("aa", "bb", "cc")
    changed = one | {"sequence": 5, "observed": 99.0}
    found = module(
        "parts/live_alerts",
        """(() => {
            const { list, button, tell } = m.liveAlerts();
            document.body.append(button, list);
            const names = () => [...list.children].map((row) => row.dataset.alert.slice(0, 2));
            const seen = [];
            tell(a[0]); seen.push(names());
            tell(a[1]); seen.push(names());
            list.querySelector("a").focus();
            tell(a[2]);
            seen.push(names(), button.hidden, button.textContent, list.textContent.includes("99"));
            seen.push(list.contains(document.activeElement));
            button.click(); seen.push(names(), button.hidden);
            document.activeElement.blur();
            tell([]); seen.push(names());
            list.remove(); button.remove();
            return seen;
        })()""",
        [[one], [one, two], [changed, two, three]],
    )
    assert found == [
        ["aa"], ["aa", "bb"], ["aa", "bb"], False, "Show 1 new alert", True, True, ["aa", "bb", "cc"], True, [],
    ]  # fmt: skip


def test_a_late_answer_does_not_take_the_place_of_a_later_one(module: Evaluate) -> None:
    """And an error is told in words, with a way to try again."""
    found = module(
        "parts/states",
        """await (async () => {
            const { h } = await import("/static/js/dom.js");
            const host = h("div");
            let late;
            const first = m.into(host, () => new Promise((resolve) => { late = resolve; }));
            const waiting = host.querySelector(".waiting") !== null;
            await m.into(host, async () => h("p", null, "second"));
            late(h("p", null, "first"));
            await first;
            const shown = host.textContent;
            await m.into(host, async () => null);
            const kept = host.textContent;
            const refusal = Object.assign(new Error("It is away."), { code: "away", fix: "Run `tocsin up`." });
            await m.into(host, async () => { throw refusal; });
            const told = [".failure-title", "code"].map((each) => host.querySelector(each).textContent);
            return [waiting, shown, kept, ...told, host.querySelectorAll("button").length];
        })()""",
    )
    assert found == [True, "second", "second", "It is away.", "tocsin up", 1]


def test_the_tab_tells_how_many_alerts_ring(module: Evaluate) -> None:
    """Whoever has other pages in front sees it in the title and the icon."""
    script = """(() => {
        const icon = Object.assign(document.createElement("link"), { rel: "icon" }), seen = [];
        document.head.append(icon);
        const look = () => seen.push([document.title, icon.getAttribute("href")]);
        m.title("Now"); look(); m.rings(3); look(); m.title(""); m.rings(0); look();
        icon.remove();
        return seen;
    })()"""
    assert module("title", script) == [
        ["Now · Tocsin", "/static/icon.svg"],
        ["(3) Now · Tocsin", "/static/icon_rings.svg"],
        ["Tocsin", "/static/icon.svg"],
    ]


def test_where_one_was_is_kept_with_the_entry_of_the_history(module: Evaluate) -> None:
    """What moves while another view is on its way is nobody's doing, and is not kept."""
    found = module(
        "place",
        """await (async () => {
            const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
            const tall = document.createElement("div");
            tall.style.height = "5000px";
            document.body.append(tall);
            m.keep();
            scrollTo(0, 700); await rest(400);
            const kept = history.state?.y;
            m.leave();
            scrollTo(0, 0); await rest(400);
            const still = history.state?.y;
            m.settle(); await rest(400);
            const back = scrollY;
            tall.remove();
            return [kept, still, back];
        })()""",
    )
    assert found == [700, 700, 700]


def test_a_chart_lets_go_of_what_it_holds_when_it_leaves(module: Evaluate) -> None:
    """A page that is left open for weeks does not grow: after it is gone a change of look draws nothing."""
    found = module(
        "charts",
        """await (async () => {
            const frame = () => new Promise((resolve) => setTimeout(resolve, 120));
            let made = 0, ended = 0;
            globalThis.uPlot = class {
                constructor(options, data) { made += 1; this.width = options.width; this.data = data; }
                destroy() { ended += 1; }
                static paths = { stepped: () => () => null, bars: () => () => null };
            };
            const point = (hour) => ({ at: `2026-03-02T0${hour}:00:00Z`, negative: hour, neutral: 1, positive: 0 });
            const points = [1, 2, 3].map(point);
            const chart = m.stack({ title: "t", points, seconds: 3600 });
            document.body.append(chart); await frame();
            dispatchEvent(new Event("themechange"));
            const alive = [made, ended];
            chart.remove(); await frame();
            dispatchEvent(new Event("themechange")); await frame();
            delete globalThis.uPlot;
            return [alive, [made, ended]];
        })()""",
    )
    assert found == [[2, 1], [2, 2]]
