"""Microsoft Teams: chats and channels of one app, over the Bot Framework's activities."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from adapters.teams.settings import TeamsSettings
from bridge.errors import ConfigurationError
from bridge.plugin import Adapter, Capabilities, Grade, Host, Plugin

__all__ = ["PLUGIN"]

_MISSING = ConfigurationError(
    "the libraries for Teams are not installed", remedy='pip install "polyai-bridge[teams]"'
)


@contextlib.asynccontextmanager
async def _connect(settings: TeamsSettings, host: Host) -> AsyncIterator[Adapter]:
    # Microsoft's models take a quarter of a second to import, and are an extra: whoever only reads
    # the settings needs neither.
    try:
        from adapters.teams.connection import connect
    except ModuleNotFoundError:
        raise _MISSING from None
    async with connect(settings, host) as client:
        yield client


async def _prove(settings: TeamsSettings, http: aiohttp.ClientSession) -> str:
    try:
        from adapters.teams.connection import prove
    except ModuleNotFoundError:
        raise _MISSING from None
    return await prove(settings, http)


PLUGIN = Plugin(
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
)
