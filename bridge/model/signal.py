"""Passing signs of life: shown if possible, never stored, never in the way of a message."""

import enum

from bridge.model.value import Value


class SignalKind(enum.StrEnum):
    """A passing sign of life."""

    THINKING = "thinking"
    TYPING = "typing"
    CLEAR = "clear"


class Signal(Value, frozen=True):
    """What the other side is doing at this moment; never stored, may be lost."""

    kind: SignalKind
    name: str | None = None
