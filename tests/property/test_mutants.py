"""Would the laws of the conversation notice? Each law, with the faults of the core it must catch.

Here and in `test_law_mutants` alone our own code is patched: a law that no fault can break proves
nothing.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bridge.core import (
    controls,
    conversation,
    corrections,
    deadlines,
    endings,
    following,
    growing,
    handoffs,
    journal,
    saying,
    sending,
    showing,
    troubles,
)
from bridge.core import events as e
from bridge.core.assembly import Stream
from bridge.core.effects import Grow, Owe, SendKind
from bridge.core.journal import Journal
from bridge.core.state import Conversation, Heard, Retry, Session, Told, Waiting
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, Reading
from bridge.model.delivery import DeliveryState, Replace
from bridge.model.frames import AgentMessage, Frame, HandoffElsewhere, MessageEchoed
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Choice, Content, NoticeKind, Person
from bridge.runtime import deciding
from tests.property.modelled_agent import LawBroken
from tests.property.rehearsal import Move
from tests.property.test_conversation import MOVES, STORIES, rehearse

pytestmark = pytest.mark.thorough

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]

# -- what the journal and the cursor know ----------------------------------------------------------


def cursor_over_a_stream(patch: Patch) -> None:
    patch.setattr(Session, "cursor", property(lambda self: self.journal.floor))


def cursor_at_the_highest_number(patch: Patch) -> None:
    highest = property(lambda self: max((high for _, high in self.journal.ranges), default=0))
    patch.setattr(Session, "cursor", highest)


def known_frames_followed_again(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: False)


def newer_means_above_the_floor(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: (frame.sequence or 0) <= self.floor)


# -- what goes to the agent ------------------------------------------------------------------------


def resent_without_a_replay(patch: Patch) -> None:
    patch.setattr(deadlines, "verify", lambda step, session: sending.resend(step))


def never_resent(patch: Patch) -> None:
    patch.setattr(conversation, "_take_up", lambda step, session: step.change(in_flight=None))


def waited_for_and_never_resent(patch: Patch) -> None:
    patch.setattr(conversation, "_take_up", lambda step, session: None)


def given_up_at_the_first_doubt(patch: Patch) -> None:
    patch.setattr(conversation, "_take_up", endings.give_up)


def joined_again_on_every_socket(patch: Patch) -> None:
    take_up = conversation._take_up

    def forgetful(step: Stepping, session: Session) -> None:
        step.change_session(joined=False, join_echoed_at=None)
        take_up(step, session)

    patch.setattr(conversation, "_take_up", forgetful)


def spoken_to_before_it_joined(patch: Patch) -> None:
    take_up = conversation._take_up

    def hasty(step: Stepping, session: Session) -> None:
        step.change_session(joined=True)
        take_up(step, session)

    patch.setattr(conversation, "_take_up", hasty)


def a_receipt_leaves_it_in_flight(patch: Patch) -> None:
    def forgetful(step: Stepping, frame: Frame, echo: MessageEchoed) -> None:
        flight = step.conversation.in_flight
        if flight is not None and flight.message is not None:
            step.settle(flight.message.delivery, DeliveryState.SENT, "")

    patch.setattr(following, "echoed", forgetful)


def any_echo_confirms(patch: Patch) -> None:
    def credulous(step: Stepping, frame: Frame, echo: MessageEchoed) -> None:
        sending.landed(step, SendKind.MESSAGE)

    patch.setattr(following, "echoed", credulous)


def any_error_is_a_receipt(patch: Patch) -> None:
    patch.setattr(troubles, "read", lambda message: Reading("any", Answer.SHOW))


def newest_first(patch: Patch) -> None:
    owe = saying.owe_agent

    def rude(step: Stepping, text: str, person: Person, **more: Any) -> None:  # noqa: ANN401
        owe(step, text, person, **more)
        waiting: tuple[Waiting, ...] = step.conversation.waiting
        step.change(waiting=(*waiting[-1:], *waiting[:-1]))

    patch.setattr(saying, "owe_agent", rude)


def the_same_words_are_one_message(patch: Patch) -> None:
    owe = saying.owe_agent

    def clever(step: Stepping, text: str, person: Person, **more: Any) -> None:  # noqa: ANN401
        if text not in [waiting.text for waiting in step.conversation.waiting]:
            owe(step, text, person, **more)

    patch.setattr(saying, "owe_agent", clever)


def said_for_good_measure_twice(patch: Patch) -> None:
    owe = saying.owe_agent

    def eager(step: Stepping, text: str, person: Person, **more: Any) -> None:  # noqa: ANN401
        owe(step, text, person, **more)
        owe(step, text, person, **more)

    patch.setattr(saying, "owe_agent", eager)


def both_texts_are_sent(patch: Patch) -> None:
    def untidy(step: Stepping, old: Waiting, new: Waiting | None) -> None:
        if new is not None:
            step.change(waiting=(*step.conversation.waiting, new))

    patch.setattr(corrections, "_put", untidy)


def changed_words_go_last(patch: Patch) -> None:
    def rude(step: Stepping, old: Waiting, new: Waiting | None) -> None:
        others = tuple(one for one in step.conversation.waiting if one is not old)
        step.change(waiting=others if new is None else (*others, new))

    patch.setattr(corrections, "_put", rude)


def changed_words_are_forgotten(patch: Patch) -> None:
    put = corrections._put
    patch.setattr(corrections, "_put", lambda step, old, new: put(step, old, None))


# -- what survives ---------------------------------------------------------------------------------


def what_is_in_flight_not_committed(patch: Patch) -> None:
    essence = Conversation.essence

    def thinner(self: Conversation) -> Conversation:
        return msgspec.structs.replace(essence(self), in_flight=None, waiting=())

    patch.setattr(Conversation, "essence", thinner)


def entries_never_done(patch: Patch) -> None:
    change = deciding._change

    def untidy(*args: Any) -> object:  # noqa: ANN401 - as it is called
        made = change(*args)
        return None if made is None else msgspec.structs.replace(made, done=())

    patch.setattr(deciding, "_change", untidy)


def a_list_where_a_tuple_comes_back(patch: Patch) -> None:
    joined = journal._with
    patch.setattr(journal, "_with", lambda ranges, number: list(joined(tuple(ranges), number)))


def ids_given_twice(patch: Patch) -> None:
    identity = DeliveryId("c1.1")
    patch.setattr(Stepping, "new_id", lambda self: identity)


# -- how sessions end ------------------------------------------------------------------------------


def carried_messages_dropped(patch: Patch) -> None:
    patch.setattr(endings, "_carry", lambda step: step.change(waiting=()))


def carried_for_ever(patch: Patch) -> None:
    patch.setattr(endings, "_carry", lambda step: None)


def carried_twice(patch: Patch) -> None:
    def doubled(step: Stepping) -> None:
        step.change(waiting=(*step.conversation.waiting, *step.conversation.waiting))

    patch.setattr(endings, "_carry", doubled)


def lost_without_a_word(patch: Patch) -> None:
    for room in (sending, endings, troubles):
        patch.setattr(room, "lose", lambda step, message, why: None)


def lost_and_only_noted(patch: Patch) -> None:
    def quiet(step: Stepping, message: Waiting, why: str) -> None:
        step.settle(message.delivery, DeliveryState.DEAD, why)

    for room in (sending, endings, troubles):
        patch.setattr(room, "lose", quiet)


def a_session_is_never_forgotten(patch: Patch) -> None:
    def keeping(step: Stepping, session: Session) -> None:
        step.change(session=None, in_flight=None)

    patch.setattr(endings, "_forget", keeping)


def a_session_is_forgotten_and_kept(patch: Patch) -> None:
    forget = endings._forget

    def undecided(step: Stepping, session: Session) -> None:
        forget(step, session)
        if not session.end_echoed:
            step.change(session=session)

    patch.setattr(endings, "_forget", undecided)


def _opening(patch: Patch, *, lost: bool) -> None:
    opened = conversation._opened

    def mistaken(step: Stepping, event: e.SessionOpened) -> None:
        step.change(lost_session=lost)
        opened(step, event)

    patch.setattr(conversation, "_opened", mistaken)


def every_session_is_told_as_new(patch: Patch) -> None:
    _opening(patch, lost=True)


def no_session_is_told_as_new(patch: Patch) -> None:
    _opening(patch, lost=False)


def each_failure_is_told(patch: Patch) -> None:
    def talkative(step: Stepping) -> None:
        step.notice(NoticeKind.UNAVAILABLE)

    for room in (conversation, endings, troubles):
        patch.setattr(room, "tell_unavailable", talkative)


def parked_for_ever(patch: Patch) -> None:
    patch.setattr(deadlines, "_parked", lambda step: None)


def nothing_done_about_a_silent_agent(patch: Patch) -> None:
    patch.setattr(conversation, "woke", lambda step: None)


# -- what the thread shows -------------------------------------------------------------------------


def suggestions_stay(patch: Patch) -> None:
    def lazy(step: Stepping, chosen: Choice | None) -> None: ...

    for room in (saying, controls, corrections, endings, showing):
        patch.setattr(room, "retire", lazy)


def pieces_joined_by_a_space(patch: Patch) -> None:
    message = Stream.message

    def spaced(self: Stream) -> object:
        whole = message(self)
        return msgspec.structs.replace(whole, text=" ".join(p.chunk.text for p in self.pieces))

    patch.setattr(Stream, "message", spaced)


def streams_whole_too_soon(patch: Patch) -> None:
    patch.setattr(Stream, "whole", property(lambda self: self.complete))


def revisions_ignored(patch: Patch) -> None:
    patch.setattr(showing, "_revise", lambda step, session, told, reply, *, whole: None)


def revisions_posted_anew(patch: Patch) -> None:
    def again(
        step: Stepping, session: Session, told: Told, reply: AgentReply, *, whole: bool
    ) -> None:
        step.post(reply)

    patch.setattr(showing, "_revise", again)


def only_longer_is_better(patch: Patch) -> None:
    revise = showing._revise

    def greedy(
        step: Stepping, session: Session, told: Told, reply: AgentReply, *, whole: bool
    ) -> None:
        if len(reply.text) > len(told.reply.text):
            revise(step, session, told, reply, whole=whole)

    patch.setattr(showing, "_revise", greedy)


def a_stalled_stream_is_closed(patch: Patch) -> None:
    look = following.look_after_stream

    def impatient(step: Stepping, session: Session, stream: Stream) -> None:
        look(step, session, stream)
        now = step.conversation.session
        if now is not None:
            step.change_session(streams=tuple(s for s in now.streams if not s.told))

    patch.setattr(deadlines, "look_after_stream", impatient)


def a_stalled_stream_is_told_anew(patch: Patch) -> None:
    patch.setattr(showing, "is_shown", lambda session, message_id: False)
    patch.setattr(following, "is_shown", lambda session, message_id: False)
    shows = showing.show

    def forgetful(
        step: Stepping, reply: AgentReply, message_id: str, *, whole: bool = False
    ) -> None:
        shows(step, reply, "", whole=whole)

    patch.setattr(following, "show", forgetful)


def the_last_words_are_not_shown(patch: Patch) -> None:
    said = following._agent_said

    def deaf(step: Stepping, message: AgentMessage, *, whole: bool = False) -> None:
        empty = msgspec.structs.replace(message, text="") if message.ends_conversation else message
        said(step, empty, whole=whole)

    patch.setattr(following, "_agent_said", deaf)


def mail_in_reverse(patch: Patch) -> None:
    patch.setattr(deciding, "_in_order", lambda mail: mail[::-1])


def another_post_is_replaced(patch: Patch) -> None:
    def careless(self: Stepping, target: DeliveryId, content: Content) -> None:
        self.effects.append(Owe(self.new_id(), Replace(DeliveryId(f"{target}0"), content)))

    patch.setattr(Stepping, "replace", careless)


# -- troubles and second tries ---------------------------------------------------------------------


def presses_ignored(patch: Patch) -> None:
    patch.setattr(saying, "take_retry", lambda step, delivery: None)


def _retry_of(step: Stepping, delivery: DeliveryId) -> Retry | None:
    return next((r for r in step.conversation.retries if r.delivery == delivery), None)


def each_press_counts(patch: Patch) -> None:
    patch.setattr(saying, "take_retry", _retry_of)


def a_button_stays_after_the_press(patch: Patch) -> None:
    def untidy(step: Stepping, delivery: DeliveryId) -> Retry | None:
        found = _retry_of(step, delivery)
        step.change(retries=tuple(r for r in step.conversation.retries if r is not found))
        return found

    patch.setattr(saying, "take_retry", untidy)


def troubles_told_twice(patch: Patch) -> None:
    offer = troubles._offer

    def loud(step: Stepping, words: str, message: Heard | None) -> None:
        offer(step, words, message)
        offer(step, words, message)

    patch.setattr(troubles, "_offer", loud)


def troubles_kept_quiet(patch: Patch) -> None:
    patch.setattr(troubles, "_offer", lambda step, words, message: None)


def an_overload_is_forgotten(patch: Patch) -> None:
    def forgetful(step: Stepping, session: Session) -> None:
        if session.grace is not None and step.now >= session.grace.until:
            step.change_session(grace=None)

    patch.setattr(deadlines, "overdue_grace", forgetful)


def every_refused_start_is_told(patch: Patch) -> None:
    change_session = Stepping.change_session

    def forgetful(self: Stepping, **fields: Any) -> None:  # noqa: ANN401 - as it is called
        fields.pop("start_refused", None)
        change_session(self, **fields)

    patch.setattr(Stepping, "change_session", forgetful)


# -- helpers ---------------------------------------------------------------------------------------


def helpers_called_twice(patch: Patch) -> None:
    call = handoffs._call_helpers

    def loud(step: Stepping, asked: HandoffElsewhere, *, place: str, mention: str) -> None:
        call(step, asked, place=place, mention=mention)
        call(step, asked, place=place, mention=mention)

    patch.setattr(handoffs, "_call_helpers", loud)


def helpers_not_called(patch: Patch) -> None:
    patch.setattr(handoffs, "_call_helpers", lambda step, asked, *, place, mention: None)


def the_agent_listens_on(patch: Patch) -> None:
    call = handoffs._call_helpers

    def curious(step: Stepping, asked: HandoffElsewhere, *, place: str, mention: str) -> None:
        call(step, asked, place=place, mention=mention)
        step.change(call=None)

    patch.setattr(handoffs, "_call_helpers", curious)


def the_agent_never_listens_again(patch: Patch) -> None:
    said = saying.said

    def deaf(step: Stepping, message: e.MessageAccepted) -> None:
        said(step, e.MessageAccepted(message.text, message.person))

    patch.setattr(conversation, "said", deaf)


# -- messages that grow ----------------------------------------------------------------------------


def growth_is_posted_anew(patch: Patch) -> None:
    grow = growing.grow

    def loud(step: Stepping, stream: Stream) -> None:
        grow(step, stream)
        grown = [effect for effect in step.effects if isinstance(effect, Grow)]
        step.effects = [effect for effect in step.effects if not isinstance(effect, Grow)]
        for effect in grown:
            step.post(msgspec.structs.replace(effect.reply, unfinished=False))

    patch.setattr(following, "grow", loud)


def a_stalled_message_is_never_ended(patch: Patch) -> None:
    patch.setattr(following, "look_after_stream", lambda step, session, stream: None)
    patch.setattr(deadlines, "look_after_stream", _given_up_in_silence)


def _given_up_in_silence(step: Stepping, session: Session, stream: Stream) -> None:
    step.change_session(streams=tuple(s for s in session.streams if s is not stream))


def what_is_lost_stays_unfinished(patch: Patch) -> None:
    patch.setattr(endings, "show_unfinished", lambda step: None)


def a_replay_shrinks_what_is_shown(patch: Patch) -> None:
    grow = growing.grow

    def hasty(step: Stepping, stream: Stream) -> None:
        session = step.conversation.session
        told = showing.told_as(session, stream.message_id) if session is not None else None
        if told is not None and told.reply.unfinished and session is not None:
            reply = msgspec.structs.replace(told.reply, text=stream.beginning)
            step.effects.append(Grow(told.deliveries[-1], reply))
        else:
            grow(step, stream)

    patch.setattr(following, "grow", hasty)


def an_ended_message_grows_on(patch: Patch) -> None:
    patch.setattr(deciding, "_overtaken", lambda effect, after: False)


# -- the table -------------------------------------------------------------------------------------

#: Each law of the rehearsal, as it is worded where it is checked, and the faults it must catch.
LAWS: dict[str, tuple[Fault, ...]] = {
    # what people say
    "something a person said was never looked at": (entries_never_done,),
    "something said was never owed to the agent": (
        the_same_words_are_one_message,
        the_agent_never_listens_again,
    ),
    "the agent is owed what nobody said": (said_for_good_measure_twice,),
    "a message was received in more than two sessions": (carried_for_ever,),
    "a message is neither confirmed nor told as undelivered": (
        never_resent,
        carried_messages_dropped,
        lost_without_a_word,
        any_echo_confirms,
        changed_words_are_forgotten,
    ),
    "a message was confirmed that never arrived": (any_error_is_a_receipt,),
    "what was not delivered was not told": (lost_and_only_noted,),
    "a message was given up too soon": (given_up_at_the_first_doubt,),
    "the agent heard things in another order": (newest_first, changed_words_go_last),
    "the agent is sent what was changed or taken back before": (both_texts_are_sent,),
    "a suggestion was chosen twice": (suggestions_stay,),
    "a text was to be sent again and was not": (presses_ignored,),
    "a text was sent again more than once": (each_press_counts,),
    "a press is offered for ever": (a_button_stays_after_the_press,),
    # what the agent hears
    "the agent was asked to join twice": (joined_again_on_every_socket,),
    "a message came before the agent was asked to join": (spoken_to_before_it_joined,),
    "a message was sent twice in one session": (
        resent_without_a_replay,
        carried_twice,
        what_is_in_flight_not_committed,
    ),
    # what the thread shows
    "the agent is shown twice": (
        known_frames_followed_again,
        newer_means_above_the_floor,
        revisions_posted_anew,
        a_stalled_stream_is_told_anew,
        growth_is_posted_anew,
    ),
    "a message stays unfinished": (
        a_stalled_message_is_never_ended,
        what_is_lost_stays_unfinished,
    ),
    "a growing message shows less than before": (a_replay_shrinks_what_is_shown,),
    "what is not unfinished grows": (an_ended_message_grows_on,),
    "the thread shows what the agent never said": (pieces_joined_by_a_space,),
    "the agent said something the thread never showed": (the_last_words_are_not_shown,),
    "the thread does not show what the agent said last": (
        revisions_ignored,
        only_longer_is_better,
        streams_whole_too_soon,
    ),
    "the agent is shown in another order": (mail_in_reverse,),
    "the cursor passed something unfinished": (
        cursor_over_a_stream,
        cursor_at_the_highest_number,
        a_stalled_stream_is_closed,
    ),
    "what never stood there is replaced": (another_post_is_replaced,),
    # what is told of troubles, once
    "a trouble was told more often than it came": (troubles_told_twice,),
    "a trouble was told that the bridge deals with itself": (any_error_is_a_receipt,),
    "a refused start was told twice in one session": (every_refused_start_is_told,),
    "a trouble was not told": (troubles_kept_quiet,),
    "an overload that did not pass was not told": (an_overload_is_forgotten, troubles_kept_quiet),
    "the agent is told to be away once more": (each_failure_is_told,),
    "a new session is told although none was lost": (
        every_session_is_told_as_new,
        a_session_is_never_forgotten,
    ),
    "a lost session was not told": (no_session_is_told_as_new,),
    # helpers
    "helpers were called twice": (helpers_called_twice,),
    "helpers were not called": (helpers_not_called,),
    "the agent overheard what people say": (the_agent_listens_on,),
    # the machine
    "it would be woken for ever": (nothing_done_about_a_silent_agent, parked_for_ever),
    "it never comes to rest": (waited_for_and_never_resent,),
    "the store gives back something else": (a_list_where_a_tuple_comes_back,),
    "two deliveries have one id": (ids_given_twice,),
    "a message was settled twice": (a_receipt_leaves_it_in_flight,),
    "a session was left twice": (a_session_is_forgotten_and_kept,),
}


class Noticed(Exception):
    """The law we look for was broken."""


#: The faults that only messages which grow can show.
GROWING: tuple[Fault, ...] = (
    growth_is_posted_anew,
    a_stalled_message_is_never_ended,
    what_is_lost_stays_unfinished,
    a_replay_shrinks_what_is_shown,
    an_ended_message_grows_on,
)


def _play(story: list[Move], broken: str, *, streaming: bool) -> None:
    """A story, of which only one law is of interest."""
    try:
        rehearse(story, streaming=streaming)
    except LawBroken as found:
        if str(found) == broken:
            raise Noticed from found


def _search(broken: str, *, streaming: bool) -> None:
    @settings(
        max_examples=500,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(moves=MOVES)
    def at_random(moves: list[Move]) -> None:
        _play(moves, broken, streaming=streaming)

    for story in STORIES.values():
        _play(story, broken, streaming=streaming)
    at_random()


CASES = [(law, fault) for law, faults in LAWS.items() for fault in faults]


@pytest.mark.parametrize(("law", "fault"), CASES, ids=lambda c: getattr(c, "__name__", c))
def test_the_law_notices_the_fault(law: str, fault: Fault, monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises(Noticed):
        _search(law, streaming=fault in GROWING)


def test_no_law_is_without_a_fault() -> None:
    rooms = ("laws", "modelled_agent", "rehearsal", "witness")
    code = "".join((Path(__file__).parent / f"{room}.py").read_text() for room in rooms)
    worded = re.findall(r'law\([^"]*?"([a-z][^"]+)"', re.sub(r'\w\["\w+"\]', "", code))
    worded += re.findall(r'broken="([^"]+)"', code)
    assert set(worded) == set(LAWS)
