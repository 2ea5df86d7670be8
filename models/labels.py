"""The taxonomy and the order of model outputs, written once.

Everything that reads or writes a judgement (training, export, Triton's configuration, the index, the rules) takes the
names and their order from here. Sentiment is ordered negative, neutral, positive everywhere. Each label has a
definition and an example in English and Chinese, so that two people who label the same text agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Label:
    """What a label covers, in both languages, with one invented example of each."""

    en: str
    zh: str
    example_en: str
    example_zh: str


SENTIMENT_LABELS: Final = {
    "negative": Label(
        "Bad for the companies or markets spoken of, as a holder would take it; or the writer is bearish.",
        "对所涉公司或市场不利，持有其股票或债券的人会视为坏消息；或作者看空。",
        "Corvane cuts its outlook after a weak quarter",
        "远岭生物预计全年亏损扩大",
    ),
    "neutral": Label(
        "No direction: dates, procedures, facts without a value, questions, advertisements, balanced views.",
        "没有方向：日程、程序性公告、不带褒贬的事实、提问、广告、多空均衡。",
        "Corvane will publish its results on Thursday",
        "远岭生物将于周四召开股东大会",
    ),
    "positive": Label(
        "Good for the companies or markets spoken of; the writer is bullish.",
        "对所涉公司或市场有利；或作者看多。",
        "Corvane wins a five-year supply order and raises its dividend",
        "远岭生物中标五年期供货大单",
    ),
}

# Order of the model's outputs. The name in the Twitter Financial News Topic data set stands in TOPIC_SOURCES.
TOPIC_LABELS: Final = {
    "analyst_update": Label(
        "A broker or analyst starts, keeps or changes a rating or a price target.",
        "券商或分析师给出、维持或调整评级、目标价。",
        "Broker lifts Corvane to buy, target 42",
        "券商上调远岭生物评级至买入，目标价42元",
    ),
    "central_banks": Label(
        "Central banks: rates, speeches, purchases, forecasts of what they will do.",
        "央行：利率、讲话、公开市场操作及其预期。",
        "ECB governor says another rise cannot be ruled out",
        "央行开展5000亿元逆回购操作，利率不变",
    ),
    "product_news": Label(
        "What a company makes, sells, builds or signs: products, orders, approvals, plants, partnerships, incidents.",
        "公司经营与产品：新品、订单、获批、建厂、合作及产品事件。",
        "Corvane's inhaler cleared for sale in Canada",
        "远岭生物吸入剂获批上市",
    ),
    "corporate_debt": Label(
        "Bonds and loans: government yields, issues, defaults, credit ratings.",
        "债券与借贷：国债收益率、发债、违约、信用评级。",
        "Ten-year yield climbs to 4.6%",
        "禾川控股一笔中期票据未能按期兑付",
    ),
    "dividend": Label(
        "Dividends and other payments to holders.",
        "分红派息及其他股东回报。",
        "Corvane declares a quarterly dividend of 12 cents",
        "远岭生物拟每10股派现3元",
    ),
    "earnings": Label(
        "Results, guidance, profit warnings, calls about results.",
        "业绩：财报、预告、指引、业绩会。",
        "Corvane Q3 revenue up 8%, misses estimates",
        "远岭生物三季度净利润同比下降两成",
    ),
    "energy": Label(
        "Oil, gas, power, coal and their producers as a market.",
        "石油、天然气、电力、煤炭等能源市场。",
        "Crude falls as OPEC+ weighs more supply",
        "国际油价跌破70美元",
    ),
    "financials": Label(
        "A company's finances other than results: ratios, stakes and holdings, buy-backs, placements, pledges.",
        "业绩以外的财务与股权：持股变动、减持增持、质押、回购、定增、财务指标。",
        "Fund raises its stake in Corvane to 6.1%",
        "远岭生物股东拟减持不超过2%股份",
    ),
    "currencies": Label(
        "Exchange rates and digital currencies.",
        "汇率与数字货币。",
        "Yen slides past 155 per dollar",
        "离岸人民币升破7.1关口",
    ),
    "general_news": Label(
        "News and opinion that fit no other topic: society, technology at large, columns.",
        "其他新闻与评论：社会、科技趋势、专栏等。",
        "Why offices are getting quieter on Fridays",
        "多地发布高温预警",
    ),
    "metals": Label(
        "Gold, metals, ores, chemicals and other materials as a market.",
        "黄金、金属、矿石、化工等原材料市场。",
        "Copper touches a two-month high",
        "现货黄金续创新高",
    ),
    "ipo": Label(
        "New listings: plans, pricing, first days, withdrawals.",
        "新股：申报、定价、上市首日、撤回。",
        "Corvane prices its listing at the top of the range",
        "禾川药业撤回科创板上市申请",
    ),
    "legal": Label(
        "Courts, regulators, investigations, fines, new rules for companies.",
        "法律与监管：诉讼、立案、处罚、问询、行业规则。",
        "Regulator opens a probe into Corvane's disclosures",
        "远岭生物收到交易所问询函",
    ),
    "mergers": Label(
        "Mergers, take-overs, sales of units, venture rounds, strategic investments.",
        "并购重组、资产出售、融资轮次、战略投资。",
        "Corvane to buy a packaging rival for 900 million",
        "远岭生物终止重大资产重组",
    ),
    "macro": Label(
        "The economy: growth, prices, jobs, trade, housing figures, surveys, fiscal policy.",
        "宏观经济：增长、物价、就业、贸易、地产数据、财政政策。",
        "Inflation slows to 2.3% in October",
        "10月社会消费品零售总额同比增长4.1%",
    ),
    "markets": Label(
        "Indices, sectors and flows as a whole, opening and closing reports.",
        "大盘、板块与资金：指数涨跌、收评、北向资金。",
        "European shares close lower, banks lead the fall",
        "沪指缩量震荡收跌0.3%",
    ),
    "politics": Label(
        "Governments, elections, wars, sanctions, diplomacy.",
        "政治：政府、选举、战争、制裁、外交。",
        "Parliament delays the vote on the trade pact",
        "两国就关税问题举行新一轮磋商",
    ),
    "personnel": Label(
        "People join, leave or are suspended: boards and management.",
        "人事：董监高任免、辞职、被停职。",
        "Corvane's finance chief steps down",
        "远岭生物董事会秘书辞职",
    ),
    "stock_commentary": Label(
        "Opinion about a share: reasons to buy or sell, charts, trading plans, chatter, advertisements for shares.",
        "个股观点：看多看空、技术分析、操作计划、股吧闲聊、荐股。",
        "Adding to $CRVN here, chart looks ready",
        "远岭这位置我又加了一成仓，拿住",
    ),
    "stock_movement": Label(
        "A share moves, and by how much.",
        "股价异动：涨跌停、盘中大涨大跌、创新高新低、停复牌。",
        "Corvane shares drop 12% in early trading",
        "远岭生物午后触及跌停",
    ),
}
TOPIC_SOURCES: Final = {
    "analyst_update": "Analyst Update",
    "central_banks": "Fed | Central Banks",
    "product_news": "Company | Product News",
    "corporate_debt": "Treasuries | Corporate Debt",
    "dividend": "Dividend",
    "earnings": "Earnings",
    "energy": "Energy | Oil",
    "financials": "Financials",
    "currencies": "Currencies",
    "general_news": "General News | Opinion",
    "metals": "Gold | Metals | Materials",
    "ipo": "IPO",
    "legal": "Legal | Regulation",
    "mergers": "M&A | Investments",
    "macro": "Macro",
    "markets": "Markets",
    "politics": "Politics",
    "personnel": "Personnel Change",
    "stock_commentary": "Stock Commentary",
    "stock_movement": "Stock Movement",
}

# Kinds of event that a risk desk acts on. One per text: the event the text is mainly about.
RISK_LABELS: Final = {
    "none": Label(
        "No such event: ordinary business, good news, markets at large, advertisements, a matter long settled.",
        "无风险事件：日常经营、利好、大盘走势、广告、早已了结的旧事。",
        "Corvane opens a second plant in Porto",
        "远岭生物二期厂房投产",
    ),
    "fraud_accounting": Label(
        "False or hidden accounts, misstated or late disclosure, funds taken by owners, unapproved guarantees.",
        "财务造假与信息披露违规：虚增收入、隐瞒关联交易、违规担保、资金占用、未按期披露、审计非标。",
        "Short seller says Corvane booked sales that never happened",
        "远岭生物因涉嫌信息披露违法违规被调查",
    ),
    "default_liquidity": Label(
        "Missed payments, frozen accounts, runs, insolvency, closure, cash that does not last.",
        "违约与流动性：债务逾期、账户冻结、提现困难、资金链断裂、破产清算、停业。",
        "Corvane misses a coupon and asks bondholders to wait",
        "禾川控股多个银行账户被冻结",
    ),
    "regulatory_action": Label(
        "An authority investigates, warns, fines, bans or orders; insider dealing and market manipulation.",
        "监管行动：立案、警示函、罚款、禁入、责令整改；内幕交易、短线交易、操纵市场、违规买卖。",
        "Watchdog fines Corvane's broker for insider dealing",
        "远岭生物股东违规买卖股票被出具警示函",
    ),
    "litigation": Label(
        "Court and arbitration cases between private parties, class actions, seized assets in a suit.",
        "诉讼仲裁：民商事纠纷、集体索赔、专利官司、资产因诉讼被查封。",
        "Rival sues Corvane over battery patents",
        "远岭生物被供应商起诉索赔1.2亿元",
    ),
    "management_misconduct": Label(
        "Managers or owners accused of, held for or unreachable over wrongdoing.",
        "高管或实控人涉嫌违法违纪：被查、被拘、被留置、失联、丑闻。",
        "Corvane's chairman detained in a bribery case",
        "远岭生物董事长被留置",
    ),
    "management_departure": Label(
        "Managers or directors leave, fall ill, die or cannot do their work, without an accusation.",
        "高管离任：辞职、离职、免职、去世、无法履职（未涉指控）。",
        "Corvane's chief executive resigns after eight months",
        "远岭生物财务总监辞职",
    ),
    "product_safety": Label(
        "Recalls, defects, contamination, failed inspections, harm to users.",
        "产品安全：召回、缺陷、质检不合格、污染、伤害用户。",
        "Corvane recalls 40,000 heaters over a fire risk",
        "禾川乳业一批次产品抽检不合格",
    ),
    "data_breach": Label(
        "Data stolen, leaked or misused; attacks on systems.",
        "数据泄露：个人信息外泄、被窃取或滥用、网络攻击。",
        "Hackers post records of Corvane's customers",
        "禾川支付被曝用户信息泄露",
    ),
    "outage": Label(
        "A service, plant or system stands still: failures, delays, shortages of supply.",
        "服务中断与停产：系统宕机、无法交易、停工停产、断供。",
        "Corvane's app down for hours on pay day",
        "禾川证券交易系统早盘宕机",
    ),
    "labour": Label(
        "Lay-offs, strikes, unpaid wages, disputes with staff.",
        "用工风险：裁员、罢工、欠薪、劳资纠纷。",
        "Corvane to cut a tenth of its staff",
        "远岭生物被曝拖欠员工工资",
    ),
    "profit_warning": Label(
        "Losses, falling profits, guidance lowered, write-downs.",
        "业绩下滑：亏损、净利下降、下修指引、计提减值。",
        "Corvane warns full-year profit will halve",
        "远岭生物预计上半年亏损3亿元",
    ),
    "downgrade": Label(
        "A rating agency or analyst lowers a rating, outlook or target.",
        "评级下调：信用评级、展望、投资评级或目标价被下调。",
        "Agency cuts Corvane to junk",
        "评级机构将禾川控股展望下调至负面",
    ),
    "shareholder_selling": Label(
        "Owners or insiders sell, pledge or lose shares; control changes or is fought over; lock-ups expire.",
        "股东与控制权：减持、解禁、质押平仓、股份被冻结拍卖、实控人变更、控制权之争。",
        "Corvane's founder sells shares worth 80 million",
        "远岭生物控股股东拟减持不超过3%股份",
    ),
    "failed_deal": Label(
        "A merger, placement, listing, order or project is ended, refused or delayed.",
        "交易失败：重组终止、定增或上市被否、合同解除、项目搁置。",
        "Corvane abandons its bid after regulators object",
        "远岭生物终止重大资产重组",
    ),
    "trading_halt": Label(
        "Trading suspended, limits hit, delisting or the threat of it, special treatment.",
        "停牌与退市：停牌核查、退市风险警示、暂停上市、连续跌停。",
        "Exchange starts delisting Corvane",
        "*ST禾川股票可能被终止上市",
    ),
    "illegal_fundraising": Label(
        "Ponzi and pyramid schemes, unlicensed deposits, platforms that vanish, fraud on investors.",
        "非法集资与诈骗：集资诈骗、传销、非法吸存、平台跑路失联。",
        "Police say Corvane Wealth paid old clients with new money",
        "禾川财富涉嫌非法吸收公众存款被立案",
    ),
    "consumer_backlash": Label(
        "Customers complain, boycott, demand refunds; anger online at conduct or prices.",
        "消费者维权：投诉、抵制、退费难、舆论声讨。",
        "Shoppers boycott Corvane after fee rise",
        "禾川教育退费难，家长集体维权",
    ),
    "accident": Label(
        "Fire, explosion, crash, injury, pollution, natural disaster at a company's sites.",
        "事故灾害：火灾、爆炸、伤亡、污染、自然灾害影响生产。",
        "Explosion at Corvane's solvent plant injures five",
        "远岭生物厂区发生火灾",
    ),
    "geopolitics": Label(
        "Sanctions, export bans, tariffs, war or seizure that hits a company or market.",
        "制裁与地缘：实体清单、出口管制、关税、战争、资产没收。",
        "Corvane added to export blacklist",
        "远岭生物被列入实体清单",
    ),
    "rumour": Label(
        "An unconfirmed claim about a company, or its denial.",
        "传闻与辟谣：未经证实的消息，或公司对传闻的澄清。",
        "Corvane denies talk of a cash shortage",
        "远岭生物澄清：网传裁员消息不实",
    ),
}

# Event types of the CCKS 2019 data set -> ours.
CCKS_RISKS: Final = {
    "其他": "none",
    "信批违规": "fraud_accounting",
    "财务造假": "fraud_accounting",
    "资金账户风险": "default_liquidity",
    "提现困难": "default_liquidity",
    "歇业停业": "default_liquidity",
    "资产负面": "default_liquidity",
    "交易违规": "regulatory_action",
    "涉嫌违法": "litigation",
    "高管负面": "management_misconduct",
    # Held, unreachable or helping an inquiry in two of three rows; died, ill or resigned in the others.
    "不能履职": "management_misconduct",
    "产品违规": "product_safety",
    "业绩下滑": "profit_warning",
    "评级调整": "downgrade",
    "实控人股东变更": "shareholder_selling",
    "重组失败": "failed_deal",
    "公司股市异常": "trading_halt",
    "涉嫌非法集资": "illegal_fundraising",
    "涉嫌传销": "illegal_fundraising",
    "涉嫌欺诈": "illegal_fundraising",
    "失联跑路": "illegal_fundraising",
    "投诉维权": "consumer_backlash",
}

SENTIMENTS: Final = tuple(SENTIMENT_LABELS)
TOPICS: Final = tuple(TOPIC_LABELS)
RISKS: Final = tuple(RISK_LABELS)
HEADS: Final = {"sentiment": SENTIMENTS, "topic": TOPICS, "risk": RISKS}
