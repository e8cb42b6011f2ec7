"""How does a call leave for Slack? By the shared HTTP session at once, not by the SDK's way out.

The SDK's methods still say what a call is named, by which verb it goes and what it takes. What they
then go through for each request and each answer took longer than the request itself (decision 22).
"""

import json as json_text
from typing import Any, Final

import aiohttp
import msgspec
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.logs import sdk_log

#: `asked` sets the limit, for whatever way a call goes.
_UNLIMITED: Final = aiohttp.ClientTimeout(total=None)
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_JSON_IN_UTF8: Final = f"{_JSON};charset=utf-8"


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
        url = self.base_url + api_method
        token = (json or params or {}).pop("token", None) or self.token
        headed = {**self.headers, "Content-Type": _FORM if json is None else _JSON_IN_UTF8}
        if token:
            headed["Authorization"] = f"Bearer {token}"
        async with self._http.request(
            http_verb,
            url,
            params=_said(params),
            data=_said(data) if json is None else _encoded(json),
            headers=headed | headers if headers else headed,
            proxy=self.proxy,
            timeout=_UNLIMITED,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
        response = AsyncSlackResponse(
            client=self,
            http_verb=http_verb,
            api_url=url,
            req_args={},  # they are only good for reading on, and hold the token
            data=_object(answer, content),
            headers=answer.headers,  # type: ignore[arg-type]  # aiohttp's, whose names have no case
            status_code=answer.status,
        )
        if answer.status != 200 or not response.get("ok"):
            raise SlackApiError("no good answer", response)  # type: ignore[no-untyped-call]  # theirs
        return response


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


def _object(answer: aiohttp.ClientResponse, content: bytes) -> dict[str, Any]:
    """Slack's answer; nothing if it is not the object that Slack answers with."""
    if answer.content_type != _JSON:
        return {}
    try:
        found = json_text.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
