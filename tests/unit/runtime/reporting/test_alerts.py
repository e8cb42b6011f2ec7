"""Alarms are told once, each way, and never lost in silence: to a real server, on a real store."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from bridge.config.alert_settings import AlertSettings
from bridge.model.delivery import DeliveryState, Outbound, Receipt
from bridge.model.messages import Notice, NoticeKind
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.reporting.alerts import TRIES, Alerts, Call, Place
from bridge.runtime.watching.status import Status
from bridge.store import Outcome
from bridge.store.letters import STATES, Wanted
from bridge.testing.clock import NOON
from tests.unit.runtime.house import Full, House, lived_in
from tests.unit.store.given import SLACK, opened, owing, reply

SECRET = "a secret of thirty-two characters"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with lived_in(tmp_path) as house:
        yield house


class Receiver:
    """A real server that takes alarms, or refuses so many."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=500)
        self.heard.append((dict(request.headers), await request.read()))
        return web.Response(status=204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/alarm", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/alarm?key=hidden"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def dead(house: House, *numbers: int) -> None:
    """Answers die."""
    conversation = await house.store.conversation((await opened(house.store)).id)
    assert conversation is not None
    await house.store.write(owing(conversation, *((n, reply(f"secret {n}")) for n in numbers)))
    for number in numbers:
        await die(house, number)


async def die(house: House, number: int) -> None:
    (row,) = await house.store.letters.listed(_wanted(f"c1.{number}"))
    await house.store.write(
        Outcome(id=row.id, state=DeliveryState.DEAD, at=NOON, reason="too ugly")  # type: ignore[arg-type]
    )


def _wanted(identity: str) -> Wanted:
    return Wanted(ids=(identity,), states=STATES)


def alerts(house: House, *ways: object, status: Status | None = None) -> Alerts:
    settings = AlertSettings()
    return Alerts(settings, ways, house.store, house.world, status or Status())  # type: ignore[arg-type]


async def test_dead_letters_are_one_signed_alarm_and_told_once_also_after_a_restart(
    house: House, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await dead(house, 1, 2)
    way = Call(receiver.url, SECRET, http)

    await alerts(house, way).look()
    await alerts(house, way).look()

    ((headers, body),) = receiver.heard
    told = json.loads(body)
    assert [one["id"] for one in told["letters"]] == ["c1.1", "c1.2"]
    assert told["letters"][0]["reason"] == "too ugly"
    assert b"secret" not in body
    signed = b"v1:" + headers["X-Bridge-Timestamp"].encode() + b":" + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Bridge-Signature"] == f"v1={digest}"


async def test_what_nobody_took_is_told_again_and_the_log_says_so_once_without_the_address(
    house: House,
    receiver: Receiver,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = Status()
    teller = alerts(house, Call(receiver.url, "", http), status=status)
    await dead(house, 1)
    receiver.refusals = 2 * TRIES
    task = house.tasks.create_task(teller.run())

    await house.until(lambda: receiver.heard)
    counted = status.metrics.registry.get_sample_value
    await house.until(lambda: counted("polyai_bridge_alerts_total", {"outcome": "sent"}))
    task.cancel()

    assert len(receiver.heard) == 1
    failing = [r for r in caplog.records if "alerts.failing" in r.getMessage()]
    assert len(failing) == 1
    assert "hidden" not in caplog.text
    assert "X-Bridge-Signature" not in receiver.heard[0][0]
    assert counted("polyai_bridge_alerts_total", {"outcome": "failed"}) == 2


class Announcing(Full):
    """Can announce."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.announced: list[Outbound] = []

    async def announce(self, outbound: Outbound) -> Receipt:
        self.announced.append(outbound)
        return Receipt("there")


async def test_a_channel_is_told_by_any_adapter_that_can_announce(house: House) -> None:
    adapters, platform, status = Adapters(), Announcing(house), Status()
    adapters.arrived(SLACK, platform)
    await dead(house, 1)

    place = Place(SLACK, "C9", adapters, house.store, house.world)
    await alerts(house, place, status=status).look()

    (told,) = platform.announced
    assert (told.place, told.thread) == ("C9", "thread of c1")
    assert isinstance(told.content, Notice)
    assert told.content.kind is NoticeKind.ALERT
    assert "c1.1" in told.content.words


async def test_one_way_that_works_is_enough_and_none_is_needed(
    house: House, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await dead(house, 1)
    broken = Place(SLACK, "C9", Adapters(), house.store, house.world)
    looking = house.tasks.create_task(alerts(house, broken, Call(receiver.url, "", http)).look())
    await house.until(looking.done)

    assert len(receiver.heard) == 1
    assert await house.store.letters.unalerted() == []
    await alerts(house).run()  # returns: nobody is to be told


@pytest.mark.parametrize(
    "written",
    [
        {"adapter": "slack"},
        {"channel": "C1"},
        {"secret": SECRET},
        {"url": "http://example.com/x"},
        {"url": "https://h.example/x#y"},
        {"url": "https://h.example/x", "secret": "short"},
        {"every": "0s"},
        {"evry": "1s"},
    ],
)
def test_half_of_what_is_needed_is_refused_without_quoting_it(written: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        AlertSettings.model_validate(written)
    assert "h.example" not in str(refused.value)
    assert "short" not in str(refused.value).replace("too short", "")


def test_an_address_may_have_a_query() -> None:
    settings = AlertSettings(url=SecretStr("https://h.example/x?key=1"), after=timedelta(minutes=1))
    assert settings.url is not None
    assert "key=1" not in repr(settings)
