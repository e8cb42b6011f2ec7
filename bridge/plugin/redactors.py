"""What else is taken out of people's words? Callables that installed packages announce."""

from importlib.metadata import entry_points
from typing import Final

from bridge.core.redaction import BUILT_IN, Redactor
from bridge.errors import ConfigurationError

#: Where an installed package announces one: `name = "module:function"`.
REDACTORS: Final = "polyai_bridge.redactors"


def known_redactors() -> set[str]:
    """The names that a configuration can use; nothing is imported for it."""
    return {*BUILT_IN, *(entry.name for entry in entry_points(group=REDACTORS))}


def find_redactor(name: str) -> Redactor:
    """The one of this name.

    Raises:
        ConfigurationError: there is none, or it cannot be imported: nothing is sent without it.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    found = [entry for entry in entry_points(group=REDACTORS) if entry.name == name]
    if len({entry.value for entry in found}) != 1:
        raise _unusable(name, "no package announces it, or several do")
    try:
        redactor = found[0].load()
    # Whatever foreign code raises while it is imported: then nothing can be taken out by it.
    except (Exception, SystemExit) as error:
        raise _unusable(name, f"importing it failed: {type(error).__name__}") from None
    if not callable(redactor):
        raise _unusable(name, "it cannot be called")
    made: Redactor = redactor
    return made


def _unusable(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f'redact: "{name}" cannot be used: {why}',
        remedy=f"install or repair its package, or name others: {', '.join(BUILT_IN)}",
    )
