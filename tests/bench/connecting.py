"""The floor of a restart: sockets to sessions that are there, one frame of history from each.

`python -m tests.bench.connecting AGENT N` says how long it took, and the CPU for it, in seconds.
"""

import asyncio
import json
import ssl
import sys
import time

from websockets.asyncio.client import ClientConnection, connect

from tests.bench.standing import run_fast

#: More at once makes nothing faster, and each handshake slower.
_AT_ONCE = 100


async def main(agent: str, sessions: int) -> None:
    """Connect, and say how long it took."""
    tls = ssl.create_default_context() if agent.startswith("https") else None
    numbers = iter(range(1, sessions + 1))
    sockets: list[ClientConnection] = []

    async def lane() -> None:
        for number in numbers:
            address = f"{agent.replace('http', 'ws', 1)}/ws?session_id=s{number}"
            socket = await connect(
                address, ssl=tls, compression=None, ping_interval=None, proxy=None
            )
            await socket.recv()
            sockets.append(socket)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(lane() for _ in range(_AT_ONCE)))
    told = {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - used}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run_fast(main(sys.argv[1], int(sys.argv[2])))
