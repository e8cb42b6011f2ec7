"""Who speaks, and when: whoever the platform says it was."""

from datetime import timedelta

from bridge.model.inbound import Inbound
from bridge.testing.conformance.people import Talk
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Broken, Level

#: The clocks of a platform and of this machine may differ by less.
_APART = timedelta(days=1)


@rule(Level.SILVER)
async def who_speaks(stage: Stage) -> None:
    """Everybody in a thread is heard, each as a person of their own, at the time they spoke."""
    await stage.connect()
    talk = await stage.talk()
    ben = await _said(stage, talk, "ben")
    ada = await _said(stage, talk, "ada")
    again = await _said(stage, talk, "ben")
    people = [each.person.id for each in (talk.opening, ben, ada, again)]
    if people != [people[0], people[1], people[0], people[1]] or people[0] == people[1]:
        raise Broken(
            "two people are two persons, each the same whatever they say",
            seen=f"ada, ben, ada and ben were {people}",
            remedy="take the platform's own id of whoever spoke, not their name nor the thread's",
        )
    for each in (talk.opening, ben, ada, again):
        _on_time(stage, each)


async def _said(stage: Stage, talk: Talk, person: str) -> Inbound:
    word = stage.word()
    await stage.say(word, thread=talk.thread, person=person)
    return await stage.heard(word)


def _on_time(stage: Stage, inbound: Inbound) -> None:
    zoned = inbound.at.tzinfo is not None
    if not zoned or abs(inbound.at - stage.host.clock.now()) > _APART:
        raise Broken(
            "`at` is when it was said, with its time zone",
            seen=f"it was {inbound.at.isoformat()}",
            remedy="read the platform's time as UTC, or take `host.clock.now()`",
        )
