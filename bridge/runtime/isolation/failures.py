"""How does an error cross? As its kind and its sentences, if it is ours; else by its name alone.

What foreign code raises may quote anything, secrets too.
"""

from datetime import timedelta
from typing import Final

import msgspec

from bridge import errors
from bridge.errors import BridgeError, RetryLater
from bridge.runtime.outcomes import cause_of

#: Every kind of ours, by its name.
_KINDS: Final[dict[str, type[BridgeError]]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, BridgeError)
}


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
    return Failure(ours.__name__, error.message, error.remedy, after)


def error_of(failure: Failure) -> Exception:
    """The error that was sent."""
    kind = _KINDS.get(failure.kind)
    if kind is None:
        name = failure.message if failure.message.isidentifier() else Surprise.__name__
        surprise: Exception = type(name, (Surprise,), {})()
        return surprise
    if issubclass(kind, RetryLater):
        return kind(failure.message, after=timedelta(seconds=failure.after))
    return kind(failure.message, remedy=failure.remedy)
