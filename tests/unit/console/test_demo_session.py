"""The demo's own place: what belongs to it, what its workers are told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.rule_files import load_rules
from console.demo.session import (
    DemoBusy,
    alone,
    copy_rules,
    folder,
    fresh_folder,
    is_ours,
    new_namespace,
    own_settings,
    write_environment,
)
from console.demo.traces import Planted
from streams.endpoints import Endpoints
from streams.settings import Settings, environment

AT = Endpoints("127.0.0.1:9", "http://127.0.0.1:8", "127.0.0.1:7")
NOW = datetime(2026, 1, 15, 12, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("demo-120304-00ff.news.raw", True),
        ("demo-120304-00ff-documents-2026.01", True),
        ("tocsin-demo-120304-00ff-alerts", True),
        ("demo-120304-beef.alerts", False),  # the run to keep
        ("news.raw", False),
        ("documents-2026.01", False),
        ("demo.news.raw", False),
        ("demo-documents-2026.01", False),
        ("demo-120304-00ff", False),
        ("my-demo-120304-00ff.news.raw", False),
        ("demo-120304-00ffx.news.raw", False),
    ],
)
def test_only_runs_of_the_demo_are_swept(name: str, ours: bool) -> None:
    """A name that a user may have chosen is never taken for the demo's."""
    assert is_ours(name, keep="demo-120304-beef") is ours


def test_namespaces_are_new_and_allowed(tmp_path: Path) -> None:
    """Two runs in the same second do not meet, and every topic of a run is recognised as its own."""
    names = {new_namespace(NOW) for _ in range(50)}
    assert len(names) > 45
    for name in names:
        assert is_ours(f"{name}.news.raw")
        Settings(state_dir=tmp_path, namespace=name)


def test_workers_get_the_demo_and_not_the_users_own(tmp_path: Path) -> None:
    """Children are told the demo's namespace, rules, watchlist and receiver; the user's engines and keys stay."""
    mine = Settings(
        state_dir=tmp_path,
        namespace="live",
        webhook_urls="https://pager.example/hook",
        kafka_user="me",
        kafka_password=SecretStr("secret"),
        kafka_tls=True,
        metrics_port=9100,
        stale_after=1e9,
        allowed_lateness=3600,
        record_limit=4096,
    )
    told = environment(own_settings(mine, "demo-120304-00ff", AT, "http://127.0.0.1:1/alerts", "whsec_x"))
    assert told["TOCSIN_NAMESPACE"] == "demo-120304-00ff"
    assert told["TOCSIN_WEBHOOK_URLS"] == "http://127.0.0.1:1/alerts"
    assert told["TOCSIN_STATE_DIR"] == str(tmp_path / "demo")
    assert told["TOCSIN_KAFKA_PASSWORD"] == "secret"
    assert told["TOCSIN_METRICS_PORT"] == "0"
    usual = {f"TOCSIN_{n}": str(Settings.model_fields[n.lower()].default) for n in ("STALE_AFTER", "RECORD_LIMIT")}
    assert told | usual == told
    assert Path(told["TOCSIN_RULES"]).is_file()
    assert Path(told["TOCSIN_WATCHLIST"]).is_file()


def test_environment_file_holds_no_secret(tmp_path: Path) -> None:
    """What another terminal needs to look at the demo is written, and nothing that must not be read."""
    own = own_settings(Settings(state_dir=tmp_path), "demo-120304-00ff", AT, "http://127.0.0.1:1/x", "whsec_hidden")
    fresh_folder(Settings(state_dir=tmp_path))
    text = write_environment(own).read_text(encoding="utf-8")
    assert "export TOCSIN_NAMESPACE=demo-120304-00ff" in text
    assert "hidden" not in text


def test_the_demo_s_rules_are_a_copy_that_may_be_changed(tmp_path: Path) -> None:
    """Whoever looks at the demo can change its rules, and not those that came with Tocsin."""
    settings = Settings(state_dir=tmp_path)
    fresh_folder(settings)
    copy_rules(settings)
    own = own_settings(settings, "demo-120304-00ff", AT, "http://127.0.0.1:1/x", "whsec_hidden")
    assert own.rules == tmp_path / "demo" / "rules"
    assert [rule.name for rule in load_rules(own.rules)] == ["demo-negative-surge"]
    assert f"export TOCSIN_RULES={own.rules}" in write_environment(own).read_text(encoding="utf-8")


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second is told so and touches nothing."""
    settings = Settings(state_dir=tmp_path)
    with alone(settings):
        fresh_folder(settings).joinpath("x").touch()
        with pytest.raises(DemoBusy), alone(settings):
            raise AssertionError("two at once")
        assert (folder(settings) / "x").exists()
    with alone(settings):
        assert not list(fresh_folder(settings).iterdir())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call +44 20 7946 0958 now", 1),
        ("call +442079460958 now", 1),
        ("call +44-20-7946 (0958)", 1),
        ("call [phone] now", 0),
        ("mail a.b@example.com", 1),
        ("", 0),
    ],
)
def test_planted_data_are_found_however_they_are_written(text: str, found: int) -> None:
    """Spaces and signs between digits hide nothing, and the note does not repeat the value."""
    planted = Planted([("phone", "+44 20 7946 0958"), ("email", "a.b@example.com")])
    planted.search(text, "place")
    assert len(planted.found) == found
    assert all("0958" not in note and "example" not in note for note in planted.found)
