"""How does Teams reach us? `POST /<adapter>/messages`, one activity each.

What is not believed is 401 or 403, what makes no sense 400; what could not be stored, or not looked
at, is 503. Everything else is 200, and only once it is stored.
"""

import logging
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
from bridge.plugin.telling import repeated

LOG = logging.getLogger("polyai_bridge.adapters.teams")
repeated("teams.not_stored")

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
        self._warned: set[str] = set()

    async def take(self, request: web.Request) -> web.Response:
        """Store what an activity tells, and say so."""
        try:
            activity = await self._admitted(request)
        except (Stranger, Misled, Unreadable, BridgeError) as error:
            return self._refused(error)
        try:
            taken = await self._stored(activity)
        except DatabaseFailed:
            LOG.warning("teams.not_stored", extra={"adapter": self._host.name})
            return web.Response(status=503)
        # What is invoked expects an answer to it, and whoever presses is shown a failure else.
        return web.Response(status=501 if activity.type == "invoke" and not taken else 200)

    def _refused(self, error: Exception) -> web.Response:
        """No; and the log says why, once for each reason: anybody may knock all night."""
        match error:
            case Stranger():
                reason, status = "token", 401
            case Misled(untrusted=untrusted):
                reason, status = "host" if untrusted else "service", 403
            case Unreadable():
                reason, status = "unreadable", 400
            case _:
                reason, status = "keys", 503
        if reason not in self._warned:
            self._warned.add(reason)
            extra = {"adapter": self._host.name, "reason": reason}
            LOG.warning("teams.request_refused", extra=extra)
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return web.Response(status=status, headers=challenge)

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
            raise Misled(untrusted=True)
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
