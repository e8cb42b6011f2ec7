"""Broken plug-ins beside Slack in one real daemon: Slack goes on, and so do they."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.misfit.place import TOKEN, MisfitPlace, alive, misfit_place

pytestmark = pytest.mark.integration

#: Looked for six times in vain, killed, started again, looked for: a while on a slow machine.
PATIENCE = 50.0


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MisfitPlace]:
    async with misfit_place(tmp_path, monkeypatch) as made:
        yield made


async def slack_goes_on(place: MisfitPlace, *, threads: int = 3) -> None:
    """As many people as that are answered in Slack, each once."""
    stage = place.stage
    asked = [await stage.mention(f"say {number}") for number in range(threads)]
    await stage.until(lambda: all(stage.told(each)[1:] for each in asked))
    assert [stage.told(each)[1:] for each in asked] == [[str(n)] for n in range(threads)]


async def test_what_kills_or_hangs_an_adapter_once_is_posted_once(place: MisfitPlace) -> None:
    faults = ("exits", "crashes", "spins", "sleeps")
    for fault in faults:
        place.add(fault, fault=fault, times=1)
    place.add("late", fault="exits", at="answer", times=1)
    await place.stage.started()
    for name in (*faults, "late"):
        await place.say("say poison", thread="a", name=name)
    await slack_goes_on(place)
    for name in (*faults, "late"):
        await place.say("say on", thread="a", name=name)
        await place.say("say beside", thread="b", name=name)
        await place.stage.until(lambda: len(place.told("a", name)) > 1, PATIENCE)  # noqa: B023 - now
        await place.stage.until(lambda: place.told("b", name), PATIENCE)  # noqa: B023 - now
    await slack_goes_on(place)

    for name in (*faults, "late"):
        assert place.told("a", name) == ["poison", "on"]
        assert place.told("b", name) == ["beside"]
    assert place.stage.log.read_text().count("delivery.found") == 1  # what was posted before
    assert await place.stage.stop() == 0


async def test_a_message_that_kills_the_adapter_each_time_holds_up_its_own_thread_for_a_while(
    place: MisfitPlace,
) -> None:
    place.add(fault="exits")
    await place.stage.started()
    await place.say("say poison", thread="a")
    await place.say("say after", thread="a")
    await place.say("say beside", thread="b")
    await slack_goes_on(place)
    await place.stage.until(lambda: place.told("a")[1:] and place.told("b"), PATIENCE)

    given_up = "An answer could not be shown here. Please ask again."
    assert (place.told("a"), place.told("b")) == (["after", given_up], ["beside"])
    log = place.stage.log.read_text()
    assert log.count("delivery.dead") == 1
    assert "process ended over it 3 times" in log


@pytest.mark.parametrize("isolation", ["process", "none"])
async def test_whatever_a_call_raises_is_the_trouble_of_that_call_alone(
    place: MisfitPlace, isolation: str
) -> None:
    faults = {"plain": "raises", "hard": "leaves the program", "soft": "cancels"}
    for name, fault in faults.items():
        place.add(name, fault=fault, times=2, isolation=isolation)
    await place.stage.started()
    for name in faults:
        await place.say("say poison", thread="a", name=name)
        await place.say("say beside", thread="b", name=name)
    await slack_goes_on(place)
    for name in faults:
        await place.stage.until(lambda: place.told("a", name) and place.told("b", name), PATIENCE)  # noqa: B023 - now
        assert (place.told("a", name), place.told("b", name)) == (["poison"], ["beside"])

    assert "misfit-token" not in place.stage.log.read_text()
    assert len(place.children()) == 3 * (isolation == "process")
    assert await place.stage.stop() == 0


@pytest.mark.parametrize("isolation", ["process", "none"])
async def test_whatever_adapters_do_when_they_come_or_go_the_daemon_comes_and_goes(
    place: MisfitPlace, isolation: str
) -> None:
    faults = {"stuck": "swallows", "plain": "raises", "hard": "leaves the program"}
    if isolation == "process":
        faults |= {"mad": "spins", "short": "exits"}
    for name, fault in faults.items():
        for at in ("connect", "leave"):
            place.add(f"{name}_{at}", fault=fault, at=at, isolation=isolation)
    await place.stage.started()
    await slack_goes_on(place)
    for name in faults:
        await place.until_ready_says(f'"{name}_leave": "connected"')
        await place.until_ready_says(f"adapter {name}_connect")
    await slack_goes_on(place)
    left = place.children()

    assert await place.stage.stop() == 0
    await place.stage.until(lambda: not any(map(alive, left)))


async def test_a_plug_in_that_cannot_be_imported_stops_itself_alone_until_it_is_repaired(
    place: MisfitPlace,
) -> None:
    place.package.spoil("raise RuntimeError('not today')\n")
    place.add()
    place.add("within", isolation="none")
    code, _, err = await place.stage.run_command("check")
    assert code == 10
    assert '"misfit" cannot be used: importing misfit_plugin:PLUGIN failed: RuntimeError' in err

    await place.stage.started()
    await slack_goes_on(place)
    told = await place.until_ready_says('"misfit": "unusable"')
    assert "not today" in told
    assert '"within": "unusable"' in told

    place.package.repair()
    for name in ("misfit", "within"):
        await place.until_ready_says(f'"{name}": "connected"')
        await place.say("say fine", thread="a", name=name)
        await place.stage.until(lambda: place.told("a", name) == ["fine"])  # noqa: B023 - now
    assert (await place.ready())[0]


async def test_nothing_can_be_started_with_no_plug_in_that_can_be_used(place: MisfitPlace) -> None:
    place.package.spoil("PLUGIN = 'none at all'\n")
    place.add()
    config = place.stage.config.read_text()
    begin, end = config.index("[adapters.slack]"), config.index("[adapters.misfit]")
    place.stage.config.write_text(config[:begin] + config[end:])

    code, _, err = await place.stage.run_command("run")

    assert code == 10
    assert "not a bridge.plugin.Plugin" in err


@pytest.mark.parametrize("isolation", ["process", "none"])
async def test_credentials_refused_to_one_are_its_own_trouble_and_to_the_last_the_end(
    place: MisfitPlace, isolation: str
) -> None:
    place.add(fault="is refused", at="connect", isolation=isolation)
    await place.stage.started()
    await slack_goes_on(place)
    assert "the file refuses this token (get another)" in (
        await place.until_ready_says('"misfit": "refused"')
    )
    await place.stage.stop()

    config = place.stage.config.read_text()
    begin, end = config.index("[adapters.slack]"), config.index("[adapters.misfit]")
    place.stage.config.write_text(config[:begin] + config[end:])
    code, _, err = await place.stage.run_command("run")
    assert code == 11
    assert "the file refuses this token" in err


async def test_a_killed_daemon_leaves_no_process_behind_whatever_that_does(
    place: MisfitPlace,
) -> None:
    place.add("well")
    place.add("spinning", fault="spins", at="connect")
    await place.stage.started()
    await place.until_ready_says('"well": "connected"')
    await place.stage.until(lambda: len(place.children()) == 2)
    left = place.children()

    await place.stage.kill()

    await place.stage.until(lambda: not any(map(alive, left)))


async def test_whatever_is_said_while_its_process_is_killed_over_and_over_is_answered_once(
    place: MisfitPlace,
) -> None:
    place.add()
    await place.stage.started()
    await place.until_ready_says('"misfit": "connected"')

    async def kill() -> None:
        for _ in range(6):
            await asyncio.sleep(0.4)
            for child in place.children():
                os.kill(child, signal.SIGKILL)

    killing = asyncio.create_task(kill())
    for number in range(12):
        await place.say(f"say {number}", thread=f"t{number % 3}")
    await killing
    await place.stage.until(lambda: sum(len(place.told(f"t{n}")) for n in range(3)) >= 12, PATIENCE)
    await place.stage.quiet()

    told = [place.told(f"t{n}") for n in range(3)]
    assert told == [[str(number) for number in range(n, 12, 3)] for n in range(3)]


async def test_nobody_who_looks_at_its_process_or_the_log_sees_its_secrets_and_it_can_be_told_to_go(
    place: MisfitPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(place.stage.directory / "installed"))
    place.add()
    await place.stage.started()
    await place.until_ready_says('"misfit": "connected"')
    (child,) = place.children()
    process = Path(f"/proc/{child}")
    seen = (process / "cmdline").read_text() + (process / "environ").read_text()

    assert TOKEN not in seen
    assert "CREDENTIALS_DIRECTORY" not in seen
    assert TOKEN not in place.stage.log.read_text()

    os.kill(child, signal.SIGTERM)  # the process alone: it leaves, and another takes its place
    await place.until_ready_says("its process was told to leave")
    await place.until_ready_says('"misfit": "connected"')
