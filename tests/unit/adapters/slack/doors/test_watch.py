"""Is each trouble of the connections noticed, helped along, and said once at each end?"""

import asyncio
import logging
from datetime import timedelta

import pytest

from adapters.slack.doors.canary import ECHO_TIME
from adapters.slack.doors.hearing import Hearing
from adapters.slack.doors.sockets import SILENT, Sockets, SwitchedOff
from adapters.slack.doors.watch import LOOK, Watch, watch
from adapters.slack.workspaces import OneWorkspace
from bridge.errors import CredentialsRefused, Unreachable
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost
from tests.unit.adapters.slack.links import PlayedDoor, PlayedLink, workspace

OFF = SwitchedOff("Slack gives no connections", remedy="switch Socket Mode on")


class TellingHost(PlayedHost):
    """A host that keeps what it is told in words, too."""

    def __init__(self) -> None:
        self.winding = FakeClock()
        super().__init__(self.winding)
        self.details: list[str] = []

    def report(self, *, connected: bool, detail: str = "") -> None:
        assert detail
        self.details.append(detail)
        super().report(connected=connected, detail=detail)


class Scene:
    """Two sockets that a test breaks and mends by hand, and the eyes upon them."""

    def __init__(self) -> None:
        self.host = TellingHost()
        self.door = PlayedDoor()
        self.sockets = Sockets(self.door, self.host.clock, wanted=2, linger=timedelta())
        self.links = [PlayedLink(), PlayedLink()]
        self.sockets._places[:] = self.links
        self.hearing = Hearing(self.host, OneWorkspace(workspace()), lambda _: None)
        self.eyes = Watch(self.sockets, self.hearing, self.host)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.host.winding.advance(LOOK)
            self.eyes.look()

    def there(self, *, one: bool, two: bool) -> None:
        self.links[0].listening, self.links[1].listening = one, two


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("script", "reports"),
    [
        ("++++", []),
        ("+-+-+", []),
        ("+--", [False]),
        ("+-----", [False]),
        ("+---+++", [False, True]),
        ("--+--+", [False, True, False, True]),
    ],
)
async def test_a_loss_and_its_end_are_each_said_once(
    scene: Scene, script: str, reports: list[bool]
) -> None:
    for sign in script:
        scene.there(one=sign == "+", two=False)
        await scene.look()
    assert scene.host.reports == reports


async def test_what_a_person_must_do_is_said_once_with_its_remedy(scene: Scene) -> None:
    scene.there(one=False, two=False)
    await scene.look(3)
    scene.sockets.trouble = OFF
    await scene.look(3)
    scene.sockets.trouble = Unreachable("away for a moment")
    await scene.look(3)
    scene.sockets.trouble = OFF
    await scene.look(3)
    scene.there(one=True, two=False)
    await scene.look()
    assert scene.host.reports == [False, False, True]
    assert "switch Socket Mode on" in scene.host.details[1]


async def test_another_trouble_for_a_person_is_news(scene: Scene) -> None:
    scene.there(one=False, two=False)
    scene.sockets.trouble = OFF
    await scene.look(3)
    scene.sockets.trouble = CredentialsRefused("the app_token is refused")
    await scene.look(3)
    assert len(scene.host.reports) == 2


async def test_a_missing_socket_is_logged_once_while_another_listens(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene.there(one=True, two=False)
    await scene.look(60)
    scene.there(one=True, two=True)
    await scene.look(2)
    assert [r.getMessage() for r in caplog.records if "sockets_" in r.getMessage()] == [
        "slack.sockets_missing",
        "slack.sockets_complete",
    ]
    assert scene.host.reports == []


async def test_a_silent_socket_is_renewed_and_a_pinged_one_is_not(scene: Scene) -> None:
    for _ in range(60):
        scene.links[0].given += 1
        await scene.look()
    assert scene.links[0].reason == ""
    assert scene.links[1].reason == SILENT


async def test_after_a_sleep_of_the_machine_nobody_is_to_blame(scene: Scene) -> None:
    await scene.look(10)
    await scene.host.winding.advance(timedelta(hours=8))
    await scene.look(10)
    assert not any(link.reason for link in scene.links)


def posted(scene: Scene, *numbers: int, back: bool) -> None:
    for number in numbers:
        scene.hearing.posted("C1", f"{number}.000001")
        if back:
            scene.hearing._notice(echo(number))


def echo(number: int) -> dict[str, object]:
    event = {"type": "message", "channel": "C1", "ts": f"{number}.000001", "bot_id": "B1"}
    return {"type": "event_callback", "team_id": "T1", "event": event}


async def silence(scene: Scene, looks: int) -> None:
    """Time in which pings come and events do not."""
    for _ in range(looks):
        for link in scene.links:
            link.given += 1
        await scene.look()


ECHO_LOOKS = ECHO_TIME // LOOK + 2


async def test_deafness_is_suspected_then_reported_and_its_end_is_told(scene: Scene) -> None:
    posted(scene, 1, back=True)
    posted(scene, 2, 3, 4, back=False)
    await silence(scene, ECHO_LOOKS)
    assert {link.reason for link in scene.links} == {"deaf"}
    assert scene.host.reports == []
    posted(scene, 5, 6, 7, back=False)
    await silence(scene, ECHO_LOOKS)
    assert scene.host.reports == [False]
    posted(scene, 8, back=True)
    await silence(scene, 1)
    assert scene.host.reports == [False, True]


async def test_who_shares_the_events_is_not_called_deaf(scene: Scene) -> None:
    scene.sockets.shared = True
    posted(scene, 1, back=True)
    posted(scene, 2, 3, 4, back=False)
    await silence(scene, ECHO_LOOKS)
    assert not any(link.reason for link in scene.links)


async def test_what_goes_wrong_in_a_look_does_not_end_the_watch(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.links[0].given = "nonsense"  # type: ignore[assignment]  # a fault of ours
    looking = asyncio.create_task(watch(scene.sockets, scene.hearing, scene.host))
    await scene.host.winding.advance(LOOK * 3)
    assert not looking.done()
    assert "slack.surprise" in {record.getMessage() for record in caplog.records}
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
