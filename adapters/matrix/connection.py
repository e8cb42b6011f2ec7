"""Who are we, and are we there? The account, for as long as the context lasts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.client import MatrixClient
from adapters.matrix.invitations import Invitations
from adapters.matrix.places import Account
from adapters.matrix.rendering import TEXT_LIMIT
from adapters.matrix.rooms import Rooms
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.sync import Sync
from bridge.errors import Rejected, RetryLater, Unreachable
from bridge.plugin import Capabilities, Grade, Host, Plugin


@asynccontextmanager
async def connect(settings: MatrixSettings, host: Host) -> AsyncIterator[MatrixClient]:
    """Hear and post as the account that the token belongs to."""
    calls = Calls(settings, host.http)
    me = await _account(calls)
    rooms = Rooms(calls)
    sync = Sync(calls, host, me, rooms, Invitations(calls, settings, me))
    await sync.begin()
    async with asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(sync.run(), name="matrix-sync")
        host.report(connected=True)
        try:
            yield MatrixClient(calls, host, me, rooms)
        finally:
            hearing.cancel()


async def prove(settings: MatrixSettings, http: aiohttp.ClientSession) -> str:
    """As whom the token speaks.

    Raises:
        CredentialsRefused: it is no good.
        Unreachable: there is no homeserver, or it does not answer as one.
    """
    try:
        me = await _account(Calls(settings, http))
    except (Rejected, RetryLater) as error:
        raise Unreachable(error.message) from None
    return f"{me.user}{f' ({me.name})' if me.name else ''} at {settings.homeserver}"


async def _account(calls: Calls) -> Account:
    told = await calls.ask(endpoints.whoami())
    user = told.get("user_id")
    if not isinstance(user, str) or not user.startswith("@"):
        raise Unreachable("the homeserver does not say who the token belongs to")
    try:
        profile = await calls.ask(endpoints.profile(user))
    except Rejected:  # no profile at all
        profile = {}
    name = profile.get("displayname")
    return Account(user, name.strip() if isinstance(name, str) else "")


CAPABILITIES = Capabilities(
    formatting=Grade.FULL,
    edits=Grade.FULL,
    signals=Grade.PARTIAL,
    text_limit=TEXT_LIMIT,
)
PLUGIN = Plugin(
    api_version=1, settings=MatrixSettings, capabilities=CAPABILITIES, connect=connect, prove=prove
)
