"""In which forms the simulated PolyAI writes its frames, replays and streams."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bridge.simulators.polyai import PolyAISimulator, SimulatedSession
from bridge.testing.clock import FakeClock
from tests.contract.raw_polyai import Client, Line, replay, settled, short, shorts, simulator


def still(clock: FakeClock) -> PolyAISimulator:
    """A simulator whose agent takes no time at all."""
    return simulator(clock=clock, streaming_pace=timedelta())


ORDER = "Order 1234 left our warehouse yesterday and arrives **tomorrow** by noon."


async def streamed(client: Client, session: SimulatedSession, line: Line) -> list[dict[str, Any]]:
    """The chunks of an answer about an order."""
    await line.say("1234")
    chunks = [(await line.until("POLY_AGENT_MESSAGE_CHUNK"))[-1]["payload"]]
    while not chunks[-1]["is_complete"]:
        chunks.append((await line.next())["payload"])
    return chunks


# -- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["id", "timestamp", "sequence"])
async def test_fields_of_the_envelope_can_be_missing(client: Client, field: str) -> None:
    client.polyai.configure(omit=[field])
    session = await client.session()
    line = await client.open(session)
    (start,) = (await line.next())["payload"]["events"]
    await line.join()
    client.polyai.agent_says(None, "live")
    assert field not in start
    assert field not in await line.next()


@pytest.mark.parametrize(("form", "kind"), [("string", str), ("float", float)])
async def test_numbers_can_be_text_or_fractions(client: Client, form: str, kind: type) -> None:
    client.polyai.configure(numbers=form)
    session = await client.session(streaming=True)
    (start,) = await replay(client, session)
    capabilities = start["payload"]["capabilities"]
    assert isinstance(start["sequence"], kind)
    assert capabilities["streaming"] is True
    assert isinstance(capabilities["heartbeat_interval_seconds"], kind)
    assert capabilities["max_reconnect_attempts"] == kind(5)


async def test_default_values_can_be_left_out(client: Client) -> None:
    client.polyai.configure(omit_defaults=True, chunk_base=0)
    session, line = await client.talk(streaming=True)
    await line.say("1234")
    first = (await line.until("POLY_AGENT_MESSAGE_CHUNK"))[-1]["payload"]
    assert set(first) == {"message_id", "text"}
    (start, *_) = await replay(client, session)
    assert start["payload"]["capabilities"]["streaming"] is True


@pytest.mark.parametrize(
    ("form", "joined", "says"),
    [
        ("documented", {"agent"}, {"agent_id"}),
        ("nested", {"agent"}, {"agent"}),
        ("flat", {"agent_id", "agent_name", "avatar_url"}, {"agent_id"}),
        ("both", {"agent", "agent_id", "agent_name", "avatar_url"}, {"agent", "agent_id"}),
    ],
)
async def test_a_live_agent_is_described_in_any_form(
    client: Client, form: str, joined: set[str], says: set[str]
) -> None:
    client.polyai.configure(agent_form=form)
    _, line = await client.talk()
    client.polyai.hand_off(steps=["live_joined", "live_says"])
    assert set((await line.next())["payload"]) == joined
    assert set((await line.next())["payload"]) == says | {"message_id", "text"}


async def test_fields_come_under_the_names_the_sdks_know(client: Client) -> None:
    client.polyai.configure(aliases=True)
    session, line = await client.talk()
    client.polyai.hand_off(steps=["queue"])
    joined = (await replay(client, session))[2]
    assert "avatar_url" in joined["payload"]
    assert (await line.next())["payload"]["position"] == 1


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("utc", "T12:00:00.000Z"),
        ("offset", "T14:00:00+02:00"),
        ("micro", "T12:00:00.000000Z"),
        ("tenth", "T12:00:00.0Z"),
        ("bad", "yesterday"),
    ],
)
async def test_timestamps_come_in_any_form(
    http: aiohttp.ClientSession, form: str, end: str
) -> None:
    async with simulator(clock=FakeClock()) as polyai:
        client = Client(polyai, http)
        polyai.configure(timestamps=form)
        (start,) = await replay(client, await client.session())
        assert start["timestamp"].endswith(end)


async def test_transient_frames_can_share_one_id(client: Client) -> None:
    client.polyai.configure(shared_transient_id=True)
    _, line = await client.talk()
    client.polyai.hand_off(steps=["typing", "typing_stopped"])
    started, stopped = await line.next(), await line.next()
    assert started["id"] == stopped["id"]
    assert started["sequence"] is stopped["sequence"] is None
    client.polyai.configure(shared_transient_id=False, thinking_journaled=False)
    await line.say("hello")
    assert (await line.until("POLY_AGENT_THINKING"))[-1]["id"] != started["id"]


async def test_sequences_can_have_gaps_everywhere(client: Client) -> None:
    client.polyai.configure(sequence_step=3)
    session, _ = await client.talk()
    assert [f.sequence for f in session.journal] == [3, 6, 9, 12, 15]


async def test_capabilities_can_be_anything(client: Client) -> None:
    odd = {"heartbeat_interval_seconds": "10", "max_reconnect_attempts": None, "new": [1]}
    client.polyai.configure(capabilities=odd, max_message_bytes=None)
    (start,) = await replay(client, await client.session())
    assert start["payload"]["capabilities"] == {"streaming": False} | odd


# -- replay ----------------------------------------------------------------------------------


async def test_batches_can_overlap_and_run_backwards(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.configure(batch_size=2, batch_overlap=1, replay_reversed=True)
    line = await client.open(session)
    batches = [(await line.next())["payload"]["events"] for _ in range(3)]
    assert [[e["sequence"] for e in batch] for batch in batches] == [[2, 1], [4, 3, 2], [5, 4]]


async def test_a_restated_start_can_have_an_id_of_its_own(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.configure(restated_id="new")
    (start,) = await replay(client, session, "5")
    assert (short(start), start["sequence"]) == ("SESSION_START", 1)
    assert start["id"] != session.journal[0].id


@pytest.mark.parametrize("overtakes", [False, True])
async def test_batches_come_with_time_between_them(
    http: aiohttp.ClientSession, overtakes: bool
) -> None:
    clock = FakeClock()
    async with still(clock) as polyai:
        client = Client(polyai, http)
        session, _ = await client.talk()
        polyai.configure(batch_size=3, batch_seconds=2, live_overtakes=overtakes)
        line = await client.open(session)
        polyai.agent_says(session.id, "live")
        await settled(session, "POLY_AGENT_MESSAGE", 2)
        await clock.advance(timedelta(seconds=4))
        seen = shorts([await line.next() for _ in range(3)])
        batches = ["EVENT_BATCH", "EVENT_BATCH"]
        said = ["POLY_AGENT_MESSAGE"]
        assert seen == (said + batches if overtakes else batches + said)


@pytest.mark.parametrize(
    ("how", "chunks", "wholes"), [("chunks", 5, 0), ("whole", 0, 1), ("both", 5, 1)]
)
async def test_a_streamed_answer_is_replayed_in_any_form(
    client: Client, how: str, chunks: int, wholes: int
) -> None:
    session, line = await client.talk(streaming=True)
    client.polyai.configure(replay_stream=how, copy_suffix="!")
    await streamed(client, session, line)
    if wholes:
        await settled(session, "POLY_AGENT_MESSAGE", 2)
    events = await replay(client, session, "6")
    told = [e["payload"] for e in events if short(e) == "POLY_AGENT_MESSAGE"]
    assert shorts(events).count("POLY_AGENT_MESSAGE_CHUNK") == chunks
    assert [whole["text"] for whole in told] == [ORDER + "!"] * wholes
    assert await line.quiet()


# -- streams ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "indices"), [(0, [0, 1, 2, 3, 4]), (1, [1, 2, 3, 4, 5]), (None, [None] * 5)]
)
async def test_chunks_are_counted_from_either_base_or_not(
    client: Client, base: int | None, indices: list[int | None]
) -> None:
    client.polyai.configure(chunk_base=base)
    session, line = await client.talk(streaming=True)
    chunks = await streamed(client, session, line)
    assert [chunk.get("chunk_index") for chunk in chunks] == indices


@pytest.mark.parametrize(
    ("where", "suggestions", "attachments"),
    [
        ("first", [2, 0, 0, 0, 0], [1, 0, 0, 0, 0]),
        ("every", [2, 2, 2, 2, 2], [1, 1, 1, 1, 1]),
        ("last", [0, 0, 0, 0, 2], [0, 0, 0, 0, 1]),
        ("spread", [1, 1, 0, 0, 0], [0, 0, 0, 0, 1]),
    ],
)
async def test_suggestions_sit_on_any_chunk(
    client: Client, where: str, suggestions: list[int], attachments: list[int]
) -> None:
    client.polyai.configure(extras_on=where)
    session, line = await client.talk(streaming=True)
    chunks = await streamed(client, session, line)
    assert [len(c.get("response_suggestions", [])) for c in chunks] == suggestions
    assert [len(c.get("attachments", [])) for c in chunks] == attachments


async def test_the_last_chunk_can_have_text_and_words_can_lack_their_spaces(
    client: Client,
) -> None:
    client.polyai.configure(empty_last_chunk=False, chunk_words=True)
    session, line = await client.talk(streaming=True)
    texts = [chunk["text"] for chunk in await streamed(client, session, line)]
    assert (len(texts), " ".join(texts), "".join(texts) == ORDER) == (4, ORDER, False)


async def test_the_whole_message_can_follow_its_chunks(client: Client) -> None:
    client.polyai.configure(copy_live=True)
    session, line = await client.talk(streaming=True)
    chunks = await streamed(client, session, line)
    whole = await line.next()
    assert (short(whole), whole["payload"]["text"]) == ("POLY_AGENT_MESSAGE", ORDER)
    assert whole["payload"]["message_id"] == chunks[0]["message_id"]
    assert "POLY_AGENT_MESSAGE" not in shorts(await replay(client, session, "6"))


# -- exchanges -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text"), [("same", " a \u00a0 b"), ("normalised", "a b"), ("empty", "")]
)
async def test_echoes_say_the_text_in_any_form(client: Client, form: str, text: str) -> None:
    client.polyai.configure(echo_text=form, echo_metadata=False)
    session, line = await client.talk()
    await line.say(" a \u00a0 b", local_id="u1")
    echo = await line.next()
    assert (echo["payload"]["text"], "metadata" in echo) == (text, False)
    assert session.accepted[0].text == " a \u00a0 b"


async def test_typing_may_be_echoed(client: Client) -> None:
    client.polyai.configure(typing_echoed=True)
    session, line = await client.talk()
    payload = {"state": "TYPING_STATE_STARTED"}
    await line.send({"type": "EVENT_TYPE_USER_TYPING", "payload": payload})
    echo = await line.next()
    assert (short(echo), echo["payload"], echo["sequence"]) == ("USER_TYPING", payload, None)
    assert len(session.journal) == 5


async def test_a_sixth_event_is_taken_if_allowed(client: Client) -> None:
    link = {"type": "EVENT_TYPE_LINK_TO_WEBRTC_CONVERSATION", "payload": {"call_sid": "x"}}
    _, line = await client.talk()
    await line.send(link)
    assert "not allowed" in (await line.next())["payload"]["message"]
    client.polyai.configure(link_allowed=True)
    await line.send(link)
    assert await line.quiet()


@pytest.mark.parametrize(
    ("reasons", "payload"),
    [
        ("documented", {"reason": "REASON_USER_END"}),
        ("informal", {"reason": "user_ended"}),
        ("null", {"reason": None}),
        ("absent", {}),
    ],
)
async def test_reasons_come_in_any_form(
    client: Client, reasons: str, payload: dict[str, Any]
) -> None:
    client.polyai.configure(reasons=reasons)
    _, line = await client.talk()
    await line.send({"type": "EVENT_TYPE_USER_END_SESSION", "payload": {}})
    assert (await line.until("SESSION_END"))[-1]["payload"] == payload


async def test_the_agent_may_return_when_the_live_agent_leaves(client: Client) -> None:
    client.polyai.configure(live_left_ends=False)
    session, line = await client.talk()
    await line.say("human")
    await settled(session, "LIVE_AGENT_MESSAGE")
    await line.say("that's all")
    await line.until("LIVE_AGENT_LEFT")
    await line.say("hello")
    assert (await line.until("POLY_AGENT_MESSAGE"))[-1]["payload"]["text"] == "You said: hello"


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("reason", {"reason", "queue_name"}),
        ("route", {"route"}),
        ("both", {"reason", "queue_name", "route"}),
    ],
)
async def test_a_handoff_the_client_must_manage_says_either(
    client: Client, form: str, names: set[str]
) -> None:
    client.polyai.configure(client_handoff=form)
    _, line = await client.talk()
    client.polyai.hand_off(steps=["triggered", "client_required", "agent_left"])
    _, required, left = [await line.next() for _ in range(3)]
    assert set(required["payload"]) == names
    assert short(left) == "POLY_AGENT_LEFT"


# -- sockets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("oversized", "code"), [("close", 1009), ("drop", None)])
async def test_what_is_too_large_closes_the_socket_or_vanishes(
    client: Client, oversized: str, code: int | None
) -> None:
    client.polyai.configure(oversized=oversized, size_limit=1000)
    session, line = await client.talk()
    await line.say("x" * 1000)
    if code is None:
        assert await line.quiet()
    else:
        assert await line.closed() == code
    assert (session.accepted, len(client.polyai.violations)) == ([], 1)


async def test_there_may_be_no_limit_of_size(client: Client) -> None:
    client.polyai.configure(size_limit=0)
    session, line = await client.talk()
    await line.say("x" * 200_000)
    await line.until("POLY_AGENT_MESSAGE")
    assert len(session.accepted) == 1


async def test_an_old_socket_is_closed(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with still(clock) as polyai:
        client = Client(polyai, http)
        polyai.configure(socket_seconds=7200)
        session = await client.session()
        line = await client.open(session)
        await line.next()
        for _ in range(13):
            await line.quiet()
            await clock.advance(timedelta(minutes=9))
        assert session.sockets
        await line.quiet()
        await clock.advance(timedelta(minutes=3))
        assert await line.closed() == 1001
        assert session.ended is None


@pytest.mark.parametrize(("counts", "ended"), [("frames", False), ("messages", True)])
async def test_heartbeats_keep_a_session_or_do_not(
    http: aiohttp.ClientSession, counts: str, ended: bool
) -> None:
    clock = FakeClock()
    async with still(clock) as polyai:
        client = Client(polyai, http)
        polyai.configure(idle_counts=counts)
        session, line = await client.talk()
        for _ in range(4):
            await clock.advance(timedelta(minutes=4))
            if session.ended is None:
                await line.quiet()
        assert (session.ended is not None) is ended


async def test_idleness_can_end_without_a_word(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with still(clock) as polyai:
        client = Client(polyai, http)
        polyai.configure(idle_ends="close")
        session, line = await client.talk()
        await clock.advance(timedelta(minutes=10))
        assert await line.closed() == 1001
        assert (session.ended, session.gone) == (None, True)
