"""PolyAI as the property of conversations models it: a journal for each session, and no mercy.

It keeps to what polyai-messaging promises and to nothing else: every frame it takes is echoed,
every echo and answer is journaled with a growing number (with gaps), nothing is deduplicated.
"""

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


@dataclass
class Told:
    """One message of the agent, as the thread must show it."""

    text: str
    first: int = 0  #: the number of its first frame
    last: int = 0


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
                self.conversing = True
                self._append(f.JoinEchoed())
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
        match whim % 8:
            case 0:
                pass
            case 1 | 2:
                self._whole(self._new())
            case 3 | 4:
                self._streamed(self._new(), whim // 8 + 1)
            case 5:
                self._streamed(self._new(), whim // 8 + 1, interrupted=True)
            case 6:
                self._replaced(self._new())
            case _:
                self._whole(self._new(), offers=True)

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
        self._append(f.SystemMessage("error", "Error: Conversation not found"), custom)

    def _end(self, reason: str) -> None:
        self._append(f.SessionEnded(reason))
        self.ended = True

    def _new(self) -> Told:
        return Told(f"s{self.number}m{len(self.told)} Grüße,\n  an  alle ")

    def _whole(self, told: Told, *, offers: bool = False, ends: bool = False) -> None:
        offered = (Suggestion(f"yes to {told.text}"),) if offers else ()
        # some messages have no id, so that only the frame's number tells a repeated one
        identity = "" if self._sequence % 2 else told.text
        body = f.AgentMessage(identity, told.text, suggestions=offered, ends_conversation=ends)
        self._done(told, self._append(body), self._sequence)

    def _streamed(self, told: Told, pieces: int, *, interrupted: bool = False) -> None:
        size = len(told.text) // pieces + 1
        cuts = [*range(0, len(told.text), size), len(told.text)]
        first = 0
        for index, (low, high) in enumerate(pairwise(cuts), start=1):
            chunk = f.AgentChunk(told.text, told.text[low:high], index)
            sequence = self._append(chunk)
            first = first or sequence
            if index == 2:
                self._append(chunk)  # the same piece once more, in a frame of its own
        if interrupted:
            self._append(f.AgentThinking())
            between = Told(f"s{self.number}m{len(self.told)}i between")
            self._done(between, self._append(f.AgentMessage(between.text, between.text)))
        self._done(told, first, self._append(f.AgentChunk(told.text, "", len(cuts), complete=True)))

    def _replaced(self, told: Told) -> None:
        first = self._append(f.AgentChunk(told.text, "something el", 1))
        self._done(told, first, self._append(f.AgentMessage(told.text, told.text)))

    def _done(self, told: Told, first: int, last: int = 0) -> None:
        told.first, told.last = first, last or first
        self.told.append(told)

    def _append(self, body: f.FrameBody, custom: dict[str, str] | None = None) -> int:
        # every fifth number is missing: numbers grow, but are not promised to be without gaps
        self._sequence += 2 if self._sequence % 5 == 3 else 1
        number = self._sequence
        frame = f.Frame(
            id=f"{self.number}-{number}", sequence=number, body=body, custom=custom or {}
        )
        self.journal.append(frame)
        return number
