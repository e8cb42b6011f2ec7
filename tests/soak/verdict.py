"""What must be true when the storm is over? Everything said, shown and counted, once.

Laws, for each thread and each session of PolyAI's:

1. Zero lost: what a person said was accepted by a session, or the thread says that it was not
   delivered. Only a message PolyAI itself refused may be answered by PolyAI's words instead, and
   only one of which Slack lost every copy, on a socket that was deaf or none, may be missing.
2. Zero doubled: one delivery is accepted once per session, and by a second session only if the
   first was lost under it. One saying has one delivery, and one more for each press of *Try again*.
3. Order: a session accepts deliveries in the order in which they were said.
4. One session greets once, unless its agent was asked to join again.
5. Each message of the agent's stands in one thread, once and whole, and those of a session in the
   order of its journal. Of a session that was lost under us, what came stands as far as it came.
6. What was changed is heard in one wording, what was taken back once at most.
7. No message of ours is left unfinished. In an archived channel nothing but 2 to 4 counts.
"""

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai import SimulatedSession
from bridge.simulators.polyai_frames import JournaledFrame
from bridge.simulators.slack_envelopes import SimulatedEnvelope
from bridge.simulators.slack_workspace import StreamState
from bridge.testing.clock import NOON
from tests.conformance.stage import ConformanceStage
from tests.soak.crowd import Person, key_of
from tests.soak.troubles import Cost

#: How the agent's numbered words begin, and those that a verb put into its mouth.
_NUMBERED = re.compile(r"^[ac]\d+ ")
_NOT_DELIVERED = "not reach the agent"
#: How long before an end a frame may still be held for its order, in seconds.
_MOMENTS = 2.0


@dataclass
class Spoken:
    """A message of the agent's, as its session's journal has it."""

    message_id: str
    sequence: int
    at: float
    text: str = ""
    whole: bool = False
    chunks: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Verdict:
    """Everything that was wrong, in words."""

    stage: ConformanceStage
    people: list[Person]
    costs: dict[str, Cost]  #: what befell each session
    faults: list[str] = field(default_factory=list)
    never_brought: int = 0  #: of how many messages Slack lost every copy

    def reached(self) -> list[str]:
        """What is wrong; nothing, if all laws hold."""
        self._closed = {key_of(text) for p in self.people if p.closed for text in p.said}
        self._shown = self._all_shown()
        events = self.stage.slack.envelopes
        self._brought = {_said(event) for event in events if _came(event)}
        self._accepted()
        for session in self.stage.sessions:
            self._greets_once(session)
            self._is_shown(session)
        self._all_ended()
        self.faults += [f"violation: {words}" for words in self.stage.polyai.violations]
        return self.faults

    def _wrong(self, words: str) -> None:
        self.faults.append(words)

    def _cost(self, session: SimulatedSession) -> Cost:
        return self.costs.get(session.id, Cost.NOTHING)

    # -- towards the agent ---------------------------------------------------------------------

    def _accepted(self) -> None:
        sessions: defaultdict[str, list[SimulatedSession]] = defaultdict(list)
        deliveries: defaultdict[str, set[str]] = defaultdict(set)
        for session in self.stage.sessions:
            heard = [(m.custom["client_event_id"], m.text) for m in session.accepted if m.custom]
            for delivery, text in heard:
                sessions[delivery].append(session)
                deliveries[key_of(text)].add(delivery)
            places = [(_number(delivery), _place(text)) for delivery, text in heard]
            # Later than others may be what was told late; or what was said once more, as another.
            if any(_overtook(a, b) for a, b in itertools.pairwise(places)):
                self._wrong(f"order: {session.id} heard {heard}")
        for delivery, where in sessions.items():
            self._counts_once(delivery, where)
        for person in self.people:
            told = self._told(person)
            for text in person.said:
                self._arrived(person, text, deliveries[key_of(text)], told)

    def _counts_once(self, delivery: str, where: list[SimulatedSession]) -> None:
        if any(self._cost(session) & Cost.RECEIPT for session in where):
            return
        if len({session.id for session in where}) < len(where):
            self._wrong(f"doubled: {delivery} was accepted twice in one session")
        if len(where) > 2:
            self._wrong(f"doubled: {delivery} was accepted by {len(where)} sessions")
        if len(where) == 2 and not (where[0].over or self._cost(where[0]) & Cost.SESSION):
            self._wrong(f"doubled: {delivery} was told to a second session beside a living one")

    def _arrived(self, person: Person, text: str, ids: set[str], told: list[str]) -> None:
        if len(ids) > 1 + person.pressed["Try again"]:
            self._wrong(f"doubled: {text!r} has {len(ids)} deliveries")
        if ids or person.closed or key_of(text) in person.taken_back:
            return
        if any(text in words and _NOT_DELIVERED in words for words in told):
            return
        if text not in self._brought:
            self.never_brought += 1
        elif not any(key_of(text) in raw for s in self._refusing() for raw in s.received):
            self._wrong(f"lost: {text!r} in {person.thread}; the thread says {told[-6:]}")

    def _refusing(self) -> list[SimulatedSession]:
        return [s for s in self.stage.sessions if self._cost(s) & Cost.REFUSAL]

    # -- towards the thread --------------------------------------------------------------------

    def _all_shown(self) -> dict[str, list[tuple[int, int, str]]]:
        """Each numbered word of the agent's: in which threads it stands, where, and how."""
        shown: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for person in self.people:
            for place, told in enumerate(self._told(person)):
                text = told.removeprefix("Sam: ")  # a person's words stand under their name
                if _NUMBERED.match(text):
                    shown[text.split(" ", 1)[0]].append((person.number, place, text))
        return shown

    def _told(self, person: Person) -> list[str]:
        return self.stage.told(person.thread, channel=person.channel) if person.thread else []

    def _all_ended(self) -> None:
        for person in self.people if not self.stage.bridge.dead else ():
            for post in self.stage.posts(person.thread, channel=person.channel):
                if post.streaming_state is StreamState.IN_PROGRESS and not person.closed:
                    self._wrong(f"left unfinished: {post.text!r} in {person.thread}")

    def _in_closed_channel(self, session: SimulatedSession) -> bool:
        """Also one whose people are not known, as it heard nobody: if there is such a channel."""
        heard = {key_of(message.text) for message in session.accepted}
        return bool(self._closed) and (not heard or bool(heard & self._closed))

    def _greets_once(self, session: SimulatedSession) -> None:
        if session.greetings > 1 and not self._cost(session) & Cost.JOIN:
            self._wrong(f"greeted {session.greetings} times in {session.id}")

    def _is_shown(self, session: SimulatedSession) -> None:
        cost, places = self._cost(session), list[tuple[int, int]]()
        lost = bool(cost & Cost.SESSION) or (session.gone and session.ended is None)
        lost = lost or self._in_closed_channel(session)
        loose = lost or bool(cost & Cost.ANSWER)
        for spoken in _spoken(session):
            shown = self._shown.get(spoken.text.split(" ", 1)[0], [])
            if len(shown) > 1:
                self._wrong(f"shown {len(shown)} times: {spoken.text!r}")
            if not shown and not (lost or cost & Cost.ANSWER) and not self._unread(session, spoken):
                self._wrong(f"never shown: {spoken.text!r} of {session.id}, cost {cost}")
            for thread, place, text in shown:
                places.append((thread, place))
                whole = text == spoken.text
                if not (whole or (loose and spoken.text.startswith(text))):
                    self._wrong(f"not whole: {text!r} of {spoken.text!r}, cost {cost}")
        if len({thread for thread, _ in places}) > 1:
            self._wrong(f"{session.id} is shown in more than one thread")
        if places != sorted(places) and not lost and not cost & (Cost.ANSWER | Cost.SESSION):
            self._wrong(f"order: {session.id} is shown as {places}, cost {cost}")

    def _unread(self, session: SimulatedSession, spoken: Spoken) -> bool:
        """Whether the bridge could not hear it: no socket was open then, or later."""
        lives = session.record.sockets
        if not any(life.closed_at is None or _second(life.closed_at) > spoken.at for life in lives):
            return True
        last = _at(session.journal[-1]) - spoken.at < _MOMENTS and session.ended is not None
        return last and bool(self._cost(session) & Cost.ENDING)


def _came(event: SimulatedEnvelope) -> bool:
    return any(not copy.swallowed for copy in event.deliveries)


def _said(event: SimulatedEnvelope) -> str:
    """A person's words without the mention; nothing, if it is no message."""
    return str(event.payload.get("event", {}).get("text", "")).rpartition("> ")[2]


def _number(delivery: str) -> int:
    return int(delivery.rpartition(".")[2])


def _place(text: str) -> int:
    """Which of its person's words these are; 0 for a suggestion, whose place nobody knows."""
    _, _, place = key_of(text).partition(".")
    return int(place) if place.isdecimal() else 0


def _overtook(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] > second[0] and (first[1] > second[1] or not (first[1] and second[1]))


def _spoken(session: SimulatedSession) -> list[Spoken]:
    """What the agent said in a session, each message once, in the order of its end."""
    found: dict[str, Spoken] = {}
    for frame in session.journal:
        name = str(frame.payload.get("message_id"))
        if frame.type in (frames.MESSAGE, frames.LIVE_MESSAGE):
            before = found.get(name)
            text = str(frame.payload["text"])
            if before is None or not before.whole:
                found.pop(name, None)
                found[name] = Spoken(name, frame.sequence, _at(frame), text, whole=True)
            else:
                before.text = text
        elif frame.type == frames.CHUNK:
            _add_chunk(found, name, frame)
    return [s for s in found.values() if s.text and _NUMBERED.match(s.text)]


def _add_chunk(found: dict[str, Spoken], name: str, frame: JournaledFrame) -> None:
    spoken = found.get(name) or Spoken(name, frame.sequence, _at(frame))
    if spoken.whole:
        return
    found.pop(name, None)
    found[name] = spoken  # a message stands where it ended
    spoken.chunks.append((frame.payload.get("chunk_index") or 0, str(frame.payload["text"])))
    spoken.text = "".join(text for _, text in sorted(spoken.chunks, key=lambda c: c[0]))
    spoken.sequence, spoken.at = frame.sequence, _at(frame)
    spoken.whole = bool(frame.payload.get("is_complete"))


def _at(frame: JournaledFrame) -> float:
    return _second(datetime.fromisoformat(frame.timestamp.replace("Z", "+00:00")))


def _second(instant: datetime) -> float:
    return (instant - NOON).total_seconds()
