"""What is a system told? Each delivery as JSON, the same bytes whenever it is told.

`text` is always there and enough; the other fields say the same in parts, as far as the system can
show them (`show` in the settings). The document for integrators is made from these shapes.
"""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.model.messages import AgentReply, Choice
from bridge.model.messages import Notice as ToldNotice
from bridge.plugin import Signal, text_of


class Author(Struct, frozen=True):
    """Who speaks: the agent, a live agent after a handoff, or the bridge itself."""

    kind: Literal["agent", "live_agent", "bridge"]
    name: str | None
    picture_url: str | None


class Suggestion(Struct, frozen=True):
    """A reply to offer. Who picks it makes you send `choice` with `index` and `mark`."""

    index: int
    text: str
    mark: str


class Attachment(Struct, frozen=True):
    """Something to show beside the text. Its addresses come from the agent, unproved."""

    kind: Literal["link", "image", "other"]
    url: str | None
    title: str
    preview_url: str | None
    action_text: str


class Call(Struct, frozen=True):
    """A telephone number to offer."""

    title: str
    number: str


class Chosen(Struct, frozen=True):
    """The suggestion that was picked, and by whom."""

    text: str
    person: str
    name: str | None


class Notice(Struct, frozen=True):
    """Which sentence of the bridge's own this is, for a system with words of its own."""

    kind: str
    details: dict[str, str]


class Shown(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all messages have in common."""

    id: Annotated[str, Meta(description="The name of the message: show it once.")]
    thread: Annotated[str, Meta(description="The conversation, as you named it.")]
    text: Annotated[str, Meta(description="What to show, whatever else you do.")]
    author: Author
    suggestions: list[Suggestion]
    controls: Annotated[
        list[Literal["start", "retry", "cancel", "end", "person", "status"]],
        Meta(description="What else to offer: each is the `kind` to send, `delivery` this `id`."),
    ]
    attachments: list[Attachment]
    calls: list[Call]
    chosen: Chosen | None
    notice: Notice | None
    only_for: Annotated[
        str | None, Meta(description="If given, nobody but this person is to see it.")
    ]
    owed_at: Annotated[datetime, Meta(tz=True)]


class ShowsMessage(Shown, frozen=True, tag="message"):
    """A new message in the thread."""


class ShowsChange(Shown, frozen=True, tag="change"):
    """The message of this `id` shows this from now on; making it twice equals making it once."""

    reference: Annotated[
        str, Meta(description="What you answered the message with; its `id` if nothing.")
    ]


class ShowsAnnouncement(Shown, frozen=True, tag="announcement"):
    """A call for help with the thread, for people in another place."""

    place: Annotated[str, Meta(description="Where, as `handoffs` in the configuration names it.")]


class ShowsSignal(Struct, frozen=True, kw_only=True, tag_field="kind", tag="signal"):
    """A passing sign of life in the thread; `clear` ends it. It is told once or not at all."""

    thread: str
    signal: Literal["thinking", "typing", "clear"]
    name: str | None


class Ping(Struct, frozen=True, tag_field="kind", tag="ping"):
    """Nothing to show: answer 200 if the signature is good, 401 if not."""


Callback = ShowsMessage | ShowsChange | ShowsAnnouncement | ShowsSignal | Ping


class Taken(Struct, frozen=True):
    """What a callback may be answered with."""

    reference: Annotated[
        str | None,
        Meta(description="Your own name of the message; changes of it bring it back."),
    ] = None


def message(outbound: Outbound) -> bytes:
    """A new message, or the call for help at the top of its place."""
    if outbound.place:
        return _encoded(ShowsAnnouncement(place=outbound.place, **_parts(outbound)))
    return _encoded(ShowsMessage(**_parts(outbound)))


def change(outbound: Outbound, receipt: Receipt) -> bytes:
    """What an earlier message shows from now on."""
    return _encoded(ShowsChange(reference=receipt.reference, **_parts(outbound)))


def sign_of_life(thread: ThreadKey, signal: Signal) -> bytes:
    """A passing sign of life."""
    return _encoded(ShowsSignal(thread=thread, signal=signal.kind.value, name=signal.name))


def ping() -> bytes:
    """Nothing but the signature."""
    return _encoded(Ping())


def _parts(outbound: Outbound) -> dict[str, Any]:
    content = outbound.content
    own = _of_notice(content) if isinstance(content, ToldNotice) else _of_reply(content)
    return {
        "id": outbound.id,
        "thread": outbound.thread,
        "text": text_of(content),
        "only_for": outbound.only_for,
        "owed_at": outbound.owed_at,
        **own,
    }


def _of_notice(notice: ToldNotice) -> dict[str, Any]:
    # What has numbers is asked for in words: there is nothing to press.
    pressed = () if notice.numbers else notice.controls
    return {
        "author": Author("bridge", None, None),
        "suggestions": [],
        "controls": [each.value for each in pressed],
        "attachments": [],
        "calls": [],
        "chosen": None,
        "notice": Notice(notice.kind.value, notice.details),
    }


def _of_reply(reply: AgentReply) -> dict[str, Any]:
    author = reply.author
    return {
        "author": Author(author.kind.value, author.name, author.picture_url),
        "suggestions": [
            Suggestion(index, each.text, each.mark) for index, each in enumerate(reply.suggestions)
        ],
        "controls": [],
        "attachments": [
            Attachment(each.kind.value, each.url, each.title, each.preview_url, each.action_text)
            for each in reply.attachments
        ],
        "calls": [Call(each.title, each.number) for each in reply.call_actions],
        "chosen": _chosen(reply.chosen),
        "notice": None,
    }


def _chosen(choice: Choice | None) -> Chosen | None:
    return Chosen(choice.text, choice.by.id, choice.by.name) if choice else None


def _encoded(callback: Callback) -> bytes:
    try:
        return msgspec.json.encode(callback)
    except UnicodeEncodeError:  # half a character, which only JSON's own escapes can spell
        return json.dumps(msgspec.to_builtins(callback)).encode()
