"""What does Slack put into an envelope? The payloads of events and interactions, as it writes them.

Sources: docs.slack.dev, apis/events-api and reference/interaction-payloads.
"""

import re
from typing import Any

from bridge.simulators.slack_workspace import Channel, SimulatedMessage, SimulatedUser, Workspace

Json = dict[str, Any]

#: What stands between angle brackets in Slack's wire form: a mention, a channel, a link.
_TOKEN = re.compile(r"(<[^<>\n]+>)")


def event_callback(workspace: Workspace, event: Json) -> Json:
    """An event with its wrapping; the event id is new and stays through every redelivery."""
    channel = workspace.channels.get(str(event.get("channel")))
    organisation = workspace.organisation or None
    whose = {
        "enterprise_id": organisation,
        "team_id": workspace.team,
        "user_id": workspace.bot_user_id,
    }
    return {
        "token": "",
        "team_id": workspace.team,
        "context_team_id": workspace.team,
        "context_enterprise_id": organisation,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(workspace.clock.now().timestamp()),
        "authorizations": [{**whose, "is_bot": True, "is_enterprise_install": False}],
        "is_ext_shared_channel": bool(channel and channel.shared),
        "event_context": workspace.ids.new(),
    }


def typed_blocks(workspace: Workspace, text: str) -> tuple[Json, ...]:
    """What Slack's own client makes of typed text: one rich_text block."""
    if not text:
        return ()
    pieces = [_typed(piece) for piece in _TOKEN.split(text) if piece]
    section = {"type": "rich_text_section", "elements": pieces}
    return ({"type": "rich_text", "block_id": workspace.ids.new(), "elements": [section]},)


def _typed(piece: str) -> Json:
    """One element: words as they were typed, without escapes, or what a token stands for."""
    if not _TOKEN.fullmatch(piece):
        return {"type": "text", "text": _unescaped(piece)}
    target, _, label = piece[1:-1].partition("|")
    match target[0]:
        case "@":
            return {"type": "user", "user_id": target[1:]}
        case "#":
            return {"type": "channel", "channel_id": target[1:]}
        case "!":
            return {"type": "broadcast", "range": target[1:]}
        case _:
            named = {"text": _unescaped(label)} if label else {}
            return {"type": "link", "url": _unescaped(target), **named}


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def block_actions(
    workspace: Workspace, message: SimulatedMessage, user: SimulatedUser, block: str, element: Json
) -> Json:
    """Somebody pressed `element` of the block with the id `block`."""
    channel = workspace.channels[message.channel]
    place = {"message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": False}
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    menu = element["type"] == "static_select"
    carried = ("selected_option",) if menu else ("text", "value", "style", "url")
    shown = {key: element[key] for key in carried if key in element}
    named = {"action_id": element["action_id"], "block_id": block, "type": element["type"]}
    return {
        "type": "block_actions",
        **_who_and_where(workspace, channel, user),
        "container": {"type": "message", **place, **thread},
        "message": workspace.wire(message),
        "state": {"values": {}},
        "actions": [{**named, **shown, "action_ts": workspace.next_ts(channel)}],
    }


def view_actions(
    workspace: Workspace, view: Json, user: SimulatedUser, block: str, element: Json
) -> Json:
    """Somebody pressed `element` in their Home tab: no channel, no message, no response_url."""
    shown = {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    named = {"action_id": element["action_id"], "block_id": block, "type": element["type"]}
    direct = workspace.direct_channel(user.id)
    person = _who_and_where(workspace, direct, user)
    del person["channel"]
    return {
        "type": "block_actions",
        **person,
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [{**named, **shown, "action_ts": workspace.next_ts(direct)}],
    }


def home_opened(workspace: Workspace, user: SimulatedUser, view: Json | None) -> Json:
    """The `event` of somebody's opening the Home tab; with what they see there, if anything."""
    direct = workspace.direct_channel(user.id)
    opened = {"user": user.id, "channel": direct.id, "event_ts": workspace.next_ts(direct)}
    seen = {"view": view} if view else {}
    return {"type": "app_home_opened", **opened, "tab": "home", **seen}


def message_action(
    workspace: Workspace, message: SimulatedMessage, user: SimulatedUser, callback_id: str
) -> Json:
    """Somebody chose a shortcut from a message's menu."""
    channel = workspace.channels[message.channel]
    return {
        "type": "message_action",
        "callback_id": callback_id,
        **_who_and_where(workspace, channel, user),
        "message_ts": message.ts,
        "message": workspace.wire(message),
        "action_ts": workspace.next_ts(channel),
    }


def slash_command(
    workspace: Workspace, channel: Channel, user: SimulatedUser, command: str, text: str
) -> Json:
    """Somebody typed `/command text`. Slack says nothing of a thread: there is none."""
    return {
        "token": "",
        "team_id": workspace.team,
        "team_domain": "simulated",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.person else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "trigger_id": workspace.ids.new(),
    }


def _who_and_where(workspace: Workspace, channel: Channel, user: SimulatedUser) -> Json:
    home = user.team or workspace.team
    person = {"id": user.id, "username": user.name, "name": user.name, "team_id": home}
    return {
        "token": "",
        "team": {"id": workspace.team, "domain": "simulated"},
        "enterprise": {"id": workspace.organisation} if workspace.organisation else None,
        "is_enterprise_install": False,
        "user": person,
        "api_app_id": workspace.app_id,
        "trigger_id": workspace.ids.new(),
        "channel": {"id": channel.id, "name": channel.name},
    }
