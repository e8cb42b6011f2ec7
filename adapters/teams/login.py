"""Who are we to Teams? The app's own token, by client credentials (RFC 6749, 4.4).

learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication, "Bot to
Connector". The token is kept until shortly before it expires, and never written anywhere.
"""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr

from adapters.teams.answers import exchanged, login_trouble
from adapters.teams.settings import TeamsSettings
from bridge.clock import Clock
from bridge.errors import BridgeError, MaybeDelivered, Unreachable

#: How long before its end a token is not used any more.
_MARGIN = timedelta(minutes=5)
#: Entra's tokens live for an hour or a day; nothing that says more is believed.
_LONGEST = timedelta(days=1)


async def fetched(settings: TeamsSettings, http: aiohttp.ClientSession) -> tuple[str, timedelta]:
    """A new token of the app, and how long it is good for.

    Raises:
        CredentialsRefused: the login does not know us.
        Unreachable, RetryLater: it cannot be asked now. Nothing was posted.
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.app_id,
        "client_secret": settings.app_password.get_secret_value(),
        "scope": f"{settings.issuer}/.default",
    }
    url = f"{settings.login_url.rstrip('/')}/{quote(settings.tenant, safe='')}/oauth2/v2.0/token"
    try:
        answer = await exchanged(http, "POST", url, data=form)
    except MaybeDelivered:
        # A second token does no harm: only a post is in doubt.
        raise Unreachable("Microsoft's login did not answer") from None
    token, lives = answer.body.get("access_token"), str(answer.body.get("expires_in"))
    if not answer.good or not isinstance(token, str) or not token.isascii() or not token:
        raise login_trouble(answer)
    seconds = int(lives[:9]) if lives.isdecimal() else 0
    return token, min(timedelta(seconds=seconds), _LONGEST)


class Login:
    """The app's present token. In the emulator's place nobody asks for one."""

    def __init__(self, settings: TeamsSettings, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._settings, self._http, self._clock = settings, http, clock
        self._token = SecretStr("")
        self._good = SecretStr("")  # the last that Teams took
        self._until: datetime | None = None
        self._asking = asyncio.Lock()
        self._asked = 0  # how often, with success or not
        self._failure: BridgeError | None = None  # of the last time

    async def header(self) -> dict[str, str]:
        """The header that says who we are. Raises like `fetched`."""
        if self._settings.emulator:
            return {}
        before = self._asked
        async with self._asking:
            if self._until is None or self._clock.now() >= self._until:
                # Whoever waited while it was asked in vain does not wait for another time: a post
                # that waits for all before it would be called off, and be in doubt for nothing.
                if self._failure is not None and self._asked > before:
                    raise self._failure.with_traceback(None)
                await self._renew()
        return {"Authorization": f"Bearer {self._token.get_secret_value()}"}

    async def _renew(self) -> None:
        try:
            token, lives = await fetched(self._settings, self._http)
        except BridgeError as error:
            self._failure = error
            raise
        else:
            self._failure = None
        finally:
            self._asked += 1
        self._token = SecretStr(token)
        self._until = self._clock.now() + max(lives - _MARGIN, lives / 2)

    def taken(self, header: dict[str, str]) -> None:
        """This header was good."""
        self._good = _token(header)

    def refused(self, header: dict[str, str]) -> bool:
        """This header was refused: another is asked for. Whether it had been good before.

        If several were under way with it, the first has it renewed, and the new one stays.
        """
        if _token(header) == self._token:
            self._until = None
        return _token(header) == self._good


def _token(header: dict[str, str]) -> SecretStr:
    return SecretStr(header.get("Authorization", "").removeprefix("Bearer "))
