"""What several events together come to."""

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Transmit
from bridge.core.state import Terms
from bridge.model import frames as f
from bridge.runtime.deciding import Mail, decide
from bridge.testing.builders import ANN, Talk, frame, said


def test_a_message_said_just_before_the_end_is_sent_in_the_next_session_alone() -> None:
    talk = Talk().joined()
    mail = [
        Mail(e.MessageAccepted("one more thing", ANN)),
        Mail(e.FrameArrived(1, frame(said("Goodbye", "m1", ends=True), 90))),
    ]

    decision = decide(talk.conversation, mail, talk.now, Terms())

    assert [w.text for w in decision.conversation.waiting] == ["one more thing"]
    assert [x for x in decision.effects if isinstance(x, Transmit)] == []
    assert ForgetSession(1) in decision.effects


def test_a_message_that_is_still_in_flight_is_sent() -> None:
    talk = Talk().joined()
    mail = [
        Mail(e.MessageAccepted("hello", ANN)),
        Mail(e.FrameArrived(1, frame(f.AgentThinking()))),
    ]

    decision = decide(talk.conversation, mail, talk.now, Terms())

    assert [x.text for x in decision.effects if isinstance(x, Transmit)] == ["hello"]
