"""The base of every value: immutable, compared by content, able to become JSON and come back."""

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """An immutable value. Fields may be added with a default: older rows still load."""
