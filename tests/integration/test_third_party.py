"""A stranger's package: built, installed beside the bridge, found, run, killed, run on."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from tests import leaks
from tests.environment import Environment
from tests.stage import PATIENCE, Ground

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "sample_adapter"
TOKEN = "the-token-of-the-bot"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """The bridge, and beside it the sample plug-in."""
    made = Environment.create(tmp_path / "environment")
    made.install(SAMPLE)
    return made


class Installed(Ground):
    """The bridge of an environment between PolyAI and a board that outlives it."""

    def __init__(
        self,
        polyai: PolyAISimulator,
        directory: Path,
        environment: Environment,
        where: dict[str, str],
        http: aiohttp.ClientSession,
    ) -> None:
        super().__init__(polyai, directory)
        self._environment, self._control, self._http = environment, where["control"], http
        self._process: Process | None = None
        self.config.write_text(
            f"""
[database]
url = "sqlite+aiosqlite:///{self.database}"
[http]
port = 0
[intake]
person_rate = "off"
[agents.default]
base_url = "{polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
echo_timeout = "1s"
reconnect_max = "1s"
[adapters.board]
type = "pinboard"
url = "{where["url"]}"
token = "{TOKEN}"
timeout = "2s"
"""
        )

    @property
    def started(self) -> bool:
        """Whether there is a bridge, dead or alive."""
        return self._process is not None

    async def start(self) -> None:
        """Start the bridge."""
        run = ("-m", "bridge", "run", "--config", str(self.config))
        with self.log.open("ab") as log:
            self._process = await self._environment.start(*run, output=log)

    async def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def say(self, text: str, thread: str | None = None) -> str:
        """Ada pins it; the thread."""
        said = {"text": text} | ({"thread": thread} if thread else {})
        async with self._http.post(f"{self._control}/say", json=said) as answer:
            return str((await answer.json())["thread"])

    async def told(self, thread: str) -> list[str]:
        """What the bridge has pinned to a thread, in order."""
        async with self._http.get(f"{self._control}/record") as answer:
            pins: list[dict[str, Any]] = (await answer.json())["pins"]
        return [p["text"] for p in pins if p["thread"] == thread and not p["person"]]

    async def shown(self, thread: str, text: str) -> None:
        """Wait until the bridge has pinned this there."""
        try:
            async with asyncio.timeout(PATIENCE):
                while text not in await self.told(thread):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{text!r} is not shown; the log ends:\n{self.tail()}") from None


@asynccontextmanager
async def played(environment: Environment) -> AsyncIterator[dict[str, str]]:
    """The sample's board, as a process of its own; where it is."""
    module = ("-m", "polyai_bridge_pinboard.stand_in", "--port", "0")
    process = await environment.start(*module, output=PIPE)
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.communicate()


@pytest.fixture
async def installed(tmp_path: Path, environment: Environment) -> AsyncIterator[Installed]:
    polyai = leaks.played(PolyAISimulator(clock=SystemClock(), ids=RandomIds()))
    async with polyai, played(environment) as where, aiohttp.ClientSession() as http:
        ground = Installed(polyai, tmp_path, environment, where, http)
        try:
            yield ground
        finally:
            if ground.started:
                await ground.kill()
        assert polyai.violations == [], polyai.violations


def said(installed: Installed, text: str) -> bool:
    """Whether the agent has heard it."""
    return text in installed.heard()


async def test_it_is_listed_and_proves_itself(
    environment: Environment, installed: Installed
) -> None:
    code, listed = await environment.run("-m", "bridge", "adapters", "--json")
    (pinboard,) = [one for one in json.loads(listed) if one["name"] == "pinboard"]
    assert (code, pinboard["problem"]) == (0, None)
    assert pinboard["distribution"] == "polyai-bridge-pinboard 0.1.0"
    assert pinboard["isolation"] == "process"

    check = ("-m", "bridge", "check", "--connect", "--config", str(installed.config))
    code, told = await environment.run(*check)
    assert code == 0, told
    assert "adapter board: the bot, at http://127.0.0.1:" in told


@pytest.mark.timeout(300)  # four starts of the bridge, where everything is slow
async def test_what_people_say_is_answered_once_however_often_the_bridge_is_killed(
    installed: Installed,
) -> None:
    await installed.start()
    threads = [await installed.say("say ready") for _ in range(3)]
    for thread in threads:
        await installed.shown(thread, "ready")

    for kill in range(3):
        for number, thread in enumerate(threads):
            await installed.say(f"say {kill}-{number}", thread)
        await installed.until(partial(said, installed, f"say {kill}-0"))
        await installed.kill()  # while the others are on their way, either way
        for number, thread in enumerate(threads):
            await installed.say(f"say {kill}-{number} late", thread)
        await installed.start()

    texts = [f"{kill}-{number}" for kill in range(3) for number in range(3)]
    texts += [f"{text} late" for text in texts] + ["ready"] * 3
    for number, thread in enumerate(threads):
        await installed.shown(thread, f"2-{number} late")
    await installed.quiet()
    assert Counter(installed.heard()) == Counter(f"say {text}" for text in texts)
    for number, thread in enumerate(threads):
        mine = [f"{kill}-{number}{late}" for kill in range(3) for late in ("", " late")]
        told = await installed.told(thread)
        assert [text for text in told if text in texts] == ["ready", *mine]
    assert await installed.stop() == 0


@pytest.mark.timeout(300)  # the kit's rules, one after the other, where everything is slow
async def test_a_new_package_is_installed_and_passes_its_own_tests(
    tmp_path: Path, environment: Environment
) -> None:
    new = tmp_path / "new"
    code, told = await environment.run(
        "-m", "bridge", "adapters", "new", "my_chat", "--directory", str(new)
    )
    assert code == 0, told
    environment.install(new)
    _, listed = await environment.run("-m", "bridge", "adapters")
    assert "polyai-bridge-my-chat 0.1.0" in listed

    # Its source is taken away: what is tried is what was installed.
    (new / "src").rename(tmp_path / "src")
    code, told = await environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", directory=new
    )
    assert code == 0, told

    # The kit is among them; from the command line it finds what it tries as the daemon does.
    conform = ("-m", "bridge", "conform", "my_chat", "--rule", "settings", "--rule", "find")
    code, told = await environment.run(*conform)
    assert (code, told.splitlines()[-1]) == (0, "my_chat: 2 kept; only these rules were tried")


async def test_an_installed_bridge_writes_new_packages_too(tmp_path: Path) -> None:
    environment = Environment.create(tmp_path / "environment")
    environment.install(ROOT)
    write = ("-m", "bridge", "adapters", "new", "my_chat")
    code, told = await environment.run(*write, directory=tmp_path)
    assert code == 0, told
    code, again = await environment.run(*write, directory=tmp_path)
    assert code == 2
    assert "Traceback" not in again
    where = await environment.run("-c", "import bridge; print(bridge.__file__)", directory=tmp_path)
    assert where == (0, f"{environment.packages / 'bridge' / '__init__.py'}\n")
    assert (tmp_path / "polyai-bridge-my-chat" / "tests" / "test_adapter.py").is_file()
