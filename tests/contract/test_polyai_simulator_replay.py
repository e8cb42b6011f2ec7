"""What a new socket at the simulated PolyAI hears first."""

from bridge.simulators.polyai_agent import (
    GREETING,
)
from tests.contract.raw_polyai import (
    Client,
    replay,
    settled,
    short,
)

# -- replay ----------------------------------------------------------------------------------


async def test_a_new_session_replays_its_start_with_the_capabilities(client: Client) -> None:
    session = await client.session(streaming=True)
    (start,) = await replay(client, session)

    assert short(start) == "SESSION_START"
    assert start["payload"]["capabilities"] == {
        "streaming": True,
        "max_message_size_bytes": 131_072,
        "max_reconnect_attempts": 5,
        "heartbeat_interval_seconds": 30,
    }


async def test_a_long_history_comes_in_several_batches(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.batch_size = 2
    line = await client.open(session)
    sizes = [len((await line.next())["payload"]["events"]) for _ in range(3)]
    assert sizes == [2, 2, 1]


async def test_without_a_restated_start_there_may_be_an_empty_batch(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.restate_start = False
    assert await replay(client, session, "5") == []


async def test_bodies_may_come_under_their_oneof_names(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.oneof_bodies = True
    events = await replay(client, session)
    assert "payload" not in events[-1]
    assert events[-1]["poly_agent_message"]["text"] == GREETING


async def test_what_the_agent_says_while_nobody_listens_is_replayed(client: Client) -> None:
    session, line = await client.talk()
    await line.say("count 3")
    await line.socket.close()
    await settled(session, "POLY_AGENT_MESSAGE", 4)

    events = await replay(client, session, "5")
    told = [e["payload"]["text"] for e in events if short(e) == "POLY_AGENT_MESSAGE"]
    assert told == ["Message 1", "Message 2", "Message 3"]


async def test_the_journal_is_numbered_from_one_without_a_gap(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello")
    await line.until("POLY_AGENT_MESSAGE")
    assert [f.sequence for f in session.journal] == list(range(1, 9))
    assert len({f.id for f in session.journal}) == 8


async def test_metadata_can_be_lost_in_the_replay(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello", local_id="u1")
    await line.until("POLY_AGENT_MESSAGE")

    kept = await replay(client, session, "5")
    client.polyai.lose_metadata_in_replay()
    lost = await replay(client, session, "5")
    assert kept[1]["metadata"] == {"custom": {"local_id": "u1"}}
    assert "metadata" not in lost[1]


async def test_a_replay_can_overlap_what_was_seen(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.overlap_replay(2)
    first, second = await replay(client, session, "5"), await replay(client, session, "5")
    assert [e["sequence"] for e in first] == [1, 4, 5]
    assert [e["sequence"] for e in second] == [1]
