"""What is in a message? Its words, and in plain lines what else it shows: quotations and files.

What people forward, the tables they paste and the files they attach stand beside the text
(docs.slack.dev/messaging, "attachments"). The content of a file stays in Slack; a link leads there.
"""

from collections.abc import Iterator

import msgspec

from adapters.slack.reading.callbacks import Json, tables_in, text_of
from adapters.slack.reading.plain_text import line, mentions, plain
from adapters.slack.reading.rich_text import markup_of, poorer

#: The most code points that are passed on; of one line that describes something, fewer.
LONGEST = 40_000
_LONGEST_LINE = 300


class Contents(msgspec.Struct, frozen=True):
    """What a message says, and whether it calls us in its own words."""

    text: str
    calls: bool


def contents_of(message: Json, *, bot: str) -> Contents:
    """Everything `message` says, to be read by people; without the mention of our `bot` user."""
    markup, words = _read(text_of(message, "text"), message.get("blocks"), bot)
    if words and message.get("subtype") == "me_message":
        words = f"* {words}"
    shown = _attachments(message.get("attachments"), bot)
    lines = [words, *shown, *_files(message.get("files"))]
    text = "\n".join(filter(None, lines)).strip()
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return Contents(text, mentions(markup, bot=bot))


def _read(text: str, blocks: object, bot: str) -> tuple[str, str]:
    """The message's own markup and its words: its text, or its blocks where they say more.

    A channel has its name in the text alone, and its id in both: so the id is no more.
    """
    words, rich = plain(text, bot=bot), markup_of(blocks)
    if rich == text:
        return text, words
    seen = plain(rich, bot=bot)
    if seen == words or not poorer(f"{words} {text}".strip(), seen):
        return text, words
    return rich, seen


def _attachments(attachments: object, bot: str) -> Iterator[str]:
    for attachment in tables_in(attachments):
        if attachment.get("is_share") or attachment.get("is_msg_unfurl"):
            yield _quotation(attachment, bot)
        elif not text_of(attachment, "from_url", "original_url", "title_link"):
            yield _addition(attachment, bot)  # anything else is Slack's preview of a link


def _quotation(attachment: Json, bot: str) -> str:
    """A forwarded message: who said it and where, and each of its lines marked as quoted."""
    who = _line(text_of(attachment, "author_name", "author_subname")) or "somebody"
    channel = text_of(attachment, "channel_name")
    where = f"#{channel}" if channel else text_of(attachment, "footer")
    link = _link(attachment.get("from_url"))
    head = ", ".join(filter(None, (who, _line(plain(where, bot=bot)), link)))
    inner = tables_in(attachment.get("message_blocks"))
    messages = [each["message"] for each in inner if isinstance(each.get("message"), dict)]
    blocks = [block for each in messages for block in tables_in(each.get("blocks"))]
    _, words = _read(text_of(attachment, "text"), blocks, bot)
    quoted = "\n".join(filter(None, (words, *_files(attachment.get("files")))))
    lines = [f"> {each}" for each in quoted.split("\n") if quoted]
    return "\n".join((f"[forwarded: {head}]", *lines))


def _addition(attachment: Json, bot: str) -> str:
    """What an app, or a pasted table, adds below the text."""
    parts = [plain(text_of(attachment, key), bot=bot) for key in ("pretext", "title", "text")]
    for field in tables_in(attachment.get("fields")):
        named = (plain(text_of(field, key), bot=bot) for key in ("title", "value"))
        parts.append(": ".join(filter(None, named)))
    parts.append(plain(markup_of(attachment.get("blocks")), bot=bot))
    return "\n".join(filter(None, parts))


def _files(files: object) -> Iterator[str]:
    """A line for each file."""
    for file in tables_in(files):
        if file.get("mode") == "tombstone":
            continue
        if file.get("mode") == "hidden_by_limit":
            yield "[file: hidden, as the workspace's storage is full]"
            continue
        told = [_line(file.get("name") or file.get("title")) or "unnamed"]
        told += [kind] if (kind := _line(file.get("pretty_type") or file.get("mimetype"))) else []
        told += [_size(size)] if isinstance(size := file.get("size"), int) and size > 0 else []
        told += [link] if (link := _link(file.get("permalink"))) else []
        yield f"[file: {', '.join(told)}]"


def _line(text: object) -> str:
    return line(text)[:_LONGEST_LINE]


def _link(address: object) -> str:
    told = plain(line(address), bot="-")
    return told if told.startswith("https://") and len(told) <= 10 * _LONGEST_LINE else ""


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if size >= factor:
            return f"{min(size // factor, 10**9)} {unit}"
    return f"{size} bytes"
