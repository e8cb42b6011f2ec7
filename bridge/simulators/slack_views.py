"""What stands in people's Home tabs? views.publish, with what it refuses.

Source: docs.slack.dev, reference/methods/views.publish and reference/views/home-tab-views.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.slack_arguments import Arguments, Refusal
from bridge.simulators.slack_blocks import problems
from bridge.simulators.slack_chat import Chat
from bridge.simulators.slack_workspace import Workspace

Json = dict[str, Any]

BLOCKS = 100
PRIVATE_METADATA = 3000
ID = 255
BYTES = 250_000
_KNOWN = frozenset(("type", "blocks", "private_metadata", "callback_id", "external_id"))


@dataclass(slots=True)
class Views:
    """The Home tabs. `published` are all that ever were, in order, each with its person."""

    workspace: Workspace
    chat: Chat
    homes: dict[str, Json] = field(default_factory=dict)
    published: list[tuple[str, Json]] = field(default_factory=list)

    def publish(self, args: Arguments) -> Json:
        """views.publish: a person's Home tab, in place of the one before."""
        user, view = args.need("user_id"), args.structure("view", error="invalid_arguments")
        if user not in self.workspace.users:
            raise Refusal("invalid_arguments", "[ERROR] user not found [json-pointer:/user_id]")
        if not isinstance(view, dict):
            raise Refusal("invalid_arguments", "[ERROR] missing required field: view")
        if found := list(_problems(view)):
            raise Refusal("invalid_arguments", *found)
        if len(json.dumps(view).encode()) > BYTES:
            raise Refusal("view_too_large")
        before = self.homes.get(user)
        if before and args.given("hash") and args.text("hash") != before["hash"]:
            raise Refusal("hash_conflict")
        self.homes[user] = self._named(view, before)
        self.published.append((user, self.homes[user]))
        return {"view": self.homes[user]}

    def _named(self, view: Json, before: Json | None) -> Json:
        """The view with what Slack adds to it; its id stays, its hash changes with it."""
        ours = {
            "id": before["id"] if before else self.workspace.new_id("V"),
            "team_id": self.workspace.team,
            "app_id": self.workspace.app_id,
            "bot_id": self.workspace.bot_id,
            "hash": self.workspace.ids.new(),
        }
        said = {"private_metadata": "", "callback_id": "", "external_id": "", **view}
        return {**said, **ours, "blocks": list(self.chat.named(view["blocks"]))}


def _problems(view: Json) -> Iterator[str]:
    for name in view:
        if name not in _KNOWN:
            yield f"[ERROR] invalid additional property: {name} [json-pointer:/view]"
    if view.get("type") != "home":
        yield "[ERROR] must be one of: home [json-pointer:/view/type]"
    limits = {"private_metadata": PRIVATE_METADATA, "callback_id": ID, "external_id": ID}
    for name, most in limits.items():
        if len(str(view.get(name, ""))) > most:
            yield f"[ERROR] must be less than {most + 1} characters [json-pointer:/view/{name}]"
    yield from problems(view.get("blocks"), most=BLOCKS, at="/view/blocks")
