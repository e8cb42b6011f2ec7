"""Where is a conversation's connector service? What its last signed activity said, remembered.

Teams names the service with every activity, and it may change
(learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages), so
it is no part of a thread's name. It is kept once for each chat or channel, not for each thread.
"""

from collections import OrderedDict
from datetime import timedelta
from urllib.parse import quote, urlsplit

from adapters.teams.settings import TeamsSettings
from bridge.errors import DatabaseFailed, RetryLater, ThreadClosed
from bridge.plugin import Memory
from bridge.plugin.settings import is_loopback, read_address

#: How many addresses are kept at hand; the others are recalled when needed.
_AT_HAND = 10_000
_PAUSE = timedelta(seconds=5)
#: The longest name of a conversation, and the longest address, that is taken; Teams' have up to 200
#: characters.
LONGEST = 512


def trusted(address: str, settings: TeamsSettings) -> bool:
    """Whether our token may go to `address`: by https, to one of the hosts that are configured.

    This machine itself is such a host only where the login is played on it too; and with the
    emulator nothing is but that, though no token goes there.
    """
    try:
        read_address(address)
    except ValueError:
        return False
    if len(address) > LONGEST:
        return False
    if settings.emulator:
        return _here(address) == _here(settings.emulator) is not None
    host = urlsplit(address).hostname or ""
    local = is_loopback(urlsplit(settings.login_url).hostname or "")
    return host in settings.service_hosts or (local and is_loopback(host))


def _here(address: str) -> tuple[int | None, str] | None:
    """Where on this machine, by whatever name it calls itself; None if it is elsewhere."""
    parts = urlsplit(address)
    near = is_loopback(parts.hostname or "")
    return (parts.port, parts.path.rstrip("/")) if near else None


def place_of(conversation: str) -> str:
    """The chat or channel that a thread stands in: `;messageid=` names a channel's thread."""
    return conversation.partition(";")[0]


class Services:
    """The address of each chat's and channel's service."""

    def __init__(self, memory: Memory, settings: TeamsSettings) -> None:
        self._memory, self._settings = memory, settings
        self._known: OrderedDict[str, str] = OrderedDict()

    @property
    def latest(self) -> str:
        """The address that was learned or used last; empty if none was yet."""
        return next(reversed(self._known.values()), "")

    async def learn(self, conversation: str, address: str) -> None:
        """`conversation` is served at `address`, which a signed token claimed. Durable on return.

        Raises:
            DatabaseFailed: it could not be kept.
        """
        place = place_of(conversation)
        if self._known.get(place) == address:
            return
        if await self._memory.recall(_key(place)) != address:
            await self._memory.remember(_key(place), address)
        self._keep(place, address)

    async def of(self, conversation: str) -> str:
        """Where `conversation` is served; ends with no slash.

        Raises:
            ThreadClosed: nobody ever told, or it is not trusted any more.
            RetryLater: it could not be read.
        """
        place = place_of(conversation)
        try:
            address = self._known.get(place) or await self._memory.recall(_key(place))
        except DatabaseFailed:
            raise RetryLater("where it is served cannot be read", after=_PAUSE) from None
        if not address or not trusted(address, self._settings):
            raise ThreadClosed("Teams never said where this conversation is served")
        self._keep(place, address)
        return address.rstrip("/")

    def _keep(self, place: str, address: str) -> None:
        self._known[place] = address
        self._known.move_to_end(place)
        while len(self._known) > _AT_HAND:
            self._known.popitem(last=False)


def activities(service: str, conversation: str, activity: str = "") -> str:
    """The address of a conversation's activities, or of one of them (connector API v3)."""
    address = f"{service}/v3/conversations/{quote(conversation, safe='')}/activities"
    return f"{address}/{quote(activity, safe='')}" if activity else address


def _key(place: str) -> str:
    return f"service/{place}"
