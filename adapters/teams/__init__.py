"""Microsoft Teams: chats and channels of one app, over the Bot Framework's activities."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp

from adapters.teams.settings import TeamsSettings
from bridge.errors import ConfigurationError
from bridge.plugin import Adapter, Capabilities, Grade, Host, Plugin

__all__ = ["PLUGIN"]


@contextlib.asynccontextmanager
async def _connect(settings: TeamsSettings, host: Host) -> AsyncIterator[Adapter]:
    with _library():
        from adapters.teams.connection import connect
    async with connect(settings, host) as client:
        yield client


async def _prove(settings: TeamsSettings, http: aiohttp.ClientSession) -> str:
    with _library():
        from adapters.teams.connection import prove
    return await prove(settings, http)


@contextlib.contextmanager
def _library() -> Iterator[None]:
    """Import what only the extra brings, a quarter of a second that mere settings do not need.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"jwt", "microsoft_agents"}:
            raise
        raise ConfigurationError(
            "the libraries for Teams are not installed",
            remedy='pip install "polyai-bridge[teams]"',
        ) from None


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
)
