"""Language: the script decides, then evidence; never a guess dressed up as English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Tesla recalls 2 million cars", "en"),
        ("$TSLA 🚀", "en"),
        ("BTC dump", "en"),
        ("Bond yields little changed; consolidation seen", "en"),
        ("Alibaba (阿里巴巴) shares fell in Hong Kong after the fine", "en"),
        ("$TSLA 跌麻了", "zh"),
        ("茅台", "zh"),
        ("Apple发布iPhone 17 Pro Max", "zh"),
        ("CEO辞职", "zh"),
        ("#理财平台##逾期# http://t.cn/AijFqebs", "zh"),
        ("鲜の每日C果汁销量下滑", "zh"),
        ("トヨタ自動車の株価が急落した", "ja"),
        ("日銀、利上げを見送り", "ja"),
        ("삼성전자 주가가 급락했다", "ko"),
        ("Die Aktie von Siemens fällt nach der Gewinnwarnung um acht Prozent", "de"),
        ("BASF senkt die Prognose für das laufende Jahr", "de"),
        ("Le titre Renault chute en Bourse après les résultats", "fr"),
        ("Las acciones de Telefónica caen un 7 % tras los resultados", "es"),
        ("Unicredit, utile in calo nel terzo trimestre", "it"),
        ("Ações da Petrobras caem após anúncio da empresa", "pt"),
        ("Aandelen van Philips dalen na winstwaarschuwing", "nl"),
        ("Акции Газпрома упали на десять процентов", "und"),
        ("12345 67.8%", "und"),
        ("https://t.co/abc", "und"),
        ("SBFGP", "und"),
        ("🤑🤑", "und"),
        ("", "und"),
    ],
)
def test_a_text_tells_its_language(text: str, language: str) -> None:
    """Without a hint the text itself decides, and says `und` when it holds no evidence."""
    assert detect(text) == language


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("SBFGP", "en-US", "en"),
        ("日本銀行金利据置", "ja", "ja"),
        ("茅台跌停", "zh-CN", "zh"),
        ("Акции Газпрома упали", "ru", "ru"),
        ("Акции Газпрома упали", "en", "und"),
        ("茅台跌停", "en", "zh"),
        ("Die Aktie von Siemens fällt nach der Warnung", "en", "de"),
        ("The market is down", "zh", "en"),
        ("The market is down", "<script>", "en"),
    ],
)
def test_a_hint_counts_where_the_text_does_not_contradict_it(text: str, hint: str, language: str) -> None:
    """What the source says about itself decides doubtful texts and no others."""
    assert detect(text, hint) == language


@given(st.text(max_size=300), st.text(max_size=16))
def test_any_text_has_an_answer(text: str, hint: str) -> None:
    """No text and no hint raises; the answer is a short lower-case code."""
    assert detect(text, hint).isalpha()
    assert len(detect(text, hint)) <= 16
