"""What does the app answer to an interaction, with its ack or later at its response_url?

Source: docs.slack.dev, "Handling user interaction". A response_url takes five answers within thirty
minutes, and works where the app is no member. An answer is for the one person unless it is
`in_channel`, and only then may it stand in a thread.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from bridge.simulators.slack_blocks import problems
from bridge.simulators.slack_chat import Chat, thread_root
from bridge.simulators.slack_workspace import Channel, SimulatedMessage, SimulatedUser, Workspace

Json = dict[str, Any]

#: How often, and how long, an address takes an answer.
MOST: Final = 5
LIFE: Final = timedelta(minutes=30)
_KINDS = ("ephemeral", "in_channel")
_KNOWN = frozenset(
    ("attachments", "blocks", "delete_original", "metadata", "mrkdwn", "replace_original")
) | {"response_type", "text", "thread_ts", "unfurl_links", "unfurl_media"}


@dataclass(slots=True)
class _Address:
    channel: Channel
    person: SimulatedUser
    made_at: datetime
    used: int = 0


class Responses:
    """The addresses given out. `base` is where this server listens."""

    def __init__(self, workspace: Workspace, chat: Chat, base: Callable[[], str]) -> None:
        self._workspace = workspace
        self._chat = chat
        self._base = base
        self._addresses: dict[str, _Address] = {}
        self.closed = False  #: whether every address is over

    def address(self, channel: Channel, person: SimulatedUser) -> str:
        """A new one, good for answers to `person`."""
        ticket = self._workspace.ids.new()
        self._addresses[ticket] = _Address(channel, person, self._workspace.clock.now())
        return f"{self._base()}/response/{ticket}"

    async def serve(self, request: web.Request) -> web.Response:
        """Take an answer. Slack says `ok` in plain text, and its errors as JSON."""
        address = self._addresses.get(request.match_info["ticket"])
        now = self._workspace.clock.now()
        if address is None or self.closed or now - address.made_at >= LIFE:
            return _refused(404, "expired_url")
        if address.used >= MOST:
            return _refused(404, "used_url")
        try:
            body = await request.json()
        except ValueError:
            return _refused(400, "invalid_payload")
        if not isinstance(body, dict):
            return _refused(400, "invalid_payload")
        address.used += 1
        if found := self.show(body, address.channel, address.person):
            return _refused(400, "invalid_blocks", found)
        return web.Response(text="ok")

    def show(self, answer: Json, channel: Channel, person: SimulatedUser) -> list[str]:
        """Show an answer as it asks; or everything that Slack would refuse in it."""
        if found := refusals(answer):
            return found
        if answer.get("delete_original") and not (answer.get("text") or answer.get("blocks")):
            return []
        public = answer.get("response_type") == "in_channel"
        message = SimulatedMessage(
            channel=channel.id,
            ts=self._workspace.next_ts(channel),
            user=self._workspace.bot_user_id if public else person.id,
            bot_id=self._workspace.bot_id,
            text=str(answer.get("text", "")),
            blocks=self._chat.named(answer.get("blocks") or []),
            thread_ts=thread_root(channel, answer.get("thread_ts")) if public else None,
        )
        if public:
            self._workspace.post(message)
        else:
            self._workspace.ephemerals.append(message)
        return []


def refusals(answer: Json) -> list[str]:
    """Everything that Slack would refuse in an answer; nothing if it is fine."""
    found = [
        f"[ERROR] invalid additional property: {name}" for name in answer if name not in _KNOWN
    ]
    if answer.get("response_type", "ephemeral") not in _KINDS:
        found.append("[ERROR] response_type must be one of: ephemeral, in_channel")
    if not (answer.get("text") or answer.get("blocks") or answer.get("delete_original")):
        found.append("[ERROR] no_text")
    return found + problems(answer.get("blocks") or [])


def _refused(status: int, error: str, messages: list[str] | None = None) -> web.Response:
    body = {"ok": False, "error": error, "response_metadata": {"messages": messages or []}}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")
