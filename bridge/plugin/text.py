"""How does the bridge itself speak? One plain wording for each notice, for every adapter."""

from bridge.model.messages import Notice, NoticeKind

_PLAIN = {
    NoticeKind.NEW_CONVERSATION: (
        "This is a new conversation: the earlier one has ended, "
        "and the agent no longer knows what was said in it."
    ),
    NoticeKind.HANDOFF_FOUND: "The wait for a person is over.",
    NoticeKind.UNAVAILABLE: (
        "The agent cannot be reached at the moment. "
        "What you wrote is kept and will be delivered as soon as it can be."
    ),
}

_ENDINGS = {
    "REASON_USER_END": "The conversation was ended, as asked.",
    "REASON_USER_ABANDONED": "The conversation was closed, as nothing was said for a while.",
}


def notice_text(notice: Notice) -> str:
    """The sentence of a notice, as plain text. Details in it come from outside: escape them."""
    details = notice.details
    match notice.kind:
        case NoticeKind.NEW_CONVERSATION | NoticeKind.UNAVAILABLE | NoticeKind.HANDOFF_FOUND:
            return _PLAIN[notice.kind]
        case NoticeKind.ENDED:
            return _ended(details.get("reason", ""), resumed="resumed" in details)
        case NoticeKind.HANDOFF_WAITING:
            return _waiting(details)
        case NoticeKind.HANDOFF_JOINED:
            return f"{details.get('name') or 'A person'} has joined the conversation."
        case NoticeKind.HANDOFF_LEFT:
            return f"{details.get('name') or 'The person'} has left the conversation."
        case NoticeKind.HANDOFF_FAILED:
            return _handoff_failed(details.get("reason", ""))
        case NoticeKind.HANDOFF_ELSEWHERE:
            return _elsewhere(details)
        case NoticeKind.AGENT_PROBLEM:
            return details.get("message") or "The agent reported a problem."
        case NoticeKind.NOT_DELIVERED:
            return _not_delivered(details.get("text", ""))
        case NoticeKind.TOO_LONG:
            return _too_long(details.get("limit_bytes", ""))


def _ended(reason: str, *, resumed: bool) -> str:
    said = _ENDINGS.get(reason, "The conversation has ended.")
    return f"{said} A new one follows." if resumed else f"{said} Write here to start a new one."


def _waiting(details: dict[str, str]) -> str:
    if details.get("message"):
        return details["message"]
    words = "Connecting you to a person."
    if details.get("queue"):
        words = f"Connecting you to a person in {details['queue']}."
    if details.get("position"):
        words += f" You are number {details['position']} in the queue."
    if details.get("wait_seconds"):
        minutes = max(1, round(int(details["wait_seconds"]) / 60))
        words += f" Estimated wait: about {minutes} minute{'s' if minutes != 1 else ''}."
    return words


def _handoff_failed(reason: str) -> str:
    because = f" ({reason})" if reason else ""
    return f"No person could be reached{because}. You can go on writing here or try again later."


def _elsewhere(details: dict[str, str]) -> str:
    words = "A person will need to take this from here"
    if details.get("queue"):
        words += f" ({details['queue']})"
    if details.get("route"):
        return f"{words}: {details['route']}"
    return words + "."


def _not_delivered(text: str) -> str:
    quoted = text if len(text) <= 200 else text[:199] + "…"
    return f"This message did not reach the agent: “{quoted}”. Please send it again."


def _too_long(limit: str) -> str:
    return (
        f"That message is too long for the agent (the limit is {limit or 'unknown'} bytes), "
        "so it was not sent. Please send it in smaller pieces."
    )
