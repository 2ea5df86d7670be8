"""What help shows beyond the words of each command: where it belongs, an example, and all of it in Chinese.

One place dresses the whole tree of commands, so that no command can be left out: tests ask for an example and a
translation of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from rich.markup import escape

from console.messages import language, say
from console.translations import translated

# What one wants to do, and the commands for it, in the order help shows them.
PANELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "start": ("demo", "doctor", "config", "up", "down"),
        "feed": ("ingest", "collect", "worker"),
        "look": ("status", "top", "console", "api", "report", "dashboards"),
        "alerts": ("alerts", "webhook"),
        "rules": ("rules", "replay", "truth"),
        "models": ("models", "score", "explain", "feedback"),
        "operate": ("logs", "balance", "deadletters", "expire", "help"),
    }
)
EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "up": "tocsin up",
        "down": "tocsin down",
        "logs": "tocsin logs triton -n 100 --follow",
        "doctor": "tocsin doctor --json",
        "config show": "tocsin config show --changed",
        "config check": "tocsin config check",
        "config preset": "tocsin config preset bank-zh --out desk",
        "demo": "tocsin demo --once",
        "worker": "tocsin worker all",
        "ingest": "tocsin ingest archive.jsonl.gz --map text=body --zone Asia/Shanghai",
        "collect": "TOCSIN_FEEDS=feeds.yaml tocsin collect",
        "status": "tocsin status --json",
        "top": "tocsin top --every 5",
        "api": "TOCSIN_API_PORT=8100 tocsin api",
        "console": "tocsin console --print",
        "report daily": "tocsin report daily --date 2026-11-28 --out report.html",
        "report weekly": "tocsin report weekly --format markdown",
        "report event": "tocsin report event 3b5718ec --out event.html",
        "report sent": "tocsin report sent",
        "dashboards push": "tocsin dashboards push --dry-run",
        "dashboards export": "tocsin dashboards export --format grafana",
        "dashboards lint": "tocsin dashboards lint --elasticsearch",
        "dashboards preview": "tocsin dashboards preview --out preview.html",
        "balance": "tocsin balance",
        "expire": "tocsin expire --dry-run",
        "score": """echo '{"text": "Halden Corp shares plunge on fraud probe"}' | tocsin score""",
        "explain": "tocsin explain 'Halden Corp shares plunge on fraud probe' --head risk",
        "deadletters list": "tocsin deadletters list --reason too_large",
        "deadletters retry": "tocsin deadletters retry --reason too_large",
        "feedback add": "tocsin feedback add 3b5718ec9f00a1d2 --sentiment neutral --note 'an advertisement'",
        "models list": "tocsin models list",
        "models deploy": "tocsin models deploy build/opinion-en --shadow",
        "models rollback": "tocsin models rollback --model opinion-en",
        "models shadow": "tocsin models shadow 2 --model opinion-en",
        "models compare": "tocsin models compare 1 2 --sample --model opinion-en",
        "models train": "tocsin models train --base encoder --rows ours.csv --map text=body --out ours --dry-run",
        "models search": "tocsin models search --base encoder --rows ours.csv --trials 20 --out recipe.yaml",
        "models pretrain": "tocsin models pretrain --base encoder --texts archive.jsonl --out base-ours",
        "models corrections": "tocsin models corrections --review --out review.tsv",
        "models evaluate": "tocsin models evaluate --data ours.csv --report ours.json",
        "models gate": "tocsin models gate --old before.json --new after.json",
        "rules check": "tocsin rules check desk.yaml",
        "rules list": "tocsin rules list --presets",
        "rules explain": "tocsin rules explain bank-run",
        "rules schema": "tocsin rules schema > rule.schema.json",
        "rules test": "tocsin rules test desk_test.yaml",
        "rules init": "tocsin rules init rules",
        "rules tune": "tocsin rules tune desk.yaml archive.jsonl --rule my-surge --truth truth.yaml --out new.yaml",
        "replay run": "tocsin replay archive.jsonl --rules desk.yaml --truth truth.yaml --html report.html",
        "replay drop": "tocsin replay drop last-year",
        "replay compare": "tocsin replay compare before.json after.json",
        "replay gate": "tocsin replay gate before.json after.json --tolerance recall=0.05",
        "webhook secret": "tocsin webhook secret > secret.txt",
        "webhook test": "tocsin webhook test",
        "webhook verify": "tocsin webhook verify body.json --id msg_1 --timestamp 1767603600 --signature v1,abc",
        "alerts list": "tocsin alerts list --severity critical",
        "alerts show": "tocsin alerts show 3b5718ec",
        "alerts escalate": "tocsin alerts escalate 3b5718ec --reason 'the press calls'",
        "alerts ack": "tocsin alerts ack 3b5718ec --reason 'calling the company'",
        "alerts mark": "tocsin alerts mark 3b5718ec wrong --reason 'an advertisement'",
        "alerts silence": "tocsin alerts silence subject=entity:BRW severity=info --for 2h --reason 'results day'",
        "alerts unsilence": "tocsin alerts unsilence 4d7d9ffa",
        "alerts silences": "tocsin alerts silences",
        "alerts precision": "tocsin alerts precision --days 30",
        "alerts preview": "tocsin alerts preview --channel dingtalk --lang zh",
        "alerts test": "tocsin alerts test --channel desk",
        "truth add": "tocsin truth add entity:BRW --onset 2026-04-01 --note 'strike at two plants'",
        "truth withdraw": "tocsin truth withdraw 5e6f7a8b",
        "truth list": "tocsin truth list",
        "truth export": "tocsin truth export --out truth.yaml",
        "truth import events": "tocsin truth import events events.json --out truth.yaml",
        "truth import prices": "tocsin truth import prices prices --drop 4.5% --out truth.yaml",
        "help": "tocsin help exits",
    }
)
# Titles and words of typer itself, by the names it keeps them under; a name that a later typer lacks stays English.
TITLES: Final = ("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE", "ERRORS_PANEL_TITLE")
WORDS: Final = (*TITLES, "DEFAULT_STRING", "ENVVAR_STRING", "REQUIRED_LONG_STRING", "RICH_HELP", "ABORTED_TEXT")


def panel_of(name: str) -> str:
    """Key of the panel a command of the program stands in; those of nobody stand with what operates Tocsin."""
    return next((panel for panel, names in PANELS.items() if name in names), "operate")


def ordered(names: Sequence[str]) -> list[str]:
    """The commands in the order of the panels."""
    places = [name for members in PANELS.values() for name in members]
    return sorted(names, key=lambda name: places.index(name) if name in places else len(places))


def dressed(command: Any, path: str, lang: str | None = None) -> Any:
    """The command and all below it, with panel, examples and words in `lang` (default: the user's language)."""
    lang = lang or language()
    command.help = translated(command.help or "", lang)
    if " " not in path:
        command.rich_help_panel = say(f"help.panels.{panel_of(path)}", lang)
    command.short_help = first_sentence(command.help)
    if path in EXAMPLES:
        command.epilog = say("help.example", lang, line=escape(EXAMPLES[path]))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = translated(parameter.help, lang)
    if lang == "zh":
        _translate_help_option(command)
    for name, child in getattr(command, "commands", {}).items():
        dressed(child, f"{path} {name}", lang)
    return command


def first_sentence(text: str) -> str:
    """What a list of commands shows of a text: up to the first full stop."""
    found = re.match(r".*?(?:[。]|[.](?=\s|$))", " ".join(text.split()))
    return found[0] if found else text


def _translate_help_option(command: Any) -> None:
    """typer makes `--help` anew for each call."""
    make = command.get_help_option

    def made(context: Any) -> Any:
        option = make(context)
        if option is not None:
            option.help = translated(option.help or "", "zh")
        return option

    command.get_help_option = made


def speak(lang: str | None = None) -> None:
    """Have typer's own titles in the user's language."""
    if (lang or language()) != "zh":
        return
    from typer import rich_utils

    for name in WORDS:
        found = getattr(rich_utils, name, None)
        if isinstance(found, str):
            setattr(rich_utils, name, translated(found, "zh"))
