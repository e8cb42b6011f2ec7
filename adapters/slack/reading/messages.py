"""What did somebody write, change or take back? Events about messages as an `Inbound`.

Pure. One mention arrives twice, as `app_mention` and as `message`, with two event ids; both give
an equal `Inbound`, whose identity is the message itself
(docs.slack.dev/reference/events/app_mention).
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.slack import ids, limits
from adapters.slack.identity import BotIdentity
from adapters.slack.reading.admission import Admission, AnswerTo, Caller, is_external
from adapters.slack.reading.arrivals import arrival
from adapters.slack.reading.callbacks import Callback, Json, text_of
from adapters.slack.reading.contents import Contents, contents_of
from adapters.slack.reading.words import Words, begins, wish
from adapters.slack.rendering import markup
from bridge.model.inbound import Deleted, Edited, Inbound, InboundBody, Said, ThreadGone

#: What people and apps write; any other subtype is Slack's own note of something.
_WRITTEN = {"", "file_share", "thread_broadcast", "me_message", "bot_message"}
#: Slack itself, in whose name nothing is said to the agent.
SLACK = "USLACKBOT"
_NOT_PEOPLE = {SLACK, "USLACK"}
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BOT = re.compile(r"B[A-Z0-9]{1,31}")


class Message(msgspec.Struct):
    """What is read of a message, or of an event about one; anything else in it is left alone."""

    type: str = ""
    subtype: str | None = None
    user: str | None = None
    channel: str | None = ""
    channel_type: str | None = None
    ts: str = ""
    thread_ts: str | None = None
    text: str | None = None
    client_msg_id: Any = None
    bot_id: Any = None
    app_id: Any = None
    edited: Any = None
    hidden: Any = None
    user_team: str | None = None
    source_team: str | None = None
    user_profile: Any = None
    bot_profile: Any = None
    username: Any = None
    reply_count: Any = None
    deleted_ts: str | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it belongs to another message's thread."""
        return bool(self.thread_ts) and self.thread_ts != self.ts

    @property
    def automatic(self) -> bool:
        """Whether another app, or a workflow, wrote it."""
        return bool(self.bot_id) or self.subtype == "bot_message"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events about messages for one workspace, under rules; `words` are wishes."""

    callback: Callback
    bot: BotIdentity
    rules: Admission
    words: Words

    def read(self) -> Inbound | None:
        """What the event means for us; None if it means nothing.

        Raises:
            msgspec.ValidationError: the event cannot be read.
        """
        event = msgspec.convert(self.callback.event, Message)
        if event.type not in {"message", "app_mention"} or not self._readable(event):
            return None
        match event.subtype or "":
            case "message_changed":
                return self._changed(event)
            case "message_deleted":
                return self._deleted(event)
            case subtype if subtype in _WRITTEN and not event.hidden:
                return self._written(event)
            case _:
                return None

    def _readable(self, event: Message) -> bool:
        """Whether all that says where it was is there and of the right shape."""
        return (
            ids.is_place(self.callback.team)
            and ids.is_place(event.channel)
            and ids.is_ts(event.ts)
            and (not event.thread_ts or ids.is_ts(event.thread_ts))
        )

    def _written(self, event: Message) -> Inbound | None:
        # After an edit a mention is announced anew; the message itself is known already.
        if event.type == "app_mention" and event.edited:
            return None
        contents = contents_of(self.callback.event, bot=self.bot.user)
        direct = _is_direct(event)
        mine = contents.calls or (direct and bool(contents.text))
        if not self._admitted(event, event) or not self._meant(event, contents, mine=mine):
            return None
        body = (wish(contents.text, self.words) if contents.calls else None) or Said(contents.text)
        identities = [self._identity("message", event.ts, event=event)]
        if isinstance(event.client_msg_id, str) and _CLIENT_ID.fullmatch(event.client_msg_id):
            identities.append(self._identity("client", event.client_msg_id, event=event))
        opens = mine and begins(body)
        return self._arrival(event, event, tuple(identities), body, opens=opens)

    def _meant(self, event: Message, contents: Contents, *, mine: bool) -> bool:
        """Whether it can be for us: it calls us, or is more of a thread that may be ours."""
        if mine:
            return contents.calls or not event.automatic
        only_called = event.automatic or self.rules.answer_to is AnswerTo.MENTION
        return bool(event.thread_ts and contents.text) and not only_called

    def _changed(self, event: Message) -> Inbound | None:
        """A person's own words, changed by them; or a root that was deleted and has replies."""
        message, before = _inner(self.callback.event, "message")
        if not ids.is_ts(message.ts):
            return None
        if message.subtype == "tombstone":
            return self._gone(event, message.ts) if not message.is_reply else None
        earlier, earlier_json = _inner(self.callback.event, "previous_message")
        if not _edited_anew(message, earlier) or message.automatic:
            return None
        now, then = self._typed(before), self._typed(earlier_json)
        if now == then or not self._admitted(event, message):
            return None
        if not self._could_be_ours(event, message, now, then):
            return None
        original = self._identity("message", message.ts, event=event)
        name = self._identity("edit", message.ts, message.edited["ts"], event=event)
        return self._arrival(event, message, (name,), Edited(original, now.text))

    def _deleted(self, event: Message) -> Inbound | None:
        message, before = _inner(self.callback.event, "previous_message")
        ts = event.deleted_ts or message.ts
        if not ids.is_ts(ts):
            return None
        message.ts = ts
        was = self._typed(before)
        if not message.is_reply:
            # What was nobody's root and called nobody cannot have been a conversation's.
            rooted = not before or bool(message.reply_count or message.thread_ts)
            called = not self._ours(message) and (was.calls or _is_direct(event))
            return self._gone(event, ts) if rooted or called else None
        if not self._admitted(event, message):
            return None
        if not self._could_be_ours(event, message, was, was):
            return None
        original = self._identity("message", ts, event=event)
        return self._arrival(
            event, message, (self._identity("delete", ts, event=event),), Deleted(original)
        )

    def _could_be_ours(
        self, event: Message, message: Message, now: Contents, then: Contents
    ) -> bool:
        if now.calls or then.calls or _is_direct(event):
            return True
        only_called = message.automatic or self.rules.answer_to is AnswerTo.MENTION
        return message.is_reply and not only_called

    def _typed(self, message: Json) -> Contents:
        """What a person wrote themselves: Slack adds and removes the attachments of links."""
        return contents_of({**message, "attachments": None}, bot=self.bot.user)

    def _gone(self, event: Message, root: str) -> Inbound:
        return arrival(
            self._thread(event, root),
            (self._identity("gone", event.ts, root, event=event),),
            ts=event.ts,
            person=SLACK,  # who deleted it is not said
            body=ThreadGone(),
            opens=False,
        )

    def _arrival(
        self,
        event: Message,
        message: Message,
        identities: tuple[str, ...],
        body: InboundBody,
        *,
        opens: bool = False,
    ) -> Inbound:
        return arrival(
            self._thread(event, message.thread_ts or message.ts),
            identities,
            ts=event.ts,
            person=_author(message),
            name=_name(message),
            body=body,
            opens=opens,
            starter_only=self.rules.answer_to is AnswerTo.STARTER,
        )

    def _thread(self, event: Message, root: str) -> ids.SlackThread:
        return ids.SlackThread(self.callback.team, event.channel or "", root)

    def _identity(self, kind: str, *names: str, event: Message) -> str:
        return ":".join((kind, self.callback.team, event.channel or "", *names))

    def _admitted(self, event: Message, message: Message) -> bool:
        """Whether whoever wrote `message` may: not ourselves, not Slack, and within the rules."""
        author = _author(message)
        if not author or author in _NOT_PEOPLE or self._ours(message):
            return False
        home = message.user_team or message.source_team or ""
        ours = (self.callback.team, self.callback.organisation)
        caller = Caller(
            person=author,
            channel=event.channel or "",
            workspace=self.callback.team,
            home=home,
            external=is_external(home, *ours, shared=self.callback.shared),
            automatic=message.automatic,
        )
        return self.rules.admits(caller)

    def _ours(self, message: Message) -> bool:
        profile = message.bot_profile if isinstance(message.bot_profile, dict) else {}
        app = self.callback.api_app_id
        by_app = app is not None and app in (message.app_id, profile.get("app_id"))
        by_bot = bool(self.bot.bot) and message.bot_id == self.bot.bot
        return by_app or by_bot or message.user == self.bot.user


def _inner(event: Json, key: str) -> tuple[Message, Json]:
    """The message that an event is about, and how it came; one that says nothing if it is not."""
    found = event.get(key)
    inner = found if isinstance(found, dict) else {}
    return msgspec.convert(inner, Message), inner


def _edited_anew(message: Message, before: Message) -> bool:
    """Whether the author has changed it just now; Slack's own additions are no edits."""
    edited, earlier = message.edited, before.edited
    if not (isinstance(edited, dict) and ids.is_ts(edited.get("ts"))):
        return False
    known = isinstance(earlier, dict) and earlier.get("ts") == edited["ts"]
    return edited.get("user") == message.user and not known


def _is_direct(event: Message) -> bool:
    return event.channel_type == "im" or (event.channel or "").startswith("D")


def _author(message: Message) -> str:
    """The id of whoever wrote it: a person, or a bot that is nobody; "" if that cannot be read."""
    if message.user and ids.is_user(message.user):
        return message.user
    by_bot = not message.user and isinstance(message.bot_id, str)
    return message.bot_id if by_bot and _BOT.fullmatch(message.bot_id) else ""


def _name(message: Message) -> str | None:
    """What the author is called, where it came along."""
    if not (message.username or message.user_profile or message.bot_profile):
        return None  # so it is nearly always
    named: tuple[object, ...] = (message.user_profile, message.bot_profile)
    told = [
        text_of(each, "display_name", "real_name", "name")
        for each in named
        if isinstance(each, dict)
    ]
    told.insert(0, message.username if isinstance(message.username, str) else "")
    return next((name for each in told if (name := markup.label(each, limits.USERNAME))), None)
