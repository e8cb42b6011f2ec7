"""What is told to the thread, watched as it is committed: each trouble once, each press once."""

from collections import Counter
from dataclasses import dataclass, field

from bridge.core import events as e
from bridge.core.effects import Grow
from bridge.core.state import Conversation
from bridge.model import frames as f
from bridge.model.delivery import Announce, Ask, Post, Replace, Retire
from bridge.model.ids import DeliveryId, EntryId
from bridge.model.inbound import Deleted, Edited, Inbound, RetryAsked, Said, StartAsked
from bridge.model.messages import AgentReply, Content, Control, Notice, NoticeKind
from bridge.runtime.deciding import Mail
from bridge.store import TakeStep
from tests.property.modelled_agent import law

Owed = Post | Replace | Retire | Announce | Ask


@dataclass
class Witness:
    """Sees every commit, and nothing else."""

    standing: dict[DeliveryId, Content] = field(default_factory=dict)  #: the thread as it is
    controls: dict[DeliveryId, Notice] = field(default_factory=dict)  #: notices that offered a try
    pressed: set[DeliveryId] = field(default_factory=set)
    unheeded: list[str] = field(default_factory=list)  #: said among people, not to the agent
    cut_short: set[str] = field(default_factory=set)  #: stalled messages that others overtook
    grown: dict[DeliveryId, str] = field(default_factory=dict)  #: how far unfinished ones grew
    calls: int = 0  #: for help, in another place
    stalls: int = 0
    _away: bool = False  #: the person was left to helpers, and said nothing to the agent since
    _helpers: bool = False
    _told_unavailable: bool = False
    _untold: bool | None = False  #: a session was lost, and nobody knows; None: it may be so

    def committed(
        self, before: Conversation, change: TakeStep, mail: list[Mail], said: dict[EntryId, Inbound]
    ) -> None:
        """One step, as the store has it now."""
        owed = dict(change.owed)
        self._thread(owed)
        self._calls(owed, change, mail)
        entries = [said[entry] for entry in sorted(change.done)]
        self._presses(entries)
        self._among_people(entries, [b for b in owed.values() if isinstance(b, Ask)], change)
        posted = [body.content for body in owed.values() if isinstance(body, Post)]
        told = [content.kind for content in posted if isinstance(content, Notice)]
        self._once_unavailable(told, mail)
        self._new_sessions(before, change, told, entries)

    def stepped(self, before: Conversation, after: Conversation, mail: list[Mail]) -> None:
        """One step, committed or not: a stalled message that was overtaken may stay as it is."""
        stood, stands = _stalled(before), _stalled(after)
        self.stalls += len(stands - stood)
        if any(isinstance(m.event, e.Woke) for m in mail) and len(_streams(before)) > 1:
            stood = _streams(before)  # two that stall at once overtake each other
        bodies = [m.event.frame.body for m in mail if isinstance(m.event, e.FrameArrived)]
        ended = {b.message_id for b in bodies if isinstance(b, f.AgentChunk) and b.complete}
        overtaken = any(m.entry is not None for m in mail) or any(
            isinstance(body, f.AgentMessage) for body in bodies
        )
        self.cut_short |= stood - stands - (set() if overtaken or len(ended) > 1 else ended)

    def grew(self, effect: Grow) -> None:
        """An unfinished message shows more, whatever was lost since it began."""
        stands = self.standing.get(effect.delivery)
        unfinished = isinstance(stands, AgentReply) and stands.unfinished
        law(unfinished, "what is not unfinished grows")
        begun = stands.text if isinstance(stands, AgentReply) else ""
        before = self.grown.get(effect.delivery, begun)
        law(effect.reply.text.startswith(before), "a growing message shows less than before")
        self.grown[effect.delivery] = effect.reply.text

    def posts(self) -> list[str]:
        """The agent's words, as they stand, in the order of their posts."""
        return [c.text for c in self.standing.values() if isinstance(c, AgentReply)]

    def notices(self, kind: NoticeKind) -> list[Notice]:
        """What stands of one kind."""
        stands = self.standing.values()
        return [c for c in stands if isinstance(c, Notice) and c.kind is kind]

    def _thread(self, owed: dict[DeliveryId, Owed]) -> None:
        for identity, body in owed.items():
            if isinstance(body, Post):
                self.standing[identity] = body.content
                if isinstance(body.content, Notice) and body.content.controls == (Control.RETRY,):
                    self.controls[identity] = body.content
            elif isinstance(body, Replace):
                law(body.target in self.standing, "what never stood there is replaced")
                self.standing[body.target] = body.content

    def _calls(self, owed: dict[DeliveryId, Owed], change: TakeStep, mail: list[Mail]) -> None:
        """Helpers are called once, until the agent comes back or is spoken to again."""
        bodies = [m.event.frame.body for m in mail if isinstance(m.event, e.FrameArrived)]
        back = change.forgotten or any(isinstance(body, f.AgentJoined) for body in bodies)
        self._away = self._away and not back
        for body in owed.values():
            if isinstance(body, Announce):
                law(back or not self._away, "helpers were called twice")
                self.calls, self._away = self.calls + 1, True
            elif isinstance(body, Ask):
                self._away = False

    def _presses(self, entries: list[Inbound]) -> None:
        for inbound in entries:
            if isinstance(inbound.body, RetryAsked):
                self.pressed.add(inbound.body.delivery)

    def _among_people(self, entries: list[Inbound], asks: list[Ask], change: TakeStep) -> None:
        """Once helpers were called, what is not said to the agent is not the agent's."""
        owed = Counter(ask.text for ask in asks)
        called = any(isinstance(body, Announce) for _, body in change.owed)
        mixed = len(entries) > 1 and any(not isinstance(i.body, Said) for i in entries)
        if entries and (mixed or called):
            self._perhaps_among_people(entries, owed)
            self._helpers = change.conversation.call is not None
        else:
            self._surely_among_people(entries, owed, change)
            self._helpers |= called

    def _surely_among_people(
        self, entries: list[Inbound], owed: Counter[str], change: TakeStep
    ) -> None:
        unheard: list[str] = []
        for inbound in entries:
            if isinstance(inbound.body, Edited | Deleted):
                continue
            if not isinstance(inbound.body, Said):
                self._helpers &= not owed and change.conversation.call is not None
                continue
            self._helpers &= not inbound.opens
            if self._helpers:
                unheard.append(inbound.body.text)
            else:
                owed[inbound.body.text] -= 1
        self.unheeded += unheard
        law(all(owed[text] <= 0 for text in unheard), "the agent overheard what people say")

    def _perhaps_among_people(self, entries: list[Inbound], owed: Counter[str]) -> None:
        """Where the call came among these entries only what became of them tells."""
        for inbound in entries:
            if isinstance(inbound.body, Said) and not inbound.opens:
                if owed[inbound.body.text] <= 0:
                    self.unheeded.append(inbound.body.text)
                owed[inbound.body.text] -= 1

    def _once_unavailable(self, told: list[NoticeKind], mail: list[Mail]) -> None:
        if any(isinstance(one.event, e.SocketReady) for one in mail):
            self._told_unavailable = False
        times = told.count(NoticeKind.UNAVAILABLE)
        law(times + self._told_unavailable <= 1, "the agent is told to be away once more")
        self._told_unavailable |= times > 0

    def _new_sessions(
        self,
        before: Conversation,
        change: TakeStep,
        told: list[NoticeKind],
        entries: list[Inbound],
    ) -> None:
        after = change.conversation
        opened = change.session is not None and after.sessions > before.sessions
        new = told.count(NoticeKind.NEW_CONVERSATION)
        law(not new or self._untold is not False, "a new session is told although none was lost")
        if opened and after.session is not None:
            law(new or not self._untold, "a lost session was not told")
            self._untold = False
        session = before.session
        if session is not None and session.agent and session.number in change.forgotten:
            asked = any(isinstance(inbound.body, StartAsked) for inbound in entries)
            if NoticeKind.ENDED not in told:
                self._untold = None if asked and self._untold is not True else True


def _streams(conversation: Conversation, *, told: bool | None = None) -> set[str]:
    session = conversation.session
    streams = session.streams if session is not None else ()
    return {s.message_id for s in streams if told is None or s.told == told}


def _stalled(conversation: Conversation) -> set[str]:
    return _streams(conversation, told=True)
