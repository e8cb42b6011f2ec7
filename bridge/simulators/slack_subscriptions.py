"""Which events does the app get? The subscriptions of its settings, by Slack's names.

docs.slack.dev/reference/events: a message has a name of its own for each kind of channel.
"""

from typing import Any

from bridge.simulators.slack_workspace import ChannelKind, Workspace

_MESSAGES = {
    ChannelKind.PUBLIC: "message.channels",
    ChannelKind.PRIVATE: "message.groups",
    ChannelKind.DIRECT: "message.im",
}


def is_subscribed(workspace: Workspace, event: dict[str, Any]) -> bool:
    """Whether the app is told of `event`."""
    return _name(workspace, event) not in workspace.unsubscribed


def _name(workspace: Workspace, event: dict[str, Any]) -> str:
    channel = workspace.channels.get(str(event.get("channel")))
    if event.get("type") == "message" and channel is not None:
        return _MESSAGES[channel.kind]
    return str(event.get("type"))
