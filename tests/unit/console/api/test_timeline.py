"""What the rule of an alert saw, over HTTP: the figures, and what is said where they are not to be had."""

from __future__ import annotations

from pathlib import Path

from alerts.rule_files import load_rules
from tests.ringing import ALERT, event
from tests.unit.console.api.serving import READ, serving


async def test_without_its_rule_the_steps_of_the_alert_are_shown(tmp_path: Path) -> None:
    """With a sentence in the caller's language; no index is needed to know that, but the engine must answer."""
    async with serving(tmp_path, elasticsearch_url="http://127.0.0.1:9") as api:
        status, found = await api.ask("GET", f"/alerts/{ALERT[:8]}/timeline", READ)
        _, chinese = await api.ask("GET", f"/alerts/{ALERT}/timeline", READ, headers={"Accept-Language": "zh"})
    assert status == 200
    assert (found["note"], found["why"], found["unit"], found["rings"]) == (
        "steps", "rule_gone", "negative stories", "above",
    )  # fmt: skip
    (point,) = found["points"]
    assert (point["observed"], point["expected"], point["low"], point["high"]) == (24.0, 2.1, 0.0, 6.0)
    assert found["from"] < point["at"] <= found["to"]
    assert found["said"].startswith("Only the steps")
    assert chinese["said"].startswith("仅显示")


async def test_an_alert_about_tocsin_itself_has_its_steps(tmp_path: Path) -> None:
    """It is made of no documents."""
    async with serving(tmp_path) as api:
        own = event(alert="f" * 32, kind="system", subject="system:lag/enrich", rule="tocsin-lag", unit="seconds")
        api.known.take(own, own.at)
        status, found = await api.ask("GET", f"/alerts/{'f' * 32}/timeline", READ)
    assert (status, found["note"], found["why"]) == (200, "steps", "system")


async def test_away_and_unknown_are_told(tmp_path: Path) -> None:
    """503 while Elasticsearch does not answer, 404 for no alert, 400 for hours without end."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {name: negative-surge, type: surge, scope: {subject: entity}, window: 30m}\n")
    (rule,) = load_rules(rules)
    async with serving(tmp_path, elasticsearch_url="http://127.0.0.1:9", rules=rules) as api:
        known = event(alert="e" * 32, rule_hash=rule.hash)
        api.known.take(known, known.at)
        status, found = await api.ask("GET", f"/alerts/{'e' * 32}/timeline", READ)
        assert (status, found["error"]["code"]) == (503, "elasticsearch_away")
        assert (await api.ask("GET", "/alerts/0123456789/timeline", READ))[0] == 404
        assert (await api.ask("GET", f"/alerts/{'e' * 32}/timeline?hours=1e9", READ))[0] == 400
