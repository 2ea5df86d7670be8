"""What a receiver is sent."""

from __future__ import annotations

import json
import string
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.message import LIMIT, alert_body, notice_body, notification_id, rings, text
from alerts.delivery.phrases import LANGUAGES, catalogue
from alerts.delivery.samples import sample_events
from streams.records import AlertEvent
from tests.ringing import ALERT, START, event, evidence


def body(of: AlertEvent, receiver: str = "r") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(alert_body(of, receiver))
    return found


def test_the_body_is_a_cloud_event_with_the_alerts_numbers() -> None:
    """The envelope names version, id, source, type, subject and time; the data hold every number of the alert."""
    of = event()
    found = body(of)
    data = found.pop("data")
    assert found == {
        "specversion": "1.0",
        "id": notification_id(of.id, "r"),
        "source": "/tocsin",
        "type": "io.tocsin.alert.firing",
        "subject": "entity:BRW",
        "time": "2026-03-02T09:30:00Z",
        "datacontenttype": "application/json",
    }
    assert (data["alert"], data["sequence"], data["state"], data["severity"]) == (ALERT, 0, "firing", "critical")
    assert (data["observed"], data["expected"], data["p_value"], data["support"]) == (24.0, 2.1, 1e-6, 31)
    assert [e["url"] for e in data["evidence"]] == ["https://news.example/1", "https://news.example/2"]
    assert (data["evidence_left_out"], data["demo"]) == (0, False)
    assert set(data["text"]) == set(LANGUAGES)


def test_the_bytes_depend_on_event_and_receiver_alone() -> None:
    """Made again, a body has the same bytes; another receiver gets another id; the namespace stands in the source."""
    assert alert_body(event(), "a") == alert_body(event(), "a")
    assert body(event(), "a")["id"] != body(event(), "b")["id"]
    assert json.loads(alert_body(event(), "a", "night"))["source"] == "/tocsin/night"


@given(st.text(max_size=30), st.text(max_size=30))
def test_ids_fit_the_specification(of: str, receiver: str) -> None:
    """A notification id is short, of lower-case letters and digits after its prefix, and the same each time."""
    id_ = notification_id(of, receiver)
    assert id_ == notification_id(of, receiver)
    assert set(id_.removeprefix("msg_")) <= set(string.ascii_lowercase + string.digits)
    assert len(id_) == 30


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        *(("pending", "began", False), ("firing", "held", True), ("updated", "severity", True)),
        *(("updated", "doubled", False), ("resolved", "ended", True), ("resolved", "rule_removed", True)),
    ],
)
def test_people_hear_of_what_fires_grows_and_ends(state: str, reason: str, expected: bool) -> None:
    """A pending alert rings nobody, nor does mere further evidence."""
    assert rings(event(state=state, reason=reason)) is expected


@pytest.mark.parametrize(
    ("changes", "en", "zh"),
    [
        (
            {},
            "Critical: Brightwater. Negative stories: 24 in 30 min (usually 2.1); 31 judged, 9 sources, 17 authors. "
            "Told most, 4 times: “Brightwater recalls pump number 1” (wire). "
            "Rule negative-surge, since 2026-03-02 09:25 UTC.",
            "严重：Brightwater。30 分钟内负面事件数：24（平时 2.1）；已判读 31，来源 9 个，作者 17 位。"
            "传播最多（4 次）：“Brightwater recalls pump number 1”（wire）。"
            "规则 negative-surge，始于 2026-03-02 09:25 UTC。",
        ),
        (
            {
                "state": "resolved",
                "demo": True,
                "unit": "negative share of stories",
                "observed": 0.125,
                "expected": None,
                "window_seconds": 7200,
            },
            "[DEMO] Over: Brightwater. Negative share of stories: 12% in 2 h; 31 judged, 9 sources, 17 authors. "
            "Rule negative-surge, from 2026-03-02 09:25 UTC to 2026-03-02 09:30 UTC.",
            "【演示】已解除：Brightwater。2 小时内负面事件占比：12%；已判读 31，来源 9 个，作者 17 位。"
            "规则 negative-surge，2026-03-02 09:25 UTC 至 2026-03-02 09:30 UTC。",
        ),
        (
            {
                "state": "updated",
                "severity": "warning",
                "support": 0,
                "documents": 0,
                "name": "",
                "evidence": (),
                "window_seconds": 90,
            },
            "Now Warning: entity:BRW. No documents in the last 1.5 min. "
            "Rule negative-surge, since 2026-03-02 09:25 UTC.",
            "升级为警告：entity:BRW。最近 1.5 分钟内没有文档。规则 negative-surge，始于 2026-03-02 09:25 UTC。",
        ),
    ],
)
def test_the_text_says_what_the_fields_say(changes: dict[str, Any], en: str, zh: str) -> None:
    """One paragraph in each language, of fields alone; demo data are marked; an empty window says so."""
    of = event(**changes)
    assert text(of, "en") == en
    assert text(of, "zh") == zh


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sample_events())
def test_every_kind_of_alert_has_its_paragraph(name: str, lang: str) -> None:
    """Each ends its sentences, is marked, and leaves no blank; silence and Tocsin's own say what is the matter."""
    for of in sample_events()[name]:
        said = text(of, lang)
        assert said.startswith(catalogue(lang)["demo"])
        assert said.endswith((".", "。", "`"))
        assert not set(said) & set("{}|")
    expected = {"silence": ("Stories: 0 in 6 h", "6 小时内事件数：0"), "system": ("742 seconds", "落后 742 秒")}
    assert expected.get(name, ("", ""))[LANGUAGES.index(lang)] in said


@pytest.mark.parametrize(
    ("changes", "en", "zh"),
    [
        ({"state": "amended"}, "Amended, Critical: B", "更正，严重：B"),
        ({"state": "pending"}, "Not ringing yet, Critical: B", "尚未触发，严重：B"),
        ({"state": "resolved", "reason": "rule_removed"}, "Closed, its rule is gone", "规则已删除或修改"),
        ({"replay": True}, "[REPLAY] Critical: B", "【回放】严重：B"),
        ({"demo": True, "replay": True}, "[DEMO] [REPLAY] Critical: B", "【演示】【回放】严重：B"),
    ],
)
def test_a_paragraph_begins_with_what_happened(changes: dict[str, Any], en: str, zh: str) -> None:
    """State and marks come first; an alert whose rule is gone is not said to be over."""
    assert text(event(**changes), "en").startswith(en)
    assert text(event(**changes), "zh").startswith(zh)


def test_highlights_stay_with_their_words() -> None:
    """What is removed from a headline or cut moves the highlights along."""
    of = evidence(headline="a\u202eb recall c", highlights=((4, 10),))
    (told,) = body(event(evidence=(of,)))["data"]["evidence"]
    ((start, end),) = told["highlights"]
    assert told["headline"][start:end] == "recall"
    far = evidence(headline="x" * 190 + " recall " + "y" * 50, highlights=((191, 197),))
    (told,) = body(event(evidence=(far,)))["data"]["evidence"]
    assert len(told["headline"]) == 200
    assert [told["headline"][start:end] for start, end in told["highlights"]] == ["recall"]


def test_both_languages_have_the_same_sentences() -> None:
    """The catalogues hold the same keys, and each sentence the same blanks."""
    english, chinese = catalogue("en"), catalogue("zh")
    assert set(english) == set(chinese)

    def blanks(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    assert {k: blanks(v) for k, v in english.items()} == {k: blanks(v) for k, v in chinese.items()}


@pytest.mark.parametrize(
    "hostile", ["{demo} {0} {name.__class__}", "%s %(x)s", "<script>", "a\x1b[31m\u202eb\r\nc\x00"]
)
def test_hostile_names_stay_words(hostile: str) -> None:
    """Braces and the like in outside text are not evaluated; control and direction marks are removed."""
    found = body(event(name=hostile, evidence=(evidence(headline=hostile, url="javascript:alert(1)"),)))
    for words in (found["data"]["name"], found["data"]["text"]["en"], found["data"]["evidence"][0]["headline"]):
        assert not set(words) & {"\x1b", "\u202e", "\r", "\n", "\x00"}
    assert found["data"]["evidence"][0]["url"] == ""
    assert hostile.startswith("a") or hostile in found["data"]["text"]["zh"]


def test_evidence_is_cut_before_anything_else() -> None:
    """Too much evidence is left out from its end, and counted."""
    of = event(evidence=tuple(evidence(n, url="https://news.example/" + "x" * 2000) for n in range(30)))
    raw = alert_body(of, "r")
    data = json.loads(raw)["data"]
    assert len(raw) < LIMIT
    assert 0 < len(data["evidence"]) < 30
    assert len(data["evidence"]) + data["evidence_left_out"] == 30
    assert data["evidence"][0]["document"] == of.evidence[0].document


@given(
    letter=st.sampled_from(["a", '"', "é", "测", "🔔", "\\"]),
    labels=st.integers(0, 60),
    pieces=st.integers(0, 12),
)
def test_a_body_always_fits(letter: str, labels: int, pieces: int) -> None:
    """However long its fields, a body stays below 20 kB and is valid JSON."""
    long = letter * 256
    of = event(
        name=long * 4,
        reason=long * 40,
        unit=long,
        rule=long,
        rule_hash=long,
        subject=long * 2,
        models=(long,) * 40,
        labels={f"{n}{long}": long for n in range(labels)},
        evidence=tuple(evidence(n, headline=long, source=long) for n in range(pieces)),
    )
    raw = alert_body(of, "r")
    assert len(raw) < LIMIT
    json.loads(raw)


def test_notices_are_marked_as_such() -> None:
    """A test and the word about a disabled receiver are types of their own."""
    test = json.loads(notice_body("test", "msg_1", START + timedelta(seconds=1)))
    assert (test["type"], test["id"], set(test["data"])) == ("io.tocsin.alert.test", "msg_1", {"text"})
    gone = json.loads(notice_body("receiver.disabled", "msg_2", START, receiver="https://a.example#1"))
    assert gone["type"] == "io.tocsin.receiver.disabled"
    assert "https://a.example#1" in gone["data"]["text"]["zh"]
