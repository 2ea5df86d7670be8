"""The alert about a channel itself."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import alerts
from alerts.delivery.routing import broken_channel
from alerts.delivery.schedule import Decision, Reply
from alerts.delivery.trouble import FAILING_AFTER, reconcile, trouble_after
from streams.records import AlertEvent, decode, encode
from tests.ringing import START
from tests.unit.alerts.test_sender import Scripted

FAILED, REFUSED, GONE = Reply(500), Reply(200, answer="refused", code="1", meaning="no"), Reply(410)
RETRY, GAVE_UP = Decision("retry", "http 500", 5.0), Decision("refused", "gave up")
DISABLED, DELIVERED = Decision("disabled", "410"), Decision("delivered", "http 204")


@pytest.mark.parametrize(
    ("reply", "decision", "attempt", "fires"),
    [
        (FAILED, RETRY, FAILING_AFTER - 1, False),
        (FAILED, RETRY, FAILING_AFTER, True),
        (Reply(429), RETRY, FAILING_AFTER, False),
        (Reply(200, answer="throttled"), RETRY, 9, False),
        (REFUSED, GAVE_UP, 1, True),
        (GONE, DISABLED, 1, True),
        (Reply(204), DELIVERED, 1, False),
    ],
)
def test_when_it_fires(reply: Reply, decision: Decision, attempt: int, fires: bool) -> None:
    """After some attempts in vain, at a final refusal, at 410; never for throttling."""
    known, said = trouble_after(None, Scripted(), reply, decision, attempt, START)
    assert (known is not None) is fires
    assert said == ([known] if known else [])


def test_it_lives_as_every_alert() -> None:
    """It fires once, however often the channel fails, and ends with the first success; its id tells the episode."""
    known, said = trouble_after(None, Scripted(), FAILED, RETRY, FAILING_AFTER, START)
    assert known is not None
    assert decode(encode(known), AlertEvent) == known
    assert broken_channel(known) == "desk"
    assert trouble_after(known, Scripted(), FAILED, GAVE_UP, 11, START) == (known, [])
    after, over = trouble_after(known, Scripted(), Reply(204), DELIVERED, 12, START)
    assert after is None
    assert [(e.alert, e.sequence, e.state) for e in said + over] == [
        (known.alert, 0, "firing"), (known.alert, 1, "resolved"),
    ]  # fmt: skip
    again, _ = trouble_after(None, Scripted(), FAILED, RETRY, FAILING_AFTER, START)
    assert again == known


def test_the_alert_about_a_channel_that_is_gone_ends() -> None:
    """Removed or renamed: nobody could end it any more. One that goes on is left alone, a new outbox learns of it."""
    alert, _ = trouble_after(None, Scripted(), FAILED, RETRY, FAILING_AFTER, START)
    assert alert is not None
    id_, renamed = Scripted().id, Scripted(name="other")
    assert reconcile([alert], {id_: alert}, [Scripted()], START, new=False) == ({}, [])
    assert reconcile([alert], {}, [Scripted()], START, new=True) == ({id_: alert}, [])
    for channels, known, changed in (([], {}, {}), ([renamed], {id_: alert}, {id_: None})):
        found, (over,) = reconcile([alert], known, channels, START, new=False)
        assert found == changed
        assert (over.id, over.state) == (f"{alert.alert}.1", "resolved")
        assert "not among the receivers" in over.annotations["en"]


def test_both_languages_say_the_same() -> None:
    """The same keys with the same placeholders."""
    folder = Path(alerts.__file__).parent / "texts"
    en, zh = (yaml.safe_load((folder / f"channel.{lang}.yaml").read_text(encoding="utf-8")) for lang in ("en", "zh"))
    fields = [
        {key: {f[1] for f in string.Formatter().parse(text)} - {None} for key, text in t.items()} for t in (en, zh)
    ]
    assert fields[0] == fields[1]
    assert all(re.search(r"[\u4e00-\u9fff]", text) for key, text in zh.items() if key != "fix")


@given(st.text(max_size=600), st.text(max_size=600))
def test_what_a_platform_says_stays_text(meaning: str, fix: str) -> None:
    """Braces and control characters in its words mean nothing and break nothing."""
    reply = Reply(200, answer="refused", code="1", meaning=meaning, fix=fix, final=True)
    known, _ = trouble_after(None, Scripted(), reply, GAVE_UP, 1, START)
    assert known is not None
    assert "\n" not in known.annotations["en"]
    assert all(len(text) < 500 for text in known.annotations.values())
