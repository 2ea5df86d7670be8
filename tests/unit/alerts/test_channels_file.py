"""The file of channels: read as a whole or refused with every fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from alerts.delivery import channels_file
from alerts.delivery.channels_file import json_schema, load_channels, parse_channels, read_channels
from alerts.rules import Duration
from alerts.yaml_structs import FileRefused
from tests.ringing import SECRET, settings

GOOD = """\
receivers:
  - {name: desk, type: webhook, url_env: DESK_URL, secret_env: DESK_SECRET, grouped: true, language: zh}
  - {name: duty, type: email, host: mail.example, sender: tocsin@bank.example, to: [duty@bank.example]}
routes:
  - match: {kind: system}
    receivers: [duty]
    group_by: [rule, subject]
  - match: {severity: {at_least: warning}, subject: "entity:*", labels: {desk: [risk, treasury]}}
    receivers: [desk]
    group_by: [rule, labels.desk]
    group_wait: 10s
    quiet: [nights]
    quiet_at_most: info
    escalate: {after: 15m, to: [duty]}
    continue: true
  - receivers: [desk]
    only: [trading]
schedules:
  nights: {from: "22:00", to: "07:00", zone: Asia/Shanghai}
  trading: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "16:00", zone: Asia/Hong_Kong}
inhibit:
  - {source: {severity: critical}, target: {severity: [info, warning]}, equal: [subject]}
flapping: false
"""


def faults(text: str) -> list[str]:
    """What is wrong with a text, as it is told."""
    with pytest.raises(FileRefused) as caught:
        parse_channels(text, "channels.yaml")
    return str(caught.value).splitlines()


def test_a_good_file_is_read() -> None:
    """Every section arrives, and the schema for editors accepts the same text."""
    found = parse_channels(GOOD)
    assert [spec.name for spec in found.receivers] == ["desk", "duty"]
    first, second, third = found.routing.routes
    assert (second.group_wait, second.escalate and second.escalate.after) == (Duration(10), Duration(900))
    assert (first.group_wait, first.group_interval, first.repeat_interval) == (
        *(Duration(30), Duration(300), Duration(14_400)),
    )
    assert (second.continue_, third.continue_, third.only) == (True, False, ("trading",))
    assert set(found.routing.schedules) == {"nights", "trading"}
    assert (len(found.routing.inhibit), found.routing.flapping) == (1, False)
    jsonschema.validate(yaml.safe_load(GOOD), json_schema())


def test_the_committed_schema_is_the_one_made_from_the_types() -> None:
    """What editors read follows the types."""
    committed = Path(channels_file.__file__).with_name("channels_schema.json")
    assert json.loads(committed.read_text(encoding="utf-8")) == json.loads(json.dumps(json_schema()))


ROUTE = "receivers: [{name: desk, type: webhook, url_env: A}]\nroutes:\n  - receivers: [desk]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("routes: []\n", ["1: receivers: expected a list with at least one entry",
                          "1: routes: expected a list with at least one entry"]),
        ("- a\n", ["1: expected `receivers:` and `routes:`"]),
        ("receivers: [\n", ["2: not valid YAML: expected the node content, but found '<stream end>'"]),
        (ROUTE + "rout: 1\n", ["4: rout: there is no such section; did you mean 'routes'?"]),
        ("receivers: [{name: desk, type: webhok}]\nroutes: [{receivers: [desk]}]\n",
         ["1: type: unknown word 'webhok'; there are: webhook, alertmanager, dingtalk, wecom, feishu, email, apprise; "
          "did you mean 'webhook'?"]),
        ("receivers: [{name: desk, type: webhook, url: x}]\nroutes: [{receivers: [desk]}]\n",
         ["1: url: there is no such field"]),
        (ROUTE + "  - receivers: [dsk]\n", ["4: receivers: there is no receiver named 'dsk'; did you mean 'desk'?"]),
        (ROUTE + "    grup_by: [rule]\n", ["4: grup_by: there is no such field; did you mean 'group_by'?"]),
        (ROUTE + "    group_by: [label.desk]\n",
         ["4: group_by: there is no field 'label.desk'; there are: rule, kind, severity, subject, name and labels"]),
        (ROUTE + "    group_wait: soon\n",
         ["4: group_wait: expected a duration such as 30m, 2h or 1h30m, got 'soon'"]),
        (ROUTE + "    match: {severity: warnig}\n",
         ["4: severity: unknown word 'warnig'; there are: critical, info, warning; did you mean 'warning'?"]),
        (ROUTE + "    match: {severity: {at_lest: warning}}\n",
         ["4: at_lest: there is no such field; did you mean 'at_least'?"]),
        (ROUTE + "    quiet: [night]\nschedules:\n  nights: {}\n",
         ["4: quiet: there is no schedule named 'night'; did you mean 'nights'?",
          ]),
        (ROUTE + "    escalate: {after: 5m, to: [desk]}\n", ["4: to: desk is told by the route already"]),
        (ROUTE + "schedules: {n: {zone: Asia/Shangai}}\n",
         ["4: zone: there is no time zone 'Asia/Shangai': write one like Asia/Shanghai; did you mean "]),
        (ROUTE + "schedules: {n: {from: '8:00'}}\n",
         ['4: from: expected hours and minutes in quotes, such as "08:30", up to "24:00"']),
        (ROUTE + "schedules: {n: {from: '08:00', to: '08:00'}}\n",
         ["4: from: it begins where it ends: leave `from` and `to` out for whole days"]),
        (ROUTE + "schedules: {n: {days: [monday]}}\n",
         ["4: days[0]: unknown word 'monday'; there are: fri, mon, sat, sun, thu, tue, wed"]),
        (ROUTE + "inhibit: [{source: {rul: a}, target: {}}]\n",
         ["4: rul: there is no such field; did you mean 'rule'?"]),
        (ROUTE + "inhibit: [{source: {}, target: {}, equal: [subjekt]}]\n",
         ["4: equal: there is no field 'subjekt'; there are: rule, kind, severity, subject, name and labels.NAME; "
          "did you mean 'subject'?"]),
        (ROUTE + "    group_wait: 999999999999d\n", ["4: group_wait: expected at most 30d, got '999999999999d'"]),
        (ROUTE + "flapping: 1\n", ["4: flapping: expected true or false"]),
        (ROUTE.replace("[{", "[{name: desk, type: webhook, url_env: B}, {"),
         ["1: name: a receiver named desk stands already at line 1"]),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_place(text: str, told: list[str]) -> None:
    """File, line, field, and the nearest valid word."""
    found = faults(text)
    assert len(found) == len(told)
    for line, expected in zip(found, told, strict=True):
        assert line.startswith(f"channels.yaml:{expected}")


def test_all_faults_are_told_at_once() -> None:
    """One look at the message is enough to mend the file."""
    text = GOOD.replace("desk, type: webhook", "desk, type: hook").replace("[trading]", "[traiding]")
    assert [line.split(":")[1] for line in faults(text)] == ["2", "17"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The path and the reason."""
    with pytest.raises(FileRefused, match=r"none\.yaml:1: cannot be read: No such file"):
        read_channels(tmp_path / "none.yaml")


def test_without_a_file_the_webhooks_get_everything(tmp_path: Path) -> None:
    """As it was before there were channels: no grouping, no hysteresis."""
    channels, rules = load_channels(settings(tmp_path, "http://127.0.0.1:9/a,http://127.0.0.1:9/b"))
    assert [channel.grouped for channel in channels] == [False, False]
    assert (rules.routes, rules.flapping, rules.everything) == ((), False, tuple(c.name for c in channels))


def test_a_file_adds_to_the_webhooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receivers of the file follow its routes; those of TOCSIN_WEBHOOK_URLS still get everything."""
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9/desk?token=canary")
    monkeypatch.setenv("DESK_SECRET", SECRET)
    path = tmp_path / "channels.yaml"
    path.write_text(GOOD, encoding="utf-8")
    channels, rules = load_channels(settings(tmp_path, "http://127.0.0.1:9/all", channels=path))
    assert [channel.name for channel in channels[1:]] == ["desk", "duty"]
    assert (len(rules.routes), rules.everything) == (3, (channels[0].name,))
    shown: Any = repr(channels) + repr(rules)
    assert "canary" not in shown
    assert SECRET[6:] not in shown


def two_names(folder: Path, urls: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Why a file with two names for one address is refused."""
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9/desk?token=canary")
    monkeypatch.setenv("DESK_SECRET", SECRET)
    path = folder / "channels.yaml"
    path.write_text(GOOD.replace("routes:", AGAIN + "routes:", 1), encoding="utf-8")
    with pytest.raises(FileRefused) as caught:
        load_channels(settings(folder, urls, channels=path))
    return str(caught.value).replace(str(path), "channels.yaml")


AGAIN = "  - {name: risk, type: webhook, url_env: DESK_URL, secret_env: DESK_SECRET}\n"


def test_two_names_for_one_address_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two would hear nothing: both are named with their lines, the address is not shown."""
    told = two_names(tmp_path, "", monkeypatch)
    assert told.splitlines() == [
        "channels.yaml:4: receiver risk: the receiver desk at line 2 has this address already; keep one of them, and "
        "let every route name it"
    ]
    told = two_names(tmp_path, "http://127.0.0.1:9/desk?token=canary", monkeypatch)
    assert [line.split(":")[1] for line in told.splitlines()] == ["2", "4"]
    assert "TOCSIN_WEBHOOK_URLS has this address already" in told
    assert "canary" not in told
