"""What is a rule? An id, a level, one sentence, and how it is tried."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.testing.conformance.stage import Stage
from bridge.testing.conformance.verdicts import Level

#: Returns if the rule is kept, else raises what was `Found`.
Trial = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise that every adapter makes."""

    id: str
    level: Level
    sentence: str
    trial: Trial


def rule(level: Level) -> Callable[[Trial], Rule]:
    """A trial as a rule: its name gives the id, the first line of its docstring the sentence."""

    def made(trial: Trial) -> Rule:
        sentence = (trial.__doc__ or "").partition("\n")[0]
        return Rule(trial.__name__.replace("_", "-"), level, sentence, trial)

    return made
