"""What can a system tell? One shape for each kind of thing that happens in a thread.

Fields that no shape knows are refused, so that a misspelt one is not lost in silence. The document
for integrators is made from these shapes.
"""

import re
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

#: What people say at once ends here, in code points; no agent takes more.
TEXT_LIMIT = 40_000

_ID_PATTERN = "^[!-~]+$"
_NAME_PATTERN = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"
_ID = re.compile(r"[!-~]+")
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")


def _id(meaning: str) -> Any:  # noqa: ANN401 - the extra arguments of an annotation
    return Meta(
        min_length=1,
        max_length=200,
        description=meaning,
        # Held to by `_plain`: to Python's `$`, a line break at the end is no part of the text.
        extra_json_schema={"pattern": _ID_PATTERN},
    )


_Delivery = Annotated[str, _id("The `id` of the callback under which it was offered.")]
_Original = Annotated[str, _id("The `id` under which you told of the message.")]
_Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT, description="Their words.")]


class Speaker(Struct, frozen=True, forbid_unknown_fields=True):
    """Who did it."""

    id: Annotated[str, _id("Your own name of this person, always the same.")]
    name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=200,
                description="How people call them.",
                extra_json_schema={"pattern": _NAME_PATTERN},
            ),
        ]
        | None
    ) = None

    def __post_init__(self) -> None:
        """Hold the patterns; raises ValueError, which the reader turns into a place."""
        _plain(id=self.id)
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ValueError("`name` has control characters; leave them out")


class Told(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What all kinds have in common."""

    id: Annotated[
        str,
        _id(
            "Your own name of this event, among those of its kind and thread. Told twice, it "
            "counts once."
        ),
    ]
    thread: Annotated[str, _id("Your own name of the conversation it belongs to.")]
    person: Speaker
    at: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="When it happened, with an offset from UTC. It sorts what is told out "
                "of order: give it always or never. Without it, things happen as they are told.",
            ),
        ]
        | None
    ) = None
    place: Annotated[
        str,
        Meta(
            max_length=200,
            description="A part of your system, such as a department: `[[routes]]` may give it an "
            "agent of its own (`channel`).",
            extra_json_schema={"pattern": "^[!-~]*$"},
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Hold the patterns; raises ValueError, which the reader turns into a place."""
        _plain(id=self.id, thread=self.thread)
        if self.place:
            _plain(place=self.place)


_Opens = Annotated[
    bool,
    Meta(description="Whether it may begin a conversation; if not, and there is none: ignored."),
]


class TellsSaid(Told, frozen=True, tag="said"):
    """A person said something."""

    text: _Text
    opens: _Opens = True


class TellsChoice(Told, frozen=True, tag="choice"):
    """A person chose a suggestion."""

    delivery: _Delivery
    #: To JSON 1.0 is a whole number too.
    index: Annotated[
        float,
        Meta(
            ge=0,
            le=1000,
            multiple_of=1,
            description="The `index` of the suggestion.",
        ),
    ]
    mark: Annotated[
        str,
        Meta(
            max_length=8,
            description="The `mark` of the suggestion: with it, a choice that meanwhile means "
            "something else is declined.",
            extra_json_schema={"pattern": "^[0-9a-f]*$"},
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Hold the patterns; raises ValueError, which the reader turns into a place."""
        Told.__post_init__(self)
        _plain(delivery=self.delivery)
        if not re.fullmatch("[0-9a-f]*", self.mark):
            raise ValueError("`mark` is not as it was given; leave it out, or leave it as it is")


class TellsEnd(Told, frozen=True, tag="end"):
    """A person wants the conversation ended."""


class TellsStart(Told, frozen=True, tag="start"):
    """A person wants a new conversation with the agent, in place of one that is open."""

    delivery: _Delivery | None = None
    opens: _Opens = True

    def __post_init__(self) -> None:
        """Hold the patterns; raises ValueError, which the reader turns into a place."""
        Told.__post_init__(self)
        if self.delivery is not None:
            _plain(delivery=self.delivery)


class _OfDelivery(Told, frozen=True):
    delivery: _Delivery

    def __post_init__(self) -> None:
        Told.__post_init__(self)
        _plain(delivery=self.delivery)


class TellsRetry(_OfDelivery, frozen=True, tag="retry"):
    """A person wants sent again what a notice said had not reached the agent."""


class TellsCancel(_OfDelivery, frozen=True, tag="cancel"):
    """A person no longer waits for a live agent."""


class TellsPerson(Told, frozen=True, tag="person"):
    """A person wants to talk to a person."""

    opens: _Opens = True


class TellsStatus(Told, frozen=True, tag="status"):
    """A person wants to know what is going on."""


class _OfMessage(Told, frozen=True):
    original: _Original

    def __post_init__(self) -> None:
        Told.__post_init__(self)
        _plain(original=self.original)


class TellsEdited(_OfMessage, frozen=True, tag="edited"):
    """A person changed what they had said."""

    text: _Text


class TellsDeleted(_OfMessage, frozen=True, tag="deleted"):
    """A person took back what they had said."""


class TellsClosed(Told, frozen=True, tag="closed"):
    """Nothing can be written in the thread any more."""


Message = (
    TellsSaid
    | TellsChoice
    | TellsEnd
    | TellsStart
    | TellsRetry
    | TellsCancel
    | TellsPerson
    | TellsStatus
    | TellsEdited
    | TellsDeleted
    | TellsClosed
)


def _plain(**ids: str) -> None:
    for name, value in ids.items():
        if not _ID.fullmatch(value):
            raise ValueError(f"`{name}` is no id; write visible ASCII characters without a space")
