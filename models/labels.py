"""The taxonomy and the order of model outputs, written once.

Everything that reads or writes a judgement (training, export, Triton's configuration, the index, the rules) takes the
names and their order from here. Sentiment is ordered negative, neutral, positive everywhere.
"""

from __future__ import annotations

from typing import Final

SENTIMENTS: Final = ("negative", "neutral", "positive")

# Machine name -> name in the Twitter Financial News Topic data set. The order is the order of the model's outputs.
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
TOPICS: Final = tuple(TOPIC_SOURCES)

HEADS: Final = {"sentiment": SENTIMENTS, "topic": TOPICS}
