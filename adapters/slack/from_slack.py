"""What did Slack tell us? An event or a click as an `Inbound`, or None if it is not for us.

Pure, and never raises: what Slack sends is outside our control, and a payload that cannot be read
must neither stop the connection nor be sent again and again.

One mention arrives twice, as `app_mention` and as `message`, with two event ids; both give an equal
`Inbound`, whose identity is the message itself (docs.slack.dev/reference/events/app_mention).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.slack import clicks, ids, interactions
from adapters.slack.arrivals import arrival
from adapters.slack.plain_text import mentions, plain, printable
from adapters.slack.words import NO_WORDS, Words, begins, wish
from bridge.model.inbound import Inbound, Said


@dataclass(frozen=True, kw_only=True, slots=True)
class BotIdentity:
    """Who we are in the workspace, as `auth.test` said."""

    team: str
    user: str
    bot: str = ""
    name: str = ""
    team_name: str = ""
    address: str = ""  #: of the workspace, such as `https://example.slack.com/`


#: What people write; any other subtype is Slack's own note of a change, or another bot.
_WRITTEN = {"", "file_share", "thread_broadcast", "me_message"}
_NOT_PEOPLE = {"USLACKBOT", "USLACK"}
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Installation(msgspec.Struct):
    team_id: str | None = None


class _Event(msgspec.Struct):
    """What is read of a `message` or an `app_mention`; anything else in it is left alone."""

    type: str = ""
    subtype: str | None = None
    user: str | None = None
    channel: str = ""
    channel_type: str | None = None
    ts: str = ""
    thread_ts: str | None = None
    text: str | None = None
    client_msg_id: Any = None
    bot_id: Any = None
    app_id: Any = None
    edited: Any = None
    hidden: Any = None
    files: Any = None


class _Callback(msgspec.Struct):
    """The outer payload of the Events API."""

    event: _Event
    team_id: str | None = None
    api_app_id: Any = None
    authorizations: list[_Installation] | None = None

    @property
    def team(self) -> str:
        """The workspace we are installed in, which in a shared channel may not be the sender's."""
        installed = self.authorizations[0].team_id if self.authorizations else None
        return installed or self.team_id or ""


def team_of(payload: object) -> str:
    """The workspace whose installation `payload` was sent to; "" where it does not say.

    In a shared channel that is not the sender's own; a click says it in the button's value.
    """
    if not isinstance(payload, dict):
        return ""
    try:
        if payload.get("type") == "block_actions":
            return clicks.team_of(payload)
        if interactions.is_shortcut(payload):
            return interactions.shortcut_team(payload)
        return msgspec.convert(payload, _Callback).team
    except (msgspec.ValidationError, UnicodeEncodeError):
        return ""


def from_slack(payload: object, bot: BotIdentity, words: Words = NO_WORDS) -> Inbound | None:
    """What `payload`, an event, a click or a shortcut, means for us; None if it means nothing.

    After a mention `words` are wishes, and not for the agent.
    """
    if not isinstance(payload, dict):
        return None
    try:
        if payload.get("type") == "block_actions":
            return clicks.read(payload)
        if interactions.is_shortcut(payload):
            return interactions.read_shortcut(payload)
        if isinstance(payload.get("event"), dict):
            return _from_callback(msgspec.convert(payload, _Callback), bot, words)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None  # the latter where half a character stands in place of something else
    return None


def _from_callback(callback: _Callback, bot: BotIdentity, words: Words) -> Inbound | None:
    event = callback.event
    if not (_by_a_person(event, bot) and _readable(event, callback.team)):
        return None
    if event.app_id is not None and event.app_id == callback.api_app_id:
        return None
    return _from_message(event, callback.team, bot, words)


def _by_a_person(event: _Event, bot: BotIdentity) -> bool:
    """Whether somebody wrote this just now: not a bot, not a note of Slack's, not an edit."""
    if event.type not in {"message", "app_mention"} or (event.subtype or "") not in _WRITTEN:
        return False
    if event.bot_id or event.hidden or event.user in _NOT_PEOPLE or event.user == bot.user:
        return False
    # After an edit a mention is announced anew; the message itself is known already.
    return not (event.type == "app_mention" and event.edited)


def _readable(event: _Event, team: str) -> bool:
    """Whether all that identifies the message is there and of the right shape."""
    return (
        ids.is_place(team)
        and ids.is_place(event.channel)
        and ids.is_user(event.user)
        and ids.is_ts(event.ts)
        and (not event.thread_ts or ids.is_ts(event.thread_ts))
    )


def _from_message(event: _Event, team: str, bot: BotIdentity, words: Words) -> Inbound | None:
    mentioned = mentions(event.text or "", bot=bot.user)
    called = mentioned or event.channel_type == "im"
    text = "\n".join([plain(event.text or "", bot=bot.user), *_files(event.files)]).strip()
    if not called and not (event.thread_ts and text):
        return None  # a channel's own talk, which can belong to no conversation; or nothing at all
    body = (wish(text, words) if mentioned else None) or Said(text)
    where = f"{team}:{event.channel}"
    identities = [f"message:{where}:{event.ts}"]
    if isinstance(event.client_msg_id, str) and _CLIENT_ID.fullmatch(event.client_msg_id):
        identities.append(f"client:{where}:{event.client_msg_id}")
    return arrival(
        ids.SlackThread(team, event.channel, event.thread_ts or event.ts),
        tuple(identities),
        ts=event.ts,
        person=event.user or "",
        body=body,
        opens=called and begins(body),
    )


def _files(files: object) -> Iterator[str]:
    """A line for each file, as its content stays in Slack."""
    for file in files if isinstance(files, list) else []:
        if not isinstance(file, dict) or file.get("mode") == "tombstone":
            continue
        told = [_line(file.get("name") or file.get("title")) or "unnamed"]
        told += [kind] if (kind := _line(file.get("pretty_type") or file.get("mimetype"))) else []
        told += [_size(file["size"])] if isinstance(file.get("size"), int) else []
        told += [link] if (link := _line(file.get("permalink"))).startswith("https://") else []
        yield f"[file: {', '.join(told)}]"


def _line(text: object) -> str:
    return " ".join(printable(text).split()) if isinstance(text, str) else ""


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if size >= factor:
            return f"{size // factor} {unit}"
    return f"{size} bytes"
