"""What can be wrong? One value for everything that makes us not ready, whoever noticed it."""

import enum
from dataclasses import dataclass


class Dependency(enum.StrEnum):
    """What a trouble is with: few words, as metrics and alert rules go by them."""

    ADAPTER = "adapter"
    AGENT = "agent"
    DATABASE = "database"
    DISK = "disk"
    BACKLOG = "backlog"
    DEAD_LETTERS = "dead_letters"
    PROGRESS = "progress"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason for not being ready.

    `name` is which one of its kind, from the configuration or from a short list of ours: never an
    id, as metrics carry it. It is empty where there is only one. The `sentence` is for people.
    """

    dependency: Dependency
    name: str
    sentence: str

    def __str__(self) -> str:
        """The cause in one line, as `/ready` tells it."""
        what = self.dependency.replace("_", " ")
        return f"{what}{' ' if self.name else ''}{self.name}: {self.sentence}"
