"""docs/quick-start.md is run as it stands: every command in its order, by bash, on the session's real engines.

What is put in place of the reader's own: the feed and the chat robot are served on loopback, ports are free ones, and
`make` has been run. `sleep` waits until the chat has heard, and after `&` the script waits until the process serves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from deploy.stack import Stack
from streams.endpoints import resolve
from tests.documents import DOCS, ROOT, blocks
from tests.receivers.outside import Outside
from tests.receivers.serving import serving
from tests.shell import BEFORE, free, run, surroundings

pytestmark = [pytest.mark.engines, pytest.mark.timeout(280)]
PAGE: Final = DOCS / "quick-start.md"
STAND_INS: Final = r"""
make() { [ "$1" = demo ] || [ "$1" = up ]; }
sleep() { until_so "$1" test -e heard; }
serves() { until_so 60 curl -fsS -o /dev/null "$1"; }
"""
READY: Final = {"tocsin collect": "{push}/healthz", "tocsin api": "{api}/healthz"}


def script(site: str, push: int, api: int) -> str:
    """The commands of the page, with what is in place of the reader's own."""
    text = "\n".join(blocks(PAGE, "sh"))
    for theirs, ours in (
        ("https://news.example/", site),
        ("https://oapi.dingtalk.com/", site),
        ("127.0.0.1:8099", f"127.0.0.1:{push}"),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    for command, address in READY.items():
        where = address.format(push=f"http://127.0.0.1:{push}", api=f"http://127.0.0.1:{api}")
        text, found = re.subn(rf"^({command} .*&.*)$", rf"\1\nserves {where}", text, flags=re.M)
        assert found == 1
    return BEFORE + STAND_INS + text


def prepared(folder: Path) -> None:
    """A clone in which `make up` has been run."""
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    bin_.joinpath("activate").write_text(f'PATH="{ROOT}/.venv/bin:$PATH"\n', encoding="utf-8")


async def test_the_quick_start_runs_as_it_stands(stack: Stack, namespace: str, tmp_path: Path) -> None:
    """From a preset to a message in the chat: every command ends well, and what the page promises is there."""
    prepared(tmp_path)
    outside = Outside(tmp_path / "heard", "Quenlith")
    at = resolve(stack.settings)
    push, api = free(), free()
    environment = surroundings(
        TOCSIN_NAMESPACE=namespace, TOCSIN_KAFKA_BOOTSTRAP=at.kafka, TOCSIN_ELASTICSEARCH_URL=at.elasticsearch,
        TOCSIN_TRITON_URL=at.triton, TOCSIN_PUSH_PORT=str(push), TOCSIN_API_PORT=str(api),
        TOCSIN_FEEDS_ALLOW="127.0.0.0/8", TOCSIN_WEBHOOK_ALLOW="127.0.0.0/8",
    )  # fmt: skip
    async with serving(outside.answer) as url:
        code, said = await run(script(str(url), push, api), tmp_path, environment)
    assert (code, "FAILED" in said) == (0, False), said[-6000:]
    assert '"accepted": 3' in said or '"accepted":3' in said
    assert "holding-anger" in said
    assert f"http://127.0.0.1:{api}/" in said  # the page
    first, *later = (str(message) for message in outside.robot.taken)
    assert "TEST" in first
    assert any("Quenlith" in message for message in later)
    assert "Quenlith" in (tmp_path / "today.html").read_text(encoding="utf-8")
