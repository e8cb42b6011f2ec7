"""Every error of the bridge, in one tree.

    BridgeError                     what went wrong, and the remedy
    ├── ConfigurationError          exit 10   the configuration cannot be used
    ├── CredentialsRefused          exit 11   the other side refuses who we are; a person must act
    ├── DatabaseFailed              exit 12   the database cannot be opened, read or written
    │   └── ChangeRefused           exit 12   it works, and never takes this change
    ├── MigrationNeeded             exit 13   the schema is older, and we were told not to touch it
    ├── DatabaseHeld                exit 14   another process serves this database
    └── DeliveryFailed                        a delivery did not certainly arrive
        ├── RetryLater                        nothing was posted; try again, after a given time
        │   └── NeedsPerson                   and a person has to act before that helps
        ├── Unreachable                       nothing was posted; the other side is away
        ├── Rejected                          nothing was posted, and trying again will not help
        │   └── ThreadClosed                  nor will anything else be posted in that thread
        └── MaybeDelivered                    nobody knows: look before repeating

Each says what to do next and how sure we are. Adapters raise and stay quiet; the runtime owns
retries and their logging.
"""

from datetime import timedelta


class BridgeError(Exception):
    """Something went wrong: one sentence, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class ConfigurationError(BridgeError):
    """The configuration cannot be used."""

    exit_code = 10


class CredentialsRefused(BridgeError):
    """The other side refuses our credentials: repeating will not help, a person must act."""

    exit_code = 11


class DatabaseFailed(BridgeError):
    """The database cannot be opened, read or written."""

    exit_code = 12


class ChangeRefused(DatabaseFailed):
    """The database works, and refuses this change for what it is: repeating it helps nobody."""


class MigrationNeeded(BridgeError):
    """The database has an older schema and automatic migration is off."""

    exit_code = 13


class DatabaseHeld(BridgeError):
    """Another process serves this database."""

    exit_code = 14


class DeliveryFailed(BridgeError):
    """A delivery did not certainly arrive; the subclass says what is known."""


class RetryLater(DeliveryFailed):
    """Nothing was posted; the same delivery may be tried again `after` this long."""

    def __init__(self, message: str, *, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class NeedsPerson(RetryLater):
    """The same, but it helps only once a person has acted: so long it is no backlog of ours."""


class Unreachable(DeliveryFailed):
    """Nothing was posted, because the other side could not be reached at all."""


class Rejected(DeliveryFailed):
    """Nothing was posted, and the same delivery will never be accepted."""


class ThreadClosed(Rejected):
    """Nothing was posted, and nothing ever can be in this thread: its conversation is over."""


class MaybeDelivered(DeliveryFailed):
    """The outcome is unknown: it may have been posted. Look before repeating."""
