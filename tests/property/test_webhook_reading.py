"""Whatever a system sends, it is read or refused: nothing else ever comes of it."""

import json
from datetime import datetime
from typing import Any

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from adapters.webhook.inbound import Unreadable, inbound_of, read
from adapters.webhook.told import Message
from bridge.model.inbound import Inbound
from bridge.testing.clock import NOON

WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)
NEEDED = {
    "kind": st.sampled_from([shape.__struct_config__.tag for shape in Message.__args__]),
    "id": WORD | st.text(),
    "thread": WORD,
    "person": st.fixed_dictionaries({"id": WORD}, optional={"name": st.text()}),
}
MORE = {
    "text": st.text(),
    "at": st.none() | st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    "delivery": WORD,
    "original": WORD | st.text(),
    "index": st.one_of(st.integers(), st.floats()),
    "mark": st.text(),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def taken(body: bytes) -> Inbound | None:
    try:
        return inbound_of(read(body), NOON, 1)
    except Unreadable:
        return None


@given(st.binary())
def test_bytes_are_read_or_refused(body: bytes) -> None:
    taken(body)


@given(JSON)
def test_json_is_read_or_refused(value: Any) -> None:  # noqa: ANN401 - any JSON
    taken(json.dumps(value).encode())


@given(st.fixed_dictionaries(NEEDED, optional=MORE))
def test_what_looks_like_a_message_is_read_or_refused(parts: dict[str, Any]) -> None:
    inbound = taken(json.dumps(parts).encode())
    event("read" if inbound else "refused")
    if inbound is not None:
        assert msgspec.json.decode(msgspec.json.encode(inbound), type=Inbound) == inbound
        assert inbound.identities[0].isprintable()
        assert inbound.thread.isascii()
