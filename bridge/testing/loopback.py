"""What is on its way between our own sockets? Bytes sent by one end that the other has not read.

On the loopback both ends are ours, so this is counted and not guessed.
"""

import socket
from collections.abc import Callable
from typing import Any

#: A socket's own address and its peer's.
Ends = tuple[Any, Any]


class CountedSocket(socket.socket):
    """A connected socket that tells what it sends and receives."""

    def __init__(self, plain: socket.socket, traffic: "Traffic") -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.settimeout(0)
        self._traffic = traffic
        self._bade_farewell = False
        try:
            self._ends: Ends = (self.getsockname(), self.getpeername())
        except OSError:
            self._ends = (None, None)  # gone before it began
        traffic.opened(self._ends, self.fileno())

    def send(self, data: Any, flags: int = 0, /) -> int:  # noqa: ANN401 - any buffer
        """Send, and count."""
        sent = super().send(data, flags)
        self._traffic.sent(self._ends, sent)
        return sent

    def sendmsg(self, *arguments: Any) -> int:  # noqa: ANN401 - as the base
        """Send, and count."""
        sent = super().sendmsg(*arguments)
        self._traffic.sent(self._ends, sent)
        return sent

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, and count."""
        try:
            data = super().recv(size, flags)
        except ConnectionError:
            self._traffic.received(self._ends, 0)
            raise
        self._traffic.received(self._ends, len(data))
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        """Receive, and count."""
        try:
            count = super().recv_into(buffer, nbytes, flags)
        except ConnectionError:
            self._traffic.received(self._ends, 0)
            raise
        self._traffic.received(self._ends, count)
        return count

    def shutdown(self, how: int, /) -> None:
        """Say that no more will come: the other side has that to read."""
        super().shutdown(how)
        self._bid_farewell()

    def close(self) -> None:
        """Let go: the other side has that to read."""
        if self.fileno() >= 0:
            self._bid_farewell()
            self._traffic.closed(self._ends)
        super().close()

    def _bid_farewell(self) -> None:
        if not self._bade_farewell:
            self._bade_farewell = True
            self._traffic.sent(self._ends, 1)


class Traffic:
    """Bytes between our sockets: sent by one end and not yet received by the other."""

    def __init__(self) -> None:
        self._open: dict[Ends, int] = {}  #: file numbers
        self._gone: set[Ends] = set()
        self._unread: dict[Ends, int] = {}  #: by the ends of the one who reads

    def opened(self, ends: Ends, number: int) -> None:
        """A socket is there."""
        self._gone.discard(ends)
        self._open[ends] = number

    def sent(self, ends: Ends, count: int) -> None:
        """The socket with these ends sent so much."""
        reader = (ends[1], ends[0])
        if reader not in self._gone:
            self._unread[reader] = self._unread.get(reader, 0) + count

    def received(self, ends: Ends, count: int) -> None:
        """`count` bytes came; 0 is the end of all that will."""
        left = self._unread.pop(ends, 0) - count
        if count and left > 0:
            self._unread[ends] = left

    def closed(self, ends: Ends) -> None:
        """A socket is no more."""
        self._open.pop(ends, None)
        self._unread.pop(ends, None)
        other = (ends[1], ends[0])
        if other in self._gone:
            self._gone.discard(other)
        else:
            self._gone.add(ends)

    def forget(self) -> None:
        """Nobody of ours will read what is under way."""
        self._unread.clear()

    def under_way(self, reading: Callable[[int], bool]) -> bool:
        """Whether anything is unread that its reader, who may still have to be accepted, awaits."""
        for ends in self._unread:
            number = self._open.get(ends)
            if number is None or reading(number):
                return True
        return False
