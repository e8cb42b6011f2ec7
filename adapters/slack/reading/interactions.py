"""What did somebody do beside writing? Shortcuts, slash commands, the Home tab, read from payloads.

Pure, and never raises, as `from_slack`. Shapes from docs.slack.dev: "Shortcuts", "Slash commands",
reference/events/app_home_opened. A slash command is a flat form and says nothing of a thread.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adapters.slack import ids
from adapters.slack.reading.arrivals import arrival
from bridge.model.ids import PersonId
from bridge.model.inbound import Inbound, StatusAsked

#: The callback id of our message shortcut. It stays in installed apps: it never changes.
SHORTCUT: Final = "polyai_conversation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A slash command, typed by a person in a channel."""

    text: str
    team: str
    channel: str
    person: PersonId
    trigger: str  #: names this one command


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeTab:
    """The Home tab that one person sees in one workspace."""

    team: str
    person: PersonId


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who waits for an answer to an interaction, and by which ways it can reach them."""

    team: str
    channel: str
    person: str
    root: str  #: of the thread that it was done in, if in one
    response_url: str  #: secret: whoever has it can post


class _Named(msgspec.Struct):
    id: str = ""


class _Message(msgspec.Struct):
    ts: str | None = None
    thread_ts: str | None = None


class _Shortcut(msgspec.Struct):
    """What is read of a `message_action`."""

    user: _Named
    channel: _Named
    message: _Message
    team: _Named | None = None
    callback_id: str = ""
    action_ts: str = ""
    message_ts: str | None = None


class _Typed(msgspec.Struct):
    """What is read of a slash command."""

    command: str
    user_id: str
    text: str = ""
    team_id: str = ""
    channel_id: str = ""
    trigger_id: str = ""


class _Opened(msgspec.Struct):
    user: str
    tab: str = ""


class _OpenedCallback(msgspec.Struct):
    event: _Opened
    team_id: str = ""


def awaits_answer(payload: dict[str, Any]) -> bool:
    """Whether somebody pressed a button of ours or chose our shortcut, and looks what happens."""
    if payload.get("type") == "block_actions":
        return not only_opens(payload)
    return is_shortcut(payload) and payload.get("callback_id") == SHORTCUT


def is_shortcut(payload: dict[str, Any]) -> bool:
    """Whether somebody chose a shortcut from a message's menu."""
    return payload.get("type") == "message_action"


def shortcut_team(payload: dict[str, Any]) -> str:
    """The workspace of a message shortcut. Raises msgspec.ValidationError if it cannot be read."""
    team = msgspec.convert(payload, _Shortcut).team
    return team.id if team else ""


def read_shortcut(payload: dict[str, Any]) -> Inbound | None:
    """What our message shortcut asks for; None if it is another's.

    Raises:
        msgspec.ValidationError: the payload cannot be read.
    """
    chosen = msgspec.convert(payload, _Shortcut)
    team = chosen.team.id if chosen.team else ""
    root = chosen.message.thread_ts or chosen.message.ts or chosen.message_ts or ""
    thread = ids.SlackThread(team, chosen.channel.id, root)
    if chosen.callback_id != SHORTCUT or not (_whole(thread) and ids.is_ts(chosen.action_ts)):
        return None
    if not ids.is_user(chosen.user.id):
        return None
    return arrival(
        thread,
        (f"shortcut:{thread.key}:{chosen.user.id}:{chosen.action_ts}",),
        ts=chosen.action_ts,
        person=chosen.user.id,
        body=StatusAsked(),
        opens=False,
    )


def read_command(payload: object) -> Command | None:
    """The slash command, or None if `payload` is none that can be read."""
    if not isinstance(payload, dict) or "command" not in payload:
        return None  # so it is nearly always
    try:
        typed = msgspec.convert(payload, _Typed)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    if not (typed.command.startswith("/") and ids.is_place(typed.team_id)):
        return None
    if not (ids.is_user(typed.user_id) and ids.is_place(typed.channel_id)):
        return None
    return Command(
        text=typed.text,
        team=typed.team_id,
        channel=typed.channel_id,
        person=PersonId(typed.user_id),
        trigger=typed.trigger_id,
    )


def read_home(payload: object) -> HomeTab | None:
    """Whose Home tab was opened, or where a button of one was pressed; None if neither."""
    if not isinstance(payload, dict):
        return None
    if payload.get("type") == "block_actions":
        if _text(payload, "container", "type") != "view":
            return None
        team = _text(payload, "view", "team_id") or _text(payload, "team", "id")
        return _home(team, _text(payload, "user", "id"))
    if _text(payload, "event", "type") != "app_home_opened":
        return None
    try:
        told = msgspec.convert(payload, _OpenedCallback)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return _home(told.team_id, told.event.user) if told.event.tab == "home" else None


def asker_of(payload: dict[str, Any]) -> Asker:
    """Who is behind a click or a shortcut; what it does not say is empty.

    Read leniently, piece by piece: this is for telling them that the rest could not be read.
    """
    root = _text(payload, "message", "thread_ts") or _text(payload, "container", "thread_ts")
    return Asker(
        team=_text(payload, "team", "id") or _text(payload, "user", "team_id"),
        channel=_text(payload, "channel", "id") or _text(payload, "container", "channel_id"),
        person=_text(payload, "user", "id"),
        root=root if ids.is_ts(root) else "",
        response_url=_text(payload, "response_url"),
    )


def only_opens(payload: dict[str, Any]) -> bool:
    """Whether every button that was pressed merely opened an address."""
    actions = payload.get("actions")
    pressed = actions if isinstance(actions, list) else []
    return bool(pressed) and all(ids.is_open(_text(action, "action_id")) for action in pressed)


def _home(team: str, person: str) -> HomeTab | None:
    if not (ids.is_place(team) and ids.is_user(person)):
        return None
    return HomeTab(team=team, person=PersonId(person))


def _whole(thread: ids.SlackThread) -> bool:
    return ids.is_place(thread.team) and ids.is_place(thread.channel) and ids.is_ts(thread.root)


def _text(tree: object, *path: str) -> str:
    """The text at `path`, or nothing."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else ""
