"""Personal data: masked in every common form; market numbers stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pii import find, mask, pseudonym

PERSONAL = {
    "mail bob.smith+x@example.co.uk now": "mail [email] now",
    "联系邮箱：zhang_san@163.com，谢谢": "联系邮箱：[email]，谢谢",
    "write to jane (at) corp.example": "write to [email]",
    "13800138000@qq.com": "[email]",
    "电话13800138000请联系": "电话[phone]请联系",
    "手机 138-0013-8000": "手机 [phone]",
    "+86 138 0013 8000": "[phone]",
    "(+86)13800138000": "[phone]",
    "１３８００１３８０００": "[phone]",
    "٨٦١٣٨٠٠١٣٨٠٠٠": "[phone]",
    "1 3 8 0 0 1 3 8 0 0 0": "[phone]",
    "固话010-62345678转801": "固话[phone]转801",
    "0755 8601 3388": "[phone]",
    "Tel: 01062345678": "Tel: [phone]",
    "call (415) 867-5309 now": "call [phone] now",
    "212-736-5000": "[phone]",
    "+44 20 7946 0958": "[phone]",
    "+852 2123 4567": "[phone]",
    "tel 2123 4567": "tel [phone]",
    "2014-10-21 13800138000": "2014-10-21 [phone]",
    "13800138000 13900139000": "[phone] [phone]",
    "tel 13800138000-8001": "tel [phone]-8001",
    "身份证11010519491231002X": "身份证[id]",
    "110105 19491231 002X": "[id]",
    "11010519491231002x号": "[id]号",
    "身份证号 130503670401001": "身份证号 [id]",
    "card 4111 1111 1111 1111 exp": "card [card] exp",
    "卡号6222021234567890128": "卡号[card]",
    "加微信：caopan888 拉群": "加微信：[account] 拉群",
    "微信abc12345": "微信[account]",
    "加V: niugu_2020": "加V: [account]",
    "变现微信XX18153817893": "变现微信[account]",
    "QQ群：123456789": "QQ群：[account]",
    "qq 87654321": "qq [account]",
    "WeChat ID: marketguru": "WeChat ID: [account]",
    "telegram: whale_calls1": "telegram: [account]",
    "join t.me/pumpgroup today": "join t.me/[account] today",
    "wa.me/8613800138000": "wa.me/[account]",
    "RT @user: hello": "RT [handle]: hello",
    "RT@user:foo": "RT[handle]:foo",
    "thanks @elonmusk宣布": "thanks [handle]宣布",
    "@股市老王：转发": "[handle]：转发",
    "//@股市老王: 转发": "//[handle]: 转发",
    "@1MinuteStock and @user@social.example": "[handle] and [handle]",
    "https://x.example/a?token=abc123&b=2": "https://x.example/a?token=[secret]&b=2",
}

MARKET = [
    "$1,200,000,000",
    "2014-10-21 09:30:00",
    "2014-10-21T09:30:00Z",
    "20141021 093000",
    "2014.10.21 2014.10.22",
    "ISIN US0378331005",
    "CUSIP 037833100",
    "LEI 5493001KJTIIGC8Y1R12",
    "ISBN 9787111213826",
    "13,800,138,000 yuan",
    "13800138000元",
    "成交额13800138000股",
    "600519 贵州茅台",
    "00700.HK",
    "600519.SH 000858.SZ 002594",
    "SH600519 涨停",
    "order 202410211234567890",
    "订单号：2024102112345678",
    "tweet 418157151946035200",
    "增长 12.5% 至 3.1415926535",
    "1.3800138000",
    "bought @ 5.60, sold @7.25 @104calls @2k",
    "$AAPL 600 605 6100 levels",
    "ES 4500.25-4510.75",
    "目标 14 15 16 17 180",
    "https://news.example/s?id=1871366204105849675",
    "https://t.co/13800138000",
    "0930-1500",
    "9:30-11:30 13:00-15:00",
    "2019-2020 2021-2022",
    "QQQ 45000 calls",
    "+1,200 points",
    "+12345678",
    "volume 123456789 shares",
    "市值1234567890元",
    "WeChat: Tencent adds payments",
    "Telegram: founder arrested in Paris",
    "加velocity + vaccines 加vivo手机",
]


@pytest.mark.parametrize(("text", "masked"), PERSONAL.items())
def test_personal_data_is_masked(text: str, masked: str) -> None:
    """Each form of personal data becomes its token and nothing else changes."""
    result, counts = mask(text)
    assert result == masked
    assert sum(counts.values()) == masked.count("[")


@pytest.mark.parametrize("text", MARKET)
def test_market_numbers_stay(text: str) -> None:
    """Amounts, dates, codes and prices are no personal data."""
    assert mask(text) == (text, {})


def test_handles_of_organisations_stay() -> None:
    """A handle that is known to be a company's is kept, others are masked."""
    assert mask("@Tesla and @bob", frozenset({"tesla"})) == ("@Tesla and [handle]", {"handle": 1})


def test_every_kind_is_counted() -> None:
    """The counts tell how many of which kind were masked."""
    assert mask("a@b.com, c@d.com, @bob 13800138000")[1] == {"email": 2, "handle": 1, "phone": 1}


PIECES = [
    *"0123456789 -.()+@=:：?&/xXaAbvVwx_%元$１３８\n中",
    *(
        "13800138000",
        "11010519491231002X",
        "4111 1111 1111 1111",
        "34111 1111 1111 11113",
        "a@b.com",
        "微信",
        "QQ",
        "RT @",
    ),
    *(
        "https://a.b/",
        "token=",
        "+86",
        "t.me/",
        "电话",
        "138",
        "0013",
        "8000",
        "212-736-5000",
        "wechat id",
        "[phone]",
        "加v",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=100))
def test_nothing_that_can_be_found_is_left(text: str) -> None:
    """After masking no detector finds anything, and masking again changes nothing."""
    masked, _ = mask(text)
    assert find(masked) == []
    assert mask(masked) == (masked, {})


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["1", "1 ", "1-", "(12", "a@", "a.", "@a ", "13800138000 ", "微信", "?token=", "http://x 138 "]
)
def test_masking_is_linear(piece: str) -> None:
    """Repetition of any fragment does not make the search explode."""
    mask(piece * (100_000 // len(piece)))


def test_a_pseudonym_is_keyed_and_stable() -> None:
    """The same author and key give the same name, another key another one, no author none."""
    assert pseudonym("bob", b"k" * 32) == pseudonym(" bob ", b"k" * 32) == "p_" + pseudonym("bob", b"k" * 32)[2:]
    assert len(pseudonym("bob", b"k" * 32)) == 18
    assert pseudonym("bob", b"k" * 32) != pseudonym("bob", b"l" * 32)
    assert pseudonym("bob", b"k" * 100) != pseudonym("bob", b"k" * 101)
    assert pseudonym("  ", b"k") == ""
    assert pseudonym("\ud800", b"k").startswith("p_")


def test_a_pseudonym_needs_a_key() -> None:
    """Without a key names could be guessed, so it refuses and says what to set."""
    with pytest.raises(ValueError, match="TOCSIN_PSEUDONYM_KEY"):
        pseudonym("bob", b"")
