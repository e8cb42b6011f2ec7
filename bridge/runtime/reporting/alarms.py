"""What is worth an alarm? Dead and held letters, once each; troubles that last, and their ends.

Nobody's words stand in one, and no secret: ids, names from the configuration and reasons.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bridge import log
from bridge.model.value import Value
from bridge.runtime.watching.trouble import Dependency, Trouble
from bridge.store.letters import HELD
from bridge.store.records import Letter

#: How many letters one alarm names; the others it counts.
MOST_NAMED: Final = 20
#: How much of a reason it tells, in characters.
LONGEST_REASON: Final = 200


class Spell(Value, frozen=True, kw_only=True):
    """A trouble, from when on, and until when if it is over."""

    dependency: str
    name: str
    sentence: str
    since: datetime
    until: datetime | None = None


class Alarm(Value, frozen=True, kw_only=True):
    """One message for all that happened since the last."""

    at: datetime
    letters: tuple[Letter, ...] = ()
    begun: tuple[Spell, ...] = ()
    ended: tuple[Spell, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.letters or self.begun or self.ended)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "version": 1,
            "at": self.at,
            "dead": self._count("dead"),
            "held": self._count(HELD),
            "letters": [_named(letter) for letter in self.letters[:MOST_NAMED]],
            "troubles_begun": list(self.begun),
            "troubles_ended": list(self.ended),
        }

    def words(self) -> str:
        """For people."""
        lines = [f"Trouble: {_what(one)}: {one.sentence}" for one in self.begun]
        lines += [f"Over: {_what(one)} ({_minutes(one)})" for one in self.ended]
        counts = {"dead letters": self._count("dead"), "held in doubt": self._count(HELD)}
        told = [f"{many} {what}" for what, many in counts.items() if many]
        if told:
            lines.append(f"New: {', '.join(told)}. See `polyai-bridge deliveries list`.")
        lines += [_line(letter) for letter in self.letters[:MOST_NAMED]]
        if len(self.letters) > MOST_NAMED:
            lines.append(f"… and {len(self.letters) - MOST_NAMED} more")
        return "\n".join(lines)

    def _count(self, state: str) -> int:
        return sum(letter.state == state for letter in self.letters)


@dataclass(slots=True)
class _Watched:
    sentence: str
    since: datetime
    told: bool = False
    until: datetime | None = None


class Troubles:
    """Which troubles have lasted, and which of those are over."""

    def __init__(self, after: timedelta) -> None:
        self._after = after
        self._watched: dict[tuple[Dependency, str], _Watched] = {}

    def look(self, troubles: Iterable[Trouble], now: datetime) -> None:
        """These are there now."""
        there = {(t.dependency, t.name): t for t in troubles if _counts(t)}
        for key, trouble in there.items():
            watched = self._watched.get(key)
            if watched is None or (watched.until is not None and not watched.told):
                self._watched[key] = _Watched(log.redact(trouble.sentence), now)
            else:
                watched.until = None
        for key in self._watched.keys() - there.keys():
            watched = self._watched[key]
            watched.until = watched.until or now
            if not watched.told:
                del self._watched[key]

    def begun(self, now: datetime) -> tuple[Spell, ...]:
        """Those that have lasted, and nobody was told of."""
        return tuple(
            _spell(key, one)
            for key, one in self._watched.items()
            if not one.told and now - one.since >= self._after
        )

    def ended(self) -> tuple[Spell, ...]:
        """Those that were told, and are over."""
        over = ((key, one) for key, one in self._watched.items() if one.until is not None)
        return tuple(_spell(key, one) for key, one in over)

    def told(self, alarm: Alarm) -> None:
        """Somebody heard it."""
        for spell in alarm.begun:
            watched = self._watched.get(_key(spell))
            if watched is not None:
                watched.told = True
        for spell in alarm.ended:
            watched = self._watched.get(_key(spell))
            if watched is not None and watched.until is not None:
                del self._watched[_key(spell)]


def _counts(trouble: Trouble) -> bool:
    """Dead letters are told one by one."""
    return trouble.dependency is not Dependency.DEAD_LETTERS


def _key(spell: Spell) -> tuple[Dependency, str]:
    return Dependency(spell.dependency), spell.name


def _spell(key: tuple[Dependency, str], one: _Watched) -> Spell:
    return Spell(
        dependency=key[0].value,
        name=key[1],
        sentence=one.sentence,
        since=one.since,
        until=one.until,
    )


def _what(spell: Spell) -> str:
    return f"{spell.dependency.replace('_', ' ')} {spell.name}".strip()


def _minutes(spell: Spell) -> str:
    lasted = (spell.until or spell.since) - spell.since
    return f"after {max(round(lasted.total_seconds() / 60), 1)} min"


def _named(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "state": letter.state,
        "to": letter.to,
        "kind": letter.kind,
        "adapter": letter.adapter,
        "agent": letter.agent,
        "conversation": letter.conversation,
        "since": letter.settled_at or letter.attempted_at or letter.owed_at,
        "reason": _reason(letter),
    }


def _line(letter: Letter) -> str:
    return f"• {letter.id} ({letter.state}, to {letter.to} of {letter.adapter}): {_reason(letter)}"


def _reason(letter: Letter) -> str:
    return log.redact(letter.reason or "")[:LONGEST_REASON]
