"""The rules over HTTP: shown, checked, saved once, by whom may, and never over somebody else's change."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from console.api import desk, rules
from console.api.threads import OPEN_OF_ONE
from console.rule_store import former_texts, hash_of
from streams.records import RuleChange
from streams.settings import Settings
from tests.unit.console.api.serving import OPERATE, READ, TOKENS, Served
from tests.unit.console.api.serving import serving as served

ONE = (
    "rules:\n  - name: negative-surge\n    type: threshold\n    at_least: 3\n"
    "    scope: {subject: entity}\n    window: 30m\n"
)
ZH = {"Accept-Language": "zh-CN"}
ADMIN = "an-invented-token-that-administers"


def serving(tmp_path: Path, **changes: Any) -> AbstractAsyncContextManager[Served]:
    """With somebody who may change rules."""
    return served(tmp_path, api_tokens=SecretStr(f"{TOKENS}head.of.desk admin {ADMIN}\n"), **changes)


def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "desk.yaml").write_text(ONE, encoding="utf-8")
    return rules


async def test_rules_are_shown_with_what_is_known_of_them(tmp_path: Path) -> None:
    """Sentences in the caller's language, the file and line, its open alerts; the text of the file with its hash."""
    async with serving(tmp_path, rules=folder(tmp_path)) as api:
        status, found = await api.ask("GET", "/rules", READ)
        _, chinese = await api.ask("GET", "/rules", READ, headers=ZH)
    assert status == 200
    (rule,) = found["rules"]
    assert (rule["name"], rule["file"], rule["line"], rule["open"]) == ("negative-surge", "desk.yaml", 2, 1)
    assert rule["precision"]["share"] is None
    assert rule["explain"]["begins"][0].startswith("3 negative stories")
    assert "3 " in chinese["rules"][0]["explain"]["begins"][0]
    assert chinese["rules"][0]["explain"] != rule["explain"]
    assert found["files"] == [
        {"name": "desk.yaml", "hash": hash_of(ONE), "text": ONE, "writable": True, "rules": ["negative-surge"]}
    ]
    assert (found["writable"], found["why"], found["faults"]) == (True, "", [])


async def test_shipped_rules_say_why_they_cannot_be_written(tmp_path: Path) -> None:
    """And what to do."""
    async with serving(tmp_path) as api:
        _, found = await api.ask("GET", "/rules", READ)
        body = {"text": ONE, "was": found["files"][0]["hash"]}
        status, refused = await api.ask("PUT", "/rules/files/default.yaml", ADMIN, json=body)
    assert (found["writable"], found["why"]) == (False, "shipped")
    assert len(found["rules"]) == 6
    assert not found["files"][0]["writable"]
    assert (status, refused["error"]["code"]) == (409, "rules_read_only")
    assert "tocsin rules init" in refused["error"]["fix"]
    assert api.written() == []


async def test_faults_are_told_in_the_caller_s_language(tmp_path: Path) -> None:
    """Wherever they are told: of the files in use, of a text that is checked, of one that is not saved or played."""
    rules, wrong = folder(tmp_path), ONE.replace("window", "windw")
    async with serving(tmp_path, rules=rules) as api:
        ask = {"text": wrong, "file": "desk.yaml"}
        _, checked = await api.ask("POST", "/rules/check", READ, json=ask, headers=ZH)
        _, asked = await api.ask("POST", "/rules/whatif", READ, json=ask, headers=ZH)
        saved = {"text": wrong, "was": ""}
        _, refused = await api.ask("PUT", "/rules/files/desk.yaml", ADMIN, json=saved, headers=ZH)
        (rules / "desk.yaml").write_text(wrong, encoding="utf-8")
        _, listed = await api.ask("GET", "/rules", READ, headers=ZH)
    for found in (checked["faults"], asked["error"]["faults"], refused["error"]["faults"], listed["faults"]):
        assert [(each["message"], each["suggestion"]) for each in found] == [("没有字段 'windw'", "window")]


async def test_files_with_faults_are_shown_with_them(tmp_path: Path) -> None:
    """No rule is in use from them; the text is there to be mended."""
    rules = folder(tmp_path)
    (rules / "desk.yaml").write_text(ONE.replace("window", "windw"), encoding="utf-8")
    async with serving(tmp_path, rules=rules) as api:
        _, found = await api.ask("GET", "/rules", READ)
    assert found["rules"] == []
    assert [fault["file"] for fault in found["faults"]] == ["desk.yaml"]
    assert "windw" in found["files"][0]["text"]
    assert str(tmp_path) not in str(found)


async def test_a_text_is_checked_and_nothing_is_written(tmp_path: Path) -> None:
    """Faults by line with what was meant; or the rules with what of them is new."""
    rules = folder(tmp_path)
    async with serving(tmp_path, rules=rules) as api:
        wrong = {"text": ONE.replace("window", "windw"), "file": "desk.yaml"}
        status, bad = await api.ask("POST", "/rules/check", READ, json=wrong)
        right = {"text": ONE.replace("3", "4"), "file": "desk.yaml"}
        _, good = await api.ask("POST", "/rules/check", READ, json=right)
        unknown, _ = await api.ask("POST", "/rules/check", READ, json={"text": ONE, "file": "../desk.yaml"})
        large, _ = await api.ask("POST", "/rules/check", READ, json={"text": "x" * 70_000})
    assert (status, bad["ok"], bad["rules"]) == (200, False, [])
    assert bad["faults"] == [
        {"file": "", "line": 6, "column": 5, "message": "unknown field 'windw'", "suggestion": "window"}
    ]
    assert good["ok"]
    assert [(rule["name"], rule["changed"]) for rule in good["rules"]] == [("negative-surge", "changed")]
    assert (unknown, large) == (404, 413)
    assert (rules / "desk.yaml").read_text(encoding="utf-8") == ONE


async def test_a_file_is_saved_with_a_record_and_its_former_text(tmp_path: Path) -> None:
    """Who, what, why: durable before the file is another; the answer says when it is in force."""
    rules, text = folder(tmp_path), ONE.replace("3", "4")
    async with serving(tmp_path, rules=rules) as api:
        body = {"text": text, "was": hash_of(ONE), "reason": "fewer bells"}
        status, saved = await api.ask("PUT", "/rules/files/desk.yaml", ADMIN, json=body)
        again, _ = await api.ask("PUT", "/rules/files/desk.yaml", ADMIN, json=body)
        new_one = {"text": ONE.replace("negative", "x"), "was": ""}
        fresh, _ = await api.ask("PUT", "/rules/files/new.yaml", ADMIN, json=new_one)
        kept = list(former_texts(api.settings))
    assert (status, saved["hash"], again, fresh) == (200, hash_of(text), 409, 200)
    assert saved["in_force_within_s"] == 5
    assert (rules / "desk.yaml").read_text(encoding="utf-8") == text
    assert kept == [ONE]
    change, new = api.written()
    assert isinstance(change, RuleChange)
    assert isinstance(new, RuleChange)
    assert (change.file, change.was, change.now, change.reason) == (
        "desk.yaml", hash_of(ONE), hash_of(text), "fewer bells",
    )  # fmt: skip
    assert (new.file, new.was) == ("new.yaml", "")


async def test_a_file_with_a_fault_is_not_saved(tmp_path: Path) -> None:
    """The faults are in the answer; the file, the log and the history are as they were."""
    rules = folder(tmp_path)
    async with serving(tmp_path, rules=rules) as api:
        body = {"text": ONE.replace("window", "windw"), "was": hash_of(ONE)}
        status, refused = await api.ask("PUT", "/rules/files/desk.yaml", ADMIN, json=body, headers=ZH)
        assert list(former_texts(api.settings)) == []
    assert (status, refused["error"]["code"]) == (400, "rule_faults")
    assert [fault["line"] for fault in refused["error"]["faults"]] == [6]
    assert api.written() == []
    assert (rules / "desk.yaml").read_text(encoding="utf-8") == ONE


async def test_without_kafka_nothing_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that leaves no trace is none."""
    monkeypatch.setattr(desk.Desk.__init__, "__defaults__", (0.05,))
    rules = folder(tmp_path)
    async with serving(tmp_path, rules=rules) as api:
        api.kept.back.clear()
        body = {"text": ONE.replace("3", "4"), "was": hash_of(ONE)}
        status, refused = await api.ask("PUT", "/rules/files/desk.yaml", ADMIN, json=body)
    assert (status, refused["error"]["code"]) == (503, "kafka_away")
    assert [each.name for each in rules.iterdir()] == ["desk.yaml"]
    assert (rules / "desk.yaml").read_text(encoding="utf-8") == ONE


@pytest.mark.parametrize("token", [READ, OPERATE])
async def test_only_an_admin_saves(tmp_path: Path, token: str) -> None:
    """Who reads or operates may try a text, and no more."""
    rules = folder(tmp_path)
    async with serving(tmp_path, rules=rules) as api:
        body: Any = {"text": ONE, "was": hash_of(ONE)}
        status, refused = await api.ask("PUT", "/rules/files/desk.yaml", token, json=body)
    assert (status, refused["error"]["code"]) == (403, "forbidden")


async def test_one_caller_s_checks_leave_room_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told in the one form and in the caller's language; another caller's is answered meanwhile."""
    go, real = threading.Event(), rules.check

    def slow(settings: Settings, text: str, file: Path | None) -> Any:
        if "quick" not in text:
            go.wait(10)
        return real(settings, text, file)

    monkeypatch.setattr(rules, "check", slow)
    async with serving(tmp_path, rules=folder(tmp_path)) as api:
        body = {"text": ONE, "file": "desk.yaml"}
        many = [asyncio.create_task(api.ask("POST", "/rules/check", OPERATE, json=body)) for _ in range(OPEN_OF_ONE)]
        await asyncio.sleep(0.2)
        status, refused = await api.ask("POST", "/rules/check", OPERATE, json=body, headers=ZH)
        assert (status, refused["error"]["code"]) == (429, "too_much_at_once")
        assert refused["error"]["message"].startswith("您已有 5 个")
        quick = body | {"text": f"{ONE}# quick\n"}
        assert (await api.ask("POST", "/rules/check", READ, json=quick))[0] == 200
        go.set()
        assert [status for status, _ in await asyncio.gather(*many)] == [200] * OPEN_OF_ONE
