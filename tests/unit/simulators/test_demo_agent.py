"""Ava in the demo: what she tells by herself, and what she leaves to the play."""

import pytest

from bridge.simulators import polyai_frames as frames
from bridge.simulators.demo_agent import CARD, SHELVES, TERMS_END, DemoAgent, terms
from bridge.simulators.polyai_agent import Act, Emit, Party, Pause, Say

WITH_AVA = Party(streaming=True, live=False)
WITH_SAM = Party(streaming=True, live=True)


def chunks(acts: list[Act]) -> list[Emit]:
    return [act for act in acts if isinstance(act, Emit) and act.type == frames.CHUNK]


def test_at_a_terminal_the_terms_come_piece_by_piece_to_their_end() -> None:
    acts = list(DemoAgent().answer(WITH_AVA, "Ann: what are your terms?"))
    told = chunks(acts)
    assert [chunk.payload["text"] for chunk in told] == [*terms(), TERMS_END]
    assert [chunk.payload["chunk_index"] for chunk in told] == list(range(1, len(told) + 1))
    assert [chunk.payload["is_complete"] for chunk in told] == [False] * (len(told) - 1) + [True]
    assert sum(isinstance(act, Pause) for act in acts) == len(told) - 1


def test_the_terms_told_twice_are_two_messages() -> None:
    ava = DemoAgent()
    named = [chunks(list(ava.answer(WITH_AVA, "terms")))[0].payload["message_id"] for _ in "12"]
    assert len(set(named)) == 2


@pytest.mark.parametrize("question", ["What are your terms?", "Can I talk to a person?"])
def test_in_a_play_what_takes_several_steps_is_left_to_the_play(question: str) -> None:
    ava = DemoAgent()
    ava.prompted = True
    emitted = [a.type for a in ava.answer(WITH_AVA, question) if isinstance(a, Emit)]
    assert emitted == [frames.THINKING]


def test_what_is_for_sale_has_a_card_and_more_suggestions_than_buttons() -> None:
    said = next(a for a in DemoAgent().answer(WITH_AVA, "Do you sell pans?") if isinstance(a, Say))
    assert said.attachments == (CARD,)
    assert said.suggestions == SHELVES
    assert len(SHELVES) > 10


def test_once_sam_is_there_sam_answers() -> None:
    acts = DemoAgent().answer(WITH_SAM, "What are your terms?")
    assert {act.agent_id for act in acts if isinstance(act, Say)} == {"live-sam"}
