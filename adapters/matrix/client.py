"""How is it posted, changed and found? One adapter for one account."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls, Refusal
from adapters.matrix.places import Account, place_of
from adapters.matrix.rendering import LARGEST, LARGEST_SEALED, content_of, delivery_in, edit_of
from adapters.matrix.rooms import Rooms
from adapters.matrix.timeline import events_in
from bridge.errors import MaybeDelivered, Rejected, ThreadClosed
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.plugin import Host, Signal, SignalKind

if TYPE_CHECKING:  # its library may be missing
    from adapters.matrix.encryption.machine import Encryption

_MESSAGES = ["m.room.message", endpoints.SEALED]
#: Our clock and the server's may differ: what is older than the attempt by more is not looked at.
_CLOCKS_APART = timedelta(hours=2)
_PAGE, _MOST_PAGES = 100, 20


class MatrixClient:
    """Posts once, by two means: the server drops a repeated transaction id, which is the delivery's
    own, for as long as it remembers; and each message bears its delivery's mark, by which it is
    found however old it is and whatever token it was posted with.
    """

    def __init__(
        self,
        calls: Calls,
        host: Host,
        me: Account,
        rooms: Rooms,
        encryption: "Encryption | None" = None,
    ) -> None:
        self._calls = calls
        self._host = host
        self._me = me
        self._rooms = rooms
        self._encryption = encryption
        self._largest = LARGEST if encryption is None else LARGEST_SEALED

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post it in its room, under its thread's root."""
        return await self._send(outbound, content_of(outbound, self._largest), outbound.id)

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        """Edit the message. To show the same again changes nothing, so each try is a new edit.

        A transaction id made of the content would not do: what shows A, then B, is A again later.
        """
        tried = f"{outbound.id} {self._host.clock.now().isoformat()}"
        await self._send(outbound, edit_of(outbound, receipt, self._largest), tried)

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Where our message with its mark stands; a second one is taken away.

        A post that the server still works on is not found, and posted again: as it bears the same
        transaction id, the server makes one of both.
        """
        room = place_of(outbound.thread).room
        found = await self._marked(room, outbound, since - _CLOCKS_APART)
        for copy in found[1:]:
            await self._remove(room, outbound, copy)
        return Receipt(found[0]) if found else None

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        """Show in the room that we are typing, or no more."""
        typing = signal.kind is not SignalKind.CLEAR
        room = place_of(thread).room
        await self._calls.ask(endpoints.typing(room, self._me.user, shown=typing))

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        """Their display name in the thread's room."""
        try:
            room = await self._rooms.of(place_of(thread).room)
        except Exception:
            return None
        return room.name_of(person) if room is not None else None

    async def _send(self, outbound: Outbound, content: dict[str, Any], transaction: str) -> Receipt:
        room = place_of(outbound.thread).room
        try:
            answer = await self._calls.post(await self._request(room, content, transaction))
        except Refusal as refusal:
            raise await self._forbidden(room, refusal) from None
        event = answer.get("event_id")
        if not isinstance(event, str):
            raise MaybeDelivered("the homeserver's answer names no event")
        return Receipt(event)

    async def _request(
        self, room: str, content: dict[str, Any], transaction: str
    ) -> endpoints.Request:
        """What posts it, sealed where the room is encrypted."""
        if self._encryption is None:
            return endpoints.send(room, content, transaction)
        return await self._encryption.posting(room, content, transaction)

    async def _forbidden(self, room: str, refusal: Refusal) -> Rejected:
        """Whether we may not speak there, or are not even in it any more."""
        told = f"{refusal.status} {refusal.code}"
        if room not in await self._rooms.joined():
            return ThreadClosed(f"the bot is not in that room ({told})", remedy="invite it again")
        return Rejected(
            f"the bot may not write in that room ({told})",
            remedy="give it the power to send messages there",
        )

    async def _marked(self, room: str, outbound: Outbound, oldest: datetime) -> list[str]:
        """Our messages with its mark, the oldest first."""
        found: list[str] = []
        start = ""
        for _ in range(_MOST_PAGES):
            page = await self._page(room, start)
            for event in events_in(page.get("chunk")):
                if delivery_in(event.get("content")) == outbound.id:
                    found.append(str(event.get("event_id")))
                if _sent_before(event.get("origin_server_ts"), oldest):
                    return found[::-1]
            start = str(page.get("end") or "")
            if not start:
                return found[::-1]
        if not found:
            raise MaybeDelivered("there are too many messages to look through")
        return found[::-1]

    async def _page(self, room: str, start: str) -> dict[str, Any]:
        ours = {"types": _MESSAGES, "senders": [self._me.user]}
        try:
            return await self._calls.ask(endpoints.history(room, start, limit=_PAGE, only=ours))
        except Rejected as error:
            raise MaybeDelivered(f"the room cannot be read back: {error.message}") from None

    async def _remove(self, room: str, outbound: Outbound, copy: str) -> None:
        await self._calls.ask(endpoints.redact(room, copy, "it stood there twice"))
        await self._host.doubled(outbound.id, Receipt(copy), removed=True)


def _sent_before(milliseconds: object, instant: datetime) -> bool:
    return isinstance(milliseconds, int) and milliseconds < instant.timestamp() * 1000
