"""What comes in: acknowledged late, known again, in order, never our own."""

import asyncio

from bridge.model.inbound import Edited, Inbound, Said
from bridge.model.messages import AgentReply
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.people import Talk
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Broken, Level
from bridge.testing.stand_in import Uttered

#: More than ten: a counter written as plain text sorts 10 before 9.
_MANY = 12
#: So many are delivered in a row.
_SOME = 6


@rule(Level.BRONZE)
async def accept_before_ack(stage: Stage) -> None:
    """What a person says is acknowledged only once it is stored, and comes again if it is not."""
    await stage.connect()
    talk = await stage.talk()
    asked = await stage.stand_in.taken(talk.uttered) is not None
    if asked:
        await _not_told_while_undecided(stage, talk)
    await _comes_again_if_not_stored(stage, talk, asked=asked)


async def _not_told_while_undecided(stage: Stage, talk: Talk) -> None:
    word = stage.word()
    stage.intake.gate.clear()
    saying = asyncio.ensure_future(stage.say(f"is this kept? {word}", thread=talk.thread))
    await _brought(stage, word)
    if await stage.never(lambda: _told(stage, saying), within=stage.patience.undecided):
        raise Broken(
            "the platform is not told that we have it while `host.accept` has not returned",
            seen="it was told before",
            remedy="acknowledge after `await host.accept(…)`, never before or beside it, "
            "however long that takes",
        )
    stage.intake.gate.set()
    await stage.heard(word)
    await _acknowledged(stage, await saying)


async def _comes_again_if_not_stored(stage: Stage, talk: Talk, *, asked: bool) -> None:
    word = stage.word()
    stage.intake.failing = True
    saying = asyncio.ensure_future(stage.say(f"and this? {word}", thread=talk.thread))
    await _brought(stage, word)
    if asked and await stage.never(lambda: _told(stage, saying)):
        raise Broken(
            "the platform is not told that we have it when `host.accept` raises DatabaseFailed",
            seen="it was told all the same",
            remedy="let the error refuse the request, or ask the platform for it again",
        )
    stage.intake.failing = False
    uttered = await saying
    await again(stage, word, uttered)
    if asked:
        await _acknowledged(stage, uttered)


async def again(stage: Stage, word: str, uttered: Uttered) -> Inbound:
    """What was not stored, once it is: by itself, or as the platform tells it again.

    That is done only by one that asks whether we have it, and was not told so.
    """
    if await stage.perhaps_heard(word) is None and await stage.stand_in.taken(uttered) is False:
        await stage.stand_in.repeat(uttered)
    heard = await stage.perhaps_heard(word, within=stage.patience.event)
    if heard is None:
        raise Broken(
            "what could not be stored, or was said while nobody was there, is brought later",
            seen=f"it was not within {stage.patience.event:g} s, while everything worked",
            remedy="where the platform tells nothing twice, ask it again from the same place, "
            "or try `host.accept` again until it returns",
        )
    return heard


async def _brought(stage: Stage, word: str) -> None:
    async def look() -> bool | None:
        return True if stage.brought(word) else None

    if not await eventually(look, stage.patience.event, stage.patience):
        raise Broken(
            "what a person says is brought to `host.accept`",
            seen=f"it was not within {stage.patience.event:g} s",
            remedy="see that what the platform tells becomes a `Said` with its words",
        )


async def _told(stage: Stage, saying: "asyncio.Future[Uttered]") -> bool | None:
    """True once the platform was told; who still waits for our answer was not."""
    if not saying.done():
        return None
    return True if await stage.stand_in.taken(saying.result()) else None


async def _acknowledged(stage: Stage, uttered: Uttered) -> None:
    async def look() -> bool | None:
        return True if await stage.stand_in.taken(uttered) else None

    if not await eventually(look, stage.patience.event, stage.patience):
        raise Broken(
            "the platform is told that we have it once it is stored",
            seen=f"it was not within {stage.patience.event:g} s",
            remedy="acknowledge whatever `host.accept` returned for, IGNORED and KNOWN too",
        )


@rule(Level.BRONZE)
async def redelivery(stage: Stage) -> None:
    """What is told twice shares an identity; what is said twice does not."""
    await stage.connect()
    talk = await stage.talk()
    word = stage.word()
    text = f"twice {word}"
    uttered = await stage.say(text, thread=talk.thread)
    await stage.heard(word)
    await stage.stand_in.repeat(uttered)
    await _different(stage, word, 1)
    await stage.say(text, thread=talk.thread)
    if not await eventually(
        lambda: _at_least(stage, word, 2), stage.patience.event, stage.patience
    ):
        raise Broken(
            "two things said have no identity in common, even if the words are the same",
            seen=f"all have {stage.brought(word)[0].identities}, or only one was brought",
            remedy="name each by the platform's own id of the message, not by its words",
        )
    await _different(stage, word, 2)
    await _named_anew(stage, talk)


async def _named_anew(stage: Stage, talk: Talk) -> None:
    """Whoever counts in the process alone begins anew, and what is said then counts as known."""
    before = {name for each in stage.intake.brought for name in each.identities}
    await stage.restart()
    for _ in range(3):
        word = stage.word()
        await stage.say(word, thread=talk.thread)
        if taken := before.intersection((await stage.heard(word)).identities):
            raise Broken(
                "what is said after the adapter was connected anew has an identity of its own",
                seen=f"{taken} is that of something said before: the bridge would leave it out",
                remedy="name it by the platform's own id, or by what no restart brings back",
            )


async def _different(stage: Stage, word: str, most: int) -> None:
    """Raises Broken if those words turn out to be more things than were said."""
    if await stage.never(lambda: _at_least(stage, word, most + 1)):
        raise Broken(
            "the same thing told twice shares an identity",
            seen=f"its identities were {[each.identities for each in stage.brought(word)]}",
            remedy="name it by the platform's own id of the message, not by its arrival",
        )


async def _at_least(stage: Stage, word: str, number: int) -> bool | None:
    return True if len(distinct(stage.brought(word))) >= number else None


def distinct(told: list[Inbound]) -> list[set[str]]:
    """The identities of each thing among what was told."""
    things: list[set[str]] = []
    for each in told:
        names = set(each.identities)
        same = [thing for thing in things if thing & names]
        things = [thing for thing in things if not thing & names]
        things.append(names.union(*same))
    return things


@rule(Level.BRONZE)
async def own_messages(stage: Stage) -> None:
    """What is delivered never comes back as something that a person said."""
    await stage.connect()
    talk = await stage.talk()
    outbound, _, _ = await stage.post(talk)
    word = outbound.content.text if isinstance(outbound.content, AgentReply) else ""
    marker = stage.word()
    await stage.say(marker, thread=talk.thread)
    await stage.heard(marker)

    async def look() -> Inbound | None:
        ours = (each for each in stage.intake.brought if _tells(each, word))
        return next(ours, None)

    if found := await stage.never(look):
        raise Broken(
            "the adapter knows its own messages and leaves them out",
            seen=f"its own post came to `host.accept` as {type(found.body).__name__}",
            remedy="compare the author of what comes in with who the adapter is there",
        )


def _tells(inbound: Inbound, word: str) -> bool:
    return isinstance(inbound.body, Said | Edited) and word in inbound.body.text


@rule(Level.BRONZE)
async def thread_key(stage: Stage) -> None:
    """A thread has one key, for ever, and what is delivered to that key stands in that thread."""
    await stage.connect()
    talk = await stage.talk()
    if not talk.opening.opens:
        raise Broken(
            "the first thing said to the bot in a thread may begin a conversation",
            seen="it was brought with `opens=False`, so the bridge would leave it out",
            remedy="set `opens` where people address the bot: a mention, a direct message",
        )
    other = await stage.talk()
    await _keeps_its_key(stage, talk, "a reply in the same thread")
    if other.thread != talk.thread:
        _differ(talk, other)
    await _round_trip(stage, talk, other)
    await stage.restart()
    await _keeps_its_key(stage, talk, "a reply after the adapter was connected anew")
    await _round_trip(stage, talk, other)


def _differ(talk: Talk, other: Talk) -> None:
    if talk.key == other.key:
        raise Broken(
            "two threads have two keys",
            seen=f"both have {talk.key!r}",
            remedy="make the key of all that names the thread on the platform",
        )


async def _keeps_its_key(stage: Stage, talk: Talk, what: str) -> None:
    word = stage.word()
    await stage.say(word, thread=talk.thread)
    reply = await stage.heard(word)
    if reply.thread != talk.key:
        raise Broken(
            f"{what} has the key of what opened it",
            seen=f"{reply.thread!r} instead of {talk.key!r}",
            remedy="make the key of what both have in common: the root of the thread",
        )


async def _round_trip(stage: Stage, talk: Talk, other: Talk) -> None:
    outbound, _, seen = await stage.post(talk)
    if other.thread != talk.thread and await stage.seen(other.thread, seen.text):
        raise Broken(
            "what is delivered to a key stands in its thread alone",
            seen="it stands in another thread too",
            remedy="post where the key says, and only there",
        )
    del outbound


@rule(Level.SILVER)
async def order(stage: Stage) -> None:
    """What is said sorts by `order`; what is delivered stands in the order of its delivery."""
    await stage.connect()
    talk = await stage.talk()
    words = [await _uttered(stage, talk) for _ in range(_MANY)]
    await stage.restart()
    words += [await _uttered(stage, talk) for _ in range(2)]
    said = [await _kept(stage, word) for word in words]
    orders = [talk.opening.order, *(each.order for each in said)]
    if sorted(set(orders)) != orders:
        at = next(n for n in range(len(orders) - 1) if orders[n] >= orders[n + 1])
        raise Broken(
            "`order`, compared as text, grows with each thing said in a thread",
            seen=f"{orders[at]!r} was followed by {orders[at + 1]!r}",
            remedy="use the platform's own order, with leading zeros where it is a number",
        )
    await _in_order(stage, talk)


async def _kept(stage: Stage, word: str) -> Inbound:
    heard = await stage.perhaps_heard(word, within=stage.patience.event)
    if heard is None:
        raise Broken(
            "what is said is brought, be it a moment before the adapter leaves",
            seen=f"it was not within {stage.patience.event:g} s, though it was connected anew",
            remedy="read on from where it was; where the platform tells nothing twice, "
            "store what has come in before leaving",
        )
    return heard


async def _uttered(stage: Stage, talk: Talk) -> str:
    word = stage.word()
    await stage.say(word, thread=talk.thread)
    return word


async def _in_order(stage: Stage, talk: Talk) -> None:
    mark = stage.word()
    ids = [(await stage.post(talk, mark))[2].id for _ in range(_SOME)]

    async def look() -> list[str] | None:
        seen = [each.id for each in await stage.seen(talk.thread, mark)]
        return seen if seen != ids else None

    if (seen := await stage.never(look)) is not None:
        raise Broken(
            "what is delivered one after the other stands there once, in that order",
            seen=f"{len(seen)} messages stand there of {len(ids)}"
            if len(seen) != len(ids)
            else "they stand otherwise",
            remedy="return from `deliver` only when the platform has taken the message, once",
        )
