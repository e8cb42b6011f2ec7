"""Which rooms do we enter, and which do we leave?"""

import logging
from collections import Counter
from contextlib import suppress
from typing import Any

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls, Refusal
from adapters.matrix.places import Account
from adapters.matrix.settings import MatrixSettings
from bridge.errors import MaybeDelivered, Rejected, Unreachable

_log = logging.getLogger("polyai_bridge.matrix")

ENCRYPTED = (
    "This room is encrypted, and I cannot read encrypted messages. "
    "Please invite me to a room without encryption, "
    "or ask my operator to let me read encrypted ones."
)
_UNINVITED = "I may only follow invitations by the people my operator has named."
#: How often a room is tried that cannot be entered: one far away must not hold up all others.
_TRIES = 3


class Invitations:
    """Follows who may invite us; leaves where nothing can be read."""

    def __init__(self, calls: Calls, settings: MatrixSettings, me: Account) -> None:
        self._calls = calls
        self._settings = settings
        self._me = me
        self._tries: Counter[str] = Counter()

    async def answer(self, room: str, state: list[Any]) -> None:
        """Enter the room, or decline; raises RetryLater or Unreachable if neither was done."""
        inviter = _inviter(state, self._me.user)
        if not self._settings.admits(inviter, self._me.server):
            _log.warning("matrix.declined", extra={"room": room, "inviter": inviter})
            await self._leave(room, _UNINVITED)
            return
        self._tries[room] += 1
        try:
            await self._calls.ask(endpoints.join(room))
        except (Rejected, Unreachable) as error:
            if isinstance(error, Unreachable) and self._tries[room] < _TRIES:
                raise
            _log.warning("matrix.not_joined", extra={"room": room, "error": error.message})
        del self._tries[room]

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
