"""What an operator configures of how people steer a conversation: words, a command, a Home tab."""

import json
import re
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator

from adapters.slack.reading.words import Words, words_of

#: What people can ask for by a word after a mention.
Wish = Literal["end", "restart", "person", "status"]


def _words(value: object) -> object:
    """A list of words, which the environment gives as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('is not a list; write it like ["end", "stop"]') from None


WordList = Annotated[tuple[str, ...], BeforeValidator(_words)]
_USUAL_WORDS: dict[Wish, tuple[str, ...]] = {
    "end": ("end", "stop"),
    "restart": ("restart", "start again", "new"),
    "person": ("person", "human", "talk to a person"),
    "status": ("status", "what is going on", "help"),
}


class ControlSettings(BaseModel):
    """Where slash commands cannot go, and where they can."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    #: Words that, after a mention and alone, are wishes; an empty list switches one off.
    control_words: dict[Wish, WordList] = _USUAL_WORDS
    #: The app's slash command, as its manifest names it; empty for none.
    command: str = "/agent"
    #: Whether people find their conversations in the app's Home tab.
    home_tab: bool = True

    @field_validator("control_words", mode="before")
    @classmethod
    def _known_wishes(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        if unknown := set(value) - set(get_args(Wish)):
            known = ", ".join(get_args(Wish))
            raise ValueError(f"has no list {min(unknown)!r}; there are {known}")
        return {**_USUAL_WORDS, **value}

    @field_validator("control_words")
    @classmethod
    def _told_apart(cls, value: dict[Wish, tuple[str, ...]]) -> dict[Wish, tuple[str, ...]]:
        words_of(value.items())
        return value

    @field_validator("command")
    @classmethod
    def _a_command(cls, value: str) -> str:
        if value and not re.fullmatch(r"/[^\s/A-Z]{1,31}", value):
            raise ValueError('is not a command; write it like "/agent": a slash, no capitals')
        return value

    @property
    def words(self) -> Words:
        """The control words as one table."""
        return words_of(self.control_words.items())
