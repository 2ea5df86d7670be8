"""What is wrong with a file of rules, channels, truth or prices is said in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from string import Formatter

import pytest

import alerts
from alerts.delivery.channels.calls import TLS_PORTS
from alerts.delivery.channels_file import parse_channels, read_channels
from alerts.evaluation.price_drops import read_prices
from alerts.evaluation.truth_files import parse_truth, read_truth
from alerts.rule_files import RuleError, in_force, load_rules, parse_rules
from alerts.sayings import Saying, saying, sentences
from alerts.value_sayings import ADDRESSES, FORMS, of_address, of_value
from alerts.yaml_structs import Fault, FileRefused
from streams.guard import Refused, check_url, parse_allow

AROUND = {"at", "at_receiver", "hint", "kinds", "words"}
HAN = re.compile(r"[\u4e00-\u9fff]")
RULE = "rules:\n- name: quiet\n  type: threshold\n  window: 2h\n  at_least: 3\n  scope: {subject: entity}\n"
SHIFT = "rules: [{name: a, type: shift, window: 8h, scope: {subject: entity}, %s}]"
BROKEN = (
    "rules: [",
    "rules: {",
    "rules: 'x",
    "rules:\n\t- a",
    "a: b: c",
    "rules: []",
    "x",
    "rules: [x]",
    "rules: [{}]",
    "rulez: [1]",
    "include: x",
    "include: [../x.yaml]",
    "include: [preset:nowhere]",
    "rules: [{type: surge}]",
    "rules: [{type: surg}]",
    "rules: [!!int x]",
    "rules: [!!binary x]",
    "? [a]\n: b",
    "a: 1\na: 2",
    f"{'k' * 300}: 1",
    "[" * 40 + "]" * 40,
    *(
        RULE.replace(*pair)
        for pair in (
            ("quiet", "Quiet"),
            ("quiet", "1"),
            ("2h", "8d"),
            ("2h", "30 minutes"),
            ("2h", "0"),
            ("at_least: 3", "at_least: 0"),
            ("at_least: 3", "at_least: '3'"),
            ("at_least: 3", "at_leest: 3"),
            ("  at_least: 3\n", ""),
            ("entity", "entiti"),
            ("  scope: {subject: entity}\n", ""),
            ("{subject: entity}", "{subject: market, ids: [x]}"),
            ("{subject: entity}", "{}"),
            ("{subject: entity}", "{subject: topic, ids: [earning]}"),
            ("entity}", "entity, risks: [outige]}"),
            ("entity}", "entity, ids: ['entity:x']}"),
            ("entity}", "entity, keywords: [' ']}"),
            ("entity}", "topic, lists: [x]}"),
            ("entity}", "list}"),
            ("entity}", "entity, ids: [5]}"),
            ("2h", "2h\n  severity: {warning: 2}"),
            ("2h", "2h\n  severity: {warning: 1, critical: 1e999}"),
            ("2h", "2h\n  severity: {critical: 1, warning: 2}"),
            ("2h", "2h\n  severity: grave"),
            ("2h", "2h\n  labels: {baseline: x}"),
            ("2h", "2h\n  annotations: {en: '{nam}'}"),
            ("2h", "2h\n  about: ''\n  clear_at: 2"),
            ("2h", "2h\n  labels: {'': x}"),
        )
    ),
    RULE + RULE.removeprefix("rules:\n"),
    SHIFT % "count: authors",
    SHIFT.replace("shift", "share") % "count: authors",
    SHIFT.replace("8h", "1h") % "ratio: 2",
    SHIFT.replace("shift", "first_seen") % "what: risk, memory: 1h",
    SHIFT.replace("shift", "surge") % "also: [8h, 9d]",
    SHIFT.replace("shift", "spike") % "reference: 30d",
    SHIFT.replace("shift", "spike") % "count: authors, reference: 24h",
    SHIFT.replace("shift", "deviation") % "reference: 90m",
    SHIFT.replace("shift", "surge") % "also: [1h, 2h, 3h, 4h, 5h]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions: [{type: share, window: 1h,"
    " name: b}, {type: share, window: 1h, scope: {subject: topic}}, 5]}]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions:"
    " [{type: threshold, at_least: 2, window: 1h, scope: {ids: [x]}}, {type: threshold, at_least: 2, window: 2h}]}]",
    "rules: [{name: a, type: all, window: 1h, scope: {subject: entity}, conditions:"
    " [{type: threshold, at_least: 2, window: 1h}, {type: threshold, at_least: 2, window: 2h}]}]",
)

ROUTE = "receivers: [{name: desk, type: webhook, url_env: A}]\nroutes:\n  - receivers: [desk]\n"
BROKEN_CHANNELS = (
    "routes: []\n",
    "- a\n",
    "receivers: [\n",
    "receivers: [{name: desk, type: webhok}]\nroutes: [{receivers: [desk]}]\n",
    "receivers: [{name: desk}]\nroutes: [{receivers: [desk]}]\n",
    "receivers: [{name: desk, type: webhook, url: x}]\nroutes: [{receivers: [desk]}]\n",
    "receivers: [5]\nroutes: [{receivers: [desk]}]\n",
    *(
        ROUTE + more
        for more in (
            "rout: 1\n",
            "inhibit: 5\n",
            "schedules: []\n",
            "flapping: 1\n",
            "  - receivers: []\n",
            "  - receivers: [dsk]\n",
            "    grup_by: [rule]\n",
            "    group_by: [label.desk]\n",
            "    group_wait: soon\n",
            "    group_wait: 99d\n",
            "    match: {severity: warnig}\n",
            "    match: {severity: {at_lest: warning}}\n",
            "    quiet: [night]\nschedules: {nights: {}}\n",
            "    escalate: {after: 5m, to: [desk]}\n",
            "    escalate: {after: 0, to: [desk, other]}\n",
            "schedules: {n: {zone: Asia/Shangai}}\n",
            "schedules: {n: {from: '8:00'}}\n",
            "schedules: {n: {from: '08:00', to: '08:00'}}\n",
            "schedules: {n: {days: []}}\n",
            "schedules: {n: {days: [monday]}}\n",
            "inhibit: [{source: {}, target: {}, equal: [subjekt]}]\n",
        )
    ),
    ROUTE.replace("[{", "[{name: desk, type: webhook, url_env: B}, {"),
    ROUTE.replace("name: desk", "name: Desk"),
    ROUTE.replace("name: desk", "name: 5"),
)
BROKEN_TRUTH = (
    "",
    "evnts: []",
    "events: [3]",
    "a: [",
    "labelled: {begin: 2026-03-05, end: 2026-03-01}\nevents: []",
    "labelled: {subject: [acme]}\nevents: []",
    "labelled: {subjects: [nobody]}\nevents: []",
    "note: 5\nevents: []",
    *(
        f"events:\n  - {{{entry}}}\n"
        for entry in (
            "subject: acmee, onset: 2026-03-05",
            "subject: 'topic:legl', onset: 2026-03-05",
            "subject: acme, onset: yesterday",
            "subject: acme, onset: 5",
            "subject: acme, onset: 9999-12-31",
            "subject: acme",
            "subject: acme, onset: 2026-03-05, onste: 1",
            "subject: acme, onset: 2026-03-05, kind: negativ",
            "subject: acme, onset: 2026-03-05, risk: outtage",
            "subject: acme, onset: 2026-03-05, end: 2026-03-01",
            "subject: 600519, onset: 2026-03-05",
            "subject: acme, onset: 2026-03-05, day_only: maybe",
            "entity: acme, date: soon",
            "entity: acme, date: 2026-03-05, kind: bad",
            "entity: acme, date: 2026-03-05, window: whole day",
            "entity: acme, date: 2026-03-05, window: prev close 16:00 XX .. 20:00 ET",
            "entity: acme, date: 2026-03-05, window: prev close 16:00 ET .. 20:00 Not/There",
            "entity: '', date: 2026-03-05",
        )
    ),
    "[{entity: acme, date: 2026-03-05}, {entity: acme}]",
)


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(RuleError) as refused:
        parse_rules(text)
    return refused.value.faults


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def codes() -> set[str]:
    """Those that the sources name."""
    folder = Path(alerts.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    named = set(re.findall(r'(?:saying|_between)\(\s*"(\w+)"', text))
    chosen = {"choice_of", "kind_text", "unknown_risk", "unknown_topic", "no_receiver", "no_schedule"}
    chosen |= {"address_open", "address_refused"}
    return named | {code for code, _ in (*FORMS, *ADDRESSES)} | chosen


def test_every_fault_has_both_languages() -> None:
    """With the same values in both; and there is no sentence that nobody says."""
    assert codes() == set(sentences()) - AROUND
    for code in {*codes(), "at", "at_receiver", "hint"}:
        english, chinese = sentences()[code]["en"], sentences()[code]["zh"]
        assert placeholders(chinese) <= placeholders(english), code
        assert placeholders(english) - placeholders(chinese) <= {"what"}, code
        assert code in ("other", "at", "address_refused", "address_open") or HAN.search(chinese), code


def said_in_both(found: Sequence[Fault]) -> None:
    assert found
    for fault in found:
        assert isinstance(fault.told, Saying)
        assert fault.told.code != "other", fault
        assert HAN.search(fault.said("zh")), fault
        assert not HAN.search(fault.said("en")), fault
        assert str(fault) == fault.shown("en")


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_wrong_is_said_in_chinese_too(text: str) -> None:
    """Whatever is wrong, in the words of either language, and in English as ever."""
    said_in_both(faults(text))


@pytest.mark.parametrize("text", BROKEN_CHANNELS)
def test_what_is_wrong_with_channels_is_said_in_chinese_too(text: str) -> None:
    """Sections, entries, values, and what one names of another."""
    with pytest.raises(FileRefused) as refused:
        parse_channels(text)
    said_in_both(refused.value.faults)


@pytest.mark.parametrize("text", BROKEN_TRUTH)
def test_what_is_wrong_with_truth_is_said_in_chinese_too(text: str) -> None:
    """Of our own shape and of dated events."""
    with pytest.raises(FileRefused) as refused:
        parse_truth(text, resolve=lambda word: "entity:ACME" if word == "acme" else None)
    said_in_both(refused.value.faults)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "Date,Close\n2026-03-02,x\n", "Date,Close\n2026-03-02,1,234\n"])
def test_what_is_wrong_with_prices_is_said_in_chinese_too(text: str) -> None:
    """With the line."""
    with pytest.raises(FileRefused) as refused:
        read_prices(text, "p.csv")
    said_in_both(refused.value.faults)


def test_files_that_cannot_be_read_say_so_in_both(tmp_path: Path) -> None:
    """Also one in another encoding."""
    (tmp_path / "gbk").write_bytes("路由".encode("gbk"))
    for read in (read_channels, read_truth):
        for name, why in (("gbk", "不是 UTF-8 文本"), ("none", "没有这个文件")):
            with pytest.raises(FileRefused) as refused:
                read(tmp_path / name)
            said_in_both(refused.value.faults)
            assert refused.value.shown("zh").endswith(f"无法读取：{why}")


def test_a_fault_names_its_field_in_both_languages() -> None:
    """The same place, the words in between in the reader's language."""
    with pytest.raises(FileRefused) as refused:
        parse_channels(ROUTE + "  - receivers: [dsk]\n", "channels.yaml")
    assert refused.value.shown("en") == (
        "channels.yaml:4: receivers: there is no receiver named 'dsk'; did you mean 'desk'?"
    )
    assert refused.value.shown("zh") == "channels.yaml:4: receivers：没有名为 'dsk' 的接收方；是否想写 'desk'？"


def test_files_and_lists_that_are_not_there(tmp_path: Path) -> None:
    """Also what only the folder and the watchlist tell."""
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(RuleError) as refused:
            load_rules(path)
        assert all(HAN.search(fault.said("zh")) for fault in refused.value.faults)
    (tmp_path / "a.yaml").write_text("include: [b.yaml]\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"b.yaml: cannot be read: No such file") as refused:
        load_rules(tmp_path)
    assert refused.value.faults[0].said("zh") == "b.yaml：无法读取：没有这个文件"
    with pytest.raises(RuleError) as refused:
        in_force(parse_rules(RULE.replace("entity", "entity, lists: [piers]")), {"peers": ()})
    assert refused.value.faults[0].shown("zh").endswith("是否想写 'peers'？")


def test_kinds_of_values_are_words() -> None:
    """An analyst need not know what Python calls a number."""
    assert of_value("Expected `int`, got `str`").said("zh") == "应为整数，实际为文字"
    assert of_value("Expected `float | null`, got `array`").said("zh") == "应为数字或空，实际为列表"
    assert of_value("something new").said("zh") == "something new"


def test_what_was_written_is_shown_and_not_followed() -> None:
    """Braces and codes of a hostile text are text."""
    told = saying("unknown_field", word="{word.__class__}{0}\x1b[31m")
    assert told.said("en") == "unknown field '{word.__class__}{0}\\x1b[31m'"
    assert "\x1b" not in told.said("zh")


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("https://10.0.0.1/x", ""),
        ("http://10.2.0.1/x", "10.1.0.0/16"),
        ("https://93.184.216.34:8080/x", ""),
        ("https://host.example:8080/x", ""),
        ("https://me:secret@host.example/x", ""),
        ("http://host.example/x", ""),
        ("https://host.example:99999/x", ""),
        ("ftp://host.example/x", ""),
        ("https://host.example/a b", ""),
    ],
)
def test_why_an_address_is_refused_is_said_in_both(url: str, allow: str) -> None:
    """The guard of the network speaks English; every word of it is known here, and English stays as it was."""
    with pytest.raises(Refused) as refused:
        check_url(url, parse_allow(allow), ports=TLS_PORTS)
    told = of_address(str(refused.value))
    assert told.code != "other", refused.value
    assert told.said("en") == str(refused.value)
    assert HAN.search(told.said("zh"))
    assert "secret" not in told.said("zh")
