"""Is a lost connection noticed, said once, and helped along?"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.slack.watch import LOOK, watch
from bridge.testing.host import PlayedHost


class ScriptedLink:
    """A link that answers as written: `+` connected, `-` not."""

    def __init__(self, script: str) -> None:
        self._script = iter(script)
        self.forgotten = 0
        self.renewed = 0

    async def connected(self) -> bool:
        try:
            return next(self._script) == "+"
        except StopIteration:
            raise asyncio.CancelledError from None

    def forget_ticket(self) -> None:
        self.forgotten += 1

    async def renew(self) -> None:
        self.renewed += 1


class QuickClock:
    """A clock on which sleeping takes no time."""

    def __init__(self) -> None:
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)


class ListeningHost(PlayedHost):
    """A host whose clock is quick, and which is never told anything without words."""

    clock: QuickClock

    def __init__(self) -> None:
        super().__init__(QuickClock())

    def report(self, *, connected: bool, detail: str = "") -> None:
        assert detail
        super().report(connected=connected, detail=detail)


async def watched(script: str) -> tuple[ScriptedLink, ListeningHost]:
    link, host = ScriptedLink(script), ListeningHost()
    with pytest.raises(asyncio.CancelledError):
        await watch(link, host)
    assert set(host.clock.slept) == {LOOK}
    return link, host


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
async def test_a_loss_and_its_end_are_each_said_once(script: str, reports: list[bool]) -> None:
    _, host = await watched(script)
    assert host.reports == reports


async def test_a_failed_address_is_not_kept() -> None:
    link, _ = await watched("+-+--")
    assert link.forgotten == 3


async def test_a_connection_that_stays_away_is_renewed_now_and_then() -> None:
    link, _ = await watched("-" * 14)
    assert link.renewed == 0
    link, _ = await watched("-" * 31)
    assert link.renewed == 2
