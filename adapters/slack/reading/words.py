"""Which word after a mention is a wish, and no question for the agent?

Slash commands cannot be typed in threads (docs.slack.dev, "Implementing slash commands"): so a
person mentions the app and writes one of the configured words, and nothing else. Whatever is more
than that word goes to the agent.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from bridge.model.inbound import EndAsked, InboundBody, PersonAsked, StartAsked, StatusAsked
from bridge.model.messages import Control

#: What a folded word asks for.
Words = Mapping[str, Control]

#: No word means anything.
NO_WORDS: Final[Words] = MappingProxyType({})

#: By the name of its list in the configuration.
CONTROLS: Final[Mapping[str, Control]] = MappingProxyType(
    {
        "end": Control.END,
        "restart": Control.START,
        "person": Control.PERSON,
        "status": Control.STATUS,
    }
)

_LETTERS = ("L", "M", "N")


def folded(text: str) -> str:
    """`text` without what people vary when they mean the same: case, punctuation, spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("\u2019", "")
    kept = (c if unicodedata.category(c)[0] in _LETTERS else " " for c in plain)
    return " ".join("".join(kept).split())


def words_of(lists: Iterable[tuple[str, Iterable[str]]]) -> Words:
    """The configured lists, by the names in `CONTROLS`, as one table.

    Raises:
        ValueError: a word is in two lists, or has no letter or digit.
    """
    table: dict[str, Control] = {}
    for name, listed in lists:
        for word in listed:
            key = folded(word)
            if not key:
                raise ValueError("has a word without a letter or a digit")
            if table.setdefault(key, CONTROLS[name]) is not CONTROLS[name]:
                raise ValueError(f'has the word "{key}" in two lists; a word can mean one thing')
    return MappingProxyType(table)


def wish(text: str, words: Words) -> InboundBody | None:
    """What `text`, written to the app by name, asks for; None if it is for the agent."""
    control = words.get(folded(text))
    return asked(control) if control else None


def asked(control: Control) -> InboundBody | None:
    """What a control asks for that needs no more than its thread; None for any other."""
    match control:
        case Control.END:
            return EndAsked()
        case Control.START:
            return StartAsked()
        case Control.PERSON:
            return PersonAsked()
        case Control.STATUS:
            return StatusAsked()
        case Control.RETRY | Control.CANCEL:
            return None
        case other:
            assert_never(other)


def begins(body: InboundBody) -> bool:
    """Whether a wish, written to the app by name, may begin a conversation."""
    return not isinstance(body, EndAsked | StatusAsked)
