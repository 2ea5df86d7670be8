"""Charts of a report as SVG, drawn with the marks of evaluation reports; each with the same in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from markupsafe import Markup

from alerts.delivery.phrases import cut, number, percent
from alerts.evaluation.report.charts import Scale, box, drawing, rule, text
from console.opinion.counts import Counts
from console.opinion.totals import Series
from console.report.sheet import Chart
from console.report.speaker import Speaker

WIDTH: Final = 720.0
HEIGHT: Final = 190.0
LEFT: Final = 44.0
RIGHT: Final = 712.0
TOP: Final = 22.0
BOTTOM: Final = 158.0
MOST_LABELS: Final = 8
NAMED: Final = 3  # parts of a description

Days = Sequence[tuple[date, Counts]]


def cells_chart(cells: Series, kind: str, speaker: Speaker) -> Chart:
    """Documents bucket by bucket, the negative ones from below."""
    caption = speaker.say(f"chart.cells.{kind}")
    top = max((counts.documents for _, counts in cells), default=0)
    high = ceiling(top)
    down, across = Scale(0, high, BOTTOM, TOP), Scale(0, len(cells), LEFT, RIGHT)
    parts = grid(high, down, speaker.say("chart.axis_documents"))
    for n, (at, counts) in enumerate(cells):
        x, width = across(n), across(n + 1) - across(n)
        said = f"{speaker.clock(at)}: {speaker.count('document', counts.documents)}"
        said += f"{speaker.say('comma')}{speaker.plural('chart.negative', counts.negative)}"
        height = BOTTOM - down(counts.documents)
        if counts.documents:
            parts.append(box(x + 0.5, down(counts.documents), width - 1, height, "mentions", said))
        if counts.negative:
            parts.append(
                box(x + 0.5, down(counts.negative), width - 1, BOTTOM - down(counts.negative), "negative", said)
            )
    parts += [text(across(n) + 1, BOTTOM + 16, label, anchor="start") for n, label in _times(cells, kind, speaker)]
    most = max(cells, key=lambda cell: cell[1].documents)
    told = speaker.say(
        "chart.told_cells", zone=speaker.voice.zone_name, at=speaker.clock(most[0]),
        documents=speaker.count("document", most[1].documents),
        negative=speaker.plural("chart.negative", most[1].negative),
    )  # fmt: skip
    keys = (("negative", speaker.say("chart.key_negative")), ("mentions", speaker.say("chart.key_other")))
    return Chart(drawing(WIDTH, HEIGHT, f"{caption}. {told}", parts), caption, told, keys)


def _times(cells: Series, kind: str, speaker: Speaker) -> list[tuple[int, str]]:
    """Labels of the time axis: every third hour of a day, or the days of a week."""
    local = [at.astimezone(speaker.zone) for at, _ in cells]
    if kind == "weekly":
        return [(n, speaker.short_day(at.date())) for n, at in enumerate(local) if at.hour < 6]
    return [(n, f"{at:%H:%M}") for n, at in enumerate(local) if at.minute == 0 and at.hour % 3 == 0]


def days_chart(days: Days, speaker: Speaker) -> Chart | None:
    """The negative share of each day with its interval, numbers of judged documents in the marks' titles; None where
    fewer than two days have any."""
    judged = [(n, day, counts) for n, (day, counts) in enumerate(days) if counts.share is not None]
    if len(judged) < 2:
        return None
    caption = speaker.say("chart.days")
    high = max(counts.share.high for _, _, counts in judged if counts.share is not None)
    high = math.ceil(high * 10) / 10
    down, across = Scale(0, high, BOTTOM, TOP), Scale(0, len(days), LEFT, RIGHT)
    half = (across(1) - across(0)) / 2
    parts = grid(high, down, speaker.say("chart.axis_share"), shares=True)
    for n, day, counts in judged:
        share = counts.share
        if share is None:
            continue
        x = across(n) + half
        said = f"{speaker.day(day)}: {speaker.interval(share)}"
        classes = "c1" if n == len(days) - 1 else "c0"
        parts.append(
            box(x - 3, down(share.high), 6, max(down(share.low) - down(share.high), 1), f"band {classes}", said)
        )
        parts.append(box(x - 5, down(share.value) - 1.5, 10, 3, f"level {classes}", said))
    step = max(1, math.ceil(len(days) / MOST_LABELS))
    for n, (day, _) in enumerate(days):
        if (len(days) - 1 - n) % step == 0:
            parts.append(text(across(n) + half, BOTTOM + 16, speaker.short_day(day)))
    last = [speaker.say("chart.told_day", day=speaker.short_day(d), share=percent(c.share.value))
            for _, d, c in judged[-NAMED:] if c.share is not None]  # fmt: skip
    told = speaker.say("chart.told_days", parts=speaker.join(last, last=False))
    keys = (("c1", speaker.say("chart.key_day")), ("c0", speaker.say("chart.key_days")))
    return Chart(drawing(WIDTH, HEIGHT, f"{caption}. {told}", parts), caption, told, keys)


def event_chart(cells: Series, name: str, moments: Sequence[tuple[datetime, str]], speaker: Speaker) -> Chart | None:
    """Documents about the subject of an alert, with lines where it rang and ended; None without documents."""
    if not any(counts.documents for _, counts in cells):
        return None
    caption = speaker.say("chart.event", name=cut(name, 60))
    high = ceiling(max(counts.documents for _, counts in cells))
    down, across = Scale(0, high, BOTTOM, TOP), Scale(0, len(cells), LEFT, RIGHT)
    parts = grid(high, down, speaker.say("chart.axis_documents"))
    for n, (at, counts) in enumerate(cells):
        x, width = across(n), across(n + 1) - across(n)
        said = f"{speaker.clock(at)}: {speaker.count('document', counts.documents)}"
        for value, classes in ((counts.documents, "mentions"), (counts.negative, "negative")):
            if value:
                parts.append(box(x + 0.5, down(value), max(width - 1, 0.5), BOTTOM - down(value), classes, said))
    begin, size = cells[0][0], cells[1][0] - cells[0][0] if len(cells) > 1 else None
    for at, word in moments:
        place = (at - begin) / size if size else 0.0
        if 0 <= place <= len(cells):
            parts += [rule(across(place), TOP - 6, across(place), BOTTOM, "axis-line moment")]
            anchor = "end" if across(place) > WIDTH / 2 else "start"
            parts.append(text(across(place) + (-3 if anchor == "end" else 3), TOP - 8, word, "axis", anchor))
    step = max(1, math.ceil(len(cells) / 6))
    labels = [(n, speaker.clock(at)) for n, (at, _) in enumerate(cells) if n % step == 0]
    parts += [text(across(n), BOTTOM + 16, label, anchor="start") for n, label in labels]
    whole = sum((counts.documents for _, counts in cells), 0)
    told = speaker.say(
        "chart.told_event", documents=speaker.count("document", whole), begin=speaker.stamp(begin),
        end=speaker.stamp(cells[-1][0]),
    )  # fmt: skip
    keys = (("negative", speaker.say("chart.key_negative")), ("mentions", speaker.say("chart.key_other")))
    return Chart(drawing(WIDTH, HEIGHT, f"{caption}. {told}", parts), caption, told, keys)


def grid(high: float, down: Scale, axis: str, shares: bool = False) -> list[Markup]:
    """Lines at round values with what they are, and the name of the axis."""
    parts = [text(4, 11, axis, "axis", "start")]
    for tick in ticks(high):
        parts.append(rule(LEFT, down(tick), RIGHT, down(tick)))
        parts.append(text(LEFT - 6, down(tick) + 4, percent(tick) if shares else number(tick), anchor="end"))
    return parts


def ticks(high: float) -> list[float]:
    """Zero, the half and the top."""
    return [0.0, high / 2, high]


def ceiling(top: float) -> float:
    """An even round number at or above the highest value."""
    if top <= 2:
        return 2.0
    size = 10 ** math.floor(math.log10(top))
    steps = (float(step * size) / 10 for step in (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100))
    return next(step for step in steps if step >= top and step % 2 == 0)
