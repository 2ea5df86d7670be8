"""The tables of a report in the documents: `python -m models.quality --report REPORT.json [--full REPORT.json]`.

Rewrites what stands between `<!-- quality:start -->` and `<!-- quality:end -->` in models/README.md, and between
`<!-- model:start -->` and `<!-- model:end -->` in docs/measured.md and docs/measured.zh-CN.md. No number
there is written by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.gate import ReportRefused, compare_forms, read_report
from models.truth import WHOLE

ROOT: Final = Path(__file__).resolve().parents[1]
NOTHING: Final = "–"
Report = Mapping[str, Any]
NOTES: Final = {"two": " ¹", "coarse": " ²"}
HANDLING: Final = {
    "two": "¹ Two of the three sentiments occur: judged among all three, so a neutral verdict is wrong. Among the two:",
    "coarse": "² Labels say negative or not: the likeliest of three sentiments is negative or not. Negative from a "
    "probability of one half:",
}


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    """A Markdown table; columns from `numbers_from` on are set to the right."""
    rule = "|".join("---" if at < numbers_from else "---:" for at in range(len(head)))
    return "\n".join(f"| {' | '.join(line)} |" if line is not None else f"|{rule}|" for line in (head, None, *rows))


def number(value: float | None) -> str:
    """Three places, or a dash."""
    return NOTHING if value is None else f"{value:.3f}"


def share(value: float) -> str:
    """A percentage."""
    return f"{100 * value:.1f} %"


def measured_with(report: Report) -> str:
    """Model, version, how it was run and on what."""
    names = ", ".join(f"`{name}` {each['version']} ({each['runtime']})" for name, each in report["models"].items())
    way = "through Triton as served" if report["way"] == "triton" else "with onnxruntime in full precision"
    machine = report["machine"]
    commit = f"; commit {report['commit'][:12]}" if report.get("commit") else ""
    return (
        f"{names}, {way}, texts cut at {report['token_limit']} tokens; {machine['processor']}, "
        f"{machine['cores']} cores{commit}."
    )


def overview(report: Report) -> str:
    """One line a data set, the baselines beside it."""
    rows = []
    for name, found in report["data_sets"].items():
        low, high = found["macro_f1_interval"]
        base = found.get("baselines") or {}
        rows.append(
            [
                name + NOTES.get(found["handled"], ""),
                f"{found['head']}, {found['lang']}",
                "yes" if found["learnt"] else "no",
                f"{found['rows']:,}",
                f"**{number(found['macro_f1'])}** ({number(low)}–{number(high)})",
                number(found["weighted_f1"]),
                number(found["accuracy"]),
                number(found["calibration_error"]),
                *(number((base.get(which) or {}).get("macro_f1")) for which in ("in_domain", "permitted")),
            ]
        )
    head = [
        "data set", "head, language", "learnt from", "rows", "macro F1 (95 %)", "weighted F1", "accuracy",
        "calibration error", "TF-IDF, in domain", "TF-IDF, same rows",
    ]  # fmt: skip
    return "\n\n".join([grid(head, rows, 3), *_notes(report)])


def _notes(report: Report) -> list[str]:
    lines = []
    for rule, words in HANDLING.items():
        found = {name: each for name, each in report["data_sets"].items() if each["handled"] == rule}
        if found:
            told = ", ".join(f"{name} {number(each['among_two']['macro_f1'])}" for name, each in found.items())
            lines.append(f"{words} {told}.")
    return lines


def languages(report: Report) -> str:
    """Scores over all rows of a language, what abstention costs and spares."""
    rows = []
    for lang, heads in report["languages"].items():
        for head, found in heads.items():
            kept = found.get("abstention")
            rows.append(
                [
                    lang, head, f"{found['rows']:,}", number(found["macro_f1"]),
                    number(found.get("mean_macro_f1_of_sets")), number(found["weighted_f1"]),
                    number(found["calibration_error"]), number(found["risk_area"]),
                    share(kept["coverage"]) if kept else NOTHING, share(kept["risk"]) if kept else NOTHING,
                ]
            )  # fmt: skip
    head = [
        "language", "head", "rows", "macro F1, all rows", "macro F1, mean of sets", "weighted F1", "calibration error",
        "risk–coverage area", "judged (not abstained)", "of these wrong",
    ]  # fmt: skip
    return grid(head, rows, 2)


def coverage(report: Report) -> str:
    """Share of texts judged wrongly when only sure verdicts count."""
    found = {lang: heads["sentiment"] for lang, heads in report["languages"].items() if "sentiment" in heads}
    bounds = [point["confidence"] for point in next(iter(found.values()))["risk_coverage"]] if found else []
    rows = [
        [f"{bound:.2f}"]
        + [
            f"{share(each['risk_coverage'][at]['coverage'])} / {share(each['risk_coverage'][at]['risk'])}"
            for each in found.values()
        ]
        for at, bound in enumerate(bounds)
    ]
    return grid(["least probability", *(f"{lang}: judged / wrong" for lang in found)], rows)


def by_label(report: Report) -> str:
    """Every label of every head in every language."""
    rows = [
        [lang, head, label, *(number(found[key]) for key in ("precision", "recall", "f1")), f"{found['support']:,}"]
        for lang, heads in report["languages"].items()
        for head, measured in heads.items()
        for label, found in measured["by_label"].items()
    ]
    return grid(["language", "head", "label", "precision", "recall", "F1", "rows"], rows, 3)


def confusion(report: Report) -> str:
    """What a sentiment is taken for, in shares of the rows that truly have it."""
    rows = []
    for lang, heads in report["languages"].items():
        if "sentiment" not in heads:
            continue
        labels, counts = (heads["sentiment"]["confusion"][key] for key in ("labels", "counts"))
        for label, line in zip(labels, counts, strict=True):
            total = sum(line)
            rows.append([lang, label, *(share(value / total) if total else NOTHING for value in line)])
    return grid(["language", "true sentiment", "judged negative", "neutral", "positive"], rows, 2)


def registers(report: Report) -> str:
    """Kinds of text, on the held-out part of the corpus."""
    heads = ("sentiment", "topic", "risk")
    rows = [
        [
            *name.split("/"),
            f"{max(each['rows'] for each in found.values()):,}",
            *(number(found[head]["accuracy"] if head in found else None) for head in heads),
        ]
        for name, found in report["registers"].items()
    ]
    return grid(["language", "register", "rows", *(f"{head}, accuracy" for head in heads)], rows, 2)


def robust(report: Report) -> str:
    """Verdicts that stay when a text is written otherwise."""
    rows = [
        [
            kind, lang, head, f"{found['rows']:,}", share(found["kept"]), number(found["macro_f1_before"]),
            number(found["macro_f1_after"]),
        ]
        for kind, langs in report["robustness"].items()
        for lang, heads in langs.items()
        for head, found in heads.items()
    ]  # fmt: skip
    return grid(["change", "language", "head", "rows", "verdicts kept", "macro F1 before", "after"], rows, 3)


def forms(full: Report, served: Report) -> str:
    """Full precision and the served form of one version. Raises ReportRefused."""
    rows = [
        [each.data_set, f"{each.rows:,}", f"{each.old:.4f}", f"{each.new:.4f}", f"{each.new - each.old:+.4f}"]
        for each in compare_forms(full, served)
        if each.reason != "missing"
    ]
    names = [
        ", ".join(dict.fromkeys(each["runtime"] for each in report["models"].values())) for report in (full, served)
    ]
    return grid(["data set", "rows", *names, "difference"], rows)


def speed(report: Report) -> str:
    """How fast the rows were judged."""
    found = report["speed"]
    return (
        f"{found['texts']:,} texts of {found['tokens'] / found['texts']:.0f} tokens on average were judged in "
        f"{found['seconds']:,.0f} s: {found['texts_per_second']:,.0f} texts and "
        f"{found['tokens_per_second']:,.0f} tokens a second on {report['machine']['cores']} cores, padding not counted."
    )


def full_block(report: Report, full: Report | None = None) -> str:
    """All tables."""
    parts = [measured_with(report), overview(report), speed(report)]
    parts += ["### By language", languages(report), "### Sure verdicts only", coverage(report)]
    parts += ["### What is taken for what", confusion(report)]
    if report["registers"]:
        parts += ["### By register", "The part of our corpus that is never learnt from.", registers(report)]
    if report.get("robustness"):
        parts += ["### Written otherwise", robust(report)]
    if full:
        parts += ["### The served form against full precision", forms(full, report)]
    return "\n\n".join([*parts, "### By label", by_label(report)])


@dataclass(frozen=True, slots=True)
class Words:
    """The short table in one language."""

    lead: str
    columns: tuple[str, ...]
    yes: str
    no: str


WORDS: Final = {
    "en": Words(
        "{model}: macro F1 on the dev parts of public data and\n"
        "the held-out part of our corpus, {way} (more in [`models/README.md`](../models/README.md)):",
        ("data set", "what", "learnt from", "rows", "macro F1", "TF-IDF, in domain", "TF-IDF, same rows"),
        "yes",
        "no",
    ),
    "zh": Words(
        "{model}：公开数据 dev 部分与本项目语料留出部分的宏平均 F1，{way}\n"
        "（详见 [`models/README.md`](../models/README.md)）：",
        ("数据集", "任务", "用于训练", "行数", "宏平均 F1", "TF-IDF（本域训练）", "TF-IDF（相同数据）"),
        "是",
        "否",
    ),
}
WAYS: Final = {
    "en": {"triton": "through Triton as served", "onnxruntime": "in full precision"},
    "zh": {"triton": "经由 Triton 实际服务测得", "onnxruntime": "以全精度测得"},
}
HEADS_ZH: Final = {"sentiment": "情绪", "topic": "主题", "risk": "风险", "en": "英文", "zh": "中文"}


def short_block(report: Report, lang: str) -> str:
    """The few lines for the page of what was measured."""
    words = WORDS[lang]
    name: Callable[[str], str] = (lambda key: HEADS_ZH.get(key, key)) if lang == "zh" else str
    model = ", ".join(f"`{model}` {each['version']}" for model, each in report["models"].items())
    rows = []
    for title, found in report["data_sets"].items():
        if title.endswith(WHOLE):
            continue
        base = found.get("baselines") or {}
        rows.append(
            [
                title,
                " ".join((name(found["lang"]), name(found["head"]))),
                words.yes if found["learnt"] else words.no,
                f"{found['rows']:,}",
                f"**{number(found['macro_f1'])}**",
                *(number((base.get(which) or {}).get("macro_f1")) for which in ("in_domain", "permitted")),
            ]
        )
    return words.lead.format(model=model, way=WAYS[lang][report["way"]]) + "\n\n" + grid(words.columns, rows, 3)


def put(path: Path, mark: str, block: str) -> None:
    """Replace what stands between the two marks of a document. Raises ReportRefused when they are not there."""
    start, end = f"<!-- {mark}:start -->", f"<!-- {mark}:end -->"
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ReportRefused(f"{path} lacks the lines {start} and {end}: write them where the tables should stand")
    path.write_text(f"{before}{start}\n{block}\n{end}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the three documents."""
    parser = argparse.ArgumentParser(prog="python -m models.quality", description=main.__doc__)
    parser.add_argument("--report", type=Path, required=True, help="of `tocsin models evaluate --report FILE`")
    parser.add_argument("--full", type=Path, help="the same with --offline: full precision, for the table of forms")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the documents")
    options = parser.parse_args(arguments)
    try:
        report = read_report(options.report)
        full = read_report(options.full) if options.full else None
        put(options.root / "models" / "README.md", "quality", full_block(report, full))
        put(options.root / "docs" / "measured.md", "model", short_block(report, "en"))
        put(options.root / "docs" / "measured.zh-CN.md", "model", short_block(report, "zh"))
    except ReportRefused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
