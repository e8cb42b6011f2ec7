"""What does a link to a Slack message point at? As people copy it, or as Slack gives it.

`https://WORKSPACE.slack.com/archives/C…/p1700000000123456?thread_ts=1700000000.123456&cid=C…`
(docs.slack.dev/reference/methods/chat.getPermalink): the ts without its dot, six digits of which
follow that. The workspace is named by its address, not by its id, which stands in our names.
"""

import re
from urllib.parse import parse_qs, urlsplit

from adapters.slack.ids import Spot, is_place, is_ts
from bridge.plugin import Pointer

_PATH = re.compile(r"/archives/([A-Z0-9]{2,32})/p([0-9]{7,16})")


def pointed(link: str) -> Pointer | None:
    """What `link` points at; None if it is no link to a message in Slack."""
    try:
        parts = urlsplit(link)
        path = _PATH.fullmatch(parts.path.rstrip("/"))
        thread = parse_qs(parts.query).get("thread_ts", [""])[0]
    except ValueError:
        return None
    if path is None or parts.scheme not in ("https", "http"):
        return None
    channel, digits = path.groups()
    ts = f"{digits[:-6]}.{digits[-6:]}"
    root = thread if is_ts(thread) else ts
    if not (is_place(channel) and is_ts(ts)):
        return None
    return Pointer(
        identity=f"message:*:{channel}:{ts}",
        receipt=Spot(channel, ts).receipt.reference,
        thread=f"*:{channel}:{root}",
    )
