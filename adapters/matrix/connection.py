"""Who are we, and are we there? The account, for as long as the context lasts."""

import asyncio
import importlib.util
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.client import MatrixClient
from adapters.matrix.invitations import Invitations
from adapters.matrix.links import pointed
from adapters.matrix.places import Account
from adapters.matrix.rendering import SEALED_TEXT_LIMIT, TEXT_LIMIT
from adapters.matrix.rooms import Rooms
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.sync import Sync
from bridge.errors import Rejected, RetryLater, Unreachable
from bridge.plugin import Capabilities, Grade, Host, Plugin
from bridge.plugin.canary import Canary, Reach

if TYPE_CHECKING:  # its library may be missing
    from adapters.matrix.encryption.machine import Encryption

_log = logging.getLogger("polyai_bridge.matrix")
#: What every server answers, to anybody ("API versions").
VERSIONS = "/_matrix/client/versions"
_EXTRA = "install polyai-bridge[matrix-encrypted]"


@asynccontextmanager
async def connect(settings: MatrixSettings, host: Host) -> AsyncIterator[MatrixClient]:
    """Hear and post as the account that the token belongs to."""
    calls = Calls(settings, host.http)
    me = await _account(calls)
    rooms = Rooms(calls)
    encryption = await _encryption(settings, calls, host, rooms, me)
    invitations = Invitations(calls, settings, me, host)
    sync = Sync(calls, host, me, rooms, invitations, encryption)
    await sync.begin()
    reach = Reach(host.http, f"{settings.homeserver}{VERSIONS}", name="the homeserver")
    canary = Canary(host.clock, reach, sync.answers)
    sync.heard = canary.alive
    async with asyncio.TaskGroup() as tasks:
        probing = tasks.create_task(canary.watch(), name="matrix-canary")
        hearing = tasks.create_task(sync.run(), name="matrix-sync")
        entering = tasks.create_task(invitations.run(), name="matrix-invitations")
        host.report(connected=True)
        try:
            yield MatrixClient(calls, host, me, rooms, encryption)
        finally:
            probing.cancel()
            hearing.cancel()
            entering.cancel()


async def _encryption(
    settings: MatrixSettings, calls: Calls, host: Host, rooms: Rooms, me: Account
) -> "Encryption | None":
    """What reads encrypted rooms, if the operator wants it and it is installed."""
    if not settings.encrypted_rooms:
        return None
    try:
        from adapters.matrix.encryption.machine import Encryption
    except ImportError:
        _log.error("matrix.extra_missing", extra={"remedy": _EXTRA})
        return None
    return await Encryption.begin(calls, host, rooms, me)


def _tuned(settings: MatrixSettings, capabilities: Capabilities) -> Capabilities:
    """What is encrypted needs more room."""
    if not settings.encrypted_rooms:
        return capabilities
    return msgspec.structs.replace(capabilities, text_limit=SEALED_TEXT_LIMIT)


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
    said = f"{me.user}{f' ({me.name})' if me.name else ''} at {settings.homeserver}"
    if settings.encrypted_rooms and importlib.util.find_spec("vodozemac") is None:
        said += f"\nencrypted rooms are refused: {_EXTRA}"
    return said


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
    device = told.get("device_id")
    return Account(
        user,
        name.strip() if isinstance(name, str) else "",
        device if isinstance(device, str) else "",
    )


CAPABILITIES = Capabilities(
    formatting=Grade.FULL,
    edits=Grade.FULL,
    signals=Grade.PARTIAL,
    text_limit=TEXT_LIMIT,
)
PLUGIN = Plugin(
    api_version=1,
    settings=MatrixSettings,
    capabilities=CAPABILITIES,
    connect=connect,
    prove=prove,
    pointed=pointed,
    tuned=_tuned,
    keeps_secrets=lambda settings: settings.encrypted_rooms,
)
