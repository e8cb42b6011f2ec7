"""How the board is called, once each time, and what each answer says about what was done."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Literal

import aiohttp
from pydantic import BaseModel, SecretStr

from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.plugin.settings import Address, Duration


class Settings(BaseModel, frozen=True, extra="forbid"):
    """What an operator writes under `[adapters.NAME]`."""

    type: Literal["pinboard"] = "pinboard"
    # YOURS: what your platform needs to be told. A `SecretStr` is kept out of every log.
    url: Address
    token: SecretStr
    timeout: Duration = timedelta(seconds=10)


class Calls:
    """Calls to one board with one token."""

    def __init__(self, settings: Settings, http: aiohttp.ClientSession) -> None:
        self._url, self._http = settings.url.rstrip("/"), http
        self._headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._timeout = settings.timeout.total_seconds()

    async def ask(self, path: str, *, wait: float = 0, **query: str) -> Any:  # noqa: ANN401 - JSON
        """What the board tells. A question that has no answer has done no harm.

        `wait` is for how many seconds the board may think.
        """
        limit = aiohttp.ClientTimeout(self._timeout + wait)
        return await _answer(
            self._http.get(self._url + path, headers=self._headers, timeout=limit, params=query),
            lost=Unreachable,
        )

    async def change(
        self,
        method: str,
        path: str,
        body: object,
        *,
        lost: type[DeliveryFailed] = MaybeDelivered,
    ) -> Any:  # noqa: ANN401 - JSON
        """Have something done. If no answer comes it may be `lost`: nobody knows whether it was.

        Unless that does not matter, as where something is done that may well be done again.
        """
        limit, url = aiohttp.ClientTimeout(self._timeout), self._url + path
        return await _answer(
            self._http.request(method, url, headers=self._headers, timeout=limit, json=body),
            lost=lost,
        )


async def _answer(
    call: AbstractAsyncContextManager[aiohttp.ClientResponse], *, lost: type[DeliveryFailed]
) -> Any:  # noqa: ANN401 - JSON
    """What the board says; `lost` is what it means if it says nothing, or that it failed."""
    try:
        async with call as answer:
            if answer.status < 300:
                return await answer.json()
            raise _refusal(answer, lost)
    except aiohttp.ClientConnectorError:
        raise Unreachable("the board is away") from None
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise lost(f"the board gave no answer: {type(error).__name__}") from None


def _refusal(answer: aiohttp.ClientResponse, lost: type[DeliveryFailed]) -> BridgeError:
    # YOURS: what your platform means by each refusal, and whether it did nothing for certain.
    said = f"the board answered {answer.status}"
    match answer.status:
        case 401:
            return CredentialsRefused(f"{said}: it does not know the token", remedy="set `token`")
        case 410:
            return ThreadClosed(f"{said}: the thread is closed")
        case 429:
            return RetryLater(
                said, after=timedelta(seconds=int(answer.headers.get("Retry-After", 1)))
            )
        case status if status < 500:
            return Rejected(said)
        case _:
            return lost(said)
