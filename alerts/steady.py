"""Until when a decision stays as it is while time alone passes: an open alert is then asked once, not every minute.

Within one hour of the clock, for the window's end as for its beginning, and with nothing counted or let go, what can
still move a decision moves one way: the expected count of a surge is linear in time, and its bound rises or falls with
it; what a first_seen rule takes for new only becomes less. So a decision that is the same at both ends was the same in
between. What is compared with the subject's recent counts stays until one of them moves on, too. Silence is always
asked.
"""

from __future__ import annotations

from typing import Final

from alerts.compared import Compared
from alerts.decisions import Decision, Known
from alerts.detect import decide, expectation
from alerts.moments import HOUR, MINUTE
from alerts.rules import Silence, Surge
from alerts.windows import Window

# What the life of an alert goes by, and the mentions behind it.
FIGURES: Final = ("holds", "why", "amount", "bound", "beyond", "since", "until", "story", "value")


def steady(window: Window, decision: Decision, now: int, known: Known) -> int:
    """The last minute at which the window's decision is still that of `now`, for what is done about an alert.

    Of a decision with other figures but the same answer, bound and amount nothing is told. `now` when it is not known
    to stay. The window has let go of what lies before it.
    """
    last = _last(window, now)
    return last if last > now and _stays(window, decision, last, known) else now


def _last(window: Window, now: int) -> int:
    """The last minute of these hours before a mention leaves the window, or what it is compared with."""
    if isinstance(window.rule, Silence):
        return now
    last = min(_hour(now), _hour(now - window.width) + window.width)
    if window.entries:
        last = min(last, window.entries[0].at + window.width - 1)
    if isinstance(window, Compared) and window.past:
        last = min(last, window.past[0].at + window.length - 1)
    return last // MINUTE * MINUTE


def _hour(at: int) -> int:
    """The end of the hour that a moment lies in."""
    return at // HOUR * HOUR + HOUR - 1


def _stays(window: Window, decision: Decision, last: int, known: Known) -> bool:
    if isinstance(window.rule, Surge):  # only its bound moves with time, and it has none where too little was counted
        return decision.bound is None or decision.bound == expectation(window, last, known).bound
    return _alike(decision, decide(window, last, known))


def _alike(now: Decision, later: Decision) -> bool:
    return all(getattr(now, name) == getattr(later, name) for name in FIGURES)
