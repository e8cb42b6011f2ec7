"""Who plays Slack to an app that many workspaces install? Several of them behind one address.

    async with SlackTown(clock=SystemClock(), ids=RandomIds()) as town:
        acme = await town.add_workspace("T0ACME")
        ...                                # a bridge with api_url = town.api_url, and its pages
        town.consents = "T0ACME"           # whoever comes to the page of permissions says yes

Each workspace is a `SlackSimulator`; here are only the pages and tokens of OAuth
(docs.slack.dev/authentication/installing-with-oauth and using-token-rotation): a code is good once
and for ten minutes, a refresh token once, and an access token for `token_life` if it has an end.
"""

import base64
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web

from bridge.clock import Clock, Ids
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_limits import RateLimits

Json = dict[str, Any]

CODE_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Grant:
    """A token of one workspace, or of a whole organisation."""

    place: str
    expires_at: datetime | None = None


class SlackTown:
    """The workspaces, and the front door; entering listens on 127.0.0.1."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        client_id: str = "1.2",
        client_secret: str = "simulated",  # noqa: S107 - it opens nothing
        token_life: timedelta | None = None,
        port: int = 0,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._client = f"{client_id}:{client_secret}"
        self._token_life = token_life
        self._stack = AsyncExitStack()
        self._port = port
        self._organisations: dict[str, str] = {}
        self._codes: dict[str, _Grant] = {}
        self._refresh: dict[str, str] = {}
        self._tokens: dict[str, _Grant] = {}
        self.workspaces: dict[str, SlackSimulator] = {}
        #: The workspace, or the organisation, for which whoever comes consents; nobody does for "".
        self.consents = ""
        self.renewals = 0  #: how often a refresh token was used

    async def __aenter__(self) -> Self:
        """Listen; the address is in `api_url` from now on."""
        application = web.Application(client_max_size=4 * 1024 * 1024)
        application.router.add_route("*", "/api/{method}", self._call)
        application.router.add_get("/oauth/v2/authorize", self._permissions)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; the workspaces end too."""
        await self._stack.aclose()

    @property
    def api_url(self) -> str:
        """The Web API's base address, with its last slash."""
        return f"http://127.0.0.1:{self._port}/api/"

    async def add_workspace(self, team: str, organisation: str = "") -> SlackSimulator:
        """A workspace, of an organisation if one is named, in which the app is not installed."""
        simulator = SlackSimulator(
            clock=self._clock,
            ids=self._ids,
            team=team,
            organisation=organisation,
            bot_token=f"xoxb-nobody-{team}",
            limits=RateLimits.off(),
        )
        kin = [
            each
            for each, org in self._organisations.items()
            if organisation and org == organisation
        ]
        if kin:
            simulator.share_bot(self.workspaces[kin[0]])
        self.workspaces[team] = await self._stack.enter_async_context(simulator)
        self._organisations[team] = organisation
        return simulator

    def uninstall(self, team: str) -> None:
        """Somebody removes the app from a workspace."""
        simulator = self.workspaces[team]
        for token, grant in list(self._tokens.items()):
            if grant.place == team:
                del self._tokens[token]
                simulator.drop_token(token)
        simulator.remove_app()

    async def _permissions(self, request: web.Request) -> web.Response:
        back, state = request.query["redirect_uri"], request.query["state"]
        if not self.consents:
            said = {"error": "access_denied", "state": state}
        else:
            code = self._ids.new()
            self._codes[code] = _Grant(self.consents, self._clock.now() + CODE_LIFE)
            said = {"code": code, "state": state}
        raise web.HTTPFound(f"{back}?{urlencode(said)}")

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] == "oauth.v2.access":
            return web.json_response(await self._access(request))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        grant = self._tokens.get(token)
        if grant is None:
            return _no("invalid_auth" if token else "not_authed")
        if grant.expires_at and grant.expires_at <= self._clock.now():
            return _no("token_expired")
        return await (await self._whose(grant, request)).serve_call(request)

    async def _whose(self, grant: _Grant, request: web.Request) -> SlackSimulator:
        """The workspace that a call is about; with an organisation's token its channel says it."""
        if grant.place in self.workspaces:
            return self.workspaces[grant.place]
        body = await request.json() if request.content_type == "application/json" else {}
        channel = str(body.get("channel") or body.get("channel_id") or request.query.get("channel"))
        ours = [team for team, org in self._organisations.items() if org == grant.place]
        holders = [team for team in ours if channel in self.workspaces[team].channels]
        return self.workspaces[(holders or ours)[0]]

    async def _access(self, request: web.Request) -> Json:
        scheme, _, told = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or base64.b64decode(told).decode() != self._client:
            return {"ok": False, "error": "bad_client_secret"}
        asked = await request.post()
        if asked.get("grant_type") == "refresh_token":
            place = self._refresh.pop(str(asked.get("refresh_token")), None)
            self.renewals += 1
            return (
                self._granted(place) if place else {"ok": False, "error": "invalid_refresh_token"}
            )
        code = self._codes.pop(str(asked.get("code")), None)
        if code is None or (code.expires_at and code.expires_at < self._clock.now()):
            return {"ok": False, "error": "invalid_code"}
        return self._granted(code.place)

    def _granted(self, place: str) -> Json:
        """A new token for a workspace or an organisation, as oauth.v2.access tells it."""
        token, life = f"xoxb-{self._ids.new()}", self._token_life
        self._tokens[token] = _Grant(place, self._clock.now() + life if life else None)
        wide = place not in self.workspaces
        organisation = place if wide else self._organisations[place]
        members = [
            team for team, org in self._organisations.items() if org == place or team == place
        ]
        for team in members:
            self.workspaces[team].take_token(token)
        told: Json = {
            "ok": True,
            "access_token": token,
            "token_type": "bot",
            "bot_user_id": self.workspaces[members[0]].bot_user_id,
            "app_id": self.workspaces[members[0]].app_id,
            "team": None if wide else {"id": place, "name": f"Workspace {place}"},
            "enterprise": {"id": organisation, "name": organisation} if organisation else None,
            "is_enterprise_install": wide,
        }
        if life:
            refresh = f"xoxe-1-{self._ids.new()}"
            self._refresh[refresh] = place
            told |= {"refresh_token": refresh, "expires_in": int(life.total_seconds())}
        return told


def _no(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})
