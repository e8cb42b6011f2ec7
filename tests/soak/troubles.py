"""Which verb of the simulated PolyAI is called how, and what may it cost? One row for each.

A cost is a licence for the session it befell and no other: whatever it does not name must be as if
nothing had happened. Most verbs cost nothing at all.
"""

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass

from bridge.simulators.polyai import PolyAISimulator


class Cost(enum.Flag):
    """What the protocol allows to be lost or repeated in one session."""

    NOTHING = 0
    #: The session is gone without a word: what its agent said last may be shown in part or not at
    #: all, and what it received may be told once more to the next session.
    SESSION = enum.auto()
    #: The agent is asked to join again and may greet again.
    JOIN = enum.auto()
    #: A message of the agent's never ends, or ends so late that another overtakes it.
    ANSWER = enum.auto()
    #: A person's message is received and refused, in PolyAI's own words.
    REFUSAL = enum.auto()
    #: PolyAI's copy of a message has other words. Where it has lost our metadata as well, nothing
    #: tells that it is a copy, and the message is sent again: it may be accepted more than once.
    RECEIPT = enum.auto()
    #: Once the session has ended, its history may not come; what was said in its last moments and
    #: was still held for its order is then known to nobody.
    ENDING = enum.auto()


Call = Callable[[PolyAISimulator, str, random.Random], object]


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a verb is called, with a session and a die; what that may cost the session."""

    call: Call
    cost: Cost = Cost.NOTHING


#: Readings of the contract that may be turned while sessions are open; each is turned back later.
OPTIONS: dict[str, tuple[object, ...]] = {
    "batch_size": (1, 3, 50),
    "batch_overlap": (0, 2),
    "batch_seconds": (0.0, 0.1),
    "restated_id": ("same", "new"),
    "replay_reversed": (True, False),
    "replay_stream": ("chunks", "whole", "both"),
    "oneof_bodies": (True, False),
    "numbers": ("int", "string", "float"),
    "omit_defaults": (True, False),
    "agent_form": ("documented", "nested", "flat", "both"),
    "aliases": (True, False),
    "timestamps": ("utc", "offset", "micro", "tenth", "bad"),
    "thinking_journaled": (True, False),
    "bare_heartbeats": (True, False),
    "sequence_step": (1, 2, 5),
    "error_shape": ("flat", "nested", "message", "plain", "html"),
    "error_words": ("docs", "sdk"),
    "rest_names": ("snake", "camel", "id"),
    "heartbeat_seconds": (10, 30, 60),
    "echo_text": ("same", "normalised"),
    "reasons": ("documented", "informal", "null", "absent"),
    "client_handoff": ("reason", "route", "both"),
    "chunk_base": (0, 1, None),
    "extras_on": ("first", "every", "last", "spread"),
    "empty_last_chunk": (True, False),
    "copy_live": (True, False),
}


def _options(polyai: PolyAISimulator, chance: random.Random) -> None:
    name = chance.choice(list(OPTIONS))
    polyai.configure(**{name: chance.choice(OPTIONS[name])})


def _unended(polyai: PolyAISimulator, session: str) -> bool:
    return not polyai.sessions[session].over


def _restate(polyai: PolyAISimulator, session: str) -> None:
    """Nothing to restate if the agent has said nothing yet."""
    if polyai.sessions[session].greetings and _unended(polyai, session):
        polyai.restate_message(session)


def _chunks(polyai: PolyAISimulator, session: str, chance: random.Random) -> None:
    if _unended(polyai, session):
        name = f"c{chance.randrange(10**9)}"
        last = {"is_complete": True}
        polyai.stream_chunks(session, [f"{name} by", " hand", last], message_id=name)


def _speak(polyai: PolyAISimulator, session: str, chance: random.Random, *, streamed: bool) -> None:
    if _unended(polyai, session):
        polyai.agent_says(session, f"c{chance.randrange(10**9)} unasked", streamed=streamed)


def _elsewhere(polyai: PolyAISimulator, session: str, chance: random.Random) -> None:
    if _unended(polyai, session):
        polyai.someone_else_says(session, f"c{chance.randrange(10**9)} from elsewhere")


#: What PolyAI may complain of, and what follows from it.
COMPLAINTS: dict[str, Cost] = {
    "bad_format": Cost.NOTHING,
    "not_allowed": Cost.NOTHING,
    "high_load": Cost.NOTHING,
    "cannot_start": Cost.JOIN | Cost.SESSION,
    "turn_failed": Cost.NOTHING,
    "stream_failed": Cost.ANSWER,
    "session_not_found": Cost.SESSION,
    "session_unavailable": Cost.SESSION,
    "no_connector": Cost.SESSION,
    "no_conversation": Cost.JOIN | Cost.SESSION,
    "no_conversation_id": Cost.JOIN | Cost.SESSION,
    "no_agent": Cost.NOTHING,
    "not_forwarded": Cost.NOTHING,
    "no_handoff": Cost.NOTHING,
    "unknown_info": Cost.NOTHING,
    "unknown_warning": Cost.NOTHING,
    "unknown_error": Cost.NOTHING,
}


def _complaint(*, costing: bool) -> Call:
    names = [name for name, cost in COMPLAINTS.items() if bool(cost) == costing]
    return lambda p, s, c: p.complain(s, c.choice(names))


#: Each verb, in one or more ways. A new verb of the simulator must get a row here.
TROUBLES: dict[str, tuple[Trouble, ...]] = {
    # messages
    "lose_echo": (Trouble(lambda p, s, c: p.lose_echo(1, s)),),
    "swallow_messages": (Trouble(lambda p, s, c: p.swallow_messages(1, s)),),
    "echo_without_metadata": (Trouble(lambda p, s, c: p.echo_without_metadata(1, s)),),
    "lose_metadata_in_replay": (
        Trouble(lambda p, s, c: p.lose_metadata_in_replay(c.random() < 0.5)),
    ),
    "forget_conversation": (
        Trouble(lambda p, s, c: p.forget_conversation(s), Cost.JOIN | Cost.SESSION),
    ),
    "delay_echo": (Trouble(lambda p, s, c: p.delay_echo(c.uniform(1, 20), 1, s)),),
    "alter_echo": (Trouble(lambda p, s, c: p.alter_echo("something else", 1, s), Cost.RECEIPT),),
    "refuse_messages": (
        Trouble(lambda p, s, c: p.refuse_messages("turn_failed", 1, s), Cost.REFUSAL),
        Trouble(lambda p, s, c: p.refuse_messages("turn_failed", 1, s, accepted=True)),
    ),
    # joins and answers
    "spoil_join": (
        Trouble(
            lambda p, s, c: p.spoil_join(c.choice(["ignore", "echo_only", "refuse"]), 1, s),
            Cost.JOIN,
        ),
        Trouble(lambda p, s, c: p.spoil_join("joined_twice", 1, s)),
        Trouble(lambda p, s, c: p.spoil_join("no_greeting", 1, s)),
    ),
    "spoil_stream": (
        Trouble(lambda p, s, c: p.spoil_stream(2, "stall", c.uniform(1, 40), 1, s)),
        Trouble(
            lambda p, s, c: p.spoil_stream(2, "stall", c.choice([90, None]), 1, s), Cost.ANSWER
        ),
        Trouble(lambda p, s, c: p.spoil_stream(2, "break", None, 1, s), Cost.ANSWER),
    ),
    # sockets
    "drop_sockets": (
        Trouble(lambda p, s, c: p.drop_sockets(s, c.choice([None, 1001, 1006, 1011, 1012, 408]))),
    ),
    "drop_after_next_message": (
        Trouble(
            lambda p, s, c: p.drop_after_next_message(
                before_echo=c.random() < 0.5, accepted=c.random() < 0.5, session_id=s
            )
        ),
    ),
    "drop_after_chunks": (Trouble(lambda p, s, c: p.drop_after_chunks(c.randint(1, 4), s)),),
    "close_cleanly": (
        Trouble(lambda p, s, c: p.close_cleanly(s), Cost.SESSION),
        Trouble(lambda p, s, c: p.close_cleanly(s, gone=False), Cost.SESSION),
    ),
    "freeze_sockets": (Trouble(lambda p, s, c: p.freeze_sockets(s, c.choice([2.0, 20.0, None]))),),
    "drop_opened": (
        Trouble(
            lambda p, s, c: p.drop_opened(
                c.randint(1, 2), c.choice([None, 1001, 1011]), s, after_history=c.random() < 0.5
            )
        ),
    ),
    "delay_history": (
        Trouble(lambda p, s, c: p.delay_history(c.choice([0.5, 3.0, None]), 1, s), Cost.ENDING),
    ),
    "silent_handshakes": (Trouble(lambda p, s, c: p.silent_handshakes(1, s), Cost.ENDING),),
    "lose_heartbeats": (Trouble(lambda p, s, c: p.lose_heartbeats(c.randint(1, 4), s)),),
    # frames
    "repeat_frames": (Trouble(lambda p, s, c: p.repeat_frames(c.randint(1, 5), s)),),
    "reorder_next": (Trouble(lambda p, s, c: p.reorder_next(s)),),
    "overlap_replay": (Trouble(lambda p, s, c: p.overlap_replay(c.randint(1, 10), s)),),
    "repeat_history": (Trouble(lambda p, s, c: p.repeat_history(s)),),
    "skip_sequences": (Trouble(lambda p, s, c: p.skip_sequences(c.randint(1, 3), s)),),
    "send_raw": (
        Trouble(lambda p, s, c: p.send_raw(s, c.choice(["", "{", "[]", "\x00", '{"type": 3}']))),
    ),
    "send_malformed": (Trouble(lambda p, s, c: p.send_malformed(s)),),
    "emit": (Trouble(lambda p, s, c: p.emit(s, "POLY_AGENT_THINKING", transient=True)),),
    "raise_event": (
        Trouble(lambda p, s, c: p.raise_event(s, "LANGUAGE_CHANGED", {"language_code": "de"})),
    ),
    "raise_batch": (Trouble(lambda p, s, c: p.raise_batch(s, [], times=2)),),
    "restate_message": (Trouble(lambda p, s, c: _restate(p, s)),),
    "stream_chunks": (Trouble(_chunks),),
    "agent_says": (
        Trouble(lambda p, s, c: _speak(p, s, c, streamed=False)),
        Trouble(lambda p, s, c: _speak(p, s, c, streamed=True)),
    ),
    "someone_else_says": (Trouble(_elsewhere),),
    "system_message": (
        Trouble(lambda p, s, c: p.system_message(s, c.choice(["info", "warning"]), "The weather.")),
    ),
    "complain": (
        Trouble(_complaint(costing=False)),
        Trouble(_complaint(costing=True), Cost.JOIN | Cost.SESSION | Cost.ANSWER),
    ),
    "hand_off": (Trouble(lambda p, s, c: p.hand_off(s, pace=0.5)),),
    # ends
    "say_goodbye": (
        Trouble(lambda p, s, c: p.say_goodbye(s, f"c{c.randrange(10**9)} bye"), Cost.ANSWER),
    ),
    "end_session": (Trouble(lambda p, s, c: p.end_session(s), Cost.ANSWER),),
    "expire_session": (Trouble(lambda p, s, c: p.expire_session(s), Cost.SESSION),),
    "expire_tokens": (Trouble(lambda p, s, c: p.expire_tokens(s), Cost.SESSION),),
    # calls
    "refuse_tokens": (
        Trouble(lambda p, s, c: p.refuse_tokens(c.choice([429, 500, 503]), retry_after=3)),
    ),
    "refuse_sessions": (Trouble(lambda p, s, c: p.refuse_sessions(c.choice([429, 500, 503]), 2)),),
    "refuse_handshakes": (
        Trouble(lambda p, s, c: p.refuse_handshakes(c.choice([429, 500, 503]), session_id=s)),
        Trouble(
            lambda p, s, c: p.refuse_handshakes(c.choice([401, 404]), session_id=s), Cost.SESSION
        ),
    ),
    "refuse": (
        Trouble(lambda p, s, c: p.refuse(None, c.choice([429, 502, 503]), c.randint(1, 6))),
    ),
    "answer_slowly": (
        Trouble(lambda p, s, c: p.answer_slowly(None, c.choice([0.5, 5.0, 40.0]), 2)),
    ),
    "hang_up": (Trouble(lambda p, s, c: p.hang_up(None, c.randint(1, 3))),),
    "lose_responses": (Trouble(lambda p, s, c: p.lose_responses(1)),),
    "refuse_connections": (
        Trouble(
            lambda p, s, c: p.refuse_connections(c.uniform(1, 30), c.choice(["refused", "reset"]))
        ),
    ),
    # the simulator
    "configure": (Trouble(lambda p, s, c: _options(p, c)),),
    "heal": (Trouble(lambda p, s, c: p.heal()),),
}
