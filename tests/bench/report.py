"""The result as a file, and as the table of docs/measured.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from tests.bench.engine import Engines, Pace
from tests.bench.latency import Latency, Quantiles, Ring
from tests.bench.result import BARE, OURS, WANTED, Figures, Run, Spread, figures

START: Final = "<!-- bench:start -->"
END: Final = "<!-- bench:end -->"
FORMAT: Final = 1

NAMES: Final = {
    "en": {
        BARE: "bare inference, sorted by length (one core)",
        OURS: "**Tocsin**, Kafka to Elasticsearch, alerts on",
        "take32": "Faust app with `take(32)`",
        "loop": "plain aiokafka loop, batches of 32",
        "bare_fifo": "bare inference, batches of 32 as they come",
    },
    "zh": {
        BARE: "裸推理，按长度排序（单核）",
        OURS: "**Tocsin**，从 Kafka 到 Elasticsearch，告警开启",
        "take32": "用 `take(32)` 写的 Faust 应用",
        "loop": "普通 aiokafka 循环，每批 32 条",
        "bare_fifo": "裸推理，按到达顺序每批 32 条",
    },
}
WORDS: Final = {
    "en": {
        "contestant": "contestant",
        "rate": "items/s",
        "of_bare": "÷ bare",
        "cpu": "CPU ms/item",
        "ratio": "Tocsin ÷ best of the two others",
        "latency": "latency at {share}% of capacity ({rate:.0f}/s), p50 / p99",
        "columns": "to `documents` | to `mentions` | to searchable",
        "ring": "completing tick to webhook",
        "MIX": "70 % headlines and chat, 30 % articles",
        "HEAD": "headlines and chat only",
        "NEWS": "articles only",
        "tokens": "{tokens:.0f} tokens on average",
        "memory": "peak memory, MiB",
        "engine": "stored mentions through the detector, one core",
        "pace": "mentions/s in the engine | a year like StockNet's, decoding included | × real time | MiB",
        "shipped": "the shipped rules ({rules})",
        "surge": "one surge rule",
        "source": "Commit {commit}, {date}, {cpu}, {cores} cores, {runtime}; medians of {rounds} interleaved rounds "
        "(least–most). Repeat it with `make bench`.",
    },
    "zh": {
        "contestant": "对象",
        "rate": "条/秒",
        "of_bare": "÷ 裸推理",
        "cpu": "CPU 毫秒/条",
        "ratio": "Tocsin ÷ 另两者中较快者",
        "latency": "{share}% 负载（{rate:.0f} 条/秒）下的延迟，p50 / p99",
        "columns": "到 `documents` | 到 `mentions` | 到可检索",
        "ring": "从收齐证据的时钟记录到 webhook",
        "MIX": "70% 标题与聊天，30% 文章",
        "HEAD": "仅标题与聊天",
        "NEWS": "仅文章",
        "tokens": "平均 {tokens:.0f} 个词元",
        "memory": "内存峰值，MiB",
        "engine": "已存储的提及通过检测引擎，单核",
        "pace": "引擎内 提及/秒 | 一年（规模同 StockNet，含解码） | × 实时 | MiB",
        "shipped": "自带规则（{rules} 条）",
        "surge": "单条突增规则",
        "source": "提交 {commit}，{date}，{cpu}，{cores} 核，{runtime}；{rounds} 轮交替运行的中位数（最小–最大）。"
        "用 `make bench` 重做。",
    },
}
# Rows of the table: how the processes are summed.
GROUPS: Final = {
    "Kafka": ("kafka",),
    "Elasticsearch": ("elasticsearch",),
    "Triton": ("triton",),
    "model": ("model",),
    "enrich": ("enrich",),
    "index": ("index",),
    "detect": ("detect",),
    "notify": ("notify",),
}


class Section(Struct, kw_only=True):
    """One corpus: what it was, every run in order, and the figures made of them."""

    items: int
    peer_items: int
    tokens_mean: float
    runs: list[Run]
    figures: dict[str, Figures] = {}


class Report(Struct, kw_only=True):
    """Everything one benchmark found out."""

    format: int = FORMAT
    commit: str
    clean: bool  # whether the working tree was the commit
    date: str
    machine: dict[str, str | int]
    load_before: float
    versions: dict[str, str]
    model: str
    runtime: str
    threads: int
    rounds: int
    seed: int
    corpora: dict[str, Section]
    latency: list[Latency] = []
    ring: Ring | None = None
    engine: Engines | None = None
    void: list[str] = []  # why the figures mean nothing; empty when they do
    wanted: dict[str, float] = field(default_factory=lambda: dict(WANTED))


def finish(report: Report) -> None:
    """Compute the figures and collect what voids them."""
    for kind, section in report.corpora.items():
        section.figures = figures(section.runs)
        report.void += [
            f"{kind}, {run.contestant}, round {run.round}: {problem}"
            for run in section.runs
            for problem in run.problems
        ]
    report.void += [
        f"at {one.rate:.0f} items a second {one.lost} of {one.sent} items were not searchable in time"
        for one in report.latency
        if one.lost
    ]


def write(report: Report, path: Path) -> None:
    """Write the result as indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read(path: Path) -> Report:
    """The result in a file that `write` made."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def table(report: Report, lang: str) -> str:
    """The result as Markdown."""
    parts = [_section(report, kind, lang) for kind in report.corpora]
    if report.latency:
        parts.append(_latency(report, lang))
    if report.engine is not None:
        parts.append(_engine(report.engine, lang))
    words = WORDS[lang]
    parts.append(
        words["source"].format(
            commit=f"`{report.commit[:12]}`", date=report.date[:10], cpu=report.machine["cpu"],
            cores=report.machine["cores"], runtime=report.runtime, rounds=report.rounds,
        )
    )  # fmt: skip
    return "\n\n".join(parts)


def _section(report: Report, kind: str, lang: str) -> str:
    section, words = report.corpora[kind], WORDS[lang]
    title = f"{words[kind]} ({words['tokens'].format(tokens=section.tokens_mean)})"
    lines = [f"| {title} | {words['rate']} | {words['of_bare']} | {words['cpu']} |", "|---|---:|---:|---:|"]
    for name in (BARE, OURS, "take32", "loop", f"{BARE}_fifo"):
        if name not in section.figures:
            continue
        one = section.figures[name]
        ratio = "1" if name == BARE else _range(one.of_bare) if one.of_bare else "–"
        lines.append(f"| {NAMES[lang][name]} | {one.rate.median:.0f} | {ratio} | {_cpu(section, name)} |")
    ours = section.figures.get(OURS)
    if ours and ours.of_best_peer:
        lines.append(f"| {words['ratio']} | | **{_range(ours.of_best_peer)}** | |")
    if ours:
        lines += ["", _processes(section, lang)]
    return "\n".join(lines)


def _range(value: Spread | None) -> str:
    return "–" if value is None else f"{value.median:.2f} ({value.least:.2f}–{value.most:.2f})"


def _of(section: Section, name: str) -> list[Run]:
    return [run for run in section.runs if run.contestant == name]


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _cpu(section: Section, name: str) -> str:
    """CPU milliseconds an item of everything but the process that appends and watches."""
    sums = [sum(us for process, us in run.cpu_us.items() if process != "producer") for run in _of(section, name)]
    return f"{_median(sums) / 1000:.2f}"


def _processes(section: Section, lang: str) -> str:
    """CPU and memory of Tocsin's processes, one row each measure."""
    runs = _of(section, OURS)
    names = [name for name, parts in GROUPS.items() if any(part in runs[0].cpu_us for part in parts)]
    cpu = [_median([sum(run.cpu_us.get(p, 0.0) for p in GROUPS[name]) for run in runs]) / 1000 for name in names]
    memory = [max(sum(run.peak_mib.get(p, 0.0) for p in GROUPS[name]) for run in runs) for name in names]
    words = WORDS[lang]
    return "\n".join(
        [
            f"| | {' | '.join(names)} |",
            f"|---|{'---:|' * len(names)}",
            f"| {words['cpu']} | {' | '.join(f'{value:.2f}' for value in cpu)} |",
            f"| {words['memory']} | {' | '.join(f'{value:.0f}' for value in memory)} |",
        ]
    )


def _latency(report: Report, lang: str) -> str:
    words = WORDS[lang]
    title = words["latency"].partition("{")[0]
    lines = [f"| {title.strip()} | {words['columns']} |", "|---|---:|---:|---:|"]
    for one in report.latency:
        name = words["latency"].format(share=round(one.share * 100), rate=one.rate)
        cells = " | ".join(_seconds(q) for q in (one.documents, one.mentions, one.searchable))
        lines.append(f"| {name} | {cells} |")
    if report.ring is not None and report.ring.webhook is not None:
        lines.append(f"| {words['ring']} | {_seconds(report.ring.webhook)} | | |")
    return "\n".join(lines)


def _engine(engines: Engines, lang: str) -> str:
    words = WORDS[lang]
    lines = [f"| {words['engine']} | {words['pace']} |", "|---|---:|---:|---:|---:|"]
    paces: tuple[tuple[str, Pace], ...] = (("shipped", engines.shipped), ("surge", engines.surge))
    for name, pace in paces:
        figures_ = f"{pace.rate:,.0f} | {pace.year_s:.1f} s | {pace.speed:,.0f} | {max(pace.memory):.0f}"
        lines.append(f"| {words[name].format(rules=pace.rules)} | {figures_} |")
    return "\n".join(lines)


def _seconds(q: Quantiles) -> str:
    return f"{q.p50:.2f} / {q.p99:.2f} s"


def put_table(report: Report, path: Path, lang: str) -> None:
    """Write the table between the markers of a document. Raises ValueError when a marker is missing."""
    put(table(report, lang), path, START, END)


def put(text: str, path: Path, first: str, last: str) -> None:
    """Write a text between two lines of a file. Raises ValueError when one of them is missing."""
    head, start, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, tail = rest.partition(last)
    if not start or not end:
        raise ValueError(f"{path} needs the lines {first} and {last}; the table goes between them")
    path.write_text(f"{head}{first}\n{text}\n{last}{tail}", encoding="utf-8")


def latency_line(one: Latency) -> str:
    """One paced run in a line of text."""
    return f"documents {_seconds(one.documents)}, searchable {_seconds(one.searchable)}, lost {one.lost} of {one.sent}"
