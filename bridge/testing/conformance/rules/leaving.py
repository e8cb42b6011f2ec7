"""How it ends: in good order with nothing left behind, or by a kill with nothing lost."""

import asyncio

from bridge.model.delivery import Outbound
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound
from bridge.testing.conformance.apart import Apart
from bridge.testing.conformance.patience import eventually
from bridge.testing.conformance.rule import rule
from bridge.testing.conformance.rules.intake import again, distinct
from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Broken, Level
from bridge.testing.conformance.wire import Failed


@rule(Level.BRONZE)
async def clean_exit(stage: Stage) -> None:
    """It leaves no task, thread or open connection behind, and can be connected again."""
    async with stage.apart() as apart:
        await _used_and_left(stage, apart)
        await stage.enter(apart)
        await _used_and_left(stage, apart)


async def _used_and_left(stage: Stage, apart: Apart) -> None:
    word = stage.word()
    uttered = await stage.say(word)
    key = (await stage.heard(word)).thread
    await _posts(stage, apart, key, uttered.thread)
    try:
        left = await apart.leave()
    except Failed as failed:
        raise Broken(
            "it leaves its context without an error",
            seen=str(failed),
            remedy="cancel its tasks on the way out, and wait for nothing that may not come",
        ) from None
    if left:
        raise Broken(
            "nothing of it is left when it has left its context",
            seen="; ".join(left[:5]),
            remedy="end every task, thread and connection that it began before the context ends",
        )


@rule(Level.SILVER)
async def crash_and_resume(stage: Stage) -> None:
    """Killed in the middle of its work, it loses nothing that was said, then or meanwhile."""
    async with stage.apart() as apart:
        first = stage.word()
        opener = await stage.say(first)
        opening = await stage.heard(first)
        await _posts(stage, apart, opening.thread, opener.thread)
        stage.intake.gate.clear()
        undecided = stage.word()
        saying = asyncio.ensure_future(stage.say(undecided, thread=opener.thread))
        await _brought(stage, undecided)
        await apart.kill()
    pending = await saying
    if await stage.stand_in.taken(pending):
        raise Broken(
            "the platform is not told that we have what was not stored when the process died",
            seen="it was told",
            remedy="acknowledge after `await host.accept(…)`, never before or beside it",
        )
    meanwhile = stage.word()
    later = await stage.say(meanwhile, thread=opener.thread)
    stage.intake.gate.set()
    async with stage.apart() as apart:
        for word, uttered in ((undecided, pending), (meanwhile, later)):
            _same_key(opening, await again(stage, word, uttered))
        await stage.stand_in.repeat(opener)
        await _known_again(stage, first)
        await _posts(stage, apart, opening.thread, opener.thread)


async def _brought(stage: Stage, word: str) -> None:
    async def look() -> list[Inbound] | None:
        return stage.brought(word) or None

    await eventually(look, stage.patience.event, stage.patience)


async def _posts(stage: Stage, apart: Apart, key: ThreadKey, thread: str) -> None:
    word = stage.word()
    outbound: Outbound = stage.outbound(key, word)
    try:
        await apart.deliver(outbound)
    except Failed as failed:
        raise Broken(
            "what can be posted is posted, and a receipt returned",
            seen=f"`deliver` raised {failed}",
            remedy="see why: nothing was made to go wrong; another process has only the memory",
        ) from None
    await stage.shown(thread, word)


def _same_key(opening: Inbound, reply: Inbound) -> None:
    if reply.thread != opening.thread:
        raise Broken(
            "a thread has the same key after a crash",
            seen=f"{reply.thread!r} instead of {opening.thread!r}",
            remedy="make the key of what the platform says, not of what was counted here",
        )


async def _known_again(stage: Stage, word: str) -> None:
    async def look() -> list[Inbound] | None:
        told = stage.brought(word)
        return told if len(distinct(told)) > 1 else None

    if told := await stage.never(look):
        raise Broken(
            "what is told again after a crash has the identity that it had before",
            seen=f"its identities were {[each.identities for each in told]}",
            remedy="name it by the platform's own id, not by what was counted in this process",
        )
