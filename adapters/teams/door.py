"""How does Teams reach us? `POST /<adapter>/messages`, one activity each.

What is not believed is 401 or 403, what makes no sense 400; what could not be stored, or not looked
at, is 503. Everything else is 200, and only once it is stored.
"""

from urllib.parse import urlsplit

from aiohttp import web
from microsoft_agents.activity import Activity

from adapters.teams.from_teams import Unreadable, activity_of, inbound_of
from adapters.teams.services import Services, trusted
from adapters.teams.settings import TeamsSettings
from adapters.teams.tokens import Doorkeeper, Misled, Stranger, agree
from bridge.errors import BridgeError, DatabaseFailed
from bridge.plugin import Host
from bridge.plugin.settings import is_loopback

PATH = "/messages"

#: What a proxy or a page in a browser adds, by how it begins: then it is not the emulator that
#: calls, whatever the socket says.
_ELSEWHERE = ("forwarded", "x-forwarded", "x-real-ip", "via", "cf-", "origin", "sec-fetch-")


class Door:
    """Takes activities in."""

    def __init__(
        self, settings: TeamsSettings, host: Host, services: Services, keeper: Doorkeeper
    ) -> None:
        self._settings, self._host = settings, host
        self._services, self._keeper = services, keeper

    async def take(self, request: web.Request) -> web.Response:
        """Store what an activity tells, and say so."""
        try:
            activity = await self._admitted(request)
        except Stranger:
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        except Misled:
            return web.Response(status=403)
        except Unreadable:
            return web.Response(status=400)
        except BridgeError:
            return web.Response(status=503)
        try:
            taken = await self._stored(activity)
        except DatabaseFailed:
            return web.Response(status=503)
        # What is invoked expects an answer to it, and whoever presses is shown a failure else.
        return web.Response(status=501 if activity.type == "invoke" and not taken else 200)

    async def _admitted(self, request: web.Request) -> Activity:
        """The activity, from whoever may bring one."""
        if self._settings.emulator:
            if not _near(request):
                raise Stranger
            activity = activity_of(await request.read())
        else:
            claims = await self._keeper.admit(request.headers.get("Authorization", ""))
            activity = activity_of(await request.read())
            channel = str(activity.channel_id or "")
            agree(claims, service=activity.service_url or "", channel=channel)
        if not trusted(activity.service_url or "", self._settings):
            raise Misled
        return activity

    async def _stored(self, activity: Activity) -> bool:
        """Whether there was anything to store.

        Raises:
            DatabaseFailed: it is not stored.
        """
        inbound = inbound_of(activity, self._host.clock.now())
        if inbound is None:
            return False
        await self._services.learn(inbound.thread, activity.service_url)
        await self._host.accept(inbound)
        return True


def _near(request: web.Request) -> bool:
    """Whether whoever calls is on this machine, where the emulator is, as far as can be seen."""
    passed_on = any(name.lower().startswith(_ELSEWHERE) for name in request.headers)
    # A stranger's name that leads here is how their page in a browser would call.
    return is_loopback(request.remote or "") and is_loopback(_called(request)) and not passed_on


def _called(request: web.Request) -> str:
    """The name by which we are called; empty if it is none."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""
