"""The work of the two other contestants, one step after the other as each library's documentation shows it.

Decode, clean, tokenise, judge, index: the same functions, model and mapping as the workers use, without their way of
batching and overlapping. They write no `documents`, no `mentions` and raise no alerts, so they do less work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from elasticsearch import AsyncElasticsearch
from tokenizers import Tokenizer

from models import registry
from models.text import lead, prepare, read_tokenizer
from models.triton import RemoteModel, connect
from models.verdict import verdicts
from streams import clock
from streams.document import Pipeline
from streams.elastic import client, documents_index, put_templates
from streams.endpoints import resolve
from streams.entities import Gazetteer
from streams.index import document_source, document_version
from streams.opinion import judgement
from streams.pseudonyms import pseudonym_key
from streams.records import Document, Raw, RawItem, decode
from streams.settings import Settings
from streams.version import VERSION

BATCH = 32
WITHIN = 0.05  # seconds a batch waits to be full


class Job:
    """Judges and indexes one batch of raw records after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pipeline = Pipeline(settings, Gazetteer.load(settings.watchlist), pseudonym_key(settings), VERSION)
        self._encode = msgspec.json.Encoder().encode

    async def start(self) -> None:
        """Connect to Triton and Elasticsearch."""
        endpoints = resolve(self._settings)
        served = registry.find(self._settings.model_repository or registry.SHIPPED)["en"]
        self._limit = min(self._settings.token_limit, served.metadata.token_limit)
        self._tokenizer: Tokenizer = read_tokenizer(served.tokenizer, self._limit)
        self._triton = connect(endpoints.triton)
        self._model = RemoteModel(self._triton, served, 30.0)
        self._elastic: AsyncElasticsearch = client(self._settings, endpoints.elasticsearch)
        await put_templates(self._elastic, self._settings)

    async def stop(self) -> None:
        """Close the connections."""
        await self._triton.close()
        await self._elastic.close()

    async def run(self, values: Sequence[tuple[bytes | None, str]]) -> None:
        """Judge and index the items among `values`, pairs of a raw record and its origin."""
        now = clock.now()
        decoded = [(decode(value, Raw), origin) for value, origin in values]
        prepared = [self._pipeline.prepare(item, origin, now) for item, origin in decoded if isinstance(item, RawItem)]
        if not prepared:
            return
        texts = [lead(prepare(p.judged_text), self._limit) for p in prepared]
        rows = [np.array(code.ids, dtype=np.int32) for code in self._tokenizer.encode_batch_fast(texts)]
        answer = await self._model.infer(rows)
        judged = verdicts(self._model.served.metadata, [("en", p.item.kind) for p in prepared], answer)
        documents = [self._pipeline.document(p, judgement(v)) for p, v in zip(prepared, judged, strict=True)]
        await self._index(documents)

    async def _index(self, documents: Sequence[Document]) -> None:
        now = clock.now()
        lines: list[Any] = []
        for document in documents:
            index = documents_index(self._settings, document.published_at, document.collected_at)
            head = {"_index": index, "_id": document.id, "version": document_version(document)}
            lines += [self._encode({"index": head | {"version_type": "external"}})]
            lines += [self._encode(document_source(document, now))]
        answer = await self._elastic.bulk(operations=lines, filter_path="errors,items.*.error")
        if answer.get("errors"):
            raise RuntimeError(f"Elasticsearch refused items: {str(answer['items'])[:500]}")
