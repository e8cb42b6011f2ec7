"""Which hops does a step take, and who owes what for which reason? Pure: the timeline of a step.

The reasons are exact: each step is taken for one event. Which of the person's messages an answer
is for nobody says (PolyAI's frames do not), so what waited for an answer then is noted, all of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from bridge.core import events as e
from bridge.core.effects import Effect, ForgetSession, Owe, Settle, Transmit
from bridge.core.state import Conversation, Handoff, Heard
from bridge.model.delivery import Announce, Ask, DeliveryState, Post, Replace, Retire
from bridge.model.hops import HopKind, hop
from bridge.model.ids import DeliveryId, EntryId
from bridge.model.messages import AgentReply, Content

_Body = Post | Replace | Retire | Announce | Ask


class Taken(NamedTuple):
    """One step of a decision: for which event, from what, to what, and what it asked for."""

    event: e.Event
    entry: EntryId | None
    at: datetime | None  #: when our process read a frame
    before: Conversation
    after: Conversation
    effects: tuple[Effect, ...]


def hops_of(steps: Sequence[Taken], kept: Sequence[Effect], now: datetime) -> dict[DeliveryId, str]:
    """What to add to the timelines, by delivery; of the frames to be sent those still `kept`."""
    hops: dict[DeliveryId, str] = {}
    for taken in steps:
        for effect in taken.effects:
            match effect:
                case Owe(id=delivery, body=body):
                    more = _reason(taken) + _about(body) + _answers(taken, body)
                case Settle(id=delivery, state=DeliveryState.SENT):
                    more = _echo(taken)
                case ForgetSession(number=number):
                    _carried(hops, taken, number, now)
                    continue
                case _:
                    continue
            hops[delivery] = hops.get(delivery, "") + more
    for effect in kept:
        if isinstance(effect, Transmit) and effect.delivery is not None:
            launched = hop(HopKind.LAUNCHED, now, effect.number)
            hops[effect.delivery] = hops.get(effect.delivery, "") + launched
    return hops


def befell(steps: Sequence[Taken]) -> tuple[str, ...]:
    """What happened to the conversation as a whole: who answers from now on."""
    changed = [
        after
        for before, after in ((_handoff(one.before), _handoff(one.after)) for one in steps)
        if before is not after
    ]
    return tuple([f"handoff {after.value}" for after in dict.fromkeys(changed)])


def unanswered(conversation: Conversation) -> list[Heard]:
    """What PolyAI has heard, and the agent said nothing to yet."""
    return [one for one in conversation.heard if not one.answered]


def is_answer(body: _Body) -> bool:
    """Whether the agent, or a live agent, says it."""
    return isinstance(body, Post) and isinstance(body.content, AgentReply)


def _handoff(conversation: Conversation) -> Handoff:
    return conversation.session.handoff if conversation.session else Handoff.NONE


def _reason(taken: Taken) -> str:
    if taken.entry is not None:
        return hop(HopKind.ENTRY, None, taken.entry)
    event = taken.event
    if not isinstance(event, e.FrameArrived):
        return hop(HopKind.OTHER, None, str(event.__struct_config__.tag))
    name = f"{event.number}.{event.frame.sequence or ''}"
    return hop(HopKind.FRAME, event.frame.at, name) + _arrived(taken)


def _arrived(taken: Taken) -> str:
    return hop(HopKind.ARRIVED, taken.at) if taken.at is not None else ""


def _about(body: _Body) -> str:
    """Of what sort and how long it is, and what it changes."""
    match body:
        case Ask(text=text):
            return hop(HopKind.SIZE, None, len(text))
        case Replace(target=target, content=content):
            return hop(HopKind.CHANGES, None, _number(target)) + _shows(content)
        case Retire(target=target):
            return hop(HopKind.CHANGES, None, _number(target))
        case Post(content=content) | Announce(content=content):
            return _shows(content)


def _shows(content: Content) -> str:
    if not isinstance(content, AgentReply):
        return hop(HopKind.SHOWS, None, f"notice.{content.kind.value}")
    sort = f"{content.author.kind.value}{'.unfinished' if content.unfinished else ''}"
    return hop(HopKind.SHOWS, None, sort) + hop(HopKind.SIZE, None, len(content.text))


def _answers(taken: Taken, body: _Body) -> str:
    if not isinstance(body, Post):
        return ""
    waited = unanswered(taken.before)
    # Also a sentence of ours may be all the answer there is: that a person is called, say.
    reacts = waited and not unanswered(taken.after)
    if not (is_answer(body) or reacts):
        return ""
    return hop(HopKind.ANSWERS, None, ",".join(str(_number(one.delivery)) for one in waited))


def _echo(taken: Taken) -> str:
    event = taken.event
    if not isinstance(event, e.FrameArrived):
        return ""
    return hop(HopKind.ECHOED, event.frame.at, event.number) + _arrived(taken)


def _carried(hops: dict[DeliveryId, str], taken: Taken, session: int, now: datetime) -> None:
    before = {one.delivery for one in taken.before.waiting if one.carried}
    for one in taken.after.waiting:
        if one.carried and one.delivery not in before:
            more = hop(HopKind.CARRIED, now, session)
            hops[one.delivery] = hops.get(one.delivery, "") + more


def _number(delivery: DeliveryId) -> int:
    return int(delivery.rpartition(".")[2])
