"""One rule about one subject: its windows, its decision, and the composed rules `all` and `any`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from alerts.compared import window_of
from alerts.decisions import Decision, Known, Part, lead
from alerts.detect import decide
from alerts.rules import All, Any_, Rule, Silence, Surge
from alerts.steady import steady
from alerts.stories import Entry
from alerts.windows import Window


class Judge:
    """A rule with one window for each of its conditions."""

    __slots__ = ("_decision", "_found", "_until", "amended", "fresh", "needs", "patient", "rule", "windows")

    def __init__(self, rule: Rule, windows: list[Window] | None = None) -> None:
        self.rule = rule
        self.windows = windows if windows is not None else [window_of(look) for look in rule.looks]
        self.fresh = False  # something was counted since the last evaluation
        self.amended = ""  # why what was counted earlier has changed since then
        self._found: list[Decision] = []  # of each window, at the last evaluation …
        self._decision: Decision | None = None  # … and of the rule …
        self._until = 0  # … which stays as it is up to this minute
        # Of the subject's mentions, negative and all, the fewest without which the rule is not possible.
        fewest = max if isinstance(rule, All) else min
        negatives, mentions = zip(*(window.needs for window in self.windows), strict=True)
        self.needs: tuple[int, int] = fewest(negatives), fewest(mentions)
        # Silence grows with time alone; everything else begins only with something new.
        self.patient = any(isinstance(leaf, Silence) for leaf in rule.leaves)

    @property
    def possible(self) -> bool:
        """Whether the rule can hold at all, by what its windows count."""
        if len(self.windows) == 1:
            return self.windows[0].possible
        every = isinstance(self.rule, All)
        for window in self.windows:
            if window.possible is not every:
                return not every
        return every

    def begins(self, decision: Decision) -> bool:
        """Whether an episode may begin: with something new, or with a silence, which time alone brings."""
        return self.fresh or not decision.parts or any(p.holds and p.type == "silence" for p in decision.parts)

    @property
    def found(self) -> list[tuple[Window, Decision]]:
        """What each window said when the rule was last asked."""
        return list(zip(self.windows, self._found, strict=False))

    def slide(self, now: int) -> None:
        """Let go of what lies before the windows."""
        for window in self.windows:
            window.counter.slide(now - window.width)

    def decide(self, now: int, known: Known) -> tuple[Decision, Window]:
        """The decision at `now`, and the window that its figures are of."""
        self._found = found = [decide(window, now, known) for window in self.windows]
        self._until = 0
        if len(self.windows) == 1:
            return found[0], self.windows[0]
        if isinstance(self.rule, Surge):  # of its lengths the one that says most speaks
            return (first := lead(found)), self.windows[found.index(first)]
        return self._composed(found)

    def keep(self, decision: Decision, now: int, known: Known) -> None:
        """Keep the decision of this minute for the coming ones, as long as time alone changes nothing in it."""
        self._decision = decision
        if not isinstance(self.rule, All | Any_):
            each = zip(self.windows, self._found, strict=True)
            self._until = min(steady(window, found, now, known) for window, found in each)

    def kept(self, now: int) -> Decision | None:
        """The decision of an earlier minute where it is that of `now`, too, for what is done about an alert."""
        return self._decision if now <= self._until and not self.fresh and not self.amended else None

    @property
    def until(self) -> int:
        """The last minute for which the decision is kept."""
        return self._until

    def doubt(self) -> None:
        """What is known of the subject has changed other than by counting: decide anew."""
        self._until = 0

    def _composed(self, found: list[Decision]) -> tuple[Decision, Window]:
        every = isinstance(self.rule, All)
        holds = all(d.holds for d in found) if every else any(d.holds for d in found)
        first = lead(found)
        parts = tuple(
            Part(
                w.rule.type,
                d.holds,
                d.why,
                d.observed,
                d.unit,
                w.rule.window.seconds,
                d.since,
                d.until,
                d.story,
                d.value,
            )
            for w, d in zip(self.windows, found, strict=True)
        )
        # All must hold, so the least of them says how far the rule is beyond its bound.
        beyond = min(d.beyond for d in found) if every else first.beyond
        why = "beyond" if holds else "not_all" if every else "none"
        state = next((d.baseline for d in found if d.baseline), first.baseline)
        merged = replace(first, holds=holds, why=why, beyond=beyond, baseline=state, parts=parts)  # type: ignore[arg-type]
        return merged, self.windows[found.index(first)]

    def behind(self, decision: Decision, window: Window) -> list[Entry]:
        """The mentions behind the figures: of the leading window, and of the other conditions that hold."""
        own = [entry for entry in window.counted() if _matters(entry, decision, window)]
        if not decision.parts:
            return own
        known = {entry.document for entry in own}
        for other, part in zip(self.windows, decision.parts, strict=True):
            if part.holds and other is not window:
                for entry in other.counted():
                    if entry.document not in known and _matters(entry, part, other):
                        known.add(entry.document)
                        own.append(entry)
        return sorted(own, key=lambda e: (e.at, e.document))

    def without(self, stories: Collection[str]) -> Judge:
        """The same, had these stories never been told."""
        return Judge(self.rule, [window.without(stories) for window in self.windows])


def _matters(entry: Entry, decision: Decision | Part, window: Window) -> bool:
    """Whether a counted mention is behind the figures, where not all are."""
    return (
        (decision.since is None or entry.at >= decision.since)
        and (decision.until is None or entry.at < decision.until)
        and (not decision.story or entry.story == decision.story)
        and (not decision.value or window.value(entry) == decision.value)
    )
