"""The board for the conformance kit, and as a program for tests of the whole bridge.

`python -m polyai_bridge_pinboard.stand_in --port 0` prints one line of JSON, {"url", "control"},
and serves until it is ended: the board at `url`, and at `control` this for tests to drive it:

    POST /say        {text, thread?, person?} gives {thread, id}
    POST /repeat     {thread, id}
    POST /correct    {thread, id, text}
    POST /take_back  {thread, id}
    POST /fail       {fault}
    POST /leave, /return
    GET  /record     {pins: [{id, thread, text, person, tag, removed, texts}], told, acknowledged}

A record names pins in their order, the bot's without a person, and how many events the feed has
told, and behind how many of them the bot has asked.

It outlives the bridge, so it can tell afterwards what people said and what was pinned how often.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bridge.clock import SystemClock
from bridge.testing.stand_in import Fault, Seen, Uttered
from polyai_bridge_pinboard.board import TOKEN, Board


class PinboardStandIn:
    """The board, whose people do as they are told."""

    def __init__(self, board: Board, *, port: int = 0) -> None:
        self.board = board
        self._port = port
        self._runner: web.AppRunner | None = None
        self._threads = 0

    @property
    def url(self) -> str:
        """Where the board is, also while it is away."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """How the adapter finds it."""
        return {"type": "pinboard", "url": self.url, "token": TOKEN, "timeout": "2s"}

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same with a token that the board does not know."""
        return {**self.settings, "token": "not-the-token"}

    @property
    def faults(self) -> Set[Fault]:
        """A board can go wrong in every way."""
        return frozenset(Fault)

    async def reach(self, address: str) -> None:
        """The board calls nobody."""

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Let a person pin something."""
        if thread is None:
            self._threads += 1
            thread = f"thread {self._threads}"
        pin = self.board.pin(thread, text, person=person)
        return Uttered(thread=thread, id=pin.id)

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether the bot has asked for what comes after it."""
        return self.board.acknowledged >= self.board.place_of(self.board.pins[uttered.id])

    async def repeat(self, uttered: Uttered) -> None:
        """Let the feed tell of it once more."""
        self.board.repeat(self.board.pins[uttered.id])

    async def seen(self, thread: str) -> list[Seen]:
        """What hangs in the thread."""
        pins = (pin for pin in self.board.pins.values() if pin.thread == thread)
        return [
            Seen(id=pin.id, text=pin.text, author=pin.person, ours=not pin.person)
            for pin in pins
            if not pin.removed
        ]

    async def fail(self, fault: Fault) -> None:
        """Let the next pin of the bot end so."""
        self.board.faults.append(fault)

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Let a person change what they pinned."""
        self.board.change(self.board.pins[uttered.id], text)

    async def take_back(self, uttered: Uttered) -> None:
        """Let a person take it away."""
        self.board.remove(self.board.pins[uttered.id])

    async def leave(self) -> None:
        """Cut every connection and take no new one."""
        if self._runner is not None:
            self.board.leaving.set()
            await self._runner.cleanup()
            self._runner = None

    async def return_(self) -> None:
        """Be there again, where it was."""
        self.board.leaving.clear()
        self._runner, self._port = await serve(self.board.application(), self._port)


async def serve(application: web.Application, port: int) -> tuple[web.AppRunner, int]:
    """Serve it on loopback; what is under way when it ends is cut off."""
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, runner.addresses[0][1]


@asynccontextmanager
async def stand_in(port: int = 0) -> AsyncIterator[PinboardStandIn]:
    """An empty board, for as long as the context lasts."""
    played = PinboardStandIn(Board(SystemClock()), port=port)
    await played.return_()
    try:
        yield played
    finally:
        await played.leave()


def control(played: PinboardStandIn) -> web.Application:
    """The verbs of `played`, for another process."""

    async def say(request: web.Request) -> web.Response:
        return web.json_response(asdict(await played.say(**await request.json())))

    async def repeat(request: web.Request) -> web.Response:
        await played.repeat(Uttered(**await request.json()))
        return web.json_response({})

    async def correct(request: web.Request) -> web.Response:
        asked = await request.json()
        await played.correct(Uttered(thread=asked["thread"], id=asked["id"]), asked["text"])
        return web.json_response({})

    async def take_back(request: web.Request) -> web.Response:
        await played.take_back(Uttered(**await request.json()))
        return web.json_response({})

    async def fail(request: web.Request) -> web.Response:
        await played.fail(Fault((await request.json())["fault"]))
        return web.json_response({})

    async def leave(request: web.Request) -> web.Response:
        await played.leave()
        return web.json_response({})

    async def return_(request: web.Request) -> web.Response:
        await played.return_()
        return web.json_response({})

    async def record(request: web.Request) -> web.Response:
        board = played.board
        told = {"told": len(board.feed), "acknowledged": board.acknowledged}
        return web.json_response({"pins": [asdict(pin) for pin in board.pins.values()], **told})

    app = web.Application()
    app.router.add_get("/record", record)
    for verb in (say, repeat, correct, take_back, fail, leave, return_):
        app.router.add_post(f"/{verb.__name__.rstrip('_')}", verb)
    return app


async def _main(port: int) -> None:
    """Play until the process is told to end."""
    ended = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, ended.set)
    async with stand_in(port) as played:
        runner, control_port = await serve(control(played), 0)
        where = {"url": played.url, "control": f"http://127.0.0.1:{control_port}"}
        print(json.dumps(where), flush=True)  # noqa: T201 - whoever started us reads it
        await ended.wait()
        await runner.cleanup()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A board to try the adapter against.")
    arguments.add_argument("--port", type=int, default=0, help="0: any that is free")
    asyncio.run(_main(arguments.parse_args().port))
