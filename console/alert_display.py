"""Alerts as a terminal shows them. Every text from outside is plain: no markup, no control characters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from alerts.delivery.answers import translated
from alerts.delivery.channel import Message
from alerts.delivery.phrases import Voice, amount, cut
from alerts.delivery.render import mail
from alerts.delivery.written import badges_for
from alerts.entries import Entry, History
from alerts.evaluation.badge import BadgeOf, no_badge
from alerts.precision import Precision
from console.messages import catalogue, language, say
from streams.plain import plain
from streams.records import Acknowledgement, AlertEvent, Escalation, Mark, OfAlerts, Receipt, Silence

COLOURS: Final = {"info": "cyan", "warning": "yellow", "critical": "bold red"}
NARROW: Final = ("id", "severity", "since", "at", "until", "attempt")  # columns whose cells stay on one line
SENTENCE_LIMIT: Final = 120  # characters; `show` has the whole
WIDE: Final = 1000  # columns where nobody reads on a screen: a line each, for grep and awk
MOST_WORD: Final = (28, 16)  # cells of a word that is not broken on 80 columns: of a name or rule, of a figure
ID_SHOWN: Final = 8  # characters: more than `show` needs, and of millions hardly two are the same


def screen() -> Console:
    """The user's terminal; a pipe or a file has room for the whole line."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def table(title: str, *columns: str) -> Table:
    """An empty table with headings in the user's language; `a/b`: two of them, one below the other."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    made.title = say(f"alerts.{title}.title")
    for column in columns:
        heading = "\n".join(say(f"alerts.{title}.{each}") if each else "" for each in column.split("/"))
        made.add_column(heading, overflow="fold", no_wrap=column.partition("/")[0] in NARROW)
    return made


def cell(text: str, style: str = "") -> Text:
    """Text from outside."""
    return Text(plain(text), style=style)


def moment(at: datetime) -> str:
    """A time as tables show it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def alerts(entries: Sequence[Entry], console: Console) -> Table:
    """One line for each alert where the console has room for all of them, else two: no id or name is broken."""
    lines = _lines(entries)
    unbounded = console.options.update(max_width=WIDE)
    return lines if Measurement.get(console, unbounded, lines).maximum <= console.width else _stacked(entries)


def _lines(entries: Sequence[Entry]) -> Table:
    cared = any(care(entry) for entry in entries)
    made = table("list", "id", "severity", "state", "name", "figures", "rule", "since", *(["care"] if cared else []))
    for entry in entries:
        event = entry.event
        made.add_row(
            cell(event.alert[:ID_SHOWN]),
            _severity(event),
            cell(" ".join((say(f"alerts.state.{event.state}"), *_marks_of(event)))),
            cell(_voice(event).name(event)),
            cell(_figures(event)),
            cell(event.rule),
            _since(event),
            *([cell(care(entry))] if cared else []),
        )
    return made


def _stacked(entries: Sequence[Entry]) -> Table:
    """Two lines for each alert: below what is looked for first, what is looked up."""
    made = table("list", "id/", "severity/state", "since/", "name/rule", "figures/care")
    for entry in entries:
        event = entry.event
        state = Text(say(f"alerts.state.{event.state}"), style="dim")
        made.add_row(
            cell(event.alert[:ID_SHOWN]),
            Text("\n").join((_severity(event), state)),
            Text("\n").join((Text(_since(event)), cell(" ".join(_marks_of(event)), "dim"))),
            Text("\n").join((cell(_voice(event).name(event)), cell(event.rule, "dim"))),
            Text("\n").join((cell(_figures(event)), cell(care(entry), "dim"))),
        )
    for column, most in zip(made.columns[-2:], MOST_WORD, strict=True):
        longest = max(cell_len(word) for text in column.cells for word in str(text).split())
        column.min_width = min(longest, most)
    return made


def _severity(event: AlertEvent) -> Text:
    return Text(say(f"alerts.severity.{event.severity}"), style=COLOURS[event.severity])


def _since(event: AlertEvent) -> str:
    return f"{event.since.astimezone(UTC):%m-%d %H:%M}"


def _marks_of(event: AlertEvent) -> list[str]:
    return [f"[{say(f'alerts.{name}')}]" for name in ("demo", "replay") if getattr(event, name)]


def _voice(event: AlertEvent) -> Voice:
    return Voice(_lang(), UTC, event.at)


def _figures(event: AlertEvent) -> str:
    if event.kind == "system":  # a sentence tells more than 1 fault
        return cut(event.annotations.get(_lang(), ""), SENTENCE_LIMIT)
    shown = _voice(event).counted(event.observed, event.unit)
    if event.expected is None:
        return shown
    return say("alerts.list.against", observed=shown, expected=amount(event.expected, event.unit))


def _lang() -> Literal["en", "zh"]:
    return "zh" if language() == "zh" else "en"


def care(entry: Entry) -> str:
    """Who has it in hand, what silences it, how it was marked."""
    found = []
    if entry.acknowledged is not None:
        found.append(say("alerts.care.acknowledged", author=plain(entry.acknowledged.author)))
    for silence in entry.silences[:1]:
        found.append(say("alerts.care.silenced", until=moment(silence.until)))
    if entry.right or entry.wrong:
        found.append(say("alerts.care.marked", right=entry.right, wrong=entry.wrong))
    return " ".join(found)


def show(
    console: Console,
    history: History,
    receipts: Sequence[Receipt],
    precision: Precision,
    badge_of: BadgeOf = no_badge,
) -> None:
    """One alert: what it says, how it came, what people did, who was told, how often its rule is right."""
    event = history.entry.event
    badges = badges_for((event,), badge_of)
    message = Message(id="show", at=event.at, why="first", events=(event,), badges=badges)
    letter = mail(message, _lang())
    console.print(cell(event.alert, COLOURS[event.severity]))
    for line in letter.text.splitlines():
        console.print(cell(line))
    console.print(_steps(history.events))
    console.print(_operations(history.operations) if history.operations else say("alerts.show.untouched"))
    console.print(_receipts(receipts) if receipts else say("alerts.show.untold"))
    console.print(cell(f"{event.rule} ({event.rule_hash}): {share(precision)}"))


def _steps(events: Sequence[AlertEvent]) -> Table:
    made = table("steps", "at", "state", "reason", "severity", "figures")
    for event in events:
        state, severity = say(f"alerts.state.{event.state}"), say(f"alerts.severity.{event.severity}")
        made.add_row(moment(event.at), state, cell(_reason(event)), severity, cell(_figures(event)))
    return made


def _reason(event: AlertEvent) -> str:
    """Why a step was taken, in words; what another version of Tocsin called it stays as it is."""
    return catalogue(language()).get(f"alerts.reason.{event.reason}", event.reason)


def _operations(operations: Sequence[OfAlerts]) -> Table:
    made = table("operations", "at", "author", "what", "reason")
    for each in operations:
        made.add_row(moment(each.at), cell(each.author), cell(what(each)), cell(each.reason))
    return made


def what(operation: OfAlerts) -> str:
    """What somebody did, in words."""
    match operation:
        case Acknowledgement(until=None):
            return say("alerts.did.acknowledged")
        case Acknowledgement(until=until) if until is not None:
            return say("alerts.did.acknowledged_until", until=moment(until))
        case Silence():
            return say("alerts.did.silenced", match=matchers(operation), until=moment(operation.until))
        case Escalation():
            return say("alerts.did.escalated")
        case Mark():
            return say(f"alerts.did.{'right' if operation.right else 'wrong'}")
    return say("alerts.did.unsilenced")


def matchers(silence: Silence) -> str:
    """The matchers as they are written on the command line."""
    return " ".join(f"{name}={','.join(values)}" for name, values in sorted(silence.match.items()))


def _receipts(receipts: Sequence[Receipt]) -> Table:
    made = table("receipts", "at", "receiver", "attempt", "outcome", "words")
    for each in receipts:
        meaning, fix = (translated(text, language()) for text in (each.meaning or each.reason, each.fix))
        words = " ".join(part for part in (each.code, meaning, fix) if part)
        outcome = say(f"alerts.outcome.{each.outcome}")
        made.add_row(moment(each.at), cell(each.receiver), str(each.attempt), outcome, cell(words))
    return made


def silences(found: Sequence[Silence]) -> Table:
    """Silences in force."""
    made = table("silences", "id", "match", "until", "author", "reason")
    for each in found:
        until = moment(each.until)
        made.add_row(cell(each.id[:ID_SHOWN]), cell(matchers(each)), until, cell(each.author), cell(each.reason))
    return made


def precisions(found: Sequence[tuple[str, Precision]]) -> Table:
    """How often each rule was right."""
    made = table("precision", "rule", "right", "wrong", "share", "interval")
    for rule, each in found:
        part = "-" if each.share is None else f"{each.share:.0%}"
        interval = "-" if each.share is None else f"{each.low:.0%} - {each.high:.0%}"
        made.add_row(cell(rule), str(each.right), str(each.wrong), part, interval)
    return made


def share(found: Precision) -> str:
    """A rule's precision in one sentence."""
    if found.share is None:
        return say("alerts.precision.none")
    numbers = {"share": f"{found.share:.0%}", "low": f"{found.low:.0%}", "high": f"{found.high:.0%}"}
    return say("alerts.precision.told", count=found.right + found.wrong, right=found.right, **numbers)


def dumps(value: Any) -> str:
    """JSON to read: what would move a terminal's cursor or turn a text round is written as an escape."""
    text = json.dumps(value, ensure_ascii=False)
    return text if plain(text) == text else "".join(c if plain(c) else f"\\u{ord(c):04x}" for c in text)
