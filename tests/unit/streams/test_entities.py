"""Entities: names and codes found with their reason, false friends not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.entities import MOST, Gazetteer
from streams.gazetteer import Company, read_companies
from streams.gazetteer.build import KNOWN, short_name
from streams.gazetteer.watchlist import WatchlistError, read_watchlist

GAZETTEER = Gazetteer.load()


def ids(text: str, gazetteer: Gazetteer = GAZETTEER) -> set[str]:
    return {entity.id for entity in gazetteer.find("", text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$AAPL up", {"AAPL"}),
        ("$aapl, $fb and $goog.", {"AAPL", "META", "GOOGL"}),
        ("$CAT $ALL $A $NOW $T", {"CAT", "ALL", "A", "NOW", "T"}),
        ("$BRK-A $RDS.B $brk_b", {"BRK.B", "SHEL"}),
        ("$PCLN $UTX $CELG", {"BKNG", "RTX", "CELG"}),
        ("(NASDAQ: AAPL) NYSE:BRK-B", {"AAPL", "BRK.B"}),
        ("600519.SH跌停", {"600519.SH"}),
        ("SZ000858涨", {"000858.SZ"}),
        ("$贵州茅台(SH600519)$", {"600519.SH"}),
        ("某股(600519)", {"600519.SH"}),
        ("股票代码：600519", {"600519.SH"}),
        ("00700.HK 700.HK HK00700", {"0700.HK"}),
        ("Apple beats", {"AAPL"}),
        ("APPLE SHARES FALL", {"AAPL"}),
        ("apple stock falls", {"AAPL"}),
        ("#Apple", {"AAPL"}),
        ("苹果发布会", {"AAPL"}),
        ("iPhone14Pro收货", {"AAPL"}),
        ("tesla recall", {"TSLA"}),
        ("Visa beats", {"V"}),
        ("Target shares slump", {"TGT"}),
        ("Target beats $TGT", {"TGT"}),
        ("Siemens Energy profit", {"ENR.DE"}),
        ("McDonald’s and McDonald's", {"MCD"}),
        ("J.P. Morgan cuts", {"JPM"}),
        ("AAPL drops", {"AAPL"}),
        ("宁德时代与比亚迪", {"300750.SZ", "002594.SZ"}),
        ("恒大集团违约", {"3333.HK"}),
        ("平安银行", {"000001.SZ"}),
        ("小米汽车降价", {"1810.HK"}),
    ],
)
def test_companies_are_found(text: str, found: set[str]) -> None:
    """Names in both scripts, cashtags and codes lead to the company."""
    assert ids(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Apple pie sales rise",
        "an apple a day",
        "Visa application backlog",
        "target price raised to $50",
        "Target price raised",
        "gap up at the open, mind the gap",
        "cat all a now it",
        "5 $m and US$M bonds",
        "TECH AND ALL THE REST",
        "CHI$MO and P$C",
        "$ES_F",
        "成交600519手",
        "西藏阿里地区地震",
        "阿里山",
        "刘德华为你唱歌",
        "高通胀",
        "吃苹果",
        "美的生活",
        "大众认为",
        "平安是福",
        "北京东城区",
        "中国银行业",
        "the People's Bank of China",
        "中东航运",
        "pineapples and applets",
        "https://news.example/apple-tesla.html",
    ],
)
def test_false_friends_are_not(text: str) -> None:
    """Words, places and phrases that only look like a company are left alone."""
    assert ids(text) == set()


def test_relevance_tells_where_and_how_often() -> None:
    """The title counts most, then the lead, then the body; repetition adds; a long list of names takes away."""
    padding = "word " * 100
    (title,) = GAZETTEER.find("Tesla falls", padding)
    (lead,) = GAZETTEER.find("Markets", "Tesla falls")
    (body,) = GAZETTEER.find("Markets", padding + "Tesla falls")
    (twice,) = GAZETTEER.find("Markets", "Tesla and Tesla again, $TSLA")
    assert title.where == "title"
    assert lead.where == "lead"
    assert body.where == "body"
    assert title.relevance > lead.relevance > body.relevance
    assert twice.relevance > lead.relevance
    assert (twice.count, twice.matched) == (3, "Tesla, $TSLA")
    listed = GAZETTEER.find("", "$AAPL $MSFT $TSLA $NVDA $AMZN $META $NFLX $INTC")
    assert all(entity.relevance < title.relevance / 1.5 for entity in listed)


def test_the_number_of_entities_is_bounded() -> None:
    """A text that lists hundreds of tickers names at most MOST companies."""
    tickers = [code for company in read_companies() for code in company.tickers if code.isalpha()]
    assert len(GAZETTEER.find("", " ".join(f"${code}" for code in tickers[:300]))) == MOST


def test_codes_are_looked_up_in_any_spelling() -> None:
    """A code leads to the company's id, however it is written."""
    assert GAZETTEER.lookup("fb") == "META"
    assert GAZETTEER.lookup("00700.HK") == "0700.HK"
    assert GAZETTEER.lookup("BRK-A") == "BRK.B"
    assert GAZETTEER.lookup("600519.SS") == "600519.SH"
    assert GAZETTEER.lookup("NOSUCH") is None


def test_the_version_follows_the_names() -> None:
    """The same names give the same version, another name another one."""
    company = Company("X", "Exwell", ("Exwell",))
    assert Gazetteer([company]).version == Gazetteer([company]).version
    assert Gazetteer([company]).version != Gazetteer([Company("X", "Exwell", ("Exwell", "Exwell Ltd"))]).version


def test_the_shipped_list_is_whole() -> None:
    """Ids and codes are unique, every hand-written row is in it as written, and it covers many companies."""
    companies = read_companies()
    assert len(companies) > 1_000
    assert len({company.id for company in companies}) == len(companies)
    codes = [code for company in companies for code in company.tickers]
    assert len(set(codes)) == len(codes)
    assert companies[: len(read_companies(KNOWN))] == read_companies(KNOWN)


@pytest.mark.parametrize(
    ("name", "aliases", "chinese"),
    [
        ("Halden Motors", ("=Halden", "海登汽车", "海登"), "海登汽车"),
        ("Halden Motors", ("Halden", "~海登"), "海登"),
        ("Halden Motors", ("Halden", "HD海登"), "HD海登"),
        ("海登汽车", ("海登", "Halden Motors"), "海登汽车"),
        ("Halden Motors", ("Halden",), ""),
        ("Halden Motors", (), ""),
    ],
)
def test_a_company_has_one_chinese_name(name: str, aliases: tuple[str, ...], chinese: str) -> None:
    """Its name, or else the first alias with a Chinese character, without the mark that says how it is matched."""
    assert Company("halden", name, aliases).chinese == chinese


def test_chinese_names_of_the_shipped_list_are_of_the_company() -> None:
    """Not of a brand or a part of it where the company has a name of its own."""
    names = {company.id: company.chinese for company in read_companies()}
    assert (names["AAPL"], names["TTM"], names["KER.PA"], names["SPOT"]) == ("苹果公司", "塔塔汽车", "开云集团", "")
    assert sum(map(bool, names.values())) > 400


def test_legal_forms_are_taken_off_names() -> None:
    """People write the name without its legal form."""
    assert short_name("Exwell Holdings Inc.") == "Exwell"
    assert short_name("The Exwell Company") == "Exwell"
    assert short_name("Exwell & Co. KGaA") == "Exwell"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_searched(title: str, text: str) -> None:
    """No text raises, and each entity stands for something that is in it."""
    for entity in GAZETTEER.find(title, text):
        assert 0 <= entity.relevance <= 1
        assert entity.count >= 1


def test_letters_that_change_their_length_do_not_shift_matches() -> None:
    """Capitals with two small letters before a name leave the matched words right."""
    (entity,) = GAZETTEER.find("", "İİİ Tesla")
    assert entity.matched == "Tesla"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "watch.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_watchlist_adds_and_extends(tmp_path: Path) -> None:
    """Own companies are found beside the shipped ones, and a known id gets further names."""
    path = write(
        tmp_path,
        "- id: QLT\n  name: Quenlith\n  aliases: [昆利思, QLT]\n  tickers: [QLT]\n  exclude: [quenlith street]\n"
        "- {id: TSLA, name: Tesla, aliases: [Muskmobile]}\n",
    )
    gazetteer = Gazetteer.load(path)
    assert ids("昆利思 and $QLT", gazetteer) == {"QLT"}
    assert ids("quenlith falls", gazetteer) == {"QLT"}
    assert ids("12 Quenlith Street, qlt", gazetteer) == set()
    assert ids("a Muskmobile, 特斯拉", gazetteer) == {"TSLA"}
    assert gazetteer.version != GAZETTEER.version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- id: A\n  name: Exwell\n  alias: [x]", r"watch.yaml:3: unknown key 'alias'; did you mean 'aliases'\?"),
        ("- id: A\n  name: Exwell\n  zzz: 1", r"watch.yaml:3: unknown key 'zzz'; the keys are"),
        ("- name: Exwell", r"watch.yaml:1: 'id' is missing"),
        ("- id: A\n  name: X\n- id: A\n  name: Y", r"watch.yaml:3: id 'A' stands already in line 1"),
        ("- id: 'a b'\n  name: X", r"watch.yaml:1: id 'a b': use letters"),
        ("- id: A\n  name: X\n  aliases: Exwell", r"watch.yaml:3: a list is expected here: \[Exwell\]"),
        ("- id: A\n  name: X\n  aliases: [[a]]", r"watch.yaml:3: a text is expected"),
        ("- id: A\n  name: ''", r"watch.yaml:2: a text is expected"),
        ("- id: A\n  name: " + "x" * 200, r"watch.yaml:2: longer than 128"),
        ("- id: A\n  name: X\n  name: Y", r"watch.yaml:3: 'name' is given twice"),
        ("id: A", r"watch.yaml:1: a watchlist is a list"),
        ("- just a name", r"watch.yaml:1: a company is written as"),
        ("- [", r"watch.yaml:1: not YAML"),
        ("- {[a]: b, id: A, name: X}", r"watch.yaml:1: unknown key"),
    ],
)
def test_a_bad_watchlist_is_told_by_line(tmp_path: Path, text: str, message: str) -> None:
    """Each fault is named with file, line and what to do."""
    with pytest.raises(WatchlistError, match=message):
        read_watchlist(write(tmp_path, text))


def test_a_watchlist_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A missing file, wrong encoding or deep nesting is one clear message; an empty file is an empty list."""
    with pytest.raises(WatchlistError, match="TOCSIN_WATCHLIST"):
        read_watchlist(tmp_path / "missing.yaml")
    (tmp_path / "gbk.yaml").write_bytes("- id: A\n  name: 贵州".encode("gbk"))
    with pytest.raises(WatchlistError, match="UTF-8"):
        read_watchlist(tmp_path / "gbk.yaml")
    with pytest.raises(WatchlistError):
        read_watchlist(write(tmp_path, "[" * 500))
    assert read_watchlist(write(tmp_path, "")) == []
