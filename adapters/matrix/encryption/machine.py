"""Encrypted rooms, as one device of ours: what is heard is opened, what is said is sealed."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import vodozemac

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls, Refusal
from adapters.matrix.encryption.devices import Devices
from adapters.matrix.encryption.events import answering, opened_event
from adapters.matrix.encryption.identity import vouch
from adapters.matrix.encryption.peers import Peers, Received
from adapters.matrix.encryption.records import Records
from adapters.matrix.encryption.sharing import Sharing
from adapters.matrix.encryption.signing import (
    MEGOLM,
    OLM,
    ONE_TIME,
    Device,
    canonical,
    device_in,
    mapping,
    signed,
)
from adapters.matrix.encryption.waiting import Unread, Waiting
from adapters.matrix.endpoints import SEALED
from adapters.matrix.places import Account, Room
from adapters.matrix.reading import Event
from adapters.matrix.rooms import Rooms
from adapters.matrix.timeline import events_in
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    DatabaseFailed,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.plugin import Host

_log = logging.getLogger("polyai_bridge.matrix")

UNREAD = "I could not read a message here: the key to it never reached me. Please write it again."
_ANEW = "log in again for a new access token, as docs/matrix.md says"
#: How many messages are remembered by their place in their session, against those told twice.
_MOST_PLACES = 10_000


class Encryption:
    """Opens and seals, as one device of ours; `begin` it first."""

    def __init__(self, calls: Calls, host: Host, rooms: Rooms, me: Device) -> None:
        self._calls = calls
        self._rooms = rooms
        self._me = me
        self._records = Records(host.memory, me.id)
        self._devices = Devices(calls)
        self._peers = Peers(self._records, me)
        self._clock = host.clock
        self._sharing = Sharing(calls, host.clock, me, self._devices, self._peers)
        self._encrypted: set[str] = set()
        self._places: OrderedDict[tuple[str, str, int], str] = OrderedDict()
        self.waiting = Waiting(host.memory, host.clock)

    @classmethod
    async def begin(cls, calls: Calls, host: Host, rooms: Rooms, me: Account) -> "Encryption":
        """The device of the token, with its keys as they are kept, or new ones if it has none yet.

        Raises like `Calls.ask`, DatabaseFailed, and

            CredentialsRefused: the device's keys are elsewhere, or cannot be unsealed.
        """
        if not me.device:
            raise CredentialsRefused("the access token belongs to no device", remedy=_ANEW)
        records = Records(host.memory, me.device)
        account = await records.account()
        told = await calls.ask(endpoints.devices({me.user}))
        known = _published(told, me)
        if account is None:
            if known is not None:
                raise _elsewhere(me)
            account = vodozemac.Account()
            await records.keep_account(account)
        ours = Device(
            me.user, me.device, account.curve25519_key.to_base64(), account.ed25519_key.to_base64()
        )
        if known is not None and known != ours:
            raise _elsewhere(me)
        made = cls(calls, host, rooms, ours)
        described = _described(account, ours)
        await made._begin(described)
        await vouch(calls, records, told, described)
        return made

    async def _begin(self, described: Mapping[str, Any]) -> None:
        self._encrypted = await self._records.encrypted_rooms()
        await self.waiting.begin()
        answer = await self._upload({"device_keys": described})
        await self._replenish(mapping(answer.get("one_time_key_counts")))

    async def posting(
        self, room: str, content: Mapping[str, Any], transaction: str
    ) -> endpoints.Request:
        """What posts a message in a room, sealed if the room is encrypted.

        Raises like `Calls.ask`, and ThreadClosed: certainly nothing is posted.
        """
        try:
            known = await self._rooms.of(room)
            if known is None:
                raise await self._shut(room)
            if not await self._covers(known):
                return endpoints.send(room, content, transaction)
            sealed = await self._sharing.seal(known, "m.room.message", content)
        except DatabaseFailed as error:
            raise Unreachable(f"the state of the keys cannot be kept: {error.message}") from None
        return endpoints.send(room, sealed, transaction, sealed=True)

    async def _shut(self, room: str) -> DeliveryFailed:
        if room in await self._rooms.joined():
            return Unreachable("the homeserver does not say who is in that room")
        return ThreadClosed("the bot is not in that room", remedy="invite it again")

    async def _covers(self, room: Room) -> bool:
        """Whether what is said there is to be sealed; whatever a server says later, it stays so."""
        if room.encrypted and room.id not in self._encrypted:
            await self._records.keep_encrypted(room.id)
            self._encrypted.add(room.id)
        return room.id in self._encrypted

    async def hear(self, batch: Mapping[str, Any], invited: Callable[[str], bool]) -> None:
        """Keep the keys that a sync brings; only then what they open may be looked at.

        Of rooms that we are in, or are `invited` to: whoever likes could fill our memory else.

        Raises like `Calls.ask`, and DatabaseFailed: then it must come again.
        """
        lists = mapping(batch.get("device_lists"))
        for listed in (lists.get("changed"), lists.get("left")):
            self._devices.changed(map(str, listed) if isinstance(listed, list) else ())
        for event in events_in(mapping(batch.get("to_device")).get("events")):
            if event.get("type") == SEALED:
                await self._received(event, invited)
        counts = batch.get("device_one_time_keys_count")
        if isinstance(counts, dict):
            await self._replenish(counts)

    async def opened(self, room: str, event: Event) -> Event | None:
        """What a sealed event says, empty if nothing; None if we have no key for it.

        Raises DatabaseFailed.
        """
        content, sender = mapping(event.get("content")), event.get("sender")
        sealed, session = content.get("ciphertext"), str(content.get("session_id"))
        if not sealed or sender == self._me.user or not isinstance(event.get("event_id"), str):
            return {}  # taken back, or our own
        key = await self._records.room_key(room, session, str(sender))
        if key is None:
            return None
        try:
            found = key.decrypt(vodozemac.MegolmMessage.from_base64(str(sealed)))
        except ValueError:
            return None
        place = (session, str(sender), found.message_index)
        if self._first(place, str(event.get("event_id"))):
            return opened_event(room, event, found.plaintext)
        _log.warning("matrix.sealed_twice", extra={"room": room})
        return {}

    async def give_up(self, unread: Unread) -> None:
        """Tell the room that a message was not read, once for all of its session.

        Raises RetryLater or Unreachable if it is not told.
        """
        content, sender = mapping(unread.event.get("content")), unread.event.get("sender")
        _log.warning("matrix.unread", extra={"room": unread.room, "user": sender})
        cause = canonical([sender, content.get("session_id")])
        transaction = f"unread {hashlib.sha256(cause).hexdigest()}"
        said = {"msgtype": "m.notice", "body": UNREAD, "m.mentions": {}}
        said["m.relates_to"] = answering(unread.event)
        try:
            await self._calls.post(await self.posting(unread.room, said, transaction))
        except (Rejected, Refusal):
            pass  # not in it any more, or not allowed to speak there
        except MaybeDelivered as error:
            raise Unreachable(error.message) from None

    def left(self, room: str) -> None:
        """We are not in a room any more."""
        self._sharing.forget(room)

    def begin_anew(self) -> None:
        """Nobody knows what happened meanwhile."""
        self._devices.forget()

    def _first(self, place: tuple[str, str, int], identity: str) -> bool:
        """Whether that place in a session was this event's from the first."""
        first = self._places.setdefault(place, identity)
        while len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)
        return first == identity

    async def _received(self, event: Event, invited: Callable[[str], bool]) -> None:
        """Keep what it brings. Events are anybody's: none may hold up those behind it."""
        try:
            await self._peers.receive(event, partial(self._take, invited))
        except BridgeError:
            raise
        except Exception:  # Unreadable, or whatever else somebody thought of
            await self._meet_again(event)

    async def _take(self, invited: Callable[[str], bool], received: Received) -> None:
        """Keep a room's key."""
        content = received.content
        room, text = str(content.get("room_id")), str(content.get("session_key"))
        if received.kind != "m.room_key" or content.get("algorithm") != MEGOLM:
            return
        with suppress(RetryLater, Unreachable):  # if nobody can tell, it is kept
            if not invited(room) and await self._rooms.of(room) is None:
                return
        try:
            session = vodozemac.InboundGroupSession(vodozemac.SessionKey(text))
        except ValueError:
            return
        await self._records.keep_room_key(room, received.sender, session)

    async def _meet_again(self, event: Event) -> None:
        """Its sender's session with us is lost: begin another, which they will use from then on."""
        sender, curve = str(event.get("sender")), mapping(event.get("content")).get("sender_key")
        _log.warning("matrix.key_unreadable", extra={"user": sender})
        if not self._rooms.shared_with(sender):
            return  # a stranger's server, which could be slow on purpose, is not asked
        try:
            theirs = [one for one in await self._devices.of({sender}) if one.curve == curve]
            met = await self._sharing.meet_anew(theirs)
            if met:
                name = f"dummy {met[0].curve} {self._clock.now().isoformat()}"
                await self._sharing.tell(met, "m.dummy", {}, name)
        except DeliveryFailed as error:
            _log.warning("matrix.not_met", extra={"user": sender, "error": error.message})

    async def _replenish(self, counts: Mapping[str, Any]) -> None:
        """See that others find keys to begin sessions with us."""
        left = counts.get(ONE_TIME, 0)
        offered = await self._peers.offer(left if isinstance(left, int) else 0)
        if not offered:
            return
        try:
            await self._upload({"one_time_keys": offered})
        except (RetryLater, Unreachable):
            return  # every sync says how many are left
        await self._peers.offered()

    async def _upload(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._calls.ask(endpoints.upload(keys))
        except Rejected as error:
            raise CredentialsRefused(
                f"the homeserver does not take the keys of device {self._me.id}: its store may be "
                f"older than what it knows ({error.message})",
                remedy=_ANEW,
            ) from None


def _published(told: Mapping[str, Any], me: Account) -> Device | None:
    """Our device as everybody sees it."""
    listed = mapping(mapping(told.get("device_keys")).get(me.user))
    return device_in(me.user, me.device, listed.get(me.device))


def _elsewhere(me: Account) -> CredentialsRefused:
    return CredentialsRefused(
        f"the keys of device {me.device} are not here: they are sealed with another "
        "database.encryption_key, or in another database",
        remedy=f"bring back what was there, or {_ANEW}",
    )


def _described(account: vodozemac.Account, me: Device) -> dict[str, Any]:
    told = {
        "algorithms": [OLM, MEGOLM],
        "device_id": me.id,
        "user_id": me.user,
        "keys": {f"curve25519:{me.id}": me.curve, f"ed25519:{me.id}": me.ed},
    }
    return signed(account, me.user, me.id, told)
