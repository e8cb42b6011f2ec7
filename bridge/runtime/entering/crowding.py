"""What if too much comes in at once? It is refused before it is stored, and so not acknowledged.

Whoever told us tells us again, later. A thread that is flooded is refused before the others are.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId, ThreadKey
from bridge.runtime.worker import Worker

#: How much of one adapter, and of one of its threads, may be on its way to the disk.
MOST_ENTERING = 4_096
MOST_ENTERING_A_THREAD = 256
#: How much mail of one conversation may wait for its step.
MOST_BEHIND = 512


class Crowd:
    """What one adapter tells us and is not stored yet, and the threads that are far behind."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.entering = 0  #: how much is on its way to the disk
        self._threads: Counter[ThreadKey] = Counter()  #: and of which thread
        self._behind: dict[ThreadKey, ConversationId] = {}

    @contextmanager
    def entered(self, thread: ThreadKey) -> Iterator[None]:
        """Count one in for as long as the block lasts.

        Raises:
            DatabaseFailed: there is no room for it; it is not stored.
        """
        if self._full(thread):
            raise DatabaseFailed(
                "More comes in than can be stored and seen to",
                remedy="nothing: it comes again; if it lasts, look at the load and the disk",
            )
        self.entering += 1
        self._threads[thread] += 1
        try:
            yield
        finally:
            self.entering -= 1
            self._threads[thread] -= 1
            if not self._threads[thread]:
                del self._threads[thread]

    def note(self, thread: ThreadKey, conversation: ConversationId) -> None:
        """Something of this thread was stored; its conversation may be far behind with it."""
        if self._worker.behind(conversation) >= MOST_BEHIND:
            self._behind[thread] = conversation

    def _full(self, thread: ThreadKey) -> bool:
        conversation = self._behind.get(thread)
        if conversation is not None and self._worker.behind(conversation) < MOST_BEHIND:
            del self._behind[thread]
            conversation = None
        busy = self._threads[thread] >= MOST_ENTERING_A_THREAD or self.entering >= MOST_ENTERING
        return conversation is not None or busy
