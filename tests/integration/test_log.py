"""The log of the real bridge: each outage once, and louder while it runs."""

import asyncio
import json
import resource
from collections import Counter
from pathlib import Path

import pytest

from adapters.slack import logs as slack
from bridge.log.outages import PAIRS, REPEATS
from tests.misfit.place import misfit_place
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

#: Imported, the adapter has declared its own.
_DECLARED = slack.LOG
#: How long each outage lasts, in seconds; whatever is repeated is so every second at least.
_LASTING = 1.5
_PEOPLE = 4
_BOUND = 65_536


class Log:
    """The lines of the log since a moment."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._from = stage.log.stat().st_size

    def events(self) -> Counter[str]:
        told = self._stage.log.read_bytes()[self._from :].decode().splitlines()
        return Counter(json.loads(line)["event"] for line in told)

    async def until(self, event: str) -> None:
        await self._stage.until(lambda: self.events()[event])

    def of_troubles(self) -> dict[str, int]:
        """How often each thing was said that begins, ends or comes of an outage."""
        names = {name for pair in PAIRS for name in (pair.begins, pair.ends)} | set(REPEATS)
        told = self.events()
        return {name: told[name] for name in names if told[name]}


async def talked(stage: Stage) -> list[str]:
    """Threads in which the agent has answered."""
    threads = [await stage.mention("say ready") for _ in range(_PEOPLE)]
    for thread in threads:
        await stage.until(lambda: "ready" in stage.told(thread))  # noqa: B023 - it is now
    return threads


def may_write(stage: Stage, size: int) -> None:
    """From now on no file of the bridge may be written beyond this, in bytes."""
    _, hard = resource.prlimit(stage.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.pid, resource.RLIMIT_FSIZE, (size, hard))


async def said(stage: Stage, threads: list[str], text: str) -> None:
    for thread in threads:
        await stage.reply(thread, f"say {text}")


async def answered(stage: Stage, threads: list[str], text: str) -> None:
    for thread in threads:
        await stage.until(lambda: text in stage.told(thread))  # noqa: B023 - it is now


async def test_each_outage_is_said_once_when_it_begins_and_once_when_it_is_over(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.configure(echo_timeout='"1s"', reconnect_max='"500ms"')
        text = stage.config.read_text().replace('level = "info"', 'level = "info"\nformat = "json"')
        stage.config.write_text(text)
        await stage.started()
        threads = await talked(stage)

        log = Log(stage)  # PolyAI cannot be reached
        stage.polyai.refuse_connections()
        stage.polyai.drop_sockets()
        await said(stage, threads, "one")
        await asyncio.sleep(_LASTING)
        stage.polyai.heal()
        await said(stage, threads, "again")  # who rests after five attempts is woken
        await answered(stage, threads, "again")
        await log.until("socket.reachable")
        await stage.quiet()
        told = log.of_troubles()
        assert told.pop("socket.unavailable", 1) == 1
        health = {name: told.pop(name, 1) for name in ("agent.unavailable", "agent.available")}
        assert set(health.values()) == {1}
        assert told == {"socket.unreachable": 1, "socket.reachable": 1}

        log = Log(stage)  # PolyAI answers no posts of Slack's: here Slack fails
        stage.slack.http_error("chat.postMessage", 503, 10_000)
        stage.slack.http_error("chat.startStream", 503, 10_000)
        await said(stage, threads, "two")
        await asyncio.sleep(_LASTING)
        stage.slack.forget_faults()
        await answered(stage, threads, "two")
        assert log.of_troubles() == {"delivery.retry": 1}

        log = Log(stage)  # no connection to Slack
        stage.slack.refuse_connections(n=10_000)
        stage.slack.drop_sockets()
        await log.until("adapter.disconnected")
        await asyncio.sleep(_LASTING)
        stage.slack.forget_faults()
        await log.until("adapter.connected")
        assert log.of_troubles() == {"adapter.disconnected": 1, "adapter.connected": 1}

        log = Log(stage)  # nothing can be written
        may_write(stage, _BOUND)
        await said(stage, threads, "three")
        await asyncio.sleep(_LASTING)
        may_write(stage, resource.RLIM_INFINITY)
        await log.until("database.working")
        await answered(stage, threads, "three")
        told = log.of_troubles()
        assert set(told) <= {
            "database.failing", "database.working", "slack.not_stored",
            "worker.database_failed", "dispatcher.database_failed",
        }  # fmt: skip
        assert set(told.values()) == {1}
        assert await stage.stop() == 0


async def test_a_running_bridge_is_made_louder_and_its_adapters_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with misfit_place(tmp_path, monkeypatch) as place:
        place.add("apart")
        stage = place.stage
        await stage.started()
        await place.say("say hello", name="apart")

        code, out, _ = await stage.run_command("log", "level", "debug", "--for", "30m", "--json")
        assert code == 0
        assert json.loads(out)["loggers"][0]["level"] == "debug"
        await stage.opened()
        stage.polyai.drop_sockets()
        await stage.until(lambda: "socket.closed" in stage.log.read_text())
        await place.say("say debug", name="apart")
        await stage.until(lambda: "misfit.heard" in stage.log.read_text())

        code, out, _ = await stage.run_command("log", "show")
        assert code == 0
        assert "polyai_bridge  debug" in out
        code, out, _ = await stage.run_command("log", "level")
        assert "polyai_bridge  info" in out
        code, out, _ = await stage.run_command("log", "sampling", "100/10s", "--sample", "7")
        assert "100/10s, then each 7th" in out
        assert await stage.stop() == 0
        code, _, err = await stage.run_command("log", "show")
        assert code == 1
        assert "No bridge serves" in err
