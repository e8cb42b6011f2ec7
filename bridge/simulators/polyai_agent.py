"""What does the simulated agent say? Ava answers by rule, Sam takes over; both are deterministic.

An agent is a pure function from what was said to a plan of acts; the session performs them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_frames import Json

AVA_PICTURE = "https://demo.example/ava.png"
SAM_ID = "live-sam"
SAM_PICTURE = "https://demo.example/sam.png"
QUEUE = "Front desk"

GREETING = "Hello, I am Ava. How can I help you today?"
GREETING_SUGGESTIONS = ("Track my order", "Opening hours", "Talk to a person")
HOURS = (
    "We are <b>open</b>:<br><ul><li>Monday to Friday: 9 to 18</li>"
    "<li>Saturday: 10 to 16</li></ul>\n"
    "**Closed** on Sundays. See [all our shops](https://demo.example/shops?from=chat&lang=en)."
)
ORDER_QUESTION = "Of course. What is the *order number*?"
ORDER_SUGGESTIONS = ("1234", "I do not have it")
HANDOFF_LINE = "I will find a person for you. One moment, please."
SAM_HELLO = "Hi, this is Sam. What can I do for you?"
FAREWELL = "Goodbye, and thank you for asking."
HOSTILE = (
    "<!channel> <@U123> <https://evil.example|https://demo.example> &lt;!here&gt; "
    "[click me](javascript:alert(1)) <a href=\"javascript:alert('2')\">or me</a>"
)
SLOW_ANSWER = "Thank you for waiting."
LONG_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Say:
    """A message; in pieces where `streamed` and the session streams. `agent_id`: a live agent's."""

    text: str
    suggestions: tuple[str, ...] = ()
    attachments: tuple[Json, ...] = ()
    streamed: bool = False
    agent_id: str | None = None
    more: Json = field(default_factory=dict)  #: further fields of the message, or of its last chunk


@dataclass(frozen=True, slots=True)
class Emit:
    """Any other frame; a `transient` one has no sequence and is not journaled."""

    type: str
    payload: Json = field(default_factory=dict)
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; for as long as the simulator waits between two chunks where no duration is given."""

    duration: timedelta | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The session ends; without a reason, or (None) for no reason at all."""

    reason: str | None = "REASON_NATURAL_END"


Act = Say | Emit | Pause | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """With whom the agent speaks: whether the session streams, and whether Sam has taken over.

    `left_ends`: the session ends when Sam leaves; otherwise Ava takes over again.
    """

    streaming: bool
    live: bool
    left_ends: bool = True


class Agent(Protocol):
    """Whoever answers in a session."""

    def greet(self, party: Party) -> Sequence[Act]:
        """What follows a join, after the agent is announced."""
        ...

    def answer(self, party: Party, text: str) -> Sequence[Act]:
        """What follows a message of the person."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAgent:
    """Ava, and Sam after a handoff.

    `slow_pace` is how long Ava thinks over "slow", `handoff_pace` the time between two steps of a
    handoff; with `stream_all` every reply of Ava's is streamed in a session that streams.
    """

    slow_pace: timedelta = timedelta(seconds=3)
    handoff_pace: timedelta = timedelta(milliseconds=200)
    stream_all: bool = False

    def greet(self, party: Party) -> Sequence[Act]:
        """Ava comes in and offers what she can do."""
        del party
        joined = Emit(frames.JOINED, {"agent_name": "Ava", "agent_avatar_url": AVA_PICTURE})
        return self._told([joined, *_reply(GREETING, suggestions=GREETING_SUGGESTIONS)])

    def answer(self, party: Party, text: str) -> Sequence[Act]:
        """The first rule that fits; else Ava repeats what she heard."""
        if party.live:
            return _sam(text, left_ends=party.left_ends)
        for pattern, rule in _RULES:
            if found := pattern.search(text):
                return self._told(rule(self, found))
        return self._told(_reply(f"You said: {text}"))

    def _told(self, acts: Sequence[Act]) -> Sequence[Act]:
        if not self.stream_all:
            return acts
        return [
            replace(act, streamed=True) if isinstance(act, Say) and act.agent_id is None else act
            for act in acts
        ]


_Rule = Callable[[RuleAgent, re.Match[str]], Sequence[Act]]


def _reply(
    text: str,
    *,
    suggestions: tuple[str, ...] = (),
    attachments: tuple[Json, ...] = (),
    streamed: bool = False,
) -> list[Act]:
    said = Say(text, suggestions, attachments, streamed=streamed)
    return [Emit(frames.THINKING), Pause(), said]


def _say(agent: RuleAgent, found: re.Match[str]) -> Sequence[Act]:
    del agent
    return _reply(found[1])


def _count(agent: RuleAgent, found: re.Match[str]) -> Sequence[Act]:
    del agent
    return [act for n in range(1, int(found[1]) + 1) for act in _reply(f"Message {n}")]


def _order(agent: RuleAgent, found: re.Match[str]) -> Sequence[Act]:
    del agent
    return _reply(
        f"Order {found[1]} left our warehouse yesterday and arrives **tomorrow** by noon.",
        suggestions=("Change the address", "Talk to a person"),
        attachments=(_tracking(found[1]),),
        streamed=True,
    )


def _hand_off(agent: RuleAgent, found: re.Match[str]) -> Sequence[Act]:
    del found
    ladder = (
        Emit(frames.HANDOFF_TRIGGERED),
        Emit(frames.AGENT_LEFT),
        Emit(frames.HANDOFF_ACCEPTED, {"queue_name": QUEUE}),
        *(Emit(frames.QUEUE_STATUS, _queue(position)) for position in (3, 2, 1)),
        Emit(frames.LIVE_JOINED, _SAM_JOINED),
    )
    paced = [act for step in ladder for act in (step, Pause(agent.handoff_pace))]
    return [*_reply(HANDOFF_LINE), *paced, *_sam_says(SAM_HELLO)]


def _slow(agent: RuleAgent, found: re.Match[str]) -> Sequence[Act]:
    del found
    thinking, _, said = _reply(SLOW_ANSWER)
    return [thinking, Pause(agent.slow_pace), said]


def _always(acts: Sequence[Act]) -> _Rule:
    return lambda _agent, _found: acts


def _sam(text: str, *, left_ends: bool) -> Sequence[Act]:
    if re.search(r"\bthat('s| is) all\b", text, re.IGNORECASE):
        left = Emit(frames.LIVE_LEFT, {"agent_id": SAM_ID, "agent_name": "Sam"})
        return [*_sam_says("You are welcome. Take care!"), left, *([End()] if left_ends else [])]
    return _sam_says(f"I see: {text}")


def long_text() -> str:
    """Exactly 10,000 characters, in numbered paragraphs."""
    paragraphs = (
        f"Paragraph {n}: our terms of delivery are long, and this is one part of them.\n\n"
        for n in range(1, 200)
    )
    return "".join(paragraphs)[: LONG_LENGTH - 1] + "."


def chunked(text: str, pieces: int = 4) -> list[str]:
    """The text in at most `pieces` pieces, cut mid-word as a stream is; joined they are `text`."""
    size = max(1, -(-len(text) // pieces))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _tracking(number: str) -> Json:
    return {
        "title": f"Order {number}",
        "content_url": f"https://demo.example/orders/{number}",
        "preview_image_url": "https://demo.example/parcel.png",
        "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
        "call_to_action_text": "Track it",
    }


def _queue(position: int) -> Json:
    return {
        "queue_name": QUEUE,
        "position_in_queue": position,
        "estimated_wait_seconds": 60 * position,
    }


_SAM_JOINED: Json = {"agent": {"id": SAM_ID, "name": "Sam", "avatar_url": SAM_PICTURE}}


def _sam_says(text: str) -> tuple[Act, ...]:
    def typing(state: str) -> Emit:
        payload = {"state": f"TYPING_STATE_{state}", "agent_id": SAM_ID}
        return Emit(frames.LIVE_TYPING, payload, transient=True)

    return (typing("STARTED"), Pause(), Say(text, agent_id=SAM_ID), typing("STOPPED"))


def _rule(pattern: str, rule: _Rule) -> tuple[re.Pattern[str], _Rule]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL), rule


_RULES: tuple[tuple[re.Pattern[str], _Rule], ...] = (
    _rule(r"^say (.+)$", _say),
    _rule(r"^count (\d{1,3})$", _count),
    _rule(r"\b(\d{4,})\b", _order),
    _rule(r"\bopening hours\b", _always(_reply(HOURS))),
    _rule(r"\border\b", _always(_reply(ORDER_QUESTION, suggestions=ORDER_SUGGESTIONS))),
    _rule(r"\b(?:talk to a person|human)\b", _hand_off),
    _rule(r"^(?:good)?bye\b", _always([*_reply(FAREWELL), End()])),
    _rule(r"^ping me\b", _always(_reply(HOSTILE))),
    _rule(r"^long$", _always(_reply(long_text()))),
    _rule(r"^slow$", _slow),
)
