"""What does Slack show? An `Outbound` as a message: blocks, fallback text, mark and author.

Pure. Every message carries the delivery's id twice, in its metadata and in its first block's id, so
that it can be found again; and a fallback text, which notifications and screen readers use.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from adapters.slack import ids, limits
from adapters.slack.rendering import markup
from adapters.slack.rendering.blocks import Block, context, section
from adapters.slack.rendering.cards import attachments, call_words, calls, linked_words
from adapters.slack.rendering.controls import controls
from adapters.slack.rendering.mrkdwn import mrkdwn_and_words
from adapters.slack.rendering.notices import mention, notice_words, way_to
from adapters.slack.rendering.offers import chosen, offers
from bridge.model.delivery import Outbound
from bridge.model.messages import (
    AgentReply,
    Author,
    AuthorKind,
    Notice,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What this workspace lets us use; less of it still shows everything in words."""

    address: str = ""  #: of the workspace itself, for links into it
    authorship: bool = True  #: names and pictures of live agents (scope chat:write.customize)
    pictures: bool = True  #: pictures that Slack fetches itself


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackMessage:
    """A message as the Web API takes it."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    metadata: dict[str, Any] | None
    username: str | None = None
    icon_url: str | None = None

    @property
    def pictured(self) -> bool:
        """Whether Slack must fetch something to show it."""
        return any(
            block["type"] == "image" or block.get("accessory", {}).get("type") == "image"
            for block in self.blocks
        )


_EVERYTHING = Features()
_MORE = "…"
_NOTHING = "(nothing to show)"
#: No name at all, and those with which somebody would pretend to be Slack or to call everybody.
_RESERVED = {"", "channel", "everyone", "here", "slack", "slackbot"}


def to_slack(outbound: Outbound, features: Features = _EVERYTHING) -> SlackMessage:
    """What `outbound` looks like with these features."""
    match outbound.content:
        case AgentReply() as reply:
            return _reply(outbound, reply, features)
        case Notice() as notice:
            return _notice(outbound, notice, features)
        case other:
            assert_never(other)


def author_of(outbound: Outbound, features: Features) -> str | None:
    """The name under which `outbound` is posted, or None for the app's own."""
    if not features.authorship or not isinstance(outbound.content, AgentReply):
        return None
    return _username(outbound.content.author)


def _reply(outbound: Outbound, reply: AgentReply, features: Features) -> SlackMessage:
    username = _username(reply.author)
    pieces, words = mrkdwn_and_words(reply.text, limit=limits.SECTION_TEXT, most=limits.SECTIONS)
    blocks = [
        *_byline(username if not features.authorship else None),
        *map(section, pieces),
        *attachments(reply.attachments, pictures=features.pictures),
        *calls(reply.call_actions),
        *_choice(reply, outbound),
        *([context(_MORE)] if reply.unfinished else ()),
    ]
    return _message(
        outbound,
        blocks,
        _fallback(reply, words, username),
        username=username if features.authorship else None,
        icon_url=_icon(reply.author) if username and features.authorship else None,
    )


def _notice(outbound: Outbound, notice: Notice, features: Features) -> SlackMessage:
    text = notice_words(notice) or _NOTHING
    if outbound.place:
        return _call(outbound, notice, text, features)
    blocks: list[Block] = [context(text)]
    if notice.controls:
        blocks.append(controls(outbound, notice.controls))
    return _message(outbound, blocks, text)


def _call(outbound: Outbound, notice: Notice, words: str, features: Features) -> SlackMessage:
    """A notice for people elsewhere: whom it calls, what it is about and where."""
    called = mention(notice.details.get("mention", ""))
    way = way_to(ids.SlackThread.parse(outbound.thread), features.address)
    text = f"{called} {words} {way}".strip()
    return _message(outbound, [section(text)], text)


def _message(
    outbound: Outbound,
    blocks: Sequence[Block],
    text: str,
    *,
    username: str | None = None,
    icon_url: str | None = None,
) -> SlackMessage:
    first, *others = blocks or [context(_NOTHING)]
    return SlackMessage(
        text=markup.shortened(text, limits.FALLBACK_TEXT),
        blocks=({**first, "block_id": ids.mark(outbound.id)}, *others),
        metadata={"event_type": ids.EVENT_TYPE, "event_payload": {"delivery": outbound.id}},
        username=username,
        icon_url=icon_url,
    )


def _username(author: Author) -> str | None:
    """The live agent's name; the agent itself speaks under the app's own."""
    if author.kind is not AuthorKind.LIVE_AGENT:
        return None
    name = markup.label((author.name or "").replace("&", "+"), limits.USERNAME)
    return name if name.casefold().replace(" ", "") not in _RESERVED else None


def _icon(author: Author) -> str | None:
    url = markup.web_url(author.picture_url)
    return url if url and url.startswith("https://") else None


def _byline(username: str | None) -> Iterator[Block]:
    """Who speaks, where the message cannot carry another author."""
    if username:
        yield context(f"*{markup.escape(username)}*")


def _choice(reply: AgentReply, outbound: Outbound) -> Iterator[Block]:
    """The suggestions, or what became of them."""
    if reply.chosen is not None:
        yield chosen(reply.chosen)
    elif reply.suggestions:
        yield from offers(reply.suggestions, outbound)


def _fallback(reply: AgentReply, words: str, username: str | None) -> str:
    """The message in words, those of its text given; a live agent's name goes first, where blocks
    are not shown.
    """
    lines = [words, *(linked_words(a) for a in reply.attachments)]
    lines += [markup.escape(call_words(call)) for call in reply.call_actions]
    if reply.chosen is not None:
        lines.append(markup.escape(f"✓ {markup.label(reply.chosen.text, limits.LABEL)}"))
    elif reply.suggestions:
        offered = (markup.label(s.text, limits.BUTTON_TEXT) for s in reply.suggestions)
        lines.append(markup.escape(f"Choose: {' / '.join(offered)}"))
    text = "\n".join(line for line in lines if line) or _NOTHING
    return f"{markup.escape(username)}: {text}" if username else text
