"""What goes wrong: each trouble ends in the error that says what is known of the post."""

import asyncio
from datetime import datetime, timedelta

from bridge.errors import (
    CredentialsRefused,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt
from bridge.model.messages import AgentReply
from bridge.plugin import Finder
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.people import Talk
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.rules.intake import again
from bridge.testing.conformance.stage import Stage, told
from bridge.testing.conformance.verdicts import Broken, Inapplicable, Level
from bridge.testing.stand_in import Failing, Fault, Leaving

#: So many posts may be in doubt when the platform has just left: each may have gone into a
#: connection that was open before, and broke before anybody noticed.
_STALE = 4


@rule(Level.SILVER)
async def refusal(stage: Stage) -> None:
    """What the platform refuses for good ends in Rejected, and the next delivery is not harmed."""
    failing = stage.faulty(Fault.REFUSED)
    await stage.connect()
    talk = await stage.talk()
    outbound, outcome = await _failed(stage, talk, failing, Fault.REFUSED)
    if not isinstance(outcome, Rejected):
        raise Broken(
            "`deliver` raises Rejected where the platform refuses what is posted",
            seen=_told(outcome),
            remedy="tell a refusal for good from a trouble that passes: only this is given up",
        )
    await stage.unposted(talk.thread, _word(outbound), "where Rejected is raised")
    await stage.post(talk)


@rule(Level.SILVER)
async def rate_limit(stage: Stage) -> None:
    """Too many at once ends in RetryLater with a time, and afterwards it is posted, once."""
    failing = stage.faulty(Fault.RATE_LIMITED)
    await stage.connect()
    talk = await stage.talk()
    outbound, outcome = await _failed(stage, talk, failing, Fault.RATE_LIMITED)
    if not (isinstance(outcome, RetryLater) and outcome.after > timedelta(0)):
        raise Broken(
            "`deliver` raises RetryLater with the time that the platform asks for",
            seen=_told(outcome),
            remedy="pass the platform's own time on as `after`, and do not wait inside",
        )
    await stage.unposted(talk.thread, _word(outbound), "where RetryLater is raised")
    await stage.pause(outcome.after)
    await stage.until_posted(outbound)
    await stage.shown(talk.thread, _word(outbound))


@rule(Level.SILVER)
async def lost_answer(stage: Stage) -> None:
    """A post whose answer was lost is in doubt: never called absent, never repeated inside."""
    failing = stage.faulty(Fault.LOST_ANSWER)
    await stage.connect()
    talk = await stage.talk()
    outbound, outcome = await _failed(stage, talk, failing, Fault.LOST_ANSWER)
    await stage.shown(talk.thread, _word(outbound))
    if not isinstance(outcome, MaybeDelivered):
        raise Broken(
            "`deliver` raises MaybeDelivered where the connection breaks before the answer",
            seen=_told(outcome),
            remedy="once it was sent, only the answer tells: whatever else is MaybeDelivered",
        )

    async def look() -> int | None:
        copies = len(await stage.seen(talk.thread, _word(outbound)))
        return copies if copies != 1 else None

    if (copies := await stage.never(look)) is not None:
        raise Broken(
            "what was posted stands there once",
            seen=f"it stands there {copies} times",
            remedy="never retry inside `deliver`, nor later, and switch off that your client does",
        )


@rule(Level.SILVER)
async def unreachable(stage: Stage) -> None:
    """While the platform is away nothing is in doubt, and afterwards all goes on by itself."""
    stage.heed("unreachable")
    leaving = stage.able(Leaving, "cannot be away")  # type: ignore[type-abstract]
    await stage.connect()
    talk = await stage.talk()
    await leaving.leave()
    for _ in range(_STALE):
        outbound = stage.outbound(talk.key, stage.word())
        outcome = await _while_away(stage, outbound)
        if not isinstance(outcome, MaybeDelivered):
            break
    if not isinstance(outcome, Unreachable | RetryLater):
        raise Broken(
            "`deliver` raises Unreachable while the platform refuses every connection",
            seen=_told(outcome),
            remedy="a connection that was refused carried nothing: say so, and it is tried again",
        )
    # A platform that keeps nothing for whoever is not there cannot tell it later.
    forgetful = stage.lacking("crash-and-resume")
    word = stage.word()
    said = None if forgetful else await stage.say(f"are you there? {word}", thread=talk.thread)
    await leaving.return_()
    await stage.until_posted(outbound)
    await stage.shown(talk.thread, _word(outbound))
    if said is not None:
        await again(stage, word, said)
    else:
        await stage.say(f"are you there again? {word}", thread=talk.thread)
        await stage.heard(word)


async def _while_away(stage: Stage, outbound: Outbound) -> Receipt | Exception:
    """What comes of it; an adapter that has fallen is not asked, as the bridge does not either."""
    attempt = asyncio.ensure_future(stage.attempt(outbound))

    async def look() -> bool | None:
        return True if attempt.done() or stage.fallen else None

    await eventually(look, stage.patience.event, stage.patience)
    if attempt.done():
        return await attempt
    attempt.cancel()
    await asyncio.wait((attempt,))
    return Unreachable("the adapter had left")


@rule(Level.SILVER)
async def silence(stage: Stage) -> None:
    """A platform that answers nothing holds nobody for ever: `deliver` gives up, or can be left."""
    failing = stage.faulty(Fault.SILENT)
    await stage.connect()
    talk = await stage.talk()
    await failing.fail(Fault.SILENT)
    lost = stage.outbound(talk.key, stage.word())
    outcome = await _left_alone(stage, lost, stage.patience.moment)
    if isinstance(outcome, Receipt | Rejected | CredentialsRefused):
        raise Broken(
            "`deliver` says what is known of a post that was never answered",
            seen=_told(outcome),
            remedy="raise MaybeDelivered when its time is over",
        )
    # It may have been called off before it was posted: then this is the one that is not answered.
    after = stage.outbound(talk.key, stage.word())
    if isinstance(await _left_alone(stage, after, stage.patience.event / 4), Receipt):
        await stage.shown(talk.thread, _word(after))
    else:
        await stage.post(talk)


async def _left_alone(
    stage: Stage, outbound: Outbound, within: float
) -> Receipt | Exception | None:
    """What became of a delivery; None if it was called off, as it had not ended in time."""
    attempt = asyncio.ensure_future(stage.attempt(outbound))
    await asyncio.wait((attempt,), timeout=within)
    if not attempt.done():
        attempt.cancel()
        await asyncio.wait((attempt,), timeout=stage.patience.leave)
    if not attempt.done():
        raise Broken(
            "`deliver` ends at once when it is cancelled",
            seen=f"it had not after {stage.patience.leave:g} s",
            remedy="never swallow CancelledError, nor wait in code that does not yield",
        )
    return None if attempt.cancelled() else await attempt


@rule(Level.GOLD)
async def find(stage: Stage) -> None:
    """`find` gives the receipt of what stands there, also after a lost answer, else None."""
    adapter = await stage.connect()
    if not isinstance(adapter, Finder):
        raise Inapplicable("it does not claim to find anything: it is no `Finder`")
    talk = await stage.talk()
    since = stage.host.clock.now()
    outbound, receipt, _ = await stage.post(talk)
    await _finds(stage, outbound, since, receipt)
    same_words = stage.outbound(talk.key, outbound.content)
    await _tells_the_truth(stage, talk, same_words, since, copies=2)
    await _tells_the_truth(stage, talk, stage.outbound(talk.key, stage.word()), since, copies=1)
    failing = stage.able(Failing, "cannot let anything go wrong")  # type: ignore[type-abstract]
    if Fault.LOST_ANSWER not in failing.faults:
        return
    since = stage.host.clock.now()
    lost, outcome = await _failed(stage, talk, failing, Fault.LOST_ANSWER)
    # After a crash nobody remembers what was meant to be posted.
    await stage.restart()
    if isinstance(outcome, MaybeDelivered):
        await _finds(stage, lost, since, None)
    await stage.shown(talk.thread, _word(lost))
    if Fault.LOST_REQUEST in failing.faults:
        since = stage.host.clock.now()
        absent, _ = await _failed(stage, talk, failing, Fault.LOST_REQUEST)
        await _tells_the_truth(stage, talk, absent, since, copies=1)


async def _finds(
    stage: Stage, outbound: Outbound, since: datetime, receipt: Receipt | None
) -> None:
    found = await _found(stage, outbound, since)
    if not isinstance(found, Receipt) or (receipt and found != receipt):
        raise Broken(
            "`find` gives the receipt of what was posted",
            seen=_told(found),
            remedy="mark what is posted with `outbound.id`, and read it back by that mark",
        )


async def _tells_the_truth(
    stage: Stage, talk: Talk, outbound: Outbound, since: datetime, *, copies: int
) -> None:
    """None for what was never posted; or it is posted by being looked for, where that is safe."""
    found = await _found(stage, outbound, since)
    there = await stage.seen(talk.thread, _word(outbound))
    stands = len(there) == copies
    if isinstance(found, Receipt) if stands else found is None:
        return
    raise Broken(
        "`find` gives None for what was never posted, even if the same words stand there",
        seen=f"{_told(found)}, and the words stand there {len(there)} times",
        remedy="go by the mark of the delivery alone, never by its words",
    )


async def _found(stage: Stage, outbound: Outbound, since: datetime) -> Receipt | Exception | None:
    """What `find` says, once it is no longer too early."""
    adapter = await stage.adapter()
    while isinstance(adapter, Finder):
        try:
            return await stage.bounded(adapter.find(outbound, since=since), "find")
        except RetryLater as early:
            await stage.pause(early.after)
        except Exception as error:
            return error
    return None


async def _failed(
    stage: Stage, talk: Talk, failing: Failing, fault: Fault
) -> tuple[Outbound, Receipt | Exception]:
    """What became of a delivery with that fault; it bears a new word."""
    await failing.fail(fault)
    outbound = stage.outbound(talk.key, stage.word())
    return outbound, await stage.attempt(outbound)


def _word(outbound: Outbound) -> str:
    return outbound.content.text if isinstance(outbound.content, AgentReply) else ""


def _told(outcome: Receipt | Exception | None) -> str:
    if isinstance(outcome, Receipt):
        return "it returned a receipt"
    if isinstance(outcome, DeliveryFailed | CredentialsRefused):
        return f"it raised {told(outcome)}"
    return f"it raised {told(outcome)}, which no contract knows" if outcome else "it said None"
