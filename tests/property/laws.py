"""What must be true when a rehearsal has come to rest."""

from collections import Counter

from bridge.model.delivery import Ask, DeliveryState, Post
from bridge.model.ids import DeliveryId
from bridge.model.inbound import Clicked, EndAsked, Said
from bridge.model.messages import Notice, NoticeKind
from tests.property.modelled_agent import ModelledSession, law
from tests.property.rehearsal import TERMS, Rehearsal


def check(world: Rehearsal) -> None:
    """All of them."""
    law(len(world.done) == len(world.entries), "something a person said was never looked at")
    _nothing_said_is_lost(world)
    _messages_keep_their_order(world)
    _a_choice_counts_once(world)
    for session in world.sessions.values():
        _agent_is_shown_once(world, session)


def _asks(world: Rehearsal) -> dict[DeliveryId, Ask]:
    return {i: body for i, body in world.owed.items() if isinstance(body, Ask)}


def _nothing_said_is_lost(world: Rehearsal) -> None:
    asks = _asks(world)
    spoken = [e.inbound.body.text for e in world.entries if isinstance(e.inbound.body, Said)]
    clicked = any(isinstance(e.inbound.body, Clicked) for e in world.entries)
    owed = Counter(ask.text for ask in asks.values())
    law(not Counter(spoken) - owed, "something said was never owed to the agent")
    law(clicked or owed == Counter(spoken), "the agent is owed what nobody said")
    undelivered = Counter[str]()
    for identity, ask in asks.items():
        state = world.settled.get(identity)
        receipts = sum(s.receipts.count(identity) for s in world.sessions.values())
        law(receipts <= 2, "a message was received in more than two sessions")
        law(receipts < 2 or world.forgotten, "a message was received twice")
        law(state is not None, "a message is neither confirmed nor told as undelivered")
        if state is DeliveryState.SENT:
            law(receipts, "a message was confirmed that never arrived")
        else:
            undelivered[ask.text] += 1
    law(_told_undelivered(world) == undelivered, "what was not delivered was not told")
    law(not undelivered or _may_give_up(world), "a message was given up too soon")


def _told_undelivered(world: Rehearsal) -> Counter[str]:
    notices = [
        body.content
        for body in world.owed.values()
        if isinstance(body, Post) and isinstance(body.content, Notice)
    ]
    return Counter(n.details["text"] for n in notices if n.kind is NoticeKind.NOT_DELIVERED)


def _may_give_up(world: Rehearsal) -> bool:
    ended = any(isinstance(entry.inbound.body, EndAsked) for entry in world.entries)
    return len(world.forgotten) > 1 or world.connects >= TERMS.send_limit or ended


def _messages_keep_their_order(world: Rehearsal) -> None:
    for session in world.sessions.values():
        numbers = [int(identity.rpartition(".")[2]) for identity in session.receipts]
        law(numbers == sorted(numbers), "the agent heard things in another order")


def _a_choice_counts_once(world: Rehearsal) -> None:
    chosen = Counter(ask.text for ask in _asks(world).values() if ask.text.startswith("yes to "))
    law(all(times == 1 for times in chosen.values()), "a suggestion was chosen twice")


def _agent_is_shown_once(world: Rehearsal, session: ModelledSession) -> None:
    mine = [text for text in world.shown() if _is_of(text, session)]
    expected = [told.text for told in sorted(session.told, key=lambda told: told.last)]
    present = world.conversation.session
    stays = present is not None and present.number == session.number
    if not (stays or session.end_followed):
        # Left behind without its end: what came is shown once, the rest nobody can know.
        fragments = [text for text in mine if text not in expected]
        mine = [text for text in mine if text in expected]
        expected = [text for text in expected if text in mine]
        wholes = [told.text for told in session.told] + ["something el"]
        law(
            all(any(w.startswith(part) for w in wholes) for part in fragments),
            "the thread shows what the agent never said",
        )
    law(len(mine) == len(set(mine)), "the agent is shown twice")
    law(set(mine) >= set(expected), "the agent said something the thread never showed")
    law(set(mine) <= set(expected), "the thread shows what the agent never said")
    law(world.hurried or mine == expected, "the agent is shown in another order")


def _is_of(text: str, session: ModelledSession) -> bool:
    return text.startswith(f"s{session.number}m")
