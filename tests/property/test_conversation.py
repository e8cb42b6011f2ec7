"""Whatever breaks, and whenever: nothing is lost, nothing is said or shown twice."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.model.messages import NoticeKind
from tests.examples import many
from tests.property.laws import check
from tests.property.rehearsal import Move, Rehearsal

#: How likely each thing is. Mostly the world works, else nothing interesting is ever reached.
LIKELY = {
    "connect": 6,
    "deliver": 9,
    "serve": 8,
    "say": 5,
    "speak": 3,
    "calm": 4,
    "drop": 4,
    "crash": 3,
    "tick": 2,
    "swap": 2,
    "overdue": 2,
    "delay": 4,
    "click": 2,
    "repeat": 1,
    "vanish": 1,
    "start": 1,
    "end": 1,
    "goodbye": 1,
    "forget_agent": 1,
    "go_on": 2,
    "complain": 2,
    "refuse_start": 1,
    "refer": 1,
    "retry": 2,
    "edit": 2,
    "delete": 1,
    "ask": 1,
    "unavailable": 1,
    "sleep": 2,
}
VERBS = [verb for verb, weight in LIKELY.items() for _ in range(weight)]
MOVES = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 63)), min_size=10, max_size=80)

#: A greeting followed and a message under way: where most stories begin.
PROLOGUE: list[Move] = [
    ("say", 1), ("connect", 0), ("connect", 0), ("deliver", 7), ("serve", 19), ("deliver", 7),
]  # fmt: skip


def rehearse(
    moves: list[Move],
    *,
    prologue: bool = True,
    echo_metadata: bool = True,
    streaming: bool = False,
) -> None:
    """Play it all and check the laws."""
    world = Rehearsal(echo_metadata=echo_metadata, streaming=streaming)
    world.play([*PROLOGUE, *moves] if prologue else moves)
    check(world)


@settings(
    max_examples=many(300),
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(moves=MOVES, prologue=st.booleans(), echo_metadata=st.booleans(), streaming=st.booleans())
def test_nothing_is_lost_and_nothing_is_repeated(
    moves: list[Move], prologue: bool, echo_metadata: bool, streaming: bool
) -> None:
    rehearse(moves, prologue=prologue, echo_metadata=echo_metadata, streaming=streaming)


#: Faults that few stories reveal, so these are always told.
STORIES: dict[str, list[Move]] = {
    "the process dies after a resumed socket let a kept message go": [
        ("calm", 63), ("drop", 0), ("say", 4), ("connect", 32), ("serve", 8), ("crash", 0),
    ],
    "the last piece of a stream overtakes the one before it by more than patience": [
        ("calm", 63), ("say", 4), ("serve", 19), ("deliver", 2), ("delay", 0),
        ("overdue", 0), ("calm", 63),
    ],
    "a suggestion is clicked twice": [
        ("calm", 63), ("speak", 7), ("calm", 63), ("click", 0), ("click", 0),
    ],
    "the process dies in the middle of a stream": [
        ("calm", 63), ("drop", 0), ("speak", 1), ("speak", 1), ("calm", 63), ("speak", 27),
        ("deliver", 2), ("crash", 0), ("calm", 63),
    ],
    "the process dies while a message grows": [
        ("calm", 63), ("drop", 0), ("speak", 1), ("speak", 1), ("calm", 63), ("speak", 27),
        ("deliver", 4), ("overdue", 0), ("crash", 0), ("connect", 32), ("calm", 63),
    ],
    "three sessions are lost before they can say what they received": [
        ("vanish", 0), ("say", 4), *3 * [
            ("connect", 0), ("connect", 0), ("deliver", 7), ("serve", 0), ("deliver", 7),
            ("serve", 0), ("vanish", 0), ("connect", 0),
        ],
    ],
    "a session is lost as soon as it confirmed": [
        ("calm", 63), ("say", 4), ("serve", 0), ("deliver", 7), ("vanish", 0), ("connect", 0),
    ],
    "an answer is revised when it stands already": [
        ("calm", 63), ("speak", 38), ("calm", 63), ("speak", 46), ("calm", 63), ("speak", 54),
    ],
    "a stream stalls and goes on": [
        ("calm", 63), ("speak", 61), ("calm", 63), ("tick", 0), ("go_on", 0), ("calm", 63),
        ("go_on", 1),
    ],
    "no answer comes, and the text is sent again, with two clicks on one button": [
        ("calm", 63), ("say", 4), ("serve", 0), ("calm", 63), ("complain", 1), ("calm", 63),
        ("retry", 0), ("retry", 0), ("calm", 63),
    ],
    "an overload that lasts": [
        ("calm", 63), ("say", 4), ("serve", 0), ("calm", 63), ("complain", 0), ("calm", 63),
        ("tick", 0),
    ],
    "an overload that passes": [
        ("calm", 63), ("say", 4), ("serve", 0), ("calm", 63), ("complain", 3), ("calm", 63),
    ],
    "PolyAI loses sight of the session three times": [
        ("calm", 63), ("complain", 2), ("calm", 63), ("say", 4), ("complain", 2),
        ("complain", 2), ("calm", 63),
    ],
    "the agent will not start, twice": [
        ("vanish", 0), ("say", 4), ("connect", 0), ("connect", 0), ("connect", 0),
        ("refuse_start", 1), ("calm", 63),
    ],
    "nobody can be reached, for long": [
        ("calm", 63), ("drop", 0), ("say", 4), ("unavailable", 1), ("unavailable", 1),
        ("tick", 0), ("unavailable", 1), ("say", 4), ("unavailable", 1), ("calm", 63),
    ],
    "helpers are called, people talk to each other, and call the agent again": [
        ("calm", 63), ("refer", 0), ("calm", 63), ("say", 4), ("say", 3), ("say", 10), ("say", 4),
        ("calm", 63),
    ],
    "a token dies in a quiet moment": [
        ("vanish", 0), ("say", 4), ("connect", 1), ("connect", 1), ("connect", 1), ("calm", 63),
        ("sleep", 40), ("sleep", 40), ("say", 4), ("calm", 63),
    ],
    "the last words end the conversation": [("calm", 63), ("goodbye", 0), ("say", 4), ("calm", 63)],
    "what waits is changed, and changed again": [
        ("calm", 63), ("drop", 0), ("say", 4), ("say", 4), ("edit", 2), ("edit", 2), ("calm", 63),
    ],
    "what waits is taken back, and so is what was sent": [
        ("calm", 63), ("say", 4), ("say", 4), ("delete", 0), ("delete", 2), ("calm", 63),
    ],
    "somebody starts again, and then presses the button below an old end": [
        ("calm", 63), ("say", 4), ("start", 0), ("say", 4), ("calm", 63), ("end", 0), ("calm", 63),
        ("say", 4), ("calm", 63), *[("start", whim) for whim in range(1, 16, 2)], ("calm", 63),
    ],
    "a quiet conversation is left alone and taken up again": [
        ("calm", 63), ("tick", 0), ("say", 4), ("calm", 63),
    ],
}  # fmt: skip


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "growing"])
@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_well(story: str, streaming: bool) -> None:
    rehearse(STORIES[story], streaming=streaming)


def test_a_quiet_conversation_can_be_ended() -> None:
    world = Rehearsal()
    for verb, whim in [*PROLOGUE, ("calm", 63), ("tick", 0), ("end", 0), ("tick", 0), ("calm", 63)]:
        getattr(world, verb)(whim)
    assert world.witness.notices(NoticeKind.ENDED)


def test_a_world_that_works_shows_everything_once() -> None:
    rehearse([("say", 1), ("serve", 35), ("deliver", 7), ("click", 0)])
