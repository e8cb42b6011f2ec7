"""PolyAI as the property of conversations models it: a journal for each session, and no mercy.

It keeps to what polyai-messaging promises and to nothing else: every frame it takes is echoed,
every echo and answer is journaled with a growing number (with gaps), nothing is deduplicated.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from bridge.core.effects import SendKind, Transmit
from bridge.model import frames as f
from bridge.model.ids import DeliveryId
from bridge.model.messages import Suggestion


class LawBroken(AssertionError):
    """Something happened that must never happen."""


def law(holds: object, broken: str) -> None:
    """Insist."""
    if not holds:
        raise LawBroken(broken)


#: PolyAI's own words for what may go wrong (polyai-messaging §16).
HIGH_LOAD = "Our system is experiencing high load. Please try again in a moment."
NO_RESPONSE = "Sorry, I'm having trouble responding right now. Please try again."
NO_START = "Sorry, I'm unable to start a conversation right now. Please try again later."
NOT_RETRIEVED = "Unable to retrieve session"
NO_CONVERSATION = "Error: Conversation not found"


@dataclass
class Version:
    """What a message says, and the numbers of the first and the last frame that say so."""

    text: str
    first: int
    last: int


@dataclass
class Told:
    """One message of the agent, as the thread must show it: what it says last is what counts."""

    name: str
    halting: bool = False  #: it fell silent in the middle, and stands wherever that was told
    goes_on: bool = False  #: it has not ended, and perhaps never will
    versions: list[Version] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its last word."""
        return self.versions[-1].text

    @property
    def words(self) -> list[str]:
        """Everything it has said; of a session left in the middle, a beginning may stand."""
        return [f"{self.name} something el", *(version.text for version in self.versions)]

    @property
    def at(self) -> int:
        """The number of the frame after which it can be shown."""
        return self.versions[0].last


@dataclass
class HalfSaid:
    """A stream that does not go on for now: what is missing, piece by piece."""

    told: Told
    rest: list[str]
    next_index: int


@dataclass
class ModelledSession:
    """One session and all that ever happened in it."""

    number: int
    echo_metadata: bool
    alive: bool = True
    ended: bool = False
    end_followed: bool = False  #: the client left it because it read its end
    joins: int = 0
    joins_allowed: int = 1
    conversing: bool = False
    journal: list[f.Frame] = field(default_factory=list)
    starts_refused: int = 0  #: how many of the next joins are answered by a refusal
    complaints: Counter[str] = field(default_factory=Counter)
    referrals: int = 0  #: how often it asked for other helpers
    half_said: HalfSaid | None = None
    receipts: list[DeliveryId] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _sequence: int = 0

    def __post_init__(self) -> None:
        self._append(f.SessionStarted())

    def after(self, cursor: int) -> list[f.Frame]:
        """The replay from `cursor`."""
        return [frame for frame in self.journal if (frame.sequence or 0) > cursor]

    def take(self, sent: Transmit, whim: int) -> None:
        """A frame of the client's arrives."""
        if self.ended or not self.alive:
            return
        match sent.kind:
            case SendKind.JOIN:
                self.joins += 1
                law(self.joins <= self.joins_allowed, "the agent was asked to join twice")
                self._append(f.JoinEchoed())
                if self.starts_refused:
                    self.starts_refused -= 1
                    self.joins_allowed += 1
                    self._complain(NO_START)
                    return
                self.conversing = True
                self._append(f.AgentJoined(name="Poly"))
                self.speak(whim)
            case SendKind.MESSAGE:
                law(self.joins, "a message came before the agent was asked to join")
                law(sent.delivery not in self.receipts, "a message was sent twice in one session")
                custom = {"client_event_id": sent.delivery or ""} if self.echo_metadata else {}
                if not self.conversing:
                    self._ask_to_join_again(custom)
                    return
                self.receipts.append(sent.delivery or DeliveryId(""))
                self._append(f.MessageEchoed(text=sent.text), custom)
                self.speak(whim)
            case SendKind.END:
                self._append(f.EndEchoed())
                self._end("REASON_USER_END")

    def speak(self, whim: int) -> None:
        """The agent says something: whole, in pieces, in pieces around something else, …"""
        if self.ended or not self.alive:
            return
        often, seldom = whim % 8, whim // 8
        match often:
            case 0:
                if seldom == 7:
                    self._complain(NO_RESPONSE)
            case 1 | 2:
                self._whole(self._new())
            case 3 | 4:
                self._streamed(self._new(), seldom + 1)
            case 5 if seldom >= 4:
                self._half_streamed(self._new(), seldom)
            case 5:
                self._streamed(self._new(), seldom + 1, interrupted=True)
            case 6 if seldom >= 4:
                self._revised(self._new(), seldom)
            case 6:
                self._replaced(self._new())
            case _:
                self._whole(self._new(), offers=True)

    def go_on(self, whim: int) -> None:
        """A stream that had stalled goes on, to its end or not yet."""
        half = self.half_said
        if half is None or self.ended or not self.alive:
            return
        if half.rest and whim % 3 == 0:
            self._piece(half, half.rest.pop(0))
            return
        while half.rest:
            self._piece(half, half.rest.pop(0))
        version = half.told.versions[-1]
        chunk = f.AgentChunk(half.told.name, "", half.next_index, complete=True)
        version.last = self._append(chunk)
        self.half_said, half.told.goes_on = None, False

    def complain(self, whim: int) -> None:
        """Something is wrong on PolyAI's side: an overload, no answer, a session out of sight."""
        if not (self.ended or not self.alive or not self.joins):
            self._complain((HIGH_LOAD, NO_RESPONSE, NOT_RETRIEVED, HIGH_LOAD)[whim % 4])
            if whim % 4 == 3:
                self.speak(1)  # and it has passed

    def refer(self) -> None:
        """The agent leaves the person to the helpers whom the client knows."""
        if not (self.ended or not self.alive or not self.joins):
            self.referrals += 1
            self._append(f.HandoffElsewhere(queue="desk"))

    def say_goodbye(self) -> None:
        """A last message that ends the conversation, and the end."""
        if self.ended or not self.alive or not self.joins:
            return
        self._whole(self._new(), ends=True)
        self._end("REASON_NATURAL_END")

    def forget_agent(self) -> None:
        """PolyAI forgets the agent: the next message is refused until another join."""
        self.conversing = False

    def _ask_to_join_again(self, custom: dict[str, str]) -> None:
        self.joins_allowed += 1
        self._complain(NO_CONVERSATION, custom)

    def _complain(self, words: str, custom: dict[str, str] | None = None) -> None:
        self.complaints[words] += 1
        self._append(f.SystemMessage("error", words), custom)

    def _end(self, reason: str) -> None:
        self._append(f.SessionEnded(reason))
        self.ended = True

    def _new(self) -> Told:
        told = Told(f"s{self.number}m{len(self.told)}")
        self.told.append(told)
        return told

    def _whole(self, told: Told, *, offers: bool = False, ends: bool = False) -> None:
        text = f"{told.name} Grüße,\n  an  alle "
        offered = (Suggestion(f"yes to {told.name}"),) if offers else ()
        # some messages have no id, so that only the frame's number tells a repeated one
        identity = "" if self._sequence % 2 else told.name
        body = f.AgentMessage(identity, text, suggestions=offered, ends_conversation=ends)
        self._says(told, text, self._append(body))

    def _streamed(self, told: Told, pieces: int, *, interrupted: bool = False) -> None:
        text = f"{told.name} Grüße,\n  an  alle "
        size = len(text) // pieces + 1
        # the first piece holds the name, by which the laws know it
        cuts = [0, *range(max(size, len(told.name) + 1), len(text), size), len(text)]
        first = 0
        for index, (low, high) in enumerate(pairwise(cuts), start=1):
            chunk = f.AgentChunk(told.name, text[low:high], index)
            sequence = self._append(chunk)
            first = first or sequence
            if index == 2:
                self._append(chunk)  # the same piece once more, in a frame of its own
        if interrupted:
            self._append(f.AgentThinking())
            self._whole(self._new())
        last = self._append(f.AgentChunk(told.name, "", len(cuts), complete=True))
        told.versions.append(Version(text, first, last))

    def _half_streamed(self, told: Told, pieces: int) -> None:
        """It falls silent in the middle; `go_on` may say the rest."""
        told.halting = told.goes_on = True
        half = HalfSaid(told, [f"{n} more " for n in range(pieces - 2)], 1)
        told.versions.append(Version("", 0, 0))
        self._piece(half, f"{told.name} so far ")
        self.half_said = half

    def _piece(self, half: HalfSaid, text: str) -> None:
        version = half.told.versions[-1]
        version.text += text
        version.last = self._append(f.AgentChunk(half.told.name, text, half.next_index))
        version.first = version.first or version.last
        half.next_index += 1

    def _replaced(self, told: Told) -> None:
        """A stream that never ends, because the message comes whole."""
        self._append(f.AgentChunk(told.name, f"{told.name} something el", 1))
        text = f"{told.name} whole"
        self._says(told, text, self._append(f.AgentMessage(told.name, text)))

    def _revised(self, told: Told, whim: int) -> None:
        """The whole message after its chunks says the same, more, or less."""
        self._streamed(told, whim % 3 + 1)
        text = (told.text, f"{told.text} and more", f"{told.name} less")[whim % 3]
        self._says(told, text, self._append(f.AgentMessage(told.name, text)))

    def _says(self, told: Told, text: str, number: int) -> None:
        told.versions.append(Version(text, number, number))

    def _append(self, body: f.FrameBody, custom: dict[str, str] | None = None) -> int:
        # every fifth number is missing: numbers grow, but are not promised to be without gaps
        self._sequence += 2 if self._sequence % 5 == 3 else 1
        number = self._sequence
        frame = f.Frame(
            id=f"{self.number}-{number}", sequence=number, body=body, custom=custom or {}
        )
        self.journal.append(frame)
        return number
