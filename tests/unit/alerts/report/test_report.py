"""The report is one page that loads nothing, runs nothing, shows what was measured and keeps hostile text text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.evaluation.compare import compare
from alerts.evaluation.notes import sentence
from alerts.evaluation.report import render
from alerts.evaluation.report.wording import catalogue
from alerts.evaluation.result import Evaluation, Note
from streams.plain import HIDDEN
from tests.unit.alerts.report import sample
from tests.unit.alerts.report.reader import Reader

HOSTILE: Final = (
    "\"><script>alert(1)</script><img src=x onerror='alert(2)'>",
    "</title></style></svg><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% for x in y %} {0.__class__} %s",
    "\u202egnp.exe\u2066\x1b[31m\u2028<b>&amp;&lt;",
    "<!-- <![CDATA[ ]]> --> <a href=javascript:alert(3)>x</a>",
)
CASES: Final[dict[str, Callable[[], Evaluation]]] = {
    "one rule": lambda: sample.evaluation(1),
    "eight rules": lambda: sample.evaluation(8, 17, 8),
    "more rules than styles": lambda: sample.evaluation(30, 3, 1),
    "no events": lambda: sample.evaluation(2, 0, 0),
    "controls only": lambda: sample.evaluation(2, 0, 4),
    "300 events": lambda: sample.evaluation(3, 300, 20),
    "nothing": sample.empty,
    "no time at all": lambda: msgspec.structs.replace(sample.evaluation(1), end=sample.BEGIN),
    "hostile": lambda: sample.evaluation(2, 5, 2, HOSTILE[0]),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_sound(case: str, lang: str) -> None:
    """Every element is closed, ids stand once, the contents lead somewhere, every drawing is well formed."""
    page = render(CASES[case](), lang)  # type: ignore[arg-type]
    read = Reader(page)
    ids = [attributes["id"] for _, attributes in read.attributes if "id" in attributes]
    assert len(ids) == len(set(ids))
    places = [a["href"] for a in read.all("a") if a["href"].startswith("#")]
    assert len(places) >= 8
    assert {place[1:] for place in places} <= set(ids)
    for drawing in re.findall(r"<svg.*?</svg>", page, re.S):
        ElementTree.fromstring(drawing)  # noqa: S314 - our own page


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_loaded_and_nothing_runs(case: str) -> None:
    """No script, no handler, no source, no style but the one whose checksum the policy names; links lead to the web."""
    page = render(CASES[case]())
    read = Reader(page)
    allowed = {"href", "class", "id", "lang", "charset", "name", "content", "http-equiv", "rel", "target", "tabindex"}
    allowed |= {"role", "scope", "dir", "title", "data-label", "open", "aria-label", "aria-labelledby", "aria-hidden"}
    drawn = {"viewbox", "d", "x", "y", "width", "height", "transform", "text-anchor", "stroke-dasharray"}
    assert {name for _, attributes in read.attributes for name in attributes} <= allowed | drawn
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"} & set(read.tags)
    for link in read.all("a"):
        if not link["href"].startswith("#"):
            assert link["href"].startswith(("https://", "http://"))
            assert link["rel"] == "noopener noreferrer"
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    assert not re.search(r"url\(|@import|@font-face", style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """What comes from outside is read as it was written, without the characters that hide or turn it."""
    page = render(sample.evaluation(1, 3, 1, text))
    assert not set(page) & {chr(n) for n in HIDDEN if n != 0x0A}
    assert "<script" not in page
    assert "<iframe" not in page
    visible = " ".join(text.translate(dict.fromkeys((0x2028,), " ")).translate(HIDDEN).split())
    assert visible in Reader(page).text


def small(text: str) -> Evaluation:
    """Every place that text from outside has, once or twice."""
    return msgspec.structs.replace(sample.evaluation(1, 2, 1, text), timelines={"entity:S0": ()})


PLAIN: Final = Reader(render(small("x"))).tags


@settings(max_examples=30)
@example(text=HOSTILE[0])
@example(text="<" * 50)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_changes_the_structure(text: str) -> None:
    """Whatever stands in names, notes, headlines and sources, the elements of the page are the same."""
    assert Reader(render(small("x" + text))).tags == PLAIN


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,<script>", "//evil.example", "https://u:p@evil.example/", "ftp://a/",
     "x", "", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "vbscript:x", "https://" + "a" * 3000],
)  # fmt: skip
def test_only_web_addresses_become_links(url: str) -> None:
    """An address that is not http or https, names a user or is endless is no link; its headline is still shown."""
    result = sample.evaluation(1, 2, 0)
    told = (msgspec.structs.replace(result.events[0].told[0], url=url, headline="what happened"),)
    events = tuple(msgspec.structs.replace(event, told=told) for event in result.events)
    name, rule = next(iter(result.rules.items()))
    missed = tuple(msgspec.structs.replace(outcome, found=False) for outcome in rule.outcomes)
    rules = {name: msgspec.structs.replace(rule, outcomes=missed, episodes=())}
    read = Reader(render(msgspec.structs.replace(result, events=events, rules=rules)))
    assert "what happened" in read.text
    assert all(link["href"].startswith("#") for link in read.all("a"))


def test_the_table_says_what_was_measured() -> None:
    """Figures of a rule stand in its row, with their bounds; what could not be computed is a dash."""
    result = sample.evaluation(1)
    rule = result.rules["negative-surge"]
    exact = msgspec.structs.replace(
        rule, recall=0.412, precision=None, precision_interval=None, false_per_subject_day=0.00123,
        delay_median_s=5400.0, found=7, events=17,
    )  # fmt: skip
    text = Reader(render(msgspec.structs.replace(result, rules={"negative-surge": exact}))).text
    assert "A negative-surge surge · 3f2a9c81d0b7" in text
    assert re.search(r"7 of 17 – 0\.41 0\.20–0\.80 0\.40 0\.20–0\.80 0\.0012 0\.00090–0\.0031 1 h 30 min", text)


def test_misses_and_false_alarms_are_shown_worst_first() -> None:
    """A miss names its documents and the rules that found it; false alarms begin with the one furthest beyond."""
    result = sample.evaluation(2, 6, 0)
    text = Reader(render(result)).text
    first = next(iter(result.rules.values()))
    worst = max((e for e in first.episodes if e.judged == "false"), key=lambda e: e.beyond)
    part = text[text.index("False alarms, furthest") :]
    assert f"{worst.beyond:.1f} times its bound" in part[:400]
    assert "found by fixed-count" in text


def test_what_changed_is_told_event_by_event() -> None:
    """Against an earlier evaluation the page says which figures moved and which events are found now or no longer."""
    now = sample.evaluation(1, 4, 0)
    name, rule = next(iter(now.rules.items()))

    def outcome(*found: bool) -> Evaluation:
        outcomes = tuple(msgspec.structs.replace(o, found=f) for o, f in zip(rule.outcomes, found, strict=True))
        recall = sum(found) / 4
        return msgspec.structs.replace(
            now, rules={name: msgspec.structs.replace(rule, outcomes=outcomes, recall=recall)}
        )

    text = Reader(render(outcome(True, True, True, False), compare=outcome(False, True, False, True))).text
    assert "Recall 0.50 0.75 no: may be chance p = 1.0, n = 4" in text
    assert "Events found now and not before (2)" in text
    assert "Events found before and no longer (1)" in text
    assert "What changed" not in Reader(render(now)).text


def test_the_same_evaluation_gives_the_same_page() -> None:
    """Nothing but the evaluation is in the page: no clock, no chance."""
    assert render(sample.evaluation(3)) == render(sample.evaluation(3))


def test_both_languages_say_the_same() -> None:
    """The catalogues have the same keys with the same placeholders, and none that the report never says."""
    en, zh = catalogue("en"), catalogue("zh")

    def holes(texts: dict[str, str]) -> dict[str, list[str]]:
        return {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in texts.items()}

    assert holes(en) == holes(zh)
    assert all(re.search("[\u4e00-\u9fff、]", text) or key == "of" or len(text) < 12 for key, text in zh.items())
    page = Reader(render(sample.evaluation(2), "zh")).text
    assert "漏掉的事件" in page
    assert not re.search(r"\b(precision|recall|missed|false alarms)\b", page, re.IGNORECASE)


def test_evaluations_without_a_common_rule_are_not_compared() -> None:
    """Where no rule stands in both the page says so, and shows the rest."""
    now, other = sample.evaluation(1), sample.evaluation(3)
    others = msgspec.structs.replace(other, rules={f"other-{name}": rule for name, rule in other.rules.items()})
    text = Reader(render(now, compare=others)).text
    assert "No rule stands in both evaluations." in text
    assert "Event by event" in text


def test_caveats_are_said_in_the_reader_s_language() -> None:
    """A caveat that was computed is translated; one that a source said stands as it is."""
    note = Note(code="few_documents", values={"median": 12.0})
    result = msgspec.structs.replace(
        sample.evaluation(1), notes=(note,), caveats=(sentence(note), "A source said so."), labelled_as=None
    )
    assert sentence(note, "zh") in Reader(render(result, "zh")).text
    assert "A source said so." in Reader(render(result, "zh")).text
    assert sentence(note, "en") in Reader(render(result, "en")).text


def test_every_sentence_that_is_said_exists() -> None:
    """Keys written out in the template and the code are in the catalogue, and the catalogue holds nothing else."""
    folder = Path(str(files("alerts.evaluation.report")))
    sources = [path.read_text(encoding="utf-8") for path in (*folder.glob("*.html"), *folder.glob("*.py"))]
    whole = {key for text in sources for key in re.findall(r'say\(\s*(?:lang, )?f?"([^"{]+)"[,)]', text)}
    begun = {key for text in sources for key in re.findall(r'say\(\s*(?:lang, )?f?"([^"{]+\.)(?:" ~|\{)', text)}
    keys = set(catalogue("en"))
    assert whole <= keys
    others = {"strip.negative", "strip.control", *(key for key in keys if key.startswith("findings.near_"))}
    assert {key for key in keys - whole - others if not key.startswith(tuple(begun))} == set()


def test_a_found_event_without_a_delay_is_said_to_be_found() -> None:
    """Where neither the onset nor a document gives a delay, the event is found all the same."""
    result = sample.evaluation(1, 3, 0)
    name, rule = next(iter(result.rules.items()))
    bare = tuple(msgspec.structs.replace(o, found=True, delay_s=None, public_delay_s=None) for o in rule.outcomes)
    rules = {name: msgspec.structs.replace(rule, outcomes=bare)}
    for lang, word in (("en", "● found"), ("zh", "● 命中")):
        text = Reader(render(msgspec.structs.replace(result, rules=rules), lang)).text  # type: ignore[arg-type]
        assert text.count(word) >= 3


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_rules_in_drawings_hide_nothing(text: str) -> None:
    """A result that somebody wrote by hand names rules as no rule file can: drawings and tips show them plain, too."""
    result = sample.evaluation(1, 3, 1)
    rules = {f"{text}{name}": rule for name, rule in result.rules.items()}
    page = render(msgspec.structs.replace(result, rules=rules))
    assert not set(page) & {chr(n) for n in HIDDEN if n != 0x0A}
    assert "<script" not in page


def test_a_note_of_a_later_version_keeps_its_sentence() -> None:
    """A result may hold notes for which this version has no words: what it says in English stands."""
    result = sample.evaluation(1)
    later = Note(code="later", values={})
    known = msgspec.structs.replace(result, notes=(later,), caveats=("Later words.",), labelled_as=later)
    page = Reader(render(msgspec.structs.replace(known, labelled="For whom, in later words."), "zh")).text
    assert "Later words." in page
    assert "For whom, in later words." in page


def test_the_page_shows_the_comparison_that_was_asked_for() -> None:
    """Rules of other names that were set against each other stand in the page as they do on the terminal."""
    before, after = sample.evaluation(1), sample.evaluation(1)
    (name,) = before.rules
    after = msgspec.structs.replace(after, rules={"another-rule": after.rules[name]})
    changes = compare(before, after, rules=[(name, "another-rule")])
    part = render(after, compare=before, changes=changes).split('id="changes"')[1].split("</section>")[0]
    assert "another-rule" in part
    assert name in part
