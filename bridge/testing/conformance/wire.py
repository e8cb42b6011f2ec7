"""How do two processes ask each other? Lines of JSON over a socket, each question with a number."""

import asyncio
import itertools
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

#: Answers one verb; values are whatever JSON can hold.
Answer = Callable[[Any], Awaitable[Any]]

#: The longest line, in bytes: a message of the longest text there is.
_LONGEST = 16 * 1024 * 1024


class Failed(Exception):
    """The other side could not do it: the name of its error, and what it said."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message


class Wire:
    """One end of it. Raises nothing into the other side but `Failed`."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None
        self._there = asyncio.Event()

    @property
    def tasks(self) -> set["asyncio.Task[None]"]:
        """What is being answered."""
        return set(self._tasks)

    async def run(self, sock: socket.socket) -> None:
        """Answer until the other side is gone; then whatever was asked has failed."""
        reader, self._writer = await asyncio.open_connection(sock=sock, limit=_LONGEST)
        self._there.set()
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (ConnectionError, ValueError):
            pass  # it broke off in the middle
        finally:
            self._close()

    async def ask(self, verb: str, value: Any = None) -> Any:  # noqa: ANN401 - JSON
        """What the other side answers; raises Failed if it cannot, or is gone."""
        await self._there.wait()
        if self._writer is None or self._writer.is_closing():
            raise Failed("Gone", "the other process has ended")
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self._send({"verb": verb, "number": number, "value": value})
        try:
            return await answer
        finally:
            self._asked.pop(number, None)

    def _take(self, line: Any) -> None:  # noqa: ANN401 - JSON
        if "verb" in line:
            task = asyncio.create_task(self._answer(line["verb"], line["number"], line["value"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        asked = self._asked.get(line["number"])
        if asked is None or asked.done():
            return
        if "failed" in line:
            asked.set_exception(Failed(*line["failed"]))
        else:
            asked.set_result(line["answer"])

    async def _answer(self, verb: str, number: int, value: Any) -> None:  # noqa: ANN401 - JSON
        try:
            answer = await self._answers[verb](value)
        # Whatever it is, the other side waits for an answer.
        except Exception as error:
            self._send({"number": number, "failed": [type(error).__name__, str(error)]})
        else:
            self._send({"number": number, "answer": answer})

    def _send(self, line: Any) -> None:  # noqa: ANN401 - JSON
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(line).encode() + b"\n")

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for task in self._tasks:
            task.cancel()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(Failed("Gone", "the other process has ended"))
