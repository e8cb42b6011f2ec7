"""What are people called? Their names as Slack shows them, asked for at most once an hour.

The method is users.info, with the scope users:read (docs.slack.dev/reference/methods/users.info).
A name is a courtesy: whatever goes wrong, there is none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.slack import ids, limits
from adapters.slack.reading.callbacks import Json, text_of
from adapters.slack.rendering import markup
from adapters.slack.web.answers import Refusal
from adapters.slack.workspaces import Workspaces
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.model.delivery import Urgency
from bridge.model.ids import PersonId, ThreadKey

_KEPT = timedelta(hours=1)
#: After a passing trouble, such as too many calls.
_SOON = timedelta(minutes=1)
_MOST = 10_000
_SCOPE = "missing_scope"
_LASTING = {_SCOPE, "user_not_found", "user_not_visible"}


@dataclass(frozen=True, slots=True)
class _Known:
    name: str | None
    until: datetime


class People:
    """The names of people in every workspace."""

    def __init__(self, workspaces: Workspaces, clock: Clock) -> None:
        self._workspaces = workspaces
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        """How people call `person`, or None if nobody says. Never raises."""
        try:
            team = ids.SlackThread.parse(thread).team
        except ValueError:
            return None
        if not ids.is_user(person):
            return None
        now = self._clock.now()
        # What the scope does not permit for one it permits for nobody of the workspace.
        for key in ((team, ""), (team, person)):
            known = self._known.get(key)
            if known is not None and now < known.until:
                return known.name
        return await self._asked(team, person)

    async def _asked(self, team: str, person: str) -> str | None:
        name, whose, kept = None, person, _KEPT
        try:
            calls = (await self._workspaces.of(team)).calls
            answer = await calls.ask(calls.web.users_info, urgency=Urgency.NEWS, user=person)
            name = _name(answer)
        except Refusal as refusal:
            whose = "" if refusal.code == _SCOPE else person
            kept = _KEPT if refusal.code in _LASTING else _SOON
        except BridgeError:
            kept = _SOON
        self._remember((team, whose), _Known(name, self._clock.now() + kept))
        return name

    def _remember(self, key: tuple[str, str], known: _Known) -> None:
        self._known.pop(key, None)
        self._known[key] = known
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]


def _name(answer: Json) -> str | None:
    """The name in an answer of users.info: the one they chose, else their real one."""
    user = answer.get("user")
    user = user if isinstance(user, dict) else {}
    profile = user.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    told = text_of(profile, "display_name", "real_name") or text_of(user, "real_name", "name")
    return markup.label(told, limits.USERNAME) or None
