"""In which workspaces is the app installed, and with which tokens? Kept sealed, by the bridge.

One installation for each workspace, or one for a whole organisation, whose workspaces become known
with the first event from each. A token that expires is renewed here and nowhere else, two hours
before: a refresh token is good for one use, and two who use it lock each other out
(docs.slack.dev/authentication/using-token-rotation).
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import msgspec
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.identity import BotIdentity
from adapters.slack.logs import LOG
from adapters.slack.web.answers import Refusal
from adapters.slack.web.calls import oauth_access
from adapters.slack.workspaces import Workspace
from bridge.errors import CredentialsRefused, DatabaseFailed, Unreachable
from bridge.plugin import Host

_KEPT, _MEMBER = "installation:", "organisation_of:"
#: A token lives twelve hours; what is left when it is renewed is time for trouble to pass.
_BEFORE = timedelta(hours=2)
_LOOK = timedelta(minutes=1)
#: How soon it is tried again to keep what must be kept.
_AGAIN = timedelta(seconds=5)
#: How long what is owed may wait at the start for tokens that ran out meanwhile.
_PATIENCE = timedelta(seconds=5)
#: How long a renewal may take that is under way when we leave.
_FAREWELL = timedelta(seconds=5)


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """One installation as it is kept. Without a `team` it is of a whole organisation."""

    team: str = ""
    organisation: str = ""
    token: str
    user: str
    bot: str = ""
    name: str = ""
    team_name: str = ""
    address: str = ""
    refresh_token: str = ""
    expires_at: datetime | None = None
    installed_at: datetime | None = None

    def __repr__(self) -> str:
        """Whose it is, and no token."""
        return f"Installation({self.team or self.organisation})"

    @property
    def key(self) -> str:
        """Under which it is kept."""
        return _KEPT + (self.team or self.organisation)

    def identity(self, team: str) -> BotIdentity:
        """Who we are in one workspace of it."""
        return BotIdentity(
            team=team,
            user=self.user,
            bot=self.bot,
            name=self.name,
            team_name=self.team_name,
            address=self.address,
            since=self.installed_at,
        )


#: Makes what one workspace is served with, from who we are there and the token.
Opening = Callable[[BotIdentity, str], Workspace]


class Installations:
    """Every workspace that installed the app. `web` is a client without a token."""

    def __init__(
        self,
        host: Host,
        web: AsyncWebClient,
        opening: Opening,
        *,
        client_id: str,
        client_secret: str,
    ) -> None:
        self._host = host
        self._web = web
        self._opening = opening
        self._client = (client_id, client_secret)
        self._kept: dict[str, Installation] = {}
        self._organisations: dict[str, str] = {}
        self._open: dict[str, Workspace] = {}
        self._renewing = asyncio.Lock()
        self._looked = asyncio.Event()

    async def load(self) -> None:
        """Recall what was kept before a restart. Raises DatabaseFailed."""
        for key, text in (await self._host.memory.recall_all(_KEPT)).items():
            try:
                self._kept[key] = msgspec.json.decode(text, type=Installation)
            except msgspec.MsgspecError:
                LOG.warning("slack.installation_unreadable", extra={"key": key})
        members = await self._host.memory.recall_all(_MEMBER)
        self._organisations = {key.removeprefix(_MEMBER): org for key, org in members.items()}

    @property
    def count(self) -> int:
        """How many installations there are."""
        return len(self._kept)

    def known(self, team: str) -> Workspace | None:
        """The workspace, if the app is installed there."""
        installation = self._of(team)
        if installation is None:
            return None
        if team not in self._open:
            self._open[team] = self._opening(installation.identity(team), installation.token)
        return self._open[team]

    async def of(self, team: str) -> Workspace:
        """The workspace of a thread. Raises CredentialsRefused where the app is not installed."""
        workspace = self.known(team)
        if workspace is None:
            raise CredentialsRefused(
                f"the Slack app is not installed in the workspace {team}",
                remedy="install it there again, from the bridge's own page",
            )
        return workspace

    async def meet(self, team: str, organisation: str) -> None:
        """Hear of a workspace; it is ours if its organisation installed the app.

        Durable, as its conversations will have to be answered after a restart too. Raises
        DatabaseFailed.
        """
        if team and self._of(team) is None and _KEPT + organisation in self._kept and organisation:
            await self._host.memory.remember(_MEMBER + team, organisation)
            self._organisations[team] = organisation

    async def add(self, installation: Installation) -> None:
        """Keep an installation, in place of an earlier one. Raises DatabaseFailed."""
        await self._keep(installation)
        self._use(installation)

    async def _keep(self, installation: Installation) -> None:
        text = msgspec.json.encode(installation).decode()
        await self._host.memory.remember(installation.key, text, secret=True)

    def _use(self, installation: Installation) -> None:
        self._kept[installation.key] = installation
        for team, workspace in list(self._open.items()):
            if self._of(team) is installation and workspace.bot.user == installation.user:
                workspace.bot = installation.identity(team)  # its buckets and streams stay
                workspace.calls.go_on_with(installation.token)
            elif self._of(team) is installation:
                del self._open[team]

    async def part(self, team: str, organisation: str) -> None:
        """The app was taken out: that token is of no use any more. Raises DatabaseFailed."""
        key = _KEPT + (team or organisation)
        if self._kept.pop(key, None) is not None:
            await self._host.memory.forget(key)
        if self._organisations.pop(team, None) is not None:
            await self._host.memory.forget(_MEMBER + team)
        self._open = {team: one for team, one in self._open.items() if self._of(team)}

    async def renew_for_ever(self) -> None:
        """Renew each token in its time."""
        while True:
            try:
                await self.renew_due()
            except Exception as error:  # the tokens of all workspaces would run out
                LOG.exception("slack.surprise", extra={"error": type(error).__name__})
            self._looked.set()
            await self._host.clock.sleep(_LOOK)

    async def looked_through(self) -> None:
        """Return when each token was looked at once, or after a while.

        What ran out while nobody was here would be refused, and what is owed wait for a minute.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await self._looked.wait()

    async def renew_due(self) -> None:
        """Renew every token that expires soon; one that cannot be now is tried again later."""
        async with self._renewing:
            for installation in list(self._kept.values()):
                expires = installation.expires_at
                if expires and expires - self._host.clock.now() <= _BEFORE:
                    await _to_its_end(self._renew(installation))

    async def _renew(self, old: Installation) -> None:
        try:
            answer = await oauth_access(
                self._web,
                *self._client,
                grant_type="refresh_token",
                refresh_token=old.refresh_token,
            )
            new = renewed(old, answer, self._host.clock.now())
        except (Refusal, Unreachable) as error:
            LOG.warning(
                "slack.token_not_renewed",
                extra={"team": old.team or old.organisation, "reason": str(error)},
            )
            return
        if self._kept.get(old.key) is old:  # not removed meanwhile
            self._use(new)
        # The old refresh token is spent: if this is not kept, a restart locks the workspace out.
        while self._kept.get(new.key) is new:
            try:
                await self._keep(new)
            except DatabaseFailed:
                LOG.warning("slack.token_not_stored", extra={"key": new.key})
                await self._host.clock.sleep(_AGAIN)
            else:
                return

    def _of(self, team: str) -> Installation | None:
        own = self._kept.get(_KEPT + team) if team else None
        return own or self._kept.get(_KEPT + self._organisations.get(team, "-"))


def installed(answer: dict[str, Any], now: datetime) -> Installation:
    """What `oauth.v2.access` gave for a code (docs.slack.dev/reference/methods/oauth.v2.access).

    Raises:
        Unreachable: it does not say enough.
    """
    team, organisation = answer.get("team") or {}, answer.get("enterprise") or {}
    wide = bool(answer.get("is_enterprise_install"))
    installation = Installation(
        team="" if wide else str(team.get("id") or ""),
        organisation=str(organisation.get("id") or ""),
        token=str(answer.get("access_token") or ""),
        user=str(answer.get("bot_user_id") or ""),
        team_name=str((organisation if wide else team).get("name") or ""),
        installed_at=now,
        **_expiry(answer, now),
    )
    if not (installation.token and installation.user):
        raise Unreachable("the answer to oauth.v2.access names no bot token")
    if not (installation.team or installation.organisation):
        raise Unreachable("the answer to oauth.v2.access names no workspace")
    return installation


def renewed(old: Installation, answer: dict[str, Any], now: datetime) -> Installation:
    """The installation with its next token. Raises Unreachable if there is none in `answer`."""
    token = str(answer.get("access_token") or "")
    if not token:
        raise Unreachable("the answer to oauth.v2.access names no bot token")
    return msgspec.structs.replace(old, token=token, **_expiry(answer, now))


def _expiry(answer: dict[str, Any], now: datetime) -> dict[str, Any]:
    seconds, refresh = answer.get("expires_in"), str(answer.get("refresh_token") or "")
    if not refresh or not isinstance(seconds, int):
        return {}
    return {"refresh_token": refresh, "expires_at": now + timedelta(seconds=seconds)}


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; a cancellation waits until it is done, unless that takes too long."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    finally:
        await asyncio.wait({task}, timeout=_FAREWELL.total_seconds())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
