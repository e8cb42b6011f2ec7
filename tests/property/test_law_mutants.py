"""Would each law notice? A table: each law of the assembler, the journal, the order of frames and
of people, with the faults it must catch; a law without a fault proves nothing.

Here, as in `test_mutants`, our own code is patched; nowhere else.
"""

import itertools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings

from bridge.core import (
    assembly,
    controls,
    conversation,
    corrections,
    following,
    journal,
    once,
    ordering,
    saying,
    sending,
    speakers,
    threads,
)
from bridge.core.assembly import Piece, Stream
from bridge.core.journal import Journal
from bridge.core.ordering import Arrivals
from bridge.core.showing import show
from bridge.core.state import InFlight, Session, Waiting
from bridge.core.stepping import Stepping
from bridge.model.frames import AgentMessage, Frame
from bridge.model.messages import AgentReply
from bridge.runtime import deciding
from tests.property import test_assembly, test_journal, test_ordering, test_people

pytestmark = pytest.mark.thorough

Patch = pytest.MonkeyPatch
Law = Callable[[], None]
Fault = Callable[[Patch], None]

# -- the assembler ---------------------------------------------------------------------------------


def pieces_in_the_order_they_came(patch: Patch) -> None:
    patch.setattr(assembly, "_index", lambda piece: 0)


def pieces_sorted_by_sequence(patch: Patch) -> None:
    patch.setattr(assembly, "_index", lambda piece: piece.sequence or 0)


def pieces_sorted_as_text(patch: Patch) -> None:
    patch.setattr(assembly, "_index", lambda piece: str(piece.chunk.index))


def unnumbered_pieces_sorted_by_length(patch: Patch) -> None:
    patch.setattr(assembly, "_index", lambda piece: (piece.chunk.index or 0, len(piece.chunk.text)))


def repeated_pieces_kept(patch: Patch) -> None:
    patch.setattr(assembly, "_placed", lambda pieces, new: (*pieces, new))


def the_first_copy_of_a_piece_wins(patch: Patch) -> None:
    placed = assembly._placed

    def stubborn(pieces: tuple[Piece, ...], new: Piece) -> tuple[Piece, ...]:
        known = any(p.chunk.index == new.chunk.index is not None for p in pieces)
        return pieces if known else placed(pieces, new)

    patch.setattr(assembly, "_placed", stubborn)


def the_last_copy_of_a_piece_wins(patch: Patch) -> None:
    def fickle(pieces: tuple[Piece, ...], new: Piece) -> tuple[Piece, ...]:
        index = new.chunk.index
        return (*(p for p in pieces if index is None or p.chunk.index != index), new)

    patch.setattr(assembly, "_placed", fickle)


def _told_otherwise(patch: Patch, change: Callable[[Stream, AgentMessage], AgentMessage]) -> None:
    message = Stream.message
    patch.setattr(Stream, "message", lambda self: change(self, message(self)))


def texts_stripped(patch: Patch) -> None:
    _told_otherwise(patch, lambda _, m: msgspec.structs.replace(m, text=m.text.strip()))


def attachments_of_the_last_piece_only(patch: Patch) -> None:
    def last(stream: Stream, m: AgentMessage) -> AgentMessage:
        final = next((p.chunk for p in stream.pieces if p.chunk.complete), None)
        return msgspec.structs.replace(m, attachments=final.attachments if final else ())

    _told_otherwise(patch, last)


def suggestions_repeated(patch: Patch) -> None:
    patch.setattr(
        assembly,
        "_distinct_suggestions",
        lambda chunks: tuple(s for chunk in chunks for s in chunk.suggestions),
    )


def calls_forgotten(patch: Patch) -> None:
    _told_otherwise(patch, lambda _, m: msgspec.structs.replace(m, call_actions=()))


def whole_with_its_final_piece(patch: Patch) -> None:
    patch.setattr(Stream, "whole", property(lambda self: self.complete))


def whole_from_the_first_piece_there_is(patch: Patch) -> None:
    def lenient(self: Stream) -> bool:
        seen = {p.chunk.index or 0 for p in self.pieces}
        return self.complete and seen == set(range(min(seen), max(seen) + 1))

    patch.setattr(Stream, "whole", property(lenient))


def always_counted_from_nought(patch: Patch) -> None:
    def strict(self: Stream) -> bool:
        seen = {p.chunk.index for p in self.pieces}
        last = max((p.chunk.index or 0 for p in self.pieces if p.chunk.complete), default=0)
        return self.complete and seen >= set(range(last + 1))

    patch.setattr(Stream, "whole", property(strict))


def the_first_number_is_that_of_the_first_to_come(patch: Patch) -> None:
    first = property(lambda self: self.pieces[0].sequence if self.pieces else None)
    patch.setattr(Stream, "first_sequence", first)


def the_first_number_is_the_highest(patch: Patch) -> None:
    highest = property(lambda self: max((p.sequence for p in self.pieces), default=None))
    patch.setattr(Stream, "first_sequence", highest)


def all_pieces_are_of_one_message(patch: Patch) -> None:
    streamed = following._agent_streamed

    def confused(step: object, session: object, chunk: object, sequence: int | None) -> None:
        one = msgspec.structs.replace(chunk, message_id="one")  # type: ignore[type-var]
        streamed(step, session, one, sequence)  # type: ignore[arg-type]

    patch.setattr(following, "_agent_streamed", confused)


def a_new_message_closes_the_others(patch: Patch) -> None:
    said = following._agent_said

    def jealous(step: object, message: AgentMessage) -> None:
        said(step, message)  # type: ignore[arg-type]
        step.change_session(streams=())  # type: ignore[attr-defined]

    patch.setattr(following, "_agent_said", jealous)


def what_is_shown_is_shown_again(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: False)
    patch.setattr(following, "is_shown", lambda session, message_id: False)
    patch.setattr(following, "says_more", lambda session, message: True)

    def anew(step: Stepping, reply: AgentReply, message_id: str, *, whole: bool = False) -> None:
        show(step, reply, "", whole=whole)

    patch.setattr(following, "show", anew)


# -- the journal -----------------------------------------------------------------------------------


def nothing_is_known(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: False)


def newer_means_above_the_floor(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: (frame.sequence or 0) <= self.floor)


def newer_means_above_the_highest(patch: Patch) -> None:
    def above(self: Journal, frame: Frame) -> bool:
        return (frame.sequence or 0) <= max((high for _, high in self.ranges), default=-1)

    patch.setattr(Journal, "knows", above)


def any_unnumbered_frame_is_known(patch: Patch) -> None:
    knows = Journal.knows
    patch.setattr(Journal, "knows", lambda self, f: f.sequence is None or knows(self, f))


def neighbours_swallowed(patch: Patch) -> None:
    joined = journal._with

    def greedy(ranges: tuple[journal.Range, ...], number: int) -> tuple[journal.Range, ...]:
        return joined(joined(ranges, number), number + 1)

    patch.setattr(journal, "_with", greedy)


def ranges_never_joined(patch: Patch) -> None:
    patch.setattr(
        journal, "_with", lambda ranges, number: tuple(sorted((*ranges, (number, number))))
    )


def ranges_in_the_order_they_came(patch: Patch) -> None:
    joined = journal._with

    def unsorted(ranges: tuple[journal.Range, ...], number: int) -> tuple[journal.Range, ...]:
        known = any(low <= number <= high for low, high in ranges)
        apart = not any(low - 1 <= number <= high + 1 for low, high in ranges)
        return (*ranges, (number, number)) if apart and not known else joined(ranges, number)

    patch.setattr(journal, "_with", unsorted)


def the_floor_is_the_highest(patch: Patch) -> None:
    patch.setattr(
        journal, "_contiguous", lambda ranges, floor: max((h for _, h in ranges), default=floor)
    )


def the_floor_passes_a_gap_of_one(patch: Patch) -> None:
    def lenient(ranges: tuple[journal.Range, ...], floor: int) -> int:
        for low, high in ranges:
            floor = max(floor, high) if low <= floor + 2 else floor
        return floor

    patch.setattr(journal, "_contiguous", lenient)


def the_cursor_passes_a_stream(patch: Patch) -> None:
    patch.setattr(Journal, "cursor", lambda self, unfinished=None: self.floor)


def the_cursor_stands_on_the_first_piece(patch: Patch) -> None:
    def on_it(self: Journal, unfinished: int | None = None) -> int:
        return self.floor if unfinished is None else min(self.floor, unfinished)

    patch.setattr(Journal, "cursor", on_it)


def live_frames_count_as_replayed(patch: Patch) -> None:
    follow = Journal.follow
    patch.setattr(
        Journal, "follow", lambda self, frame, *, replayed: follow(self, frame, replayed=True)
    )


# -- the order of frames ---------------------------------------------------------------------------


def nothing_waits(patch: Patch) -> None:
    patch.setattr(Arrivals, "live", lambda self, frame, now: (frame,))


def history_is_not_waited_for(patch: Patch) -> None:
    live = Arrivals.live

    def hasty(self: Arrivals, frame: Frame, now: object) -> tuple[Frame, ...]:
        self._settled = True
        return live(self, frame, now)  # type: ignore[arg-type]

    patch.setattr(Arrivals, "live", hasty)


def everything_waits(patch: Patch) -> None:
    def patient(self: Arrivals, frame: Frame, now: object) -> tuple[Frame, ...]:
        self._held.append(frame)
        return ()

    patch.setattr(Arrivals, "live", patient)


def no_patience(patch: Patch) -> None:
    patch.setattr(ordering, "PATIENCE", ordering.PATIENCE / 5)


def endless_patience(patch: Patch) -> None:
    patch.setattr(ordering, "PATIENCE", ordering.PATIENCE * 1000)


def only_one_frame_is_let_through(patch: Patch) -> None:
    release = Arrivals._release
    patch.setattr(Arrivals, "_release", lambda self, now: release(self, now)[:1])


def held_frames_are_let_through_newest_first(patch: Patch) -> None:
    release = Arrivals._release
    patch.setattr(Arrivals, "_release", lambda self, now: release(self, now)[::-1])


def held_frames_are_not_sorted(patch: Patch) -> None:
    def queueing(self: Arrivals, frame: Frame, now: object) -> tuple[Frame, ...]:
        if frame.sequence is None:
            return (frame,)
        self._held.append(frame)
        return self._release(now) if self._settled else ()  # type: ignore[arg-type]

    patch.setattr(Arrivals, "live", queueing)


def old_frames_are_dropped(patch: Patch) -> None:
    live = Arrivals.live

    def proud(self: Arrivals, frame: Frame, now: object) -> tuple[Frame, ...]:
        old = frame.sequence is not None and frame.sequence <= self._released
        return () if old else live(self, frame, now)  # type: ignore[arg-type]

    patch.setattr(Arrivals, "live", proud)


def counting_begins_at_nought(patch: Patch) -> None:
    def forgetful(self: Arrivals, *, after: int) -> None:
        self._released, self._settled, self._held, self._since = 0, False, [], None

    patch.setattr(Arrivals, "__init__", forgetful)


# -- people ---------------------------------------------------------------------------------------


def a_lost_thread_is_written_in(patch: Patch) -> None:
    patch.setattr(conversation, "keep_silent", lambda step: None)


def what_a_lost_thread_showed_is_remembered(patch: Patch) -> None:
    def forgetful(step: Stepping) -> None:
        if step.conversation.thread_lost:
            step.effects = [effect for effect in step.effects if not threads._shows(effect)]

    patch.setattr(conversation, "keep_silent", forgetful)


def what_waits_for_a_lost_thread_goes_on_waiting(patch: Patch) -> None:
    def hopeful(step: Stepping) -> None:
        waiting, wanted = step.conversation.waiting, step.conversation.wanted
        step.change(waiting=())
        threads.lose_thread(step)
        step.change(waiting=waiting, wanted=wanted)

    patch.setattr(conversation, "lose_thread", hopeful)


def what_waits_for_a_lost_thread_is_forgotten(patch: Patch) -> None:
    def careless(step: Stepping) -> None:
        step.change(waiting=())
        threads.lose_thread(step)

    patch.setattr(conversation, "lose_thread", careless)


def both_texts_are_sent(patch: Patch) -> None:
    def untidy(step: Stepping, old: Waiting, new: Waiting | None) -> None:
        step.change(waiting=(*step.conversation.waiting, *([new] if new else [])))

    patch.setattr(corrections, "_put", untidy)


def a_new_start_survives_its_thread(patch: Patch) -> None:
    lose = threads.lose_thread

    def stubborn(step: Stepping) -> None:
        lose(step)
        step.change_session(starts_again=True)

    patch.setattr(conversation, "lose_thread", stubborn)


def everybody_hears_what_one_asked(patch: Patch) -> None:
    post = Stepping.post
    patch.setattr(Stepping, "post", lambda self, content, only_for=None: post(self, content))


def every_press_is_answered(patch: Patch) -> None:
    for room in (once, controls, saying):
        patch.setattr(room, "once", lambda *args, **more: True)


def no_press_is_answered(patch: Patch) -> None:
    for room in (controls, saying):
        patch.setattr(room, "stale", lambda *args: None)


def anybody_counts(patch: Patch) -> None:
    patch.setattr(deciding, "_counts", lambda mail, conversation: True)


def who_does_not_count_is_never_done_with(patch: Patch) -> None:
    change = deciding._change

    def untidy(*args: Any) -> object:  # noqa: ANN401 - as it is called
        before, after, effects, mail, now = args
        counted = [one for one in mail if deciding._counts(one, after)]
        return change(before, after, effects, counted, now)

    patch.setattr(deciding, "_change", untidy)


def nobody_is_named(patch: Patch) -> None:
    patch.setattr(speakers, "note_speaker", lambda step, person: None)
    patch.setattr(saying, "note_speaker", lambda step, person: None)
    patch.setattr(sending, "sender", lambda step, message: None)


def only_some_are_named(patch: Patch) -> None:
    wanted = speakers._wanted
    whims = itertools.cycle([True, True, False])
    patch.setattr(speakers, "_wanted", lambda step: wanted(step) and next(whims))


def a_repeat_is_worded_anew(patch: Patch) -> None:
    transmit = sending._transmit

    def forgetful(step: Stepping, session: Session, flight: InFlight) -> None:
        message = flight.message
        text = speakers.as_sent(step, message.text, message.person) if message else ""
        transmit(step, session, msgspec.structs.replace(flight, text=text))

    patch.setattr(sending, "_transmit", forgetful)


# -- the table -------------------------------------------------------------------------------------

#: Each law, and the faults it must catch.
LAWS: dict[Law, tuple[Fault, ...]] = {
    test_assembly.test_any_order_and_any_repetition_give_the_same_message: (
        pieces_in_the_order_they_came,
        pieces_sorted_as_text,
        repeated_pieces_kept,
        texts_stripped,
        attachments_of_the_last_piece_only,
        suggestions_repeated,
        calls_forgotten,
        always_counted_from_nought,
        the_first_number_is_the_highest,
    ),
    test_assembly.test_the_same_piece_in_a_frame_of_its_own_changes_nothing: (
        repeated_pieces_kept,
        pieces_sorted_by_sequence,
    ),
    test_assembly.test_a_corrected_piece_wins_whenever_it_comes: (
        the_first_copy_of_a_piece_wins,
        the_last_copy_of_a_piece_wins,
    ),
    test_assembly.test_nothing_is_whole_while_a_piece_is_missing: (
        whole_with_its_final_piece,
        whole_from_the_first_piece_there_is,
    ),
    test_assembly.test_without_an_index_the_order_of_arrival_counts: (
        always_counted_from_nought,
        unnumbered_pieces_sorted_by_length,
    ),
    test_assembly.test_the_first_number_is_the_lowest_that_counts: (
        the_first_number_is_that_of_the_first_to_come,
        the_first_number_is_the_highest,
    ),
    test_assembly.test_messages_mixed_with_each_other_are_each_told_once_and_whole: (
        all_pieces_are_of_one_message,
        a_new_message_closes_the_others,
        what_is_shown_is_shown_again,
        whole_with_its_final_piece,
    ),
    test_journal.test_exactly_what_was_followed_is_known: (
        nothing_is_known,
        newer_means_above_the_floor,
        newer_means_above_the_highest,
        neighbours_swallowed,
    ),
    test_journal.test_a_frame_without_a_number_is_known_by_its_id: (
        nothing_is_known,
        any_unnumbered_frame_is_known,
    ),
    test_journal.test_the_order_of_arrival_does_not_matter: (ranges_in_the_order_they_came,),
    test_journal.test_the_ranges_are_sorted_and_apart: (
        ranges_never_joined,
        ranges_in_the_order_they_came,
    ),
    test_journal.test_everything_up_to_the_cursor_was_followed: (
        the_floor_is_the_highest,
        the_floor_passes_a_gap_of_one,
        the_cursor_passes_a_stream,
        the_cursor_stands_on_the_first_piece,
    ),
    test_journal.test_after_any_replay_the_next_one_brings_all_that_is_missing: (
        the_floor_is_the_highest,
        neighbours_swallowed,
    ),
    test_journal.test_each_frame_is_followed_once_through_sockets_and_deaths: (
        nothing_is_known,
        newer_means_above_the_floor,
        newer_means_above_the_highest,
        the_cursor_passes_a_stream,
        live_frames_count_as_replayed,
    ),
    test_ordering.test_without_a_gap_the_order_is_restored: (
        nothing_waits,
        history_is_not_waited_for,
        held_frames_are_not_sorted,
        held_frames_are_let_through_newest_first,
        only_one_frame_is_let_through,
    ),
    test_ordering.test_nothing_is_held_for_ever: (
        everything_waits,
        endless_patience,
        only_one_frame_is_let_through,
        old_frames_are_dropped,
    ),
    test_ordering.test_what_comes_in_order_leaves_in_order_whatever_is_missing: (
        held_frames_are_let_through_newest_first,
        only_one_frame_is_let_through,
    ),
    test_ordering.test_a_frame_is_overtaken_only_after_it_was_waited_for: (
        nothing_waits,
        no_patience,
    ),
    test_ordering.test_frames_without_a_number_never_wait: (everything_waits,),
    test_ordering.test_what_the_cursor_has_passed_is_not_waited_for: (
        old_frames_are_dropped,
        counting_begins_at_nought,
    ),
    test_people.test_a_lost_thread_is_owed_nothing_until_somebody_speaks: (
        a_lost_thread_is_written_in,
    ),
    test_people.test_after_its_thread_nothing_is_opened: (
        what_waits_for_a_lost_thread_goes_on_waiting,
        a_new_start_survives_its_thread,
    ),
    test_people.test_whatever_is_owed_to_the_agent_is_settled_once: (
        what_waits_for_a_lost_thread_is_forgotten,
        both_texts_are_sent,
    ),
    test_people.test_what_is_changed_was_posted_before: (what_a_lost_thread_showed_is_remembered,),
    test_people.test_whoever_asked_is_answered_alone_and_not_twice_in_a_moment: (
        everybody_hears_what_one_asked,
        every_press_is_answered,
    ),
    test_people.test_a_press_that_is_declined_is_not_declined_again_in_a_moment: (
        every_press_is_answered,
        no_press_is_answered,
    ),
    test_people.test_where_only_the_starter_counts_others_might_as_well_be_silent: (
        anybody_counts,
        who_does_not_count_is_never_done_with,
    ),
    test_people.test_from_the_second_speaker_on_each_message_says_who_speaks: (
        nobody_is_named,
        only_some_are_named,
        a_repeat_is_worded_anew,
    ),
}
CASES = [(law, fault) for law, faults in LAWS.items() for fault in faults]


def _named(one: Law | Fault) -> str:
    return one.__name__.removeprefix("test_")


@pytest.mark.parametrize(("law", "fault"), CASES, ids=_named)
def test_the_law_notices_the_fault(law: Law, fault: Fault, monkeypatch: Patch) -> None:
    fault(monkeypatch)
    hasty = settings(test_journal.FAST, phases=[Phase.generate])  # which story is all the same
    monkeypatch.setattr(law, "_hypothesis_internal_use_settings", hasty)
    with pytest.raises(AssertionError):
        law()


@pytest.mark.parametrize(
    "room", [test_assembly, test_journal, test_ordering, test_people], ids=lambda r: r.__name__
)
def test_no_law_is_without_a_fault(room: ModuleType) -> None:
    laws = {law for name, law in vars(room).items() if name.startswith("test_")}
    assert laws <= set(LAWS)


def test_no_fault_is_without_a_law() -> None:
    written = {
        fault
        for name, fault in vars(sys.modules[__name__]).items()
        if callable(fault)
        and getattr(fault, "__annotations__", {}) == {"patch": Patch, "return": None}
    }
    assert written == {fault for faults in LAWS.values() for fault in faults}
