"""Plays a program: every beat from rest to rest, among faults and deaths, and tells what it saw."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from tests.chaos.forks import Fork
from tests.chaos.model.acting import Acting
from tests.chaos.model.faults import FAULTS, healed
from tests.chaos.model.program import THREADS, Beat, Program
from tests.chaos.model.records import compared
from tests.chaos.model.talk import Talk
from tests.chaos.scene import Arm
from tests.chaos.slack_scene import SlackScene
from tests.chaos.verdict import Compared, judged

#: What the bridge still has to do. A reply that nobody claims is not among it; nor is what one
#: person alone is shown, once it is in doubt: nobody can ask, so it is held and reported.
_OWED = """
SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL AND conversation IS NOT NULL)
     + (SELECT count(*) FROM deliveries WHERE state = 'pending'
        OR (state = 'sending' AND body NOT LIKE '%"only_for"%'))
"""
_LOOK = 0.02  #: how often one looks, in seconds
_QUIET = 0.15  #: how long nothing must happen until a beat is over, in seconds
_VERY_QUIET = 0.5  #: and in the end: a double would come now


class NeverEnds(AssertionError):
    """What was begun did not come to its end."""


class Driving:
    """One episode's world, and how far it has come."""

    def __init__(self, scene: SlackScene, program: Program) -> None:
        self._scene = scene
        self._program = program
        self._acting = Acting(scene)
        self._talks = [Talk() for _ in range(THREADS)]
        _tell_nobody_apart(scene)
        self._port = int(re.findall(r"port = (\d+)", scene.stage.config.read_text())[0])
        self.trace: list[str] = []  #: the same whenever the program is played
        self.deaths: list[str] = []  #: what became of every arm, in order
        self.kills: list[str] = []
        self.begun = 0  #: so many beats
        self._sure = True  #: the arm that is set now has the same fate each time

    async def play(self) -> None:
        """From the first start to a clean end.

        Raises:
            AssertionError: what was begun did not come to its end, or the bridge ended badly.
        """
        await self._scene.start(None)
        await self._up()
        for number, beat in enumerate(self._program.beats):
            self.trace.append(f"{number}: {beat}")
            await self._play(beat)
        await self._restart(None, kindly=False)
        await self._at_rest(_VERY_QUIET)
        await self._stop()

    def compared(self) -> list[Compared]:
        """What must be on record by now, and what is."""
        return compared(self._scene, self._talks, self._acting.places)

    # -- a beat ------------------------------------------------------------------------------

    async def _play(self, beat: Beat) -> None:
        arms, self._sure = iter(beat.arms), True
        self.begun += 1
        self.deaths.append(str(beat))
        await self._begin(beat, arms)
        for fault in beat.faults:
            FAULTS[fault].befall(self._scene)
        acting = [asyncio.create_task(self._acting.do(act)) for act in beat.acts]
        for act in beat.acts:
            self._talks[act.thread].take(act)
        try:
            if beat.beginning == "down":
                await asyncio.sleep(_QUIET)
                await self._scene.start(next(arms, None))
            await self._among_deaths(acting, arms)
        finally:
            for deed in acting:
                deed.cancel()
            await asyncio.gather(*acting, return_exceptions=True)
        healed(self._scene)

    async def _begin(self, beat: Beat, arms: Iterator[Arm]) -> None:
        if beat.beginning == "down":
            await self._scene.kill()
            self.kills.append("at rest")
        elif beat.beginning:
            await self._restart(next(arms, None), kindly=beat.beginning == "stopped")

    async def _among_deaths(self, acting: "list[asyncio.Task[None]]", arms: Iterator[Arm]) -> None:
        """Start again after every death, until all is done and the bridge is at rest."""
        resting: asyncio.Task[None] | None = None
        while resting is None or not resting.done():
            if resting is None and all(act.done() for act in acting):
                for act in acting:
                    act.result()
                resting = asyncio.create_task(self._at_rest(_QUIET))
            if self._fork.dead:
                self._died()
                await self._scene.start(next(arms, None))
            await asyncio.sleep(_LOOK)
        resting.result()
        if self._scene._arm is not None:
            await self._end_armed()

    async def _end_armed(self) -> None:
        """Nobody stays armed beyond the beat; a death that is late comes while the bridge ends."""
        arm = self._scene._arm
        assert arm is not None
        await self._stop()
        if self._fork.death.result() == -signal.SIGKILL:
            self._died()
        else:
            self._note(f"{_named(arm)} is not reached")
        await self._scene.start(None)
        await self._up()
        await self._at_rest(0)

    def _died(self) -> None:
        arm = self._scene._arm
        if arm is None or self._fork.death.result() != -signal.SIGKILL:
            raise AssertionError(f"the bridge ended by itself: {self._fork.death.result()}")
        self._note(f"death at {_named(arm)}")
        self.kills.append(arm.name)

    def _note(self, fate: str) -> None:
        """Only the first passing after a rest comes at the same moment each time.

        Later ones, and deaths in the midst of a recovery, meet several threads that race.
        """
        arm = self._scene._arm
        self.deaths.append(fate)
        if self._sure and arm is not None and arm.nth == 1:
            self.trace.append(f"   {fate}")
        self._sure = False

    # -- the bridge --------------------------------------------------------------------------

    @property
    def _fork(self) -> Fork:
        assert self._scene._fork is not None
        return self._scene._fork

    async def _restart(self, arm: Arm | None, *, kindly: bool) -> None:
        if kindly:
            await self._stop()
        else:
            await self._scene.kill()
            self.kills.append("at rest")
        await self._scene.start(arm)
        await self._up()

    async def _stop(self) -> None:
        """SIGTERM; a bridge at rest ends cleanly, unless the death it is armed with comes now."""
        armed = self._scene._arm is not None
        with contextlib.suppress(ProcessLookupError):  # it died, and we are about to hear it
            os.kill(self._fork.pid, signal.SIGTERM)
        async with asyncio.timeout(self._scene.patience):
            code = await asyncio.shield(self._fork.death)
        if code != 0 and not (armed and code == -signal.SIGKILL):
            raise AssertionError(f"the bridge ended with {code}")

    async def _up(self) -> None:
        """Slack reaches the bridge by all ways, or it died on its way there."""
        await self._scene.until(lambda: self._reached() or self._fork.dead)

    def _reached(self) -> bool:
        if self._program.door == "socket":
            return self._scene.slack.sockets >= 2
        with socket.socket() as probe:
            probe.settimeout(0.1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    async def _at_rest(self, lasting: float) -> None:
        """Return once all is as it must be, nothing is owed, and nothing has happened a while.

        Raises:
            NeverEnds: it does not come to that.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._scene.patience
        since, before = loop.time(), self._scene.stage.records()
        while loop.time() - since < lasting or self._missing():
            if loop.time() > deadline:
                raise NeverEnds(self._missing() or "it never comes to rest")
            await asyncio.sleep(_LOOK)
            now = self._scene.stage.records()
            if now != before or self._missing():
                since, before = loop.time(), now

    def _missing(self) -> str:
        """What is not as it must be; nothing if all is."""
        if self._fork.dead or not self._reached():
            return "nobody is there"
        if any(not e.acked for e in self._scene.slack.envelopes if e.event_id):
            return "an event is not acknowledged"
        if judged(self.compared()):
            return "the records differ"
        return "something is owed" if self._owed() else ""

    def _owed(self) -> int:
        """How much the bridge still has to do, as its own store has it."""
        address = f"file:{self._scene.stage.database}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=0.1)) as database:
                return int(database.execute(_OWED).fetchone()[0])
        except sqlite3.OperationalError:
            return -1  # it is just being opened, or made


def _tell_nobody_apart(scene: SlackScene) -> None:
    """Who speaks is told in front of what is said, which the simulated agent would not know."""
    config = scene.stage.config
    agent = 'edits = "correct"\n'
    config.write_text(config.read_text().replace(agent, f'{agent}speakers = "never"\n'))


def _named(arm: Arm) -> str:
    return f"{arm.name}:{arm.nth}"
