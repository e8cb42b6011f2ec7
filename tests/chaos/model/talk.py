"""What one thread must come to: the plain law, told without sockets, stores or deaths.

Whatever goes wrong, each thing that people say reaches the agent once, and each thing that the
agent says stands in the thread once, in order. So what must be on record follows from what was
done alone; no fault and no kill is named here.
"""

import enum
from dataclasses import dataclass, field

from bridge.simulators.polyai_agent import (
    FAREWELL,
    GREETING,
    HANDOFF_LINE,
    ORDER_QUESTION,
    SAM_HELLO,
)

#: What stands for a notice that is there exactly once for each of its causes.
ENDED, JOINED = "(ended)", "(joined)"
ANSWER = "I do not have it"
ORDERED = "Order 4711 left our warehouse yesterday and arrives tomorrow by noon."
THANKS = "You are welcome. Take care!"


class Stand(enum.Enum):
    """How a thread stands when nothing is under way."""

    NEW = "new"  #: nobody said anything yet
    OPEN = "open"
    LIVE = "live"  #: with Sam
    OVER = "over"  #: ended, or lost: who writes on opens another session


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done in one thread; its name tells it from all others."""

    kind: str
    thread: int
    name: str
    person: int
    of: str = ""  #: what is changed, by its own act's name

    def __str__(self) -> str:
        return f"{self.kind} {self.name} by {self.person}"


#: What can be done in a thread that stands so.
POSSIBLE: dict[Stand, tuple[str, ...]] = {
    Stand.NEW: ("open",),
    Stand.OPEN: (
        *("reply", "reply", "burst", "choose", "shortcut", "end", "news", "stream", "order"),
        *("handoff", "bye", "lose", "cut", *["edit"] * 3),  # there is seldom something to edit
    ),
    Stand.LIVE: ("reply", "burst", "shortcut", "thanks"),
    Stand.OVER: ("reply", "burst"),
}


@dataclass(slots=True)
class Talk:
    """One thread: what the agent must have heard and said, as far as it was played."""

    stand: Stand = Stand.NEW
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    last: str = ""  #: what can be edited: the last thing said in this session
    author: int = 0  #: whose it is

    def can(self, kind: str) -> bool:
        """Whether it makes sense to do this now."""
        return kind in POSSIBLE[self.stand] and (kind != "edit" or bool(self.last))

    def take(self, act: Act) -> None:
        """Let this have been done, to its end."""
        self.last = ""
        match act.kind:
            case "open" | "reply" | "burst":
                self._say(act)
            case "edit":
                corrected = f"Correction: say {act.name}"
                self._exchange(corrected, f"You said: {corrected}")
            case "choose":
                self._exchange(f"my order, {act.name}", ORDER_QUESTION)
                self._exchange(ANSWER, f"You said: {ANSWER}")
            case "news" | "stream":
                self.said += texts(act)
            case "order":
                self._exchange(texts(act)[0], ORDERED)
            case "handoff":
                self._exchange(texts(act)[0], HANDOFF_LINE)
                self._ends_as(Stand.LIVE, JOINED, f"Sam: {SAM_HELLO}")
            case "bye":
                self._exchange(texts(act)[0], FAREWELL)
                self._ends_as(Stand.OVER, ENDED)
            case "thanks":
                self._exchange(texts(act)[0], f"Sam: {THANKS}")
                self._ends_as(Stand.OVER, ENDED)
            case "end" | "cut":
                self._ends_as(Stand.OVER, ENDED)
            case "lose":
                self._ends_as(Stand.OVER)

    def _say(self, act: Act) -> None:
        if self.stand in (Stand.NEW, Stand.OVER):
            self.said.append(GREETING)
            self.stand = Stand.OPEN
        live = self.stand is Stand.LIVE
        for text in texts(act):
            self._exchange(text, f"Sam: I see: {text}" if live else text.removeprefix("say "))
        self.last = act.name if act.kind == "reply" and not live else ""
        self.author = act.person

    def _exchange(self, heard: str, said: str) -> None:
        self.heard.append(heard)
        self.said.append(said)

    def _ends_as(self, stand: Stand, *said: str) -> None:
        self.stand = stand
        self.said += said


def texts(act: Act) -> list[str]:
    """The words of an act: a person's, or the agent's own."""
    match act.kind:
        case "burst":
            return [f"say {act.name}{letter}" for letter in "abc"]
        case "order":
            return [f"where is 4711, {act.name}?"]
        case "handoff":
            return [f"I need a human, {act.name}"]
        case "bye":
            return [f"bye, {act.name}"]
        case "thanks":
            return [f"That is all, {act.name}"]
        case "choose":
            return [f"my order, {act.name}"]
        case "news":
            return [f"news {act.name}"]
        case "stream":
            return [f"A beginning of some length about {act.name}, and more of it, and the end."]
        case _:
            return [f"say {act.name}"]
