"""What else can people write? Lists, forwards, files, deeds, and what others write beside them.

Each arrives as Slack writes it, as far as that is documented or seen (docs.slack.dev, reference/
events/message and reference/block-kit); ids and addresses are made up.
"""

from dataclasses import replace
from typing import Any

from bridge.simulators.slack_workspace import Channel, SimulatedMessage, Workspace

Json = dict[str, Any]

_LINK = "https://simulated.slack.com"
#: What Slack tells of a file, by what became of it.
_FILES: dict[str, Json] = {
    "document": {
        "name": "plan.pdf",
        "title": "plan.pdf",
        "mimetype": "application/pdf",
        "pretty_type": "PDF",
        "mode": "hosted",
        "size": 12_345,
    },
    "image": {
        "name": "screen.png",
        "title": "screen",
        "mimetype": "image/png",
        "pretty_type": "PNG",
        "mode": "hosted",
        "size": 3_400_000,
    },
    "snippet": {
        "name": "log.txt",
        "mimetype": "text/plain",
        "pretty_type": "Plain Text",
        "mode": "snippet",
        "size": 99,
        "preview": "line one",
    },
    "canvas": {"title": "Notes", "pretty_type": "Canvas", "mode": "quip", "size": 1_024},
    "restricted": {"file_access": "check_file_info"},  # of another organisation
    "hidden": {"mode": "hidden_by_limit"},
    "deleted": {"mode": "tombstone"},
}
_UNLINKED = {"restricted", "hidden", "deleted"}


class WritingVerbs:
    """The rarer things that are written; the simulator is one of these."""

    _channels: dict[str, Channel]
    _workspace: Workspace

    def add_external_user(self, name: str, *, team: str = "T0OTHER") -> str:
        """A new person of another organisation, who shares a channel with us; their id."""
        return self._workspace.add_user(name, team=team).id

    def share_channel(self, channel: str) -> None:
        """Share a channel with another organisation (Slack Connect)."""
        self._channels[channel].shared = True

    def delete_channel(self, channel: str) -> None:
        """Delete a channel: it is gone with all its messages."""
        self._workspace.channel_event("channel_deleted", channel)
        self._channels[channel].archived = True

    def uninstall(self) -> None:
        """Take the app out of the workspace; `revoke_token` takes its token too."""
        bot = [self._workspace.bot_user_id]
        self._workspace.announce({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": bot}})
        self._workspace.announce({"type": "app_uninstalled"})

    async def write_rich(
        self,
        channel: str,
        user: str,
        elements: list[Json],
        *,
        text: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """A person writes with the editor: `elements` are those of a rich_text block."""
        block = {
            "type": "rich_text",
            "block_id": self._workspace.ids.new(),
            "elements": elements,
        }
        return self._write(channel, user, text, thread_ts=thread_ts, blocks=(block,))

    async def act(self, channel: str, user: str, text: str, *, thread_ts: str | None = None) -> str:
        """A person tells what they do, by "/me"."""
        return self._write(channel, user, text, thread_ts=thread_ts, subtype="me_message")

    async def broadcast(self, channel: str, user: str, text: str, thread_ts: str) -> str:
        """A person writes in a thread, and shows it in the channel as well."""
        return self._write(channel, user, text, thread_ts=thread_ts, subtype="thread_broadcast")

    async def forward(
        self,
        channel: str,
        user: str,
        origin: str,
        ts: str,
        *,
        text: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """A person forwards the message `ts` of the channel `origin`, with words of their own."""
        shared = self._shared(self._channels[origin], self._channels[origin].messages[ts])
        return self._write(channel, user, text, thread_ts=thread_ts, attachments=(shared,))

    async def share_file(
        self,
        channel: str,
        user: str,
        *,
        kind: str = "document",
        text: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """A person shares a file: document, image, snippet, canvas, restricted, hidden, deleted."""
        identity = self._workspace.new_id("F")
        file = {"id": identity, **_FILES[kind]}
        if kind not in _UNLINKED:
            name = file.get("name", "notes")
            file["permalink"] = f"{_LINK}/files/{user}/{identity}/{name}"
        return self._write(
            channel, user, text, thread_ts=thread_ts, subtype="file_share", files=(file,)
        )

    async def say_as_workflow(
        self, channel: str, text: str, *, name: str = "A workflow", thread_ts: str | None = None
    ) -> str:
        """A workflow writes."""
        place = self._channels[channel]
        message = SimulatedMessage(
            channel=channel,
            ts=self._workspace.next_ts(place),
            bot_id=self._workspace.new_id("B"),
            username=name,
            subtype="bot_message",
            text=text,
            thread_ts=thread_ts,
        )
        return self._workspace.post(message).ts

    async def unfurl(self, channel: str, ts: str, attachments: list[Json]) -> None:
        """Slack shows previews below a message: it is changed, though nobody edited it."""
        message = self._channels[channel].messages[ts]
        self._workspace.change(message, replace(message, attachments=tuple(attachments)))

    def _write(
        self,
        channel: str,
        user: str,
        text: str,
        *,
        thread_ts: str | None,
        subtype: str | None = None,
        blocks: tuple[Json, ...] = (),
        attachments: tuple[Json, ...] = (),
        files: tuple[Json, ...] = (),
    ) -> str:
        place = self._channels[channel]
        if thread_ts is not None and thread_ts not in place.messages:
            raise LookupError(thread_ts)
        message = SimulatedMessage(
            channel=channel,
            ts=self._workspace.next_ts(place),
            user=self._workspace.users[user].id,
            text=text,
            blocks=blocks,
            attachments=attachments,
            files=files,
            thread_ts=thread_ts,
            subtype=subtype,
            client_msg_id=None if subtype == "me_message" else self._workspace.ids.new(),
        )
        return self._workspace.post(message).ts

    def _shared(self, origin: Channel, message: SimulatedMessage) -> Json:
        """A message as an attachment of the one that forwards it."""
        author = self._workspace.users.get(message.user or "")
        link = f"{_LINK}/archives/{origin.id}/p{message.ts.replace('.', '')}"
        inner = {"message": {"blocks": list(message.blocks)}, "channel": origin.id}
        return {
            "is_msg_unfurl": True,
            "is_share": True,
            "author_id": message.user,
            "author_name": author.name if author else message.username,
            "channel_id": origin.id,
            "channel_name": origin.name,
            "ts": message.ts,
            "text": message.text,
            "fallback": message.text,
            "from_url": link,
            "footer": f"Posted in #{origin.name}",
            "message_blocks": [{"team": self._workspace.team, "ts": message.ts, **inner}],
            "files": list(message.files),
        }
