"""What does a link to a Teams message point at? As "Copy link" gives it, of a channel or a chat.

`https://teams.microsoft.com/l/message/19:…@thread.tacv2/1700000000123?parentMessageId=…`
(learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/deep-link-teams). A chat of one
person with the bot has another name in such a link than the bot hears: it cannot be found by it.
"""

from urllib.parse import parse_qs, unquote, urlsplit

from bridge.plugin import Pointer


def pointed(link: str) -> Pointer | None:
    """What `link` points at; None if it is no link to a message in Teams."""
    try:
        parts = urlsplit(link)
        parent = parse_qs(parts.query).get("parentMessageId", [""])[0]
    except ValueError:
        return None
    named = [unquote(one) for one in parts.path.strip("/").split("/")]
    if len(named) != 4 or named[:2] != ["l", "message"] or not named[3].isdecimal():
        return None
    _, _, place, message = named
    thread = f"{place};messageid={parent}" if parent else place
    return Pointer(identity=f"{thread}/{message}", receipt=f"* {message}", thread=thread)
