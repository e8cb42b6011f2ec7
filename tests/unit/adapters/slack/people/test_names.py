"""Are people's names found, kept, and never in the way?"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.identity import BotIdentity
from adapters.slack.people.names import People
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.model.ids import PersonId, ThreadKey

THREAD = ThreadKey("T1:C1:1772366400.000100")
ANN, BEN = PersonId("U1"), PersonId("U2")


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, duration: timedelta) -> None:
        self.at += duration


class Directory:
    """A users.info that answers as it was told to, and counts."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"ok": True}
        self.asked: list[str] = []

    async def serve(self, request: web.Request) -> web.Response:
        given = {**request.query, **(await request.post())}
        self.asked.append(str(given["user"]))
        return web.json_response(self.answer)

    def names(self, **profile: object) -> None:
        self.answer = {"ok": True, "user": {"id": "U1", "name": "handle", "profile": profile}}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
async def people(directory: Directory, clock: HandClock) -> AsyncIterator[People]:
    application = web.Application()
    application.router.add_route("*", "/api/users.info", directory.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession() as session:
        calls = Calls(web_client("xoxb-1", address, session, local=True))
        workspaces = OneWorkspace(Workspace(BotIdentity(team="T1", user="UBOT"), calls))
        yield People(workspaces, clock)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ({"display_name": "Ann", "real_name": "Ann Lee"}, "Ann"),
        ({"display_name": "", "real_name": "Ann Lee"}, "Ann Lee"),
        ({}, "handle"),
        ({"display_name": 7}, "handle"),
        ({"display_name": "<!here>\n x\u202e"}, "\u2039!here\u203a x"),
        ({"display_name": "A" * 200}, "A" * 79 + "…"),
    ],
)
async def test_a_name_is_the_chosen_one_made_harmless(
    people: People, directory: Directory, profile: dict[str, object], name: str
) -> None:
    directory.names(**profile)
    assert await people.name_of(ANN, THREAD) == name


async def test_a_name_is_asked_for_once_an_hour(
    people: People, directory: Directory, clock: HandClock
) -> None:
    directory.names(display_name="Ann")
    for _ in range(3):
        assert await people.name_of(ANN, THREAD) == "Ann"
    assert directory.asked == ["U1"]
    clock.at += timedelta(hours=1)
    directory.names(display_name="Anna")
    assert await people.name_of(ANN, THREAD) == "Anna"


async def test_without_the_scope_nobody_is_asked_about_for_an_hour(
    people: People, directory: Directory, clock: HandClock
) -> None:
    directory.answer = {"ok": False, "error": "missing_scope", "needed": "users:read"}
    assert await people.name_of(ANN, THREAD) is None
    assert await people.name_of(BEN, THREAD) is None
    assert directory.asked == ["U1"]
    directory.names(display_name="Ben")
    clock.at += timedelta(hours=1)
    assert await people.name_of(BEN, THREAD) == "Ben"


async def test_somebody_unknown_hides_no_other(people: People, directory: Directory) -> None:
    directory.answer = {"ok": False, "error": "user_not_found"}
    assert await people.name_of(ANN, THREAD) is None
    directory.names(display_name="Ben")
    assert await people.name_of(BEN, THREAD) == "Ben"
    assert await people.name_of(ANN, THREAD) is None


@pytest.mark.parametrize("error", ["ratelimited", "internal_error"])
async def test_a_passing_trouble_is_over_in_a_minute(
    people: People, directory: Directory, clock: HandClock, error: str
) -> None:
    directory.answer = {"ok": False, "error": error}
    assert await people.name_of(ANN, THREAD) is None
    directory.names(display_name="Ann")
    assert await people.name_of(ANN, THREAD) is None
    clock.at += timedelta(minutes=1)
    assert await people.name_of(ANN, THREAD) == "Ann"


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "user": [1]}])
async def test_an_odd_answer_names_nobody(
    people: People, directory: Directory, answer: dict[str, Any]
) -> None:
    directory.answer = answer
    assert await people.name_of(ANN, THREAD) is None


async def test_who_cannot_be_asked_about_is_not(people: People, directory: Directory) -> None:
    assert await people.name_of(PersonId("B1"), THREAD) is None
    assert await people.name_of(ANN, ThreadKey("elsewhere")) is None
    assert await people.name_of(ANN, ThreadKey("T9:C1:1772366400.000100")) is None
    assert directory.asked == []
