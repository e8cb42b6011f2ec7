"""What if something cannot be heard? It holds up its own room alone, and not for ever.

Events are anybody's, and servers have rooms that they can no longer read. Whatever is told together
is asked for again together, so the room in trouble comes last, and what always fails is given up.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.matrix.reading import Event
from bridge.errors import BridgeError, CredentialsRefused, DatabaseFailed, RetryLater, Unreachable

_log = logging.getLogger("polyai_bridge.matrix")

#: How often something is tried; with the pauses of the sync in between that takes a minute.
_TRIES = 8


class Troubles:
    """What failed since the place last moved on."""

    def __init__(self) -> None:
        self._rooms: Counter[str] = Counter()
        self._tries: Counter[tuple[str, str]] = Counter()

    def last(self, sections: list[tuple[str, Event]]) -> list[tuple[str, Event]]:
        """The same rooms, those in trouble behind all others."""
        return sorted(sections, key=lambda section: self._rooms[section[0]])

    @contextmanager
    def held_up(self, room: str, event: str = "") -> Iterator[None]:
        """Whatever goes wrong within is Unreachable, and nothing once it was tried often enough.

        Raises:
            Unreachable: it is to be tried again.
            RetryLater, DatabaseFailed, CredentialsRefused: as raised; that is no room's trouble.
        """
        try:
            yield
        except (RetryLater, DatabaseFailed, CredentialsRefused):
            raise
        # What no event may do is told, and is no reason to hear nothing any more.
        except Exception as error:
            told = error.message if isinstance(error, BridgeError) else type(error).__name__
            self._rooms[room] += 1
            self._tries[room, event] += 1
            if self._tries[room, event] < _TRIES:
                raise Unreachable(f"the room {room} cannot be heard: {told}") from error
            extra = {"room": room, "event": event, "error": told}
            _log.error("matrix.given_up", extra=extra)

    def over(self) -> None:
        """All that was told is heard, or given up."""
        self._rooms.clear()
        self._tries.clear()
