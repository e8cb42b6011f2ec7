"""Who holds whom while we are connected? And who are we, before that?"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp

from adapters.teams.client import TeamsClient
from adapters.teams.door import PATH, Door
from adapters.teams.keys import Keys
from adapters.teams.login import Login, fetched
from adapters.teams.services import Services
from adapters.teams.settings import TeamsSettings
from adapters.teams.tokens import Doorkeeper
from bridge.clock import SystemClock
from bridge.errors import RetryLater, Unreachable
from bridge.plugin import Host
from bridge.plugin.canary import Canary, Reach

#: How long we see whether the login knows us before people are heard.
_FIRST_LOGIN = timedelta(seconds=3)

LOG = logging.getLogger("polyai_bridge.adapters.teams")


@contextlib.asynccontextmanager
async def connect(settings: TeamsSettings, host: Host) -> AsyncIterator[TeamsClient]:
    """The adapter, reached at `/<name>/messages` for as long as the block lasts.

    A login that is away at the moment keeps nobody's words out: Microsoft may not repeat them.

    Raises:
        CredentialsRefused: Microsoft's login does not know the app.
    """
    # Connections of our own: a service that answers slowly holds up to a hundred of them, and of
    # those that the host lends others would find none.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as posts:
        login = Login(settings, host.http, host.clock)
        with contextlib.suppress(Unreachable, RetryLater, TimeoutError):
            async with asyncio.timeout(_FIRST_LOGIN.total_seconds()):
                await login.header()
        services = Services(host.memory, settings)
        keys = Keys(settings.openid_url, host.http, host.clock)
        keeper = Doorkeeper(keys, host.clock, issuer=settings.issuer, audience=settings.app_id)
        host.serve("POST", PATH, Door(settings, host, services, keeper).take)
        if settings.emulator:
            LOG.warning("teams.nobody_authenticated", extra={"emulator": settings.emulator})
        host.report(connected=True, detail=_as_whom(settings))
        canary = Canary(
            host.clock,
            lambda: _asked(posts, services.latest or settings.emulator or settings.openid_url),
            lambda trouble: _tell(host, trouble),
        )
        probing = asyncio.create_task(canary.watch(), name="teams-canary")
        try:
            yield TeamsClient(services, login, posts)
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)


async def _asked(http: aiohttp.ClientSession, url: str) -> None:
    """Whether Microsoft is there: the service that we post to, or who announces its keys."""
    await Reach(http, url, name="Microsoft's service")()


def _tell(host: Host, trouble: str | None) -> None:
    host.report(connected=trouble is None, detail=trouble or "Microsoft's service answers again")


async def prove(settings: TeamsSettings, http: aiohttp.ClientSession) -> str:
    """As whom the login knows us. And without the keys nobody who writes could be believed.

    Raises:
        CredentialsRefused: it does not.
        Unreachable: it cannot be asked, or there are no keys.
    """
    if not settings.emulator:
        try:
            await fetched(settings, http)
            await Keys(settings.openid_url, http, SystemClock()).of("")
        except RetryLater as error:
            raise Unreachable(error.message) from None
    return _as_whom(settings)


def _as_whom(settings: TeamsSettings) -> str:
    if settings.emulator:
        return f"NOBODY IS AUTHENTICATED: the emulator at {settings.emulator} stands in for Teams"
    return f"app {settings.app_id} of the tenant {settings.tenant}"
