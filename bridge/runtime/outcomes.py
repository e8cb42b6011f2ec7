"""How did an attempt come out, and what does that prove?"""

from datetime import timedelta

from bridge.errors import (
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


def broken(error: object) -> Broken:
    """What the last of so many failures comes to."""
    return Broken(f"the adapter failed {BREAKS} times: {type(error).__name__}")


def unannounced(error: object) -> bool:
    """Whether the adapter failed in a way that its contract does not know."""
    return not isinstance(error, DeliveryFailed | CredentialsRefused)


def certainly_absent(outcome: object) -> bool:
    """Whether an exception proves that nothing was posted."""
    return not unannounced(outcome) and not isinstance(outcome, MaybeDelivered)
