"""How does an error cross? As its kind and its sentences, if it is ours; else by its name alone.

What foreign code raises may quote anything, secrets too. And a sentence of ours that it raises may
quote its own secrets, which only its process may know: they are masked there.
"""

from datetime import timedelta
from typing import Final

import msgspec

from bridge import errors, log
from bridge.errors import BridgeError, RetryLater
from bridge.runtime.delivering.outcomes import cause_of

#: Every kind of ours, by its name.
_KINDS: Final[dict[str, type[BridgeError]]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, BridgeError)
}


#: The longest sentence, and the longest name, in code points; and the longest time to wait.
_LONGEST: Final = 1_000
_LONGEST_NAME: Final = 100
_LONGEST_WAIT: Final = timedelta(hours=1)


class Surprise(Exception):
    """The adapter raised what no contract knows; a kind of its own, named like what it raised."""


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """An error on its way; the kind of a surprise is empty, and its message the name."""

    kind: str
    message: str
    remedy: str = ""
    after: float = 0.0  #: seconds


def failure_of(error: BaseException) -> Failure:
    """The error as it can be sent."""
    error = cause_of(error)
    ours = next((kind for kind in type(error).__mro__ if _KINDS.get(kind.__name__) is kind), None)
    if ours is None or not isinstance(error, BridgeError):
        return Failure("", type(error).__name__)
    after = error.after.total_seconds() if isinstance(error, RetryLater) else 0.0
    return Failure(ours.__name__, log.redact(error.message), log.redact(error.remedy), after)


def error_of(failure: Failure) -> Exception:
    """The error that was sent."""
    kind = _KINDS.get(failure.kind)
    if kind is None:
        return _surprise(failure.message)
    message = failure.message[:_LONGEST]
    if issubclass(kind, RetryLater):
        return kind(message, after=min(timedelta(seconds=failure.after), _LONGEST_WAIT))
    return kind(message, remedy=failure.remedy[:_LONGEST])


def _surprise(name: str) -> Exception:
    usable = len(name) <= _LONGEST_NAME and name.isidentifier()
    surprise: Exception = type(name if usable else Surprise.__name__, (Surprise,), {})()
    return surprise
