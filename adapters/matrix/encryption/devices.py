"""Which devices do people have? Asked for once, and again when the homeserver says it changed."""

from collections.abc import Iterable

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.encryption.signing import Device, device_in, mapping


class Devices:
    """The devices of those we write to. Whose device is whose, their homeserver is believed."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[str, frozenset[Device]] = {}
        self._stale: set[str] = set()

    async def of(self, users: Iterable[str]) -> frozenset[Device]:
        """All devices of these users; of a server that is away, those known. Raises as `ask`."""
        wanted = set(users)
        unknown = {user for user in wanted if user in self._stale or user not in self._known}
        if unknown:
            await self._ask(unknown)
        return frozenset(device for user in wanted for device in self._known.get(user, ()))

    def changed(self, users: Iterable[str]) -> None:
        """Their devices are not what they were."""
        self._stale.update(users)

    def forget(self) -> None:
        """Nobody knows what changed meanwhile."""
        self._stale.update(self._known)

    async def _ask(self, users: set[str]) -> None:
        self._stale -= users  # before: what changes while we ask is asked for again
        try:
            answer = await self._calls.ask(endpoints.devices(users))
        except BaseException:
            self._stale |= users
            raise
        told = mapping(answer.get("device_keys"))
        for user in users & told.keys():
            listed = mapping(told[user])
            found = (device_in(user, identity, keys) for identity, keys in listed.items())
            self._known[user] = frozenset(device for device in found if device is not None)
        self._stale |= users - told.keys()
