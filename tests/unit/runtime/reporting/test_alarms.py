"""What is worth an alarm: troubles that last, once, and their ends; letters without words."""

from datetime import datetime, timedelta

import msgspec

from bridge.model.ids import AdapterName, AgentName, ConversationId
from bridge.runtime.reporting.alarms import LONGEST_REASON, MOST_NAMED, Alarm, Troubles
from bridge.runtime.watching.trouble import Dependency, Trouble
from bridge.store.records import Letter
from bridge.testing.clock import NOON

MINUTE = timedelta(minutes=1)
AWAY = Trouble(Dependency.AGENT, "default", "it answers 503")


def letter(number: int = 1, state: str = "dead", reason: str = "too long") -> Letter:
    return Letter(
        id=f"c1.{number}",
        conversation=ConversationId("c1"),
        number=number,
        to="thread",
        kind="post",
        state=state,
        adapter=AdapterName("slack"),
        agent=AgentName("default"),
        attempts=1,
        owed_at=NOON,
        attempted_at=NOON,
        settled_at=NOON,
        receipt=None,
        reason=reason,
        remedy=None,
        redriven=0,
        redriven_at=None,
        seen_at=None,
        alerted_at=None,
        size=3,
    )


def told(troubles: Troubles, now: datetime) -> tuple[list[str], list[str]]:
    """What an alarm tells now, which somebody hears."""
    alarm = Alarm(at=now, begun=troubles.begun(now), ended=troubles.ended())
    troubles.told(alarm)
    return [one.name for one in alarm.begun], [one.name for one in alarm.ended]


def test_a_trouble_is_told_when_it_has_lasted_and_when_it_is_over() -> None:
    troubles = Troubles(2 * MINUTE)
    troubles.look([AWAY], NOON)
    assert told(troubles, NOON + MINUTE) == ([], [])
    troubles.look([AWAY], NOON + 2 * MINUTE)
    assert told(troubles, NOON + 2 * MINUTE) == (["default"], [])
    assert told(troubles, NOON + 9 * MINUTE) == ([], [])
    troubles.look([], NOON + 9 * MINUTE)
    assert told(troubles, NOON + 9 * MINUTE) == ([], ["default"])
    assert told(troubles, NOON + 9 * MINUTE) == ([], [])


def test_what_passes_soon_is_never_told() -> None:
    troubles = Troubles(2 * MINUTE)
    troubles.look([AWAY], NOON)
    troubles.look([], NOON + MINUTE)
    assert told(troubles, NOON + 5 * MINUTE) == ([], [])
    troubles.look([AWAY], NOON + 6 * MINUTE)
    assert told(troubles, NOON + 7 * MINUTE) == ([], [])


def test_what_nobody_heard_is_told_again() -> None:
    troubles = Troubles(MINUTE)
    troubles.look([AWAY], NOON)
    later = NOON + MINUTE
    assert troubles.begun(later)
    assert troubles.begun(later)


def test_dead_letters_are_told_one_by_one_and_not_as_a_trouble() -> None:
    troubles = Troubles(MINUTE)
    troubles.look([Trouble(Dependency.DEAD_LETTERS, "", "many")], NOON)
    assert told(troubles, NOON + MINUTE) == ([], [])


def test_an_alarm_names_so_many_letters_and_counts_the_rest() -> None:
    letters = tuple(letter(n) for n in range(MOST_NAMED + 5))
    alarm = Alarm(at=NOON, letters=(*letters, letter(99, "held", "x" * 900)))

    document = alarm.document()
    assert (document["dead"], document["held"]) == (MOST_NAMED + 5, 1)
    assert len(document["letters"]) == MOST_NAMED
    assert msgspec.json.encode(document)
    assert alarm.words().splitlines()[-1] == "… and 6 more"
    assert max(map(len, alarm.words().splitlines())) < LONGEST_REASON + 80


def test_for_people_it_reads_so() -> None:
    troubles = Troubles(MINUTE)
    troubles.look([AWAY], NOON)
    begun = Alarm(at=NOON, letters=(letter(),), begun=troubles.begun(NOON + MINUTE))
    troubles.told(begun)
    troubles.look([], NOON + 5 * MINUTE)

    assert begun.words().splitlines() == [
        "Trouble: agent default: it answers 503",
        "New: 1 dead letters. See `polyai-bridge deliveries list`.",
        "• c1.1 (dead, to thread of slack): too long",
    ]
    assert Alarm(at=NOON, ended=troubles.ended()).words() == "Over: agent default (after 5 min)"
    assert not Alarm(at=NOON)
