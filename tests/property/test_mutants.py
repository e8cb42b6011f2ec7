"""Would the laws notice? Each test breaks one rule of the core and expects the rehearsal to fail.

This is the one place where our own code is patched: a law that no fault can break proves nothing.
"""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bridge.core import conversation, deadlines, endings, following, sending, showing, troubles
from bridge.core.assembly import Stream
from bridge.core.effects import SendKind
from bridge.core.journal import Journal
from bridge.core.state import Conversation, Session, Waiting
from bridge.core.stepping import Stepping
from bridge.core.system_messages import Answer, Reading
from bridge.model.frames import Frame, MessageEchoed
from bridge.model.ids import DeliveryId
from bridge.model.messages import Choice, Person
from tests.property.modelled_agent import LawBroken
from tests.property.rehearsal import Move
from tests.property.test_conversation import MOVES, STORIES, rehearse

pytestmark = pytest.mark.thorough

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]


@settings(
    max_examples=800,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(moves=MOVES)
def _search(moves: list[Move]) -> None:
    rehearse(moves)


def _tell_everything() -> None:
    for story in STORIES.values():
        rehearse(story)
    _search()


def _cursor_over_a_stream(patch: Patch) -> None:
    patch.setattr(Session, "cursor", property(lambda self: self.journal.floor))


def _cursor_at_the_highest_number(patch: Patch) -> None:
    highest = property(lambda self: max((high for _, high in self.journal.ranges), default=0))
    patch.setattr(Session, "cursor", highest)


def _known_frames_followed_again(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: False)


def _newer_means_above_the_floor(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: (frame.sequence or 0) <= self.floor)


def _resent_without_a_replay(patch: Patch) -> None:
    patch.setattr(deadlines, "verify", lambda step, session: sending.resend(step))


def _never_resent(patch: Patch) -> None:
    patch.setattr(conversation, "_take_up", lambda step, session: step.change(in_flight=None))


def _joined_again_on_every_socket(patch: Patch) -> None:
    take_up = conversation._take_up

    def forgetful(step: Stepping, session: Session) -> None:
        step.change_session(joined=False, join_echoed_at=None)
        take_up(step, session)

    patch.setattr(conversation, "_take_up", forgetful)


def _carried_messages_dropped(patch: Patch) -> None:
    patch.setattr(endings, "_carry", lambda step: step.change(waiting=()))


def _carried_for_ever_twice(patch: Patch) -> None:
    def doubled(step: Stepping) -> None:
        step.change(waiting=(*step.conversation.waiting, *step.conversation.waiting))

    patch.setattr(endings, "_carry", doubled)


def _lost_without_a_word(patch: Patch) -> None:
    patch.setattr(sending, "lose", lambda step, message, why: None)
    patch.setattr(endings, "lose", lambda step, message, why: None)


def _what_is_in_flight_not_committed(patch: Patch) -> None:
    essence = Conversation.essence

    def thinner(self: Conversation) -> Conversation:
        return msgspec.structs.replace(essence(self), in_flight=None, waiting=())

    patch.setattr(Conversation, "essence", thinner)


def _any_echo_confirms(patch: Patch) -> None:
    def credulous(step: Stepping, frame: Frame, echo: MessageEchoed) -> None:
        sending.landed(step, SendKind.MESSAGE)

    patch.setattr(following, "echoed", credulous)


def _any_error_is_a_receipt(patch: Patch) -> None:
    patch.setattr(troubles, "read", lambda message: Reading("any", Answer.SHOW))


def _newest_first(patch: Patch) -> None:
    owe = conversation._owe_agent

    def rude(step: Stepping, text: str, person: Person) -> None:
        owe(step, text, person)
        waiting: tuple[Waiting, ...] = step.conversation.waiting
        step.change(waiting=(*waiting[-1:], *waiting[:-1]))

    patch.setattr(conversation, "_owe_agent", rude)


def _suggestions_stay(patch: Patch) -> None:
    def lazy(step: Stepping, chosen: Choice | None) -> None: ...

    for room in (conversation, endings, showing):
        patch.setattr(room, "retire", lazy)


def _ids_given_twice(patch: Patch) -> None:
    identity = DeliveryId("c1.1")
    patch.setattr(Stepping, "new_id", lambda self: identity)


def _pieces_joined_by_a_space(patch: Patch) -> None:
    message = Stream.message

    def spaced(self: Stream) -> object:
        whole = message(self)
        return msgspec.structs.replace(whole, text=" ".join(p.chunk.text for p in self.pieces))

    patch.setattr(Stream, "message", spaced)


def _streams_whole_too_soon(patch: Patch) -> None:
    patch.setattr(Stream, "whole", property(lambda self: self.complete))


def _nothing_done_about_a_silent_agent(patch: Patch) -> None:
    patch.setattr(conversation, "woke", lambda step: None)


FAULTS: list[Fault] = [
    _cursor_over_a_stream,
    _cursor_at_the_highest_number,
    _known_frames_followed_again,
    _newer_means_above_the_floor,
    _resent_without_a_replay,
    _never_resent,
    _joined_again_on_every_socket,
    _carried_messages_dropped,
    _carried_for_ever_twice,
    _lost_without_a_word,
    _what_is_in_flight_not_committed,
    _any_echo_confirms,
    _any_error_is_a_receipt,
    _newest_first,
    _suggestions_stay,
    _ids_given_twice,
    _pieces_joined_by_a_space,
    _streams_whole_too_soon,
    _nothing_done_about_a_silent_agent,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_the_laws_notice_the_fault(fault: Fault, monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises(LawBroken):
        _tell_everything()
