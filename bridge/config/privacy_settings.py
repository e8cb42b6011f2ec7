"""What is kept, for how long, and what is an agent never told? The table `[privacy]`."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from bridge.core.redaction import BUILT_IN
from bridge.plugin.redactors import known_redactors
from bridge.plugin.settings import Duration

#: Nothing is forgotten sooner than a platform may still be busy telling it.
_SHORTEST = timedelta(hours=1)


def _long_enough(value: timedelta) -> timedelta:
    if value < _SHORTEST:
        raise ValueError('is too short; write an hour or more, such as "30d"')
    return value


def _split(value: object) -> object:
    """A list; the environment gives it with commas between."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _known(value: tuple[str, ...]) -> tuple[str, ...]:
    if value and not known_redactors().issuperset(value):
        raise ValueError(
            f"names what is no redactor; write of {', '.join(BUILT_IN)}, or one that is installed"
        )
    return value


#: How long rows are kept.
Kept = Annotated[Duration, AfterValidator(_long_enough)]
#: What is taken out of people's words, by name.
Redactors = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_known)]
#: What becomes of words that somebody takes back on their platform.
Deletions = Literal["forget", "keep"]


class PrivacySettings(BaseModel):
    """What holds for every adapter and agent that does not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: How long rows are kept after they were seen to or settled, and conversations that are over.
    keep: Kept = timedelta(days=30)
    #: And how long the words of dead letters.
    keep_dead: Kept = timedelta(days=7)
    redact: Redactors = ()
    deletions: Deletions = "forget"
