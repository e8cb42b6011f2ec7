"""What a thread sees while the conversation goes from the agent to people, and back."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import Owe, Show
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Handoff, Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Announce, Ask, Post, Replace
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Author, AuthorKind, Control, Notice, NoticeKind
from bridge.model.signal import Signal, SignalKind
from bridge.testing.builders import ANN, BOB, Talk, said
from bridge.testing.clock import NOON

SINCE = {"since": NOON.isoformat()}
HELP = HandoffRule(queue_name="Sales", place="C9", mention="S1", number="+43 1 234")
LINK = HandoffRule(reason="policy", link="https://help.example")


def handoff(talk: Talk) -> Handoff:
    return talk.session.handoff


def waiting() -> Talk:
    return Talk().joined().hear(f.HandoffTriggered())


def wait_notice(**details: str) -> Notice:
    return Notice(NoticeKind.HANDOFF_WAITING, {**SINCE, **details}, controls=(Control.CANCEL,))


def test_the_wait_for_a_person_is_one_message_changed_in_place() -> None:
    talk = waiting()
    (notice, body) = talk.thread[-1]
    assert body == Post(wait_notice())
    assert handoff(talk) is Handoff.WAITING
    assert talk.hear(f.AgentLeft()).effects == ()
    talk.hear(f.HandoffAccepted("Sales"))
    assert talk.thread[-1][1] == Replace(notice, wait_notice(queue="Sales"))
    talk.now += timedelta(minutes=1)
    talk.hear(f.QueueMoved("Sales", 2, 60, "Soon"))
    details = {"queue": "Sales", "position": "2", "wait_seconds": "60", "message": "Soon"}
    assert talk.thread[-1][1] == Replace(notice, wait_notice(**details))
    assert talk.hear(f.QueueMoved()).effects == (), "nothing to say, nothing changed"
    assert talk.hear(f.QueueMoved("Sales", 2, 60, "Soon")).effects == (), "nothing new"
    talk.hear(f.QueueMoved(position=1))
    assert talk.contents == [wait_notice(queue="Sales", position="1")], "the queue keeps its name"
    talk.hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.notices == [NoticeKind.HANDOFF_FOUND, NoticeKind.HANDOFF_JOINED]
    assert handoff(talk) is Handoff.LIVE


def test_a_handoff_may_skip_its_first_steps() -> None:
    talk = Talk().joined().hear(f.QueueMoved(position=0))
    assert talk.contents == [wait_notice(position="0")]
    assert Talk().joined().hear(f.LiveAgentJoined()).notices == [NoticeKind.HANDOFF_JOINED]


def test_a_late_word_of_the_queue_does_not_take_the_person_away() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo")).hear(f.QueueMoved(position=1))
    assert talk.effects == ()
    assert handoff(talk) is Handoff.LIVE


def test_a_live_agent_is_known_by_its_name_from_then_on() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo", "https://x/jo.png"))
    talk.hear_transient(f.LiveAgentTyping(agent_id="a1"))
    assert talk.effects == (Show(Signal(SignalKind.TYPING, "Jo")),)
    talk.hear(f.LiveAgentMessage("l1", "a1", text="Hi"))
    author = Author(AuthorKind.LIVE_AGENT, "Jo", "https://x/jo.png")
    assert talk.contents == [AgentReply(author, "Hi")]
    assert talk.say("hello").sent == ["hello"], "people speak to it in the same way"
    talk.hear(f.LiveAgentLeft("a1"))
    assert talk.contents == [Notice(NoticeKind.HANDOFF_LEFT, {"name": "Jo"})]
    assert handoff(talk) is Handoff.NONE


def test_a_live_agent_nobody_introduced_may_speak_and_leave() -> None:
    talk = Talk().joined().hear(f.LiveAgentMessage("l1", "a9", text="Hi"))
    assert talk.contents == [AgentReply(Author(AuthorKind.LIVE_AGENT), "Hi")]
    talk.hear(f.LiveAgentMessage("l2", "a9", "Kim", "https://x/kim.png", "Me"))
    author = Author(AuthorKind.LIVE_AGENT, "Kim", "https://x/kim.png")
    assert talk.contents == [AgentReply(author, "Me")]
    assert talk.hear(f.LiveAgentLeft()).contents == [Notice(NoticeKind.HANDOFF_LEFT)]


@pytest.mark.parametrize("step", [f.HandoffTriggered(), f.LiveAgentJoined("a1")])
def test_the_agent_is_not_seen_thinking_while_people_are_at_it(step: f.FrameBody) -> None:
    talk = Talk().joined().hear(step)
    assert talk.hear_transient(f.AgentThinking()).effects == ()


def test_another_person_may_take_over() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo")).hear(f.LiveAgentLeft("a1"))
    assert talk.hear(f.LiveAgentJoined("a2", "Kim")).notices == [NoticeKind.HANDOFF_JOINED]
    assert handoff(talk) is Handoff.LIVE


def test_a_broken_handoff_is_told_and_the_session_goes_on() -> None:
    talk = waiting().hear(f.HandoffBroke("nobody there"))
    assert talk.contents[-1] == Notice(NoticeKind.HANDOFF_FAILED, {"reason": "nobody there"})
    assert handoff(talk) is Handoff.BROKEN
    assert talk.hear(f.HandoffBroke("nobody there")).effects == (), "told once"
    assert talk.say("hello").sent == ["hello"]
    assert talk.hear(f.HandoffTriggered()).notices == [NoticeKind.HANDOFF_WAITING]


def test_a_handoff_that_took_too_long_says_so() -> None:
    talk = waiting().hear(f.HandoffBroke(timed_out=True))
    assert talk.contents[-1] == Notice(NoticeKind.HANDOFF_FAILED, {"timed_out": "yes"})


def test_news_of_the_queue_keep_the_socket() -> None:
    talk = waiting()
    talk.now += timedelta(minutes=20)
    talk.hear(f.QueueMoved(position=1))
    assert talk.wait(timedelta(minutes=20)).conversation.wish is Wish.SOCKET


def test_who_no_longer_waits_leaves_the_queue_by_ending_the_session() -> None:
    talk = waiting()
    notice = talk.thread[-1][0]
    assert talk.take(e.CancelRequested(notice)).sent == ["end"]
    assert talk.take(e.CancelRequested(notice)).effects == (), "once"
    talk.hear(f.EndEchoed()).hear(f.SessionEnded("REASON_USER_END"))
    ended = Notice(NoticeKind.ENDED, {"reason": "LEFT_QUEUE"}, controls=(Control.START,))
    assert talk.contents == [ended, Notice(NoticeKind.HANDOFF_FOUND)]


def test_the_wait_cannot_be_left_once_somebody_has_come() -> None:
    talk = waiting()
    notice = talk.thread[-1][0]
    talk.hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.take(e.CancelRequested(notice)).effects == ()
    assert Talk().take(e.CancelRequested(notice)).effects == ()


def test_a_control_of_an_earlier_wait_leaves_the_present_one_alone() -> None:
    talk = waiting()
    (notice, _) = talk.thread[-1]
    talk.hear(f.LiveAgentJoined("a1", "Jo")).hear(f.LiveAgentLeft("a1", "Jo"))
    talk.hear(f.HandoffTriggered())
    for stale in (notice, DeliveryId("c1.99")):
        assert talk.take(e.CancelRequested(stale, ANN)).notices == [NoticeKind.STALE]
        assert talk.sent == []


def test_a_handoff_for_us_to_do_is_told() -> None:
    talk = Talk().joined().hear(f.HandoffElsewhere("POLICY", "Sales", "https://x"))
    details = {"reason": "POLICY", "queue": "Sales", "route": "https://x"}
    assert talk.contents == [Notice(NoticeKind.HANDOFF_ELSEWHERE, details)]
    assert handoff(talk) is Handoff.ELSEWHERE


def test_a_handoff_for_us_to_do_ends_the_wait() -> None:
    talk = waiting().hear(f.HandoffElsewhere(route="https://x"))
    assert talk.notices == [NoticeKind.HANDOFF_FOUND, NoticeKind.HANDOFF_ELSEWHERE]
    assert talk.hear(f.HandoffTriggered()).notices == [NoticeKind.HANDOFF_WAITING]


@pytest.mark.parametrize(
    "route",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "tel:1",
        "x",
        "http://plain.example",
        "https://bank.example@evil.example/",
        "https://[broken",
        "https://",
    ],
)
def test_an_address_that_is_no_web_page_is_not_shown(route: str) -> None:
    talk = Talk().joined().hear(f.HandoffElsewhere(queue="Sales", route=route))
    assert talk.contents == [Notice(NoticeKind.HANDOFF_ELSEWHERE, {"queue": "Sales"})]


def ruled() -> Talk:
    talk = Talk(Terms(handoffs=(HELP, LINK))).joined()
    talk.take(e.MessageAccepted("a person, please", ANN, called=True))
    return talk.echo("a person, please", talk.of(Owe)[0].id)


def test_helpers_are_called_where_the_operator_said() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "sales"))
    call = {"queue": "sales", "reason": "POLICY", "person": "Ann", "mention": "S1"}
    announced = Announce("C9", Notice(NoticeKind.HANDOFF_CALL, call))
    assert next(owe.body for owe in talk.of(Owe)) == announced
    told = {"reason": "POLICY", "queue": "sales", "number": "+43 1 234", "called": "yes"}
    assert talk.contents == [Notice(NoticeKind.HANDOFF_ELSEWHERE, told, controls=(Control.START,))]


def test_a_call_that_reached_nobody_is_told_and_the_agent_listens_again() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales"))
    call = next(owe.id for owe in talk.of(Owe) if isinstance(owe.body, Announce))
    assert talk.take(e.HelpersNotCalled(DeliveryId("c1.99"))).effects == ()
    talk.take(e.HelpersNotCalled(call))
    assert talk.notices == [NoticeKind.HANDOFF_ELSEWHERE, NoticeKind.HANDOFF_FAILED]
    told = {"reason": "POLICY", "queue": "Sales", "number": "+43 1 234"}
    assert talk.contents[0] == Notice(NoticeKind.HANDOFF_ELSEWHERE, told), "nobody was called"
    assert talk.take(e.HelpersNotCalled(call)).effects == (), "told once"
    assert talk.say("hello").sent == ["hello"]


def test_who_wants_the_agent_back_gets_a_new_session() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.AgentLeft())
    talk.take(e.StartRequested())
    assert talk.conversation.wish is Wish.SESSION
    assert talk.opened().ready().sent == ["join"]


def test_an_end_among_people_does_not_ask_them_to_write_to_the_agent() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.SessionEnded())
    ended = Notice(NoticeKind.ENDED, {"called": "yes"}, controls=(Control.START,))
    assert talk.contents == [ended]


def test_the_first_rule_that_matches_wins_and_none_may() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Billing"))
    told = {"reason": "POLICY", "queue": "Billing", "link": "https://help.example"}
    assert talk.contents == [Notice(NoticeKind.HANDOFF_ELSEWHERE, told)]
    talk = ruled().hear(f.HandoffElsewhere("AGENT_DECISION", "Billing"))
    told = {"reason": "AGENT_DECISION", "queue": "Billing"}
    assert talk.contents == [Notice(NoticeKind.HANDOFF_ELSEWHERE, told)]


def test_people_who_were_called_talk_among_themselves_until_the_agent_is_addressed() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.AgentLeft())
    before = talk.conversation
    assert talk.say("How can I help?", BOB).effects == ()
    assert talk.conversation == before
    assert talk.take(e.MessageAccepted("agent?", ANN, called=True)).sent == ["agent?"]
    assert talk.contents == [
        Notice(
            NoticeKind.HANDOFF_ELSEWHERE,
            {"reason": "POLICY", "queue": "Sales", "number": "+43 1 234"},
        )
    ], "the thread no longer says that the agent does not read along"
    talk.echo("agent?", next(owe.id for owe in talk.of(Owe) if isinstance(owe.body, Ask)))
    assert talk.say("And more").sent == ["And more"]


def test_people_stay_among_themselves_after_the_session_ended() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.SessionEnded())
    assert talk.say("How can I help?", BOB).effects == ()
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.take(e.StartRequested()).conversation.wish is Wish.SESSION
    assert talk.opened().say("hello").conversation.waiting != ()


def test_without_helpers_in_the_thread_the_agent_goes_on_listening() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Billing"))
    assert talk.say("hello").sent == ["hello"]
    assert talk.hear(said("Yes?", "m1")).texts == ["Yes?"]


def test_nobody_is_called_twice_for_one_handoff() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales"))
    assert talk.hear(f.HandoffElsewhere("POLICY", "Sales")).effects == ()


def test_a_person_who_is_there_is_not_announced_again() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.hear(f.LiveAgentJoined("a1", "Jo")).effects == ()
    assert talk.hear(f.LiveAgentJoined("a2", "Kim")).notices == [NoticeKind.HANDOFF_JOINED]
    talk.hear(f.LiveAgentLeft("a2"))
    assert talk.hear(f.LiveAgentLeft("a2")).effects == ()


def test_who_speaks_without_having_come_is_there() -> None:
    talk = waiting().hear(f.LiveAgentMessage("l1", "a9", "Kim", text="Hi"))
    assert NoticeKind.HANDOFF_FOUND in talk.notices
    assert handoff(talk) is Handoff.LIVE


@pytest.mark.parametrize("step", [f.HandoffTriggered(), f.LiveAgentJoined("a1", "Jo")])
def test_the_agent_that_comes_back_ends_the_wait(step: f.FrameBody) -> None:
    talk = Talk().joined().hear(step).hear(f.AgentJoined("Poly"))
    assert handoff(talk) is Handoff.NONE
    assert talk.session.queue_notice is None


def test_a_late_word_of_a_queue_that_came_to_nothing_opens_no_new_wait() -> None:
    talk = waiting().hear(f.HandoffBroke()).hear(f.QueueMoved(position=1))
    assert talk.effects == ()
    assert talk.hear(f.HandoffAccepted("Sales")).notices == [NoticeKind.HANDOFF_WAITING]


def test_a_wait_that_nobody_ends_is_given_up_visibly() -> None:
    talk = waiting().wait(timedelta(hours=12))
    assert talk.session.released
    assert talk.notices == [NoticeKind.HANDOFF_FOUND, NoticeKind.HANDOFF_FAILED]


def test_a_handoff_that_failed_after_helpers_were_called_lets_the_agent_listen() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.HandoffBroke())
    assert talk.say("hello").sent == ["hello"]


def test_another_handoff_for_us_to_do_is_told_once_the_person_has_gone_on() -> None:
    talk = Talk().joined().hear(f.HandoffElsewhere(queue="Sales"))
    assert talk.hear(f.HandoffElsewhere(queue="Sales")).effects == (), "said again"
    talk.say("and now a person, please")
    assert talk.hear(f.HandoffElsewhere(queue="Sales")).notices == [NoticeKind.HANDOFF_ELSEWHERE]


def test_another_failure_is_told_once_the_person_has_gone_on() -> None:
    talk = waiting().hear(f.HandoffBroke()).say("try again")
    assert talk.hear(f.HandoffBroke()).notices == [NoticeKind.HANDOFF_FAILED]


def test_a_late_word_of_somebody_who_has_left_brings_nobody_back() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo")).hear(f.LiveAgentLeft("a1"))
    assert talk.hear(f.LiveAgentMessage("l1", "a1", text="Bye")).texts == ["Bye"]
    assert handoff(talk) is Handoff.NONE
    talk.hear(f.LiveAgentJoined("a1", "Jo")).hear(f.LiveAgentMessage("l2", "a1", text="Back"))
    assert handoff(talk) is Handoff.LIVE


def test_who_takes_over_stays_when_the_other_leaves() -> None:
    talk = waiting().hear(f.LiveAgentJoined("a1", "Jo")).hear(f.LiveAgentJoined("a2", "Kim"))
    left = Notice(NoticeKind.HANDOFF_LEFT, {"name": "Jo"})
    assert talk.hear(f.LiveAgentLeft("a1")).contents == [left]
    assert handoff(talk) is Handoff.LIVE
    assert talk.hear(f.LiveAgentLeft("a1")).effects == (), "told once"
    assert talk.hear(f.LiveAgentLeft("a2")).notices == [NoticeKind.HANDOFF_LEFT]
    assert handoff(talk) is Handoff.NONE


def test_a_person_of_polyais_reads_along_even_after_helpers_were_called() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.say("hello").sent == ["hello"]


def test_a_handoff_is_an_answer() -> None:
    talk = ruled().hear(f.HandoffElsewhere("POLICY", "Sales")).gone()
    assert talk.contents == []
