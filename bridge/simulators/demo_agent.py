"""What does Ava know in the demo, beyond what she always does? What shows much, or takes long.

In a play she is `prompted`: what takes several steps is left to the play, which goes on once the
step before was seen. At a terminal she goes on by herself, slowly enough to be interrupted.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import HANDOFF_LINE, Act, Emit, Party, Pause, RuleAgent, Say
from bridge.simulators.polyai_frames import Json

WAREHOUSE = "The warehouse says: yes, it is gift-wrapped."
SHOP = """\
**Everything for your kitchen**, from [our shop](https://demo.example/shop):
- Knives
  - for bread
  - for herbs
- Boards

| Size | Price |
|---|---|
| Small | 12.50 |
| Large | 18.00 |

The code `WELCOME` takes a tenth off."""
SHELVES = (
    "Aprons",
    "Boards",
    "Bowls",
    "Cups",
    "Graters",
    "Kettles",
    "Knives",
    "Pans",
    "Plates",
    "Scales",
    "Spoons",
    "Tea towels",
)
CARD: Json = {
    "title": "The new catalogue",
    "content_url": "https://demo.example/catalogue",
    "preview_image_url": "https://demo.example/catalogue.png",
    "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
    "call_to_action_text": "Leaf through it",
}
TERMS_END = "That is all, and **nothing** of it is in small print."

_MOST = 40  # of the terms; one message holds more
_PACE = timedelta(milliseconds=600)


def terms() -> Iterator[str]:
    """What there is to say before TERMS_END, piece by piece."""
    for number in range(1, _MOST + 1):
        yield f"Part {number} of our terms is soon told and easily kept. "


class DemoAgent:
    """Ava, who also sells things, asks the warehouse and explains the terms at length."""

    def __init__(self) -> None:
        self.prompted = False
        self._rules = RuleAgent(handoff_pace=timedelta(milliseconds=500))
        self._explained = 0

    def greet(self, party: Party) -> Sequence[Act]:
        """What follows a join."""
        return self._rules.greet(party)

    def answer(self, party: Party, text: str) -> Sequence[Act]:
        """What follows a message."""
        thinking = Emit(frames.THINKING)
        if party.live:
            return self._rules.answer(party, text)
        if re.search(r"\bwarehouse\b", text, re.IGNORECASE):
            return [thinking, Pause(timedelta(seconds=2)), Say(WAREHOUSE)]
        if re.search(r"\bsell\b", text, re.IGNORECASE):
            return [thinking, Say(SHOP, SHELVES, (CARD,))]
        if re.search(r"\bterms\b", text, re.IGNORECASE):
            return [thinking, *([] if self.prompted else self._explain())]
        if self.prompted and re.search(r"\btalk to a person\b", text, re.IGNORECASE):
            return [thinking, Say(HANDOFF_LINE)]
        return self._rules.answer(party, text)

    def _explain(self) -> Iterator[Act]:
        self._explained += 1
        body: Json = {"message_id": f"terms-{self._explained}"}
        for index, piece in enumerate(terms(), 1):
            chunk = {"text": piece, "chunk_index": index, "is_complete": False}
            yield Emit(frames.CHUNK, body | chunk)
            yield Pause(_PACE)
        last = {"text": TERMS_END, "chunk_index": _MOST + 1, "is_complete": True}
        yield Emit(frames.CHUNK, body | last)
