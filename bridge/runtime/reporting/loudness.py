"""How is the running bridge made louder or quieter? As an operator asks, for as long as asked."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from bridge import log
from bridge.clock import Clock
from bridge.core.rates import Rate
from bridge.errors import BridgeError
from bridge.runtime.control import Control

_log = log.get("log")

#: How often it is looked whether what was asked for is over.
_LOOK: Final = timedelta(seconds=1)
_NAMES: Final = {10: "debug", 20: "info", 30: "warning", 40: "error"}
_LEVELS: Final = {name: number for number, name in _NAMES.items()}


class LevelWish(msgspec.Struct, forbid_unknown_fields=True):
    """From which level up a logger is to be heard; without a `level` as configured."""

    level: str | None = None
    logger: str = log.OURS
    seconds: float | None = None


class SamplingWish(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be left out; without anything as configured."""

    count: int | None = None  #: so many lines of one event …
    per: float | None = None  #: … in so many seconds; without them nothing is left out
    sample: int | None = None
    seconds: float | None = None


def offer(control: Control) -> None:
    """Let operators ask."""
    for name, verb in {
        "log.level": set_level,
        "log.sampling": set_sampling,
        "log.show": show,
    }.items():
        control.offer(name, verb)


async def set_level(arguments: dict[str, Any]) -> object:
    """The verb `log.level`; answers as `show` does.

    Raises:
        BridgeError: it makes no sense.
    """
    wish = _read(arguments, LevelWish)
    if wish.level is not None and wish.level not in _LEVELS:
        raise BridgeError("That is no level", remedy=f"one of: {', '.join(_LEVELS)}")
    name = wish.logger if wish.logger.startswith(log.OURS) else f"{log.OURS}.{wish.logger}"
    try:
        if wish.level is None and name == log.OURS:  # all of it: whatever was asked for is over
            for one in log.loudness.levels:
                log.loudness.ask(one, None)
        else:
            log.loudness.ask(name, _LEVELS[wish.level] if wish.level else None, wish.seconds)
    except ValueError as error:
        raise BridgeError(f"It is as loud as before: {error}") from None
    _log.info("log.level_changed", of=name, to=wish.level or "", seconds=wish.seconds)
    return await show({})


async def set_sampling(arguments: dict[str, Any]) -> object:
    """The verb `log.sampling`; answers as `show` does.

    Raises:
        BridgeError: it makes no sense.
    """
    wish = _read(arguments, SamplingWish)
    if any(number is not None and number <= 0 for number in (wish.count, wish.per, wish.sample)):
        raise BridgeError("Less than one line cannot be written")
    log.loudness.sample(_sampling(wish), wish.seconds)
    shown = _shown(log.loudness.sampling)
    _log.info("log.sampling_changed", burst=shown["burst"], sample=shown["sample"])
    return await show({})


async def show(_arguments: dict[str, Any]) -> object:
    """The verb `log.show`: who is heard from which level up, for how long, what is left out."""
    left = log.loudness.left()
    loggers = [
        {"logger": name, "level": _NAMES.get(level, str(level)), "seconds_left": left.get(name)}
        for name, level in sorted(log.loudness.levels.items())
    ]
    return {"loggers": loggers, "sampling": _shown(log.loudness.sampling)}


async def tend(clock: Clock) -> None:
    """For ever: end what is over, and tell what was left out."""
    while True:
        await clock.sleep(_LOOK)
        log.loudness.tend()


def _sampling(wish: SamplingWish) -> log.Sampling | None:
    if wish.count is None and wish.sample is None:
        return None
    burst = None
    if wish.count is not None and wish.per is not None:
        burst = Rate(wish.count, timedelta(seconds=wish.per))
    return log.Sampling(burst, wish.sample or log.loudness.sampling.sample)


def _shown(sampling: log.Sampling) -> dict[str, Any]:
    burst = sampling.burst
    told = "off" if burst is None else f"{burst.count}/{burst.per.total_seconds():g}s"
    return {"burst": told, "sample": sampling.sample}


def _read(arguments: dict[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401 - it is a `kind`
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise BridgeError(f"That cannot be asked so: {error}") from None
