"""What is remembered of keys? All of it in the host's memory, sealed; nothing else holds a state.

Whatever changes when it is used (the account, the sessions with a device) is read, used and kept
again before anything of it is sent or acted on, so no state is used twice, whenever we are killed.
"""

import json
from collections.abc import Sequence

import vodozemac

from bridge.plugin import Memory

_ROOT = "encryption"
#: The memory seals what it is given; vodozemac wants a key of its own nevertheless.
_KEY = bytes(32)
#: How many sessions with one device are kept, the last used first.
_MOST_SESSIONS = 5


class Records:
    """The keys of one device of ours, and those of rooms, which outlast the device."""

    def __init__(self, memory: Memory, device: str) -> None:
        self._memory = memory
        self._device = device

    async def account(self) -> vodozemac.Account | None:
        """Our device's own keys, as they are kept; a new object each time."""
        kept = await self._memory.recall(self._account)
        return vodozemac.Account.from_pickle(kept, _KEY) if kept else None

    async def keep_account(self, account: vodozemac.Account) -> None:
        """Keep our device's keys."""
        await self._keep(self._account, account.pickle(_KEY))

    async def sessions(self, curve: str) -> list[vodozemac.Session]:
        """Our sessions with the device of that key, the last used first; new objects each time."""
        kept = await self._memory.recall(self._peer(curve))
        pickles: list[str] = json.loads(kept) if kept else []
        return [vodozemac.Session.from_pickle(pickle, _KEY) for pickle in pickles]

    async def keep_sessions(self, curve: str, sessions: Sequence[vodozemac.Session]) -> None:
        """Keep the sessions with that device."""
        pickles = [session.pickle(_KEY) for session in sessions[:_MOST_SESSIONS]]
        await self._keep(self._peer(curve), json.dumps(pickles))

    async def room_key(
        self, room: str, session: str, owner: str
    ) -> vodozemac.InboundGroupSession | None:
        """What opens the messages that `owner` sealed with `session` in `room`."""
        kept = await self._memory.recall(_room_key(room, session, owner))
        return vodozemac.InboundGroupSession.from_pickle(kept, _KEY) if kept else None

    async def keep_room_key(
        self, room: str, owner: str, session: vodozemac.InboundGroupSession
    ) -> None:
        """Keep what opens messages, unless what is kept opens as many."""
        known = await self.room_key(room, session.session_id, owner)
        if known is None or session.first_known_index < known.first_known_index:
            await self._keep(_room_key(room, session.session_id, owner), session.pickle(_KEY))

    async def identity(self, user: str) -> str | None:
        """The seeds of the account's identity."""
        return await self._memory.recall(f"{_ROOT} identity {user}")

    async def keep_identity(self, user: str, written: str) -> None:
        """Keep the seeds of the account's identity."""
        await self._keep(f"{_ROOT} identity {user}", written)

    async def encrypted_rooms(self) -> set[str]:
        """The rooms that were ever seen to be encrypted: they never become anything else."""
        prefix = f"{_ROOT} room "
        return {key.removeprefix(prefix) for key in await self._memory.recall_all(prefix)}

    async def keep_encrypted(self, room: str) -> None:
        """Keep that a room is encrypted."""
        await self._memory.remember(f"{_ROOT} room {room}", "")

    async def _keep(self, key: str, text: str) -> None:
        await self._memory.remember(key, text, secret=True)

    @property
    def _account(self) -> str:
        return f"{_ROOT} account {self._device}"

    def _peer(self, curve: str) -> str:
        return f"{_ROOT} peer {self._device} {curve}"


def _room_key(room: str, session: str, owner: str) -> str:
    return f"{_ROOT} key {room} {session} {owner}"
