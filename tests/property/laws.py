"""What must be true when a rehearsal has come to rest."""

from collections import Counter

from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Post
from bridge.model.ids import DeliveryId
from bridge.model.inbound import Clicked, EndAsked, Said, StartAsked
from bridge.model.messages import AgentReply, Notice, NoticeKind
from tests.property.modelled_agent import (
    HIGH_LOAD,
    NO_CONVERSATION,
    NO_RESPONSE,
    NO_START,
    NOT_RETRIEVED,
    ModelledSession,
    Told,
    law,
)
from tests.property.rehearsal import TERMS, Rehearsal


def check(world: Rehearsal) -> None:
    """All of them."""
    law(len(world.done) == len(world.entries), "something a person said was never looked at")
    _nothing_said_is_lost(world)
    _messages_keep_their_order(world)
    _a_choice_counts_once(world)
    _a_press_counts_once(world)
    _troubles_are_told_once(world)
    _nothing_stays_unfinished(world)
    for session in world.sessions.values():
        _agent_is_shown_once(world, session)


def _nothing_stays_unfinished(world: Rehearsal) -> None:
    stands = world.witness.standing.values()
    left = [reply for reply in stands if isinstance(reply, AgentReply) and reply.unfinished]
    law(not left, "a message stays unfinished")
    grown = world.witness.grown
    law(world.terms.streaming or not grown, "what is not unfinished grows")


def _asks(world: Rehearsal) -> dict[DeliveryId, Ask]:
    return {i: body for i, body in world.owed.items() if isinstance(body, Ask)}


def _nothing_said_is_lost(world: Rehearsal) -> None:
    asks = _asks(world)
    spoken = _said(world) - Counter(world.witness.unheeded)
    owed = Counter(ask.text for ask in asks.values())
    law(not spoken - owed, "something said was never owed to the agent")
    spoken += Counter(asks[identity].text for identity in world.changed)
    more = any(isinstance(e.inbound.body, Clicked) for e in world.entries) or world.witness.pressed
    law(more or owed == spoken, "the agent is owed what nobody said")
    undelivered = Counter[str]()
    for identity, ask in asks.items():
        state = world.settled.get(identity)
        receipts = sum(s.receipts.count(identity) for s in world.sessions.values())
        law(receipts <= 2, "a message was received in more than two sessions")
        law(state is not None, "a message is neither confirmed nor told as undelivered")
        if state is DeliveryState.DROPPED:
            continue  # changed or taken back in time
        if state is DeliveryState.SENT:
            law(receipts, "a message was confirmed that never arrived")
        else:
            undelivered[ask.text] += 1
    law(_told_undelivered(world) == undelivered, "what was not delivered was not told")
    law(not undelivered or _may_give_up(world), "a message was given up too soon")


def _said(world: Rehearsal) -> Counter[str]:
    """What people said, as they first said it."""
    said = [e.inbound.body.text for e in world.entries if isinstance(e.inbound.body, Said)]
    return Counter(text for text in said if text)


def _told(world: Rehearsal, kind: NoticeKind) -> list[Notice]:
    posts = [body.content for body in world.owed.values() if isinstance(body, Post)]
    return [c for c in posts if isinstance(c, Notice) and c.kind is kind]


def _told_undelivered(world: Rehearsal) -> Counter[str]:
    return Counter(n.details["text"] for n in _told(world, NoticeKind.NOT_DELIVERED))


def _may_give_up(world: Rehearsal) -> bool:
    ended = any(isinstance(entry.inbound.body, EndAsked | StartAsked) for entry in world.entries)
    return len(world.forgotten) > 1 or world.connects >= TERMS.send_limit or ended


def _messages_keep_their_order(world: Rehearsal) -> None:
    for session in world.sessions.values():
        first = [world.changed.get(identity, identity) for identity in session.receipts]
        numbers = [int(identity.rpartition(".")[2]) for identity in first]
        law(numbers == sorted(numbers), "the agent heard things in another order")


def _a_choice_counts_once(world: Rehearsal) -> None:
    chosen = Counter(ask.text for ask in _asks(world).values() if ask.text.startswith("yes to "))
    again = len(world.witness.pressed)
    law(all(n <= 1 + again for n in chosen.values()), "a suggestion was chosen twice")


def _a_press_counts_once(world: Rehearsal) -> None:
    """Each live control that was pressed sends its text once more, and offers it no longer."""
    owed = Counter(ask.text for ask in _asks(world).values())
    said = _said(world) - Counter(world.witness.unheeded)
    clicks = sum(text.startswith("yes to ") for text in set(owed))
    again = owed.total() - said.total() - clicks - len(world.changed)
    law(again >= len(world.witness.pressed), "a text was to be sent again and was not")
    law(again <= len(world.witness.pressed), "a text was sent again more than once")
    for pressed in world.witness.pressed:
        stands = world.witness.standing[pressed]
        law(isinstance(stands, Notice) and not stands.controls, "a press is offered for ever")


def _troubles_are_told_once(world: Rehearsal) -> None:
    told = Counter(n.details["message"] for n in _told(world, NoticeKind.AGENT_PROBLEM))
    sessions = world.sessions.values()
    for words in told:
        complaints = sum(session.complaints[words] for session in sessions)
        law(told[words] <= complaints, "a trouble was told more often than it came")
    quiet = told[NOT_RETRIEVED] + told[NO_CONVERSATION]
    law(not quiet, "a trouble was told that the bridge deals with itself")
    refused = sum(bool(session.complaints[NO_START]) for session in sessions)
    law(told[NO_START] <= refused, "a refused start was told twice in one session")
    if not world.forgotten:
        complaints = sum(session.complaints[NO_RESPONSE] for session in sessions)
        law(told[NO_RESPONSE] == complaints, "a trouble was not told")
        present = world.conversation.session
        listening = present is not None and not present.released
        lasting = sum(_ends_in_overload(session) for session in sessions if listening)
        law(told[HIGH_LOAD] >= lasting, "an overload that did not pass was not told")
    calls = sum(_referrals(session) for session in sessions)
    law(world.forgotten or world.witness.calls >= calls, "helpers were not called")


def _referrals(session: ModelledSession) -> int:
    """How often the person was left to helpers: at least once, until the agent came back."""
    count, away = 0, False
    for frame in session.journal:
        if isinstance(frame.body, f.HandoffElsewhere):
            count, away = count + (not away), True
        elif isinstance(frame.body, f.AgentJoined):
            away = False
    return count


def _ends_in_overload(session: ModelledSession) -> bool:
    after = [getattr(frame.body, "text", None) for frame in session.journal]
    if HIGH_LOAD not in after:
        return False
    last = len(after) - 1 - after[::-1].index(HIGH_LOAD)
    return last == len(after) - 1


def _agent_is_shown_once(world: Rehearsal, session: ModelledSession) -> None:
    posts = [
        text for text in world.witness.posts() if _name(text).startswith(f"s{session.number}m")
    ]
    mine = {_name(text): text for text in posts}
    law(len(mine) == len(posts), "the agent is shown twice")
    said = {told.name: told for told in session.told}
    law(set(mine) <= set(said), "the thread shows what the agent never said")
    present = world.conversation.session
    stays = present is not None and present.number == session.number and not present.released
    left = not (stays or session.end_followed)
    for name, text in mine.items():
        # A piece that was late when the session went leaves a hole in the middle.
        holed = left and world.hurried
        law(holed or _was_said(said[name], text), "the thread shows what the agent never said")
    if left or (session.end_followed and world.hurried):
        return  # left without its end, or with an end that overtook: the rest nobody can know
    law(set(mine) == set(said), "the agent said something the thread never showed")
    for told in session.told:
        loose = told.goes_on or told.name in world.witness.cut_short
        law(
            loose or mine[told.name] == told.text,
            "the thread does not show what the agent said last",
        )
    expected = [told.name for told in sorted(session.told, key=lambda t: t.at) if not told.halting]
    found = [name for name in mine if not said[name].halting]
    law(
        # One that is shown growing stands where it began, wherever others ended meanwhile.
        world.hurried or world.witness.stalls or world.terms.streaming or found == expected,
        "the agent is shown in another order",
    )


def _name(text: str) -> str:
    return text.split(" ", 1)[0]


def _was_said(told: Told, text: str) -> bool:
    """Whole, or as far as it came."""
    return any(words.startswith(text) for words in told.words)
