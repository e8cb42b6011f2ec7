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
#: How often, at least, an adapter fails what is given up in ways that it never announced.
BREAKS = 20

#: How often an adapter's process may end over one delivery (`suspects`): all its threads wait then.
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


_REDRIVE = "once its cause is mended: `polyai-bridge deliveries redrive`, or drop it"


class Broken(Rejected):
    """The adapter never gets this done, and no more is known."""


def word(outcome: object) -> str:
    """What the metric calls it."""
    return next((word for kind, word in _WORDS.items() if isinstance(outcome, kind)), "broken")


class _Died(DeliveryFailed):
    """The adapter's process ended in the middle of it."""


class _Hung(DeliveryFailed):
    """The adapter did not come to an end with it in time."""


class _DiedPosting(_Died, MaybeDelivered):
    pass


class _DiedAsked(_Died, Unreachable):
    pass


class _HungPosting(_Hung, MaybeDelivered):
    pass


class _HungAsked(_Hung, Unreachable):
    pass


def died(kind: type[DeliveryFailed]) -> DeliveryFailed:
    """The adapter's process ended in the middle of a call whose outcome is of this `kind` then."""
    died = _DiedPosting if issubclass(kind, MaybeDelivered) else _DiedAsked
    return died("the adapter's process ended in the middle of it")


def hung(kind: type[DeliveryFailed]) -> DeliveryFailed:
    """The same, where it did not come to an end in time."""
    hung = _HungPosting if issubclass(kind, MaybeDelivered) else _HungAsked
    return hung("the adapter did not come to an end with it")


def deadly(error: object) -> bool:
    """Whether the adapter's process ended in the middle of it."""
    return isinstance(error, _Died)


def endless(error: object) -> bool:
    """Whether the adapter did not come to an end with it in time."""
    return isinstance(error, _Hung)


def cause_of(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that an adapter's own tasks wrapped it in."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(BridgeError) or error).exceptions[0]
    return error


def broken(error: Exception, verdict: str) -> Broken:
    """What the last of so many failures comes to, none of which its contract may know."""
    if deadly(error):
        return Broken(f"the adapter's process ended over it {DEATHS} times")
    last = type(error).__name__ if unannounced(error) else str(error)
    return Broken(f"{verdict}: {last}", remedy=_REDRIVE)


def unannounced(error: object) -> bool:
    """Whether the adapter failed in a way that its contract does not know."""
    return isinstance(error, _Hung) or not isinstance(error, DeliveryFailed | CredentialsRefused)


def certainly_absent(outcome: object) -> bool:
    """Whether an exception proves that nothing was posted."""
    return not unannounced(outcome) and not isinstance(outcome, MaybeDelivered)
