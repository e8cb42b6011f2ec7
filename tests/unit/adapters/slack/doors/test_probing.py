"""Slack's Web API is asked while nobody posts; any answer of its own proves that it is there."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.doors.hearing import Hearing
from adapters.slack.doors.probing import probed
from bridge.plugin.canary import EVERY
from bridge.testing.clock import FakeClock


class Web:
    """Slack's Web API, as it answers."""

    def __init__(self, status: int, error: str = "") -> None:
        self.status = status
        self.error = error
        self.asked: list[str] = []

    async def api_call(self, method: str) -> Any:  # noqa: ANN401 - the SDK's own
        self.asked.append(method)
        data = {"ok": not self.error, "error": self.error}
        if self.status == 200 and not self.error:
            return SimpleNamespace(data=data)
        answer = SimpleNamespace(data=data, status_code=self.status, headers={})
        raise SlackApiError("no good answer", answer)  # type: ignore[no-untyped-call]  # theirs


@pytest.mark.parametrize(
    ("web", "there"),
    [
        (Web(200), True),
        (Web(200, "invalid_auth"), True),
        (Web(429), True),
        (Web(503), False),
    ],
)
async def test_whoever_answers_is_there(web: Web, there: bool) -> None:
    clock, hearing = FakeClock(), SimpleNamespace(speechless=None)
    client = cast("AsyncWebClient", cast("Any", web))
    async with probed(client, cast("Hearing", cast("Any", hearing)), clock):
        await clock.advance(2 * EVERY)
        assert (hearing.speechless is None) is there
        assert set(web.asked) == {"api.test"}
        web.status, web.error = 200, ""
        await clock.advance(EVERY)
        assert hearing.speechless is None
