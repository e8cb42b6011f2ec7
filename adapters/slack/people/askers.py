"""Who wrote in a thread last? Known since the start of the process only."""

from collections import OrderedDict
from typing import Final

from bridge.model.ids import PersonId, ThreadKey

_MOST: Final = 10_000


class Askers:
    """The last person who wrote, by thread: an answer flows to whoever asked for it."""

    def __init__(self) -> None:
        self._last: OrderedDict[ThreadKey, PersonId] = OrderedDict()

    def heard(self, thread: ThreadKey, person: PersonId) -> None:
        """Somebody wrote in a thread."""
        self._last[thread] = person
        self._last.move_to_end(thread)
        while len(self._last) > _MOST:
            self._last.popitem(last=False)

    def of(self, thread: ThreadKey) -> PersonId | None:
        """Who wrote there last, if that is known."""
        return self._last.get(thread)
