"""Does everything still get on? A live loop is no proof: one of its tasks may stand still.

Whoever works through a queue says so for each piece of work (`at_work`), and says while it waits
for somebody else (`waits`): a platform, the database, another loop. Who waits is excused, however
long: what it waits for is retried, or looked at itself. Who is at work for long and does not wait
stands still. A queue without a task to ask (`watch`) tells what it is at: the same for long, and it
stands still too.

Time is what the looks have seen pass, so neither a suspended machine nor a loop that was held up
makes anybody late; a loop that turns no more is the service manager's to notice.
"""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from bridge import log
from bridge.runtime.watching.trouble import Dependency, Trouble

_log = log.get("progress")

#: How long anything may be at work, unless somebody wants to know it sooner or later.
PATIENCE: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Stuck:
    """One that stands still."""

    name: str  #: of the loop; one of a few
    about: str  #: what it is at: an id, or nothing
    where: str  #: the line of code that it stands at, as far as that is known


class _Mark:
    """A task at work for the time of the body; what it was at before, it is at again afterwards."""

    __slots__ = ("about", "before", "excuse", "name", "progress", "since", "task", "waits")

    def __init__(self, progress: "Progress", name: str, about: str) -> None:
        self.progress = progress
        self.name = name
        self.about = about
        self.waits = 0
        self.excuse: _Excuse | None = None  #: made when it is needed

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be at work")
        marks = self.progress.marks
        self.task, self.before, self.since = task, marks.get(task), self.progress.seen
        marks[task] = self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.before is None:
            del self.progress.marks[self.task]
        else:
            self.progress.marks[self.task] = self.before


class _Excuse:
    """Excuses whoever is at work for the time of the body; then the work begins anew."""

    __slots__ = ("_mark",)

    def __init__(self, mark: _Mark | None) -> None:
        self._mark = mark

    def __enter__(self) -> None:
        if self._mark is not None:
            self._mark.waits += 1

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        mark = self._mark
        if mark is not None:
            mark.waits -= 1
            mark.since = mark.progress.seen


#: For whoever is not at work.
_NOTHING: Final = _Excuse(None)


class Progress:
    """What is under way in this process, and what of it stands still."""

    def __init__(self) -> None:
        self.stuck: tuple[Stuck, ...] = ()
        self.patience = PATIENCE
        self.seen = 0.0  #: seconds that the looks have seen pass
        self.marks: Final[dict[asyncio.Task[Any], _Mark]] = {}
        self._watched: list[_Watched] = []

    def at_work(self, name: str, about: str) -> _Mark:
        """The body is one piece of work of the loop `name`; `about` is an id for the log."""
        return _Mark(self, name, about)

    def waits(self) -> _Excuse:
        """In the body the current task, if it is at work, waits for somebody else."""
        task = asyncio.current_task()
        mark = None if task is None else self.marks.get(task)
        if mark is None:
            return _NOTHING
        if mark.excuse is None:
            mark.excuse = _Excuse(mark)
        return mark.excuse

    def watch(
        self,
        name: str,
        under_way: Callable[[], Hashable | None],
        *,
        patience: timedelta | None = None,
    ) -> None:
        """`under_way` tells what a queue is at, another thing each time; None is nothing."""
        self._watched.append(_Watched(name, under_way, patience))

    def look(self, passed: timedelta) -> tuple[Stuck, ...]:
        """Who stands still now, one of each name; `passed` is the time since the last look."""
        self.seen += passed.total_seconds()
        found = [one for one in map(self._overdue, self._watched) if one is not None]
        late = self.seen - self.patience.total_seconds()
        for task, mark in self.marks.items():
            if not mark.waits and mark.since <= late:
                found.append(Stuck(mark.name, mark.about, standing_at(task)))
        self._tell(tuple({one.name: one for one in reversed(found)}.values()))
        return self.stuck

    def _overdue(self, watched: "_Watched") -> Stuck | None:
        patience = (watched.patience or self.patience).total_seconds()
        overdue = watched.standing(self.seen) >= patience
        return Stuck(watched.name, "", "") if overdue else None

    def _tell(self, stuck: tuple[Stuck, ...]) -> None:
        before = {one.name for one in self.stuck}
        for one in stuck:
            if one.name not in before:
                _log.error("progress.stuck", loop=one.name, about=one.about, where=one.where)
        for name in sorted(before - {one.name for one in stuck}):
            _log.info("progress.moving", loop=name)
        self.stuck = stuck

    def troubles(self) -> list[Trouble]:
        """The same, for `/ready`."""
        return [Trouble(Dependency.PROGRESS, one.name, _sentence(one)) for one in self.stuck]


def _sentence(stuck: Stuck) -> str:
    return "stands still, through a fault of the bridge's own; a restart mends it" + (
        f" (at {stuck.where})" if stuck.where else ""
    )


class _Watched:
    """A queue, what it was at when it was looked at, and since when."""

    def __init__(
        self, name: str, under_way: Callable[[], Hashable | None], patience: timedelta | None
    ) -> None:
        self.name = name
        self.patience = patience
        self._under_way = under_way
        self._at: Hashable | None = None
        self._since = 0.0

    def standing(self, now: float) -> float:
        """For how long, in seconds, it has been at the same thing."""
        at = self._under_way()
        if at is None or at != self._at:
            self._at, self._since = at, now
        return now - self._since


def standing_at(task: "asyncio.Task[Any]") -> str:
    """The innermost line that a task waits at, but for those of asyncio: `posting.py:70`."""
    inner: Any = task.get_coro()
    line = ""
    while (frame := getattr(inner, "cr_frame", None)) is not None:
        file = Path(frame.f_code.co_filename)
        if file.parent.name != "asyncio":
            line = f"{file.name}:{frame.f_lineno}"
        inner = inner.cr_await
    return line
