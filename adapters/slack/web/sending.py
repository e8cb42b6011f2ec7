"""How does a call leave for Slack? By the shared HTTP session at once, not by the SDK's way out.

The SDK's methods still say what a call is named, by which verb it goes and what it takes. What they
then go through for each request and each answer took longer than the request itself (decision 22).
"""

import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.logs import sdk_log
from adapters.slack.reading.callbacks import decoded
from bridge.plugin.answers import whole

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_JSON_IN_UTF8: Final = f"{_JSON};charset=utf-8"
#: The longest answer that is read, in bytes: a thousand messages of a thread, and more.
_LONGEST: Final = 32 * 1024 * 1024
#: `asked` sets the limit, for whatever way a call goes.
_UNLIMITED: Final = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; the names of the headers have no case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class SlackWeb(AsyncWebClient):
    """The SDK's client with one token, all of whose calls leave here, each once."""

    def __init__(
        self, token: str, api_url: str, http: aiohttp.ClientSession, *, local: bool
    ) -> None:
        # Whoever copies this client, as Bolt does, gets no retries either: the SDK's own handler
        # posts twice on a reset.
        super().__init__(
            token=token, base_url=api_url, session=http, retry_handlers=[], logger=sdk_log()
        )
        self._http = http
        if local:
            self.proxy = None  # the SDK would send even loopback through the environment's proxy

    async def api_call(  # type: ignore[override]  # we send no files and no other credentials
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        data: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncSlackResponse:
        """One request and Slack's answer to it.

        A redirect is not followed: it would carry the token to wherever it points.

        Raises:
            SlackApiError: there is no good answer; the response says what there is.
        """
        token = (json or params or {}).pop("token", None) or self.token
        body = _said(data) if json is None else _encoded(json)
        headed = self._headed(token, _FORM if json is None else _JSON_IN_UTF8) | (headers or {})
        answer = await self._exchanged(http_verb, api_method, _said(params), body, headed)
        response = AsyncSlackResponse(
            client=self,
            http_verb=http_verb,
            api_url=self.base_url + api_method,
            req_args={},  # they are only good for reading on, and hold the token
            data=_object(answer),
            headers=answer.headers,  # type: ignore[arg-type]  # aiohttp's, whose names have no case
            status_code=answer.status,
        )
        if answer.status != 200 or not response.get("ok"):
            raise SlackApiError("no good answer", response)  # type: ignore[no-untyped-call]  # theirs
        return response

    def _headed(self, token: str | None, content_type: str) -> dict[str, str]:
        credentials = {"Authorization": f"Bearer {token}"} if token else {}
        return {**self.headers, "Content-Type": content_type, **credentials}

    async def _exchanged(
        self,
        verb: str,
        api_method: str,
        query: dict[str, Any] | None,
        body: dict[str, Any] | bytes | None,
        headers: dict[str, str],
    ) -> _Answer:
        async with self._http.request(
            verb,
            self.base_url + api_method,
            params=query,
            data=body,
            headers=headers,
            proxy=self.proxy,
            timeout=_UNLIMITED,
            allow_redirects=False,
        ) as answer:
            return _Answer(answer.status, answer.headers, await whole(answer, _LONGEST))


def _said(arguments: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is given of the arguments, as a form or a query takes it."""
    if arguments is None:
        return None
    return {
        name: str(int(value)) if isinstance(value, bool) else value
        for name, value in arguments.items()
        if value is not None
    }


def _encoded(arguments: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(arguments)
    except UnicodeEncodeError:  # half a character, which only JSON's own escapes can spell
        return json_text.dumps(arguments).encode()


def _object(answer: _Answer) -> dict[str, Any]:
    """Slack's answer; nothing if it is not the object that Slack answers with."""
    if not _is_json(answer.headers):
        return {}
    try:
        found = decoded(answer.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() == _JSON
