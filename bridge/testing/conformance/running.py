"""How is an adapter tried? Rule by rule, each in a thread and on a loop of its own.

So a rule that hangs, and be it in code that never yields, ends in time, and the next is tried.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress

from bridge.clock import elapsed
from bridge.errors import BridgeError
from bridge.testing.conformance.patience import Patience
from bridge.testing.conformance.rule import Rule
from bridge.testing.conformance.stage import staged, told
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.verdicts import (
    Broken,
    Found,
    Inapplicable,
    Level,
    Result,
    Unproven,
    Verdict,
)
from bridge.testing.stand_in import StandInMissing

_USUAL = Patience()


def tried(subject: Subject, rules: Iterable[Rule], patience: Patience = _USUAL) -> Iterator[Result]:
    """What came of each rule, as soon as it is known.

    Raises:
        StandInMissing: the platform cannot be played here.
    """
    for rule in rules:
        yield try_rule(subject, rule, patience)


def try_rule(subject: Subject, rule: Rule, patience: Patience = _USUAL) -> Result:
    """What came of one rule. Nothing that the adapter does is raised.

    Raises:
        StandInMissing: the platform cannot be played here.
    """
    found: list[Found | StandInMissing | None] = []
    begun = elapsed()
    thread = threading.Thread(
        target=lambda: found.append(_trial(subject, rule, patience)), daemon=True
    )
    thread.start()
    thread.join(patience.rule + patience.clearing)
    outcome = found[0] if found else _endless(patience)
    if isinstance(outcome, StandInMissing):
        raise outcome
    return _result(rule, outcome, elapsed() - begun)


def _trial(subject: Subject, rule: Rule, patience: Patience) -> Found | StandInMissing | None:
    """What was found, None if nothing; on a loop of its own."""
    outcome: list[Found | StandInMissing | None] = []
    # What is left of an adapter may raise while the loop is closed; the verdict stands by then.
    with suppress(Exception):
        asyncio.run(_found(subject, rule, patience, outcome))
    return outcome[0] if outcome else _endless(patience)


async def _found(
    subject: Subject,
    rule: Rule,
    patience: Patience,
    outcome: list[Found | StandInMissing | None],
) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    try:
        async with asyncio.timeout(patience.rule) as limit, staged(subject, patience) as stage:
            try:
                if rule.level > Level.BRONZE:
                    stage.heed(rule.id)
                await rule.trial(stage)
                outcome.append(None)
            except Found as found:
                outcome.append(found)
    except (StandInMissing, Found) as found:
        outcome.append(found)
    except TimeoutError as error:
        outcome.append(_endless(patience) if limit.expired() else _surprise(error))
    # Whatever the adapter, the stand-in or the kit does: the other rules are to be tried.
    except Exception as error:
        outcome.append(_surprise(error))


def _surprise(error: BaseException) -> Broken:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BridgeError):
        seen, remedy = told(error), error.remedy or "see why it was raised"
        return Broken("the rule can be tried to its end", seen=seen, remedy=remedy)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_qualname}" if trace else ""
    return Broken(
        "the rule can be tried to its end",
        seen=f"{told(error)}{where}",
        remedy="see whether the adapter or its stand-in raised it; either should not",
    )


def _endless(patience: Patience) -> Broken:
    return Broken(
        f"the rule ends within {patience.rule:g} s",
        seen="it did not",
        remedy="see what waits for ever, or never yields: the adapter, or its stand-in",
    )


def _result(rule: Rule, found: Found | StandInMissing | None, seconds: float) -> Result:
    verdict, broken, reason = Verdict.KEPT, None, ""
    match found:
        case Broken():
            verdict, broken = Verdict.BROKEN, found
        case Unproven():
            verdict, reason = Verdict.UNPROVEN, str(found)
        case Inapplicable():
            verdict, reason = Verdict.INAPPLICABLE, str(found)
    return Result(
        rule=rule.id,
        level=rule.level,
        sentence=rule.sentence,
        verdict=verdict,
        expected=broken.expected if broken else "",
        seen=broken.seen if broken else "",
        remedy=broken.remedy if broken else "",
        reason=reason,
        seconds=seconds,
    )
