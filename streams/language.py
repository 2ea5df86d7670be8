"""Which language a text is in: by script first, then by the words that only one language uses.

Answers are two-letter codes, or `und` when the text holds no evidence. A guess is never dressed up as English: a
Latin-script text counts as English on English evidence (function words, market vocabulary, a cashtag), and as another
language when that one's function words outweigh it. Chinese with Latin tickers in it is Chinese.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

READ: Final = 2_000  # characters that are looked at; the language of a text does not change after them
KANA_SHARE: Final = 0.1  # of Han and kana together; Chinese titles borrow a single の now and then
FOREIGN: Final = 1.0  # evidence of one unmistakable word
HINT_HOLDS: Final = 1.0  # a source's word about itself stands until another language has this much more evidence

_NOISE = re.compile(r"https?://[!-~…]*|@[A-Za-z0-9_]+|\[[a-z]+\]|\bRT\b")
_CASHTAG = re.compile(r"\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?\b")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\uff66-\uff9d]+")
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+(?:['’][a-z]+)?")
_ENGLISH_SHAPE = re.compile(
    r"(?:ings?|ed|ly|ies|ness|['’]s|[^s]sh|ght|th|ew|wn|[aeo]ck|own|ity|ers?|ons)$|^(?:wh|th|sh|kn)"
)
SHAPE: Final = 0.34  # what an English-looking word is worth beside a word that is English
_OTHER = re.compile("[\u0370-\u1dff\u0250-\u02af]+")  # Greek, Cyrillic, Arabic, Indic, Thai …

_SIBLINGS: Final = {"zh": "han", "ja": "han", "yue": "han", "ko": "hangul"}
_WORDS: Final = {
    "en": """the of to and in a is for on that with by from at as it an be are was were has have had will would not
        this but its after over into than more says said up down out new why how what his her their they you your we
        our i my me if or all about can could may who which when where while been being before against amid off
        stock stocks share shares market markets price prices buy sell sales profit profits loss earnings revenue
        growth higher lower rise rises rose fall falls fell drop drops gain gains jump jumps surge trade trading
        trader traders investors investor bank banks oil gold dollar company companies business report reports
        reported quarter year week day today now just short long call calls put puts chart top bottom bull bullish
        bear bearish rating upgrade downgrade analyst deal bid ceo cfo dividend data economy economic rate rates
        inflation index futures options option news watch here check get good great big best time back still next
        first last under low high open close closed target cut cuts raises raise likely no yes per cent percent
        million billion plan plans pay tax debt fund funds money cash value volume hit hits set make makes made
        acquires acquire acquired buys sells bought sold yields yield bond bonds treasury snapshot hires names named
        appoints wins win loses lose beats beat misses miss issues sees seen falls fed sec ipo ipos eps est adj prev
        consensus forecast outlook guidance estimates expected expectations results launches launch files filed firm
        firms announces announcement award awards offering loans loan mortgage lender insurance energy tech leading
        record weak strong bad poor better worse worst huge massive weather election president government court judge
        chief boss jobs workers worker wages house homes prime minister says fears warns warning crisis crash rally
        recovery demand supply output production sale offer stake merger shareholder shareholders owner owned
        customer customers service services product products software cloud car cars electric airline flights flight
        food drug vaccine trial health care research awesome undervalued overvalued comment lol wtf guys dump pump
        moon hold holding holders crypto leaders debuts active global financial regulatory review live latest daily
        weekly monthly breaking alert update updates watchlist gap squeeze breakout support resistance momentum
        late recall recalls notice fine fines faces face probe fraud investigation lawsuit lawsuits protest blocks
        extends warranty battery someone go prison unbelievable disgrace absolute seats left patience avoid delays delay
        safety issue issues problem problems sued sues settle settles settlement scandal whistleblower auditor accounts
        shortage boosts boost tightens welcome trick poverty rules export exports import imports trade tariffs tariff
        commission expect expects announce announces partnership design trials remove limit groups role people world
        never always again another same own since want need think know see look going really very right wrong
        soars soar nets slides slide slumps slump plunge plunges tumbles climbs eases steady flat mixed tops warn cuts
        other only every many much most some any no these those there here then so just like even still might""",
    "de": """der die das und ist nicht ein eine einen einem mit auf für von dem den des im zu zum zur auch sich wird
        werden nach bei aus wie als noch nur oder aber über unter gegen vor durch haben hat sind war kann mehr wegen
        um bis aktie aktien kurs börse gewinn umsatz unternehmen jahr milliarden millionen prozent""",
    "fr": """le la les des et est une un dans pour sur par avec qui que pas plus au aux du ce cette ces sont ont été
        en se son sa ses leur après selon entre mais ou où nous vous ils elle il à de qu actions
        bourse bénéfice entreprise année milliards""",
    "es": """el la los las de del y en que un una por con para su sus se es al lo como más pero sobre entre según
        tras este esta ha han fue son ser no hay sin desde hasta cuando también acciones bolsa beneficio empresa año
        millones""",
    "it": """il lo la gli le di del della dei delle e che un una per con non si è sono al alla nel nella da dal su come
        più anche ma ha hanno dopo questo questa azioni borsa utile mercato anno miliardi milioni""",
    "pt": """os do da dos das de e em no na nos nas que um uma por com para não se é são ao à mais como mas foi
        tem sobre após seu sua ações bolsa lucro empresa ano bilhões milhões mercado""",
    "nl": """de het een en van op te dat is voor met niet zijn aan er ook bij om naar dan nog wel maar uit door
        over wordt worden heeft hebben deze meer aandelen beurs winst bedrijf jaar miljard""",
    "sv": """och att det som en på är av för med den till inte om ett har från eller men vid kan ska efter över mot
        aktier vinst bolaget""",
    "da": """og at det som en på er af for med den til ikke om et har fra eller men ved kan skal efter over mod
        aktier selskabet""",
    "pl": """na się nie do że jest to od przez dla jak po są oraz ale przy jego akcje giełda spółka roku""",
    "tr": """ve bir bu için ile da de çok daha olarak olan gibi ne kadar sonra yüzde hisse borsa şirket yıl""",
    "id": """dan yang di ini itu dengan untuk dari pada dalam tidak akan ke juga oleh sebagai telah ada saham bursa
        perusahaan tahun""",
    "vi": """và của là có trong cho các được không với người này một những đã để khi cổ phiếu công ty""",
}


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """For each word the languages it speaks for; a word of several languages says less about each."""
    owners: dict[str, set[str]] = {}
    for language, words in _WORDS.items():
        for word in words.split():
            owners.setdefault(word, set()).add(language)
    return {word: tuple((one, 1.0 / len(of) ** 2) for one in sorted(of)) for word, of in owners.items()}


_EVIDENCE: Final = _weights()


def detect(text: str, hint: str = "") -> str:
    """Code of the language of `text`, or `und`. `hint`, the source's own claim, decides where the text does not."""
    claimed = re.split("[-_]", hint.strip().lower(), maxsplit=1)[0]
    read = text[:READ]
    plain = _NOISE.sub(" ", read)
    if not plain.isascii():
        decided = _by_script(plain, claimed)
        if decided is not None:
            return decided
    return _by_words(plain, claimed)


def _size(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))


def _by_script(text: str, claimed: str) -> str | None:
    """The language that the script settles, or None when the text is in Latin script."""
    han, kana, hangul = _size(_HAN, text), _size(_KANA, text), _size(_HANGUL, text)
    latin = _LATIN.findall(_CASHTAG.sub(" ", text))
    if hangul and hangul >= han and 2 * hangul >= len(latin):
        return "ko"
    if kana > 1 and kana >= KANA_SHARE * (han + kana) and kana + han >= len(latin):
        return "ja"
    if han and (han >= len(latin) or not _english(latin)):
        return "ja" if claimed == "ja" else "zh"
    other = _size(_OTHER, text)
    if other > sum(map(len, latin)):
        known = claimed in _WORDS or claimed in _SIBLINGS
        return claimed if claimed and not known and claimed.isalpha() else "und"
    return None


def _english(words: list[str]) -> bool:
    return any(("en", 1.0) in _EVIDENCE.get(word.lower(), ()) for word in words)


@lru_cache(maxsize=16_384)  # most words of a text are the few thousand that every text is made of
def _speaks(word: str) -> tuple[tuple[str, float], ...]:
    """What one word says about languages; what stands before an apostrophe speaks for a word that is not known."""
    found = _EVIDENCE.get(word)
    if found is None:
        found = _EVIDENCE.get(re.split("['’]", word, maxsplit=1)[0], ())
    return (*found, ("en", SHAPE)) if _ENGLISH_SHAPE.search(word) else found


def _by_words(text: str, claimed: str) -> str:
    """The Latin-script language with the most evidence; the claim when that is not clearly contradicted."""
    scores = dict.fromkeys(_WORDS, 0.0)
    words = _LATIN.findall(_CASHTAG.sub(" ", text).lower())
    for word in words:
        for language, weight in _speaks(word):
            scores[language] += weight
    best = max(scores, key=lambda language: scores[language])
    if claimed in _WORDS and scores[best] <= scores[claimed] + HINT_HOLDS:
        return claimed
    if scores[best] > scores["en"]:
        return best if scores[best] >= FOREIGN else "und"
    if scores["en"] >= SHAPE or _CASHTAG.search(text):
        return "en"
    return "und"
