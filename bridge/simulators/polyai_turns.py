"""How does a plan of the agent's become frames? One act after the other, at the clock's pace."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.simulators import polyai_catalogue as catalogue
from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import Act, Emit, End, Party, Pause, Say, chunked
from bridge.simulators.polyai_faults import FaultKind
from bridge.simulators.polyai_frames import JournaledFrame, Json
from bridge.simulators.polyai_journal import Journal


async def converse(session: Journal, *, streaming: bool) -> None:
    """Do and answer what is in `session.turns` until None comes."""
    stage = session.stage
    while (turn := await session.turns.get()) is not None:
        if isinstance(turn, str):
            party = party_of(session, streaming=streaming)
            turn = stage.agent.answer(party, turn)
        for act in turn:
            if not session.over:
                await _perform(session, act, streaming=streaming)


def party_of(session: Journal, *, streaming: bool) -> Party:
    """With whom the agent speaks now."""
    left_ends = session.stage.options.live_left_ends
    return Party(streaming=streaming, live=session.live, left_ends=left_ends)


def normalised(text: str) -> str:
    """A text as a service might tidy it: NFKC, single spaces, trimmed."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


async def _perform(session: Journal, act: Act, *, streaming: bool) -> None:
    stage = session.stage
    match act:
        case Pause(duration):
            await stage.clock.sleep(stage.streaming_pace if duration is None else duration)
        case End(reason):
            session.end(reason)
        case Emit(kind, payload, transient):
            quiet = kind == frames.THINKING and not stage.options.thinking_journaled
            (session.whisper if transient or quiet else session.publish)(kind, payload)
        case Say():
            await _say(session, act, streaming=streaming)


async def _say(session: Journal, said: Say, *, streaming: bool) -> None:
    body: Json = {"message_id": session.stage.uuid()}
    if said.agent_id is not None:
        body |= {"agent_id": said.agent_id, "text": said.text}
        session.publish(frames.LIVE_MESSAGE, body | _extras(said) | said.more)
    elif said.streamed and streaming:
        await _stream(session, said, body | _named(said.more))
    else:
        session.publish(frames.MESSAGE, body | {"text": said.text} | _extras(said) | said.more)


def _named(more: Json) -> Json:
    return {"message_id": more["message_id"]} if "message_id" in more else {}


def _extras(said: Say) -> Json:
    extras: Json = {}
    if said.attachments:
        extras["attachments"] = list(said.attachments)
    if said.suggestions:
        extras["response_suggestions"] = [{"message_text": s} for s in said.suggestions]
    return extras


async def _stream(session: Journal, said: Say, body: Json) -> None:
    """The chunks of a message, spoiled if that is planned, and perhaps the whole after them."""
    stage = session.stage
    spoiled = stage.faults.take(FaultKind.SPOIL_STREAM, session.id)
    chunks = _chunks(session, said)
    for place, chunk in enumerate(chunks):
        if spoiled is not None and place == spoiled.events:
            if spoiled.how == "break":
                level, text = catalogue.SYSTEM_TEXTS["stream_failed"]
                return session.whisper(frames.SYSTEM_MESSAGE, {"level": level, "message": text})
            if spoiled.seconds is None:
                return None
            await stage.clock.sleep(timedelta(seconds=spoiled.seconds))
        if place:
            await stage.clock.sleep(stage.streaming_pace)
        if session.over:
            return None
        session.publish(frames.CHUNK, body | chunk)
    if stage.options.replay_stream != "chunks" or stage.options.copy_live:
        _copy(session, said, body)
    return None


def _copy(session: Journal, said: Say, body: Json) -> None:
    """The whole message of a finished stream, journaled beside its chunks."""
    options = session.stage.options
    whole = body | {"text": said.text + options.copy_suffix} | _extras(said) | said.more
    frame = session.write(frames.MESSAGE, whole)

    def role_of(each: JournaledFrame) -> JournaledFrame:
        if each.id == frame.id:
            return replace(each, role="copy")
        mine = each.type == frames.CHUNK and each.payload["message_id"] == body["message_id"]
        return replace(each, role="chunk") if mine else each

    session.journal[:] = map(role_of, session.journal)
    if options.copy_live:
        session.show(frame)


def _chunks(session: Journal, said: Say) -> Sequence[Json]:
    """The payloads of a stream's chunks, without the message id."""
    options = session.stage.options
    texts = _pieces(said.text, words=options.chunk_words)
    if options.empty_last_chunk:
        texts.append("")
    chunks: list[Json] = []
    for place, text in enumerate(texts):
        chunk: Json = {"text": text, "is_complete": place == len(texts) - 1}
        if options.chunk_base is not None:
            chunk["chunk_index"] = options.chunk_base + place
        chunks.append(chunk | _extras_of(said, place, len(texts), options.extras_on))
    chunks[-1] |= said.more
    return chunks


def _pieces(text: str, *, words: bool) -> list[str]:
    if not words:
        return chunked(text)
    parts = text.split(" ")
    size = max(1, -(-len(parts) // 4))
    return [" ".join(parts[start : start + size]) for start in range(0, len(parts), size)]


def _extras_of(said: Say, place: int, count: int, where: str) -> Json:
    """What the chunk at `place` of `count` carries besides its text."""
    last = place == count - 1
    if where == "spread":
        share = said.suggestions[place:] if last else said.suggestions[place : place + 1]
        attachments = said.attachments if last else ()
        return _extras(replace(said, suggestions=share, attachments=attachments))
    here = where == "every" or (where == "first" and place == 0) or (where == "last" and last)
    return _extras(said) if here else {}
