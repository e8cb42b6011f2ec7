"""How is something said to a room? Megolm: one session of ours for all devices of its members.

By the specification: client-server API, "m.megolm.v1.aes-sha2".
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import vodozemac

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.encryption.devices import Devices
from adapters.matrix.encryption.peers import Peers
from adapters.matrix.encryption.signing import (
    MEGOLM,
    Device,
    canonical,
    mapping,
    one_time_key_in,
)
from adapters.matrix.places import Room
from adapters.matrix.rendering import MARK
from bridge.clock import Clock

_log = logging.getLogger("polyai_bridge.matrix")

#: A session is replaced after so many messages and so long: what one key opens is bounded.
_MOST_MESSAGES, _LONGEST = 100, timedelta(days=1)
#: When a device that had no key to give is asked for one again.
_AGAIN = timedelta(minutes=10)
#: For how many devices one request holds a key: about 2 KB each.
_AT_ONCE = 20
#: What the homeserver and older clients read of a sealed message; the rest is in its ciphertext.
_CLEAR = ("m.relates_to", MARK)


class _Group:
    """One session for one room; it dies with us, so none of its states can come again."""

    def __init__(self, now: datetime) -> None:
        self.session = vodozemac.GroupSession()
        self.began = now
        self.reached: set[Device] = set()
        self.requests = 0

    def serves(self, wanted: frozenset[Device], now: datetime) -> bool:
        """Whether it is fresh, and nobody who left could go on reading."""
        fresh = self.session.message_index < _MOST_MESSAGES and now - self.began < _LONGEST
        return fresh and self.reached <= wanted


class Sharing:
    """Seals what we say for every device of those in a room, verified or not."""

    def __init__(
        self, calls: Calls, clock: Clock, me: Device, devices: Devices, peers: Peers
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._me = me
        self._devices = devices
        self._peers = peers
        self._groups: dict[str, _Group] = {}
        self._asked: dict[Device, datetime] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def seal(self, room: Room, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The sealed content, for an event that everybody in `room` can read.

        Raises like `Calls.ask`, and DatabaseFailed: nothing is posted then.
        """
        async with self._locks[room.id]:
            group = await self._group(room)
            inner = {k: v for k, v in content.items() if k not in _CLEAR}
            told = canonical({"room_id": room.id, "type": kind, "content": inner})
            return {
                "algorithm": MEGOLM,
                "sender_key": self._me.curve,
                "device_id": self._me.id,
                "session_id": group.session.session_id,
                "ciphertext": group.session.encrypt(told).to_base64(),
            } | {k: content[k] for k in _CLEAR if k in content}

    def forget(self, room: str) -> None:
        """We left it: its session is used no more."""
        self._groups.pop(room, None)

    async def _group(self, room: Room) -> _Group:
        """A session that every device of the room has, as far as it can be had."""
        now = self._clock.now()
        wanted = frozenset(
            each for each in await self._devices.of(room.members) if each.curve != self._me.curve
        )
        group = self._groups.get(room.id)
        if group is None or not group.serves(wanted, now):
            group = self._groups[room.id] = _Group(now)
        missing = sorted(wanted - group.reached, key=lambda device: (device.user, device.id))
        known = await self.meet(missing)
        for start in range(0, len(known), _AT_ONCE):
            await self._share(room.id, group, known[start : start + _AT_ONCE])
        return group

    async def _share(self, room: str, group: _Group, devices: list[Device]) -> None:
        content = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": group.session.session_id,
            "session_key": group.session.session_key.to_base64(),
        }
        group.requests += 1
        name = f"{group.session.session_id} {group.requests}"
        await self.tell(devices, "m.room_key", content, name)
        group.reached |= set(devices)

    async def tell(
        self, devices: list[Device], kind: str, content: Mapping[str, Any], name: str
    ) -> None:
        """Say something to each of these devices, which we know; `name` names the request."""
        messages: dict[str, dict[str, Any]] = {}
        for device in devices:
            sealed = await self._peers.seal(device, kind, content)
            messages.setdefault(device.user, {})[device.id] = sealed
        await self._calls.ask(endpoints.to_devices(messages, name))

    async def meet(self, devices: list[Device]) -> list[Device]:
        """Those of the devices that we have a session with, after asking for one with the rest."""
        known = [device for device in devices if await self._peers.knows(device)]
        return known + await self.meet_anew([one for one in devices if one not in known])

    async def meet_anew(self, devices: list[Device]) -> list[Device]:
        """Begin a new session with each; those that had a key to give, and were not just asked."""
        now = self._clock.now()
        never = now - _AGAIN
        asked = [one for one in devices if self._asked.get(one, never) <= never]
        if not asked:
            return []
        claims: dict[str, list[str]] = {}
        for device in asked:
            claims.setdefault(device.user, []).append(device.id)
        answer = await self._calls.ask(endpoints.claim(claims))
        self._asked |= dict.fromkeys(asked, now)
        given = mapping(answer.get("one_time_keys"))
        return [one for one in asked if await self._met(one, mapping(given.get(one.user)))]

    async def _met(self, device: Device, given: Mapping[str, Any]) -> bool:
        key = one_time_key_in(given.get(device.id), device)
        try:
            if key is not None:
                await self._peers.meet(device, key)
                return True
        except ValueError:
            pass
        _log.warning("matrix.device_unreached", extra={"user": device.user, "device": device.id})
        return False
