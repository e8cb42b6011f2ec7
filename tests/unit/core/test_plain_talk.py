"""A whole conversation, as people read it where nothing but plain, short words can be shown.

`UPDATE_SNAPSHOTS=1` writes `tests/snapshots/plain` anew.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core import events as e
from bridge.core.effects import Owe, Transmit
from bridge.core.terms import Shows, Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, Post
from bridge.model.messages import Attachment, AttachmentKind, CallAction, Suggestion
from bridge.plugin import notice_text, text_of
from bridge.testing.builders import ANN, Talk, said

SNAPSHOTS = Path(__file__).parents[2] / "snapshots" / "plain"
NOTHING = Shows(**dict.fromkeys(Shows.__struct_fields__, False))


class Script(Talk):
    """A talk that is written down: what people wrote behind `>`, and what the agent got of it."""

    def __init__(self, limit: int) -> None:
        super().__init__(Terms(shows=NOTHING, worded=notice_text, text_limit=limit))
        self.lines: list[str] = []

    def take(self, event: e.Event) -> "Script":
        if isinstance(event, e.MessageAccepted):
            self.lines += [f"> {event.text}"]
        super().take(event)
        bodies = [owe.body for owe in self.of(Owe)]
        self.lines += [f"        (the agent gets: {b.text})" for b in bodies if isinstance(b, Ask)]
        for sent in self.of(Transmit):
            if sent.delivery:
                self.echo(sent.text, sent.delivery)
        posts = [body for body in bodies if isinstance(body, Post)]
        self.lines += [text_of(post.content) for post in posts]
        return self


def written(limit: int) -> str:
    talk = Script(limit)
    talk.joined("Ava").say("hello")
    talk.hear(said("**Hello**, I am Ava. How can I help?", "m1", "Opening hours", "A person"))
    talk.now += timedelta(seconds=1)
    talk.hear(said("Good morning!", "m1a"))
    talk.now += timedelta(seconds=20)
    talk.say("1")
    talk.hear(
        f.AgentMessage(
            "m2",
            "We are <b>open</b>:<br><ul><li>Monday to Friday: 9 to 18</li><li>Saturday: 10 to 16"
            "</li></ul>\n**Closed** on Sundays. See [our shops](https://demo.example/shops).",
            attachments=(
                Attachment(AttachmentKind.IMAGE, "https://demo.example/map.png", "The way"),
                Attachment(AttachmentKind.LINK, "https://demo.example/jobs", "Work with us"),
            ),
            suggestions=(Suggestion("Talk to a person"), Suggestion("Thank you")),
            call_actions=(CallAction("Our shop", "+44 20 7946 0000"),),
        )
    )
    talk.hear(
        f.AgentMessage(
            "m2", attachments=(Attachment(AttachmentKind.LINK, "https://demo.example/faq", "FAQ"),)
        )
    )
    talk.say("1.")
    talk.hear(f.HandoffAccepted("Front desk"))
    talk.hear(f.QueueMoved("Front desk", 4, 240))
    talk.now += timedelta(seconds=20)
    talk.hear(f.QueueMoved("Front desk", 3, 180))
    talk.wait(timedelta(seconds=50))
    talk.say("still there?")
    talk.hear(f.LiveAgentJoined("a1", "Sam"))
    talk.hear(f.LiveAgentMessage("l1", "a1", "Sam", text="Hi, how many do you need, *1* or 2?"))
    talk.say("1")
    talk.hear(f.LiveAgentMessage("l2", "a1", "Sam", text="Done. Goodbye!"))
    talk.hear(f.LiveAgentLeft("a1", "Sam"))
    talk.hear(f.SystemMessage("error", "I'm having trouble responding"))
    talk.take(e.StatusRequested(ANN))
    talk.say("3")
    talk.hear(f.SessionEnded("REASON_USER_END"))
    talk.say("1")
    return "\n".join(talk.lines) + "\n"


@pytest.mark.parametrize("limit", [1000, 64])
def test_a_whole_conversation_reads_well(limit: int) -> None:
    file = SNAPSHOTS / f"conversation_{limit}.txt"
    found = written(limit)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(found, "utf-8")
    assert found == file.read_text("utf-8")
