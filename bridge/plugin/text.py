"""How does the bridge itself speak? One plain wording for each notice, for every adapter."""

from collections.abc import Callable
from datetime import UTC, datetime

from bridge.model.messages import Notice, NoticeKind

_PLAIN = {
    NoticeKind.NEW_CONVERSATION: (
        "This is a new conversation: the earlier one has ended, "
        "and the agent no longer knows what was said in it."
    ),
    NoticeKind.HANDOFF_FOUND: "The wait for a person is over.",
    NoticeKind.WITHDRAWN: "The agent took this part of its message back.",
    NoticeKind.UNAVAILABLE: (
        "The agent cannot be reached at the moment. "
        "What you wrote is kept and will be delivered as soon as it can be."
    ),
}

_ENDINGS = {
    "REASON_USER_END": "The conversation was ended, as asked.",
    "REASON_USER_ABANDONED": "The conversation was closed, as nothing was said for a while.",
    "LEFT_QUEUE": "You no longer wait for a person, and the conversation has ended.",
}


def plain_moment(moment: datetime) -> str:
    """An instant where the platform cannot show it in each reader's own time."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def notice_text(notice: Notice, *, moment: Callable[[datetime], str] = plain_moment) -> str:
    """The sentence of a notice, as plain text. Details in it come from outside: escape them.

    `moment` words an instant; a platform that shows each reader their own time puts a mark there.
    """
    details = notice.details
    match notice.kind:
        case (
            NoticeKind.NEW_CONVERSATION
            | NoticeKind.UNAVAILABLE
            | NoticeKind.HANDOFF_FOUND
            | NoticeKind.WITHDRAWN
        ):
            return _PLAIN[notice.kind]
        case NoticeKind.ENDED:
            return _ended(details.get("reason", ""), resumed="resumed" in details)
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
            return details.get("message") or "The agent reported a problem."
        case NoticeKind.NOT_DELIVERED:
            return _not_delivered(details, offered=notice.control is not None)
        case NoticeKind.TOO_LONG:
            return _too_long(details.get("limit_bytes", ""))


def _ended(reason: str, *, resumed: bool) -> str:
    said = _ENDINGS.get(reason, "The conversation has ended.")
    return f"{said} A new one follows." if resumed else f"{said} Write here to start a new one."


def _waiting(details: dict[str, str], moment: Callable[[datetime], str]) -> str:
    since = _instant(details.get("since", ""))
    waiting = f" Waiting since {moment(since)}." if since else ""
    if details.get("message"):
        return details["message"] + waiting
    words = "Connecting you to a person."
    if details.get("queue"):
        words = f"Connecting you to a person in {details['queue']}."
    if details.get("position"):
        words += f" You are number {details['position']} in the queue."
    if details.get("wait_seconds"):
        minutes = max(1, round(int(details["wait_seconds"]) / 60))
        words += f" Estimated wait: about {minutes} minute{'s' if minutes != 1 else ''}."
    return words + waiting


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _handoff_failed(details: dict[str, str]) -> str:
    reason = details.get("reason", "")
    because = f" ({reason})" if reason else ""
    in_time = " in time" if "timed_out" in details else ""
    return (
        f"No person could be reached{in_time}{because}. "
        "You can go on writing to the agent here, or ask for a person again later."
    )


def _elsewhere(details: dict[str, str]) -> str:
    words = "A person needs to take this from here"
    if details.get("queue"):
        words += f" ({details['queue']})"
    words += "."
    if "called" in details:
        words += " Someone has been called and will answer in this thread."
    ways = [details[way] for way in ("link", "route", "number") if details.get(way)]
    if ways:
        words += f" You can reach them here: {' or '.join(ways)}."
    return words


def _call(details: dict[str, str]) -> str:
    who = details.get("person") or "Somebody"
    words = f"{who} needs a person"
    if details.get("queue"):
        words += f" ({details['queue']})"
    if details.get("reason"):
        words += f"; the agent's reason: {details['reason']}"
    return words + "."


def _not_delivered(details: dict[str, str], *, offered: bool) -> str:
    text = details.get("text", "")
    quoted = text if len(text) <= 200 else text[:199] + "…"
    if "again" in details:
        return f"This message had not reached the agent and was sent again: “{quoted}”."
    ask = "" if offered else " Please send it again."
    return f"This message did not reach the agent: “{quoted}”.{ask}"


def _too_long(limit: str) -> str:
    return (
        f"That message is too long for the agent (the limit is {limit or 'unknown'} bytes), "
        "so it was not sent. Please send it in smaller pieces."
    )
