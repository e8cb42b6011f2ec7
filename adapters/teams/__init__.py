"""Microsoft Teams: chats and channels of one app, over the Bot Framework's activities."""

import contextlib
import importlib.util
from collections.abc import AsyncIterator

import aiohttp

from adapters.teams.links import pointed
from adapters.teams.settings import TeamsSettings
from bridge.plugin import Adapter, Capabilities, Grade, Host, Plugin

__all__ = ["PLUGIN"]

#: What the extra brings. It is imported when it is needed: that takes a quarter of a second.
for _library in ("microsoft_agents.activity", "jwt"):
    try:
        _missing = importlib.util.find_spec(_library) is None
    except ImportError:
        _missing = True
    if _missing:
        raise ImportError(f"{_library} is missing: install polyai-bridge[teams]")


@contextlib.asynccontextmanager
async def _connect(settings: TeamsSettings, host: Host) -> AsyncIterator[Adapter]:
    from adapters.teams.connection import connect

    async with connect(settings, host) as client:
        yield client


async def _prove(settings: TeamsSettings, http: aiohttp.ClientSession) -> str:
    from adapters.teams.connection import prove

    return await prove(settings, http)


PLUGIN = Plugin(
    api_version=1,
    settings=TeamsSettings,
    capabilities=Capabilities(
        formatting=Grade.PARTIAL,  # no tables, and headings are bold lines
        suggestions=Grade.FULL,
        pictures=Grade.FULL,
        attachments=Grade.FULL,
        authorship=Grade.NONE,  # a bot has one name
        edits=Grade.FULL,
        signals=Grade.PARTIAL,  # three dots, whoever writes
        text_limit=3000,
        suggestion_limit=12,
    ),
    connect=_connect,
    prove=_prove,
    pointed=pointed,
)
