"""One thread that works for one loop: what `run_in_executor` needs, at half the cost.

`concurrent.futures` keeps a future of its own beside the loop's and takes locks for both. Here
the loop's own future is all there is: asyncio takes it as it is (see `asyncio.wrap_future`).
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Any, NamedTuple


class _Job(NamedTuple):
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: "asyncio.Future[Any]"


class OneThread(Executor):
    """Use it as a block: at its end everything that was submitted is done."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.start()

    def submit(  # type: ignore[override]  # the loop's future and not a thread's: see above
        self, work: Callable[..., Any], /, *arguments: object
    ) -> "asyncio.Future[Any]":
        """Have it done after what was submitted before. Call it on the loop."""
        answer = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, arguments, answer))
        return answer

    def shutdown(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - an executor's own
        *,
        cancel_futures: bool = False,
    ) -> None:
        """Take nothing more; return when all is done. Nothing that was submitted is left out."""
        self._jobs.put(None)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.work(*job.arguments)
            except BaseException as raised:
                error = raised
            job.answer.get_loop().call_soon_threadsafe(_tell, job.answer, result, error)


def _tell(answer: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if answer.done():
        return  # who asked has left
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
