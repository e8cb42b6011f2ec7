"""Whatever happened: of what is settled no words are in the database."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.state import Conversation
from bridge.model.delivery import Ask, DeliveryState, Post, Retire
from bridge.model.ids import DeliveryId
from bridge.store import AgentOutcome, Attempt, Outcome, Store, TakeStep, open_store
from bridge.testing.clock import NOON
from tests.unit.store.given import made, opened, reply

#: What happens to a delivery in turn: nothing more once it is settled.
_ENDS = st.sampled_from([*DeliveryState])
_HISTORY = st.lists(st.tuples(st.sampled_from(["post", "retire", "ask"]), st.lists(_ENDS)))


def _body(kind: str, number: int) -> Post | Retire | Ask:
    said = reply(f"secret {number}")
    if kind == "ask":
        return Ask(f"secret {number}")
    return said if kind == "post" else Retire(DeliveryId("c1.1"), None, said.content)  # type: ignore[arg-type]  # a reply's


async def _lived(store: Store, history: list[tuple[str, list[DeliveryState]]]) -> None:
    conversation: Conversation = await opened(store)
    for number, (kind, moves) in enumerate(history, 1):
        delivery = DeliveryId(f"c1.{number}")
        conversation = msgspec.structs.replace(conversation, deliveries=number)
        owed = ((delivery, _body(kind, number)),)
        await store.write(TakeStep(conversation=conversation, at=NOON, owed=owed))
        for state in moves:
            if kind == "ask":
                outcome = AgentOutcome(id=delivery, state=state, reference="")
                if state not in (DeliveryState.PENDING, DeliveryState.SENDING):
                    step = TakeStep(conversation=conversation, at=NOON, settled=(outcome,))
                    await store.write(step)
                    break
                continue
            await store.write(Attempt(id=delivery, at=NOON))
            await store.write(Outcome(id=delivery, state=state, at=NOON))
            if state not in (DeliveryState.PENDING, DeliveryState.SENDING):
                break


@settings(max_examples=12, deadline=None)
@given(history=_HISTORY)
def test_of_what_is_settled_no_words_are_kept(
    history: list[tuple[str, list[DeliveryState]]],
) -> None:
    async def live(directory: Path) -> None:
        async with open_store(made(directory), key="k" * 32) as store:
            await _lived(store, history)

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(live(Path(name)))
        with closing(sqlite3.connect(Path(name) / "bridge.db")) as connection:
            rows = connection.execute("SELECT state, body, size, digest FROM deliveries").fetchall()
        file = (Path(name) / "bridge.db").read_bytes()

    for state, body, size, digest in rows:
        assert bool(body) == (state not in ("sent", "dropped"))
        assert size
        assert digest
    open_words = sum(1 for state, *_ in rows if state not in ("sent", "dropped"))
    assert (b"secret" in file) == (open_words > 0)
