"""Would Slack accept the manifest, and does it ask for what the settings need and no more?

The shape below is what docs.slack.dev/reference/app-manifest permits of the parts that we use. With
SLACK_MANIFEST_SCHEMA set to a copy of the schema that Slack publishes, it is held to that as well.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters.slack.installs import needs
from adapters.slack.installs.manifest import manifest
from adapters.slack.settings import SlackSettings

ROOT = Path(__file__).parents[5]
SOCKET = {"bot_token": "xoxb-1", "app_token": "xapp-1"}
HTTP = {
    "mode": "http",
    "bot_token": "xoxb-1",
    "signing_secret": "sesame",
    "public_url": "https://bridge.example",
}
INSTALLED = {
    "mode": "http",
    "client_id": "1.2",
    "client_secret": "open",
    "signing_secret": "sesame",
    "public_url": "https://bridge.example",
    "token_rotation": True,
}
GIVEN: dict[str, dict[str, Any]] = {
    "socket": SOCKET,
    "http": HTTP,
    "installed": INSTALLED,
    "bare": {**SOCKET, "command": "", "home_tab": False},
    "direct": {**SOCKET, "allow_channels": ["direct"]},
    "channels": {**SOCKET, "deny_channels": ["direct"]},
}


def text(longest: int, shortest: int = 1, **more: object) -> dict[str, Any]:
    return {"type": "string", "minLength": shortest, "maxLength": longest, **more}


def table(*, required: tuple[str, ...] = (), **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def several(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most, "uniqueItems": True}


FLAG = {"type": "boolean"}
WEB = text(3000, pattern="^https://")
SHAPE = table(
    required=("display_information", "features", "oauth_config", "settings"),
    display_information=table(
        required=("name",),
        name=text(35),
        description=text(140),
        background_color=text(7, pattern="^#[0-9a-f]{6}$"),
    ),
    features=table(
        app_home=table(
            home_tab_enabled=FLAG,
            messages_tab_enabled={"const": True},
            messages_tab_read_only_enabled={"const": False},
        ),
        bot_user=table(required=("display_name",), display_name=text(80), always_online=FLAG),
        shortcuts=several(
            table(
                required=("name", "type", "callback_id", "description"),
                name=text(24),
                type={"enum": ["message", "global"]},
                callback_id=text(255),
                description=text(150),
            ),
            10,
        ),
        slash_commands=several(
            table(
                required=("command", "description"),
                command=text(32, 2, pattern="^/"),
                url=WEB,
                description=text(2000),
                usage_hint=text(1000),
                should_escape=FLAG,
            ),
            50,
        ),
    ),
    oauth_config=table(
        required=("scopes",),
        redirect_urls=several(WEB, 1000),
        scopes=table(required=("bot",), bot=several(text(50), 255)),
    ),
    settings=table(
        event_subscriptions=table(request_url=WEB, bot_events=several(text(50), 100)),
        interactivity=table(required=("is_enabled",), is_enabled=FLAG, request_url=WEB),
        org_deploy_enabled=FLAG,
        socket_mode_enabled=FLAG,
        token_rotation_enabled=FLAG,
    ),
)
PUBLISHED = os.environ.get("SLACK_MANIFEST_SCHEMA")


def printed(name: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(manifest(SlackSettings.model_validate(GIVEN[name])))
    return tree


def asked_for(name: str) -> tuple[set[str], set[str]]:
    tree = printed(name)
    subscribed = tree["settings"]["event_subscriptions"]["bot_events"]
    return set(tree["oauth_config"]["scopes"]["bot"]), set(subscribed)


@pytest.mark.parametrize("name", GIVEN)
def test_slack_accepts_it(name: str) -> None:
    schemas = [SHAPE, *([json.loads(Path(PUBLISHED).read_text())] if PUBLISHED else [])]
    for schema in schemas:
        jsonschema.validate(printed(name), schema)


def test_what_slack_would_refuse_is_seen() -> None:
    tree = printed("socket")
    tree["features"]["shortcuts"][0]["name"] = "x" * 25
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, SHAPE)


def test_the_page_has_the_manifest_of_the_usual_settings() -> None:
    assert json.loads((ROOT / "docs" / "slack-manifest.json").read_text()) == printed("socket")


def test_no_secret_stands_in_it() -> None:
    for name, given in GIVEN.items():
        text_of_it = manifest(SlackSettings.model_validate(given))
        secrets = [given.get(k) for k in ("bot_token", "app_token", "signing_secret")]
        assert not any(secret and secret in text_of_it for secret in secrets), name


def test_socket_mode_names_no_address() -> None:
    assert "http" not in json.dumps(printed("socket"))
    assert printed("socket")["settings"]["socket_mode_enabled"]


def test_over_http_everything_leads_to_the_bridge() -> None:
    tree = printed("http")
    address = "https://bridge.example/slack/events"
    assert tree["settings"]["event_subscriptions"]["request_url"] == address
    assert tree["settings"]["interactivity"]["request_url"] == address
    assert tree["features"]["slash_commands"][0]["url"] == address
    assert not tree["settings"]["socket_mode_enabled"]
    assert not tree["settings"]["org_deploy_enabled"]
    assert "redirect_urls" not in tree["oauth_config"]


def test_an_installed_app_comes_back_to_the_bridge() -> None:
    tree = printed("installed")
    assert tree["oauth_config"]["redirect_urls"] == ["https://bridge.example/slack/oauth_redirect"]
    assert tree["settings"]["org_deploy_enabled"]
    assert tree["settings"]["token_rotation_enabled"]


def test_what_is_switched_off_is_not_asked_for() -> None:
    scopes, events = asked_for("bare")
    assert "app_home_opened" not in events
    assert "slash_commands" not in printed("bare")["features"]
    assert "commands" in scopes  # the message shortcut
    scopes, events = asked_for("direct")
    assert "im:history" in scopes
    assert not {"channels:history", "groups:history", "app_mentions:read"} & scopes
    assert not {"app_mention", "message.channels", "channel_archive"} & events
    scopes, events = asked_for("channels")
    assert "im:history" not in scopes
    assert "message.im" not in events


#: Which scope Slack asks for before it sends an event (docs.slack.dev/reference/events).
SCOPE_OF = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "channel_archive": "channels:read",
    "channel_deleted": "channels:read",
    "channel_left": "channels:read",
    "group_archive": "groups:read",
    "group_deleted": "groups:read",
    "group_left": "groups:read",
}


@pytest.mark.parametrize("name", GIVEN)
def test_every_event_has_its_scope(name: str) -> None:
    scopes, events = asked_for(name)
    assert {SCOPE_OF[event] for event in events if event in SCOPE_OF} <= scopes


@pytest.mark.parametrize("name", GIVEN)
def test_each_need_is_named_once_and_says_what_breaks(name: str) -> None:
    settings = SlackSettings.model_validate(GIVEN[name])
    for found in (needs.scopes(settings), needs.events(settings)):
        assert len({need.name for need in found}) == len(found)
        assert all(need.without for need in found)
