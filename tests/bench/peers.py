"""The process of the peers: a fake Slack, a fake agent and the people, told by lines of JSON.

`python -m tests.bench.peers [CERTIFICATE KEY]`: with a certificate all of it is over TLS.
"""

import asyncio
import gc
import json
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.bench.fake_agent import FakeAgent
from tests.bench.standing import run_fast
from tests.bench.traffic import Broken, Traffic
from tests.bench.wire import Answer, Wire

Json = dict[str, Any]


class Peers:
    """Everybody on the other side."""

    def __init__(self) -> None:
        self.agent = FakeAgent()
        self.traffic = Traffic()

    async def start(self, tls: ssl.SSLContext | None) -> Json:
        """Listen, and say where."""
        slack = await _listening(self.traffic.slack.answer, tls)
        agent = await _listening(self.agent.answer, tls)
        http, ws = ("https", "wss") if tls else ("http", "ws")
        self.traffic.slack.address = f"{ws}://127.0.0.1:{slack}/link"
        return {
            "slack": f"{http}://127.0.0.1:{slack}/api/",
            "agent": f"{http}://127.0.0.1:{agent}",
        }

    async def obey(self, do: str, **how: Any) -> Json:  # noqa: ANN401 - a line of JSON
        """One order, and what came of it."""
        match do:
            case "open":
                return await self.traffic.open(**how)
            case "closed":
                return await self.traffic.closed(**how)
            case "steady":
                return await self.traffic.steady(**how)
            case "links":
                return await self._reached(lambda: len(self.traffic.slack.links), **how)
            case "sockets":
                return await self._reached(lambda: self.agent.open, **how)
            case "connects":
                return {"connects": self.agent.connects}
        raise ValueError(do)

    async def _reached(
        self,
        count: Callable[[], int],
        patience: float,
        at_least: int = 0,
        at_most: int = 1_000_000,
    ) -> Json:
        """Wait until there are so many; after how long half and all of them were there."""
        began, now, half = time.perf_counter(), 0.0, 0.0
        while not (reached := at_least <= (there := count()) <= at_most) and now < patience:
            await asyncio.sleep(0.01)
            now = time.perf_counter() - began
            if not half and there * 2 >= at_least:
                half = now
        return {"reached": reached, "there": there, "seconds": now, "half_s": half or now}


async def _listening(answer: Answer, tls: ssl.SSLContext | None) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(answer), "127.0.0.1", 0, ssl=tls, backlog=4096)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def main() -> None:
    """Say where we are, then take orders until there are none."""
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    peers = Peers()
    _tell(await peers.start(tls))
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            _tell(await peers.obey(**json.loads(line)))
        except (Broken, TimeoutError) as error:
            _tell({"broken": f"{type(error).__name__} {error}"})


def _tell(answer: Json) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    gc.disable()  # no pause of ours in anybody's latency
    run_fast(main())
