"""How do things stand in a conversation, as a person would ask, or an operator?"""

from typing import NamedTuple

from bridge.core.state import Conversation, Handoff, Session, Wish
from bridge.model.messages import Control


class Standing(NamedTuple):
    """In one word, what belongs to it, and what can be done about it."""

    state: str
    details: dict[str, str]
    controls: tuple[Control, ...]


#: What makes sense in each state.
_CONTROLS: dict[str, tuple[Control, ...]] = {
    "none": (Control.START, Control.PERSON),
    "opening": (Control.END,),
    "open": (Control.PERSON, Control.START, Control.END),
    "waiting": (Control.CANCEL, Control.START),
    "live": (Control.START, Control.END),
    "called": (Control.START, Control.END),
    "elsewhere": (Control.START, Control.END),
    "ending": (),
    "ended": (Control.START, Control.PERSON),
    "unreachable": (Control.END,),
}
_HANDED_OVER = {
    Handoff.WAITING: "waiting",
    Handoff.LIVE: "live",
    Handoff.ELSEWHERE: "elsewhere",
}


def standing(conversation: Conversation) -> Standing:
    """How things stand now."""
    state = _state(conversation)
    session = conversation.session
    details = _details(state, session) if session is not None else {}
    return Standing(state, details, _CONTROLS[state])


def stage(conversation: Conversation) -> str:
    """How far its session is, in the word that operators are told."""
    session = conversation.session
    if conversation.parked_at is not None:
        return "parked"
    if session is None:
        return "opening" if conversation.asked else "closed"
    if session.released:
        return "quiet"
    return "open" if session.joined else "joining"


def person_awaited(conversation: Conversation) -> bool:
    """Whether a live agent is there, or somebody waits for one."""
    session = conversation.session
    if conversation.call is not None:
        return True
    if session is None or session.end_wanted_at is not None:
        return False
    return session.handoff in (Handoff.WAITING, Handoff.LIVE)


def _state(conversation: Conversation) -> str:
    session = conversation.session
    away = conversation.parked_at is not None or conversation.told_unavailable
    if away and (conversation.asked or session is not None):
        return "unreachable"
    if session is None:
        if conversation.wish is Wish.SESSION:
            return "opening"
        return "ended" if conversation.sessions else "none"
    if session.end_wanted_at is not None:
        return "ending"
    if conversation.call is not None:
        return "called"
    return _HANDED_OVER.get(session.handoff, "open" if session.agent else "opening")


def _details(state: str, session: Session) -> dict[str, str]:
    agent = (session.agent and session.agent.name) or ""
    match state:
        case "open":
            return {"agent": agent, "since": session.opened_at.isoformat(timespec="seconds")}
        case "waiting":
            told = session.queue_details
            return {"since": told.get("since", ""), "position": told.get("position", "")}
        case "live":
            there = session.live_agents.get(session.live_agent or "")
            return {"name": (there and there.name) or ""}
        case _:
            return {}
