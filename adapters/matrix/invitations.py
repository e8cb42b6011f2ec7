"""Which rooms do we enter, and which do we leave?

To enter a room far away takes its time, and servers limit how many are entered: nothing else waits
for that. A sync tells of an invitation once, so it is remembered until it is answered.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls, Refusal
from adapters.matrix.places import Account
from adapters.matrix.settings import MatrixSettings
from bridge.errors import DatabaseFailed, MaybeDelivered, Rejected, RetryLater, Unreachable
from bridge.plugin import Host

_log = logging.getLogger("polyai_bridge.matrix")

ENCRYPTED = (
    "This room is encrypted, and I cannot read encrypted messages. "
    "Please invite me to a room without encryption, "
    "or ask my operator to let me read encrypted ones."
)
_UNINVITED = "I may only follow invitations by the people my operator has named."
#: Under such a key, with the room, stands who invited us there.
_KEY = "invited "
#: How often a room is tried that cannot be entered, and the first pause, which doubles.
_TRIES, _PAUSE = 5, timedelta(seconds=2)


class Invitations:
    """Follows who may invite us; leaves where nothing can be read."""

    def __init__(self, calls: Calls, settings: MatrixSettings, me: Account, host: Host) -> None:
        self._calls = calls
        self._settings = settings
        self._me = me
        self._host = host
        self._open: dict[str, str] = {}  #: who invited us, by the room
        self._come = asyncio.Event()

    async def begin(self) -> None:
        """Go on with what the last run left open; raises DatabaseFailed."""
        for key, inviter in (await self._host.memory.recall_all(_KEY)).items():
            self._note(key.removeprefix(_KEY), inviter)

    async def hear(self, room: str, state: list[Any]) -> None:
        """We are invited there: to be answered. Raises DatabaseFailed."""
        inviter = _inviter(state, self._me.user)
        await self._host.memory.remember(_KEY + room, inviter)
        self._note(room, inviter)

    async def run(self) -> None:
        """Answer one after the other until cancelled; raises CredentialsRefused."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._open:
                room, inviter = next(iter(self._open.items()))
                await self._answer(room, inviter)
                self._open.pop(room, None)
                with suppress(DatabaseFailed):  # then it is answered once more after a restart
                    await self._host.memory.forget(_KEY + room)

    def open(self, room: str) -> bool:
        """Whether we are invited there, and have not answered yet."""
        return room in self._open

    def _note(self, room: str, inviter: str) -> None:
        self._open[room] = inviter
        self._come.set()

    async def _answer(self, room: str, inviter: str) -> None:
        """Enter the room, or decline."""
        tries = 0
        while True:
            try:
                await self._answered(room, inviter)
            except RetryLater as error:
                await self._host.clock.sleep(error.after)
            except (Rejected, Unreachable) as error:
                tries += 1
                if isinstance(error, Rejected) or tries >= _TRIES:
                    _log.warning("matrix.not_joined", extra={"room": room, "error": error.message})
                    return
                await self._host.clock.sleep(_PAUSE * 2.0 ** (tries - 1))
            else:
                return

    async def _answered(self, room: str, inviter: str) -> None:
        if self._settings.admits(inviter, self._me.server):
            await self._calls.ask(endpoints.join(room))
            return
        await self._leave(room, _UNINVITED)
        _log.warning("matrix.declined", extra={"room": room, "inviter": inviter})

    async def refuse(self, room: str) -> None:
        """Say once that the room is encrypted, and leave it. Doing it twice shows it once.

        Raises RetryLater or Unreachable if it is not done.
        """
        _log.warning("matrix.encrypted", extra={"room": room})
        said = {"msgtype": "m.notice", "body": ENCRYPTED, "m.mentions": {}}
        try:
            await self._calls.post(endpoints.send(room, said, f"encrypted {room}"))
        except (Rejected, Refusal):
            pass  # not in it any more, or not allowed to speak there
        except MaybeDelivered as error:
            raise Unreachable(error.message) from None
        await self._leave(room, ENCRYPTED)

    async def _leave(self, room: str, reason: str) -> None:
        with suppress(Rejected):  # not in it any more
            await self._calls.ask(endpoints.leave(room, reason))


def _inviter(state: list[Any], me: str) -> str:
    """Who invited us, by the stripped state that comes with an invitation."""
    for event in state:
        if not isinstance(event, dict) or event.get("type") != "m.room.member":
            continue
        if event.get("state_key") == me and isinstance(event.get("sender"), str):
            return str(event["sender"])
    return ""
