"""What the local Kafka is given when it is first started."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from deploy.kafka import cluster_id

DASHED = uuid.UUID(bytes=b"\xf8" + bytes(15))  # base64: "-AAA…"


@given(st.uuids())
def test_the_id_of_a_cluster_is_no_option(drawn: uuid.UUID) -> None:
    """One in 64 begins with a dash, which Kafka's tool takes for an option: another is drawn."""
    draws = iter([DASHED, DASHED, drawn, uuid.UUID(int=1)])
    found = cluster_id(lambda: next(draws))
    assert len(found) == 22
    assert not found.startswith("-")
