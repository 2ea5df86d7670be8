"""Average the weights of runs that share their base: `python -m models.soup --weights A B --shares 1 3 --out DIR`.

What two runs from the same beginning learnt often lies in one valley of the loss, and the mean of their weights does
better out of domain than either (Wortsman et al. 2022, "Model soups"). Measures and calibrates the result anew; with
one folder it does only that. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import data
from models.measure import table
from models.network import load, save
from models.train import REPORT, measured


class SoupRefused(ValueError):  # noqa: N818 - what happened
    """The runs cannot be averaged; the message says why."""


def soup(folders: Sequence[Path], shares: Sequence[float], out: Path, given: Path | None = None) -> dict[str, Any]:
    """Write the mean of the runs' weights, by `shares`, to `out`, with its report. Raises SoupRefused, DataMissing."""
    if len(shares) != len(folders) or min(shares) < 0 or not sum(shares):
        raise SoupRefused("give one share for each folder, none below nothing and not all of them nothing")
    reports = [json.loads((folder / REPORT).read_text(encoding="utf-8")) for folder in folders]
    if len({folder.joinpath("tokenizer.json").read_bytes() for folder in folders}) > 1:
        raise SoupRefused("the runs have different tokenizers: only runs from one base can be averaged")
    judge, tokenizer = load(folders[0], "sdpa")
    parts = [load(folder, "sdpa")[0].state_dict() for folder in folders]
    portions = [share / sum(shares) for share in shares]
    judge.load_state_dict(
        {name: sum(part[name] * portion for part, portion in zip(parts, portions, strict=True)) for name in parts[0]}
    )
    save(judge, tokenizer, out)
    recipe = reports[-1]["recipe"]
    dev = data.read_part(data.data_folder(given), "dev", tuple(recipe["langs"]))
    if len(folders) > 1:
        runs = [{"share": share, **each["recipe"]} for share, each in zip(portions, reports, strict=True)]
        recipe = {"langs": recipe["langs"], "tokens": recipe["tokens"], "soup": runs}
    report: dict[str, Any] = reports[-1] | {
        "recipe": recipe,
        "rows": data.together([each["rows"] for each in reports]),
        "seconds": sum(each["seconds"] for each in reports),
        **measured(judge, tokenizer, dev, data.SHIPPABLE_TIERS, recipe["tokens"]),
    }
    (out / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """Average, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m models.soup", description=__doc__)
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="folders that training wrote")
    parser.add_argument("--shares", type=float, nargs="+", help="one for each (default: the same)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of public data (default: TOCSIN_DATA)")
    options = parser.parse_args(arguments)
    try:
        report = soup(options.weights, options.shares or [1.0] * len(options.weights), options.out, options.data)
    except SoupRefused as error:
        sys.exit(str(error))
    sys.stdout.write(table(report["dev"]) + "\n")


if __name__ == "__main__":
    main()
