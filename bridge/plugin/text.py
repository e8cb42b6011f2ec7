"""How does the bridge itself speak? One plain wording for each notice, for every adapter."""

from collections.abc import Callable
from datetime import UTC, datetime

from bridge.model.messages import AgentReply, Content, Control, Notice, NoticeKind
from bridge.model.numbering import numbered

_PLAIN = {
    NoticeKind.NEW_CONVERSATION: (
        "This is a new conversation: the earlier one has ended, "
        "and the agent no longer knows what was said in it."
    ),
    NoticeKind.HANDOFF_FOUND: "The wait for a person is over.",
    NoticeKind.ALERT: "The bridge needs an operator.",
    NoticeKind.NOT_SHOWN: "An answer could not be shown here. Please ask again.",
    NoticeKind.NOT_TAKEN: (
        "What was just written or pressed here could not be handled, because of a fault on our "
        "side. Please try it again in other words."
    ),
    NoticeKind.WITHDRAWN: "The agent took this part of its message back.",
}

#: Where what stands there cannot be changed, it is said once more.
_ANEW = "The agent took a part of its message back, which now reads:"

#: What was pressed, and why nothing comes of it.
_STALE = {
    "choice": "That choice is no longer open, as the conversation has gone on. "
    "Please write your answer here instead.",
    "retry": "That message was sent again already, or it is too old. Please write it once more.",
    "cancel": "That wait for a person is over already.",
    "start": "A new conversation is already open here. Just write to go on.",
    "end": "There is no conversation to end here. Write here to start one.",
}

_STANDINGS = {
    "none": "There is no conversation here yet. Write here to start one.",
    "opening": "The agent is being called. Write here: it gets everything once it is there.",
    "called": "People have been called to help in this thread. "
    "Mention the agent to talk to it again.",
    "elsewhere": "The agent has passed this on to people, as told above. "
    "Write here to try the agent again.",
    "ending": "The conversation is being ended. Write here to start a new one.",
    "ended": "The conversation has ended. Write here to start a new one.",
    "unreachable": "The agent cannot be reached at the moment. "
    "What you write here is kept and will be delivered as soon as possible.",
}

_ENDINGS = {
    "REASON_USER_END": "The conversation was ended, as asked.",
    "REASON_USER_ABANDONED": "The conversation was closed, as nothing was said for a while.",
    "LEFT_QUEUE": "You are no longer waiting for a person, and the conversation has ended.",
}

#: Why the agent hands over (polyai-messaging §6, `CLIENT_HANDOFF_REQUIRED`); other words stay.
_REASONS = {
    "COMPLEX_QUERY": "the question is a complex one",
    "AGENT_DECISION": "the agent decided so",
    "POLICY": "a policy asks for it",
}

#: What a number is for.
_WAYS = {
    Control.START: "start again",
    Control.RETRY: "send it again",
    Control.CANCEL: "stop waiting",
    Control.END: "end the conversation",
    Control.PERSON: "talk to a person",
    Control.STATUS: "hear how things stand",
}


def plain_moment(moment: datetime) -> str:
    """An instant where the platform cannot show it in each reader's own time."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def text_of(content: Content) -> str:
    """The words of `content`, for an adapter that shows nothing but words.

    What its capabilities do not claim the core has put into these words already.
    """
    return content.text if isinstance(content, AgentReply) else notice_text(content)


def notice_text(notice: Notice, *, moment: Callable[[datetime], str] = plain_moment) -> str:
    """The sentence of a notice, as plain text. Details in it come from outside: escape them.

    What is answered by number stands at its end. `moment` words an instant; a platform that shows
    each reader their own time puts a mark there.
    """
    words, ways = notice.words or _worded(notice, moment), _ways(notice)
    return f"{_sentence(words)}{ways}" if ways else words


def _ways(notice: Notice) -> str:
    """What can be asked for by number."""
    if not notice.numbers:
        return ""
    ways = list(zip(notice.numbers, (_WAYS[each] for each in notice.controls), strict=True))
    match ways:
        case [_] if notice.kind is NoticeKind.ENDED and not notice.words:
            return ""  # its sentence says so already
        case [(number, way)]:
            return f" Reply {number} to {way}."
        case _:
            return "\n" + numbered((number, way.capitalize()) for number, way in ways)


def _worded(notice: Notice, moment: Callable[[datetime], str]) -> str:
    details = notice.details
    match notice.kind:
        case (
            NoticeKind.NEW_CONVERSATION
            | NoticeKind.HANDOFF_FOUND
            | NoticeKind.NOT_SHOWN
            | NoticeKind.NOT_TAKEN
            | NoticeKind.ALERT
        ):
            return _PLAIN[notice.kind]
        case NoticeKind.WITHDRAWN:
            return _ANEW if details.get("anew") else _PLAIN[notice.kind]
        case NoticeKind.UNAVAILABLE:
            return _unavailable(kept=bool(details.get("kept")))
        case NoticeKind.UNANSWERED:
            return _unanswered(details, offered=bool(notice.controls))
        case NoticeKind.ENDED:
            return _ended(details, notice.numbers)
        case NoticeKind.HANDOFF_WAITING:
            return _waiting(details, moment)
        case NoticeKind.HANDOFF_JOINED:
            return f"{details.get('name') or 'A person'} has joined the conversation."
        case NoticeKind.HANDOFF_LEFT:
            return f"{details.get('name') or 'The person'} has left the conversation."
        case NoticeKind.HANDOFF_FAILED:
            return _handoff_failed(details)
        case NoticeKind.HANDOFF_ELSEWHERE:
            return _elsewhere(details)
        case NoticeKind.HANDOFF_CALL:
            return _call(details)
        case NoticeKind.AGENT_PROBLEM:
            return _problem(details)
        case NoticeKind.NOT_DELIVERED:
            return _not_delivered(details, offered=bool(notice.controls))
        case NoticeKind.TOO_LONG:
            return _too_long(details.get("limit_bytes", ""))
        case NoticeKind.STATUS:
            return _status(details, moment)
        case NoticeKind.STALE:
            return _STALE.get(details.get("what", ""), "That belongs to something that is over.")
        case NoticeKind.TOO_FAST:
            return _too_fast(details.get("seconds", ""))


def _status(details: dict[str, str], moment: Callable[[datetime], str]) -> str:
    """How things stand, and how to go on."""
    since = _instant(details.get("since", ""))
    when = f" since {moment(since)}" if since else ""
    match details.get("state", ""):
        case "open":
            agent = details.get("agent") or "the agent"
            talking = "have been talking" if when else "are talking"
            return f"You {talking} to {agent}{when}. Write here to go on."
        case "waiting":
            return _still_waiting(when, details.get("position", ""))
        case "live":
            return f"You are talking to {details.get('name') or 'a person'}. Write here to go on."
        case state:
            return _STANDINGS.get(state, "Write here to talk to the agent.")


def _still_waiting(when: str, position: str) -> str:
    waiting = "have been waiting" if when else "are waiting"
    place = f", as number {position} in the queue" if position else ""
    return f"You {waiting} for a person{when}{place}. You will be told here when somebody comes."


def _too_fast(seconds: str) -> str:
    when = "in a moment"
    if seconds.isdecimal() and int(seconds) > 0:
        when = f"in {seconds} second{'s' if seconds != '1' else ''}"
    return (
        "That was more at once than can be passed on: your last message was not sent to the "
        f"agent, and will not be. Please write it again {when}."
    )


def _unavailable(*, kept: bool) -> str:
    words = "The agent cannot be reached at the moment."
    if kept:
        return f"{words} What you wrote is kept and will be delivered as soon as possible."
    return f"{words} Please try again later."


def _ended(details: dict[str, str], numbers: tuple[int, ...]) -> str:
    said = _ENDINGS.get(details.get("reason", ""), "The conversation has ended.")
    if details.get("resumed"):
        return f"{said} A new one follows."
    reply = f", or reply {numbers[0]}," if numbers else ""
    if details.get("called"):
        return f"{said} People can go on here; call the agent{reply} to start a new one."
    return f"{said} Write here{reply} to start a new one."


def _waiting(details: dict[str, str], moment: Callable[[datetime], str]) -> str:
    words = _sentence(details.get("message", "")) or _place_in_queue(details)
    since = _instant(details.get("since", ""))
    return f"{words} Waiting since {moment(since)}." if since else words


def _place_in_queue(details: dict[str, str]) -> str:
    words = "Connecting you to a person."
    if details.get("queue"):
        words = f"Connecting you to a person in {details['queue']}."
    if details.get("position"):
        words += f" You are number {details['position']} in the queue."
    if details.get("wait_seconds"):
        minutes = max(1, round(int(details["wait_seconds"]) / 60))
        words += f" Estimated wait: about {minutes} minute{'s' if minutes != 1 else ''}."
    return words


def _sentence(text: str) -> str:
    """Somebody else's words, so that ours can follow them."""
    said = text.strip()
    return said if not said or said[-1] in ".!?…" else f"{said}."


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _handoff_failed(details: dict[str, str]) -> str:
    because = f" ({details['reason']})" if details.get("reason") else ""
    in_time = " in time" if details.get("timed_out") else ""
    return (
        f"No person could be reached{in_time}{because}. "
        "You can go on writing to the agent here, or ask for a person again later."
    )


def _elsewhere(details: dict[str, str]) -> str:
    words = [f"A person needs to take this from here{_why(details)}."]
    called = bool(details.get("called"))
    if called:
        words.append(
            "Someone has been called and will get in touch. "
            "What is not said to the agent stays between people."
        )
    places = " or ".join(details[way] for way in ("link", "route") if details.get(way))
    ways = [f"go on at {places}"] if places else []
    ways += [f"call {details['number']}"] if details.get("number") else []
    if ways:
        words.append(f"You can {'also ' if called else ''}{', or '.join(ways)}.")
    return " ".join(words)


def _call(details: dict[str, str]) -> str:
    return f"{details.get('person') or 'Somebody'} needs a person to help{_why(details)}."


def _why(details: dict[str, str]) -> str:
    """Which queue a handoff was for, and why it came."""
    reason = details.get("reason", "")
    queue = f" ({details['queue']})" if details.get("queue") else ""
    return queue + (f": {_REASONS.get(reason, _plain_words(reason))}" if reason else "")


def _plain_words(name: str) -> str:
    """A constant's name as people would write it; other words as they are."""
    return name.replace("_", " ").lower() if name.isupper() else name


def _problem(details: dict[str, str]) -> str:
    words = details.get("message", "").strip() or "The agent reported a problem."
    return f"{_sentence(words)} Your message was sent again." if details.get("again") else words


def _quoted(text: str) -> str:
    return f"“{text if len(text) <= 200 else text[:199] + '…'}”"


def _unanswered(details: dict[str, str], *, offered: bool) -> str:
    quoted = _quoted(details.get("text", ""))
    if details.get("again"):
        return f"The agent had not answered this message, and it was sent again: {quoted}."
    ask = "" if offered else " Please send it again."
    if not details.get("text"):
        return f"The agent could not answer a message.{ask}"
    return f"The agent could not answer this message: {quoted}.{ask}"


def _not_delivered(details: dict[str, str], *, offered: bool) -> str:
    quoted = _quoted(details.get("text", ""))
    if details.get("again"):
        return f"This message had not reached the agent and was sent again: {quoted}."
    ask = "" if offered else " Please send it again."
    if not details.get("text"):
        return f"A message did not reach the agent.{ask}"
    return f"This message did not reach the agent: {quoted}.{ask}"


def _too_long(limit: str) -> str:
    size = f" (the limit is {limit} bytes)" if limit else ""
    return (
        f"That message is too long for the agent{size}, "
        "so it was not sent. Please send it in smaller pieces."
    )
