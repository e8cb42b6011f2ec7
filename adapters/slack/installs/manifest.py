"""Which Slack app do these settings need? Its manifest, to be pasted where Slack asks for one.

docs.slack.dev/reference/app-manifest. Nothing secret stands in it: the signing secret and the
tokens are made by Slack, once the app exists.
"""

import json
from typing import Any

from adapters.slack.installs import needs
from adapters.slack.reading.interactions import SHORTCUT
from adapters.slack.settings import SlackSettings
from bridge.model.ids import AdapterName

_USUAL = AdapterName("slack")
_NAME = "PolyAI agent"
_DESCRIPTION = "Talk to our PolyAI agent in any thread"

#: Below `/<name of the adapter>` on the bridge's listener; the table's usual name is `slack`.
EVENTS_PATH = "/events"
INSTALL_PATH = "/install"
REDIRECT_PATH = "/oauth_redirect"


def manifest(settings: SlackSettings, name: AdapterName = _USUAL) -> str:
    """The manifest as JSON; `name` is the adapter's, which stands in the addresses."""
    return json.dumps(_manifest(settings, f"{settings.public_url}/{name}"), indent=2) + "\n"


def _manifest(settings: SlackSettings, home: str) -> dict[str, Any]:
    over_http = settings.mode == "http"
    address = {"request_url": home + EVENTS_PATH} if over_http else {}
    bot = {"bot": [need.name for need in needs.scopes(settings)]}
    redirects = {"redirect_urls": [home + REDIRECT_PATH]} if settings.installs else {}
    return {
        "display_information": {
            "name": _NAME,
            "description": _DESCRIPTION,
            "background_color": "#1d2b4f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": settings.home_tab,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "agent", "always_online": True},
            "shortcuts": [_shortcut()],
            **({"slash_commands": [_command(settings, address)]} if settings.command else {}),
        },
        "oauth_config": {**redirects, "scopes": bot},
        "settings": {
            "event_subscriptions": {
                **address,
                "bot_events": [need.name for need in needs.events(settings)],
            },
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": settings.installs,
            "socket_mode_enabled": not over_http,
            "token_rotation_enabled": settings.token_rotation,
        },
    }


def _shortcut() -> dict[str, str]:
    return {
        "name": "What is going on?",
        "type": "message",
        "callback_id": SHORTCUT,
        "description": "What the agent is doing in this thread, and what you can do",
    }


def _command(settings: SlackSettings, address: dict[str, str]) -> dict[str, Any]:
    where = {"url": url} if (url := address.get("request_url")) else {}
    return {
        "command": settings.command,
        **where,
        "description": "Your open conversations with the agent",
        "usage_hint": "[status | end | help]",
        "should_escape": False,
    }
