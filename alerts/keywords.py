"""Words and phrases that a rule looks for in headlines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# A letter or digit of a script that puts blanks between words; from U+2E80 on (Chinese, Japanese) none does.
LETTER: Final = "[^\\W_\u2e80-\U0010ffff]"


@lru_cache(maxsize=1024)
def pattern(keywords: Sequence[str]) -> re.Pattern[str]:
    """Finds any of the keywords (at least one): in any case, Latin words whole, Chinese anywhere, blanks of any length
    within a phrase. Only literals, so it takes linear time whatever the headline is."""
    return re.compile("|".join(_literal(keyword) for keyword in keywords), re.IGNORECASE)


def _literal(keyword: str) -> str:
    words = r"\s+".join(re.escape(word) for word in keyword.split())
    before = f"(?<!{LETTER})" if re.match(LETTER, keyword.strip()) else ""
    after = f"(?!{LETTER})" if re.match(LETTER, keyword.strip()[-1:]) else ""
    return f"{before}{words}{after}"
