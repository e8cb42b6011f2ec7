"""What does the homeserver get for a delivery? Pure: a delivery in, the content of an event out."""

import json
from typing import Any

from adapters.matrix.markup import cleaned, shown
from adapters.matrix.places import place_of
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply
from bridge.plugin import text_of

#: Under this key each message of ours names its delivery.
MARK = "ai.polyai.bridge.delivery"
#: The longest text in code points. An event may have 65,536 bytes (client-server API, "Size
#: limits"), a code point 4; the rest is for what servers add, and an edit's words for old clients.
TEXT_LIMIT = 14_000
#: The largest content we send, in bytes: what servers add (hashes, signatures) is under 5,000.
LARGEST = 60_000
#: The same where it is encrypted, which takes four bytes for three; and the longest text then.
LARGEST_SEALED, SEALED_TEXT_LIMIT = 43_000, 10_000
#: What stands for a text without a word in it, such as a mere tag.
_NOTHING = "…"
#: How much of an edit is repeated for clients that do not know edits.
_FALLBACK = 200


def content_of(outbound: Outbound, largest: int = LARGEST) -> dict[str, Any]:
    """The content of the message that shows it, in its thread and with its mark.

    It has at most `largest` bytes, if need be without its HTML.
    """
    content = _words(outbound) | {MARK: outbound.id, "m.mentions": {}}
    root = place_of(outbound.thread).root
    if root:
        content["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,  # clients without threads show it as a reply to the root
            "m.in_reply_to": {"event_id": root},
        }
    return content if _size(content) <= largest else _plain(content)


def edit_of(outbound: Outbound, receipt: Receipt, largest: int = LARGEST) -> dict[str, Any]:
    """The content of the edit that makes the message at `receipt` show it."""
    # Older servers tell an edited message with its new content: there, too, it must bear its mark.
    new = _words(outbound) | {"m.mentions": {}, MARK: outbound.id}
    content = {
        "msgtype": new["msgtype"],
        "body": f"* {new['body'][:_FALLBACK]}",
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": receipt.reference},
    }
    if _size(content) > largest:
        content["m.new_content"] = _plain(new)
    return content


def delivery_in(content: object) -> DeliveryId | None:
    """The delivery whose mark a message's content bears."""
    mark = content.get(MARK) if isinstance(content, dict) else None
    return DeliveryId(mark) if isinstance(mark, str) and mark else None


def _words(outbound: Outbound) -> dict[str, Any]:
    """Agents' words as a message, the bridge's own as a notice, which rings no bell."""
    text = text_of(outbound.content)
    if not isinstance(outbound.content, AgentReply):
        return {"msgtype": "m.notice", "body": cleaned(text)}
    words, formatted = shown(text)
    message = {"msgtype": "m.text", "body": words or _NOTHING}
    if formatted:
        message |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
    return message


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """The same without its HTML."""
    return {k: v for k, v in content.items() if k not in {"format", "formatted_body"}}


def _size(content: dict[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode(errors="replace"))
