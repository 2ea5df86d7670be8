"""Opinion about one subject over time, with what happened and what rang: one small chart a subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from alerts.evaluation.report import charts
from alerts.evaluation.report.charts import Scale
from alerts.evaluation.report.findings import Timeline
from alerts.evaluation.report.wording import Lang, length, say, stamp, told
from alerts.evaluation.result import Day, Episode, Evaluation, EventOf

WIDTH: Final = 480
LEFT, RIGHT = 40, 474
TOP, BASE = 8, 78  # of the counts
STRIP, STRIP_HEIGHT = 82, 8  # the negative share
LANES, LANE = 96, 12  # a lane of alerts for each rule
NARROWEST: Final = 2.5  # of a window, so that a day in a year can be seen
ENOUGH: Final = 5  # judged mentions from which a day has a share worth a colour
LEVELS: Final = 5
MARKS: Final = {
    "true": (charts.CIRCLE, "good filled"),
    "repeat": (charts.CIRCLE, "good hollow"),
    "false": (charts.CROSS, "bad stroke"),
    "control": (charts.TRIANGLE, "bad filled"),
    "excluded": (charts.SHAPES[3], "dim hollow"),
}


def strip(line: Timeline, evaluation: Evaluation, lang: Lang) -> Markup:
    """Mentions by day, the negative ones in them, their share, truth windows, and a lane of alerts for each rule."""
    begin = _midnight(evaluation.begin)
    days = max(1, (_midnight(evaluation.end) - begin).days + 1)
    across = Scale(0, days, LEFT, RIGHT)
    counted = _by_day(line.days, begin, days)
    bottom = LANES + LANE * len(line.alerts)
    parts = [_window(event, begin, across, bottom, lang) for event in line.events]
    parts += [_counts(counted, across), _shares(counted, across)]
    for row, alerts in enumerate(line.alerts):
        y = LANES + LANE * row + LANE / 2
        parts.append(charts.text(LEFT - 6, y + 4, charts.letter(row), "letter", "end"))
        parts.append(charts.rule(LEFT, y, RIGHT, y))
        parts += [_alert(episode, begin, across, y, lang) for episode in alerts]
    parts.append(_axis(begin, days, across, bottom))
    title = say(lang, "strip.title", name=told(line.name), events=len(line.events), alerts=sum(map(len, line.alerts)))
    return charts.drawing(WIDTH, bottom + 18, title, parts, "chart strip")


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _by_day(rows: tuple[Day, ...], begin: datetime, days: int) -> list[Day | None]:
    known = {row.day: row for row in rows}
    return [known.get(f"{begin + timedelta(days=n):%Y-%m-%d}") for n in range(days)]


def _counts(days: list[Day | None], across: Scale) -> Markup:
    most = max((day.mentions for day in days if day), default=0) or 1
    down = Scale(0, most, BASE, TOP)
    area = Markup('<path class="{}" d="{}"/>')
    mentions = area.format("mentions", charts.steps([day.mentions if day else 0 for day in days], across, down))
    negative = area.format("negative", charts.steps([day.negative if day else 0 for day in days], across, down))
    label = charts.text(LEFT - 6, TOP + 8, f"{most:,}", anchor="end")
    return mentions + negative + label + charts.text(LEFT - 6, BASE, "0", anchor="end")


def _shares(days: list[Day | None], across: Scale) -> Markup:
    """A band darker by the share of negatives, one path a level; days with too few judged mentions stay empty."""
    paths: dict[int, list[str]] = {}
    for n, day in enumerate(days):
        if day and day.judged >= ENOUGH:
            level = min(LEVELS - 1, int(day.negative / day.judged * LEVELS))
            paths.setdefault(level, []).append(
                f"M{across(n):g} {STRIP}H{across(n + 1):g}v{STRIP_HEIGHT}H{across(n):g}z"
            )
    area = Markup('<path class="level level{}" d="{}"/>')
    return charts.EMPTY.join(area.format(level, "".join(path)) for level, path in sorted(paths.items()))


def _window(event: EventOf, begin: datetime, across: Scale, bottom: float, lang: Lang) -> Markup:
    start, stop = _place(event.begin, begin, across), _place(event.end, begin, across)
    if stop - start < NARROWEST:
        start, stop = max(LEFT, (start + stop - NARROWEST) / 2), (start + stop + NARROWEST) / 2
    title = say(lang, f"strip.{event.kind}", onset=stamp(event.onset), note=told(event.note, 200))
    width = round(stop - start, 1)
    band = charts.box(round(start, 1), TOP - 4, width, bottom - TOP + 4, f"truth {event.kind}", title)
    sign = charts.mark(round(start + width / 2, 1), TOP - 3, charts.SHAPES[4], 3, f"truth-sign {event.kind}")
    return band + sign


def _alert(episode: Episode, begin: datetime, across: Scale, y: float, lang: Lang) -> Markup:
    path, classes = MARKS[episode.judged]
    lasted = episode.until - episode.at if episode.until else None
    title = say(
        lang, "strip.alert", rule=episode.rule, at=stamp(episode.at), judged=say(lang, f"judged.{episode.judged}"),
        lasted=length(lasted.total_seconds() if lasted else None, lang),
    )  # fmt: skip
    return charts.mark(_place(episode.at, begin, across), y, path, 3.4, classes, title)


def _place(at: datetime, begin: datetime, across: Scale) -> float:
    return across((at - begin) / timedelta(days=1))


def _axis(begin: datetime, days: int, across: Scale, bottom: float) -> Markup:
    ticks = charts.month_ticks(begin, begin + timedelta(days=days), 6)
    pattern = "%m-%d" if days <= 60 else "%Y-%m"
    parts = [charts.rule(LEFT, BASE, RIGHT, BASE, "axis-line")]
    for at in ticks:
        x = _place(at, begin, across)
        parts.append(charts.rule(x, bottom, x, bottom + 4, "axis-line"))
        anchor = "start" if x < LEFT + 14 else "end" if x > RIGHT - 14 else "middle"
        parts.append(charts.text(x, bottom + 15, f"{at:{pattern}}", anchor=anchor))
    return charts.EMPTY.join(parts)
