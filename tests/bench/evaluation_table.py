"""The evaluation as the tables of the documents: every rule at the same number of false alerts per subject-day. Pure.

All rules stand in docs/measured.md; in the READMEs our first rule, and the published formula that does best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from alerts.evaluation.rates import at_rate, table
from alerts.evaluation.report.wording import Lang, length, rate, share
from alerts.evaluation.result import AtRate, Evaluation, RuleResult

START: Final = "<!-- evaluation:start -->"
END: Final = "<!-- evaluation:end -->"
SHORT_START: Final = "<!-- evaluation-short:start -->"
SHORT_END: Final = "<!-- evaluation-short:end -->"
RATES: Final = (0.0015, 0.005, 0.015)  # false alerts per subject-day
DELAYS: Final = "stocknet"  # the stream whose times are known to the second, and whose rules are compared at RATES
WORDS: Final[dict[Lang, dict[str, str]]] = {
    "en": {
        "delays": "StockNet 2014: recall · median delay · controls that rang, at the best setting with",
        "varied": "varied",
        "most": "≤ {rate} false",
        "of": "{events} falls in price of 4.5 % or more against the market with at least 8 distinct texts, "
        "{controls} controls, {days} subject-days; false: per subject-day.",
        "dated": "events found · controls that rang, by day",
        "own": "{stream}, own setting",
        "same": "{stream}, ≤ {rate} false",
        "false": "{rate} false",
        "counted": "{stream}: {events} events, {controls} controls, {days} subject-days",
        "comma": "; ",
        "stop": ".",
        "short": "events found · median delay · controls that rang",
        "budget": "StockNet 2014, ≤ {rate} false alerts per subject-day",
        "first": "**Tocsin's `{rule}`**",
        "best": "best published formula",
        "headlines": "headlines 2018–2020",
        "weibo": "Weibo 2020–2023",
        "source": "Code {code}, {date}, judged by {models}; rules in bold are ours, the others "
        "[published formulas](../alerts/rules/presets/formulas.yaml). Repeat it with `make evaluate`.",
    },
    "zh": {
        "delays": "StockNet 2014：召回率 · 延迟中位数 · 误响的对照，取下列误报数以内的最佳设定",
        "varied": "可调参数",
        "most": "误报 ≤ {rate}",
        "of": "股价相对大盘下跌 4.5% 以上、至少有 8 条不同文本的事件 {events} 个，"
        "对照 {controls} 个，{days} 个对象日；误报均指每对象日。",
        "dated": "命中事件 · 误响的对照，精确到日",
        "own": "{stream}，自身设定",
        "same": "{stream}，误报 ≤ {rate}",
        "false": "误报 {rate}",
        "counted": "{stream}：事件 {events} 个，对照 {controls} 个，{days} 个对象日",
        "comma": "；",
        "stop": "。",
        "short": "命中事件 · 延迟中位数 · 误响的对照",
        "budget": "StockNet 2014，每对象日误报 ≤ {rate}",
        "first": "**Tocsin 的 `{rule}`**",
        "best": "已公开公式中最好的",
        "headlines": "新闻标题 2018–2020",
        "weibo": "微博 2020–2023",
        "source": "代码 {code}，{date}，由 {models} 判别；粗体为我们的规则，其余为"
        "[已公开的公式](../alerts/rules/presets/formulas.yaml)。用 `make evaluate` 重做。",
    },
}


def tables(results: Mapping[str, Evaluation], ours: Sequence[str], lang: Lang) -> str:
    """All tables in Markdown. `results` by stream; `ours`: names of our rules, the first is the one that the others
    are held against. A rule that covers no event of a stream stands in no row of it."""
    parts = [_delays(results[DELAYS], ours, lang)] if DELAYS in results else []
    dated = {name: result for name, result in results.items() if name != DELAYS}
    if dated:
        parts.append(_dated(dated, ours, lang))
    return "\n\n".join([*parts, _source(list(results.values()), lang)])


def short(results: Mapping[str, Evaluation], ours: Sequence[str], lang: Lang) -> str:
    """Our first rule beside the best of the others: where delays are known at each rate, elsewhere at no more false
    alarms than ours as shipped. The best finds most; of those that find as many the soonest, then the one with fewest
    controls. No stream, no table."""
    words = WORDS[lang]
    columns = [
        (words["budget"].format(rate=f"{limit:g}"), results[DELAYS], limit)
        for limit in (RATES if DELAYS in results else ())
    ]
    for stream, result in results.items():
        if stream != DELAYS:
            limit = _limit(_measured(result), ours)
            columns.append((words["same"].format(stream=words[stream], rate=rate(limit)), result, limit))
    head = _row([words["short"], words["first"].format(rule=ours[0]), words["best"]])
    rows = [_row([title, *_against(result, limit, ours, lang)]) for title, result, limit in columns]
    return "\n".join([head, "|---|---:|---:|", *rows])


def _against(result: Evaluation, limit: float, ours: Sequence[str], lang: Lang) -> tuple[str, str]:
    """Our first rule and the best of the others within a limit of false alarms."""
    rules = _measured(result)
    at = {name: at_rate(rule, limit) for name, rule in rules.items()}
    mine = _cell(at[ours[0]], rules[ours[0]], lang) if ours[0] in at else "–"
    others = [name for name, found in at.items() if name not in ours and found.recall is not None]
    best = min(others, key=lambda name: (*_order(at[name]), name), default="")
    return mine, f"{_cell(at[best], rules[best], lang)} `{best}`" if best else "–"


def _order(at: AtRate) -> tuple[float, float, int]:
    delay = float("inf") if at.delay_median_s is None else at.delay_median_s
    return -(at.recall or 0.0), delay, at.controls_fired or 0


def _cell(at: AtRate, rule: RuleResult, lang: Lang) -> str:
    """Found of all, how late where that is known, controls."""
    if at.recall is None:
        return "–"
    delay = [] if at.delay_median_s is None else [length(at.delay_median_s, lang)]
    found = f"{round(at.recall * rule.events)}/{rule.events}"
    return " · ".join([found, *delay, f"{at.controls_fired or 0}/{rule.controls}"])


def _delays(result: Evaluation, ours: Sequence[str], lang: Lang) -> str:
    words = WORDS[lang]
    lines = [_row([words["delays"], words["varied"], *(words["most"].format(rate=f"{limit:g}") for limit in RATES)])]
    lines.append("|---|---|---:|---:|---:|")
    for row in table(_measured(result), RATES):
        cells = [_at(at, row.controls, lang) for at in row.at]
        lines.append(_row([_name(row.rule, ours), f"`{row.knob}`" if row.knob else "", *cells]))
    return "\n".join([*lines, "", words["of"].format(**_counts(result))])


def _at(at: AtRate, controls: int, lang: Lang) -> str:
    if at.recall is None:
        return "–"
    return f"{share(at.recall)} · {length(at.delay_median_s, lang)} · {at.controls_fired or 0}/{controls}"


def _dated(results: Mapping[str, Evaluation], ours: Sequence[str], lang: Lang) -> str:
    """Found and controls at each rule's own setting, and at the false alarms of ours."""
    words = WORDS[lang]
    measured = {stream: _measured(result) for stream, result in results.items()}
    limits = {stream: _limit(rules, ours) for stream, rules in measured.items()}
    head = [words["dated"]]
    for stream, limit in limits.items():
        named = {"stream": words[stream], "rate": rate(limit)}
        head += [words["own"].format(**named), words["same"].format(**named)]
    lines = [_row(head), f"|---|{'---:|' * (len(head) - 1)}"]
    for name in dict.fromkeys(name for rules in measured.values() for name in rules):
        cells = [cell for stream, rules in measured.items() for cell in _pair(rules.get(name), limits[stream], words)]
        lines.append(_row([_name(name, ours), *cells]))
    counted = (words["counted"].format(stream=words[stream], **_counts(result)) for stream, result in results.items())
    return "\n".join([*lines, "", words["comma"].join(counted) + words["stop"]])


def _pair(rule: RuleResult | None, limit: float, words: Mapping[str, str]) -> tuple[str, str]:
    """A rule as it is, and at its best setting within a limit."""
    if rule is None:
        return "–", "–"
    false = words["false"].format(rate=rate(rule.false_per_subject_day))
    own = f"{rule.found}/{rule.events} · {rule.controls_fired}/{rule.controls} · {false}"
    best = at_rate(rule, limit)
    if best.recall is None:
        return own, "–"
    return own, f"{round(best.recall * rule.events)}/{rule.events} · {best.controls_fired or 0}/{rule.controls}"


def _limit(rules: Mapping[str, RuleResult], ours: Sequence[str]) -> float:
    """False alarms of our first rule that was measured; 0 where none was."""
    first = next((rules[name] for name in ours if name in rules), None)
    return first.false_per_subject_day or 0.0 if first else 0.0


def _measured(result: Evaluation) -> dict[str, RuleResult]:
    return {name: rule for name, rule in result.rules.items() if rule.events}


def _counts(result: Evaluation) -> dict[str, str]:
    kinds = [event.kind for event in result.events]
    days = f"{result.subject_days:,.0f}"
    return {"events": str(kinds.count("negative")), "controls": str(kinds.count("control")), "days": days}


def _source(results: Sequence[Evaluation], lang: Lang) -> str:
    models = sorted({model for result in results for model in result.models})
    named = ", ".join(f"`{model}`" for model in models)
    last = max(results, key=lambda each: each.made_at)
    return WORDS[lang]["source"].format(code=f"`{last.code}`", date=f"{last.made_at:%Y-%m-%d}", models=named)


def _name(rule: str, ours: Sequence[str]) -> str:
    return f"**`{rule}`**" if rule in ours else f"`{rule}`"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
