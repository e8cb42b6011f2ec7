"""What can the simulated PolyAI say of its own accord? Any frame, well formed or not."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from bridge.simulators import polyai_catalogue as catalogue
from bridge.simulators import polyai_frames as frames
from bridge.simulators import polyai_replay
from bridge.simulators.polyai_agent import Act, Emit, End, Pause, Say
from bridge.simulators.polyai_frames import PREFIX, Json
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.polyai_steering import Steering


class FrameVerbs(Steering):
    """Frames said now; `session_id` None is every session."""

    def raise_event(
        self,
        session_id: str | None,
        type: str,  # noqa: A002 - the name it has on the wire
        payload: Json | None = None,
        *,
        fields: Json | None = None,
        omit: Sequence[str] = (),
        metadata: Json | None = None,
        journaled: bool = True,
        in_batch: bool = False,
        times: int = 1,
    ) -> None:
        """Any event with any identity, `times` in a row, each a frame or all in one batch.

        `fields` are laid over the frame (`{"id": "", "sequence": null}`), `omit` are left out.
        """
        kind = type if type.startswith(PREFIX) else PREFIX + type
        for session in self._chosen(session_id):
            if journaled:
                text = session.encoded(
                    session.write(kind, payload or {}, metadata, fields=fields, omit=omit)
                )
            else:
                event = session.transient(kind, payload or {}, metadata) | (fields or {})
                text = frames.encode({k: v for k, v in event.items() if k not in omit})
            if in_batch:
                session.post(polyai_replay.batch([json.loads(text)] * times))
                continue
            for _ in range(times):
                session.post(text)

    def raise_batch(
        self, session_id: str | None, events: Sequence[object] = (), *, times: int = 1
    ) -> None:
        """A batch frame of exactly these events, unasked; it may be empty."""
        for session in self._chosen(session_id):
            for _ in range(times):
                session.post(polyai_replay.batch(events))

    def repeat_history(
        self, session_id: str | None = None, after: int = 0, *, times: int = 1
    ) -> None:
        """The journal `after` a sequence once more on the open sockets, unasked."""
        for session in self._chosen(session_id):
            batches = polyai_replay.history(
                session.journal,
                after=after,
                options=self._stage.options,
                new_id=self._stage.uuid(),
            )
            for text in batches * times:
                session.post(text)

    def send_malformed(self, session_id: str | None = None, kind: str | None = None) -> None:
        """A frame no service should send, by its name in `MALFORMED`; without one, each of them.

        Raises:
            LookupError: there is no such kind.
        """
        chosen = catalogue.MALFORMED.values() if kind is None else [catalogue.MALFORMED[kind]]
        for session in self._chosen(session_id):
            for frame in chosen:
                session.post(frame)

    def restate_message(
        self,
        session_id: str | None = None,
        changes: Json | None = None,
        *,
        fields: Json | None = None,
        journaled: bool = True,
    ) -> None:
        """The agent's newest message whole, under its own message id but a new event id.

        What was streamed is put together; `changes` are laid over the payload: other text, an
        attachment that comes late.

        Raises:
            LookupError: the agent has said nothing.
        """
        for session in self._chosen(session_id):
            kind, payload = _newest(session)
            payload = payload | (changes or {})
            self.raise_event(session.id, kind, payload, fields=fields, journaled=journaled)

    def stream_chunks(
        self,
        session_id: str | None,
        chunks: Sequence[str | Json],
        *,
        message_id: str = "streamed",
        omit: Sequence[str] = (),
        journaled: bool = True,
    ) -> None:
        """Chunks of a message, now and in this order; more of it may follow by its id.

        A text has the next index and is not the last; an object is laid over that
        (`{"chunk_index": 3, "is_complete": true}`). `omit` are left out of each payload.
        """
        for session in self._chosen(session_id):
            for chunk in chunks:
                said: Json = {"message_id": message_id, "text": "", "is_complete": False}
                said |= self._next_index(session, message_id)
                said |= {"text": chunk} if isinstance(chunk, str) else chunk
                payload = {name: value for name, value in said.items() if name not in omit}
                self.raise_event(session.id, frames.CHUNK, payload, journaled=journaled)

    def complain(
        self,
        session_id: str | None,
        name: str,
        *,
        level: str | None = None,
        custom: dict[str, str] | None = None,
        own_custom: bool = False,
        journaled: bool = False,
        ends: bool = False,
    ) -> None:
        """A system message by its name in `SYSTEM_TEXTS`, perhaps followed by SESSION_END.

        `own_custom`: with the custom map of the client's newest message.

        Raises:
            LookupError: there is no such system message.
        """
        if name not in catalogue.SYSTEM_TEXTS:
            known = ", ".join(catalogue.SYSTEM_TEXTS)
            raise LookupError(f"the system message {name}; known are: {known}")
        usual, text = catalogue.SYSTEM_TEXTS[name]
        said = usual if level is None else f"SYSTEM_MESSAGE_LEVEL_{level.upper()}"
        for session in self._chosen(session_id):
            echoed = _newest_custom(session) if own_custom else custom
            metadata: Json | None = None if echoed is None else {"custom": echoed}
            speak = session.publish if journaled else session.whisper
            speak(frames.SYSTEM_MESSAGE, {"level": said, "message": text}, metadata)
            if ends:
                session.end("REASON_NATURAL_END")

    def hand_off(
        self,
        session_id: str | None = None,
        steps: Iterable[str | Sequence[object]] = catalogue.LADDER,
        *,
        pace: float = 0.0,
    ) -> None:
        """Steps of a handoff, `pace` seconds apart, after what the agent does now.

        A step is a name in `HANDOFF_STEPS`, or such a name with what is laid over its payload;
        `end` ends the session, `["wait", seconds]` waits.

        Raises:
            LookupError: there is no such step.
            TypeError: it is no step at all.
            ValueError: what stands beside its name does not fit it.
        """
        told = catalogue.read_steps(steps)
        for session in self._chosen(session_id):
            acts = [self._step(name, given) for name, given in told]
            pause = Pause(timedelta(seconds=pace))
            session.perform([act for step in acts for act in (step, pause)])

    def say_goodbye(
        self,
        session_id: str | None = None,
        text: str = "Goodbye.",
        *,
        end_after: float | None = 0.2,
        reason: str | None = "REASON_NATURAL_END",
        streamed: bool = False,
    ) -> None:
        """A message with `end_conversation`, and SESSION_END so much later, or (None) never."""
        said = Say(text, streamed=streamed, more={"end_conversation": True})
        acts: list[Act] = [said]
        if end_after is not None:
            acts += [Pause(timedelta(seconds=end_after)), End(reason)]
        for session in self._chosen(session_id):
            session.perform(acts)

    def someone_else_says(
        self, session_id: str | None, text: str, *, custom: dict[str, str] | None = None
    ) -> None:
        """Another client of the session sends a message: journaled, echoed to all, answered."""
        for session in self._chosen(session_id):
            session.take_message(text, custom)

    def _next_index(self, session: SimulatedSession, message_id: str) -> Json:
        base = self._stage.options.chunk_base
        if base is None:
            return {}
        mine = [
            frame for frame in session.journal if _is_chunk(frame.type, frame.payload, message_id)
        ]
        return {"chunk_index": base + len(mine)}

    def _step(self, name: str, given: Any) -> Act:  # noqa: ANN401 - as `read_steps` has it
        if name == "end":
            return End()
        if name == "wait":
            return Pause(timedelta(seconds=given))
        kind, payload, transient = catalogue.HANDOFF_STEPS[name]
        if kind == frames.CLIENT_HANDOFF:
            payload = catalogue.CLIENT_HANDOFF_PAYLOADS[self._stage.options.client_handoff]
        if kind == frames.LIVE_MESSAGE:
            payload = {"message_id": self._stage.uuid()} | payload
        return Emit(kind, payload | given, transient)


#: The verbs of this module.
VERBS = frozenset(name for name in vars(FrameVerbs) if not name.startswith("_"))


def _is_chunk(kind: str, payload: Json, message_id: str) -> bool:
    return kind == frames.CHUNK and payload.get("message_id") == message_id


def _newest(session: SimulatedSession) -> tuple[str, Json]:
    """The type and payload of what an agent said last, whole."""
    for frame in reversed(session.journal):
        if frame.type in (frames.MESSAGE, frames.LIVE_MESSAGE):
            return frame.type, frame.payload
        if frame.type == frames.CHUNK:
            return frames.MESSAGE, _assembled(session, str(frame.payload.get("message_id")))
    raise LookupError("the agent has said nothing")


def _assembled(session: SimulatedSession, message_id: str) -> Json:
    chunks = [f.payload for f in session.journal if _is_chunk(f.type, f.payload, message_id)]
    chunks.sort(key=lambda chunk: int(chunk.get("chunk_index", 0)))
    whole: Json = {"message_id": message_id, "text": "".join(c.get("text") or "" for c in chunks)}
    for name in ("attachments", "response_suggestions"):
        if listed := [each for chunk in chunks for each in chunk.get(name) or []]:
            whole[name] = listed
    return whole


def _newest_custom(session: SimulatedSession) -> dict[str, str] | None:
    """The custom map of the client's newest message, taken or not."""
    for heard in reversed(session.record.frames):
        if heard.type == frames.USER_MESSAGE:
            custom: dict[str, str] | None = json.loads(heard.raw).get("metadata", {}).get("custom")
            return custom
    return None
