"""What does a new socket hear first? The journal after its cursor, in batch frames."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.simulators import polyai_dress
from bridge.simulators.polyai_frames import (
    EVENT_BATCH,
    PREFIX,
    SESSION_START,
    JournaledFrame,
    Json,
    encode,
)
from bridge.simulators.polyai_options import CursorMode, Options

_CURSORS: dict[CursorMode, re.Pattern[str]] = {
    "plain": re.compile(r"(?:seq:)?([0-9]+)"),
    "lenient": re.compile(r"(?:seq:)?([0-9]+)"),
    "seq_only": re.compile(r"seq:([0-9]+)"),
    "plain_only": re.compile(r"([0-9]+)"),
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """From where to replay: `after` this sequence, 0 for all of it; `bad`: it was no cursor."""

    after: int
    bad: bool = False


def read_cursor(raw: str | None, mode: CursorMode) -> Cursor:
    """What a cursor means.

    PolyAI's documents disagree over time (reference §4.2), hence the modes: `plain` and `lenient`
    take `12` and `seq:12`; `plain_only` and `seq_only` one form each.
    """
    if raw is None:
        return Cursor(0)
    found = _CURSORS[mode].fullmatch(raw)
    return Cursor(int(found[1])) if found is not None else Cursor(0, bad=True)


def history(
    journal: Sequence[JournaledFrame], *, after: int, options: Options, new_id: str
) -> list[str]:
    """The replay as batch frames; always at least one, empty if there is nothing to tell.

    `new_id` is for a restated SESSION_START that is to have its own.
    """
    told = _told(journal, options)
    chosen = [frame for frame in told if frame.sequence > after]
    events = [_replayed(frame, options) for frame in chosen]
    if options.restate_start and journal and (not chosen or chosen[0].type != SESSION_START):
        start = _replayed(journal[0], options)
        events.insert(0, start | ({"id": new_id} if options.restated_id == "new" else {}))
    starts = range(0, max(1, len(events)), options.batch_size)
    cuts = [slice(max(0, s - options.batch_overlap), s + options.batch_size) for s in starts]
    order = -1 if options.replay_reversed else 1
    return [batch(events[cut][::order]) for cut in cuts]


def batch(events: Sequence[object]) -> str:
    """A batch frame of these events, whatever they are."""
    return encode({"type": EVENT_BATCH, "payload": {"events": list(events)}})


def _told(journal: Sequence[JournaledFrame], options: Options) -> list[JournaledFrame]:
    """The journal with streamed messages in the form the options ask for."""
    if options.replay_stream == "both":
        return list(journal)
    if options.replay_stream == "chunks":
        return [frame for frame in journal if frame.role != "copy"]
    whole = {frame.payload["message_id"] for frame in journal if frame.role == "copy"}
    return [f for f in journal if f.role != "chunk" or f.payload["message_id"] not in whole]


def _replayed(frame: JournaledFrame, options: Options) -> Json:
    event = polyai_dress.journaled(frame, options)
    if options.oneof_bodies and "payload" in event:
        # The body sits under its protobuf oneof name (reference §5).
        event[frame.type.removeprefix(PREFIX).lower()] = event.pop("payload")
    if not options.replay_metadata:
        event.pop("metadata", None)
    return event
