"""How did an attempt come out, and what does that prove?"""

from datetime import timedelta

from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import Receipt

#: How long a delivery waits after the platform refused our credentials: a person must act.
REFUSED = timedelta(seconds=60)
#: How often an adapter may fail one delivery in ways it never announced: about eight minutes.
BREAKS = 20

#: How often an adapter may die or hang over one delivery; each time all its threads wait for it.
DEATHS = 3

#: How an attempt came out, in the words of the metric; what no contract knows is `broken`.
_WORDS = {
    Receipt: "sent",
    RetryLater: "later",
    Unreachable: "unreachable",
    Rejected: "refused",
    MaybeDelivered: "in_doubt",
    CredentialsRefused: "credentials_refused",
}


class Broken(Rejected):
    """The adapter never gets this done, and no more is known."""


def word(outcome: object) -> str:
    """What the metric calls it."""
    return next((word for kind, word in _WORDS.items() if isinstance(outcome, kind)), "broken")


class _FatalPost(MaybeDelivered):
    """The adapter died or hung while it posted."""


class _FatalCall(Unreachable):
    """The adapter died or hung while it did what can be done again."""


def fatal(kind: type[DeliveryFailed], message: str) -> DeliveryFailed:
    """The adapter died or hung in a call whose outcome is of this `kind`."""
    return _FatalPost(message) if issubclass(kind, MaybeDelivered) else _FatalCall(message)


def is_fatal(error: object) -> bool:
    """Whether the adapter died or hung in that very call."""
    return isinstance(error, _FatalPost | _FatalCall)


def cause_of(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that an adapter's own tasks wrapped it in."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(BridgeError) or error).exceptions[0]
    return error


def broken(error: object) -> Broken:
    """What the last of so many failures comes to."""
    if is_fatal(error):
        return Broken(f"the adapter died or hung over it {DEATHS} times")
    return Broken(f"the adapter failed {BREAKS} times: {type(error).__name__}")


def unannounced(error: object) -> bool:
    """Whether the adapter failed in a way that its contract does not know."""
    return not isinstance(error, DeliveryFailed | CredentialsRefused)


def certainly_absent(outcome: object) -> bool:
    """Whether an exception proves that nothing was posted."""
    return not unannounced(outcome) and not isinstance(outcome, MaybeDelivered)
